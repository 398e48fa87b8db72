"""`transfer-lint test-rule`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from transfer_lint.cli import common
from transfer_lint.problems import Problem, install_command
from transfer_lint.report import View

if TYPE_CHECKING:
    from transfer_lint.rules import Rule
    from transfer_lint.rules.pages import Example, Page

WORKER = "transfer_lint.tracing.examples.worker"


@click.command("test-rule", short_help="Try the examples of rules' pages, of your own rules above all.")
@click.argument("rules", metavar="RULES")
@click.option("--run/--no-run", default=True, help="Run the examples, too, on a simulated accelerator: needs torch.")
def command(rules: str, run: bool) -> int:
    """Try the pages of RULES: a folder of rules, an installed plugin, or one rule's code.

    Each example is checked, fixed, and run before and after the fix with every placement of its inputs. This executes
    the rules and the examples. Exits with 0 when all are as their pages say, 1 when one is not.

    \b
    transfer-lint test-rule ./rules
    transfer-lint test-rule acme
    transfer-lint test-rule TL101
    """
    from transfer_lint.rules.pages import read_page

    trials: list[_Trial] = []
    about: list[str] = []
    for rule in _chosen(rules).values():
        page = read_page(rule.page)
        about += [f"{rule.page.name}: {each}" for each in _about(rule, page)]
        trials += [_Trial(rule, example, _mistakes(rule, example)) for example in page.examples]
    common.put(about, View())
    if run:
        _run(trials)
    for rule, own in groupby(trials, key=lambda trial: trial.rule):
        common.put([f"{rule.code} {rule.name}"], View())
        for trial in own:
            common.put([f"  {'failed' if trial.mistakes else 'ok':<8}{trial.example.name}"], View())
            common.put([f"          {line}" for each in trial.mistakes for line in each.splitlines()], View())
    failed = sum(bool(trial.mistakes) for trial in trials)
    ran = f", {sum(trial.example.run is not None for trial in trials)} of them run" if run else ", none of them run"
    common.say(f"{common.count(len(trials), 'example')}{ran}, {failed or 'none'} failed")
    return int(bool(failed or about))


@dataclass
class _Trial:
    rule: Rule
    example: Example
    mistakes: list[str]


def _chosen(rules: str) -> Mapping[str, Rule]:
    from transfer_lint.rules import RULES, plugins

    if os.path.isdir(rules) or plugins.is_folder(rules):
        plugin = plugins.load(os.path.abspath(rules))
    elif rules.upper() in RULES:
        return {rules.upper(): RULES[rules.upper()]}
    else:
        plugin = plugins.load(rules)
    return {code: RULES[code] for code in plugin.rules}


def _about(rule: Rule, page: Page) -> list[str]:
    """What is wrong with a page as a whole."""
    wrong = []
    if {example.silent for example in page.examples} != {True, False}:
        wrong.append("it should show what is found (`example:`) and what is left alone (`silent:`)")
    if any(example.after is not None for example in page.examples) != (rule.safety is not None):
        wrong.append("its rule should have a fix exactly where an example shows one")
    return wrong


def _mistakes(rule: Rule, example: Example) -> list[str]:
    from transfer_lint.fixing.examples import mistakes

    return list(mistakes(rule.code, example, (rule.plugin,) if rule.plugin else ()))


def _run(trials: Sequence[_Trial]) -> None:
    """Run the examples that can be run, in another process, and add what is wrong to the trials."""
    runnable = [trial for trial in trials if trial.example.run is not None]
    if not runnable:
        return
    if find_spec("torch") is None:
        mend = f"{install_command('trace')}, or leave that out with --no-run"
        raise Problem("transfer-lint", "running the examples needs torch, which is not installed", mend)
    job = [
        {
            "before": trial.example.before,
            "after": trial.example.after or trial.example.before,
            "run": trial.example.run,
            "tolerated": ["device", "identity"] if trial.example.unsafe else [],  # to leave it there may be the purpose
        }
        for trial in runnable
    ]
    with tempfile.TemporaryDirectory(prefix="transfer-lint-") as folder:
        asked, answer = Path(folder) / "job.json", Path(folder) / "result.json"
        asked.write_text(json.dumps(job), encoding="utf-8")
        ran = subprocess.run([sys.executable, "-m", WORKER, asked, answer], stdout=2, check=False)
        if not answer.exists():
            raise Problem("the examples", f"ended the process that ran them ({ran.returncode})", "look at their output")
        for trial, wrong in zip(runnable, json.loads(answer.read_text(encoding="utf-8")), strict=True):
            trial.mistakes += wrong
