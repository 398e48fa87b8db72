"""A proof for people: which fixes were kept, what each saved, and which were dropped, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transfer_lint.evidence.compare import number, size
from transfer_lint.findings import Safety
from transfer_lint.proving.proof import NOTHING, Figures, Judged, Proof
from transfer_lint.report import View, colours
from transfer_lint.report.trace_text import count
from transfer_lint.report.verify_text import table, where

REASONS = 6
"""How many reasons are shown of a fix that was dropped."""


def report(proof: Proof, view: View) -> Iterator[str]:
    """The lines of the report."""
    if proof.comparison is None:
        yield view.style("nothing to fix, so nothing was run", bold=True)
        return
    kept, dropped = len(proof.kept), len(proof.dropped)
    head = f"{count(kept, 'fix', 'fixes')} kept, {dropped} dropped: {proof.comparison.verdict}"
    yield view.style(head, bold=True, fg=colours.GOOD if proof.comparison.good else colours.BAD)
    yield f"  {where(proof.comparison)}; {count(proof.runs, 'run')}"
    yield from table(proof.comparison, view)
    if proof.kept:
        yield ""
        yield view.style("kept, with what each saves at every call of the scenario", bold=True)
        yield from _table(list(_kept(proof.kept)))
        yield ""
        for safety in (Safety.UNSAFE, Safety.SAFE):
            of_tier = [each for each in proof.kept if each.safety is safety]
            if of_tier:
                total = sum({each.group: each.saved for each in of_tier}.values(), NOTHING)
                noun = f"{safety.value} fix"
                yield f"  {count(len(of_tier), noun, f'{noun}es')}: {_words(total)} saved"
    if proof.dropped:
        yield ""
        yield view.style("dropped", bold=True)
        for each in proof.dropped:
            yield f"  {_place(each)}"
            yield from (f"    {reason}" for reason in each.why[:REASONS])
            if len(each.why) > REASONS:
                yield f"    and {len(each.why) - REASONS} more"


def _kept(kept: Sequence[Judged]) -> Iterator[tuple[str, Judged]]:
    """(what it saves, fix): those that save most come first, fixes of a group one below the other."""
    order = sorted(kept, key=lambda each: (each.reached is False, -each.saved.waits, -each.saved.nbytes, each.group))
    for before, each in zip([None, *order], order, strict=False):
        again = before is not None and before.group == each.group
        yield "  together with it" if again else "not run" if each.reached is False else _words(each.saved), each


def _table(rows: Sequence[tuple[str, Judged]]) -> Iterator[str]:
    width = max(len(saved) for saved, _ in rows)
    yield from (f"  {saved:<{width}}  {_place(each)}" for saved, each in rows)


def _place(each: Judged) -> str:
    where = f" in {each.key.function}" if each.key.function else ""
    return f"{each.key.path}:{each.line} {each.key.code} {each.finding.name}{where} ({each.safety.value})"


def _words(figures: Figures) -> str:
    parts = [
        f"{number(value)} {noun if value == 1 else noun + 's'}"
        for value, noun in ((figures.waits, "wait"), (figures.transfers, "transfer"))
        if value
    ]
    parts += [size(figures.nbytes)] if figures.nbytes else []
    return ", ".join(parts) or "nothing"
