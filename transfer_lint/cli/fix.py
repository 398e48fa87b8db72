"""`transfer-lint fix`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from transfer_lint.cli import baselines, common, diffs, evidence
from transfer_lint.cli.inputs import inputs, lint_options
from transfer_lint.files import disk
from transfer_lint.findings import Severity
from transfer_lint.report.concise import line as one_line
from transfer_lint.report.places import Places
from transfer_lint.stopping import telling

if TYPE_CHECKING:
    from transfer_lint.fixing.choice import Choice
    from transfer_lint.fixing.fix import Fixed, FixedFile
    from transfer_lint.lint.outcome import Outcome
    from transfer_lint.report import View


@click.command("fix", short_help="Apply fixes, or show what they would change.")
@lint_options
@click.option("--diff", "as_diff", is_flag=True, help="Print what would change; write nothing.")
@click.option(
    "--interactive", "-i", is_flag=True, help="Show each fix and ask: yes, no, all of its rule, ignore, quit."
)
@click.option("--exit-non-zero-on-fix", "fail_on_fix", is_flag=True, help="Exit with 1 also where files were changed.")
@baselines.option
@click.option("--output", type=click.Path(), metavar="DIR", help="Write a fixed copy there; the originals stay.")
@click.option("--header", metavar="TEXT", help="With --output: comment lines for the top of each Python file.")
@click.option(
    "--prove", "scenario", type=click.Path(), metavar="SCENARIO",
    help="Run the program before and after, and keep only the fixes that a run bears out.",
)  # fmt: skip
@click.option(
    "--worth", "trace_file", type=click.Path(), metavar="RUN.json",
    help="Apply only fixes that can save waits or bytes which that run showed (trace --format json).",
)  # fmt: skip
@evidence.run_options("With --prove: ")
def command(
    paths: tuple[str, ...],
    quiet: bool,
    exit_zero: bool,
    fail_on_fix: bool,
    baseline_file: str | None,
    as_diff: bool,
    interactive: bool,
    output: str | None,
    header: str | None,
    scenario: str | None,
    trace_file: str | None,
    **options: Any,
) -> int:
    """Apply the fixes of the selected rules to PATHS, and report what is left.

    Safe fixes never change what a program computes; --unsafe-fixes applies the others too. From standard input (-)
    the fixed source goes to standard output. Exits with 0 when nothing at or over --fail-on is left, 1 when something
    is (with --diff: also when something would change), 2 when something could not be done. --exit-zero gives 0 for 1
    whatever is left; --exit-non-zero-on-fix gives 1 where something was changed.

    A baseline hides what it knows from the report and from the exit code. What is known is fixed all the same, and
    what is left of it stays known: the baseline is brought up to date with the files. --interactive asks about what is
    known too.

    With --prove, SCENARIO is a file for `transfer-lint verify`, and the one file or folder in PATHS is the program: it
    is run as it is and, in a copy, with the fixes. Those with which it gives other results, or moves or waits for more,
    are found by bisection and dropped, and so are unsafe ones that the scenario does not come by. All files are written
    at the end, or none.

    \b
    transfer-lint fix --diff
    transfer-lint fix nodes.py
    transfer-lint fix --interactive --unsafe-fixes nodes.py
    transfer-lint fix --unsafe-fixes --output fixed/ my_pack/
    transfer-lint fix --unsafe-fixes --prove scenario.py --simulate cuda my_pack/
    transfer-lint fix --unsafe-fixes --worth trace.json my_pack/
    """
    from transfer_lint.fixing.copies import refuse_overlap
    from transfer_lint.fixing.fix import fix_paths

    if output and as_diff:
        raise click.UsageError("--diff writes nothing, --output does: choose one")
    if header and not output:
        raise click.UsageError("--header is for the files that --output writes")
    if scenario is None and (run_options := evidence.run_options_given(click.get_current_context())):
        raise click.UsageError(f"{run_options[0]} is for --prove")
    if "-" in paths and output:
        raise click.UsageError("standard input is fixed to standard output: leave out --output")
    if output:
        refuse_overlap(paths or (".",), output)
    found = inputs(paths, **options)
    paths, given, settings = found.paths, found.given, found.settings
    if found.shown:
        common.print_problems(found.problems)
        return 2 if found.problems else 0
    if trace_file and interactive:
        raise click.UsageError("--interactive asks about each fix: leave out --worth")
    if scenario and (given or interactive or len(paths) > 1):
        raise click.UsageError("--prove runs one program: name one file or folder, and leave out - and --interactive")
    if interactive:
        if as_diff or output or given:
            raise click.UsageError("--interactive writes the files themselves: leave out --diff, --output and -")
        from transfer_lint.cli.interactive import run, summarise

        held = baselines.read(found.files, settings, baseline_file)
        done = run(found.files, settings, common.view_for(settings), held)
        summarise(done, quiet)
        common.print_left_out(found.left_out, quiet)
        common.print_problems([*found.problems, *done.problems])
        return 2 if found.problems or done.problems else int(fail_on_fix and bool(done.fixed))
    in_place = not (as_diff or output or given)
    held = baselines.read(found.files, settings, baseline_file)
    proof, choice = None, _choice(trace_file)
    with telling(lambda: "" if as_diff or given else "nothing is written yet"):
        if scenario:
            from transfer_lint.cli.prove import proved

            conditions = evidence.conditions(paths[0], scenario, options)
            proof = proved(paths[0], found.files, settings, conditions, choice, quiet)
            planned = proof.fixed
        else:
            with common.Bar("fixing", quiet) as bar:
                planned = fix_paths(found.files, settings, given=given, in_place=in_place, progress=bar, choice=choice)
    fixed, failed, left_out = planned, 0, found.left_out
    if output:
        from transfer_lint.fixing.copies import copy_fixed

        with telling(lambda: f"the copy in {output} is not complete"):
            copied = copy_fixed(paths, output, {file.path: file for file in planned.files}, settings, header)
        written = tuple(file for file in planned.files if file.path in copied.files)
        fixed = replace(planned, files=written, outcome=planned.outcome.with_problems(copied.problems))
        failed, left_out = len(copied.problems), copied.left_out
    elif in_place:
        from transfer_lint.fixing.fix import write_fixed, write_together

        with telling(lambda: _written(planned)):
            fixed = (write_together if proof else write_fixed)(planned, found.files, settings)
        failed = len(planned.files) - len(fixed.files)
    outcome = baselines.carried(fixed, held, settings, write=in_place).with_problems(found.problems)
    view = common.view_for(settings)
    places = Places(outcome)
    left = outcome.fails(settings.fail_on)
    if as_diff:
        for file in fixed.files:
            diffs.show(file.path, file.before, file.after, view)
        left = left or bool(fixed.files)
    elif given:
        sys.stdout.buffer.write(fixed.files[0].new if fixed.files else next(iter(given.values())))
        sys.stdout.buffer.flush()
    else:
        if proof is None:
            with telling(lambda: _written(planned) if in_place else ""):
                common.put(common.findings(outcome, settings, view), view, form=settings.output_format)
    if proof is not None:
        from transfer_lint.cli.prove import put

        put(proof, outcome, settings, view, as_diff=as_diff)
    if as_diff or given:  # no report is printed then, and a diff does not show what could not be checked
        for finding in outcome.findings:
            if finding.severity is Severity.ERROR and finding.about_lint:
                common.say(one_line(finding, places, replace(view, colour=False)))
    for finding, why in fixed.refused.items():
        at = places.at(finding.path, finding.line)
        common.say(f"{at}:{finding.column}: {finding.code} is not fixed: {why}")
    common.print_left_out(left_out, quiet)
    common.print_problems(outcome.problems)
    if choice is not None and choice.left_out and not quiet:
        number = common.count(len(choice.left_out), "finding")
        common.say(f"{number} not fixed: {trace_file} shows neither waits nor bytes there that a fix can save")
    if not quiet:
        head = _done(fixed.files, "would fix" if as_diff else "fixed", f" into {output}" if output else "")
        if not fixed.files:
            head = "fixed nothing" if planned.files else "nothing to fix"
            head += f", copied into {output}" if output and not failed else ""
        if failed:
            head += f", {common.count(failed, 'file')} not written"
        common.say(f"{common.emphasis(head, bold=True)}; {_left(fixed, outcome, balanced=not (output and failed))}")
        if ways := _ways(outcome, view):
            common.say(ways)
        done_to = [finding for file in fixed.files for finding in file.applied]
        if gain := common.where_the_gain_is(done_to, outcome.findings, view):
            common.say(gain)
    if outcome.problems:
        return 2
    return int((left and not exit_zero) or (fail_on_fix and bool(fixed.files)))


def _left(fixed: Fixed, outcome: Outcome, *, balanced: bool) -> str:
    """`1 warning left, 2 known (of 5 found)`: with what is fixed it adds up."""
    tally = common.tally(outcome)
    text = f"{tally} left" if tally else "nothing left"
    text += f", {outcome.in_baseline} known" if outcome.in_baseline else ""
    before, after = len(fixed.found.findings), len(outcome.findings) + outcome.in_baseline
    more = sum(len(file.applied) for file in fixed.files) + after - before
    if not balanced or not (after or more):
        return text
    came = f" and {more} that came to light" if more > 0 else f"; {-more} went with the others" if more else ""
    return f"{text} (of {before} found{came})"


def _ways(outcome: Outcome, view: View) -> str:
    """`of these 5 can be fixed with --unsafe-fixes; 1 has no fix`."""
    refused, waiting, without = common.ways(outcome.findings, view)
    if not waiting:
        return ""
    parts = [", ".join(f"{number} can be fixed with {needed}" for needed, number in waiting)]
    parts += [f"{refused} could not be fixed"] if refused else []
    parts += [f"{without} {'has' if without == 1 else 'have'} no fix"] if without else []
    return f"of these {'; '.join(parts)}"


def _choice(trace_file: str | None) -> Choice | None:
    if trace_file is None:
        return None
    from transfer_lint.evidence.model import read
    from transfer_lint.evidence.worth import worth
    from transfer_lint.fixing.choice import Choice

    return Choice(worth(read(trace_file)))


def _written(planned: Fixed) -> str:
    """`2 of 3 files written: a.py, b.py`, from what is on disk."""
    there = [file.path for file in planned.files if disk.holds(file.path, file.new)]
    names = f": {', '.join(there[:_NAMED])}" if there else ""
    names += f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
    return f"{len(there)} of {common.count(len(planned.files), 'file')} written{names}"


_NAMED = 20  # of the files in one line


def _done(files: Sequence[FixedFile], done: str, where: str) -> str:
    """`fixed 2 transfers in 1 file`."""
    applied = [finding for file in files for finding in file.applied]
    noun = "finding" if any(finding.about_lint for finding in applied) else "transfer"
    return f"{done} {common.count(len(applied), noun)} in {common.count(len(files), 'file')}{where}"
