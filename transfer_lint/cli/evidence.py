"""What `trace`, `verify`, `fix --prove` and `check --trace` share: how programs are run, the findings to compare a run
with, and writing reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from transfer_lint.cli import common
from transfer_lint.cli.inputs import Function, inputs
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem

if TYPE_CHECKING:
    from transfer_lint.evidence.running import Conditions, Finished
    from transfer_lint.report import View

OUTPUT_SHOWN = 2000
"""How many characters are shown of what a failed program printed: its last ones."""

_Range = click.FloatRange
_RUN_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "name": {"metavar": "NAME", "help": "What programs are imported as; by default the original's own name."},
    "simulate": {"type": click.Choice(["cuda", "xpu"]), "help": "Run on an accelerator that is not there."},
    "devices": {"type": click.IntRange(1, 64), "default": 1, "help": "With --simulate: how many."},
    "repeat": {"type": click.IntRange(1), "default": 5, "help": "Calls of the scenario, in each."},
    "seed": {"type": click.IntRange(0), "default": 0, "help": "Set before every call."},
    "rtol": {"type": _Range(0), "default": 0.0, "help": "Relative tolerance of outputs."},
    "atol": {"type": _Range(0), "default": 0.0, "help": "Absolute tolerance of outputs."},
    "ignore-devices": {"is_flag": True, "help": "Outputs may be on other devices than the original's."},
    "memory-slack": {"type": _Range(0), "default": 1.0, "metavar": "MiB",
                     "help": "By how much peak device memory may grow."},
    "timeout": {"type": _Range(0, min_open=True), "metavar": "SECONDS", "help": "For each run."},
}  # fmt: skip
"""The options of `verify` and `fix --prove`: how programs are run, and what counts as the same."""


def run_options(condition: str = "") -> Callable[[Function], Function]:
    """Add the options that say how programs are run. condition: what they need, for their help texts."""

    def add(function: Function) -> Function:
        for name, how in reversed(list(_RUN_OPTIONS.items())):
            more = {"help": f"{condition}{how['help']}", "show_default": how.get("default") is not None}
            function = click.option(f"--{name}", **{**how, **more})(function)
        return function

    return add


def run_options_given(context: click.Context) -> list[str]:
    """The options of a run that the command line names."""
    default = click.core.ParameterSource.DEFAULT
    return [f"--{name}" for name in _RUN_OPTIONS if context.get_parameter_source(name.replace("-", "_")) is not default]


def conditions(
    program: str, scenario: str, options: Mapping[str, Any], *, timed: bool = False, previews: bool = False
) -> Conditions:
    """The conditions that the options say, for a scenario over `program`. Raises Problem if there is no scenario."""
    from transfer_lint.evidence.compare import Rules
    from transfer_lint.evidence.running import Conditions

    if not os.path.isfile(scenario):
        raise Problem(scenario, "is no file", "give the path of a Python file")
    return Conditions(
        scenario,
        options["name"] or identifier(program),
        simulate=options["simulate"] or "",
        devices=options["devices"],
        repeat=options["repeat"],
        timed=timed and not options["simulate"],
        seed=options["seed"],
        rtol=options["rtol"],
        atol=options["atol"],
        rules=Rules(devices=not options["ignore_devices"], memory_slack=int(options["memory_slack"] * 2**20)),
        timeout=options["timeout"],
        previews=previews,
    )


def identifier(path: str) -> str:
    """The name to import a file or folder as: its own name, with underscores for characters that a name cannot hold."""
    stem = os.path.basename(os.path.abspath(path))
    stem = stem if os.path.isdir(path) else os.path.splitext(stem)[0]
    return "".join(char if char.isalnum() else "_" for char in stem) or "program"


def print_failure(finished: Finished) -> None:
    """Print how a program failed, and the end of what it printed; nothing for one that ended well."""
    run = finished.run
    if run.ending.good:
        return
    for place in run.ending.places[-8:]:
        common.say(f"  {place}")
    common.say(f"{run.program}: {run.ending.text or f'exited with {run.ending.code}'}")
    tail = finished.printed.strip()[-OUTPUT_SHOWN:]
    if tail:
        common.say("it printed:")
        for line in tail.splitlines():
            common.say(f"  | {line}")


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
