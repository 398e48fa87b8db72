"""`fix --interactive`: show one fix after another and ask whether to apply it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.temporary import remove_leftovers
from transfer_lint.files.text import Source, is_notebook
from transfer_lint.findings import Finding
from transfer_lint.fixing import rewriting
from transfer_lint.fixing.fix import Fixed, FixedFile
from transfer_lint.fixing.ignores import with_ignores
from transfer_lint.fixing.lineage import Lineage
from transfer_lint.fixing.planning import changes_of
from transfer_lint.fixing.styles import nearest_style
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.fingerprints import expressions
from transfer_lint.lint.outcome import Outcome, Summary
from transfer_lint.lint.runner import Runner
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings


class Answer(Enum):
    """The possible answers. ALL: yes, also for all other fixes of this rule. IGNORE: write a suppression comment."""

    YES = "yes"
    NO = "no"
    ALL = "all"
    IGNORE = "ignore"
    QUIT = "quit"


@dataclass(frozen=True)
class Proposal:
    """A fix to ask about. before, after: the file's content, as text. outcome: the finding, as reports take it."""

    finding: Finding
    outcome: Outcome
    before: str
    after: str


Ask = Callable[[Proposal], Answer]


@dataclass
class Done:
    """The result of a session. fixed, ignored, left: how many findings. unseen: how many files were not looked at.

    refused: findings whose fix could not be carried out, or that cannot be suppressed, and why.
    """

    fixed: int = 0
    ignored: int = 0
    left: int = 0
    unseen: int = 0
    refused: dict[Finding, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def one_fixed(self) -> None:
        """Count a finding that is fixed."""
        self.fixed += 1

    def one_ignored(self) -> None:
        """Count a finding that is ignored."""
        self.ignored += 1


_Key = tuple[str, str, str, str]


class Session:
    """One interactive run over some files. Each answer is written to disk at once, so quitting keeps it."""

    def __init__(self, paths: Sequence[str], settings: Settings, ask: Ask) -> None:
        self._paths = paths
        self._settings = settings
        self._ask = ask
        self._all: set[str] = set()
        self._first: dict[str, tuple[bytes, Source]] = {}
        self._now: dict[str, tuple[str, tuple[Finding, ...]]] = {}
        self._lineage = Lineage()
        self.done = Done()

    def run(self) -> Done:
        """Ask about every fix that the settings allow, file by file. After each answer the file is checked again."""
        remove_leftovers(self._paths)
        for number, path in enumerate(self._paths, start=1):
            try:
                if not self._file(path):
                    self.done.unseen = len(self._paths) - number
                    break
            except Problem as problem:
                self.done.problems.append(problem)
        return self.done

    @property
    def fixed(self) -> Fixed:
        """What was written up to now, to the files that were looked at, and what is left in them."""
        found, left = self._lineage.found, {path: findings for path, (_, findings) in self._now.items()}
        texts = {path: text for path, (text, _) in self._now.items()}
        files = tuple(
            FixedFile(path, data, source, texts[path], ())
            for path, (data, source) in self._first.items()
            if texts[path] != source.text
        )
        first = _outcome(found, {path: source.text for path, (_, source) in self._first.items()})
        return Fixed(files, _outcome(left, texts), self.done.refused, first, self._lineage.origins)

    def _follow(self, data: bytes, file: Source, findings: tuple[Finding, ...], decided: Collection[Finding]) -> None:
        """Take the findings of a file as it is now. decided: the one that the last answer has fixed or ignored."""
        if file.path in self._first:
            self._lineage.follow(file.path, file.text, findings, decided)
        else:
            self._first[file.path] = data, file
            self._lineage.begin(file.path, file.text, findings)
        self._now[file.path] = file.text, findings

    def _file(self, path: str) -> bool:
        """Ask about the fixes of one file; whether to continue with the next file."""
        passed: dict[_Key, int] = {}
        decided: list[Finding] = []
        while True:
            data = disk.read(path)
            file = decode(path, data)
            result = Runner(self._settings).examine({path: file.text}, {})[path]
            if isinstance(result, Problem):
                raise result
            self._follow(data, file, result.findings, decided)
            found = self._next(result, file, passed)
            if found is None:
                return True
            key, finding, text = found
            decided = [finding]
            answer = Answer.ALL if finding.code in self._all else self._asked(finding, file, text)
            if answer is Answer.QUIT:
                self.done.left += sum(self._open(each) for each in result.findings) - sum(passed.values())
                return False
            if answer is Answer.ALL:
                self._all.add(finding.code)
            if answer in (Answer.YES, Answer.ALL):
                disk.replace(path, data, file.encode(text), self.done.one_fixed)
            elif answer is Answer.IGNORE:
                ignored, refused = with_ignores(file.text, [finding], "")
                self.done.refused.update(refused)
                if refused:
                    passed[key] = passed.get(key, 0) + 1
                else:
                    disk.replace(path, data, file.encode(ignored), self.done.one_ignored)
            else:
                passed[key] = passed.get(key, 0) + 1
                self.done.left += 1

    def _next(self, result: Examined, file: Source, passed: Mapping[_Key, int]) -> tuple[_Key, Finding, str] | None:
        """The first finding whose fix is not decided yet, with its key and the rewritten text; None if none is left."""
        left = dict(passed)
        for finding, expression in zip(result.findings, expressions(file.text, result.findings), strict=True):
            if finding.fix is None or not self._open(finding):
                continue
            key = (file.path, finding.code, finding.function, expression)
            if left.get(key, 0):
                left[key] -= 1
                continue
            version, style = self._settings.of(file.path).target_version, nearest_style(file.path)
            changes = changes_of(finding, unsafe=self._settings.unsafe_fixes)
            rewritten = rewriting.rewrite(file.path, file.text, changes, version, style)
            if rewritten.text != file.text:
                return key, finding, rewritten.text
            if finding not in self.done.refused:
                self.done.refused[finding] = rewritten.refused.get(finding.anchor, "it changes nothing")
        return None

    def _open(self, finding: Finding) -> bool:
        """Whether there is something to ask about it."""
        applies = finding.fix is not None and finding.fix.applies(self._settings.unsafe_fixes)
        return applies and finding not in self.done.refused

    def _asked(self, finding: Finding, file: Source, text: str) -> Answer:
        documents = {file.path: file.on_disk(file.text)} if is_notebook(file.path) else {}
        summary = Summary.of((finding,), 1, 1, 0, 0.0)
        outcome = Outcome((finding,), (), summary, {file.path: file.text}, documents=documents)
        return self._ask(Proposal(finding, outcome, file.on_disk(file.text), file.on_disk(text)))


def _outcome(findings: Mapping[str, tuple[Finding, ...]], texts: Mapping[str, str]) -> Outcome:
    every = tuple(finding for path in texts for finding in findings[path])
    return Outcome(every, (), Summary.of(every, len(texts), len(every), 0, 0.0), texts)
