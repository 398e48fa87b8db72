"""A trace for programs: one JSON object, `version` 1; `trace --findings` adds `findings` and `unreported`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from transfer_lint.evidence.join import Joined
from transfer_lint.evidence.model import VERSION, Trace, as_dict


def report(trace: Trace, joined: Joined | None = None) -> Iterator[str]:
    """The object, indented, in one piece."""
    value = {"version": VERSION, **as_dict(trace)}
    if joined is not None:
        value["findings"] = [
            {
                "path": each.finding.path,
                "line": each.finding.line,
                "column": each.finding.column,
                "code": each.finding.code,
                "status": each.status.value,
                "why": each.why,
                "events": each.events,
                "bytes": each.nbytes,
                "waits": each.waits,
                "seconds": each.seconds,
            }
            for each in joined.findings
        ]
        value["unreported"] = [asdict(line) for line in joined.unreported]
    yield json.dumps(value, indent=1)
