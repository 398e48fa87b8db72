"""`transfer-lint verify`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace

import click

from transfer_lint.cli import common, evidence
from transfer_lint.evidence.compare import Rules, compare
from transfer_lint.evidence.job import Job
from transfer_lint.evidence.launch import Child
from transfer_lint.evidence.model import Ending
from transfer_lint.evidence.runs import Comparison, Distance, Run, from_json, mismatched
from transfer_lint.problems import Problem
from transfer_lint.report import View, verify_text

FORMATS = ("text", "json", "html", "markdown")
WORKER = "transfer_lint.tracing.verify_worker"
DISTANCE_WORKER = "transfer_lint.tracing.distance_worker"
OUTPUT_SHOWN = 2000
"""How many characters are shown of what a failed program printed: its last ones."""


@click.command("verify", short_help="Run two versions of a program: same results, and less moved?")
@click.argument("original", type=click.Path())
@click.argument("fixed", type=click.Path())
@click.option("--scenario", type=click.Path(), required=True, metavar="FILE", help="What to run: run() or test_... .")
@click.option("--name", metavar="NAME", help="What both are imported as; by default the original's own name.")
@click.option("--simulate", type=click.Choice(["cuda"]), help="Run on an accelerator that is not there.")
@click.option("--devices", type=click.IntRange(1, 64), default=1, show_default=True, help="With --simulate: how many.")
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True, help="Calls of the scenario, in each.")
@click.option("--timing/--no-timing", default=True, help="Call it as often again, untraced, and take the time.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Set before every call.")
@click.option("--rtol", type=click.FloatRange(0), default=0.0, show_default=True, help="Relative tolerance of outputs.")
@click.option("--atol", type=click.FloatRange(0), default=0.0, show_default=True, help="Absolute tolerance of outputs.")
@click.option("--ignore-devices", is_flag=True, help="Outputs may be on other devices than the original's.")
@click.option("--memory-slack", type=click.FloatRange(0), default=1.0, show_default=True, metavar="MiB",
              help="By how much peak device memory may grow.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="For each of the two.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write the report there.")
def command(
    original: str,
    fixed: str,
    scenario: str,
    name: str | None,
    simulate: str | None,
    devices: int,
    repeat: int,
    timing: bool,
    seed: int,
    rtol: float,
    atol: float,
    ignore_devices: bool,
    memory_slack: float,
    timeout: float | None,
    form: str,
    output: str | None,
) -> int:
    """Run ORIGINAL and FIXED (files or folders) under one scenario, each in a process of its own, and compare.

    The scenario imports the program under its NAME, or takes it as the argument of run(program). What it returns is
    compared bit for bit, with dtypes, devices and the state of the random generators; then transfers, bytes, waits,
    device memory and time. This executes both programs.

    Exits with 0 when they are the same and the fixed one is no worse, 1 when not, 2 when the original does not run.

    \b
    transfer-lint fix --output fixed/ my_pack
    transfer-lint verify my_pack fixed/my_pack --scenario scenario.py --simulate cuda
    transfer-lint verify my_pack fixed/my_pack --scenario scenario.py --format html -o verify.html
    """
    _must_exist(original, fixed, scenario)
    name = name or identifier(original)
    with tempfile.TemporaryDirectory(prefix="transfer-lint-") as folder:
        jobs = [
            Job(
                "scenario",
                scenario,
                os.path.join(folder, file),
                simulate=simulate or "",
                devices=devices,
                program=program,
                name=name,
                seed=seed,
                repeat=repeat,
                follow_uses=False,
                timed=timing and not simulate,
                previews=form == "html",
            )
            for program, file in ((original, "original"), (fixed, "fixed"))
        ]
        before, after = _run(jobs, timeout)
        distances = _distances(before, after, folder, rtol, atol, pictures=form == "html")
        rules = Rules(devices=not ignore_devices, memory_slack=int(memory_slack * 2**20))
        comparison = compare(before, after, distances, rules)
    view = View(colour=output is None and common.coloured(sys.stdout), fancy=evidence.fancy())
    evidence.write(output, _report(comparison, form, view), view, form)
    if not comparison.could:
        return 2
    return 0 if comparison.good else 1


def identifier(path: str) -> str:
    """The name to import a file or folder as: its own name, with underscores for characters that a name cannot hold."""
    stem = os.path.basename(os.path.abspath(path))
    stem = stem if os.path.isdir(path) else os.path.splitext(stem)[0]
    return "".join(char if char.isalnum() else "_" for char in stem) or "program"


def _must_exist(original: str, fixed: str, scenario: str) -> None:
    for path in (original, fixed):
        if not os.path.exists(path):
            raise Problem(path, "does not exist", "give a Python file or a folder")
    if not os.path.isfile(scenario):
        raise Problem(scenario, "is no file", "give the path of a Python file")


def _run(jobs: Sequence[Job], timeout: float | None) -> list[Run]:
    """Run the programs, each in its own process: one after the other if they are timed, else in parallel.

    What a program prints is shown only if it fails.
    """
    with ExitStack() as stack:
        printed = [stack.enter_context(tempfile.TemporaryFile()) for _ in jobs]
        children: list[Child] = []
        stack.callback(_stop, children)
        endings = []
        for job, stream in zip(jobs, printed, strict=True):
            children.append(Child(WORKER, job, output=stream.fileno()))
            if job.timed:
                endings.append(children[-1].wait(timeout))
        endings += [child.wait(timeout) for child in children[len(endings) :]]
        runs = [_result(job, ending) for job, ending in zip(jobs, endings, strict=True)]
        for run, stream in zip(runs, printed, strict=True):
            if not run.ending.good:
                stream.seek(0)
                _print_failure(run, stream.read().decode("utf-8", "backslashreplace"))
    return runs


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.stop(signal.SIGTERM)


def _result(job: Job, ended: Ending | None) -> Run:
    run = Run(job.program, Ending("refused", 2, "the process that runs it could not start"))
    if os.path.exists(job.result):
        with open(job.result, encoding="utf-8") as stream:
            run = from_json(stream.read())
    if ended is not None:
        return replace(run, ending=ended)
    if run.ending.how == "running":
        return replace(run, ending=Ending("killed", 1, "ended without a word"))
    return run


def _print_failure(run: Run, printed: str) -> None:
    for place in run.ending.places[-8:]:
        common.say(f"  {place}")
    common.say(f"{run.program}: {run.ending.text or f'exited with {run.ending.code}'}")
    tail = printed.strip()[-OUTPUT_SHOWN:]
    if tail:
        common.say("it printed:")
        for line in tail.splitlines():
            common.say(f"  | {line}")


def _distances(
    original: Run, fixed: Run, folder: str, rtol: float, atol: float, *, pictures: bool
) -> dict[str, Distance]:
    paths = list(mismatched(original, fixed))
    if not paths:
        return {}
    result = os.path.join(folder, "distances")
    job = {
        "original": os.path.join(folder, "original.tensors"),
        "fixed": os.path.join(folder, "fixed.tensors"),
        "paths": paths,
        "rtol": rtol,
        "atol": atol,
        "pictures": pictures,
        "result": result,
    }
    done = subprocess.run(
        [sys.executable, "-m", DISTANCE_WORKER, json.dumps(job)], capture_output=True, text=True, check=False
    )
    if done.returncode or not os.path.exists(result):
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        common.say(f"how far the outputs are apart could not be computed: {last}")
        return {}
    with open(result, encoding="utf-8") as stream:
        found = json.load(stream)
    return {path: Distance(**{**value, "pictures": tuple(value["pictures"])}) for path, value in found.items()}


def _report(comparison: Comparison, form: str, view: View) -> Iterator[str]:
    if form == "json":
        yield json.dumps(
            {"version": 1, "verdict": comparison.verdict, "good": comparison.good, **asdict(comparison)}, indent=1
        )
    elif form == "markdown":
        yield from verify_text.markdown(comparison)
    elif form == "html":
        from transfer_lint.report import verify_html

        yield from verify_html.report(comparison)
    else:
        yield from verify_text.report(comparison, view)
