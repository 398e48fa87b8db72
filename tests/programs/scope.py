"""What a random program can name at a place, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from hypothesis import strategies as st

Option = TypeVar("Option")


@dataclass
class Scope:
    """What can be named at a place: expressions by kind.

    Kinds: t a tensor of shape (4, 4), s a 0-dim one, u a module with `linear` and `norm`, m any module, d a device,
    p what names a device without being one, k a dtype, w something that `.to` takes (unannotated), b an instance of
    Box, l a list of tensors, e a dict of tensors, n a callable without arguments that gives a tensor.
    """

    names: dict[str, list[str]]
    calls: list[Call] = field(default_factory=list)
    loop: bool = False
    returns: str = ""  # what a `return` here gives: an expression of kind t

    def copy(self) -> Scope:
        names = {kind: list(names) for kind, names in self.names.items()}
        return replace(self, names=names, calls=list(self.calls))

    def bind(self, kind: str, name: str) -> str:
        for other, names in self.names.items():
            self.names[other] = [known for known in names if known != name]
        self.names.setdefault(kind, []).append(name)
        return name


Call: TypeAlias = "Callable[[Draws, Scope], str]"
"""Writes a call of a function that gives a tensor."""


@dataclass
class Draws:
    """Draws from options.

    home: the move that most values make again and again; what comes between two of them should undo it in ways that
    are hard to see. special: a special method that objects have; "" if they have none.
    replaces: whether programs assign the `.data` of tensors. swaps: whether objects do so with what they hold.
    unpacks: whether mappings and lists are unpacked in moves.
    """

    draw: st.DrawFn
    fresh: int = 0
    home: str = "to(device)"
    special: str = ""
    replaces: bool = True
    swaps: bool = False
    unpacks: bool = False

    def pick(self, *options: Option) -> Option:
        return self.draw(st.sampled_from(options))

    def number(self, most: int) -> int:
        return self.draw(st.integers(0, most))

    def chance(self, one_in: int = 2) -> bool:
        return self.number(one_in - 1) == 1

    def name(self, prefix: str) -> str:
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    def of(self, kind: str, scope: Scope) -> str:
        return self.pick(*scope.names[kind])

    def places(self) -> list[str]:
        """What names a device: strings, numbers, globals of the module."""
        here = ["place", "index", 'f"cuda:{index}"', '("cuda:0" if flag else "cpu")', "HOST", "DEVICE", "SECOND"]
        return [*here, "CHOSEN", "BOUND_TWICE", "PLACE", "SPOT", "NUMBER", "elsewhere.PLACE", "elsewhere.box.place"]

    def block(self, scope: Scope, depth: int, most: int = 4) -> list[str]:
        """One to `most` statements; the scope gets the names that they bind."""
        raise NotImplementedError
