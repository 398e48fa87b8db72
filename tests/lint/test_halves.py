"""Of moves that are written alike, `fix` takes all, or it leaves them to `--hints`."""

from __future__ import annotations

from pathlib import Path

import pytest

from transfer_lint.findings import FixHints
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.settings import Settings

HEAD = """import torch


def run(a: torch.Tensor, b: torch.Tensor, other, flag: bool, net):
"""

HALVES = {
    "an argument": ["a = a.cpu()", "return net(a.cpu(), other.cpu())"],
    "an argument by keyword": ["a = a.cpu()", "return net(a.cpu(), k=other.cpu())"],
    "an item": ["a = a.cpu()", "return [a.cpu(), other.cpu(), 3]"],
    "a value of a dictionary": ["a = a.cpu()", "return {1: a.cpu(), 2: other['x'].cpu()}"],
    "an assignment": ["a = a.cpu()", "print(a)", "x = a.cpu()", "y = other.cpu()", "return x, y"],
    "an assignment in a branch": ["a = a.cpu()", "if flag:", "    b = other.cpu()", "    a = a.cpu()", "return a, b"],
    "another branch": [
        "if flag:",
        "    a = a.cpu()",
        "    return net(a.cpu(), other.cpu())",
        "return other.cpu(), a.cpu()",
    ],
    "a row in a branch": [
        "a = a.cpu()",
        "if flag:",
        "    return net(a[0].cpu(), other.cpu())",
        "else:",
        "    return a[0, 1:].cpu()",
    ],
    "a loop over batches": [
        "for x in other:",
        "    x = x.cpu() + 0",
        "    y = a.cpu() + x",
        "    net(y.cpu(), x.b.cpu()).backward()",
    ],
}
WHOLE = {
    "all arguments": (["a, b = a.cpu(), b.cpu()", "return net(a.cpu(), k=b.cpu())"], ["return net(a, k=b)"]),
    "others are moved elsewhere": (
        ["a = a.cpu()", "return net(a.cpu(), other.cuda())"],
        ["return net(a, other.cuda())"],
    ),
    "others are computed": (["a = a.cpu()", "return net(a.cpu(), net(b).cpu())"], ["return net(a, net(b).cpu())"]),
    "both rows": (
        ["a = a.cpu()", "if flag:", "    return a[0].cpu()", "else:", "    return a[0, 1:].cpu()"],
        ["    return a[0]", "    return a[0, 1:]"],
    ),
    "the first move": (["a = a.cpu()", "x = a.cpu()", "return x"], ["x = a"]),
    "moved in its branch alone": (
        ["if flag:", "    a = a.cpu()", "    return a.cpu() + 1", "else:", "    return a.cpu() + 2"],
        ["    return a + 1", "    return a.cpu() + 2"],
    ),
    "another key": (
        ["a = {'x': a.cpu(), 'y': other}", "return net(a['x'].cpu()) + a['y'].cpu()"],
        ["return net(a['x']) + a['y'].cpu()"],
    ),
}


def fixed(folder: Path, lines: list[str], hints: FixHints = FixHints.NODE_PACKS) -> list[str]:
    path = folder / "a.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines))
    found = fix_paths([str(path)], Settings(root=str(folder), unsafe_fixes=True, fix_hints=hints))
    text = found.files[0].text if found.files else path.read_text()
    return [line[4:] for line in text.removeprefix(HEAD).splitlines()]


@pytest.mark.parametrize("lines", HALVES.values(), ids=HALVES)
def test_no_half_of_what_is_written_alike_is_mended(lines: list[str], tmp_path: Path) -> None:
    assert fixed(tmp_path, lines) == lines
    assert fixed(tmp_path, lines, FixHints.ALWAYS) != lines


@pytest.mark.parametrize(("lines", "wanted"), WHOLE.values(), ids=WHOLE)
def test_what_is_no_half_is_mended(lines: list[str], wanted: list[str], tmp_path: Path) -> None:
    new = fixed(tmp_path, lines)
    assert [line for line in new if line not in lines or line in wanted] == wanted
