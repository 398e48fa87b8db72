"""The options of rules that a user can set."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import Assumption, FixHints
from transfer_lint.settings import ANALYSIS_BUDGET, Settings


@dataclass(frozen=True)
class RuleOptions:
    """The options.

    module_guard: the form of the guard that TL103's fix writes.
    fix_hints: which hints `fix` mends.
    analysis_budget: steps that following one function may take.
    plugins: names of those whose rules are asked, too.
    assumptions: what is taken for granted, besides what is proved. trusted: those of them that count as facts.
    """

    module_guard: GuardForm = GuardForm.EXACT
    fix_hints: FixHints = FixHints.NODE_PACKS
    analysis_budget: int = ANALYSIS_BUDGET
    assumptions: frozenset[Assumption] = frozenset(Assumption)
    trusted: frozenset[Assumption] = frozenset()
    plugins: frozenset[str] = frozenset()

    @staticmethod
    def of(settings: Settings) -> RuleOptions:
        """The rule options in the settings."""
        trusted = frozenset(Assumption(name) for name in settings.trust or ())
        assumptions = frozenset(Assumption) if settings.trust is None else trusted
        return RuleOptions(
            settings.module_guard,
            settings.fix_hints,
            settings.analysis_budget,
            assumptions,
            trusted,
            frozenset(settings.plugins),
        )
