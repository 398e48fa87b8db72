"""The parser of rule pages, and their rendering for a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from transfer_lint.rules.pages import PageError, parse_page, read_page, render

PAGE = """\
# some-rule (TL199)

## What it does

Finds a *move* that is so long a sentence that it has to be filled when the terminal is narrow, which it is.

## Example

<!-- example: plain; run: f(x, device) -->
```python
def f(x, device):
    return x.to(device).to(device)  # TL199 TL102 hint
```
becomes
```python
def f(x, device):
    return x.to(device)
```

<!-- example: chosen form; module-guard: first-tensor; unsafe; run: g(x; y) if 0 else x -->
```python
x = 1  # TL199
```

## Left alone

- one
- two, which is longer than the width of the terminal and goes on in a second line

<!-- silent: quiet -->
```python
import torch  # TL is not a mark
```

| a | b |
| --- | --- |
| 1 | 2 |
"""


def page_with(header: str, *blocks: str) -> str:
    return "\n".join(["# some-rule (TL199)", "", header, *(f"```python\n{block}\n```" for block in blocks), ""])


def test_a_page() -> None:
    page = parse_page(PAGE.replace("g(x; y) if 0 else x", "{'a;b': x}"), "page.md")
    assert (page.code, page.name, page.title) == ("TL199", "some-rule", "some-rule (TL199)")
    assert [heading for heading, _ in page.sections] == ["What it does", "Example", "Left alone"]
    plain, chosen, quiet = page.examples
    assert plain.before == "def f(x, device):\n    return x.to(device).to(device)\n"
    assert plain.after == "def f(x, device):\n    return x.to(device)\n"
    assert plain.marks == ((2, "TL199"), (2, "TL102"))
    assert plain.severities == {(2, "TL102"): "hint"}
    assert (plain.name, plain.run, plain.unsafe, plain.silent, plain.options) == (
        "plain",
        "f(x, device)",
        False,
        False,
        {},
    )
    assert (chosen.name, chosen.after, chosen.unsafe, chosen.options) == (
        "chosen form",
        None,
        True,
        {"module-guard": "first-tensor"},
    )
    assert chosen.run == "{'a;b': x}"
    assert (quiet.silent, quiet.run, quiet.marks) == (True, None, ())
    assert quiet.before == "import torch  # TL is not a mark\n"


BAD = {
    "no title": ("some-rule\n", 1, "the first line must be"),
    "empty": ("", 1, "the first line must be"),
    "no block": (page_with("<!-- example: a; run: 1 -->"), 3, "has no ```python block"),
    "three blocks": (page_with("<!-- example: a; run: 1 -->", "1  # TL199", "2", "3"), 3, "has 3 ```python blocks"),
    "two blocks of a silent one": (page_with("<!-- silent: a -->", "1", "2"), 3, "has 2 ```python blocks"),
    "marked silent": (page_with("<!-- silent: a -->", "1", "2  # TL199").replace("```\n```python\n", ""), 3, "silent"),
    "no mark": (page_with("<!-- example: a; run: 1 -->", "1"), 3, "marks no line"),
    "no run": (page_with("<!-- example: a -->", "1  # TL199", "1"), 3, "no `run:`"),
    "no name": (page_with("<!-- example: run: 1 -->", "1  # TL199"), 3, "must begin with its name"),
    "a run that is a statement": (page_with("<!-- example: a; run: x = 1 -->", "1  # TL199"), 3, "not an expression"),
    "unknown setting": (page_with("<!-- example: a; unsave; run: 1 -->", "1  # TL199"), 3, "unknown setting 'unsave'"),
    "a comment of two lines": (page_with("<!-- example: a;\nrun: 1 -->", "1  # TL199"), 3, "must be one line"),
    "unclosed": ("# some-rule (TL199)\n<!-- silent: a -->\n```python\n1\n", 3, "not closed"),
    "becomes itself": (page_with("<!-- example: a; run: 1 -->", "1  # TL199", "1"), 3, "becomes what it was"),
    "twice": (page_with("<!-- silent: a -->", "1") + page_with("<!-- silent: a -->", "1"), 9, "a second example"),
}


@pytest.mark.parametrize(("text", "line", "what"), BAD.values(), ids=BAD)
def test_a_malformed_page_says_where_and_what(text: str, line: int, what: str) -> None:
    with pytest.raises(PageError) as raised:
        parse_page(text, "page.md")
    assert (raised.value.path, raised.value.line) == ("page.md", line)
    assert what in raised.value.what
    assert str(raised.value).startswith(f"page.md:{line}: ")


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page_with("<!-- silent: a -->", "x = 'ä'"), encoding="utf-8")
    assert read_page(path).examples[0].before == "x = 'ä'\n"
    with pytest.raises(FileNotFoundError):
        read_page(tmp_path / "missing.md")


def test_rendering() -> None:
    text = page_with("Words.\n<!-- example: a; run: x -->", "x = 1  # TL199\n\n\ny = 2", "x = 2")
    shown = render(parse_page(text.replace("```\n```python", "```\nbecomes\n```python"), "page.md"), 80)
    assert shown == (
        "some-rule (TL199)\n=================\n\nWords.\n\n    x = 1\n\n\n    y = 2\n\nbecomes\n\n    x = 2\n"
    )


@pytest.mark.parametrize("width", [30, 80])
def test_rendering_fills_prose_and_leaves_code_and_tables(width: int) -> None:
    page = parse_page(PAGE.replace("g(x; y) if 0 else x", "x"), "page.md")
    shown = render(page, width)
    prose = [line for line in shown.splitlines() if not line.startswith(("    ", "|"))]
    assert max(map(len, prose)) <= width
    assert "    return x.to(device).to(device)\n" in shown
    assert "| --- | --- |" in shown
    assert "TL102" not in shown
    assert "<!--" not in shown
    if width == 30:
        assert re.search(r"^- two, which .*\n  \S", shown, re.MULTILINE)
