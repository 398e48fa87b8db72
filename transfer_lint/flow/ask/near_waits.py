"""Waits close to one another: right after one, there is little left to wait for."""

from __future__ import annotations

import ast
import builtins
import re

from transfer_lint.flow.ask.dominance import HostPlace, dominates, last_line
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import LOOPS, block_with, loops_around, nodes_of, path_to
from transfer_lint.flow.results.waits import ExplicitWait

_LIGHT = ("math.", "numpy.", "time.", "torch.")
_HEAVY = re.compile(
    r"attention|backward|conv|einsum|grad|gru|linear|lstm|matmul|mm$|mm_$|mv$|rnn|sort|synchronize|tensordot"
)
"""Products, layers and the like, and what waits itself, by what the last part of a name holds."""
_PLAIN = frozenset(
    {"add_scalar", "append", "debug", "extend", "format", "get", "info", "items", "join", "keys", "log",
     "set_description", "set_postfix", "update", "values", "warning", "write"}
)  # fmt: skip
"""Methods of containers, loggers and the like."""


def follows_closely(first: HostPlace, second: HostPlace, module: Module, methods: frozenset[str]) -> bool:
    """Whether a place always runs before another, and the device gets little to do in between.

    methods: those of tensors. Of these and of torch's functions all are light but products, layers and gradients; no
    function of the tree, or of another library, is.
    """
    if first.function is not second.function or first.node in nodes_of(second.node):
        return False
    if not dominates(first, second) and not _stands_before(first, second):
        return False
    if last_line(first, second) != second.node.lineno:
        return False
    start, end = _end(first.node), _end(second.node)
    before = set(nodes_of(first.node))
    between = (node for node in nodes_of(second.scope) if isinstance(node, (ast.Call, ast.BinOp, *LOOPS)))
    return all(
        _is_light(node, module, methods)
        for node in between
        if start < _end(node) <= end and node is not second.node and node not in before and not _is_in(node, first)
    )


def _stands_before(first: HostPlace, second: HostPlace) -> bool:
    """Whether a place is in an operand of an `and` or `or` that is asked before the one that holds the other."""
    if first.statement is not second.statement:
        return False
    for test in nodes_of(first.statement):
        if isinstance(test, ast.BoolOp):
            numbers = [next((n for n, each in enumerate(test.values) if _is_in(each, p)), -1) for p in (first, second)]
            if 0 <= numbers[0] < numbers[1]:
                return True
    return False


def _is_in(node: ast.AST, place: HostPlace) -> bool:
    return any(part is place.node for part in nodes_of(node))


def in_same_rounds(needed: HostPlace | ExplicitWait, other: HostPlace) -> bool:
    """Whether the innermost loop around another wait, or its function, has to make the needed one in each round."""
    body = other.scope.body
    loops, path = loops_around(body, other.statement), path_to(body, needed.statement)
    if loops and loops[-1] not in path[:-1]:
        return False
    start = path.index(loops[-1]) + 1 if loops else 0
    return all(isinstance(statement, ast.With) for statement in path[start:-1])


def is_beside(wait: ExplicitWait, other: HostPlace) -> bool:
    """Whether one of two waits stands in the statement before or after that of the other: they wait for the same."""
    block = block_with(other.scope.body, other.statement)
    number = next(i for i, each in enumerate(block) if each is other.statement)
    return any(each is wait.statement for each in block[max(number - 1, 0) : number + 2])


def _is_light(node: ast.AST, module: Module, methods: frozenset[str]) -> bool:
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult)
    name = module.dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
    if _HEAVY.search(last) or name.startswith(("torch.linalg.", "torch.fft.", "torch.autograd.")):
        return False
    if name.startswith(_LIGHT) or (isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id)):
        return True
    return isinstance(node.func, ast.Attribute) and (last in methods or last in _PLAIN)


def _end(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0
