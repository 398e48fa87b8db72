"""TL205: a device is compared with a tensor."""

from __future__ import annotations

from transfer_lint.findings import Severity
from transfer_lint.flow.ask import DeviceComparison, Questions
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL205",
    "device-compared-with-tensor",
    "a device is compared with a tensor, and they are never equal",
    fix="",
    safety=None,
)
def check(comparison: DeviceComparison, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Always an error: the test has one outcome, whatever the devices are."""
    if not questions.compares_tensor(comparison):
        return None
    tensor = questions.operand(comparison)
    text = f"`{tensor}` is a tensor and never equal to a device: compare with `{tensor}.device`"
    return Verdict(Severity.ERROR, text, comparison.why)
