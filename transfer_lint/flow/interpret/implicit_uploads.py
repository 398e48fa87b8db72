"""Implicit uploads: recording what torch itself copies to where an indexed or filled tensor is."""

from __future__ import annotations

import ast

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.host_reads import is_mask
from transfer_lint.flow.interpret.seeming import seems_tensor
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program.number_lists import lists_numbers
from transfer_lint.flow.results.constructions import ImplicitUpload
from transfer_lint.flow.values.terms import TermKind, merge_why, role_of
from transfer_lint.flow.values.values import Host, Object, Tensor, Tuple, Value


def upload_of_index(frame: Frame, node: ast.Subscript, owner: Value, key: Value) -> None:
    """A tensor, array or list of the host as an index is copied to where the indexed tensor is."""
    listed = isinstance(node.slice, ast.Tuple)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    keys = key.items if listed and isinstance(key, Tuple) else (key,)
    tensor = _on_device(frame, node.value, owner)
    if tensor is None or len(parts) != len(keys):
        return
    sure = isinstance(owner, Tensor) or seems_tensor(frame, node.value, owner, by_use=True)
    placed = tensor.device is not None and tensor.device.term.kind is not TermKind.DEVICE_OF
    in_module = frame.function is not None and frame.function.owner is not None and frame.function.owner.is_module
    for part, value in zip(parts, keys, strict=True):
        # Who makes a mask or writes a list may well work on the host altogether.
        likely = placed or in_module or not (is_mask(value) or isinstance(part, ast.List))
        whole = isinstance(value, Tensor) or (sure and _holds_numbers(frame, part, value))
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


def _holds_numbers(frame: Frame, node: ast.expr, value: Value) -> bool:
    """Whether an index is an array, a list of what are no tensors, or a `range`."""
    if isinstance(node, ast.Call) and frame.module.dotted(node.func) == "builtins.range":
        return True
    if isinstance(node, ast.List):
        return bool(node.elts) and all(isinstance(item, ast.Constant | ast.UnaryOp) for item in node.elts)
    if isinstance(value, Object):
        return frame.function is not None and lists_numbers(frame.module, frame.function, node)
    return isinstance(value, Host) and value.array


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
