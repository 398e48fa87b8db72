"""Code as a diagram shows it: names, calls and their arguments, and which function a call runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.syntax import written
from transfer_lint.flow.results.examination import Interpretation
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.values import Class, Function, Object

_LONGEST_LABEL = 32  # characters of code


def shown(node: ast.expr) -> str:
    """How a node is written, cut where it is long."""
    return written(node, _LONGEST_LABEL)


def dotted(node: ast.expr) -> str:
    """`self.model` as written; "" for an expression that is not only names and dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


def request_of(site: Site) -> str:
    """The call of a transfer as a label: `.to(self.device)`, `cast: .to(dtype=x.dtype)`."""
    device, dtype = site.request.device, site.request.dtype
    half = device or dtype
    arguments = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    names = [*("" for _ in site.node.args), *(f"{keyword.arg}=" for keyword in site.node.keywords)]
    number = half.argument if half is not None else None
    asked = names[number] + _argument(arguments[number]) if number is not None and number < len(arguments) else ""
    return f"{'cast: ' * (device is None and dtype is not None)}.{site.method}({asked})"


def _argument(node: ast.expr) -> str:
    """An argument; of `a.b.get_device()` the last name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not (node.args or node.keywords):
        return f"{node.func.attr}()"
    return shown(node)


def callees(interpretation: Interpretation) -> Iterator[FunctionInfo]:
    """The functions of the source tree that a function calls, in source order."""
    calls = [node for node in interpretation.values if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        if (found := callee(interpretation, node)) is not None:
            yield found


def callee(interpretation: Interpretation, node: ast.Call) -> FunctionInfo | None:
    """The function of the source tree that a call runs; None if it is not known."""
    match interpretation.values.get(node.func):
        case Function(info=info):
            return info
        case Class(info=cls):
            return cls.method("__init__")
        case Object(cls=ClassInfo() as cls):
            return cls.method("forward") or cls.method("__call__")
    if isinstance(node.func, ast.Attribute):
        receiver = interpretation.values.get(node.func.value)
        if isinstance(receiver, Object) and isinstance(receiver.cls, ClassInfo):
            return receiver.cls.method(node.func.attr)
    return None
