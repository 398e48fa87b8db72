"""TL111: a tensor of literals is made on an accelerator at every call."""

from __future__ import annotations

from transfer_lint.findings import Heat
from transfer_lint.flow.ask import Construction, Questions
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL111",
    "constant-upload",
    "a tensor of literals is made on an accelerator at every call",
    fix="",
    safety=None,
)
def check(made: Construction, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning in a layer or for each element, else a hint: beside what a whole step does, one upload is little."""
    if made.heat is Heat.ONCE or made.in_handler or questions.fills_cache(made):
        return None
    if not questions.uploads_constant(made):
        return None
    hot = made.heat.rank >= Heat.LAYER.rank
    text = f"`{questions.construction(made)}` is copied to the device at every {made.heat.value}, and the host waits"
    advice = "`torch.full` fills one there without a copy" if made.is_uniform else "keep one for each device"
    return Verdict(warning_if(hot, made), f"{text}: {advice}", made.tensor.why)
