"""Annotations: the value of a parameter or attribute, as its annotation says."""

from __future__ import annotations

import ast

from transfer_lint.files.parsing import parse_expression
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind
from transfer_lint.flow.values.values import Host, Object, Placed, Tensor, Value

_TENSORS = ("torch.Tensor", "torch.FloatTensor", "torch.LongTensor")
_MAPPINGS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict"})
_SEQUENCES = frozenset({"list", "List", "Sequence", "tuple", "Tuple", "Iterable"})


def holds_tensors(module: Module, note: ast.expr | None) -> type | None:
    """`dict` for the annotation of a mapping to tensors, `list` for that of a sequence of them; else None."""
    if not isinstance(note, ast.Subscript):
        return None
    kind = module.dotted(note.value).rpartition(".")[2]
    items = note.slice.elts if isinstance(note.slice, ast.Tuple) else [note.slice]
    held = items[1:] if kind in _MAPPINGS else items
    held = [item for item in held if not (isinstance(item, ast.Constant) and item.value is ...)]
    if not held or any(module.dotted(_annotated_type(module, item)) not in _TENSORS for item in held):
        return None
    return dict if kind in _MAPPINGS else list if kind in _SEQUENCES else None


def _annotated_type(module: Module, note: ast.expr) -> ast.expr:
    """`Tensor` of `Float[Tensor, "batch channels"]` and `Annotated[Tensor, ..]`; else the annotation as it is."""
    match note:
        case ast.Subscript(value=kind, slice=ast.Tuple(elts=[first, *_])):
            name = module.dotted(kind)
            if name.startswith("jaxtyping.") or name in ("typing.Annotated", "typing_extensions.Annotated"):
                return first
    return note


def annotated(module: Module, name: str, note: ast.expr | None, where: ast.AST, symbol: Symbol) -> Value:
    """The value of a parameter or attribute, as its annotation says."""
    if isinstance(note, ast.Constant) and isinstance(note.value, str):
        try:
            note = parse_expression(note.value)
        except (SyntaxError, ValueError):
            return Object(symbol)
    if isinstance(note, ast.BinOp) and isinstance(note.op, ast.BitOr):
        parts = [p for p in (note.left, note.right) if not (isinstance(p, ast.Constant) and p.value is None)]
        note = parts[0] if len(parts) == 1 else None
    if isinstance(note, ast.Subscript) and module.dotted(note.value).rpartition(".")[2] == "Optional":
        note = note.slice
    if note is None:
        return Object(symbol)
    why = (Fact(module, where, f"`{name}` is annotated as `{ast.unparse(note)}`"),)
    note = _annotated_type(module, note)
    cls = module.project.class_named(module, note)
    if cls is not None:
        return Object(symbol, cls, why)
    kind = module.dotted(note)
    if kind in _TENSORS:
        return Tensor(symbol, why=why)
    if module.project.knowledge.is_module_class(kind):
        return Object(symbol, kind, why)
    if kind in ("torch.device", "torch.dtype"):
        return Placed(Known(Term(TermKind.VALUE, symbol=symbol)), kind == "torch.dtype")
    if kind in ("builtins.int", "builtins.float", "builtins.bool", "builtins.str"):
        return Host(symbol)
    return Object(symbol)
