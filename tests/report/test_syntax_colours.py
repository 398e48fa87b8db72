"""The colours of code agree with Python's own tokenizer."""

from __future__ import annotations

import io
import keyword
import tokenize
from pathlib import Path

import pytest

from tests.support.command import ROOT
from transfer_lint.report.syntax_colours import coloured, spans

FILES = sorted((ROOT / "fixtures/instantid_original").glob("*.py")) + sorted(
    (ROOT / "transfer_lint/report").glob("*.py")
)
KINDS = {tokenize.STRING: "s", tokenize.COMMENT: "c", tokenize.NUMBER: "n"}
_F = {getattr(tokenize, name) for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END") if hasattr(tokenize, name)}


def of_python(text: str) -> dict[tuple[int, int], str]:
    """(line, column) -> class of each character that Python reads as a comment, string, number or keyword."""
    found: dict[tuple[int, int], str] = {}
    lines = text.splitlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    if _F:  # Python 3.12 and later give f-strings in parts: they are left to earlier versions
        tokens = [token for token in tokens if token.type not in _F]
    for token in tokens:
        kind = KINDS.get(token.type) or ("k" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else "")
        for line in range(token.start[0], token.end[0] + 1) if kind else ():
            first = token.start[1] if line == token.start[0] else 0
            last = token.end[1] if line == token.end[0] else len(lines[line - 1])
            found.update({(line, column): kind for column in range(first, last)})
    return found


@pytest.mark.skipif(bool(_F), reason="this Python gives f-strings in parts")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_as_python_reads_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = {
        (line, column): kind
        for line, parts in spans(text).items()
        for start, end, kind in parts
        for column in range(start, end)
    }
    assert found == of_python(text)


@pytest.mark.parametrize(
    "text", ["x = 'open", '"""never closed\n\n', "'\\", "# é\n\x00 1e5j 0x_f _1 a1", "f'{x!r}' \"\"", ""]
)
def test_anything_is_coloured_and_nothing_is_lost(text: str) -> None:
    found = spans(text)
    for number, line in enumerate(text.split("\n"), start=1):
        for first in range(len(line) + 1):
            parts = coloured(line, found.get(number, []), first, len(line))
            assert "".join(part for _, part in parts) == line[first:]
