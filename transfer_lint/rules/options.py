"""What a user can set about rules."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_codemods.actions import GuardForm


@dataclass(frozen=True)
class RuleOptions:
    """module_guard: which form TL103's guard takes."""

    module_guard: GuardForm = GuardForm.EXACT
