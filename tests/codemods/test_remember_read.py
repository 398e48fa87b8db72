"""A host read that is the same for every layer is done by a function that remembers the last value."""

from __future__ import annotations

from typing import Any

import pytest
import torch

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
        import torch

        _last_sigmas = object(), None


        def _read_sigmas(sigmas):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            global _last_sigmas
            last = _last_sigmas
            if last[0] is not sigmas:
                last = _last_sigmas = sigmas, sigmas[0].item()
            return last[1]


        def f(o):
            return _read_sigmas(o["sigmas"])
        """,
    ),
    case(
        "a name, in a ternary, with an import there and a docstring",
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

        _last_sigmas = object(), None


        def _read_sigmas(sigmas):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            global _last_sigmas
            last = _last_sigmas
            if last[0] is not sigmas:
                last = _last_sigmas = sigmas, sigmas.detach()[-1].item()
            return last[1]


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
        _last_s = object(), None


        def _read_s(s):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            global _last_s
            last = _last_s
            if last[0] is not s:
                last = _last_s = s, s.item()
            return last[1]


        _last_s_2 = object(), None


        def _read_s_2(s):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            global _last_s_2
            last = _last_s_2
            if last[0] is not s:
                last = _last_s_2 = s, s.tolist()
            return last[1]


        def f(o):
            return _read_s(o["s"]) + _read_s(o["s"])

        def g(o):
            return _read_s_2(o["s"])
        """,
    ),
]

INDEXED = [
    case(
        "one item of what is brought to the host",
        """
        def f(o, device):
            return o["s"].detach().to(device, copy=True)[0].⟦item|remember o['s'] index-first⟧()
        """,
        """
        _last_s = object(), None


        def _read_s(s):
            \"\"\"Read once a step: every layer is given the same object.\"\"\"
            global _last_s
            last = _last_s
            if last[0] is not s:
                last = _last_s = s, s.detach()[0].item()
            return last[1]


        def f(o, device):
            return _read_s(o["s"])
        """,
    ),
]

REFUSED = [
    refusal("another name", "y = o['s'][i].⟦item|remember o['s']⟧()\n", "more than the one value"),
    refusal("another value", "y = o['t'].⟦item|remember o['s']⟧()\n", "more than the one value"),
    refusal("twice", "y = (s * s).⟦item|remember s⟧()\n", "more than the one value"),
    refusal("f-string", "y = f'{s.⟦item|remember s⟧()}'\n", "f-string"),
]


@pytest.mark.parametrize("case", [*CASES, *INDEXED, *REFUSED], ids=lambda case: case.id)
def test_remember(case: Case) -> None:
    case.check()


def test_torch_compile_takes_it(recwarn: pytest.WarningsRecorder) -> None:
    """Compiled, it gives the numbers of every step, reads once a step, and torch does not warn of it."""
    source = CASES[0].after.replace("return _read_sigmas", "return o['x'] * _read_sigmas")
    namespace: dict[str, Any] = {}
    exec(compile(source, "fixed.py", "exec"), namespace)
    torch._dynamo.reset()
    compiled = torch.compile(namespace["f"], backend="eager")
    for step in range(10):
        sigmas = torch.tensor([step / 2, 0.0])
        reads = []
        for layer in range(4):
            x = torch.full((3,), float(layer))
            assert torch.equal(compiled({"sigmas": sigmas, "x": x}), x * (step / 2))
            reads.append(namespace["_last_sigmas"])
        assert reads[0][0] is sigmas
        assert all(each is reads[0] for each in reads)
    assert not [warning for warning in recwarn if "Dynamo" in str(warning.message)]
