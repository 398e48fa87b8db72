"""TL301: the host waits for a device value at every step or layer."""

from __future__ import annotations

import ast

from transfer_lint.findings import Heat, Severity
from transfer_lint.flow.ask import HostRead, Questions
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL301",
    "host-read-in-hot-path",
    "the host waits for a device value at every step or layer",
    fix="",
    safety=None,
)
def check(read: HostRead, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning where the value provably is on a device, or has just been brought from there; else a hint.

    A test is no hint: what a tensor of unknown place is compared with is a number often enough.
    """
    if read.heat.rank < Heat.STEP.rank or read.in_handler:
        return None
    brought = questions.brought_by(read)
    if brought is not None and questions.is_read_one(brought) is read:
        return None  # one wait, one finding: TL302 reports it, with a fix
    if read.given and read.heat is Heat.LAYER:
        return None  # TL303 has a fix for it
    proved = questions.reads_accelerator(read)
    if not proved and (proved is False or not isinstance(read.node, ast.Call)):
        return None
    often = "at every step" if read.heat is Heat.STEP else "in every layer"
    waits = "makes the host wait for the device" if proved else "makes the host wait if the value is on a device,"
    return Verdict(
        Severity.WARNING if proved else Severity.HINT,
        f"`{questions.source(read.node)}` {waits} {often}",
        questions.read_proof(read),
    )
