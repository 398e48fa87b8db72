"""`fix --interactive`: shows each fix and asks about it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from transfer_lint.cli import common
from transfer_lint.cli.diffs import coloured, diff
from transfer_lint.fixing.interactive import Answer, Done, Proposal, Session
from transfer_lint.report import View
from transfer_lint.report.full import block
from transfer_lint.report.places import Places
from transfer_lint.settings import Settings
from transfer_lint.stopping import stopped, telling

_QUESTION = "Apply it? yes, no, all of this rule, ignore with a comment, quit"


def run(paths: Sequence[str], settings: Settings, view: View) -> Done:
    """Ask about every fix in `paths`. Each decision is written to the file at once."""

    def ask(proposal: Proposal) -> Answer:
        for line in block(proposal.finding, Places(proposal.outcome), view):
            click.echo(line, color=view.colour)
        for line in diff(proposal.finding.path, proposal.before, proposal.after):
            click.echo(coloured(line, view), nl=False, color=view.colour)
        letters = [answer.value[0] for answer in Answer]
        try:
            given = click.prompt(_QUESTION, type=click.Choice(letters, case_sensitive=False), default="n")
        except click.Abort:  # there is no more input
            raise stopped() from None
        click.echo()
        return next(answer for answer in Answer if answer.value[0] == given)

    session = Session(paths, settings, ask)
    with telling(lambda: f"fixed {session.done.fixed}, ignored {session.done.ignored}"):
        return session.run()


def summarise(done: Done, quiet: bool) -> None:
    """Print what was decided."""
    for finding, why in done.refused.items():
        common.say(f"{finding.path}:{finding.line}:{finding.column}: {finding.code} is not fixed: {why}")
    if not quiet:
        parts = [f"fixed {done.fixed}", f"ignored {done.ignored}", f"left {done.skipped}"]
        common.say(common.emphasis(", ".join(parts), bold=True))
