"""What `trace`, `verify` and `check --trace` share: the findings to compare a run with, and writing reports."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from transfer_lint.cli import common
from transfer_lint.cli.inputs import inputs
from transfer_lint.lint.outcome import Outcome

if TYPE_CHECKING:
    from transfer_lint.report import View


def lint(paths: Sequence[str], quiet: bool) -> Outcome:
    """What `check` finds in `paths` with their configuration. Prints problems."""
    from transfer_lint.lint.check import check_paths

    found = inputs(paths)
    common.print_left_out(found.left_out, quiet)
    with common.Bar("checking", quiet) as bar:
        outcome = check_paths(found.files, found.settings, progress=bar)
    common.print_problems((*found.problems, *outcome.problems))
    return outcome


def held_against(trace_file: str, outcome: Outcome, paths: Sequence[str], view: View) -> int:
    """Print what a trace shows about each finding in `paths`, for `check --trace`. Returns 1 if it refutes one."""
    from transfer_lint.evidence.join import Status, join
    from transfer_lint.evidence.model import read
    from transfer_lint.report.trace_findings import report

    joined = join(read(trace_file), outcome, paths)
    common.put(report(joined, view), view)
    return int(bool(joined.of(Status.REFUTED)))


def write(path: str | None, lines: Iterable[str], view: View, form: str) -> None:
    """Write a report to a file, or to standard output for None. Raises Problem if the file cannot be written."""
    common.put(lines, view, path, form=form)
    if path is not None:
        common.say(f"written to {path}")


def fancy() -> bool:
    """Whether standard output can show characters outside ASCII."""
    return "utf" in (sys.stdout.encoding or "").lower()
