"""Files and Settings to findings and fixed files: what the commands, and the codemods, call."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transfer_codemods.actions import Plan
from transfer_lint import rewriting, source
from transfer_lint.config import Settings, load, shown_path
from transfer_lint.files import DiskSources
from transfer_lint.findings import Finding, Safety
from transfer_lint.outcome import Edit, Outcome, Problem, Summary
from transfer_lint.pool import deep
from transfer_lint.rewriting import Rewrite
from transfer_lint.runner import Examined, InProcess, Progress, Runner, examine, explain, project_over
from transfer_lint.scan import may_concern
from transfer_lint.settle import plan_of, settle
from transfer_lint.source import Source

if TYPE_CHECKING:
    from transfer_lint.flow.project import Project


@dataclass(frozen=True)
class FixResult:
    """What became of one text.

    applied: findings whose fixes are in `text`, with the positions that they had when they were applied.
    remaining: findings of `text`. refused: of these, the ones whose fix could not be carried out, and why.
    """

    text: str
    applied: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    refused: Mapping[Finding, str]


@dataclass(frozen=True)
class FixedFile:
    """A file that the fixes change, before and after."""

    path: str
    old: bytes
    source: Source
    text: str
    applied: tuple[Finding, ...]

    @property
    def new(self) -> bytes:
        """What the file is to hold.

        Raises:
            Problem: the file cannot hold the text.
        """
        return self.source.encode(self.text)

    @property
    def before(self) -> str:
        """What the file holds, as text."""
        return self.source.on_disk(self.source.text)

    @property
    def after(self) -> str:
        """What it is to hold, as text. Raises what `new` raises."""
        return self.source.on_disk(self.text)


@dataclass(frozen=True)
class Fixed:
    """What `fix` would write, and what is left then."""

    files: tuple[FixedFile, ...]
    outcome: Outcome
    refused: Mapping[Finding, str]


def fix_source(path: str, text: str, project: Project, settings: Settings) -> FixResult:
    """Apply the fixes that the settings allow to one text, until none is left. Nothing is written.

    Raises:
        Problem: the text nests too deep, cannot be rewritten, or its fixes do not settle.
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


def plan(path: str, source: str, unsafe: bool) -> Plan:
    """What the codemod commands are to do in a file: the fixes that the nearest configuration selects.

    Where there are unsafe fixes to do these come alone: they change what the proofs of the safe ones rest on. Run
    again for those.

    Raises:
        Problem: the configuration is wrong, or the source nests too deep.
    """
    settings = load([path])
    shown = shown_path(path)
    project = project_over(DiskSources({shown: source}), settings)
    found = deep(examine, shown, source, project, settings).findings
    unsafe_plan = plan_of(found, Safety.UNSAFE) if unsafe or settings.unsafe_fixes else {}
    return unsafe_plan or plan_of(found, Safety.SAFE)


@dataclass(frozen=True)
class _Read:
    """Files that can have something to report, by path; of these, those that were given; and what met a problem."""

    data: dict[str, bytes]
    sources: dict[str, Source]
    problems: list[Problem]
    given: dict[str, str]

    @property
    def texts(self) -> dict[str, str]:
        return {path: file.text for path, file in self.sources.items()}


def _read(paths: Iterable[str], given: Mapping[str, bytes]) -> _Read:
    """given: path -> bytes that stand for the file's (standard input)."""
    read = _Read({}, {}, [], {})
    for path in paths:
        try:
            data = given[path] if path in given else source.read(path)
            if may_concern(data):
                read.sources[path] = source.decode(path, data)
                read.data[path] = data
                if path in given:
                    read.given[path] = read.sources[path].text
        except Problem as problem:
            read.problems.append(problem)
    return read


