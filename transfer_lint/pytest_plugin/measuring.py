"""Measures the tests that run in this process: files what moves under tests and fixtures, and holds limits."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import dropwhile, takewhile
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import _pytest
import pluggy
import pytest

from transfer_lint.evidence.limits import NAMES, Counts, limits
from transfer_lint.evidence.model import Entry, Frame
from transfer_lint.evidence.suite import CALL, OUTSIDE, SETUP, TEARDOWN, Record, as_dict
from transfer_lint.pytest_plugin.baseline import KEPT, Baseline
from transfer_lint.pytest_plugin.hints import hint
from transfer_lint.pytest_plugin.options import Asked
from transfer_lint.report.limits_text import amount, broken, lines

if TYPE_CHECKING:
    from transfer_lint.tracing.reach import Reach
    from transfer_lint.tracing.session import Tracing

ATTRIBUTE = "transfer_lint"
"""The attribute of a test report with what was measured since the report before. pytest-xdist carries it over."""

Wrapper = Generator[None, Any, Any]
_SIMULATOR = os.path.join(os.path.dirname(os.path.dirname(__file__)), "tracing", "")
_DISPATCHER = os.path.join("torch", "_ops.py")
_RUNNERS = tuple(os.path.join(os.path.dirname(file), "") for file in (_pytest.__file__, pluggy.__file__, __file__))


class Collector(Protocol):
    """Takes what is measured, and writes the reports."""

    def cut_short(self, title: str, status: int, records: Iterable[Record]) -> None:
        """Write the reports, because the process is about to end in the test `title`."""

    def lines_of_findings(self) -> dict[str, list[int]]:
        """Real path of a file -> the lines of its findings."""


class Measuring:
    """Measures. Its tests run inside `tracing`; without one there is no device, and nothing moves.

    baseline: None if there is none. notes: what the reader of the report has to know. collecting: takes what is
    measured; None in a worker of pytest-xdist. reach: the lines that ran, if a report has to know them.
    """

    def __init__(self, asked: Asked, baseline: Baseline | None = None) -> None:
        self.asked = asked
        self.baseline = baseline
        self.notes: list[str] = []
        self.tracing: Tracing | None = None
        self.collecting: Collector | None = None
        self.reach: Reach | None = None
        self._open: list[Record] = [Record("", OUTSIDE)]  # the innermost last
        self._done: list[Record] = []
        self._process = os.getpid()
        self._own_seconds = 0.0  # those that were told

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Context in which forks are counted, and `os._exit` writes the reports first."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_parent=self._forked)
        leave = os._exit

        def exit_now(status: int) -> NoReturn:
            if os.getpid() == self._process and self.collecting is not None:
                self._flush()
                self.collecting.cut_short(self._open[-1].title, status, self.records())
            leave(status)

        os._exit = exit_now
        try:
            yield
        finally:
            os._exit = leave

    def _forked(self) -> None:
        self._open[-1].forks += 1

    def _flush(self) -> None:
        """File what has happened since the last time under the innermost record."""
        if self.tracing is not None and os.getpid() == self._process:
            taken = map(_of_the_program, self.tracing.recorder.take())
            self._open[-1].entries += [entry for entry in taken if entry.chain]

    @contextmanager
    def _filed(self, record: Record) -> Iterator[Record]:
        """Context whose events are filed under the record."""
        self._flush()
        self._open.append(record)
        try:
            yield record
        finally:
            self._flush()
            self._open.pop()
            self._done.append(record)

    def records(self) -> list[Record]:
        """The records since the last call."""
        unfinished = [replace(record, entries=list(record.entries)) for record in self._open]
        for record in self._open:
            record.entries.clear()
            record.forks = 0
        found = [
            record for record in (*unfinished, *self._done) if record.entries or record.forks or record.phase == CALL
        ]
        self._done.clear()
        return found

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Wrapper:
        """File the set-up under the test."""
        result = yield from self._phase(item, SETUP, {})
        _limits_of(item)  # limits that are none fail the test before it runs
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Wrapper:
        """File the call under the test, and hold its limits."""
        return (yield from self._phase(item, CALL, _limits_of(item)))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Wrapper:
        """File the teardown under the test."""
        return (yield from self._phase(item, TEARDOWN, {}))

    def _phase(self, item: pytest.Item, phase: str, allowed: dict[str, int]) -> Wrapper:
        with self._filed(Record(_name_of(item), phase)) as record:
            try:
                result = yield
            except BaseException as error:
                raise error.with_traceback(_without_simulator(error.__traceback__))  # noqa: B904, it is the same error
        if text := broken(record.entries, allowed):
            pytest.fail(text, pytrace=False)
        self._compare(record)
        return result

    def _compare(self, record: Record) -> None:
        """Fail the test if it moves more than the baseline says."""
        if self.baseline is None or self.asked.write_baseline or record.phase not in KEPT:
            return
        before = self.baseline.of(record)
        if before is not None and (text := _growth(record, before)):
            pytest.fail(f"{text}\n(baseline {os.path.relpath(self.asked.baseline)})", pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Wrapper:
        """File the set-up of a fixture that tests share under the fixture."""
        if fixturedef.scope == "function":
            return (yield)
        with self._filed(_shared(fixturedef)):
            return (yield)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """File the end of a fixture that tests share under the fixture."""
        if fixturedef.scope == "function" or self.tracing is None:
            self._flush()
            return
        record = _shared(fixturedef)
        self._open.append(record)
        self._flush()
        self._open.pop()
        self._done.append(record)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Wrapper:
        """Attach what was measured to the report, and a hint to a failure that a simulation explains."""
        report = yield
        if call.excinfo is not None and report.failed and (text := hint(str(call.excinfo.value), self.asked.simulated)):
            report.sections.append(("transfer-lint", text))
        if len(self._open) == 1:  # within a call it is the report of a subtest
            measured = self.measured()
            if self.asked.anything:
                setattr(report, ATTRIBUTE, measured)
        return report

    def measured(self) -> dict[str, Any]:
        """What was measured since the last time, as plain data."""
        before = self._own_seconds
        self._own_seconds = self.tracing.recorder.own_seconds if self.tracing is not None else 0.0
        return {
            "own_seconds": self._own_seconds - before,
            "records": [as_dict(record) for record in self.records()],
            "lines": self.reach.take() if self.reach is not None else None,
        }

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Begin to record which lines run."""
        if not self.asked.report:
            return
        from transfer_lint.tracing.reach import reached

        given = getattr(session.config, "workerinput", {}).get(ATTRIBUTE, {})
        context = ExitStack()
        session.config.add_cleanup(context.close)
        self.reach = context.enter_context(reached(self.collecting.lines_of_findings() if self.collecting else given))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what came after the last report."""
        self._flush()
        output = getattr(session.config, "workeroutput", None)
        if output is not None and self.asked.anything:
            output[ATTRIBUTE] = self.measured()


def _limits_of(item: pytest.Item) -> dict[str, int]:
    """The limits of a test. Of several markers, the nearest that names a figure decides about it."""
    given: dict[str, object] = {}
    for marker in item.iter_markers("transfers"):
        if marker.args:
            pytest.fail(f"transfers{marker.args}: give its limits by name: {', '.join(NAMES)}", pytrace=False)
        given = {**marker.kwargs, **given}
    try:
        return limits(given)
    except (TypeError, ValueError) as error:
        pytest.fail(f"the marker transfers: {error}", pytrace=False)


def _name_of(item: pytest.Item) -> str:
    """The test's id, without the group that pytest-xdist appends to it."""
    name = item.nodeid
    groups = {str((*marker.args, *marker.kwargs.values(), "default")[0]) for marker in item.iter_markers("xdist_group")}
    return name.removesuffix(f"@{'_'.join(sorted(groups))}") if groups else name


