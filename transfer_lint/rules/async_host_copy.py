"""TL202: a copy to the host that may not have arrived is read."""

from __future__ import annotations

from transfer_lint.findings import Severity
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.questions import Questions
from transfer_lint.flow.sites import Site
from transfer_lint.flow.values import Tensor, merge_why
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
    request = site.request
    if not request.surely_non_blocking or not isinstance(site.receiver, Tensor) or request.device is None:
        return None
    if questions.role(request.device.known) is not Role.HOST or questions.role(site.device) is not Role.ACCELERATOR:
        return None
    read = questions.is_read_before_waiting(site)
    if read is None:
        return None
    receiver = questions.source(site.attribute.value)
    return Verdict(
        Severity.ERROR,
        f"the copy of `{receiver}` may not have arrived when line {read.anchor[0]} reads it: nothing waits for it",
        merge_why(site.receiver.why, site.device.why if site.device is not None else ()),
    )
