"""The options of rules that a user can set."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import FixHints
from transfer_lint.settings import Settings


@dataclass(frozen=True)
class RuleOptions:
    """module_guard: the form of the guard that TL103's fix writes. fix_hints: which hints `fix` mends."""

    module_guard: GuardForm = GuardForm.EXACT
    fix_hints: FixHints = FixHints.NODE_PACKS

    @staticmethod
    def of(settings: Settings) -> RuleOptions:
        """The rule options in the settings."""
        return RuleOptions(settings.module_guard, settings.fix_hints)
