"""What a user can set about rules."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_codemods.actions import GuardForm
from transfer_lint.settings import Settings


@dataclass(frozen=True)
class RuleOptions:
    """module_guard: which form TL103's guard takes."""

    module_guard: GuardForm = GuardForm.EXACT

    @staticmethod
    def of(settings: Settings) -> RuleOptions:
        """Those among the settings."""
        return RuleOptions(module_guard=settings.module_guard)
