"""For people: one self-contained page with every finding, its code frame, evidence lines, fix and device flow."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transfer_lint.findings import Edit, Evidence, Finding
from transfer_lint.graph import svg
from transfer_lint.graph.diagram import BeforeAfter
from transfer_lint.lint.outcome import Outcome
from transfer_lint.pages.templating import Templates
from transfer_lint.report import View
from transfer_lint.report.places import Places
from transfer_lint.version import __version__

_TEMPLATES = Templates(Path(__file__).with_name("templates"), *svg.TEMPLATES.folders)
_CONTEXT = 2
"""How many lines are shown before and after a place."""


def report(
    outcome: Outcome, view: View, pairs: Sequence[BeforeAfter] = (), measured: Mapping[Finding, str] | None = None
) -> Iterator[str]:
    """The whole document.

    pairs: the device flow of functions with findings. measured: finding -> what a run of the program showed about
    it, in words; None if nothing was run.
    """
    script = _TEMPLATES.asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    places = Places(outcome)
    befores = [pair.before[0] for pair in pairs]
    flows = {(diagram.path, diagram.title): f"flow{n}" for n, diagram in enumerate(befores)}
    figures = measured or {}
    rules = _rules(outcome.findings)
    yield _TEMPLATES.render(
        "report.html.j2",
        script=_TEMPLATES.trusted(script),
        digest=digest,
        style=_TEMPLATES.trusted(_TEMPLATES.asset("page.css") + _TEMPLATES.asset("report.css") + svg.style()),
        version=__version__,
        summary=outcome.summary,
        fixable=sum(view.fixable(finding) for finding in outcome.findings),
        unsafe=sum(finding.fix is not None and not view.fixable(finding) for finding in outcome.findings),
        in_baseline=outcome.in_baseline,
        problems=outcome.problems,
        measured=bool(measured),
        rules=rules,
        findings=[_finding(n, finding, outcome, places, flows, figures) for n, finding in enumerate(outcome.findings)],
        flows=[_flow(f"flow{n}", pair) for n, pair in enumerate(pairs)],
    )


def _rules(findings: Sequence[Finding]) -> list[dict[str, object]]:
    from transfer_lint.rules import RULES
    from transfer_lint.rules.pages import read_page

    counts = Counter(finding.code for finding in findings)
    found = []
    for code, count in sorted(counts.items()):
        sections = dict(read_page(RULES[code].page).sections)
        saves = " ".join(sections.get("What it saves", "").split())
        rule = RULES[code]
        found.append({"code": code, "name": rule.name, "count": count, "why": rule.summary, "saves": saves})
    return found


def _finding(
    number: int,
    finding: Finding,
    outcome: Outcome,
    places: Places,
    flows: Mapping[tuple[str, str], str],
    measured: Mapping[Finding, str],
) -> dict[str, object]:
    at = places.at(finding.path, finding.line)
    edits = outcome.edits.get(finding, ())
    return {
        "id": f"f{number}",
        "finding": finding,
        "place": f"{at}:{finding.column}",
        "file": at.file,
        "heat": "" if finding.about_lint else f"runs {finding.heat.often}",
        "rank": finding.heat.rank,
        "saves": measured.get(finding, "not measured"),
        "why": [_fact(number, index, fact, places) for index, fact in enumerate(finding.evidence, start=1)],
        "frames": list(_frames(number, finding, places)),
        "diff": list(_diff(edits, _on_disk(finding.path, outcome))),
        "flow": flows.get((finding.path, finding.function), ""),
    }


def _fact(number: int, index: int, fact: Evidence, places: Places) -> dict[str, object]:
    at = places.at(fact.path, fact.line)
    shown = bool(places.lines(fact.path)) and fact.line <= len(places.lines(fact.path))
    return {
        "text": fact.text,
        "place": str(at),
        "link": f"#f{number}-{_slug(fact.path)}-{fact.line}" if shown else "",
        "index": index,
    }


def _slug(path: str) -> str:
    """A short name of a file that can be part of a link."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def _frames(number: int, finding: Finding, places: Places) -> Iterator[dict[str, object]]:
    """Code frames with the lines of the call and of its evidence, one for each file, the finding's own file first."""
    wanted: dict[str, dict[int, list[int]]] = {finding.path: {}}
    for index, fact in enumerate(finding.evidence, start=1):
        wanted.setdefault(fact.path, {}).setdefault(fact.line, []).append(index)
    for path, marks in wanted.items():
        lines = places.lines(path)
        own = range(finding.line, finding.end_line + 1) if path == finding.path else range(0)
        shown = {
            near
            for line in (*own, *marks)
            for near in range(max(1, line - _CONTEXT), min(len(lines), line + _CONTEXT) + 1)
        }
        if shown:
            rows = _rows(f"f{number}-{_slug(path)}", path, sorted(shown), marks, finding, places)
            yield {"file": places.at(path, min(shown)).file, "rows": list(rows)}


def _rows(
    prefix: str, path: str, shown: Sequence[int], marks: dict[int, list[int]], finding: Finding, places: Places
) -> Iterator[dict[str, object]]:
    lines = places.lines(path)
    for number, before in zip(shown, (None, *shown), strict=False):
        text = lines[number - 1].rstrip("\r\n")
        start = end = 0
        if path == finding.path and finding.line <= number <= finding.end_line:
            start = finding.column - 1 if number == finding.line else len(text) - len(text.lstrip())
            end = finding.end_column - 1 if number == finding.end_line else len(text)
        yield {
            "id": f"{prefix}-{number}",
            "number": places.at(path, number).line,
            "gap": before is not None and number != before + 1,
            "before": text[:start],
            "marked": text[start:end],
            "after": text[end:],
            "facts": marks.get(number, []),
        }


def _on_disk(path: str, outcome: Outcome) -> list[str]:
    return outcome.documents.get(path, outcome.texts.get(path, "")).splitlines()


def _diff(edits: Sequence[Edit], lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(sign, line) of the diff that the edits make, with _CONTEXT lines around each edit."""
    for number, edit in enumerate(edits):
        if number:
            yield "@", "..."
        first, last = edit.line - 1, edit.end_line - 1
        if edit.end_column > 1:
            last += 1
        for line in lines[max(0, first - _CONTEXT) : first]:
            yield " ", line
        for line in lines[first:last]:
            yield "-", line
        for line in edit.text.splitlines():
            yield "+", line
        for line in lines[last : last + _CONTEXT]:
            yield " ", line


def _flow(ident: str, pair: BeforeAfter) -> dict[str, object]:
    stages = [("before", pair.before), ("after the fixes", pair.after)]
    if pair.before == pair.after:
        stages = [("as it is", pair.before)]
    return {
        "id": ident,
        "title": pair.title,
        "stages": [
            (name, _TEMPLATES.trusted(svg.inline(diagrams[0], f"{name}: device flow of {pair.title}")))
            for name, diagrams in stages
            if diagrams
        ],
    }
