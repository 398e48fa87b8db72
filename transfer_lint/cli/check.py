"""`transfer-lint check`."""

from __future__ import annotations

from typing import Any

import click

from transfer_lint.cli import common
from transfer_lint.outcome import Outcome
from transfer_lint.report import View


@click.command("check", short_help="Report needless transfers, and why they are.")
@common.lint_options
@click.option(
    "--fixes", "with_edits", is_flag=True, help="With json: also the edits that would mend each finding alone."
)
def command(
    paths: tuple[str, ...],
    stdin_filename: str | None,
    config_file: str | None,
    force_exclude: bool,
    quiet: bool,
    with_edits: bool,
    **options: Any,
) -> int:
    """Report needless transfers in PATHS (files, folders, or - for standard input; by default this folder).

    Exits with 0 when there is nothing at or over --fail-on, 1 when there is, 2 when something could not be checked.

    \b
    transfer-lint check
    transfer-lint check nodes.py --select TL101,TL103
    transfer-lint check --output-format json --fixes .
    cat nodes.py | transfer-lint check - --stdin-filename nodes.py
    """
    from transfer_lint.engine import check_paths
    from transfer_lint.files import collect

    settings = common.settings_for(paths, config_file, stdin_filename, options)
    paths, given = common.targets(paths, stdin_filename)
    found = collect(paths, settings, given=given, force_exclude=force_exclude)
    with common.Bar("checking", quiet) as bar:
        outcome = check_paths(found.files, settings, given=given, with_edits=with_edits, progress=bar)
    view = common.view_for(settings)
    common.print_findings(outcome, settings, view)
    problems = (*found.problems, *outcome.problems)
    common.print_problems(problems)
    if not quiet:
        _summarise(outcome, view)
    return 2 if problems else int(outcome.fails(settings.fail_on))


def _summarise(outcome: Outcome, view: View) -> None:
    summary = outcome.summary
    if not summary.files:
        common.say("no Python files there")
        return
    looked = f"{common.count(summary.files, 'file')}, {common.count(summary.sites, 'transfer')}"
    hidden = f", {summary.suppressed} ignored by comments" if summary.suppressed else ""
    tally = common.tally(outcome) or "nothing found"
    common.say(f"{common.emphasis(tally, bold=True)} ({looked}{hidden}, {summary.seconds:.1f} s)")
    ready = sum(view.fixable(finding) for finding in outcome.findings)
    waiting = sum(finding.fix is not None for finding in outcome.findings) - ready
    more = f"{waiting} more with --unsafe-fixes" if waiting else ""
    if ready:
        how = "transfer-lint fix" + (" --unsafe-fixes" if view.unsafe_fixes else "")
        common.say(f"{ready} can be fixed: {how}" + (f" ({more})" if more else ""))
    elif more:
        common.say(f"{waiting} can be fixed: transfer-lint fix --unsafe-fixes")
