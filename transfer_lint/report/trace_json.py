"""A trace for programs: one JSON object, `version` 1; `trace --findings` adds what it shows about these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from transfer_lint.evidence.join import Joined, Judged, Status
from transfer_lint.evidence.limits import counts_of
from transfer_lint.evidence.lines import by_line
from transfer_lint.evidence.model import VERSION, Trace, as_dict
from transfer_lint.evidence.regions import Part, by_region, walk
from transfer_lint.evidence.suite import Record
from transfer_lint.evidence.tally import Tally, by_assumption, by_rule
from transfer_lint.report.trace_text import short


def report(trace: Trace, joined: Joined | None = None, top: int = 0, records: Iterable[Record] = ()) -> Iterator[str]:
    """The object, indented, in one piece. It is complete, whatever `top` says. records: of tests."""
    value = {"version": VERSION, **as_dict(trace)}
    value["parts"] = [_part(part) for part in walk(by_region(trace))]
    if joined is not None:
        value["findings"] = [_judged(each) for each in joined.findings]
        value["rules"] = [_tally(each) for each in by_rule(joined)]
        value["assumptions"] = [_tally(each) for each in by_assumption(joined)]
        value["silent"] = [{**asdict(each), "kind": each.kind.value} for each in joined.silent]
        value["unreported"] = [asdict(line) for line in joined.unreported]
    if records:
        value["tests"] = [_record(each) for each in sorted(records, key=lambda each: (each.name, each.phase))]
    yield json.dumps(value, indent=1)


def _part(part: Part) -> dict[str, object]:
    return {
        "regions": [asdict(region) for region in part.regions],
        "to_device": part.to_device,
        "to_host": part.to_host,
        "reads": part.reads,
        "bytes": part.nbytes,
        "waits": part.waits,
        "idle": part.idle,
    }


def _record(record: Record) -> dict[str, object]:
    return {
        "name": record.name,
        "phase": record.phase,
        "outcome": record.outcome,
        **record.counts._asdict(),
        "lines": [
            {
                "path": short(line.file),
                "line": line.number,
                "function": line.function,
                **counts_of(line.entries)._asdict(),
            }
            for line in by_line(record.entries)
        ],
    }


def _judged(each: Judged) -> dict[str, object]:
    return {
        **_place(each),
        "code": each.finding.code,
        "severity": each.finding.severity.value,
        "heat": each.finding.heat.value,
        "assumptions": list(each.finding.assumptions),
        "status": each.status.value,
        "why": each.why,
        "events": each.events,
        "bytes": each.nbytes,
        "waits": each.waits,
        "seconds": each.seconds,
        "stake": {"waits": each.stake.waits, "bytes": each.stake.nbytes, "calls": each.stake.calls},
    }


def _tally(tally: Tally) -> dict[str, object]:
    return {"name": tally.name, **tally.counts(), "refuted at": [_place(each) for each in tally.of(Status.REFUTED)]}


def _place(each: Judged) -> dict[str, object]:
    return {"path": each.finding.path, "line": each.finding.line, "column": each.finding.column}
