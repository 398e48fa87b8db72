"""What an operator's schema and tags say, and the tensors among its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

VERSION = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2]))
"""Of torch: major and minor."""

# Composite operators that arrive here undecomposed in inference mode and need not be decomposed, because they neither
# copy between devices nor make the host wait.
_WHOLE = frozenset(
    "aten::" + name
    for name in (  # noqa: SIM905
        "linear matmul reshape flatten unflatten layer_norm group_norm scaled_dot_product_attention pad "
        "upsample_bilinear2d conv1d conv2d adaptive_avg_pool2d"
    ).split()
)
_NUMBERS = (int, float, bool, complex)


@dataclass(frozen=True)
class Traits:
    """What an operator's schema and tags say.

    name: with its namespace, without the overload (`aten::add`).
    composite: it is decomposed into other operators.
    random: it draws random numbers.
    view: a result shares memory with an argument.
    mutated: names of the arguments that it writes to.
    elementwise: it writes to its first argument, one element at a time, so that its shape and strides stay.
    arguments: names of all arguments, in the order of the schema.
    """

    name: str
    composite: bool
    random: bool
    view: bool
    mutated: tuple[str, ...]
    elementwise: bool
    arguments: tuple[str, ...]

    def argument(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The argument `name` of a call, given by position or by keyword; None if the call does not give it."""
        if name in kwargs:
            return kwargs[name]
        position = self.arguments.index(name) if name in self.arguments else len(args)
        return args[position] if position < len(args) else None


@cache
def traits_of(func: Any) -> Traits:
    """The traits of an operator overload."""
    schema = func._schema
    mutated = tuple(
        argument.name
        for argument in schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    return Traits(
        name=schema.name,
        composite=not schema.name.startswith("prim::")
        and schema.name not in _WHOLE
        and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
        and not torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CPU"),
        random=torch.Tag.nondeterministic_seeded in func.tags,
        view=any(each.alias_info is not None and not each.alias_info.is_write for each in schema.returns),
        mutated=mutated,
        elementwise=torch.Tag.pointwise in func.tags and mutated == ("self",),
        arguments=tuple(argument.name for argument in schema.arguments),
    )


def tensors_in(values: Iterator[Any] | Sequence[Any]) -> Iterator[Tensor]:
    """All tensors among an operator's arguments, including those in lists and tuples."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def replace(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """`value` with `change` applied to each tensor in it. Lists and tuples are rebuilt."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)([replace(item, change) for item in value])
    return value


def traced_numbers(func: Any, args: Sequence[Any]) -> Any:
    """The arguments of an operator on constants of a `torch.jit.trace`: torch makes numbers of 0-dim host tensors."""
    if not args or type(args[0]) not in _NUMBERS:
        return args
    numbered = zip(args, func._schema.arguments, strict=False)
    takes_tensor = [type(value) in _NUMBERS and argument.type.kind() == "TensorType" for value, argument in numbered]
    with no_dispatch():
        return [
            torch.tensor(value, device="cpu") if tensor else value
            for value, tensor in zip(args, takes_tensor, strict=False)
        ]
