"""Implicit copies: recording what torch itself copies to where an indexed or filled tensor is."""

from __future__ import annotations

import ast

from transfer_lint.findings import Heat
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.host_reads import is_mask, note
from transfer_lint.flow.interpret.seeming import seems_tensor
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program.libraries import works_on_arrays
from transfer_lint.flow.program.number_lists import lists_numbers
from transfer_lint.flow.program.syntax import parents
from transfer_lint.flow.results.constructions import ImplicitUpload
from transfer_lint.flow.results.reads import Form
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import TermKind, merge_why, role_of
from transfer_lint.flow.values.values import Constant, Host, Object, Tensor, Tuple, Value


def upload_of_index(frame: Frame, node: ast.Subscript, owner: Value, key: Value, state: State) -> None:
    """A tensor, array or list of the host as an index is copied to where the indexed tensor is."""
    listed = isinstance(node.slice, ast.Tuple)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    keys = key.items if listed and isinstance(key, Tuple) else (key,)
    tensor = _on_device(frame, node.value, owner)
    if tensor is None or len(parts) != len(keys):
        return
    sure = isinstance(owner, Tensor) or seems_tensor(frame, node.value, owner, by_use=True)
    sure = sure or _is_given_to_torch(frame, node)
    placed = tensor.device is not None and tensor.device.term.kind is not TermKind.DEVICE_OF
    in_module = frame.function is not None and frame.function.owner is not None and frame.function.owner.is_module
    among = sure or (seems_tensor(frame, node.value, owner) and not _works_on_arrays(frame))
    for part, value in zip(parts, keys, strict=True):
        # Who makes a mask or writes a list outside of steps may well work on the host altogether.
        likely = placed or in_module or not (is_mask(value) or isinstance(part, ast.List))
        likely = likely or frame.rate.rate.heat.rank >= Heat.STEP.rank
        # No list or dictionary takes a list that is written out.
        whole = isinstance(value, Tensor) or (
            (sure or (among and isinstance(part, ast.List))) and _holds_numbers(frame, part, value, state)
        )
        if whole and likely and _is_of_host(frame, value):
            _note(frame, node, part, value, tensor)
            return


def upload_of_value(frame: Frame, node: ast.Subscript, owner: Value, value: Value) -> None:
    """`x[:, 0] = y`: what is assigned to items of a tensor is copied to where that tensor is."""
    statement = frame.around.statement
    tensor = _on_device(frame, node.value, owner)
    if tensor is None or not isinstance(statement, ast.Assign) or statement.targets != [node]:
        return
    if isinstance(value, Tensor) and value.scalar is False and _is_of_host(frame, value):
        _note(frame, node, statement.value, value, tensor)


def _is_given_to_torch(frame: Frame, node: ast.expr) -> bool:
    """Whether a value is an argument of a function of torch that computes with tensors."""
    holder = parents(frame.around.statement).get(node)
    return isinstance(holder, ast.Call) and frame.module.dotted(holder.func) in frame.knowledge.combine


def _works_on_arrays(frame: Frame) -> bool:
    """Whether the function makes or takes arrays, so that what takes a list as an index may well be one."""
    return frame.function is not None and works_on_arrays(frame.module, frame.function.node)


def read_of_value(frame: Frame, node: ast.Subscript, owner: Value, value: Value) -> None:
    """`x[:, 0] = y`: what is assigned to items of a tensor that was made on the host is copied there: a host read.

    Not if the code says that this tensor is to be on the host. What is of unknown placement has to be computed here, in
    a function that puts something on a device.
    """
    statement = frame.around.statement
    if not isinstance(statement, ast.Assign) or statement.targets != [node] or statement.value in frame.reads:
        return
    if (
        not isinstance(owner, Tensor)
        or owner.optional
        or not _is_host(frame, owner)
        or not _is_by_default(frame, owner)
    ):
        return
    if isinstance(value, Object) and seems_tensor(frame, statement.value, value):
        value = Tensor(value.ident, *value.placed)
    if not isinstance(value, Tensor) or value.optional or _is_host(frame, value):
        return
    term = value.device_term()
    placed = value.computed or term.kind is not TermKind.DEVICE_OF
    if placed or (term.symbol is not None and not term.symbol.is_initial() and _uses_device(frame)):
        note(frame, statement.value, value, form=Form.ITEMS)


def _uses_device(frame: Frame) -> bool:
    """Whether the function has moved anything to a device by now: what it computes is there, too."""
    asked = (site.request.device for site in frame.sites.values())
    return any(half is not None and role_of(half.known.term, frame.knowledge) is not Role.HOST for half in asked)


def _is_by_default(frame: Frame, value: Tensor) -> bool:
    """Whether a tensor is on the host because no factory that it comes from was told a device, or pins its memory."""
    calls = [fact.node for fact in (value.device.why if value.device is not None else ())]
    made = frame.knowledge.factories | frame.knowledge.like_factories
    return bool(calls) and all(
        isinstance(call, ast.Call)
        and frame.module.dotted(call.func) in made
        and not any(keyword.arg in ("device", "pin_memory") for keyword in call.keywords)
        for call in calls
    )


def _on_device(frame: Frame, node: ast.expr, owner: Value) -> Tensor | None:
    """What is indexed, if it is, or seems to be, a tensor that is not known to be on the host."""
    if isinstance(owner, Object) and seems_tensor(frame, node, owner):
        owner = Tensor(owner.ident, *owner.placed)
    if not isinstance(owner, Tensor) or owner.optional or (owner.device is not None and _is_host(frame, owner)):
        return None
    return owner


def _is_host(frame: Frame, value: Tensor) -> bool:
    return value.device is not None and role_of(value.device.term, frame.knowledge) is Role.HOST


def _is_of_host(frame: Frame, value: Value) -> bool:
    return not isinstance(value, Tensor) or (_is_host(frame, value) and not value.scalar)


def _holds_numbers(frame: Frame, node: ast.expr, value: Value, state: State) -> bool:
    """Whether an index is an array, a list of what are no tensors, or a `range`."""
    if isinstance(node, ast.Call) and frame.module.dotted(node.func) == "builtins.range":
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return any(
            isinstance(side, ast.List) and _holds_numbers(frame, side, value, state) for side in (node.left, node.right)
        )
    if isinstance(node, ast.List):
        return bool(node.elts) and all(isinstance(item, ast.Constant | ast.UnaryOp) for item in node.elts)
    if isinstance(value, Host) and value.array:
        return True
    if not isinstance(value, Host | Object):
        return False
    written = frame.function is not None and lists_numbers(frame.module, frame.function, node)
    return written or (isinstance(value, Object) and value.cls == "builtins.list" and _items_are_numbers(value, state))


def _items_are_numbers(owner: Object, state: State) -> bool:
    """Whether all that is known to be in a list are values of the host."""
    items = state.record(owner.ident).attributes.values()
    return bool(items) and all(
        isinstance(item, Constant) or (isinstance(item, Host) and not item.array) for item in items
    )


def _note(frame: Frame, node: ast.Subscript, brought: ast.expr, value: Value, tensor: Tensor) -> None:
    around = frame.around
    if around.traced:
        return
    made = value.made if isinstance(value, Tensor) else None
    known = value.device.why if isinstance(value, Tensor) and value.device is not None else ()
    why = merge_why(tensor.why, tensor.device.why if tensor.device is not None else (), known)
    frame.uploads[node] = ImplicitUpload(
        frame.module, node, brought, made, tensor, why, frame.function, frame.rate, around.statement, around.in_handler
    )
