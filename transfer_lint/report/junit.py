"""For tools that read test results: JUnit XML, with a suite for each file and a case for each finding."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from transfer_lint.findings import Finding
from transfer_lint.lint.outcome import Outcome
from transfer_lint.report import View
from transfer_lint.report.places import Places
from transfer_lint.visible import visible


def report(outcome: Outcome, view: View) -> Iterator[str]:
    """The document. A finding that makes the run fail is a failure; a file that could not be checked is an error; a
    finding below `--fail-on` is a case that passes and has the finding as its output."""
    places = Places(outcome)
    root = ElementTree.Element("testsuites", name="transfer-lint")
    by_path: dict[str, list[Finding]] = {problem.path: [] for problem in outcome.problems}
    for finding in outcome.findings:
        by_path.setdefault(finding.path, []).append(finding)
    totals = [0, 0, 0]
    for path, findings in sorted(by_path.items()):
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(path))
        problems = [problem for problem in outcome.problems if problem.path == path]
        for problem in problems:
            case = ElementTree.SubElement(suite, "testcase", name="can be checked", classname=_xml(path))
            ElementTree.SubElement(case, "error", message=_xml(problem.what)).text = _xml(str(problem))
        failing = sum([_case(suite, finding, places, view) for finding in findings])
        counts = len(problems) + len(findings), failing, len(problems)
        _count(suite, *counts)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    if not by_path:
        suite = ElementTree.SubElement(root, "testsuite", name="transfer-lint")
        name = f"{outcome.summary.files} files: nothing found"
        ElementTree.SubElement(suite, "testcase", name=name, classname="transfer-lint")
        _count(suite, 1, 0, 0)
        totals = [1, 0, 0]
    _count(root, *totals)
    root.set("time", f"{outcome.summary.seconds:.3f}")
    ElementTree.indent(root)
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield ElementTree.tostring(root, encoding="unicode")


def _count(element: ElementTree.Element, tests: int, failures: int, errors: int) -> None:
    for name, value in (("tests", tests), ("failures", failures), ("errors", errors)):
        element.set(name, str(value))


def _case(suite: ElementTree.Element, finding: Finding, places: Places, view: View) -> bool:
    """Add a case for a finding. Returns whether it is a failure."""
    at = places.at(finding.path, finding.line)
    name = f"{finding.code} {finding.name} {at}:{finding.column}"
    case = ElementTree.SubElement(suite, "testcase", name=_xml(name), classname=_xml(finding.path))
    case.set("file", _xml(finding.path))
    case.set("line", str(places.on_disk(finding.path, finding.line)))
    lines = [f"{at}:{finding.column}: {finding.message}"]
    lines += [f"  {places.at(fact.path, fact.line)}  {fact.text}" for fact in finding.evidence]
    if finding.fix:
        lines.append(f"fix: {finding.fix.title} ({finding.fix.safety.value})")
    fails = finding.severity.rank >= view.fail_on.rank
    if fails:
        element = ElementTree.SubElement(case, "failure", type=finding.severity.value, message=_xml(finding.message))
    else:
        element = ElementTree.SubElement(case, "system-out")
    element.text = _xml("\n".join(lines))
    return fails


def _xml(text: str) -> str:
    """`text` without the characters that XML 1.0 forbids, even escaped."""
    return visible(text, keep="\n")
