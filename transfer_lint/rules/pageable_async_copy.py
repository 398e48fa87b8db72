"""TL203: a non-blocking copy is made from memory that is not pinned, or that is pinned only for this copy."""

from __future__ import annotations

from transfer_lint.findings import Heat, Severity
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL203",
    "pageable-async-copy",
    "`non_blocking=True` from memory that is not pinned, or pinned only just before",
    fix="",
    safety=None,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Always a hint: the copy is correct, but it saves no waiting."""
    once = site.heat is Heat.ONCE or (site.function is None and site.rate.is_rare)  # a script's loop may run for long
    if not site.is_tensor or once or not questions.goes_to_accelerator(site):
        return None
    receiver = questions.receiver(site)
    if site.moves_pinned:
        text = "pins its memory just before the copy: that is a copy of its own, on the host, which the host waits for"
        return Verdict(Severity.HINT, f"`{receiver}` {text}", site.receiver.why)
    if not site.request.surely_non_blocking or not questions.is_pageable(site):
        return None
    text = "is in memory that is not pinned: the host waits for this copy all the same"
    return Verdict(Severity.HINT, f"`{receiver}` {text}", questions.proof(site))
