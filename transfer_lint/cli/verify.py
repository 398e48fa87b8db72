"""`transfer-lint verify`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from transfer_lint.cli import common, evidence
from transfer_lint.evidence import running
from transfer_lint.evidence.runs import Comparison
from transfer_lint.problems import Problem
from transfer_lint.report import View, verify_text

FORMATS = ("text", "json", "html", "markdown")


@click.command("verify", short_help="Run two versions of a program: same results, and less moved?")
@click.argument("original", type=click.Path())
@click.argument("fixed", type=click.Path())
@click.option("--scenario", type=click.Path(), required=True, metavar="FILE", help="What to run: run() or test_... .")
@evidence.run_options()
@click.option("--timing/--no-timing", default=True, help="Call it as often again, untraced, and take the time.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write the report there.")
def command(
    original: str, fixed: str, scenario: str, timing: bool, form: str, output: str | None, **options: Any
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
    for path in (original, fixed):
        if not os.path.exists(path):
            raise Problem(path, "does not exist", "give a Python file or a folder")
    conditions = evidence.conditions(original, scenario, options, timed=timing, previews=form == "html")
    with tempfile.TemporaryDirectory(prefix="transfer-lint-") as folder:
        before, after = running.run([original, fixed], conditions, folder)
        for each in (before, after):
            evidence.print_failure(each)
        comparison, trouble = running.compared(before, after, conditions)
    if trouble:
        common.say(f"how far the outputs are apart could not be computed: {trouble}")
    view = View(colour=output is None and common.coloured(sys.stdout), fancy=evidence.fancy())
    evidence.write(output, _report(comparison, form, view), view, form)
    if not comparison.could:
        return 2
    return 0 if comparison.good else 1


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
