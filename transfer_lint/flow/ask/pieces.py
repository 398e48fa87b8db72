"""Pieces: transfers of one item or slice of a tensor in each round of a loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from transfer_lint.flow.program.idioms import iterated
from transfer_lint.flow.program.syntax import ancestors, is_plain, loops_around, names_in, nodes_of, spelled
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.values import Tensor

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


@dataclass(frozen=True)
class Piece:
    """What a transfer moves a piece of. whole: how that is written. line: the first line of the loop."""

    whole: str
    line: int


def moved_in_pieces(site: Site, *, single: bool) -> Piece | None:
    """The tensor of which each round of a loop moves another piece; None if there is none.

    `x[i].cpu()`, where the loop binds `i`, and nothing in it binds `x`. single: the piece is one item wide, in a loop
    that counts, or the beginning of the tensor, which other rounds move as well.
    """
    moved = site.moved
    while True:
        match moved:
            case ast.Call(func=ast.Attribute(value=inner, attr="detach")) | ast.Attribute(value=inner, attr="data"):
                moved = inner
            case _:
                break
    if not isinstance(moved, ast.Subscript) or not is_plain(moved.value) or not _is_of_tensor(site, moved):
        return None
    items = moved.slice.elts if isinstance(moved.slice, ast.Tuple) else [moved.slice]
    loops = list(_loops(site))
    picking = (loop for loop in loops if any(_bound(loop) & names_in(item) for item in items))
    loop = next(picking, loops[0] if loops else None)
    if loop is None:
        return None
    bound = _bound(loop)
    chosen = [item for item in items if bound & names_in(item)]
    one_by_one = _counts(loop) and all(_is_one(item, bound) for item in chosen)
    if not _begins(items) and (not chosen or (single and not one_by_one)):
        return None
    whole = spelled(moved.value)
    stores = [n for n in nodes_of(loop) if isinstance(getattr(n, "ctx", None), ast.Store | ast.Del)]
    filled = [n.value for n in stores if isinstance(n, ast.Subscript) and not chosen]  # the beginning changes as well
    if any(spelled(node) == whole for node in (*stores, *filled)) or bound & names_in(moved.value):
        return None
    return Piece(whole, loop.lineno)


def _is_of_tensor(site: Site, moved: ast.Subscript) -> bool:
    """Whether an item is one of a tensor, as is known, or as its index shows: a list has no whole to move."""
    if isinstance(site.receiver, Tensor) and site.receiver.shares:
        return True
    return isinstance(moved.slice, ast.Slice | ast.Tuple)  # neither is an item of a list that can be moved


def _loops(site: Site) -> Iterator[ast.For | ast.AsyncFor | ast.expr]:
    """The comprehensions around the site, innermost first, and the innermost loop around its statement."""
    for node in ancestors(site.statement, site.node):
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, _COMPREHENSIONS):
            yield node
    loops = loops_around(site.scope.body, site.statement)
    if loops and isinstance(loops[-1], ast.For | ast.AsyncFor):
        yield loops[-1]


def _bound(loop: ast.AST) -> frozenset[str]:
    if isinstance(loop, ast.For | ast.AsyncFor):
        return names_in(loop.target)
    assert isinstance(loop, _COMPREHENSIONS)
    return frozenset().union(*(names_in(generator.target) for generator in loop.generators))


def _counts(loop: ast.AST) -> bool:
    """Whether a loop is one over `range(..)`, perhaps shown by a progress bar."""
    source = loop.iter if isinstance(loop, ast.For | ast.AsyncFor) else None
    root = iterated(source) if source is not None else None
    return isinstance(root, ast.Call) and isinstance(root.func, ast.Name) and root.func.id == "range"


def _is_one(item: ast.expr, bound: frozenset[str]) -> bool:
    """`i`, `i : i + 1`, `i + 1 : i + 2`."""
    if not isinstance(item, ast.Slice):
        return True
    ends = [_offset(end, bound) for end in (item.lower, item.upper)]
    return item.step is None and None not in ends and ends[1] == (ends[0] or 0) + 1


def _begins(items: list[ast.expr]) -> bool:
    """`:n`, perhaps beside others that choose all: `..., :n`."""
    ends = [item for item in items if not (isinstance(item, ast.Constant) and item.value is ...)]
    slices = [item for item in ends if isinstance(item, ast.Slice) and item.lower is None and item.step is None]
    return len(slices) == len(ends) and any(
        not (item.upper is None or isinstance(item.upper, ast.Constant)) for item in slices
    )


def _offset(node: ast.expr | None, bound: frozenset[str]) -> int | None:
    """The number that is added to a name that the loop binds."""
    match node:
        case ast.Name(id=name) if name in bound:
            return 0
        case ast.BinOp(left=ast.Name(id=name), op=ast.Add(), right=ast.Constant(value=int() as number)):
            return number if name in bound else None
    return None
