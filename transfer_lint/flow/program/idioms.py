"""Idioms of loops and of training code, told by how they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.flow.program.syntax import nodes_of

_WRAPPERS = frozenset({"enumerate", "zip", "iter", "islice", "tqdm", "trange", "cycle", "track", "reversed", "prepare"})

_FEW = 4  # iterations of a loop that is not over steps, whatever it does
_OF_WEIGHTS = frozenset(
    {"parameters", "named_parameters", "modules", "named_modules", "children", "named_children", "buffers",
     "named_buffers", "items", "keys", "values", "state_dict"}
)  # fmt: skip

_STREAMED = frozenset({"stream", "streaming", "progressive"})
_SAID = frozenset({"chat", "generate", "generation", "infer", "inference", "sample", "sampling", "sequence", "tts"})


def stops_training(root: ast.AST) -> bool:
    """Whether a model is told `train(False)`, which is `eval()`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "train"
        and any(isinstance(value, ast.Constant) and value.value is False for value in node.args)
        for node in nodes_of(root)
    )


def attributes(root: ast.AST) -> frozenset[str]:
    """The names of all attributes in a piece of code."""
    return frozenset(part.attr for part in nodes_of(root) if isinstance(part, ast.Attribute))


def holds(outer: ast.stmt, inner: ast.stmt) -> bool:
    """Whether a statement stands in another one."""
    return any(part is inner for part in nodes_of(outer))


def is_size(node: ast.AST) -> bool:
    """Whether an expression is a size: `x.shape[0]`, `len(xs)`, `x.size(0)`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="shape")) | ast.Attribute(attr="shape"):
            return True
        case ast.Call(func=ast.Name(id="len") | ast.Attribute(attr="size" | "numel")):
            return True
    return False


def is_next(call: ast.Call) -> bool:
    """Whether a call takes the next of something: `next(batches)`."""
    return isinstance(call.func, ast.Name) and call.func.id == "next" and bool(call.args)


def iterated(node: ast.expr) -> ast.expr:
    """What an iteration goes over: `loader` of `enumerate(tqdm(loader, leave=False), 1)`."""
    while isinstance(node, ast.Call) and node.args:
        if last_name(node.func) not in _WRAPPERS or isinstance(node.args[0], ast.Starred):
            break
        node = node.args[0]
    return node


def streams(call: ast.Call) -> bool:
    """Whether a call gives what a model says bit by bit, by its name: `model.stream_chat(..)`, `generate_stream()`."""
    words = set(last_name(call.func).lower().split("_"))
    return not _STREAMED.isdisjoint(words) and not _SAID.isdisjoint(words)


def last_name(node: ast.AST) -> str:
    """The name, or the last attribute, that an expression is; "" for anything else."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def innermost_call(node: ast.expr) -> ast.expr:
    """`f(x)` of `f(x).y()[0]`; of a name with items and methods, the name."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call() | ast.Subscript() as inner)) | ast.Subscript(value=inner):
                node = inner
            case _:
                return node


def cut_by(node: ast.expr) -> Iterator[ast.expr]:
    """What may say how wide the parts are that a loop goes over: `n` of `range(0, count, n)` and `parts(xs, n)`."""
    match node:
        case ast.Call(func=ast.Name(id="range"), args=args):
            yield from args[2:]
        case ast.Call(args=args, keywords=keywords):
            yield from args
            yield from (keyword.value for keyword in keywords)


def counts_little(node: ast.expr, most: int = _FEW) -> bool:
    """Whether a loop has a few iterations that are spelled out: `range(2)`, `(1.0, 0.5)`."""
    match iterated(node):
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as count)]):
            return count <= most
        case ast.Tuple() | ast.List():
            return True
    return False


def is_over_weights(node: ast.expr) -> bool:
    """Whether a loop goes over the parts or weights of a model, or over the items of a dictionary."""
    root = iterated(node)
    return isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute) and root.func.attr in _OF_WEIGHTS


def goes_on(test: ast.expr) -> bool:
    """Whether a loop goes on until somebody stops it, whatever it counts: `while True`, `while capture.isOpened()`."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Call(func=ast.Attribute(), args=[], keywords=[]):
            return True
        case ast.Compare(ops=[ast.Is() | ast.IsNot() | ast.Eq() | ast.NotEq()]):
            return not any(isinstance(part, ast.Constant) for part in test.comparators)
    return False
