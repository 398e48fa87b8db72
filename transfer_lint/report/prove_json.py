"""A proof for programs: the object of `json` about what is left, with the proof under the key `proof`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from transfer_lint.lint.outcome import Outcome
from transfer_lint.proving.proof import Figures, Judged, Proof, figures_of
from transfer_lint.report import View
from transfer_lint.report.json import as_dict


def report(proof: Proof, outcome: Outcome, view: View) -> Iterator[str]:
    """The object, indented, in one piece."""
    comparison = proof.comparison
    value = {
        "runs": proof.runs,
        "verdict": comparison.verdict if comparison else "nothing to fix",
        "original": _figures(figures_of(comparison.original)) if comparison else None,
        "fixed": _figures(figures_of(comparison.fixed)) if comparison else None,
        "rows": [asdict(row) for row in comparison.rows] if comparison else [],
        "kept": [{**_fix(each), "saved": _figures(each.saved), "group": each.group} for each in proof.kept],
        "dropped": [{**_fix(each), "why": list(each.why)} for each in proof.dropped],
    }
    yield json.dumps({**as_dict(outcome), "proof": value}, indent=2)


def _figures(figures: Figures) -> dict[str, float]:
    return {"transfers": figures.transfers, "bytes": figures.nbytes, "waits": figures.waits}


def _fix(each: Judged) -> dict[str, object]:
    return {
        "path": each.key.path,
        "line": each.line,
        "code": each.key.code,
        "name": each.finding.name,
        "function": each.key.function,
        "expression": each.key.expression,
        "safety": each.safety.value,
        "reached": each.reached,
    }