def check_paths(
    paths: Sequence[str],
    settings: Settings,
    *,
    given: Mapping[str, bytes] | None = None,
    with_edits: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Check files.

    given: path -> bytes that stand for the file's. with_edits: also compute what would mend each finding alone.
    """
    started = time.perf_counter()
    read = _read(paths, given or {})
    texts = read.texts
    runner = Runner(settings, progress, read.given)
    results = runner.examine(texts, {})
    examined = {path: result for path, result in results.items() if isinstance(result, Examined)}
    problems = [*read.problems, *(result for result in results.values() if isinstance(result, Problem))]
    edits = _edits(read.sources, examined, runner) if with_edits else {}
    return _outcome(examined, problems, len(paths), started, texts, _documents(read.sources, texts), edits)


def fix_paths(
    paths: Sequence[str],
    settings: Settings,
    *,
    given: Mapping[str, bytes] | None = None,
    in_place: bool = True,
    progress: Progress | None = None,
) -> Fixed:
    """Work out the fixes for files; nothing is written.

    in_place: the files themselves are to be written, so those that cannot be are only checked, and reported.
    """
    started = time.perf_counter()
    read = _read(paths, given or {})
    texts = read.texts
    locked = {path: why for path in texts if (why := source.may_write(path))} if in_place else {}
    settled = settle(texts, Runner(settings, progress, read.given), settings, frozenset(locked))
    problems = [*read.problems, *settled.problems]
    for path, why in locked.items():
        if any(_fixable(finding, settings) for finding in settled.examined.get(path, Examined()).findings):
            problems.append(Problem(path, f"{why}, left as it was", "make it writable, or exclude it"))
    changed = tuple(
        FixedFile(path, read.data[path], read.sources[path], text, tuple(settled.applied.get(path, ())))
        for path, text in settled.texts.items()
        if text != texts[path]
    )
    documents = _documents(read.sources, settled.texts)
    outcome = _outcome(settled.examined, problems, len(paths), started, settled.texts, documents)
    return Fixed(changed, outcome, settled.refused)


def write_fixed(fixed: Fixed) -> list[Problem]:
    """Write the fixed files in place, each whole or not at all.

    Files with unsafe fixes go first. Where one of them cannot be written the rest stay as they are: their fixes were
    proved with its new text.

    Returns:
        What could not be written.
    """
    problems: list[Problem] = []
    stopped = ""
    for file in sorted(fixed.files, key=lambda file: not _has_unsafe(file)):
        if stopped:
            problems.append(
                Problem(file.path, f"left as it was, for its fixes rest on those of {stopped}", "run again")
            )
            continue
        try:
            source.replace(file.path, file.old, file.new)
        except Problem as problem:
            problems.append(problem)
            stopped = file.path if _has_unsafe(file) else ""
    return problems


def _has_unsafe(file: FixedFile) -> bool:
    return any(finding.fix and finding.fix.safety is Safety.UNSAFE for finding in file.applied)


def explain_place(path: str, line: int, column: int | None) -> str:
    """Where the values of a line live and why, in words.

    line, column: 1-based, column in characters.

    Raises:
        Problem: the file cannot be read or parsed, or has no such line.
    """
    settings = load([path])
    shown = shown_path(path)
    text = source.decode(shown, source.read(shown)).text
    count = len(source.lines_of(text))
    if line > count:
        raise Problem(shown, f"has no line {line}, only {count}", "count from 1")
    return deep(explain, shown, text, line, column, project_over(DiskSources(), settings), settings)


def _fixable(finding: Finding, settings: Settings) -> bool:
    return finding.fix is not None and (settings.unsafe_fixes or finding.fix.safety is Safety.SAFE)


def _edits(
    sources: Mapping[str, Source], examined: Mapping[str, Examined], runner: Runner
) -> dict[Finding, tuple[Edit, ...]]:
    """For each finding with a fix, what it alone would change in the file."""
    fixable = [(finding, finding.fix) for result in examined.values() for finding in result.findings if finding.fix]
    jobs = [(finding.path, sources[finding.path].text, {finding.anchor: fix.action}) for finding, fix in fixable]
    found: dict[Finding, tuple[Edit, ...]] = {}
    for (finding, _), rewritten in zip(fixable, runner.rewrite(jobs), strict=True):
        found[finding] = ()
        if isinstance(rewritten, Rewrite):
            before = sources[finding.path]
            with suppress(Problem):  # as with a refusal: there is nothing to offer
                found[finding] = rewriting.edits(before.on_disk(before.text), before.on_disk(rewritten.text))
    return found


def _documents(sources: Mapping[str, Source], texts: Mapping[str, str]) -> dict[str, str]:
    """The JSON of notebooks that hold these texts."""
    found: dict[str, str] = {}
    for path, file in sources.items():
        if source.is_notebook(path):
            with suppress(Problem):
                found[path] = file.on_disk(texts[path])
    return found


def _outcome(
    examined: Mapping[str, Examined],
    problems: Iterable[Problem],
    count: int,
    started: float,
    texts: Mapping[str, str],
    documents: Mapping[str, str],
    edits: Mapping[Finding, tuple[Edit, ...]] | None = None,
) -> Outcome:
    findings = tuple(finding for path in sorted(examined) for finding in examined[path].findings)
    sites = sum(result.sites for result in examined.values())
    suppressed = sum(result.suppressed for result in examined.values())
    summary = Summary.of(findings, count, sites, suppressed, time.perf_counter() - started)
    told = tuple(sorted(problems, key=lambda problem: problem.path))
    return Outcome(findings, told, summary, texts, edits or {}, documents=documents)
