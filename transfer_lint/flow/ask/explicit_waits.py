"""Explicit waits: what a program waits for on purpose, and what it need not wait for."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from itertools import pairwise

from transfer_lint.flow.ask.trained import is_in_training
from transfer_lint.flow.program.syntax import block_with, nodes_of, path_to
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.scoped import Scoped
from transfer_lint.flow.results.waits import ExplicitWait, WaitKind

_TIMES = r"clock|tic\b|toc\b|time(?!step)|elapsed"
_STUDIES = r"profil|bench|latenc|fps\b|warm_?up"
_COUNTS = r"memory_|mem_get"
_ORDERS = r"stream|event|data_ptr|ctypes|pynvml|nccl|async|graph|capture|thread|queue|ipc|\bcpu\b[^\n]*non_blocking"
_PURPOSE = re.compile(f"{_TIMES}|{_STUDIES}|{_COUNTS}|{_ORDERS}", re.IGNORECASE)
"""What stands beside a wait that is wanted: it measures, or orders what torch does not order by itself."""
_MORE_THAN_TIMES = re.compile(f"{_STUDIES}|speed|{_COUNTS}|{_ORDERS}", re.IGNORECASE)
_MEMORY_PURPOSE = re.compile(rf"{_COUNTS}|nccl|\bipc|graph|capture", re.IGNORECASE)
_TOLD = re.compile(_TIMES, re.IGNORECASE)

_DEBUGS = re.compile(r"debug|anomal|detect|check|nan|verbose|valid|test", re.IGNORECASE)

_FEW = 3  # statements


class WaitQuestions:
    """Answers about the waits that a program asks for. reads: the host reads of the file."""

    reads: Sequence[HostRead]

    def is_wanted_wait(self, wait: ExplicitWait) -> bool:
        """Whether the code around a wait shows what it is for, or it is all that a function is for."""
        purpose = _PURPOSE if wait.kind is WaitKind.WORK else _MEMORY_PURPOSE
        if purpose.search(_words(wait)) is not None:
            return True
        return wait.function is not None and sum(isinstance(n, ast.stmt) for n in nodes_of(wait.scope)) - 1 <= _FEW

    def is_for_times_alone(self, wait: ExplicitWait) -> bool:
        """Whether a method that is there for its results measures its time, too, at every call, whoever asks."""
        if wait.function is None or wait.function.owner is None or self.is_under_test(wait):
            return False
        words = _words(wait)
        alone = _TOLD.search(words) is not None and _MORE_THAN_TIMES.search(wait.module.path + words) is None
        return alone and _returns_more_than_times(wait.function.node)

    def is_under_test(self, wait: ExplicitWait) -> bool:
        """Whether an `if` decides on it, other than that of `if __name__ == "__main__":`."""
        return any("__name__" not in test for test in _tests(wait))

    def is_for_debugging(self, wait: ExplicitWait) -> bool:
        """Whether an `if` decides on it that, by its words, looks for errors: `if args.debug:`."""
        return any(_DEBUGS.search(test) for test in _tests(wait))

    def is_beside_read(self, wait: ExplicitWait) -> bool:
        """Whether the statement before or after it reads what may be on the device, and waits for the same work."""
        block = block_with(wait.scope.body, wait.statement)
        number = next(i for i, each in enumerate(block) if each is wait.statement)
        beside = block[max(number - 1, 0) : number + 2]
        return any(read.statement is each for read in self.reads for each in beside)

    def is_in_training(self, wait: ExplicitWait) -> bool:
        """Whether a loop around it goes backward, in the same function."""
        return is_in_training(wait, wait.statement)


def shows_purpose(place: Scoped) -> bool:
    """Whether the function that holds a place, or the file of a script, says by its words what waits are for."""
    return _PURPOSE.search(_words(place)) is not None


def _words(place: Scoped) -> str:
    """The text of the function that holds a place, with its name, or that of a script."""
    function = place.function
    if function is None:
        return place.module.text
    lines = place.module.lines[function.lines.start - 1 : function.lines.stop - 1]
    return function.qualname + "\n".join(lines)


def _returns_more_than_times(function: ast.AST) -> bool:
    returned = [node.value for node in nodes_of(function) if isinstance(node, ast.Return) and node.value is not None]
    parts = [part for value in returned for part in (value.elts if isinstance(value, ast.Tuple) else [value])]
    return any(_TOLD.search(ast.unparse(part)) is None for part in parts)


def _tests(wait: ExplicitWait) -> list[str]:
    around = [each for each, _ in pairwise(path_to(wait.scope.body, wait.statement)) if isinstance(each, ast.If)]
    return [ast.unparse(each.test) for each in around]
