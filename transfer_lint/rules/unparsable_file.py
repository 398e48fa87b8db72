"""TL902: a file does not parse."""

from __future__ import annotations

from transfer_lint.findings import Severity
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.notes import Unparsable


@rule(
    "TL902",
    "unparsable-file",
    "a file does not parse, so nothing in it is checked",
    fix="",
    safety=None,
)
def check(note: Unparsable) -> Verdict:
    """Always an error, because nothing in the file can be checked."""
    return Verdict(Severity.ERROR, f"the {note.what} {note.reason}; nothing in it is checked")
