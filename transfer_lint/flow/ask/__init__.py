"""The questions: the only way for rules to use the analysis. Questions read results and interpret nothing.

May import `results` and what is below it, never `interpret`.
Hands out `Questions` about the sites of one file, and the data types in their parameters and answers.
"""

from __future__ import annotations

from transfer_lint.flow.ask.factories import Factory
from transfer_lint.flow.ask.questions import Questions
from transfer_lint.flow.results.constructions import Construction, DeviceComparison, ImplicitUpload
from transfer_lint.flow.results.examination import Place
from transfer_lint.flow.results.reads import Form, HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.results.waits import ExplicitWait, WaitKind
from transfer_lint.flow.values.terms import Why

__all__ = [
    "Construction",
    "DeviceComparison",
    "ExplicitWait",
    "Factory",
    "Form",
    "HostRead",
    "ImplicitUpload",
    "Place",
    "Questions",
    "Site",
    "WaitKind",
    "Why",
]
