"""Elements: what loops read of a tensor one by one, and what every layer is given again."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.items import element
from transfer_lint.flow.interpret.seeming import seems_tensor
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program.syntax import nodes_of, spelled, written
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import role_of
from transfer_lint.flow.values.values import Object, Tensor, Tuple, Value


def elements_of(
    frame: Frame,
    target: ast.expr,
    source: ast.expr,
    state: State,
    value: Value | None = None,
    body: Sequence[ast.stmt] = (),
) -> dict[str, str]:
    """Names that a loop binds to the elements of a tensor -> the source of the tensor; numbers of elements -> "".

    value: that of the source, where it is known. body: of the loop, which tells what it reads of unknown things.
    """
    match source, target:
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]), _:
            return elements_of(frame, target, inner, state, body=body)
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]), ast.Tuple(elts=[_, item]):
            return elements_of(frame, item, inner, state, body=body)
        case ast.Call(func=ast.Name(id="zip"), args=[ast.Starred(value=inner)]), ast.Tuple():
            listed = frame.eval(inner, state.copy())
            return _named(target, inner) if isinstance(element(frame, listed, inner, state), Tensor) else {}
        case ast.Call(func=ast.Name(id="zip"), args=parts), ast.Tuple(elts=items) if len(parts) == len(items):
            found: dict[str, str] = {}
            for item, inner in zip(items, parts, strict=True):
                found |= elements_of(frame, item, inner, state, body=body) or _of_unknown(
                    frame, item, inner, state, body
                )
            return found
        case ast.Call(func=ast.Name(id="range"), args=[*_, count]), ast.Name(id=name):
            sizes = (ast.Attribute, ast.Call)
            return {name: ""} if any(isinstance(part, sizes) for part in nodes_of(count)) else {}
    known = value if value is not None else frame.eval(source, state.copy())
    if isinstance(known, Tensor) or seems_tensor(frame, source, known, by_use=True):
        return _named(target, source)
    return _of_unknown(frame, target, source, state, body) if isinstance(target, ast.Tuple) else {}


def _of_unknown(
    frame: Frame, target: ast.expr, source: ast.expr, state: State, body: Sequence[ast.stmt]
) -> dict[str, str]:
    """What `.item()` reads of rows of something unknown, or of several things at once, is likely an element."""
    known = frame.eval(source, state.copy()) if body and isinstance(source, ast.Name | ast.Attribute) else None
    if not isinstance(known, Object) or known.cls is not None:
        return {}
    read = {
        part.value.id
        for statement in body
        for part in nodes_of(statement)
        if isinstance(part, ast.Attribute) and part.attr == "item" and isinstance(part.value, ast.Name)
    }
    return {name: whole for name, whole in _named(target, source).items() if name in read}


def collected_in(frame: Frame, target: ast.expr, source: ast.expr, value: Value, state: State) -> dict[str, str]:
    """The name that a comprehension binds to the tensors that a list has collected in a loop -> how they become one."""
    if isinstance(target, ast.Name) and collected(frame, source, value, state) is not None:
        return {target.id: f"torch.stack({written(source)})"}
    return {}


def collected(frame: Frame, source: ast.expr, value: Value, state: State) -> Tensor | Object | None:
    """A tensor of those that a list, which goes by a name, has collected in a loop; None if there are none."""
    if not (isinstance(value, Object) and value.cls == "builtins.list" and isinstance(source, ast.Name)):
        return None
    if "[]" not in state.record(value.ident).attributes:
        return None
    item = element(frame, value, source, state.copy())
    if isinstance(item, Tensor):
        return item if not item.optional and is_elsewhere(frame, item) else None
    return item if isinstance(item, Object) and item.placed[0] is not None else None


def listed(frame: Frame, value: Value, state: State) -> Tensor | None:
    """The first tensor of a list or tuple that is written out, unless that is on the host; None without one."""
    match value:
        case Tuple(items=items):
            held = list(items)
        case Object(cls="builtins.list"):
            held = [item for key, item in state.record(value.ident).attributes.items() if key != "[]"]
        case _:
            return None
    tensors = (item for item in held if isinstance(item, Tensor) and not item.optional)
    return next((item for item in tensors if is_elsewhere(frame, item)), None)


def _named(target: ast.expr, source: ast.expr) -> dict[str, str]:
    return {part.id: written(source) for part in nodes_of(target) if isinstance(part, ast.Name)}


def element_source(frame: Frame, node: ast.expr) -> str:
    """The source of the tensor of which the loops around the read go over the elements, if it reads such an element."""
    held = frame.around.elements
    made = [part for part in nodes_of(node) if held and _makes_of_numbers(frame, part)]
    read = {part for call in made if call is not node for part in nodes_of(call)}  # that makes a tensor on the host
    for part in nodes_of(node) if held else ():
        match part:
            case _ if part in read:
                continue
            case ast.Name(id=name) if held.get(name):
                return held[name]
            case ast.Subscript(value=value, slice=key) if not isinstance(key, ast.Compare):
                if any(isinstance(inner, ast.Name) and held.get(inner.id) == "" for inner in nodes_of(key)):
                    return written(value)
    return ""


def _makes_of_numbers(frame: Frame, node: ast.AST) -> bool:
    """Whether a call makes a tensor of the numbers that it reads: `torch.tensor(box)`."""
    return isinstance(node, ast.Call) and frame.module.dotted(node.func) in ("torch.tensor", "torch.as_tensor")


def given_to_layers(frame: Frame, node: ast.expr, state: State) -> str:
    """The source of the value that a chain of methods and constant items begins with, if every layer gets that value.

    Otherwise "".
    """
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner), args=[], keywords=[]):
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=int())):
                node = inner
            case _:
                break
    value = frame.eval(node, state.copy()) if isinstance(node, ast.Name | ast.Subscript) else None
    symbol = value.ident if isinstance(value, Tensor) else None
    if symbol is None or symbol.parent is None or symbol.parent.label not in frame.knowledge.layer_parameters:
        return ""
    return spelled(node) if symbol.name[2:-2] in frame.knowledge.per_step_values else ""


def holds_items(frame: Frame, assigned: Value) -> bool:
    """Whether what items of a tensor become is a tensor, or seems to be one: a number fills them all."""
    if not isinstance(assigned, Object):
        return is_elsewhere(frame, assigned)
    node = getattr(frame.around.statement, "value", None)
    named = isinstance(node, ast.Name)
    return isinstance(node, ast.Name | ast.Call) and seems_tensor(frame, node, assigned, by_use=named)


def is_elsewhere(frame: Frame, value: Value) -> bool:
    """Whether a value is a tensor that is not known to be on the host."""
    return isinstance(value, Tensor) and not (value.device and role_of(value.device.term, frame.knowledge) is Role.HOST)
