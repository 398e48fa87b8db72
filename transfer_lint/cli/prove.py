"""`transfer-lint fix --prove`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from transfer_lint.cli import common, evidence
from transfer_lint.evidence.running import Conditions
from transfer_lint.fixing.choice import Choice
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem
from transfer_lint.proving.proof import Proof
from transfer_lint.proving.prove import CannotRun, prove
from transfer_lint.report import DOCUMENTS, View, prove_json, prove_text
from transfer_lint.settings import Settings


def proved(
    program: str,
    files: Sequence[str],
    settings: Settings,
    conditions: Conditions,
    choice: Choice | None,
    quiet: bool,
) -> Proof:
    """Prove the fixes that the settings and the choice allow. Says on standard error what is being run.

    Raises:
        Problem: the program does not run under the scenario, or does not give the same results twice.
    """

    def say(text: str) -> None:
        if not quiet:
            common.say(text)

    with tempfile.TemporaryDirectory(prefix="transfer-lint-") as folder:
        try:
            return prove(program, files, settings, conditions, folder, say, choice)
        except CannotRun as error:
            evidence.print_failure(error.finished)
            what = f"does not run as it is under {conditions.scenario}, so nothing is changed"
            raise Problem(program, what, "make the scenario run") from None


def put(proof: Proof, outcome: Outcome, settings: Settings, view: View, *, as_diff: bool) -> None:
    """Print a proof and the findings that are left: as one document where the format is json.

    Beside a diff, or another document, the proof goes to standard error.
    """
    if settings.output_format == "json" and not as_diff:
        common.put(prove_json.report(proof, outcome, view), view, form="json")
        return
    text = list(prove_text.report(proof, view))
    if as_diff or settings.output_format in DOCUMENTS:
        for line in text:
            common.say(line)
    else:
        common.put([*text, ""], view)
    if not as_diff:
        common.put(common.findings(outcome, settings, view), view, form=settings.output_format)
