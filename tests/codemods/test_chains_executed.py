"""Chains, factories and discarded moves, run before and after: same effects and values, in order, and less moved."""

from __future__ import annotations

import re

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codemods.marks import unmark
from tests.codemods.world import Module, Tensor, World, moved_to
from transfer_codemods import rewrite

INPUTS = ["x0", "x1", "x2", "m1"]
PLACEMENTS = st.lists(st.integers(0, 3), min_size=8, max_size=8)


class Watched:
    """One run of `program`. effects: what ran, in order; moves: how many tensors were copied."""

    def __init__(self, source: str, placements: list[int]) -> None:
        self.world = World(placements * 4)
        self.world.names |= {"zeros": self.zeros, "tensor": self.tensor, "flag": lambda: self.world.note("flag", 1)}
        self.known = [self.world.names[name] for name in INPUTS]
        exec(compile(source, "<program>", "exec"), self.world.names)
        holder = self.world.names["o"]
        self.known += [holder.x, holder.home]
        result = self.world.names["program"](*(self.world.names[name] for name in INPUTS))
        self.returned = [result, holder.x, self.world.names["m1"]]
        self.effects = [entry for entry in self.world.log if entry[0] != "move"]
        self.moves = len(self.world.log) - len(self.effects)

    @property
    def result(self) -> object:
        """What the program returned and changed, seen from outside."""
        return self.seen(self.returned)

    def zeros(self, *sizes: object, device: str | None = None, dtype: str | None = None) -> Tensor:
        """A factory; what it makes without being told is on device 0 in dtype 0."""
        assert sizes == (1,)
        return Tensor(self.world, moved_to(0, [device, dtype]))

    def tensor(self, data: Tensor, device: str | None = None, dtype: str | None = None) -> Tensor:
        """A factory that reads what it is given, so that it matters when."""
        self.world.log.append(("read", self.world.number(data)))
        return Tensor(self.world, moved_to(0, [device, dtype]))

    def seen(self, value: object) -> object:
        """Which of the inputs a value is, if it is one, and where it is."""
        if isinstance(value, (list, tuple)):
            return [self.seen(item) for item in value]
        if isinstance(value, Module):
            return [[tensor.placement for tensor in value.tensors]]
        if isinstance(value, Tensor):
            places = [index for index, known in enumerate(self.known) if known is value]
            return (places or "new", value.placement)
        return value


@st.composite
def links(draw: st.DrawFn) -> tuple[str, str, str]:
    """A call's arguments and what they say: (arguments, device half, dtype half)."""
    return draw(
        st.sampled_from(
            [
                ("d0", "d0", ""),
                ("d1", "d0", ""),
                ("t0", "", "t0"),
                ("t1", "", "t0"),
                ("dtype=t1", "", "t0"),
                ("device=d0", "d0", ""),
                ("d1, t0", "d0", "t1"),
                ("d0, dtype=t1", "d0", "t1"),
                ("dtype=t0, device=d1", "d1", "t0"),
                ("pick()", "d0*", ""),
                ("kind()", "", "t0*"),
                ("pick(), kind()", "d0*", "t1*"),
                ("dtype=kind(), device=pick()", "d1*", "t0*"),
                ("d0, non_blocking=flag()", "d0", ""),
                ("t0, non_blocking=flag()", "", "t0"),
                ("d1, dtype=t0, non_blocking=flag()", "d0", "t1"),
                ("pick(), non_blocking=flag()", "d0*", ""),
            ]
        )
    )


@st.composite
def chains(draw: st.DrawFn, least: int = 2) -> str:
    """Two to four moves in a row, all links but the first marked."""
    found = draw(st.lists(links(), min_size=least, max_size=4))
    text = ""
    for before, (arguments, *halves) in zip([None, *found], found, strict=False):
        mark = f"⟦to|merge {' '.join(before[1:])} > {' '.join(halves)}⟧" if before else "to"
        text += f".{mark}({arguments})"
    return text


@settings(max_examples=400, deadline=None)
@given(st.lists(chains(), min_size=1, max_size=3), PLACEMENTS, st.data())
def test_chains(drawn: list[str], placements: list[int], data: st.DataObject) -> None:
    tensors = ["x0", "x1", "o.x", "zeros(1)", "o.home"]
    # The fake module takes no `non_blocking`.
    choices = [[*tensors, "m1"] if "non_blocking" not in chain else tensors for chain in drawn]
    receivers = [data.draw(st.sampled_from(choice)) for choice in choices]
    values = ", ".join(receiver + chain for receiver, chain in zip(receivers, drawn, strict=True))
    same_program(
        f"def program({', '.join(INPUTS)}):\n    return [{values}]\n", placements, copies=any(map(hops, drawn))
    )


@settings(max_examples=200, deadline=None)
@given(
    links(),
    st.booleans(),
    PLACEMENTS,
    st.sampled_from(["zeros(1)", "zeros(flag())", "zeros(*[flag()])", "tensor(o.x)"]),
)
def test_factories(link: tuple[str, str, str], with_dtype: bool, placements: list[int], factory: str) -> None:
    arguments, *halves = link
    mark = f"⟦to|construct {' '.join(halves)}{' with-dtype' * with_dtype}⟧"
    same_program(f"def program({', '.join(INPUTS)}):\n    return {factory}.{mark}({arguments})\n", placements)


def hops(text: str) -> bool:
    """One half is asked for twice, and differently: the hop in between may copy what ends where it began."""
    devices, dtypes = (re.findall(what, text) for what in (r"\bd\d\b(?=[,)])|pick", r"\bt\d\b(?=[,)])|kind"))
    return any(len(set(found)) > 1 or found.count("pick") + found.count("kind") > 1 for found in (devices, dtypes))


def same_program(text: str, placements: list[int], *, copies: bool = False) -> None:
    """Runs marked source before and after. copies: whose the result's tensors are need not agree."""
    source, plan = unmark(text)
    after = rewrite(cst.parse_module(source), plan).module.code
    one, two = Watched(source, placements), Watched(after, placements)
    if copies:
        one.known = two.known = []
    assert two.result == one.result, after
    assert two.effects == one.effects, after
    assert two.moves <= one.moves, after


@pytest.mark.parametrize("receiver", ["x0", "o.x", "held['x']", "held['xs'][-1]"])
@pytest.mark.parametrize("arguments", ["d0", "d1", "d1, t1", "pick()"])
@pytest.mark.parametrize("placement", range(4))
def test_assigned(receiver: str, arguments: str, placement: int) -> None:
    """After the statement the receiver is what the move returned; the move itself is made once, as before."""
    source, plan = unmark(
        f"def program({', '.join(INPUTS)}):\n"
        "    held = {'x': x1, 'xs': [x0, x2]}\n"
        f"    {receiver}.⟦to|assign⟧({arguments})\n"
        f"    return [{receiver}]\n"
    )
    after = rewrite(cst.parse_module(source), plan).module.code
    by_hand = source.replace(f"    {receiver}.to", f"    {receiver} = {receiver}.to")
    placements = [placement] * 8
    one, two = Watched(by_hand, placements), Watched(after, placements)
    assert (two.result, two.effects, two.moves) == (one.result, one.effects, one.moves)
    assert two.moves == Watched(source, placements).moves
