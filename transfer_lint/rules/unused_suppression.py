"""TL901: a suppression that suppresses nothing, or whose end has passed."""

from __future__ import annotations

from transfer_lint.findings import UNUSED_SUPPRESSION, EditComment, Safety, Severity
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.notes import Ended, Unused


@rule(
    *UNUSED_SUPPRESSION,
    "an ignore comment hides nothing, or has ended",
    fix="remove it",
    safety=Safety.SAFE,
)
def check(note: Unused | Ended) -> Verdict:
    """In a list, the fix removes only the selectors that suppress nothing; the others keep the reason.

    What has ended has no fix: who answers for it decides whether to mend what is back, or to give it a later end.
    """
    if isinstance(note, Ended):
        ended = f"has ended: it held until {note.until}"
        no_day = f"does not hold: its end is no day, {note.until}; write it like 2027-06-01"
        return Verdict(Severity.HINT, f"{note.what} {ended if note.is_day else no_day}")
    unknown = f": no rule is called {', '.join(f'`{selector}`' for selector in note.unknown)}" if note.unknown else ""
    kept = [selector for selector in note.selectors if selector not in note.idle]
    if kept:
        idle = ", ".join(f"`{selector}`" for selector in note.idle)
        text = f"# transfer-lint: ignore[{', '.join(kept)}]" + (f" {note.reason}" if note.reason else "")
        return Verdict(
            Severity.HINT,
            f"{idle} hides nothing here{unknown}",
            action=EditComment(note.end_column, text),
            title=f"remove {idle}",
        )
    where = ": a comment counts on the first or last line of the call or its statement" if note.alone else ""
    return Verdict(
        Severity.HINT,
        f"this ignore comment hides nothing{unknown or where}",
        action=EditComment(note.end_column),
        title="remove the comment",
    )
