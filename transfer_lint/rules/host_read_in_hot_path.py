"""TL301: the host waits for a device value at every step or layer."""

from __future__ import annotations

from transfer_lint.findings import Heat, Severity
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.questions import Questions
from transfer_lint.flow.reads import HostRead
from transfer_lint.flow.values import merge_why
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
    """Only where the value is provably on a device, or has just been brought from there."""
    if read.heat.rank < Heat.STEP.rank or read.in_handler:
        return None
    brought = questions.is_read_at_once(read)
    if brought is not None and questions.is_read_one(brought) is read:
        return None  # one wait, one finding: TL302 reports it, with a fix
    if brought is None and questions.role(read.tensor.device) is not Role.ACCELERATOR:
        return None
    device = read.tensor.device if brought is None else brought.device
    assert device is not None
    often = "at every step" if read.heat is Heat.STEP else "in every layer of every step"
    return Verdict(
        Severity.WARNING,
        f"`{questions.source(read.node)}` makes the host wait for the device {often}",
        merge_why(read.tensor.why, device.why),
    )
