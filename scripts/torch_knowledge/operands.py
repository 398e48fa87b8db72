"""The arguments of a call, and variations of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

Leaf = torch.Tensor


@dataclass(frozen=True)
class Call:
    """The arguments of one call. Its leaves are the tensors among them, in the order in which they are given."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def parts(self) -> list[Any]:
        """All arguments, with lists and tuples taken apart."""
        return tree_flatten((self.args, dict(self.kwargs)))[0]

    def leaves(self) -> list[Leaf]:
        """The tensors."""
        return [part for part in self.parts() if isinstance(part, torch.Tensor)]

    def mapped(self, change: Callable[[int, Any], Any]) -> Call:
        """The same call with every part changed. `change` gets the part's number and the part."""
        parts, form = tree_flatten((self.args, dict(self.kwargs)))
        args, kwargs = tree_unflatten([change(n, part) for n, part in enumerate(parts)], form)
        return Call(tuple(args), kwargs)

    def with_part(self, number: int, part: object) -> Call:
        """The same call with one part replaced."""
        return self.mapped(lambda n, old: part if n == number else old)

    def with_leaves(self, leaves: Sequence[Leaf]) -> Call:
        """The same call with other tensors, as many as it has."""
        queue = iter(leaves)
        return self.mapped(lambda _, part: next(queue) if isinstance(part, torch.Tensor) else part)

    def with_keyword(self, name: str, value: object) -> Call:
        """The same call with one keyword more."""
        return Call(self.args, {**self.kwargs, name: value})

    def named(self, receiver: bool) -> dict[str, Any]:
        """The arguments: "0", "1" ... by position (a method's receiver does not count), and keywords."""
        return {str(n): value for n, value in enumerate(self.args[receiver:])} | dict(self.kwargs)

    def keys(self, receiver: bool) -> frozenset[str]:
        """Which arguments are given."""
        return frozenset(self.named(receiver))

    def pattern(self) -> str:
        """A text that is the same for all calls of one form."""
        return str(tree_unflatten([_form(p) for p in self.parts()], tree_flatten((self.args, dict(self.kwargs)))[1]))

    def first(self) -> Leaf | None:
        """The receiver or first operand, if it is a tensor; else None."""
        return self.args[0] if self.args and isinstance(self.args[0], torch.Tensor) else None


def _form(part: object) -> str:
    if isinstance(part, torch.Tensor):
        return f"{part.dtype}:{min(part.dim(), 3)}"
    return part.__class__.__name__ if isinstance(part, int | float | complex) else repr(part)[:20]


def with_dtypes(call: Call) -> Iterator[Call]:
    """The call with a dtype as keyword, as last argument and as last but one, and with nothing but a dtype."""
    for dtype in (torch.float64, torch.int64, torch.int32):
        if "dtype" not in call.kwargs:
            yield call.with_keyword("dtype", dtype)
        yield Call((*call.args, dtype), call.kwargs)
        yield Call((*call.args, dtype, 1), call.kwargs)
        yield Call((*call.args[:1], dtype))
        yield Call((*call.args[:1], dtype, 1))
        yield Call(call.args[:1], {"dtype": dtype})


def is_number(part: object) -> bool:
    """Whether it is a number in whose place torch might accept a tensor."""
    return isinstance(part, int | float) and not isinstance(part, bool)


def other_numbers(call: Call) -> Iterator[Call]:
    """The call with each of its numbers replaced by a fraction and by tensors."""
    first = call.first()
    for number, part in enumerate(call.parts()):
        if not is_number(part):
            continue
        others: list[Any] = [0.5, torch.tensor(1.5, dtype=torch.float64)]
        if first is not None and first.dim():
            others.append(torch.full(first.shape, 2.5, dtype=torch.float64))
        for other in others:
            yield call.with_part(number, other)


def other_first(call: Call) -> Iterator[Call]:
    """The call with a number, and with a list, in place of its first operand."""
    if call.first() is not None:
        yield Call((2.0, *call.args[1:]), call.kwargs)
        yield Call(([call.first(), call.first()], *call.args[1:]), call.kwargs)


def other_dtypes(call: Call) -> Iterator[Call]:
    """The call with each of its tensors but the first cast to dtypes of other kinds."""
    leaves = call.leaves()
    for number in range(1, min(len(leaves), 4)):
        for dtype in (torch.float64, torch.float16, torch.int64, torch.complex64):
            if leaves[number].dtype != dtype:
                yield call.with_leaves([leaf.to(dtype) if n == number else leaf for n, leaf in enumerate(leaves)])


def fewer_keywords(call: Call) -> Iterator[Call]:
    """The call without its flags, and without any keyword."""
    if call.kwargs:
        yield Call(call.args, {key: value for key, value in call.kwargs.items() if not isinstance(value, bool)})
        yield Call(call.args)


def other_layouts(call: Call) -> Iterator[Call]:
    """The call with other first operands.

    They are: one item, 0-dim and 1-dim; the same shape, but not contiguous; the negative bit set; the conjugate bit
    set. For functions that take a shape also: a 1-dim tensor of one item, with the shape `()` to make it 0-dim.
    """
    leaves = call.leaves()
    if leaves and leaves[0].dim() > 1:
        yield call.with_leaves([leaves[0].transpose(0, -1).contiguous().transpose(0, -1), *leaves[1:]])
    if leaves and leaves[0].is_floating_point():
        yield call.with_leaves([torch._neg_view(leaves[0]), *leaves[1:]])
        yield call.with_leaves([leaves[0].to(torch.complex64).conj(), *leaves[1:]])
    if leaves and leaves[0].numel():
        one = leaves[0].reshape(-1)[0]
        yield call.with_leaves([one, *leaves[1:]])
        yield call.with_leaves([one.reshape(1), *leaves[1:]])
        yield Call((one.reshape(1), ()))
        yield Call((one.reshape(1), (), ()))
        if len(leaves) > 1 and all(leaf.numel() for leaf in leaves):
            others = [leaf.reshape(-1)[0] for leaf in leaves[1:]]
            others = [leaf if leaf.is_floating_point() else leaf * 0 for leaf in others]  # an index that is in range
            yield call.with_leaves([one.reshape(1), *(leaf.reshape(1) for leaf in others)])
            yield call.with_leaves([one.reshape(1), *others])


def cast(call: Call, base: torch.dtype, dtype: torch.dtype) -> Call:
    """The call with its tensors of dtype `base` cast."""
    return call.with_leaves([leaf.to(dtype) if leaf.dtype == base else leaf for leaf in call.leaves()])
