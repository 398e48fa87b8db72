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
    """An error if the value provably comes from an accelerator and the function reads the copy without waiting."""
    if not site.request.surely_non_blocking or not site.is_tensor:
        return None
    if not questions.goes_to_host(site) or not questions.is_on_accelerator(site):
        return None
    read = questions.read_before_waiting(site)
    if read is None:
        return None
    receiver = questions.receiver(site)
    return Verdict(
        Severity.ERROR,
        f"the copy of `{receiver}` may not have arrived when line {read.anchor[0]} reads it: nothing waits for it",
        questions.proof(site),
    )
