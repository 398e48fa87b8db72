"""`transfer-lint check`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from transfer_lint.cli import baselines, common
from transfer_lint.cli.inputs import inputs, lint_options
from transfer_lint.lint.configuration import DEFAULT_BASELINE
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.terms import Terms, is_day, written
from transfer_lint.problems import Problem
from transfer_lint.report import DOCUMENTS, LINES, WITH_EDITS, View
from transfer_lint.report.places import Places
from transfer_lint.report.statistics import report as by_rule
from transfer_lint.settings import Settings
from transfer_lint.stopping import telling

if TYPE_CHECKING:
    from transfer_lint.evidence.join import Judged
    from transfer_lint.flow.program.project import Project
    from transfer_lint.flow.program.text_facts import TextFacts


@click.command("check", short_help="Report needless transfers, and why they are.")
@lint_options
@click.option(
    "--fixes", "edits_too", is_flag=True, help="With json: also the edits that would mend each finding alone."
)
@baselines.option
@click.option(
    "--write-baseline", "new_baseline", is_flag=False, flag_value="", metavar="[FILE]",
    help=f"Make all findings known, in FILE: by default that of --baseline or {DEFAULT_BASELINE}.",
)  # fmt: skip
@click.option("--add-ignores", "ignore_all", is_flag=True, help="Write an ignore comment for every finding.")
@click.option(
    "--reason", default="", metavar="TEXT", help="With --add-ignores, --write-baseline: why all this is to stay."
)
@click.option("--until", default="", metavar="YYYY-MM-DD", help="With the same: the last day on which it is hidden.")
@click.option("--owner", default="", metavar="NAME", help="With the same: who answers for it.")
@click.option("--trace", "trace_file", type=click.Path(), metavar="FILE", help="Say what a run shows of each finding.")
@click.option(
    "--statistics", is_flag=True, help="Print how often each rule is found, not where; formats for programs stay."
)
@click.option("--watch", "watching", is_flag=True, help="Check again whenever a file changes.")
@click.option("--shard", metavar="K/N", help="Check the K-th of N parts of the files; see `transfer-lint merge`.")
@click.option("--output-file", type=click.Path(), metavar="FILE", help="Write the report there, not to the output.")
def command(
    paths: tuple[str, ...],
    quiet: bool,
    exit_zero: bool,
    edits_too: bool,
    baseline_file: str | None,
    new_baseline: str | None,
    ignore_all: bool,
    reason: str,
    until: str,
    owner: str,
    trace_file: str | None,
    statistics: bool,
    watching: bool,
    shard: str | None,
    output_file: str | None,
    **options: Any,
) -> int:
    """Report needless transfers in PATHS (files, folders, or - for standard input; by default this folder).

    Exits with 0 when there is nothing at or over --fail-on, 1 when there is, 2 when something could not be checked.

    \b
    transfer-lint check
    transfer-lint check nodes.py --select TL101,TL103
    transfer-lint check --output-format json --fixes .
    transfer-lint check --output-format html --output-file report.html
    transfer-lint check --output-format sarif --output-file transfers.sarif .
    transfer-lint check --select ALL --statistics
    transfer-lint check --shard 1/4 --output-format json --output-file 1.json .
    transfer-lint check --write-baseline
    transfer-lint check --trace trace.json
    transfer-lint check --baseline transfer-lint-baseline.json
    transfer-lint check --add-ignores --until 2027-06-01 --owner infra --reason "as it always was"
    cat nodes.py | transfer-lint check - --stdin-filename nodes.py
    """
    from transfer_lint.lint.check import check_paths

    _go_together(paths, new_baseline, ignore_all)
    terms, reason = _terms(until, owner, reason, hiding=ignore_all or new_baseline is not None)
    if watching:
        if "-" in paths or ignore_all or new_baseline is not None:
            raise click.UsageError("--watch writes nothing: leave out -, --add-ignores and --write-baseline")
        from transfer_lint.cli.watch import watch

        context = click.get_current_context()
        context.obj = _facts()  # for one check after another
        watch(paths or (".",), lambda: context.invoke(command, **{**context.params, "watching": False}))
        return 0
    found = inputs(paths, **options)
    if found.shown:
        return _reported(found.problems)
    if shard is not None:
        found = replace(found, files=_shard(found.files, shard))
    common.print_left_out(found.left_out, quiet)
    settings = found.settings
    form = common.form_of(settings)
    view = common.view_for(settings, output_file)
    known = baseline_file or any(each.baseline for each in (settings, *settings.nested))
    whole = known or output_file or trace_file or ignore_all or statistics or new_baseline is not None
    at_once = form in LINES and not whole  # as each file is finished
    with common.Bar("checking", quiet) as bar:

        def finished(outcome: Outcome) -> None:
            if outcome.findings:
                bar.clear()
                common.put(common.findings(outcome, settings, view), view, form=form)
                sys.stdout.flush()

        told = finished if at_once else None
        facts = click.get_current_context().obj or (_facts() if form == "html" else None)
        watched: list[Project] | None = [] if form == "html" else None
        outcome = check_paths(
            found.files, settings, given=found.given, progress=bar, finished=told, facts=facts, watched=watched
        )
        if edits_too or settings.output_format in WITH_EDITS:
            from transfer_lint.fixing.edits import with_edits

            outcome = with_edits(outcome, settings, bar)
    problems = (*found.problems, *outcome.problems)
    checked = set(found.files) - {problem.path for problem in problems}
    if new_baseline is not None:
        named = new_baseline or baseline_file
        default = os.path.join(settings.root, DEFAULT_BASELINE)
        for path, files in baselines.by_baseline(checked, settings, named, default).items():
            own = tuple(finding for finding in outcome.findings if finding.path in files)
            baselines.write(path, outcome.left_with(own), files, settings, terms, reason)
        return _reported(problems)
    for path, files in baselines.by_baseline(checked, settings, baseline_file).items():
        outcome = baselines.without_known(path, outcome, files, settings)
    if ignore_all:
        outcome, troubles = _add_ignores(outcome, written(terms, reason))
        problems = (*problems, *troubles)
    outcome = replace(outcome, problems=problems)
    if trace_file and settings.output_format != "html":
        from transfer_lint.cli.evidence import held_against

        return _reported(problems) or held_against(trace_file, outcome, found.paths, view)
    if form == "html":
        lines = _page(outcome, settings, view, trace_file, facts, watched)
    elif statistics and form not in DOCUMENTS:
        lines = by_rule(outcome, view)
    else:
        lines = common.findings(replace(outcome, findings=()) if at_once else outcome, settings, view)
    common.put(lines, view, output_file, form=form)
    common.print_problems(problems)
    if not quiet:
        _summarise(outcome, view)
    return 2 if problems else int(outcome.fails(settings.fail_on) and not exit_zero)


def _reported(problems: Sequence[Problem]) -> int:
    common.print_problems(problems)
    return 2 if problems else 0


def _shard(files: Sequence[str], shard: str) -> tuple[str, ...]:
    from transfer_lint.files.shards import read_shard, shard_of

    try:
        return shard_of(files, *read_shard(shard))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--shard") from None


def _facts() -> TextFacts:
    """What several checks of the same texts share."""
    from transfer_lint.flow.program.text_facts import TextFacts

    return TextFacts()


def _page(
    outcome: Outcome,
    settings: Settings,
    view: View,
    trace_file: str | None,
    facts: TextFacts | None,
    watched: Sequence[Project] | None,
) -> Iterator[str]:
    """The HTML report, with diagrams of the functions, and with what a run measured if there is a trace.

    facts: what the check has found out about texts. watched: the project that it has looked at, if it did so here.
    """
    import shlex

    from transfer_lint.graph.before_after import before_after_for
    from transfer_lint.report.html import About, report

    measured = None
    if trace_file is not None:
        from transfer_lint.evidence.join import join
        from transfer_lint.evidence.model import read

        measured = {judged.finding: _measured(judged) for judged in join(read(trace_file), outcome).findings}
    pairs = before_after_for(outcome, settings, facts, watched or ())
    about = About(shlex.join(["transfer-lint", *sys.argv[1:]]), _date())
    return report(_with_proofs(outcome), view, pairs, measured, about)


def _date() -> str:
    """The date and time, in UTC; that of SOURCE_DATE_EPOCH, if it is set, so that a report can be made again."""
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _with_proofs(outcome: Outcome) -> Outcome:
    """The outcome with the texts of all files that its proofs lead through, where they can be read."""
    from transfer_lint.files import disk
    from transfer_lint.files.decoding import decode

    texts = dict(outcome.texts)
    for path in dict.fromkeys(fact.path for finding in outcome.findings for fact in finding.evidence):
        if path not in texts:
            with suppress(Problem):
                texts[path] = decode(path, disk.read(path)).text
    return replace(outcome, texts=texts)


def _measured(judged: Judged) -> str:
    """What a run shows about a finding: its status, and what the call cost."""
    costs = [common.count(judged.events, "event")] if judged.events else []
    costs += [f"{judged.nbytes:,} bytes"] if judged.nbytes else []
    costs += [common.count(judged.waits, "wait")] if judged.waits else []
    costs += [f"{judged.seconds * 1e3:.3g} ms"] if judged.seconds is not None else []
    return f"{judged.status.value}: {', '.join(costs)}" if costs else judged.status.value


def _go_together(paths: tuple[str, ...], new_baseline: str | None, ignore_all: bool) -> None:
    if ignore_all and new_baseline is not None:
        raise click.UsageError("--add-ignores and --write-baseline hide the same findings: choose one")
    if ignore_all and "-" in paths:
        raise click.UsageError("--add-ignores writes files: give one for -")


def _terms(until: str, owner: str, reason: str, *, hiding: bool) -> tuple[Terms, str]:
    """The terms and the reason of what is hidden, from their options."""
    for name, value in (("--reason", reason), ("--until", until), ("--owner", owner)):
        if value and not hiding:
            raise click.UsageError(f"{name} is for --add-ignores and --write-baseline")
        if "#" in value or len(value.splitlines()) > 1:
            raise click.UsageError(f"{name} takes one line without #")
    if until and not is_day(until):
        raise click.UsageError(f"--until takes a day like 2027-06-01, not {until}")
    if any(bracket in owner for bracket in "()"):
        raise click.UsageError("--owner takes a name without brackets")
    return Terms(until, " ".join(owner.split())), " ".join(reason.split())


def _add_ignores(outcome: Outcome, reason: str) -> tuple[Outcome, list[Problem]]:
    from transfer_lint.fixing.ignores import Ignored, add_ignores

    done = Ignored()

    def summary() -> str:
        files = len({finding.path for finding in done.hidden})
        return f"ignored {common.count(len(done.hidden), 'finding')} in {common.count(files, 'file')}"

    with telling(summary):
        add_ignores(outcome, reason, done)
    places = Places(outcome)
    for finding, why in done.refused.items():
        at = places.at(finding.path, finding.line)
        common.say(f"{at}:{finding.column}: {finding.code} is not ignored: {why}")
    common.say(summary())
    hidden = set(done.hidden)
    return outcome.left_with(tuple(finding for finding in outcome.findings if finding not in hidden)), done.problems


def _summarise(outcome: Outcome, view: View) -> None:
    summary = outcome.summary
    if not summary.files:
        common.say("no Python files there")
        return
    looked = f"{common.count(summary.files, 'file')}, {common.count(summary.sites, 'transfer')}"
    commented = summary.suppressed - outcome.in_baseline
    hidden = f", {commented} ignored by comments" if commented else ""
    hidden += f", {outcome.in_baseline} known" if outcome.in_baseline else ""
    tally = common.tally(outcome) or "nothing found"
    common.say(f"{common.emphasis(tally, bold=True)} ({looked}{hidden}, {summary.seconds:.1f} s)")
    ready, waiting, without = common.ways(outcome.findings, view)
    how = "transfer-lint fix" + (" --unsafe-fixes" if view.unsafe_fixes else "")
    rest = f"; {without} {'has' if without == 1 else 'have'} no fix" if without else ""
    if ready:
        more = ", ".join(f"{number} more with {needed}" for needed, number in waiting)
        common.say(f"{ready} can be fixed: {how}" + (f" ({more})" if more else "") + rest)
    elif waiting:
        ways = ", ".join(f"{number} can be fixed: {how} {needed}" for needed, number in waiting)
        common.say(ways + rest)
    fixable = [finding for finding in outcome.findings if view.fixable(finding)]
    if gain := common.where_the_gain_is(fixable, outcome.findings, view):
        common.say(gain)
