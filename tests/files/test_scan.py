"""The byte scan: the texts that are looked for first leave out nothing that a pattern matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer_lint.files import scan

PATTERNS = (*scan.PLACES, scan.GIVEN, scan.ACCELERATOR, scan.TESTS, scan.BUFFERS, *scan.SIZES)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_what_a_pattern_matches_may_be_a_site(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern.encode()))
    assert scan.may_have_site(b"import torch\n" + text)


@pytest.mark.parametrize("text", [b"import torch\nnp.unique(x)\n", b"import torch\nx.cudas\n", b"x[~y]\n"])
def test_what_only_holds_such_a_text_is_none(text: bytes) -> None:
    assert not scan.may_have_site(text)
