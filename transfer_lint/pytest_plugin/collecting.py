"""Collects what all tests moved, in the process that the user sees, and writes the reports about it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from transfer_lint.evidence.join import Joined, Status, join
from transfer_lint.evidence.limits import counts_of
from transfer_lint.evidence.model import Ending, Trace
from transfer_lint.evidence.suite import CALL, Record, from_dict, merged
from transfer_lint.files import disk
from transfer_lint.problems import Problem
from transfer_lint.pytest_plugin import baseline as baselines
from transfer_lint.pytest_plugin.measuring import ATTRIBUTE, Measuring
from transfer_lint.report import trace_html, trace_json, trace_markdown
from transfer_lint.report.limits_text import in_words
from transfer_lint.report.trace_text import count

if TYPE_CHECKING:
    from transfer_lint.lint.outcome import Outcome

SHOWN = 5
"""How many tests each list of the summary names at most."""

TOP = 100
"""How many source lines a report lists at most."""

REPORTS = {"html": trace_html.report, "json": trace_json.report, "markdown": trace_markdown.report}
MODE = 0o644
CRASHED = "???"
"""The phase that pytest-xdist gives a test in which its worker died."""


class Collecting:
    """The records of all tests, by test and phase, and what becomes of them."""

    def __init__(self, config: pytest.Config, measuring: Measuring) -> None:
        self.config = config
        self.measuring = measuring
        self.asked = measuring.asked
        self.records: dict[tuple[str, str], Record] = {}
        self.lines_run: dict[str, set[int]] | None = None
        self.crashed: list[str] = []
        self.said: list[str] = []
        self.own_seconds = 0.0
        self._begin = time.perf_counter()

    def pytest_report_header(self) -> list[str]:
        """What is measured, and on what."""
        return [f"transfer-lint: {self.asked.device}", *(f"transfer-lint: {note}" for note in self.measuring.notes)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist which lines the findings are on."""
        if self.asked.report:
            node.workerinput[ATTRIBUTE] = self.lines_of_findings()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist measured after its last report."""
        self._take(getattr(node, "workeroutput", {}).get(ATTRIBUTE))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what was measured from a report."""
        if report.when == CRASHED:
            self.crashed.append(report.nodeid)
            text = "its process ended: what this test moved is not known, what was measured before is kept"
            report.sections.append(("transfer-lint", text))
        measured = report.__dict__.pop(ATTRIBUTE, None)
        if measured is not None:
            self._take(measured, report)

    def _take(self, measured: Mapping[str, Any] | None, report: pytest.TestReport | None = None) -> None:
        if measured is None:
            return
        self.own_seconds += measured["own_seconds"]
        for each in measured["records"]:
            self._add(from_dict(each), report)
        if measured["lines"] is not None:
            self.lines_run = {} if self.lines_run is None else self.lines_run
            for file, lines in measured["lines"].items():
                self.lines_run.setdefault(file, set()).update(lines)

    def _add(self, record: Record, report: pytest.TestReport | None = None) -> None:
        """Add a record: to that of the same fixture, or in place of an earlier run of the same test."""
        if report is not None and record.phase == report.when:
            record = replace(record, outcome=report.outcome)
            self.records.pop((record.name, record.phase), None)
        known = self.records.setdefault((record.name, record.phase), record)
        if known is not record:
            known.entries += record.entries
            known.forks += record.forks

    @property
    def tests(self) -> list[Record]:
        """The records of the tests themselves, by name."""
        return sorted((record for record in self.records.values() if record.phase == CALL), key=lambda each: each.name)

    @property
    def passed(self) -> list[Record]:
        """The records that a baseline compares, of tests that passed."""
        names = {record.name for record in self.tests if record.outcome == "passed"}
        return [each for each in self.records.values() if each.phase in baselines.KEPT and each.name in names]

    @cached_property
    def outcome(self) -> Outcome | None:
        """What the lint finds below the root folder; None if it cannot be run."""
        from transfer_lint.api import check

        try:
            return check(self._root)
        except Problem as problem:
            self.measuring.notes.append(f"the lint could not run: {problem}")
            return None

    @property
    def _root(self) -> str:
        return os.path.relpath(self.config.rootpath)

    def lines_of_findings(self) -> dict[str, list[int]]:
        """Real path of a file -> the lines of its findings."""
        found: dict[str, list[int]] = {}
        for finding in self.outcome.findings if self.outcome else ():
            lines = range(finding.line, finding.end_line + 1)
            found.setdefault(os.path.realpath(finding.path), []).extend(lines)
        return found

    def cut_short(self, title: str, status: int, records: Iterable[Record]) -> None:
        """Write the reports, because the process is about to end in the test `title`."""
        for record in records:
            self._add(record)
        self.measuring.notes.append(f"{title} ended the whole process with os._exit({status}): the others did not run")
        self._write(Ending("exited", status, self.measuring.notes[-1]))
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        if capture is not None:
            capture.suspend(in_=True)
        for line in (self.measuring.notes[-1], *self.said, "with pytest-xdist (-n 1) the other tests would go on"):
            print(f"transfer-lint: {line}", file=sys.stderr, flush=True)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Write the reports, before pytest prints its summary."""
        result = yield
        self._take(self.measuring.measured())
        if not self._write(Ending("exited", int(session.exitstatus))):
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        return result

    def _write(self, ending: Ending) -> bool:
        """Write what is asked for; say what could not be written, and return whether that is nothing."""
        tasks = []
        if self.asked.report:
            tasks.append(
                (
                    self.asked.report,
                    "\n".join(REPORTS[self.asked.form](*self._traced(ending), TOP, self.records.values())) + "\n",
                )
            )
        if self.asked.write_baseline:
            tasks.append((self.asked.baseline, self._new_baseline()))
        for path, text in tasks:
            try:
                disk.write(path, text.encode("utf-8", "backslashreplace"), MODE)
                self.said.append(f"written to {os.path.relpath(path)}")
            except Problem as problem:
                self.said.append(f"ERROR: {problem}")
        return not any(line.startswith("ERROR") for line in self.said)

    def _traced(self, ending: Ending) -> tuple[Trace, Joined | None]:
        """The sum of the records as a trace, and what it shows about the findings."""
        from transfer_lint.tracing.session import describe_machine

        tracing = self.measuring.tracing
        trace = Trace(
            program=" ".join(("pytest", *self.config.invocation_params.args)),
            machine=describe_machine(tracing.machine if tracing is not None else None),
            simulated=self.asked.simulated.kind if self.asked.simulated else "",
            ending=ending,
            seconds=time.perf_counter() - self._begin,
            own_seconds=self.own_seconds,
            axis="events",
            bin_width=1.0,
            entries=merged(self.records.values()),
            lines_run=None if self.lines_run is None else {file: sorted(n) for file, n in self.lines_run.items()},
            notes=list(self._notes()),
        )
        return trace, join(trace, self.outcome, [self._root]) if self.outcome else None

    def _notes(self) -> Iterator[str]:
        yield from self.measuring.notes
        forked = sorted(record.title for record in self.records.values() if record.forks)
        if forked:
            yield f"what the children of a forked process moved was not seen: {_listed(forked)}"
        if self.crashed:
            yield f"what these tests moved is not known, because their process ended: {_listed(self.crashed)}"
        if self.asked.simulated:
            yield "simulated: counts, bytes and placements are a real device's; time and full memory are not"

    def _new_baseline(self) -> str:
        known = self.measuring.baseline or baselines.Baseline(self.asked.device, {})
        return baselines.text_of(known.updated(self.asked.device, self.passed, str(self.config.rootpath)))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what moved, and what the baseline makes of that."""
        terminalreporter.section("transfers", sep="-")
        for line in self._summary():
            terminalreporter.line(line, red=line.startswith("ERROR"))

    def _summary(self) -> Iterator[str]:
        tests = self.tests
        whole = counts_of(entry for record in self.records.values() for entry in record.entries)
        own = counts_of(entry for record in tests for entry in record.entries)
        yield f"{count(len(tests), 'test')} on {self.asked.device}: {in_words(own)}; with fixtures {in_words(whole)}"
        if self.asked.baseline:
            yield from self._compared()
        if self.asked.report and self.outcome:
            joined = self._traced(Ending("exited", 0))[1]
            fates = [f"{len(joined.of(status))} {status.value}" for status in Status if joined and joined.of(status)]
            yield f"findings of the lint: {', '.join(fates) or 'none'}"
        yield from (f"note: {note}" for note in self._notes() if not note.startswith("simulated"))
        yield from self.said

    def _compared(self) -> Iterator[str]:
        known = self.measuring.baseline
        if known is None:
            return
        passed = self.passed
        file = os.path.relpath(self.asked.baseline)
        found = baselines.differences(known, passed)
        lists = {
            "less than before": [each for each in found if not each.grew],
            "more than before": [each for each in found if each.grew],
        }
        for words, these in lists.items():
            if these:
                yield f"{count(len(these), 'test')} moved {words} ({file}):"
                yield from (
                    f"  {each.title}: {in_words(each.before)} -> {in_words(each.now)}" for each in these[:SHOWN]
                )
                if len(these) > SHOWN:
                    yield f"  and {len(these) - SHOWN} more"
        new = [record.title for record in passed if record.phase == CALL and known.of(record) is None]
        if new:
            yield f"{count(len(new), 'new test')}, not in {file} so far: {_listed(new)}"
        if (new or lists["less than before"]) and not self.asked.write_baseline:
            yield "--write-transfer-baseline keeps what is new and what is less"


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{', '.join(found[:SHOWN])}{more}"