def _shared(fixture: pytest.FixtureDef[Any]) -> Record:
    return Record(f"{fixture.baseid}::{fixture.argname}".removeprefix("::"), fixture.scope)


def _of_the_program(entry: Entry) -> Entry:
    """The entry without the frames of pytest. What only pytest did, such as printing a tensor, has no frame left."""
    program = dropwhile(_runs_tests, entry.chain)
    return replace(entry, chain=tuple(takewhile(lambda frame: not _runs_tests(frame), program)))


def _runs_tests(frame: Frame) -> bool:
    return frame.file.startswith(_RUNNERS)


def _without_simulator(trace: TracebackType | None) -> TracebackType | None:
    """A traceback that ends in the program, where torch itself would have raised the error."""
    if trace is None:
        return None
    rest = _without_simulator(trace.tb_next)
    file = trace.tb_frame.f_code.co_filename
    if file.startswith(_SIMULATOR) or file.endswith(_DISPATCHER):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)


def _growth(record: Record, before: Counts) -> str:
    """What has grown, with its lines; "" if nothing has."""
    texts = []
    for name in NAMES:
        then, now = before.of(name), record.counts.of(name)
        if now > then:
            texts += [f"{amount(name, now)}, {amount(name, then)} before", *lines(name, record.entries)]
    return "\n".join(texts)
