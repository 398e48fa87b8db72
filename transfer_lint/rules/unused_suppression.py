"""TL901: an ignore comment that hides nothing."""

from __future__ import annotations

from transfer_lint.findings import EditComment, Safety, Severity
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.notes import Unused
from transfer_lint.suppress import UNUSED


@rule(
    *UNUSED,
    "an ignore comment hides nothing",
    fix="remove it",
    safety=Safety.SAFE,
)
def check(note: Unused) -> Verdict:
    """Of a list only the idle part goes; the reason stays with the rest."""
    ignore = note.ignore
    kept = [selector for selector in ignore.selectors if selector not in note.idle]
    if kept:
        idle = ", ".join(f"`{selector}`" for selector in note.idle)
        text = f"# transfer-lint: ignore[{', '.join(kept)}]" + (f" {ignore.reason}" if ignore.reason else "")
        return Verdict(
            Severity.HINT,
            f"{idle} hides nothing here",
            action=EditComment(ignore.end_column, text),
            title=f"remove {idle}",
        )
    where = ": a comment counts on the first or last line of the call or its statement" if ignore.alone else ""
    return Verdict(
        Severity.HINT,
        f"this ignore comment hides nothing{where}",
        action=EditComment(ignore.end_column),
        title="remove the comment",
    )
