"""TL303: every layer of a step reads the same value again, and the host waits each time."""

from __future__ import annotations

from transfer_codemods.actions import RememberRead
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import HostRead, Questions
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL303",
    "repeated-host-read",
    "every layer of a step reads the same device value again",
    fix="read it once a step, and remember",
    safety=Safety.UNSAFE,
    saves=Saving.WAITS,
)
def check(read: HostRead, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Only reads of a value that ComfyUI gives as the same object to every layer of a step; TL301 leaves these out."""
    if read.heat is not Heat.LAYER or not read.given or read.in_handler or not read.method:
        return None
    brought = questions.brought_by(read)
    whole = brought is not None and questions.read_of_one_item(brought) is read  # TL302 speaks of its bytes
    return Verdict(
        Severity.WARNING,
        f"`{questions.read(read)}` makes the host wait in every layer for what is the same all step long",
        read.tensor.why,
        RememberRead(read.given, index_first=whole),
        "read it once a step",
        Safety.UNSAFE,
    )
