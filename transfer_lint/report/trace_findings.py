"""For people: the findings, each with what a run of the program did at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transfer_lint.evidence.join import Joined, Judged, Status
from transfer_lint.evidence.silent import MEANINGS, Kind
from transfer_lint.evidence.tally import Tally, by_assumption, by_rule
from transfer_lint.findings import Safety
from transfer_lint.report import View, colours
from transfer_lint.report.trace_text import bytes_of, count, place, seconds_of, shown, times

COLOURS = {
    Status.CONFIRMED: colours.GOOD,
    Status.REFUTED: colours.BAD,
    Status.NEVER: colours.SOFT,
    Status.UNDECIDED: colours.WARNING,
}


def report(joined: Joined, view: View, top: int = 10) -> Iterator[str]:
    """The lines of the report: findings by status, by rule and by assumption, and what has no finding.

    top: how many findings of one status, except refuted, and how many source lines are listed at most.
    """
    fates = ", ".join(f"{len(joined.of(status))} {status.value}" for status in Status if joined.of(status))
    yield view.style(f"findings: {fates or 'none'}", bold=True)
    for status in Status:
        found = joined.of(status)
        shown = found if status is Status.REFUTED else found[:top]
        for each in shown:
            finding = each.finding
            yield (
                f"  {view.style(status.value, fg=COLOURS[status]):<13} {finding.path}:{finding.line}:{finding.column} "
                f"{finding.code} {finding.name}: {each.why}{_measured(each)}"
            )
        if len(found) > len(shown):
            yield f"  {view.style(status.value, fg=COLOURS[status])} and {len(found) - len(shown)} more"
    at_stake = list(_at_stake(joined))
    if at_stake:
        yield ""
        yield view.style("what fixes can save of that, at most", bold=True)
        yield from at_stake
    for what, tallies in (("rule", by_rule(joined)), ("assumption", by_assumption(joined))):
        if tallies:
            yield ""
            yield from _table(what, tallies, view)
    yield from _silent(joined, view, top)
    if joined.unreported:
        yield ""
        yield view.style("lines that moved data or waited, without a finding", bold=True)
        for line in joined.unreported[:top]:
            yield (
                f"  {place(line)} {line.function}: {count(line.transfers, 'transfer')}, {bytes_of(line.nbytes)}, "
                f"{count(line.waits, 'wait')}"
            )
        if len(joined.unreported) > top:
            yield f"  and {len(joined.unreported) - top} more"
    if joined.of(Status.REFUTED):
        yield ""
        yield how_to_report(joined)


def _at_stake(joined: Joined) -> Iterator[str]:
    """What is at stake at the places that the fixes of each tier mend, each place once."""
    for safety in (Safety.UNSAFE, Safety.SAFE):
        of_tier = [each for each in joined.findings if each.finding.fix and each.finding.fix.safety is safety]
        if of_tier:
            matter = sum(each.stake.matters for each in of_tier)
            waits = sum(each.stake.waits for each in of_tier)
            nbytes = sum(each.stake.nbytes for each in of_tier)
            yield (
                f"  {count(len(of_tier), f'{safety.value} fix', f'{safety.value} fixes')}: {count(waits, 'wait')}, "
                f"{bytes_of(nbytes)}; {matter or 'none'} of them where the run moved data or waited for nothing"
            )


def _table(what: str, tallies: Sequence[Tally], view: View) -> Iterator[str]:
    heads = [status.value for status in Status]
    width = max(len(name) for name in (what, *(tally.name for tally in tallies)))
    yield view.style(f"{what:<{width}}  {'  '.join(heads)}", bold=True)
    for tally in tallies:
        figures = "  ".join(f"{number or '-':>{len(head)}}" for head, number in tally.counts().items())
        yield f"{tally.name:<{width}}  {figures}"
    for tally in tallies if what == "assumption" else ():
        for each in tally.of(Status.REFUTED):
            yield f"  {tally.name} broke at {each.finding.path}:{each.finding.line}:{each.finding.column}"


def _silent(joined: Joined, view: View, top: int) -> Iterator[str]:
    for kind in Kind:
        found = [each for each in joined.silent if each.kind is kind]
        if not found:
            continue
        yield ""
        yield view.style(f"without a finding: {kind.value}", bold=True) + f" ({MEANINGS[kind]})"
        for each in found[:top]:
            most = f", {each.most} in one part" if each.most != each.events else ""
            size = f", {bytes_of(each.nbytes)}" if each.nbytes else ""
            at = f"{shown(each.where.file)}:{each.where.line} {each.where.function}"
            yield f"  {at}: {f'{each.how} {each.way}'.strip()} {times(each.events)}{most}{size}"
        if len(found) > top:
            yield f"  and {len(found) - top} more calls"


def _measured(each: Judged) -> str:
    parts = [bytes_of(each.nbytes)] if each.nbytes else []
    parts += [count(each.waits, "wait")] if each.waits else []
    parts += [seconds_of(each.seconds)] if each.seconds is not None else []
    return f" ({', '.join(parts)})" if parts else ""


def how_to_report(joined: Joined) -> str:
    """What to do about a refuted finding: it is a bug in a rule."""
    first = joined.of(Status.REFUTED)[0].finding
    return (
        f"A refuted finding is a bug in a rule. Please report it with the code around {first.path}:{first.line}, what "
        f"`transfer-lint explain {first.path}:{first.line}` prints, and the trace (--format json)."
    )
