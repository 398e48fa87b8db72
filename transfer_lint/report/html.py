"""For people: one self-contained page with every finding, its code frame, evidence lines, fix and device flow."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from transfer_lint.findings import Edit, Evidence, Finding
from transfer_lint.graph import svg
from transfer_lint.graph.diagram import BeforeAfter
from transfer_lint.graph.html import legend, stages_of
from transfer_lint.lint.outcome import Outcome
from transfer_lint.pages.templating import Templates
from transfer_lint.report import View
from transfer_lint.report.places import Places
from transfer_lint.report.syntax_colours import Span, coloured, spans
from transfer_lint.version import __version__

_TEMPLATES = Templates(Path(__file__).with_name("templates"), *svg.TEMPLATES.folders)
_CONTEXT = 2
"""How many lines are shown before and after a place."""


@dataclass(frozen=True)
class About:
    """What the page says of itself. command: the command line that made it. date: when; as text."""

    command: str = ""
    date: str = ""


def report(
    outcome: Outcome,
    view: View,
    pairs: Sequence[BeforeAfter] = (),
    measured: Mapping[Finding, str] | None = None,
    about: About | None = None,
) -> Iterator[str]:
    """The whole document.

    pairs: the device flow of functions with findings. measured: finding -> what a run of the program showed about
    it, in words; None if nothing was run.
    """
    script = _TEMPLATES.asset("report.js") + _TEMPLATES.asset("zoom.js")
    page = _Page(outcome, Places(outcome), _flows(pairs), measured)
    yield _TEMPLATES.render(
        "report.html.j2",
        script=_TEMPLATES.trusted(script),
        digest=_TEMPLATES.digest(script),
        style=_TEMPLATES.trusted(_TEMPLATES.asset("page.css") + _TEMPLATES.asset("report.css") + svg.style()),
        version=__version__,
        about=about or About(),
        summary=outcome.summary,
        fixable=sum(view.fixable(finding) for finding in outcome.findings),
        unsafe=sum(finding.fix is not None and not view.fixable(finding) for finding in outcome.findings),
        in_baseline=outcome.in_baseline,
        problems=outcome.problems,
        measured=measured is not None,
        rules=_rules(outcome.findings),
        files=page.files(),
        count=len(outcome.findings),
        entries=legend(),
        flows=[
            {"id": f"flow{n}", "title": pair.title, "stages": stages_of(*one)}
            for n, pair in enumerate(pairs)
            for one in pair.pairs[:1]
        ],
    )


def _flows(pairs: Sequence[BeforeAfter]) -> dict[tuple[str, str], str]:
    """(path, function) -> the id of its picture."""
    befores = [pair.before[0] for pair in pairs]
    return {(diagram.path, diagram.title): f"flow{n}" for n, diagram in enumerate(befores)}


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


@dataclass(frozen=True)
class _Page:
    """The values that the template shows of each finding."""

    outcome: Outcome
    places: Places
    flows: Mapping[tuple[str, str], str]
    measured: Mapping[Finding, str] | None

    def files(self) -> list[dict[str, object]]:
        """The findings, file by file."""
        groups: dict[str, list[tuple[int, Finding]]] = {}
        for number, finding in enumerate(self.outcome.findings):
            groups.setdefault(finding.path, []).append((number, finding))
        return [
            {
                "path": path,
                "counts": _tally([finding for _, finding in found]),
                "findings": [self._finding(number, finding) for number, finding in found],
            }
            for path, found in groups.items()
        ]

    def _finding(self, number: int, finding: Finding) -> dict[str, object]:
        at = self.places.at(finding.path, finding.line)
        edits = self.outcome.edits.get(finding, ())
        return {
            "id": f"f{number}",
            "finding": finding,
            "file": at.file,
            "place": f"{f'cell {at.cell}:' if at.cell is not None else ''}{at.line}:{finding.column}",
            "heat": "" if finding.about_lint else f"runs {finding.heat.often}",
            "rank": finding.heat.rank,
            "saves": (self.measured or {}).get(finding, "not measured"),
            "why": [self._fact(number, index, fact) for index, fact in enumerate(finding.evidence, start=1)],
            "frames": list(self._frames(number, finding)),
            "diff": list(_diff(edits, _on_disk(finding.path, self.outcome))),
            "flow": self.flows.get((finding.path, finding.function), ""),
        }

    def _fact(self, number: int, index: int, fact: Evidence) -> dict[str, object]:
        shown = fact.line <= len(self.places.lines(fact.path))
        link = f"#f{number}-{_slug(fact.path)}-{fact.line}" if shown else ""
        return {"text": fact.text, "place": str(self.places.at(fact.path, fact.line)), "link": link, "index": index}

    def _frames(self, number: int, finding: Finding) -> Iterator[dict[str, object]]:
        """Code frames with the lines of the call and of its evidence, one for each file, its own file first."""
        wanted: dict[str, dict[int, list[int]]] = {finding.path: {}}
        for index, fact in enumerate(finding.evidence, start=1):
            wanted.setdefault(fact.path, {}).setdefault(fact.line, []).append(index)
        for path, marks in wanted.items():
            lines = self.places.lines(path)
            own = range(finding.line, finding.end_line + 1) if path == finding.path else range(0)
            shown = {
                near
                for line in (*own, *marks)
                for near in range(max(1, line - _CONTEXT), min(len(lines), line + _CONTEXT) + 1)
            }
            if shown:
                rows = self._rows(f"f{number}-{_slug(path)}", path, sorted(shown), marks, finding)
                yield {"file": self.places.at(path, min(shown)).file, "rows": list(rows)}

    def _rows(
        self, prefix: str, path: str, shown: Sequence[int], marks: dict[int, list[int]], finding: Finding
    ) -> Iterator[dict[str, object]]:
        lines, colours = self.places.lines(path), self._colours(path)
        full = [text for number in shown if (text := lines[number - 1]).strip()]
        indent = min((len(text) - len(text.lstrip()) for text in full), default=0)
        for number, before in zip(shown, (None, *shown), strict=False):
            text = lines[number - 1].rstrip("\r\n")
            start = end = indent
            if path == finding.path and finding.line <= number <= finding.end_line:
                start = finding.column - 1 if number == finding.line else len(text) - len(text.lstrip())
                end = finding.end_column - 1 if number == finding.end_line else len(text)
            found = colours.get(number, [])
            yield {
                "id": f"{prefix}-{number}",
                "number": self.places.at(path, number).line,
                "gap": before is not None and number != before + 1,
                "before": coloured(text, found, indent, start),
                "marked": coloured(text, found, start, end),
                "after": coloured(text, found, end, len(text)),
                "steps": marks.get(number, []),
            }

    def _colours(self, path: str) -> dict[int, list[Span]]:
        if path not in self._known:
            self._known[path] = spans("".join(self.places.lines(path)))
        return self._known[path]

    @cached_property
    def _known(self) -> dict[str, dict[int, list[Span]]]:
        return {}


def _tally(findings: Sequence[Finding]) -> str:
    """`2 warnings, 1 hint`."""
    counts = Counter(finding.severity for finding in findings)
    order = sorted(counts, key=lambda severity: -severity.rank)
    return ", ".join(f"{counts[each]} {each.value}{'s' * (counts[each] > 1)}" for each in order)


@cache
def _slug(path: str) -> str:
    """A short name of a file that can be part of a link."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:6]


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
