"""What an attribute of a value is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from transfer_lint.flow.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.objects import found_method
from transfer_lint.flow.tensors import tensor_attribute
from transfer_lint.flow.values import (
    Class,
    External,
    Function,
    Host,
    Known,
    Object,
    Package,
    Placed,
    Tensor,
    Term,
    TermKind,
    Value,
)

if TYPE_CHECKING:
    from transfer_lint.flow.interpreter import Interpreter
    from transfer_lint.flow.state import State


def attribute(self: Interpreter, owner: Value, node: ast.Attribute, state: State) -> Value:
    """What `node` reads off `owner`, the value of `node.value`, which has been evaluated already."""
    name = node.attr
    match owner:
        case External():
            return _external_attribute(self, f"{owner.name}.{name}")
        case Package():
            binding = owner.module.binding(name)
            return self.bound(owner.module, name, binding) if binding is not None else self.unknown(node, name)
        case Tensor():
            return tensor_attribute(self, owner, name, node)
        case Class():
            method = owner.info.method(name)
            return Function(method) if method else self.unknown(node, f"{owner.info.name}.{name}")
        case Object():
            if isinstance(owner.cls, ClassInfo) and name not in state.record(owner.ident).attributes:
                if owner.cls.method("__getattribute__") is not None:
                    state.havoc(owner, self.epoch(node), node.lineno)
                    return self.unknown(node, name)
                method = found_method(self, owner, name, state)
                if method is not None:
                    return _member(self, owner, method, node, state)
            return state.read(owner, name)
        case Placed() if name == "type":
            return Host(self.symbol(node, name))
    return self.unknown(node, name)


def _member(self: Interpreter, owner: Object, method: FunctionInfo, node: ast.Attribute, state: State) -> Value:
    """A method, bound; or what a property gives."""
    if "builtins.property" in method.decorators:
        return self.summaries.call(self, method, {"": owner}, node, state)
    if "builtins.staticmethod" in method.decorators:
        return Function(method)
    return Function(method, owner)


def _external_attribute(self: Interpreter, name: str) -> Value:
    if name.startswith("torch.") and name.removeprefix("torch.") in DTYPES:
        return Placed(Known(Term(TermKind.CONSTANT, DTYPES[name.removeprefix("torch.")])), is_dtype=True)
    return External(name)


# Names of dtypes, the aliases among them (`torch.half`), and the canonical name of each.
_DTYPES = """float16 float32 float64 bfloat16 uint8 uint16 uint32 uint64 int8 int16 int32 int64 bool complex64
complex128 float8_e4m3fn float8_e5m2"""
_DTYPE_ALIASES = {"half": "float16", "float": "float32", "double": "float64", "short": "int16", "int": "int32"}
DTYPES = {name: f"torch.{name}" for name in _DTYPES.split()}
DTYPES |= {alias: f"torch.{name}" for alias, name in {**_DTYPE_ALIASES, "long": "int64"}.items()}
