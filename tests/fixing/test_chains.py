"""A chain of calls that has lost one stands on the lines on which ruff puts it, wherever it stands."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from tests.support.ruff import ruff
from transfer_codemods.actions import Anchor, DeleteTransfer
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
MOVES = [".to(device)", ".to(self.some_device, non_blocking=True)"]
WIDTHS = [40, 64]


def test_a_chain_without_one_of_its_calls(tmp_path: Path) -> None:
    for number, (chain, place) in enumerate(itertools.product(CHAINS, PLACES)):
        moved = chain.replace("MOVE", MOVES[number % len(MOVES)])
        text = f"def function(self):\n    {place.format(moved)}\n"
        for width in WIDTHS if len(chain) > 20 else WIDTHS[:1]:
            (tmp_path / f"w{width}").mkdir(exist_ok=True)
            (tmp_path / f"w{width}" / f"n{number}.py").write_text(text)
    for width in WIDTHS:
        (tmp_path / f"w{width}" / "ruff.toml").write_text(f"line-length = {width}\n")
    ruff(tmp_path, "format")
    parted = 0
    for path in tmp_path.glob("*/*.py"):
        before = path.read_text()
        parted += before.count("\n") > 3
        move = re.search(r"\.(to\(\s*(device|self\.some))", before)
        assert move is not None
        above, line = before[: move.start(1)].rsplit("\n", 1)
        anchor = Anchor(above.count("\n") + 2, len(line) + 1)
        style = Style(line_length=int(path.parent.name[1:]))
        path.write_text(rewrite(str(path), before, {anchor: DeleteTransfer()}, style=style).text)
        assert path.read_text() != before
    assert parted > 150
    assert ruff(tmp_path, "format", "--diff") == ""
