"""How many findings each rule has: one line for each rule, the most frequent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View, colours


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """`COUNT  CODE  name [*]`, where `[*]` means that `fix` can fix all of them, and `[* N]` that it can fix N."""
    counts = Counter((finding.code, finding.name) for finding in outcome.findings)
    fixable = Counter((finding.code, finding.name) for finding in outcome.findings if view.fixable(finding))
    width = len(str(max(counts.values(), default=0)))
    for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        code, name = rule
        some = fixable[rule]
        mark = "" if not some else view.style(" [*]" if some == count else f" [* {some}]", fg=colours.GOOD)
        yield f"{count:>{width}}  {view.style(code, bold=True)}  {name}{mark}"
