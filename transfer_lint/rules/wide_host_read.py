"""TL302: a whole tensor is brought to the host to read one item of it, or to reduce it there."""

from __future__ import annotations

from transfer_codemods.actions import DeleteTransfer
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL302",
    "wide-host-read",
    "a whole tensor is brought to the host to read one item of it, or to reduce it there",
    fix="index first",
    safety=Safety.SAFE,
    saves=Saving.BYTES,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Only if the item is read by constant integer indices, so that the device can do the indexing.

    What is reduced right after the copy has no fix: the device adds in another order.
    A hint, for it saves bytes and no wait: of a read in a hot path TL301 or TL303 speaks, before the fix and after it.
    """
    if (reduction := questions.reduced_on_host(site)) is not None:
        text = f"is brought to the host as a whole for its `{reduction}` there: reduce it first, and copy the result"
        return Verdict(Severity.HINT, f"`{questions.receiver(site)}` {text}", questions.proof(site))
    if not site.is_tensor or not questions.is_on_accelerator(site):
        return None
    if not questions.boundary(site) or not site.request.plain or site.request.dtype is not None:
        return None
    if questions.read_of_one_item(site) is None:
        return None
    receiver = questions.receiver(site)
    often = f", {site.heat.often}" if site.heat.rank >= Heat.STEP.rank else ""
    return Verdict(
        Severity.HINT,
        f"`{receiver}` is brought to the host as a whole to read one item of it{often}: the other bytes are in vain",
        (*questions.device_proof(site), *site.receiver.why),
        None if site.in_fstring else DeleteTransfer(),
        "read the item alone",
    )
