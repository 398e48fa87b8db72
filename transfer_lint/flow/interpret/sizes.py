"""Sizes and other numbers of calls: a tensor that torch is given in place of one is read."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.seeming import seems_number
from transfer_lint.flow.knowledge.names import ONE_NUMBER
from transfer_lint.flow.program.named_setters import named_and_moved
from transfer_lint.flow.program.syntax import bindings, own_attribute
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Object, Tensor, Tuple, Value

TAKE_NUMBERS = frozenset(
    {"chunk", "diagonal", "expand", "kthvalue", "multinomial", "narrow", "new_empty", "new_full", "new_ones",
     "new_zeros", "repeat", "reshape", "resize_", "roll", "rot90", "select", "split", "tile", "topk", "tril", "triu",
     "unfold", "view"}
)  # fmt: skip
"""Methods of tensors all of whose arguments are numbers; functions of torch but for the first one."""
_NUMBERS = frozenset(
    {"chunks", "diagonal", "end", "fill_value", "index", "k", "length", "num_samples", "offset", "pad", "shifts",
     "size", "start", "step", "steps"}
)  # fmt: skip
PAD = "torch.nn.functional.pad"


def takes_numbers(name: str) -> bool:
    """Whether a function of torch takes a tensor, and then numbers: `torch.topk(x, k)`."""
    return name.startswith("torch.") and name.removeprefix("torch.") in TAKE_NUMBERS


def read_as_number(
    frame: Frame,
    arguments: Mapping[str, Value],
    node: ast.Call,
    state: State,
    *,
    after_tensor: bool = False,
    seeming: bool = False,
) -> Tensor | Object | None:
    """The tensor that a call takes for a number; None if there is none.

    after_tensor: the first argument is a tensor as such.
    seeming: what seems to be a tensor by its uses counts; else only where it is made one number: `n = x.amax()`.
    """
    nodes = argument_nodes(node)
    for key, value in arguments.items():
        if not (key in _NUMBERS or (key.isdigit() and not (after_tensor and key == "0"))):
            continue
        sized = next((part for part in _items(value, state) if isinstance(part, Tensor)), None)
        if sized is not None:
            return sized
        if not isinstance(value, Object) or key not in nodes:
            continue
        given = nodes[key]
        if (seeming or _is_one_number(frame, given)) and seems_number(frame, given, value):
            return value
        if _is_item_of_table(frame, given):
            return value
    return None


def repeats_by_tensor(frame: Frame, arguments: Mapping[str, Value], node: ast.Call, position: int) -> bool:
    """Whether the numbers of repeats are, or seem to be, a tensor: its sum is the size of the result."""
    key = str(position) if str(position) in arguments else "repeats"
    repeats, given = arguments.get(key), argument_nodes(node).get(key)
    if "output_size" in arguments or repeats is None or given is None:
        return False
    return isinstance(repeats, Tensor) or seems_number(frame, given, repeats)


def _is_one_number(frame: Frame, node: ast.expr) -> bool:
    """Whether the function makes a name one number of a tensor."""
    bound = bindings(frame.function.node) if frame.function is not None and isinstance(node, ast.Name) else ()
    made = (value for target, value in bound if isinstance(target, ast.Name) and target.id == getattr(node, "id", ""))
    return any(isinstance(v, ast.Call) and getattr(v.func, "attr", "") in ONE_NUMBER and not v.args for v in made)


def _is_item_of_table(frame: Frame, node: ast.expr) -> bool:
    """Whether it is an item of a table that `self` has moved, or of a local name for one: see `named_setters`.

    A nested function may use the names, and the `self`, of the method around it.
    """
    first, *names = frame.function.qualname.split(".") if frame.function is not None else [""]
    owner = frame.module.classes.get(first)
    method = owner.methods.get(names[0]) if owner is not None and names else None
    if owner is None or method is None or not isinstance(node, ast.Subscript):
        return False
    tables = [node.value]
    if isinstance(node.value, ast.Name):
        bound = bindings(method.node)
        tables = [v for t, v in bound if isinstance(t, ast.Name) and t.id == node.value.id and v is not None]
    tables += [each.orelse for each in tables if isinstance(each, ast.IfExp)]
    return any(own_attribute(table) in named_and_moved(owner) for table in tables)


def argument_nodes(node: ast.Call) -> Mapping[str | None, ast.expr]:
    """The arguments of a call that unpacks none, by position ("0", "1" ..) and keyword."""
    if any(isinstance(part, ast.Starred) for part in node.args):
        return {}
    nodes: dict[str | None, ast.expr] = {str(number): part for number, part in enumerate(node.args)}
    return nodes | {keyword.arg: keyword.value for keyword in node.keywords}


def _items(value: Value, state: State) -> Sequence[Value]:
    """The items of a tuple or list; or the value."""
    if isinstance(value, Object) and value.cls == "builtins.list":
        return list(state.record(value.ident).attributes.values())
    return value.items if isinstance(value, Tuple) else (value,)
