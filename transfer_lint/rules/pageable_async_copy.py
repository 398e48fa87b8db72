"""TL203: a copy that is asked not to block starts in memory that is not pinned, or that is pinned only for it."""

from __future__ import annotations

import ast

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
    """Hints: the copy is right, it only does not do what was hoped for."""
    if not site.is_tensor or site.heat is Heat.ONCE or not questions.goes_to_accelerator(site):
        return None
    receiver = site.attribute.value
    if (
        isinstance(receiver, ast.Call)
        and isinstance(receiver.func, ast.Attribute)
        and receiver.func.attr == "pin_memory"
    ):
        text = "pins its memory just before the copy: that is a copy of its own, on the host, which the host waits for"
        return Verdict(Severity.HINT, f"`{questions.source(receiver)}` {text}", site.receiver.why)
    if not site.request.surely_non_blocking or not questions.is_pageable(site):
        return None
    text = "is in memory that is not pinned: the host waits for this copy all the same"
    return Verdict(Severity.HINT, f"`{questions.source(receiver)}` {text}", questions.proof(site))
