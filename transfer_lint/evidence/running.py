"""Runs versions of a program under one scenario, each in a process of its own, and measures how far they are apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from transfer_lint.evidence.compare import Rules, compare
from transfer_lint.evidence.job import Job
from transfer_lint.evidence.launch import Child
from transfer_lint.evidence.model import Ending
from transfer_lint.evidence.runs import Comparison, Distance, Run, from_json, mismatched

WORKER = "transfer_lint.tracing.verify_worker"
DISTANCE_WORKER = "transfer_lint.tracing.distance_worker"


@dataclass(frozen=True)
class Conditions:
    """How programs are run, and what counts as the same.

    scenario: path of the file that is run. name: what programs are imported as. simulate: kind of accelerator, "" for
    the real machine. devices: how many are simulated. repeat: traced calls in each. timed: as many untraced ones, for
    the time. seed: set before each call. rtol, atol: allowed distances of outputs. rules: what else must agree.
    timeout: seconds for each program, None for no limit. previews: make pictures of outputs. search: folders where
    programs may import from besides their own. instead_of: real path of the program that a copy stands in for, and that
    must not be imported then. reach: real path of a file -> lines of which it is of interest whether they run.
    """

    scenario: str
    name: str
    simulate: str = ""
    devices: int = 1
    repeat: int = 5
    timed: bool = False
    seed: int = 0
    rtol: float = 0.0
    atol: float = 0.0
    rules: Rules = field(default_factory=Rules)
    timeout: float | None = None
    previews: bool = False
    search: tuple[str, ...] = ()
    instead_of: str = ""
    reach: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """A program that has run. tensors: the file that holds what its first call returned. printed: all its output."""

    run: Run
    tensors: str
    printed: str


def run(programs: Sequence[str], conditions: Conditions, folder: str) -> list[Finished]:
    """Run programs: one after the other if they are timed, else in parallel.

    folder: where results are written; each call takes names there that are free.
    """
    results = [tempfile.mkstemp(prefix="run-", dir=folder) for _ in programs]
    jobs = []
    for program, (descriptor, result) in zip(programs, results, strict=True):
        os.close(descriptor)
        os.unlink(result)
        jobs.append(_job(program, result, conditions))
    with ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in jobs]
        children: list[Child] = []
        stack.callback(_stop, children)
        endings = []
        for job, stream in zip(jobs, streams, strict=True):
            children.append(Child(WORKER, job, output=stream.fileno()))
            if job.timed:
                endings.append(children[-1].wait(conditions.timeout))
        endings += [child.wait(conditions.timeout) for child in children[len(endings) :]]
        finished = []
        for job, stream, ending in zip(jobs, streams, endings, strict=True):
            stream.seek(0)
            printed = stream.read().decode("utf-8", "backslashreplace")
            finished.append(Finished(_result(job, ending), f"{job.result}.tensors", printed))
        return finished


def compared(original: Finished, fixed: Finished, conditions: Conditions) -> tuple[Comparison, str]:
    """Compare two programs that have run. Returns also why distances could not be computed, "" if they could."""
    distances, trouble = _distances(original, fixed, conditions)
    return compare(original.run, fixed.run, distances, conditions.rules), trouble


def _job(program: str, result: str, conditions: Conditions) -> Job:
    return Job(
        "scenario",
        conditions.scenario,
        result,
        simulate=conditions.simulate,
        devices=conditions.devices,
        program=program,
        name=conditions.name,
        search=conditions.search,
        instead_of=conditions.instead_of,
        reach={path: tuple(lines) for path, lines in conditions.reach.items()},
        seed=conditions.seed,
        repeat=conditions.repeat,
        follow_uses=False,
        timed=conditions.timed,
        previews=conditions.previews,
    )


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        child.stop(signal.SIGTERM)


def _result(job: Job, ended: Ending | None) -> Run:
    found = Run(job.program, Ending("refused", 2, "the process that runs it could not start"))
    if os.path.exists(job.result):
        with open(job.result, encoding="utf-8") as stream:
            found = from_json(stream.read())
    if ended is not None:
        return replace(found, ending=ended)
    if found.ending.how == "running":
        return replace(found, ending=Ending("killed", 1, "ended without a word"))
    return found


def _distances(original: Finished, fixed: Finished, conditions: Conditions) -> tuple[Mapping[str, Distance], str]:
    paths = list(mismatched(original.run, fixed.run))
    if not paths:
        return {}, ""
    result = f"{fixed.tensors}.distances"
    job = {
        "original": original.tensors,
        "fixed": fixed.tensors,
        "paths": paths,
        "rtol": conditions.rtol,
        "atol": conditions.atol,
        "pictures": conditions.previews,
        "result": result,
    }
    done = subprocess.run(
        [sys.executable, "-m", DISTANCE_WORKER, json.dumps(job)], capture_output=True, text=True, check=False
    )
    if done.returncode or not os.path.exists(result):
        return {}, (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    with open(result, encoding="utf-8") as stream:
        found = json.load(stream)
    return {path: Distance(**{**value, "pictures": tuple(value["pictures"])}) for path, value in found.items()}, ""
