"""A host read that is the same for every layer is done by a function that remembers the last value."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

CASES = [
    case(
        "item",
        """
        import torch


        def f(o):
            return o["sigmas"][0].⟦item|remember o['sigmas']⟧()
        """,
        """
        from functools import lru_cache

        import torch


        @lru_cache(maxsize=1)
        def _read_sigmas(sigmas):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            return sigmas[0].item()


        def f(o):
            return _read_sigmas(o["sigmas"])
        """,
    ),
    case(
        "a name, in a ternary, with functools there and a docstring",
        """
        \"\"\"Doc.\"\"\"
        import functools

        X = 1  # c

        def f(sigmas):
            return sigmas.detach()[-1].⟦item|remember sigmas⟧() if X else 0
        """,
        """
        \"\"\"Doc.\"\"\"
        import functools


        @functools.lru_cache(maxsize=1)
        def _read_sigmas(sigmas):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            return sigmas.detach()[-1].item()


        X = 1  # c

        def f(sigmas):
            return _read_sigmas(sigmas) if X else 0
        """,
    ),
    case(
        "twice the same, and another",
        """
        def f(o):
            return o["s"].⟦item|remember o['s']⟧() + o["s"].⟦item|remember o['s']⟧()

        def g(o):
            return o["s"].⟦tolist|remember o['s']⟧()
        """,
        """
        from functools import lru_cache


        @lru_cache(maxsize=1)
        def _read_s(s):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            return s.item()


        @lru_cache(maxsize=1)
        def _read_s_2(s):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            return s.tolist()


        def f(o):
            return _read_s(o["s"]) + _read_s(o["s"])

        def g(o):
            return _read_s_2(o["s"])
        """,
    ),
]

REFUSED = [
    refusal("another name", "y = o['s'][i].⟦item|remember o['s']⟧()\n", "more than the one value"),
    refusal("another value", "y = o['t'].⟦item|remember o['s']⟧()\n", "more than the one value"),
    refusal("twice", "y = (s * s).⟦item|remember s⟧()\n", "more than the one value"),
    refusal("f-string", "y = f'{s.⟦item|remember s⟧()}'\n", "f-string"),
]


@pytest.mark.parametrize("case", [*CASES, *REFUSED], ids=lambda case: case.id)
def test_remember(case: Case) -> None:
    case.check()
