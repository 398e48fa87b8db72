"""`transfer-lint fix`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from transfer_lint.cli import common, evidence
from transfer_lint.cli.diffs import coloured, diff
from transfer_lint.findings import Severity
from transfer_lint.report.concise import line as one_line
from transfer_lint.report.places import Places

if TYPE_CHECKING:
    from transfer_lint.fixing.choice import Choice
    from transfer_lint.fixing.fix import Fixed
    from transfer_lint.report import View


@click.command("fix", short_help="Apply fixes, or show what they would change.")
@common.lint_options
@click.option("--diff", "as_diff", is_flag=True, help="Print what would change; write nothing.")
@click.option(
    "--interactive", "-i", is_flag=True, help="Show each fix and ask: yes, no, all of its rule, ignore, quit."
)
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
    stdin_filename: str | None,
    config_file: str | None,
    force_exclude: bool,
    quiet: bool,
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
    is (with --diff: also when something would change), 2 when something could not be done.

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
    from transfer_lint.files.discovery import collect
    from transfer_lint.fixing.copies import refuse_overlap
    from transfer_lint.fixing.fix import fix_paths

    if output and as_diff:
        raise click.UsageError("--diff writes nothing, --output does: choose one")
    if header and not output:
        raise click.UsageError("--header is for the files that --output writes")
    if scenario is None and (run_options := evidence.run_options_given(click.get_current_context())):
        raise click.UsageError(f"{run_options[0]} is for --prove")
    settings = common.settings_for(paths, config_file, stdin_filename, options)
    paths, given = common.targets(paths, stdin_filename)
    if given and output:
        raise click.UsageError("standard input is fixed to standard output: leave out --output")
    if output:
        refuse_overlap(paths, output)
    found = collect(paths, settings, given=given, force_exclude=force_exclude)
    if trace_file and interactive:
        raise click.UsageError("--interactive asks about each fix: leave out --worth")
    if scenario and (given or interactive or len(paths) > 1):
        raise click.UsageError("--prove runs one program: name one file or folder, and leave out - and --interactive")
    if interactive:
        if as_diff or output or given:
            raise click.UsageError("--interactive writes the files themselves: leave out --diff, --output and -")
        from transfer_lint.cli.interactive import run, summarise

        done = run(found.files, settings, common.view_for(settings))
        summarise(done, quiet)
        common.print_problems([*found.problems, *done.problems])
        return 2 if found.problems or done.problems else 0
    proof = None
    choice = _choice(trace_file)
    if scenario:
        from transfer_lint.cli.prove import proved

        proof = proved(paths[0], found.files, settings, evidence.conditions(paths[0], scenario, options), choice, quiet)
        fixed = proof.fixed
    else:
        in_place = not (as_diff or output or given)
        with common.Bar("fixing", quiet) as bar:
            fixed = fix_paths(found.files, settings, given=given, in_place=in_place, progress=bar, choice=choice)
    view = common.view_for(settings)
    places = Places(fixed.outcome)
    problems = [*found.problems, *fixed.outcome.problems]
    left = fixed.outcome.fails(settings.fail_on)
    if as_diff:
        for file in fixed.files:
            for line in diff(file.path, file.before, file.after):
                click.echo(coloured(line, view), nl=False, color=view.colour)
        left = left or bool(fixed.files)
    elif given:
        sys.stdout.buffer.write(fixed.files[0].new if fixed.files else next(iter(given.values())))
        sys.stdout.buffer.flush()
    else:
        if output:
            from transfer_lint.fixing.copies import copy_fixed

            problems += copy_fixed(paths, output, {file.path: file for file in fixed.files}, settings, header)
        else:
            from transfer_lint.fixing.fix import write_fixed, write_together

            problems += write_together(fixed) if proof else write_fixed(fixed)
        outcome = replace(fixed.outcome, problems=tuple(problems))
        if proof is None:
            common.put(common.findings(outcome, settings, view), view)
    if proof is not None:
        from transfer_lint.cli.prove import put

        put(proof, replace(fixed.outcome, problems=tuple(problems)), settings, view, as_diff=as_diff)
    if as_diff or given:  # no report is printed then, and a diff does not show what could not be checked
        for finding in fixed.outcome.findings:
            if finding.severity is Severity.ERROR and finding.about_lint:
                common.say(one_line(finding, places, replace(view, colour=False)))
    for finding, why in fixed.refused.items():
        at = places.at(finding.path, finding.line)
        common.say(f"{at}:{finding.column}: {finding.code} is not fixed: {why}")
    common.print_problems(problems)
    if choice is not None and choice.left_out and not quiet:
        number = common.count(len(choice.left_out), "finding")
        common.say(f"{number} not fixed: {trace_file} shows neither waits nor bytes there that a fix can save")
    if not quiet:
        _summarise(fixed, view, would=as_diff, output=output)
    return 2 if problems else int(left)


def _choice(trace_file: str | None) -> Choice | None:
    if trace_file is None:
        return None
    from transfer_lint.evidence.model import read
    from transfer_lint.evidence.worth import worth
    from transfer_lint.fixing.choice import Choice

    return Choice(worth(read(trace_file)))


def _summarise(fixed: Fixed, view: View, would: bool, output: str | None) -> None:
    applied = sum(len(file.applied) for file in fixed.files)
    where = f" into {output}" if output else ""
    if applied:
        done = "would fix" if would else "fixed"
        of_code = not any(finding.about_lint for file in fixed.files for finding in file.applied)
        noun = "transfer" if of_code else "finding"
        head = f"{done} {common.count(applied, noun)} in {common.count(len(fixed.files), 'file')}{where}"
    else:
        head = f"nothing to fix{where and ', copied' + where}"
    left = common.tally(fixed.outcome)
    common.say(f"{common.emphasis(head, bold=True)}; {left + ' left' if left else 'nothing left'}")
    done_to = [finding for file in fixed.files for finding in file.applied]
    if gain := common.where_the_gain_is(done_to, fixed.outcome.findings, view):
        common.say(gain)
