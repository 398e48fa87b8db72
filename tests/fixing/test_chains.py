"""A chain of calls that has lost one stands on the lines on which ruff puts it, wherever it stands."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.ruff import ruff
from transfer_codemods.actions import Anchor, ConstructOnDevice, DeleteTransfer, Half, Target
from transfer_codemods.style import Style
from transfer_lint.fixing.rewriting import rewrite

CHAINS = [
    "xxMOVE.float()",
    "xx.clone()MOVE.float()",
    "xx.clone()MOVE.float().sum(dim=1, keepdim=True)",
    "torch.cat([aa, bb], dim=1)MOVE",
    "torch.cat([aa, bb], dim=1)MOVE.float()",
    "torch.from_numpy(ff(aa, bb))MOVE.to(dtype, non_blocking=True)",
    "self.model.encode(xx)MOVE.latent_dist.sample()",
    "self.model.encode(xx)MOVE.latent_dist",
    "items[0]MOVE.view(1, -1)",
    "(aa + bb)MOVE.view(1, -1)",
    "ff(aa)MOVE.gg(bb)[0].hh(cc)",
    "torch.zeros(aa, bb, cc)MOVE.expand(dd, ee)",
    "torch.cat([items[:, c] for c in context])MOVE.repeat(2 if guided else 1, 1, 1)",
    "sum(vv for vv in xs)MOVE.float()",
    "torch.stack([ff(v) for v in xs if v])MOVE.view(aa, bb)",
    "torch.stack([v for v in xs])MOVE.gg(lambda v: v).hh(cc)",
    "ff(lambda a, b: a + b)MOVE.float()",
    "xx[[i for i in ii]]MOVE.view(1)",
]
MADE = [
    "torch.zeros(aa, bb)MOVE",
    "torch.zeros(aa, bb)MOVE.expand(4, 4)",
    "torch.tensor([1.0, 2.0])MOVE.expand(4, 4)",
    "torch.full((aa, bb), cc)MOVE",
    "torch.zeros((aa, bb), dtype=ff)MOVE.float().view(aa)",
]
PLACES = [
    "x = {}",
    "return {}",
    "{}",
    "ff({})",
    "ff({}, bbb)",
    "x = ff(aa)(bb, {})",
    "x = self.gg({}).hh(cc)",
    "x = gg(aa, kk={}, bb=cc)",
    "x = {{'key': {}, 'other': cc}}",
    "x = [{}, cc]",
    "x = yy[{}]",
    "x = {} + yy",
    "x = -{}",
    "x += {}",
    "x = aa if {} else bb",
    "self.value, other = {}, 3",
    "assert {} > 3",
    "if {}:\n        pass",
    "for x in {}:\n        pass",
]
INSIDE = [
    "x = next({} for v in xs)",
    "x = ff([{} for v in xs])",
    "x = {{k: {} for k in xs}}",
    "return sum({} for v in xs if v)",
    "x = ff(aa, [{} for v in xs], cc)",
    "x = ff(gg({}, bb), cc)",
    "x = ff(gg(bb, kk={}), cc)",
    "x = aa and {}",
    "x, y = {}, bb",
    "x = (aa, {})",
    "return aa, {}",
    "assert {} == bb, cc",
    "yield {}",
    "x = not {}",
]
MOVES = [".to(device)", ".to(self.some_device, non_blocking=True)"]
WIDTHS = [40, 64]


DELETE = DeleteTransfer()
MAKE = ConstructOnDevice(Target(Half(0), None), with_dtype=False)
ASKED = [(chain, DELETE) for chain in CHAINS] + [(chain, MAKE) for chain in MADE]


def rewritten(folder: Path, places: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Files that ruff has formatted, rewritten, each with its text before."""
    for number, ((chain, _), place) in enumerate(itertools.product(ASKED, places)):
        moved = chain.replace("MOVE", MOVES[number % len(MOVES)])
        text = f"def function(self):\n    {place.format(moved)}\n"
        for width in WIDTHS if len(chain) > 20 else WIDTHS[:1]:
            (folder / f"w{width}").mkdir(exist_ok=True)
            (folder / f"w{width}" / f"n{number}.py").write_text(text)
    for width in WIDTHS:
        (folder / f"w{width}" / "ruff.toml").write_text(f"line-length = {width}\n")
    ruff(folder, "format")
    for path in sorted(folder.glob("*/*.py")):
        before = path.read_text()
        move = re.search(r"\.(to\(\s*(device|self\.some))", before)
        assert move is not None
        above, line = before[: move.start(1)].rsplit("\n", 1)
        anchor = Anchor(above.count("\n") + 2, len(line) + 1)
        _, action = ASKED[int(path.stem[1:]) // len(places)]
        new = rewrite(str(path), before, {anchor: action}, style=Style(line_length=int(path.parent.name[1:])))
        if not new.refused:
            path.write_text(new.text)
            yield path, before


def test_a_chain_without_one_of_its_calls(tmp_path: Path) -> None:
    parted = 0
    for path, before in rewritten(tmp_path, PLACES):
        assert path.read_text() != before
        parted += before.count("\n") > 3
    assert parted > 300
    assert ruff(tmp_path, "format", "--diff") == ""


def test_no_line_becomes_too_long(tmp_path: Path) -> None:
    """Wherever ruff would find a way."""
    written = {path: path.read_text() for path, _ in rewritten(tmp_path, INSIDE)}
    ruff(tmp_path, "format")
    for path, text in written.items():
        width, lines = int(path.parent.name[1:]), path.read_text().splitlines()
        assert max(map(len, text.splitlines())) <= max(width, *map(len, lines)), text
    assert sum(path.read_text() == text for path, text in written.items()) > len(written) * 0.9


HAND_MADE = {
    "its own line goes": (
        "xx = (\n    ffffff([aa for aa in bb])\n    .to(dd)\n    .gg(*ccc)\n)\n",
        "xx = ffffff([aa for aa in bb]).gg(\n    *ccc\n)\n",
    ),
    "or its part of a line, in brackets": (
        "yield (\n    ffffff([aa for aa in bb]).to(dd)\n    .gg(*ccc)\n)\n",
        "yield (\n    ffffff([aa for aa in bb]).gg(\n        *ccc\n    )\n)\n",
    ),
    "with a backslash": (
        "xx = ffffff([aa for aa in bb]) \\\n    .to(dd) \\\n    .gg(*ccc)\n",
        "xx = ffffff([aa for aa in bb]) \\\n    .gg(*ccc)\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), HAND_MADE.values(), ids=HAND_MADE)
def test_a_chain_over_lines_is_never_joined_to_a_line_that_is_too_long(before: str, after: str) -> None:
    above, line = before[: before.index("to(dd)")].rsplit("\n", 1)
    anchor = Anchor(above.count("\n") + 2, len(line) + 1)
    assert rewrite("a.py", before, {anchor: DELETE}, style=Style(line_length=36)).text == after
