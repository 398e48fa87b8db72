"""Attributes: the value that reading one gives."""

from __future__ import annotations

import ast

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.assumed import of_output, scheduler_timesteps
from transfer_lint.flow.interpret.attribute_devices import put_by_class
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.items import element
from transfer_lint.flow.interpret.names import is_reassigned, value_of_binding
from transfer_lint.flow.interpret.objects import found_method, is_described
from transfer_lint.flow.interpret.tensors import tensor_attribute
from transfer_lint.flow.interpret.unknown_calls import namespace
from transfer_lint.flow.knowledge.names import DTYPES
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.tensor_uses import attribute_use
from transfer_lint.flow.values.aliasing import Later
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind
from transfer_lint.flow.values.values import Class, External, Function, Host, Object, Package, Placed, Tensor, Value

_PARTS = frozenset({"indices", "values"})  # of what `x.max(dim=1)` and the like give, which is a tuple with names


def attribute(frame: Frame, owner: Value, node: ast.Attribute, state: State) -> Value:
    """The value of the attribute read by `node`. `owner` is the value of `node.value`, evaluated before."""
    name = node.attr
    match owner:
        case External():
            return _external_attribute(frame, f"{owner.name}.{name}")
        case Package():
            binding = owner.module.binding(name)
            if binding is None or is_reassigned(frame, owner.module, name, binding):
                return frame.unknown(node, name)
            return value_of_binding(frame, owner.module, name, binding)
        case Tensor():
            return tensor_attribute(frame, owner, name, node)
        case Class():
            method = owner.info.method(name)
            return Function(method) if method else frame.unknown(node, f"{owner.info.name}.{name}")
        case Function() if name == "__call__":
            return owner
        case Object() if name == "__dict__":
            return namespace(frame, owner, node, state)
        case Object():
            if isinstance(owner.cls, ClassInfo) and is_described(frame, owner.cls, name, "__get__"):
                _run_member(frame, owner, node, state)
                return frame.unknown(node, name)
            if isinstance(owner.cls, ClassInfo) and owner.cls.method("__getattribute__") is not None:
                _run_member(frame, owner, node, state)
                return frame.unknown(node, name)
            if isinstance(owner.cls, ClassInfo) and name not in state.record(owner.ident).attributes:
                method = found_method(frame, owner, name, state)
                if method is not None:
                    return _member(frame, owner, method, node, state)
                if _may_run_code(frame, owner.cls, name, state) or _may_be_property(frame, owner, name, state):
                    _run_member(frame, owner, node, state)
                if owner.cls.method("__getattr__") is not None:
                    frame.run_operators((owner,), node, state)
            if owner.cls is None:
                frame.run_operators((owner,), node, state, f".{name}")
            if owner.cls == "builtins.list" and name in _PARTS:
                return element(frame, owner, node, state)
            value = of_output(owner, name, state.read(owner, name), frame, node)
            if owner.cls in ("builtins.list", "builtins.dict") and isinstance(value, Object):
                state.sharing.later[value.ident] = Later((owner.ident,))  # `held.append`, to be called later
            known = _by_assignment(frame, owner, name, scheduler_timesteps(frame, owner, name, value, node))
            return put_by_class(frame, owner, name, known, node, state)
        case Placed() if name == "type":
            return Host(frame.symbol(node, name))
    return frame.unknown(node, name)


def _by_assignment(frame: Frame, owner: Object, name: str, value: Value) -> Value:
    """The value of an attribute; as a tensor if the class of its owner assigns nothing else to it."""
    if not isinstance(owner.cls, ClassInfo) or not isinstance(value, Object) or value.cls is not None:
        return value
    use = attribute_use(owner.cls, name)
    if use is None or value.placed[0] is not None:
        return value
    made = Fact(owner.cls.module, use, "`{}` makes it a tensor", Assumption.MOVED_IS_TENSOR)
    frame.assumable.add(Assumption.MOVED_IS_TENSOR)
    if Assumption.MOVED_IS_TENSOR not in frame.callees.assumptions:
        return value
    return Tensor(value.ident, optional=value.optional, why=(made,))


def _member(frame: Frame, owner: Object, method: FunctionInfo, node: ast.Attribute, state: State) -> Value:
    """A method, bound unless it is static; for a property, its value."""
    if "builtins.property" in method.decorators:
        return frame.callees.call(frame, method, {"": owner}, node, state)
    if any(name not in frame.knowledge.transparent_decorators for name in method.decorators):
        _run_member(frame, owner, node, state)  # the setter of a property, a cached property or another descriptor
    if "builtins.staticmethod" in method.decorators:
        return Function(method)
    return Function(method, owner)


def _may_run_code(frame: Frame, cls: ClassInfo, name: str, state: State) -> bool:
    """Whether a class defines a property or the like, though the tree may assign another one: then some code runs.

    Not under the assumption that no changes are hidden.
    """
    method, plain = cls.method(name), frame.knowledge.transparent_decorators
    described = method is not None and any(d == "builtins.property" or d not in plain for d in method.decorators)
    return described and state.sharing.may_hide()


def _may_be_property(frame: Frame, owner: Object, name: str, state: State) -> bool:
    """Whether a subclass may define a property in place of a method or an attribute, which moves or assigns something.

    Not under the assumption that no changes are hidden.
    """
    if not isinstance(owner.cls, ClassInfo) or not owner.cls.is_overridden(name) or state.record(owner.ident).made:
        return False
    return (owner.cls.method(name) is not None or f".{name}" in frame.acting) and state.sharing.may_hide()


def _run_member(frame: Frame, owner: Object, node: ast.Attribute, state: State) -> None:
    """To read the attribute runs code of the tree that is not followed."""
    state.run_unseen((owner,), frame.epoch(node), node.lineno)
    state.havoc(owner, frame.epoch(node), node.lineno)


def _external_attribute(frame: Frame, name: str) -> Value:
    if name in DTYPES:
        return Placed(Known(Term(TermKind.CONSTANT, DTYPES[name])), is_dtype=True)
    return External(name)
