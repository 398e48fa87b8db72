"""Strategies that write source, configurations, notebooks and pattern files, most of them nearly right.

Source is made of the examples of the rules' pages, mangled: lines and tokens leave, come twice, change places, or are
replaced by something odd. So much of it is about transfers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import strategies as st

import transfer_lint.rules
from tests.support.notebooks import notebook
from transfer_lint.lint.configuration import KEYS
from transfer_lint.rules.pages import read_page

EXAMPLES = tuple(
    example.before
    for page in sorted(Path(transfer_lint.rules.__file__).parent.glob("*.md"))
    for example in read_page(page).examples
)
ODD = (
    *("(", ")", "[", "]", "{", "}", ":", ",", ".", "=", ":=", "*", "**", "@", ";", "\\\n", "\t", "\f", "\r", "\n    "),
    *("lambda: 0", "yield", "await x", "async", "not", "if", "else", "for x in x", "None", "...", "1_0", "0x", "1e999"),
    *("'\\ud800'", "'\\0'", '"\x1b[8m"', "# \u202e x", "# transfer-lint: ignore", "# transfer-lint: skip-file"),
    *("# transfer-lint: ignore[TL101, TL999] x", "f'{x.to(d)!r:>{w}}'", "f'{x=}'", "b'\\xff'", "ß", "名前", "x\u0301"),
    *(".to('cuda')", ".to(x)", ".cpu()", ".item()", ".cuda(non_blocking=True)", ".to(*a, **k)", ".to(device=d)"),
    *("torch", "self", "x", "d", "device", "global x", "nonlocal x", "del x", "match x:\n    case _: pass", "\x00"),
    *("%magic", "!ls", "\ufeff", "# noqa", "\n"),
)  # fmt: skip


def _tokens(text: str) -> list[str]:
    """`text` cut at the ends of its tokens; where it has none, at the ends of its words."""
    return re.findall(r"\s+|\w+|[^\w\s]", text)


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Source text, most of it nearly Python."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.text(max_size=200)) + draw(st.sampled_from(("", "\nx.to(d)\n")))
    parts = draw(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=2))
    text = "\n".join(parts)
    for _ in range(draw(st.integers(0, 4))):
        whole_lines = draw(st.booleans())
        pieces = text.splitlines(keepends=True) if whole_lines else _tokens(text)
        if not pieces:
            break
        at = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.integers(0, len(pieces) - 1))
        match draw(st.integers(0, 5)):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, pieces[other])
            case 2:
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 3:
                pieces[at] = draw(st.sampled_from(ODD)) + ("\n" if whole_lines else "")
            case 4:
                pieces.insert(at, draw(st.sampled_from(ODD)) + ("\n" if whole_lines else ""))
            case 5:
                pieces[at : at + draw(st.integers(1, 8))] = [draw(st.text(max_size=3))]
        text = "".join(pieces)
    return draw(st.sampled_from((text, text, text, text.replace("\n", "\r\n"), "\ufeff" + text, text.rstrip("\n"))))


# Configuration.

_SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(
        ("TL1", "TL101", "ALL", "", "error", "always", "cached", "3.10", "py312", "json", "step", "a*a*/**", "[")
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.one_of(
    st.sampled_from([key.name for key in KEYS]), st.sampled_from([key.field for key in KEYS]), st.text(max_size=6)
)
_MARKS = ("[", "]", "[[a]]", "select", "=", '"', "'''", "\n", "{", "}", "1", ",", "#", "knowledge", ".")
configurations = st.one_of(
    st.dictionaries(_NAMES, _VALUES, max_size=4).map(lambda table: "".join(map(_line, table.items()))),
    st.binary(max_size=60).map(lambda data: data.decode("latin-1")),
    st.lists(st.sampled_from(_MARKS), max_size=20).map("".join),
)


def _line(entry: tuple[str, object]) -> str:
    return f"{_toml(entry[0])} = {_toml(entry[1])}\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(k)} = {_toml(v)}' for k, v in value.items())}}}"
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "ignore").decode()).replace("\x7f", "\\u007f")
    return repr(value)


# Notebooks.

_CELLS = st.lists(st.tuples(st.sampled_from(("code", "code", "markdown", "raw", "odd")), sources()), max_size=4)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def notebooks(draw: st.DrawFn) -> str:
    """A notebook's JSON, most of it as Jupyter writes it."""
    cells = [(kind, text.encode("utf-8", "ignore").decode()) for kind, text in draw(_CELLS)]
    text = notebook(*cells, indent=draw(st.sampled_from((None, 0, 1, 4))))
    if draw(st.integers(0, 2)):
        return text
    content = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        where = content
        while isinstance(where, dict | list) and where and draw(st.booleans()):
            inner = (
                where[draw(st.sampled_from(sorted(where)))] if isinstance(where, dict) else draw(st.sampled_from(where))
            )
            if not isinstance(inner, dict | list) or not inner:
                break
            where = inner
        if isinstance(where, dict) and where:
            where[draw(st.sampled_from(sorted(where)))] = draw(_JSON)
        elif isinstance(where, list) and where:
            where[draw(st.integers(0, len(where) - 1))] = draw(_JSON)
    return json.dumps(content)


# Pattern files.

_PIECES = (b"*", b"**", b"/", b"a", b"[", b"]", b"!", b"\\", b"\n", b"\r\n", b" ", b"#", b"?", b"-", b"[:a:]", b"\x00")
pattern_files = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(_PIECES), max_size=60).map(b"".join),
    st.integers(1, 3000).map(lambda count: b"a*" * count + b"c\n" + b"[" * count + b"\n" + b"**/" * count + b"x"),
)
