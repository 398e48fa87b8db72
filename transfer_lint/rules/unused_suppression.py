"""TL901: a suppression comment that suppresses nothing."""

from __future__ import annotations

from transfer_lint.findings import UNUSED_SUPPRESSION, EditComment, Safety, Severity
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.notes import Unused


@rule(
    *UNUSED_SUPPRESSION,
    "an ignore comment hides nothing",
    fix="remove it",
    safety=Safety.SAFE,
)
def check(note: Unused) -> Verdict:
    """In a list, the fix removes only the selectors that suppress nothing; the others keep the reason."""
    kept = [selector for selector in note.selectors if selector not in note.idle]
    if kept:
        idle = ", ".join(f"`{selector}`" for selector in note.idle)
        text = f"# transfer-lint: ignore[{', '.join(kept)}]" + (f" {note.reason}" if note.reason else "")
        return Verdict(
            Severity.HINT,
            f"{idle} hides nothing here",
            action=EditComment(note.end_column, text),
            title=f"remove {idle}",
        )
    where = ": a comment counts on the first or last line of the call or its statement" if note.alone else ""
    return Verdict(
        Severity.HINT,
        f"this ignore comment hides nothing{where}",
        action=EditComment(note.end_column),
        title="remove the comment",
    )
