"""TL304: the program itself asks to wait for the device, at every step, for nothing that it needs."""

from __future__ import annotations

from transfer_lint.findings import Heat, Saving, Severity
from transfer_lint.flow.ask import ExplicitWait, Questions, WaitKind
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL304",
    "explicit-wait",
    "the program asks to wait for the device at every step, for nothing that it needs",
    fix="",
    safety=None,
    saves=Saving.WAITS,
)
def check(wait: ExplicitWait, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A search for NaN that is on at every run is a warning, and so is a wait in a loop that trains; else a hint.

    Beside a read, which waits for the same, it is a hint, too, and where it is only there to tell a time that nobody
    may ask for. Nothing is said of a wait that the code around it shows another purpose of.
    """
    if wait.in_handler or questions.is_in_test(wait) or questions.is_shut_out(wait):
        return None
    call = f"`{wait.name.rpartition('.')[2]}`"
    if wait.kind is WaitKind.ANOMALIES:
        if questions.is_for_debugging(wait):
            return None
        text = "is always on: the backward pass waits for each gradient, to look for NaN. Turn it on to debug"
        severity = Severity.HINT if questions.is_under_test(wait) else Severity.WARNING
        return Verdict(severity, f"{call} {text}")
    rate = wait.rate.rate
    if rate.heat.rank < Heat.STEP.rank or rate.steady is None:
        return None
    often = rate.heat.often
    if questions.is_wanted_wait(wait):
        if wait.kind is not WaitKind.WORK or not questions.is_for_times_alone(wait):
            return None
        text = f"makes the host wait {often}, only to tell how long this takes: two events of the device tell it, too"
        return Verdict(Severity.HINT, f"{call} {text}")
    if wait.kind is WaitKind.MEMORY:
        text = f"waits for the device {often}, to give back memory that the next step asks for again"
        return Verdict(Severity.HINT, f"{call} {text}")
    text = f"makes the host wait {often} until the device has nothing left to do: torch itself waits for what is read"
    loud = wait.heat.rank >= Heat.STEP.rank and questions.is_in_training(wait) and not questions.is_beside_read(wait)
    return Verdict(warning_if(loud, wait), f"{call} {text}")
