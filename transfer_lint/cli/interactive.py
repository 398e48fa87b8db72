"""`fix --interactive`: shows each fix and asks about it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from transfer_lint.cli import baselines, common, diffs
from transfer_lint.fixing.interactive import Answer, Done, Proposal, Session
from transfer_lint.report import View
from transfer_lint.report.full import block
from transfer_lint.report.places import Places
from transfer_lint.settings import Settings
from transfer_lint.stopping import stopped, telling

_MEANINGS = {
    Answer.YES: "apply it",
    Answer.NO: "leave it",
    Answer.ALL: "apply it, and all others of this rule",
    Answer.IGNORE: "leave it, and write a comment that hides it from now on",
    Answer.QUIT: "leave it and all that follows; what was applied stays",
}
_LETTERS = {answer.value[0]: answer for answer in Answer}


def run(paths: Sequence[str], settings: Settings, view: View, held: baselines.Held) -> Done:
    """Ask about every fix in `paths`. Each decision is written to the file at once, and at the end to the baselines."""

    def ask(proposal: Proposal) -> Answer:
        common.put(block(proposal.finding, Places(proposal.outcome), view), view)
        diffs.show(proposal.finding.path, proposal.before, proposal.after, view)
        try:
            return _answer()
        except click.Abort:  # there is no more input
            raise stopped() from None

    session = Session(paths, settings, ask)
    with telling(lambda: f"fixed {session.done.fixed}, ignored {session.done.ignored}"):
        try:
            return session.run()
        finally:
            baselines.carried(session.fixed, held, settings, write=True)


def _answer() -> Answer:
    """The answer to the question whether to apply a fix, asked until it is one."""
    while True:
        given = click.prompt(f"Apply it? [{','.join(_LETTERS)},?]", default="n", show_default=False).strip().lower()
        if given in _LETTERS:
            click.echo()
            return _LETTERS[given]
        for letter, answer in _LETTERS.items():
            click.echo(f"  {letter}  {answer.value}: {_MEANINGS[answer]}")


def summarise(done: Done, quiet: bool) -> None:
    """Print what was decided."""
    for finding, why in done.refused.items():
        common.say(f"{finding.path}:{finding.line}:{finding.column}: {finding.code} is not fixed: {why}")
    if not quiet:
        parts = [f"fixed {done.fixed}", f"ignored {done.ignored}", f"left {done.left}"]
        if done.unseen:
            parts.append(f"not looked at: {common.count(done.unseen, 'file')}")
        common.say(common.emphasis(", ".join(parts), bold=True))
