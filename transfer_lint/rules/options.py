"""The options of rules that a user can set."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_codemods.actions import GuardForm
from transfer_lint.settings import Settings


@dataclass(frozen=True)
class RuleOptions:
    """module_guard: the form of the guard that TL103's fix writes."""

    module_guard: GuardForm = GuardForm.EXACT

    @staticmethod
    def of(settings: Settings) -> RuleOptions:
        """The rule options in the settings."""
        return RuleOptions(module_guard=settings.module_guard)
