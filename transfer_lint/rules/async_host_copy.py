"""TL202: a copy to the host that may not have arrived is read."""

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
    """An error where the value provably comes from an accelerator and the function reads the copy with no wait."""
    if not site.request.surely_non_blocking or not site.is_tensor:
        return None
    if not questions.goes_to_host(site) or not questions.is_on_accelerator(site):
        return None
    read = questions.is_read_before_waiting(site)
    if read is None:
        return None
    receiver = questions.source(site.attribute.value)
    return Verdict(
        Severity.ERROR,
        f"the copy of `{receiver}` may not have arrived when line {read.anchor[0]} reads it: nothing waits for it",
        questions.proof(site),
    )
