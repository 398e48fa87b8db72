"""`fix`: apply the fixes to files, or to one text."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from transfer_lint.files import disk
from transfer_lint.files.temporary import remove_leftovers
from transfer_lint.files.text import Source
from transfer_lint.files.together import replace_all
from transfer_lint.findings import Finding, Safety
from transfer_lint.fixing.choice import Choice
from transfer_lint.fixing.rounds import settle
from transfer_lint.fixing.runner import FixRunner, InProcess
from transfer_lint.lint.check import check_paths, outcome_of, read_inputs
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.runner import Progress
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when there is a text to check
    from transfer_lint.flow.program.project import Project
    from transfer_lint.flow.program.text_facts import TextFacts


@dataclass(frozen=True)
class FixResult:
    """The result of fixing one text.

    text: the fixed text. applied: findings whose fixes are in `text`, with their positions when they were applied.
    remaining: findings of `text`. refused: those of them whose fix could not be carried out, and why.
    """

    text: str
    applied: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    refused: Mapping[Finding, str]


@dataclass(frozen=True)
class FixedFile:
    """A file that the fixes change.

    Attributes:
        path: As in a finding.
        old: The bytes of the file before.
        source: The same, decoded.
        text: The fixed text; of a notebook, the code of its cells.
        applied: The findings that were fixed, with the positions that they had when they were.
    """

    path: str
    old: bytes
    source: Source
    text: str
    applied: tuple[Finding, ...]

    @property
    def new(self) -> bytes:
        """The new bytes of the file.

        Raises:
            Problem: the file cannot hold the text.
        """
        return self.source.encode(self.text)

    @property
    def before(self) -> str:
        """The old content of the file, as text."""
        return self.source.on_disk(self.source.text)

    @property
    def after(self) -> str:
        """The new content of the file, as text. Raises what `new` raises."""
        return self.source.on_disk(self.text)


@dataclass(frozen=True)
class Fixed:
    """What `fix` would write, or has written.

    Attributes:
        files: The files that change, or were written.
        outcome: What is left then.
        refused: Findings whose fix could not be carried out -> why.
        found: What was there before.
        origins: Finding that is left -> the finding of `found` that it is, perhaps with another expression.
    """

    files: tuple[FixedFile, ...]
    outcome: Outcome
    refused: Mapping[Finding, str]
    found: Outcome
    origins: Mapping[Finding, Finding]


def fix_source(path: str, text: str, project: Project, settings: Settings) -> FixResult:
    """Apply the fixes that the settings allow to one text, until none is left. Nothing is written.

    Raises:
        Problem: the text nests too deep, cannot be rewritten, or its fixes reach no fixpoint.
    """
    settled = settle({path: text}, InProcess(settings, project), settings)
    if settled.problems:
        raise settled.problems[0]
    return FixResult(
        settled.texts[path],
        tuple(settled.applied.get(path, ())),
        settled.examined[path].findings,
        settled.refused,
    )


def fix_paths(
    paths: Sequence[str],
    settings: Settings,
    *,
    given: Mapping[str, bytes] | None = None,
    in_place: bool = True,
    progress: Progress | None = None,
    choice: Choice | None = None,
    known: Mapping[str, Examined] | None = None,
    facts: TextFacts | None = None,
) -> Fixed:
    """Compute the fixes for files; nothing is written.

    given: path -> bytes that replace the file on disk. in_place: the files themselves will be written, so a file that
    cannot be written is only checked, and is reported as a problem if it has fixes. choice: which of the fixes that the
    settings allow are applied; None for all. known: what a check of all these files with these settings has found.
    facts: what is known of texts from earlier checks in this process; more is added.
    """
    started = time.perf_counter()
    read = read_inputs(paths, given or {})
    texts = read.texts
    locked = {path: refused for path in texts if (refused := disk.refusal(path))} if in_place else {}
    runner = FixRunner(settings, progress, read.given, facts=facts)
    settled = settle(texts, runner, settings, frozenset(locked), choice, known)
    problems = [*read.problems, *settled.problems]
    for path, refused in locked.items():
        if any(_fixable(finding, settings) for finding in settled.examined.get(path, Examined()).findings):
            problems.append(refused)
    changed = tuple(
        FixedFile(path, read.data[path], read.sources[path], text, tuple(settled.applied.get(path, ())))
        for path, text in settled.texts.items()
        if text != texts[path]
    )
    outcome = outcome_of(read, settled.examined, problems, len(paths), started, settled.texts)
    lineage = settled.lineage
    first = {path: replace(settled.examined[path], findings=found) for path, found in lineage.found.items()}
    found = outcome_of(read, first, problems, len(paths), started, texts)
    return Fixed(changed, outcome, settled.refused, found, lineage.origins)


def write_fixed(fixed: Fixed, paths: Sequence[str], settings: Settings) -> Fixed:
    """Write the fixed files in place, each by atomic replacement. Removes what killed runs left beside `paths`.

    Files with unsafe fixes are written first. If one of them cannot be written, the rest stay unchanged, because their
    fixes were proved with its new text.

    fixed: what `fix_paths` has found for these paths and settings.

    Returns:
        What is true of the disk then: the files that were written, what is left, and as problems also what could not
        be written.
    """
    remove_leftovers(paths)
    problems: dict[str, Problem] = {}
    stopped = ""
    for file in sorted(fixed.files, key=lambda file: not _has_unsafe(file)):
        try:
            if stopped:
                raise Problem(file.path, f"left as it was, for its fixes rest on those of {stopped}", "run again")
            disk.replace(file.path, file.old, file.new)
        except Problem as problem:
            problems[file.path] = problem
            stopped = stopped or (file.path if _has_unsafe(file) else "")
    if not problems:
        return fixed
    written = tuple(file for file in fixed.files if file.path not in problems)
    refused = {finding: why for finding, why in fixed.refused.items() if finding.path not in problems}
    return _as_it_is(fixed, written, refused, paths, settings, problems.values())


def write_together(fixed: Fixed, paths: Sequence[str], settings: Settings) -> Fixed:
    """Write all fixed files in place, or none of them. Arguments and result as those of `write_fixed`."""
    remove_leftovers(paths)
    try:
        replace_all([(file.path, file.old, file.new) for file in fixed.files])
    except Problem as problem:
        return _as_it_is(fixed, (), {}, paths, settings, [problem])
    return fixed


def _as_it_is(
    fixed: Fixed,
    written: tuple[FixedFile, ...],
    refused: Mapping[Finding, str],
    paths: Sequence[str],
    settings: Settings,
    problems: Iterable[Problem],
) -> Fixed:
    """What is true where not all was written; not as it would be: other files may have changed too."""
    now = check_paths(paths, settings)
    changed = {file.path for file in written}
    kept = {finding: finding for finding in fixed.found.findings if finding.path not in changed}
    origins = {finding: origin for finding, origin in fixed.origins.items() if finding.path in changed}
    outcome = now.with_problems((*fixed.outcome.problems, *problems))
    return Fixed(written, outcome, refused, fixed.found, {**origins, **kept})


def _has_unsafe(file: FixedFile) -> bool:
    return any(finding.fix and finding.fix.safety is Safety.UNSAFE for finding in file.applied)


def _fixable(finding: Finding, settings: Settings) -> bool:
    return finding.fix is not None and finding.fix.applies(settings.unsafe_fixes)
