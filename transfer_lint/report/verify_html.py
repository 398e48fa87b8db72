"""A comparison as one HTML page, with the pictures that the scenario returned side by side."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.evidence.compare import number, size
from transfer_lint.evidence.lines import by_line
from transfer_lint.evidence.runs import Comparison, Run
from transfer_lint.report.evidence_page import page
from transfer_lint.report.trace_text import place
from transfer_lint.report.verify_text import where

TOP = 10


def report(comparison: Comparison) -> Iterator[str]:
    """The page, in one piece."""
    yield page(
        "verify.html",
        title=f"transfer-lint verify {comparison.original.program}",
        comparison=comparison,
        where=where(comparison),
        pictures=list(_pictures(comparison)),
        sides=[("original", _lines(comparison.original)), ("fixed", _lines(comparison.fixed))],
    )


def _pictures(comparison: Comparison) -> Iterator[dict[str, object]]:
    """One row for each picture that both runs returned."""
    fixed = {each.path: each for each in comparison.fixed.outputs}
    for each in comparison.original.outputs:
        twin = fixed.get(each.path)
        if not each.previews or twin is None or not twin.previews:
            continue
        distance = comparison.distances.get(each.path)
        shown = distance.pictures if distance is not None else ()
        for n, (before, after) in enumerate(zip(each.previews, twin.previews, strict=False)):
            yield {
                "name": f"{each.path}[{n}]" if len(each.previews) > 1 else each.path,
                "before": before,
                "after": after,
                "difference": shown[n] if n < len(shown) else "",
                "text": distance.text if distance is not None else "the same, bit for bit"
                if each.digest == twin.digest else "of other shapes or dtypes",
            }  # fmt: skip


def _lines(run: Run) -> list[dict[str, str]]:
    if run.trace is None:
        return []
    return [
        {
            "place": place(line),
            "function": line.function,
            "transfers": number(line.transfers),
            "bytes": size(line.nbytes),
            "waits": number(line.waits),
        }
        for line in by_line(run.trace.entries)[:TOP]
        if line.transfers or line.waits
    ]
