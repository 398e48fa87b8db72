"""Checks: what torch reads from a tensor while it computes, such as whether there is a factorisation."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.seeming import seems_tensor
from transfer_lint.flow.interpret.sizes import argument_nodes
from transfer_lint.flow.values.values import Constant, Object, Tensor, Value

_DISTRIBUTIONS = "torch.distributions."


def read_while_computing(
    frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call
) -> Tensor | Object | None:
    """The operand that a function of torch reads with these arguments; None if it reads none.

    So do functions of other libraries that look for the largest index.
    """
    sized = frame.knowledge.function_sized.get(name)
    if sized is not None:
        return _index(name, arguments) if sized.exact.isdisjoint(arguments) else None
    if not name.startswith("torch."):
        return None
    tensors = [value for key, value in arguments.items() if isinstance(value, Tensor) and key != "out"]
    if name in frame.knowledge.function_checks:
        return tensors[0] if tensors else None
    if name.startswith(_DISTRIBUTIONS) and name.rpartition(".")[2][0].isupper():
        return _validated(frame, arguments, node)
    match name:
        case "torch.nn.utils.clip_grad_norm_" | "torch.nn.utils.clip_grad.clip_grad_norm_":
            given = next(iter(arguments.values()), None)
            strict = arguments.get("error_if_nonfinite") == Constant(value=True)
            return given if strict and isinstance(given, Tensor | Object) else None
        case "torch.multinomial":  # whether the probabilities are some, until torch 2.11
            return _weights(arguments)
        case "torch.histc":  # the smallest and the largest element, where no range is given
            reads = not arguments.keys() & {"2", "3", "min", "max"}
        case "torch.normal":  # whether a deviation is negative
            reads = isinstance(arguments.get("1", arguments.get("std")), Tensor)
        case "torch.isin":  # how many different elements there are
            reads = len(tensors) > 1 and "assume_unique" not in arguments
        case _:
            reads = False
    return tensors[0] if reads and tensors else None


def _index(name: str, arguments: Mapping[str, Value]) -> Tensor | Object | None:
    """The index of `one_hot(index)`, `scatter_mean(x, index)`, `global_mean_pool(x, batch)`; None if it is left out."""
    keys = ("0", "tensor", "input") if name.startswith("torch.nn.functional.") else ("1", "index", "batch")
    given = next((arguments[key] for key in keys if key in arguments), None)
    return given if isinstance(given, Tensor | Object) else None


def _weights(arguments: Mapping[str, Value]) -> Tensor | Object | None:
    """The probabilities of a draw; None for several draws with replacement, for which they are not looked at."""
    count = arguments.get("1", arguments.get("num_samples"))
    replaced = arguments.get("2", arguments.get("replacement"))
    several = isinstance(count, Constant) and count.value != 1
    given = arguments.get("0", arguments.get("input"))
    looks = not (several and replaced == Constant(value=True))
    return given if looks and isinstance(given, Tensor | Object) else None


def _validated(frame: Frame, arguments: Mapping[str, Value], node: ast.Call) -> Tensor | Object | None:
    """A parameter that a distribution tests, as it does unless it is told not to."""
    if "validate_args" in arguments:
        return None
    nodes = argument_nodes(node)
    for key, value in arguments.items():
        if isinstance(value, Tensor):
            return value
        if isinstance(value, Object) and key in nodes and seems_tensor(frame, nodes[key], value):
            return value
    return None
