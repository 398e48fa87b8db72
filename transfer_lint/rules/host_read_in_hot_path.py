"""TL301: the host waits for a device value at every step or layer."""

from __future__ import annotations

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
    """A warning if the value provably is on an accelerator, or was just brought from one; a hint if that is unknown.

    A test on a value of unknown placement is not reported, because the value is often a plain number.
    """
    if read.heat.rank < Heat.STEP.rank or read.in_handler:
        return None
    brought = questions.brought_by(read)
    if brought is not None and questions.read_of_one_item(brought) is read:
        return None  # one wait, one finding: TL302 reports it, with a fix
    if read.given and read.heat is Heat.LAYER:
        return None  # TL303 reports it, with a fix
    proved = questions.reads_accelerator(read)
    if not proved and (proved is False or read.is_test):
        return None
    waits = "makes the host wait for the device" if proved else "makes the host wait if the value is on a device,"
    return Verdict(
        Severity.WARNING if proved else Severity.HINT,
        f"`{questions.read(read)}` {waits} {read.heat.often}",
        questions.read_proof(read),
    )
