"""`transfer-lint trace`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace

import click

from transfer_lint.cli import common, evidence
from transfer_lint.evidence.job import Job, What
from transfer_lint.evidence.join import Joined, Status, join
from transfer_lint.evidence.launch import Child
from transfer_lint.evidence.model import Ending, Trace, read
from transfer_lint.problems import Problem
from transfer_lint.report import View, trace_findings, trace_json, trace_text

FORMATS = ("text", "json", "html")
WORKER = "transfer_lint.tracing.worker"


class _Command(click.Command):
    """Leaves all that follows `-m MODULE` to the module, as Python does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `--` after the module, unless it stands there already."""
        end = self._after_module(args)
        if end is not None and args[end : end + 1] != ["--"]:
            args = [*args[:end], "--", *args[end:]]
        return super().parse_args(ctx, args)

    def _after_module(self, args: Sequence[str]) -> int | None:
        """The number of arguments up to and with the module; None if there is no `-m`."""
        options = [option for option in self.params if isinstance(option, click.Option)]
        with_value = {name for option in options if not option.is_flag for name in option.opts}
        number = 0
        while number < len(args) and args[number].startswith("-") and args[number] != "--":
            argument, number = args[number], number + 1
            if argument.startswith("--"):
                number += argument in with_value
                continue
            for position, letter in enumerate(argument[1:], start=2):
                if f"-{letter}" in with_value:  # its value is the rest of this argument, or the next one
                    number += position == len(argument)
                    if letter == "m":
                        return number
                    break
        return None


@click.command(
    "trace",
    cls=_Command,
    short_help="Run a program, and list every real transfer and host wait.",
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
)
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does.")
@click.option("--scenario", type=click.Path(), metavar="FILE", help="Run a file's run(), or its functions test_....")
@click.option(
    "--workflow", "workflows", multiple=True, type=click.Path(), metavar="API.json",
    help="Queue a workflow in ComfyUI (saved with Export (API)); may be given again.",
)  # fmt: skip
@click.option("--comfyui", type=click.Path(), metavar="DIR", help="ComfyUI's folder, for --workflow.")
@click.option("--simulate", type=click.Choice(["cuda", "xpu"]), help="Run on an accelerator that is not there.")
@click.option("--devices", type=click.IntRange(1, 64), default=1, show_default=True, help="With --simulate: how many.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write the report there.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Lines of the program to list.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Stop the program then.")
@click.option("--findings", is_flag=True, help="Check this folder too, and say what the run shows of each finding.")
@click.option(
    "--findings-in", multiple=True, type=click.Path(), metavar="PATH",
    help="As --findings, for these files and folders instead of this folder.",
)  # fmt: skip
@click.option(
    "--follow-uses/--no-follow-uses", default=None,
    help="Look for transfers that nothing uses: sees every operator, so it is slow. By default with --simulate only.",
)  # fmt: skip
@click.option(
    "--hash-limit", type=click.IntRange(0), default=32, show_default=True, metavar="MiB",
    help="Compare the contents of transfers up to this size.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
def command(
    program: tuple[str, ...],
    module: str | None,
    scenario: str | None,
    workflows: tuple[str, ...],
    comfyui: str | None,
    simulate: str | None,
    devices: int,
    form: str,
    output: str | None,
    top: int,
    timeout: float | None,
    findings: bool,
    findings_in: tuple[str, ...],
    follow_uses: bool | None,
    hash_limit: int,
    quiet: bool,
) -> int:
    """Run PROGRAM (a script and its arguments) and list every transfer and host wait by source line.

    This executes the program. What it prints goes to standard error. Exits as the program does; with 124 when it ran
    out of time, with 2 when it could not be started, and with 1 when --findings refutes a finding.

    \b
    transfer-lint trace generate.py --steps 4
    transfer-lint trace --simulate cuda -m pytest -q tests
    transfer-lint trace --simulate cuda --scenario scenario.py
    transfer-lint trace --simulate cuda --workflow api.json --comfyui ~/ComfyUI
    transfer-lint trace --simulate cuda --findings --format html -o trace.html --scenario scenario.py
    """
    if comfyui is None and workflows:
        raise click.UsageError("--workflow needs --comfyui DIR")
    what, target, arguments = _what(program, module, scenario, comfyui)
    for path in workflows:
        _must_be_workflow(path)
    checked = findings_in or ((".",) if findings else ())
    outcome = evidence.lint(checked, quiet) if checked else None
    reach: dict[str, list[int]] = {}
    for finding in outcome.findings if outcome else ():
        lines = range(finding.line, finding.end_line + 1)
        reach.setdefault(os.path.realpath(finding.path), []).extend(lines)
    with tempfile.TemporaryDirectory(prefix="transfer-lint-") as folder:
        job = Job(
            what,
            target,
            os.path.join(folder, "trace.json"),
            arguments=arguments,
            workflows=workflows and tuple(map(os.path.abspath, workflows)),
            simulate=simulate or "",
            devices=devices,
            follow_uses=follow_uses,
            hash_limit=hash_limit * 2**20,
            reach=reach,
        )
        trace = run(job, timeout)
    for line in ending_lines(trace.ending, trace.program):
        common.say(line)
    joined = join(trace, outcome, checked) if outcome is not None else None
    view = View(colour=output is None and common.coloured(sys.stdout), fancy=evidence.fancy())
    if form == "json" or trace.ending.how != "refused":  # else there is nothing to report
        evidence.write(output, report(trace, joined, form, top, view), view, form)
    if trace.ending.good and joined is not None:
        return int(bool(joined.of(Status.REFUTED)))
    return trace.ending.code


def _what(
    program: Sequence[str], module: str | None, scenario: str | None, comfyui: str | None
) -> tuple[What, str, tuple[str, ...]]:
    if sum(each is not None for each in (module, scenario, comfyui)) > 1:
        raise click.UsageError("-m, --scenario and --comfyui: choose one")
    if comfyui:
        if not os.path.isfile(os.path.join(comfyui, "main.py")):
            raise Problem(comfyui, "holds no main.py", "give ComfyUI's folder")
        return "workflow", comfyui, tuple(program)
    if scenario:
        if program:
            raise click.UsageError("--scenario takes no program besides it")
        _must_be_file(scenario)
        return "scenario", scenario, ()
    if module:
        return "module", module, tuple(program)
    if not program:
        raise click.UsageError("give a script, -m MODULE, --scenario FILE or --workflow")
    _must_be_file(program[0])
    return "script", program[0], tuple(program[1:])


def _must_be_file(path: str) -> None:
    if not os.path.isfile(path):
        raise Problem(path, "is no file", "give the path of a Python file")


def _must_be_workflow(path: str) -> None:
    _must_be_file(path)
    mend = "save it in ComfyUI with Export (API)"
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except ValueError:
        raise Problem(path, "is no JSON", mend) from None
    if not isinstance(value, dict) or not all(
        isinstance(node, dict) and "class_type" in node for node in value.values()
    ):
        raise Problem(path, "is no workflow in the API format", mend)


def run(job: Job, timeout: float | None) -> Trace:
    """Run a job in a worker process, and return its trace, which also says how the program ended."""
    ended = Child(WORKER, job).wait(timeout)
    if not os.path.exists(job.result):
        ending = ended or Ending("refused", 2, "the process that runs it could not start")
        return Trace(job.target, {}, job.simulate, ending, 0.0, 0.0, "events", 1.0, [])
    trace = read(job.result)
    if ended is not None:
        trace = replace(trace, ending=ended)
    elif trace.ending.how == "running":
        trace = replace(trace, ending=Ending("killed", 1, "ended without a word"))
    return trace


def ending_lines(ending: Ending, program: str) -> Iterator[str]:
    """Messages about an ending that is no success; none for one that is."""
    if ending.good:
        return
    for place in ending.places[-8:]:
        yield f"  {place}"
    text = ending.text or f"exited with {ending.code}"
    yield f"{program}: {text}"
    if ending.how != "refused":
        yield "what was measured until then follows"


def report(trace: Trace, joined: Joined | None, form: str, top: int, view: View) -> Iterator[str]:
    """The lines of the report in the format `form`."""
    if form == "json":
        yield from trace_json.report(trace, joined)
    elif form == "html":
        from transfer_lint.report import trace_html

        yield from trace_html.report(trace, joined, top)
    else:
        yield from trace_text.report(trace, view, top)
        if joined is not None:
            yield ""
            yield from trace_findings.report(joined, view, top)
