"""Special methods: which of them an operation may run, and which classes of the tree define some that act."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from textwrap import dedent

from transfer_lint.files.parsing import parse
from transfer_lint.files.scan import MOVES
from transfer_lint.flow.program.syntax import nodes_of

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.MatMult: "matmul", ast.Div: "truediv",
    ast.FloorDiv: "floordiv", ast.Mod: "mod", ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift",
    ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor", ast.UAdd: "pos", ast.USub: "neg", ast.Invert: "invert",
}  # fmt: skip
_UNARY = {kind: (f"__{name}__",) for kind, name in _OPERATORS.items()}
_TRUTH = ("__bool__", "__len__")
_LOOP = ("__iter__", "__next__", "__getitem__", "__len__")
_TEXT = ("__format__", "__str__", "__repr__")
_NUMBER = ("__int__", "__float__", "__index__", "__trunc__", "__complex__")
_ORDER = ("__eq__", "__lt__", "__gt__")
_WITHIN = ("__contains__", "__eq__", *_LOOP)
_BINARY = {kind: tuple(f"__{side}{name}__" for side in ("", "r", "i")) for kind, name in _OPERATORS.items()}
_BINARY[ast.Mod] += _TEXT
_COMPARED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Eq: ("__eq__",), ast.NotEq: ("__ne__", "__eq__"), ast.Lt: ("__lt__", "__gt__"), ast.Gt: ("__gt__", "__lt__"),
    ast.LtE: ("__le__", "__ge__"), ast.GtE: ("__ge__", "__le__"), ast.Is: (), ast.IsNot: (), ast.In: _WITHIN,
    ast.NotIn: _WITHIN,
}  # fmt: skip
_ITEM = ("__getitem__", "__setitem__", "__delitem__", "__hash__", "__eq__", "__index__")
_LOOPS = dict.fromkeys(("list", "tuple", "iter", "zip", "map", "filter", "enumerate", "next", "dict"), _LOOP)
_NUMBERS = dict.fromkeys(("int", "float", "complex", "range"), _NUMBER)
_CALLS: dict[str, tuple[str, ...]] = {
    **_LOOPS, **_NUMBERS, "sum": (*_LOOP, "__add__", "__radd__"), "any": (*_LOOP, *_TRUTH), "all": (*_LOOP, *_TRUTH),
    "min": (*_LOOP, *_ORDER), "max": (*_LOOP, *_ORDER), "sorted": (*_LOOP, *_ORDER), "bool": _TRUTH,
    "set": (*_LOOP, "__hash__", "__eq__"), "frozenset": (*_LOOP, "__hash__", "__eq__"), "len": ("__len__",),
    "str": _TEXT, "repr": _TEXT, "print": _TEXT, "format": _TEXT, "isinstance": (), "type": (), "id": (),
    "issubclass": (), "callable": (), "hash": ("__hash__",), "abs": ("__abs__",), "round": ("__round__",),
    "reversed": ("__reversed__", *_LOOP), "divmod": ("__divmod__", "__rdivmod__"), "vars": (),
}  # fmt: skip
_LOOKED_UP = ("__getattr__", "__getattribute__")
_OF_TORCH = ("__torch_function__", "__array__", *_NUMBER, "__bool__")
_NOT_IMPLICIT = frozenset(
    {
        "__init__", "__new__", "__post_init__", "__call__", "__enter__", "__exit__", "__aenter__", "__aexit__",
        "__init_subclass__", "__class_getitem__", "__del__", "__getattribute__",
    }
)  # fmt: skip
_QUIET = frozenset(
    {
        "len", "str", "repr", "isinstance", "int", "float", "bool", "hash", "super", "format", "type", "id", "tuple",
        "list", "range", "zip", "enumerate", "getattr", "hasattr", "sorted", "AttributeError", "IndexError", "KeyError",
        "NotImplementedError", "TypeError", "ValueError", "StopIteration",
    }
)  # fmt: skip
_CASTS = frozenset({"half", "float", "double", "bfloat16"})
_ACTS = (ast.Await, ast.With, ast.AsyncWith, ast.AugAssign, ast.Global, ast.Nonlocal)
_DEFINITION = re.compile(r"def[ \t]+(\w+)\(")  # begins with a literal, for which a search is many times faster
_BEFORE = re.compile(r"([ \t]+)(?:async[ \t]+)?")
_DECORATOR = re.compile(r"[ \t]+@(\w[\w.]*)")


def is_implicit(method: str) -> bool:
    """Whether a name is one of a special method that is called by what no call shows."""
    return method.startswith("__") and method.endswith("__") and method not in _NOT_IMPLICIT


def acts(method: ast.AST) -> bool:
    """Whether a special method may do more than to look at its object: it calls something, or assigns."""
    for node in nodes_of(method):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _QUIET:
                continue
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")))):
                continue
            case ast.Call() | ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                return True
        if isinstance(node, _ACTS):
            return True
    return False


def names_acting(text: str) -> Iterable[str]:
    """The special methods that a text defines and that move or assign something themselves.

    So do properties, as `.name`, and what assigns them, as `.name=`.
    """
    for match in _DEFINITION.finditer(text):
        line = text.rfind("\n", 0, match.start()) + 1
        before = _BEFORE.fullmatch(text, line, match.start())
        if before is None:
            continue
        decorated = _DECORATOR.match(text, text.rfind("\n", 0, max(line - 1, 0)) + 1, line)
        name, decorator = match[1], decorated[1] if decorated is not None else ""
        if decorator.endswith("property"):
            name = f".{name}"
        elif decorator == f"{name}.setter":
            name = f".{name}="
        elif name not in ("__del__", "__getattribute__") and not is_implicit(name):
            continue
        if _definition_acts(text, match.start(1), before[1]):
            yield name


def _definition_acts(text: str, start: int, indentation: str) -> bool:
    """Whether the method moves or assigns whose name begins there. Only it is parsed."""
    end = re.compile(rf"\n(?!{indentation}[ \t)]|[ \t]*\r?\n)").search(text, start)
    try:
        method = parse(dedent(f"{indentation}def {text[start : end.start() if end else len(text)]}"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(map(_moves_or_assigns, nodes_of(method)))


def _moves_or_assigns(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in MOVES or name in _CASTS
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return True
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            return not isinstance(value, ast.Name)
    return False


def run_by(node: ast.AST, dotted: str = "") -> Sequence[str]:
    """The special methods of its operands that an operation may run, as `names_acting` names them.

    dotted: what a call calls; "iter" where something is gone through; of an attribute `.name` if it is read, and
        `.name=` if it is assigned.
    """
    if dotted.startswith("."):
        return (dotted, "__setattr__", "__delattr__") if dotted.endswith("=") else (dotted, *_LOOKED_UP)
    if dotted == "iter":
        return _LOOP
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            return _BINARY[type(op)]
        case ast.UnaryOp(op=ast.Not()) | ast.BoolOp() | ast.Name() | ast.Attribute():
            return _TRUTH
        case ast.UnaryOp(op=op):
            return _UNARY[type(op)]
        case ast.Compare(ops=ops):
            return [name for op in ops for name in _COMPARED[type(op)]]
        case ast.Subscript() | ast.Dict() | ast.Set():
            return _ITEM
        case ast.JoinedStr():
            return _TEXT
        case ast.Call() if dotted.startswith("builtins."):
            return _CALLS.get(dotted.removeprefix("builtins."), ())
        case ast.Call() if dotted.startswith("torch."):
            return _OF_TORCH
        case ast.Call() if dotted.startswith("numpy."):
            return *_OF_TORCH, *_LOOP
        case ast.Call():
            return ()
    return _LOOP
