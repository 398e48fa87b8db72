"""TL202: a copy to the host is read although it may not have arrived yet."""

from __future__ import annotations

from transfer_lint.findings import Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL202",
    "async-host-copy",
    "a copy to the host that may still be under way is read",
    fix="",
    safety=None,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """An error if the value provably comes from an accelerator and the function reads the copy without waiting.

    A hint if nothing says where it is, or if a public function returns it: its callers may not know.
    """
    if not site.request.surely_non_blocking or not site.is_tensor:
        return None
    if not questions.goes_to_host(site) or questions.is_on_host(site):
        return None
    receiver, line, proved = (
        questions.receiver(site),
        questions.read_before_waiting(site),
        questions.is_on_accelerator(site),
    )
    if line is not None:
        text = f"may not have arrived when line {line} reads it: nothing waits for it"
        severity = Severity.ERROR if proved else Severity.HINT
        return Verdict(severity, f"the copy of `{receiver}` {text}", questions.proof(site))
    if not proved or not questions.is_returned_to_anyone(site):
        return None
    text = "is returned while it may be under way: who calls this has to wait before reading it"
    return Verdict(Severity.HINT, f"the copy of `{receiver}` {text}", questions.proof(site))
