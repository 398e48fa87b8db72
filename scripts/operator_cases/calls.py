"""Calls of operators, with their tensors on the host or on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

SEED = 7
# Arguments that are on the host also in PyTorch's own tests of a card.
_ON_HOST = {"tensor_split": (1,)}


@dataclass(frozen=True)
class Call:
    """A call of an operator: arguments and keyword arguments, flattened."""

    leaves: tuple[Any, ...]
    spec: Any
    on_host: tuple[int, ...] = ()

    @staticmethod
    def of(name: str, sample: Any) -> Call:
        """The call of a sample of PyTorch's."""
        leaves, spec = tree_flatten(((sample.input, *sample.args), sample.kwargs))
        return Call(tuple(leaves), spec, _ON_HOST.get(name, ()))

    def placed(
        self,
        device: str,
        *,
        host: Sequence[int] = (),
        grad: bool = False,
        make: Callable[[Tensor, str], Tensor] = lambda value, device: value.detach().to(device, copy=True),
    ) -> Call:
        """The same call with fresh tensors on `device`, apart from those at the positions `host`."""

        def place(position: int, value: Any) -> Any:
            here = "cpu" if position in (*host, *self.on_host) else device
            if isinstance(value, Tensor):
                return make(value, here).requires_grad_(grad and value.requires_grad)
            named = isinstance(value, torch.device) or value == "cpu" or value == "cpu:0"
            return here if named and isinstance(value, (torch.device, str)) else value

        return replace(self, leaves=tuple(place(*each) for each in enumerate(self.leaves)))

    def run(self, function: Callable[..., Any], **more: Any) -> Any:
        """The result."""
        args, kwargs = tree_unflatten(list(self.leaves), self.spec)
        return function(*args, **kwargs, **more)

    @property
    def tensors(self) -> list[int]:
        """Positions of the tensors that go to the device."""
        found = [position for position, value in enumerate(self.leaves) if isinstance(value, Tensor)]
        return [position for position in found if position not in self.on_host]


def variants(op: Any, call: Call) -> Iterator[tuple[str, Callable[..., Any]]]:
    """(name, function) of an operator: as a function, and as the methods that it has."""
    yield "function", op.op
    if isinstance(call.leaves[0], Tensor):
        if op.method_variant is not None:
            yield "method", op.method_variant
        if op.inplace_variant is not None:
            yield "in place", op.inplace_variant


def outcome(call: Call, function: Callable[..., Any], **more: Any) -> tuple[Any, Exception | None]:
    """The result of a call and None, or None and what it raises."""
    try:
        return call.run(function, **more), None
    except Exception as error:
        return None, error


def not_on_a_card(error: Exception) -> bool:
    """Whether an error says that a card has no kernel for a call."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals["__name__"] == "transfer_lint.tracing.kernels"


@contextmanager
def seeded(device: bool) -> Iterator[None]:
    """Begin all streams of random numbers anew. device: those of the device too."""
    torch.default_generator.manual_seed(SEED)  # `torch.manual_seed` writes its stack down for each kind of device
    if device:
        torch.cuda.manual_seed_all(SEED)
    yield


def device_argument(op: Any, call: Call) -> dict[str, Any]:
    """`device=` for an operator that makes a tensor of nothing."""
    if call.tensors or any(isinstance(value, (torch.device, str)) and str(value) == "cpu" for value in call.leaves):
        return {}
    _, error = outcome(call, op.op, device="cpu")
    return {} if error is not None else {"device": "cuda"}


def is_dense(value: Any) -> bool:
    """Whether a value is a dense tensor."""
    return isinstance(value, Tensor) and value.layout == torch.strided


def unfilled(tensor: Tensor, device: str) -> Tensor:
    """A tensor like another, without its values, on `device`."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)


def with_scalar(call: Call, position: int) -> Call:
    """The call with the first element of the tensor at `position` in its place."""
    leaves = list(call.leaves)
    leaves[position] = leaves[position].detach().flatten()[0].clone()
    return replace(call, leaves=tuple(leaves))
