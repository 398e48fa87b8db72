"""A trace for programs: one JSON object, `version` 1; `trace --findings` adds what it shows about these."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from transfer_lint.evidence.join import Joined, Judged, Status
from transfer_lint.evidence.model import VERSION, Trace, as_dict
from transfer_lint.evidence.regions import Part, by_region, walk
from transfer_lint.evidence.tally import Tally, by_assumption, by_rule


def report(trace: Trace, joined: Joined | None = None) -> Iterator[str]:
    """The object, indented, in one piece."""
    value = {"version": VERSION, **as_dict(trace)}
    value["parts"] = [_part(part) for part in walk(by_region(trace))]
    if joined is not None:
        value["findings"] = [_judged(each) for each in joined.findings]
        value["rules"] = [_tally(each) for each in by_rule(joined)]
        value["assumptions"] = [_tally(each) for each in by_assumption(joined)]
        value["silent"] = [{**asdict(each), "kind": each.kind.value} for each in joined.silent]
        value["unreported"] = [asdict(line) for line in joined.unreported]
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
