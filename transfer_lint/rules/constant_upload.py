"""TL111: a tensor of literals is made on an accelerator at every call."""

from __future__ import annotations

from transfer_lint.findings import Heat, Severity
from transfer_lint.flow.ask import Construction, Questions
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL111",
    "constant-upload",
    "a tensor of literals is made on an accelerator at every call",
    fix="",
    safety=None,
)
def check(made: Construction, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning for literals in a step or layer, else a hint; for a single number a hint, in a step or layer only."""
    if made.heat is Heat.ONCE or made.in_handler or questions.fills_cache(made):
        return None
    literal = questions.uploads_constant(made)
    hot = made.heat.rank >= Heat.STEP.rank
    if literal is None or not (literal or hot):
        return None
    text = f"`{questions.construction(made)}` is copied to the device at every {made.heat.value}, and the host waits"
    advice = "keep it for each device" if literal else "a Python number needs no tensor"
    return Verdict(Severity.WARNING if literal and hot else Severity.HINT, f"{text}: {advice}", made.tensor.why)
