"""`check --add-ignores`: afterwards nothing is left, and the file means the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.command import CLEAN, WASTE, lint

HEAD = "import torch\n\n\ndef f(x: torch.Tensor, g):\n    y = x * 2\n"
C = "# transfer-lint: ignore"

ADDED = {
    "plain": ("    return y.to(x.device)\n", f"    return y.to(x.device)  {C}[TL101] kept\n"),
    "no line end": ("    return y.to(x.device)", f"    return y.to(x.device)  {C}[TL101] kept"),
    "crlf": ("    return y.to(x.device)\r\n", f"    return y.to(x.device)  {C}[TL101] kept\r\n"),
    "trailing blanks": ("    return y.to(x.device)  \n", f"    return y.to(x.device)  {C}[TL101] kept\n"),
    "two on a line": (
        "    return y.to(x.device), y.to(x.device)\n",
        f"    return y.to(x.device), y.to(x.device)  {C}[TL101] kept\n",
    ),
    "another comment": (
        "    return y.to(x.device)  # type: ignore[no-any-return]\n",
        f"    return y.to(x.device)  # type: ignore[no-any-return]  {C}[TL101] kept\n",
    ),
    "an ignore with a reason": (
        f"    return y.to(x.device)  {C}[TL102] old one #3  # noqa\n",
        f"    return y.to(x.device)  {C}[TL102, TL101] old one #3  # noqa\n",
    ),
    "an ignore without a reason": (
        f"    return y.to(x.device)  {C}[TL102]\n",
        f"    return y.to(x.device)  {C}[TL102, TL101] kept\n",
    ),
    "a call over lines": (
        "    return g(\n        y.to(\n            x.device\n        ),\n        1,\n    )\n",
        f"    return g(\n        y.to(\n            x.device\n        ),  {C}[TL101] kept\n        1,\n    )\n",
    ),
    "an ignore at the statement's end": (
        f"    return g(\n        y.to(x.device),\n    )  {C}[TL102]\n",
        f"    return g(\n        y.to(x.device),\n    )  {C}[TL102, TL101] kept\n",
    ),
    "a backslash": (
        "    return y.to(x.device) + \\\n        1\n",
        f"    return y.to(x.device) + \\\n        1  {C}[TL101] kept\n",
    ),
    "a string goes on": (
        "    return y.to(x.device), '''#\n\n#'''\n",
        f"    return y.to(x.device), '''#\n\n#'''  {C}[TL101] kept\n",
    ),
    "a string on the line": (
        f"    return y.to(x.device), '{C}[TL101]'\n",
        f"    return y.to(x.device), '{C}[TL101]'  {C}[TL101] kept\n",
    ),
    "statements on a line": (
        "    z = y.to(x.device); return z\n",
        f"    z = y.to(x.device); return z  {C}[TL101] kept\n",
    ),
    "head of a block": (
        "    if y.to(x.device) is None: return y\n    return x\n",
        f"    if y.to(x.device) is None: return y  {C}[TL101] kept\n    return x\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED)
def test_added(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "a.py").write_bytes((HEAD + before).encode())
    ran = lint("check", "--add-ignores", "--reason", "kept", "--select", "TL101", cwd=tmp_path, expect=0)
    text = (tmp_path / "a.py").read_bytes().decode()
    assert text == HEAD + after
    assert ran.out == ""
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(HEAD + before))
    assert lint("check", "--fail-on", "hint", "--select", "TL101", cwd=tmp_path, expect=0).out == ""
    lint("check", "--add-ignores", "--select", "TL101", cwd=tmp_path, expect=0)
    assert (tmp_path / "a.py").read_bytes().decode() == text


def test_all_findings_of_a_folder(tmp_path: Path) -> None:
    for name, text in (("a.py", WASTE), ("b.py", WASTE), ("clean.py", CLEAN)):
        (tmp_path / name).write_text(text)
    ran = lint("check", "--add-ignores", cwd=tmp_path, expect=0)
    assert "ignored 4 findings in 2 files" in ran.err
    assert lint("check", "--fail-on", "hint", cwd=tmp_path, expect=0).out == ""
    kept = WASTE.replace('x.to("cuda:0")', f'x.to("cuda:0")  {C}[TL103]').replace("# stays", f"# stays  {C}[TL101]")
    assert (tmp_path / "a.py").read_text() == kept
    assert (tmp_path / "clean.py").read_text() == CLEAN


def test_what_no_comment_can_hide_is_left_and_told(tmp_path: Path) -> None:
    text = HEAD + f"    return x  {C}[TL101]\n"
    (tmp_path / "a.py").write_text(text)
    (tmp_path / "bad.py").write_text("x.to(\n")
    ran = lint("check", "--add-ignores", cwd=tmp_path, expect=1)
    assert (tmp_path / "a.py").read_text() == text
    assert (tmp_path / "bad.py").read_text() == "x.to(\n"
    assert "bad.py:1:5: TL902 is not ignored: a comment cannot hide" in ran.err
    assert "bad.py:1:5: TL902" in ran.out


def test_a_reason_that_the_encoding_does_not_have(tmp_path: Path) -> None:
    text = f"# coding: latin-1\n# \u00e9\n{WASTE}".encode("latin-1")
    (tmp_path / "a.py").write_bytes(text)
    assert "cannot be written back" in lint("check", "--add-ignores", "--reason", "\u2192", cwd=tmp_path, expect=2).err
    assert (tmp_path / "a.py").read_bytes() == text
    lint("check", "--add-ignores", "--reason", "\u00e8", cwd=tmp_path, expect=0)
    assert b"[TL101] \xe8\n" in (tmp_path / "a.py").read_bytes()


def test_a_read_only_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    (tmp_path / "a.py").chmod(0o444)
    (tmp_path / "b.py").write_text(WASTE)
    ran = lint("check", "--add-ignores", cwd=tmp_path, expect=2)
    assert "a.py: is read-only, left as it was" in ran.err
    assert (tmp_path / "a.py").read_text() == WASTE
    assert C in (tmp_path / "b.py").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--reason", "x"), "--reason is for --add-ignores", id="a reason alone"),
        pytest.param(("--add-ignores", "--reason", "a\nb"), "one line", id="lines"),
        pytest.param(("--add-ignores", "--reason", "a # b"), "without #", id="another comment"),
        pytest.param(("--add-ignores", "--write-baseline"), "choose one", id="and a baseline"),
        pytest.param(("-", "--add-ignores"), "files", id="standard input"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    assert words in lint("check", *options, cwd=tmp_path, stdin=WASTE, expect=2).err
    assert (tmp_path / "a.py").read_text() == WASTE
