"""Proves fixes by running: tries choices of them on a copy of the program, and says what may be written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from transfer_lint.evidence import running
from transfer_lint.evidence.running import Conditions, Finished
from transfer_lint.evidence.runs import Comparison
from transfer_lint.files.text import lines_of
from transfer_lint.findings import Safety
from transfer_lint.fixing.choice import Candidate, Choice, Wanted
from transfer_lint.fixing.fix import Fixed, fix_paths
from transfer_lint.problems import Problem
from transfer_lint.proving.proof import Judged, Proof, Trial, figures_of
from transfer_lint.proving.search import savings, search
from transfer_lint.proving.stage import Stage
from transfer_lint.settings import Settings

Say = Callable[[str], None]


class CannotRun(Exception):
    """The original program does not run under the scenario. finished: its run."""

    def __init__(self, finished: Finished) -> None:
        super().__init__(finished.run.program)
        self.finished = finished


def prove(
    program: str,
    paths: Sequence[str],
    settings: Settings,
    conditions: Conditions,
    folder: str,
    say: Say = lambda text: None,
    choice: Choice | None = None,
) -> Proof:
    """Find the fixes that leave the program's results the same and make nothing worse. Nothing is written in place.

    program: the file or folder that the scenario runs. paths: its files to be fixed. folder: an empty folder for
    copies and results. say: told what is being run. choice: which fixes are tried;
    None for all that the settings allow.

    Raises:
        CannotRun: the original does not run under the scenario.
        Problem: the scenario does not give the same results twice, or does not run the copy of the program.
    """
    trials = _Trials(program, paths, settings, conditions, folder, say, choice or Choice(lambda fix: True))
    if not trials.everything.files:
        return Proof(trials.everything, (), (), None, 0)
    found = search(trials, trials.objections)
    saved = savings(trials, found.whole, figures_of(trials.original.run))
    kept = [
        replace(trials.judged(each), saved=figures, group=group)
        for each, (figures, group) in zip(found.whole.applied, saved, strict=True)
    ]
    dropped = [replace(trials.judged(each), why=why) for each, why in found.dropped.items()]
    return Proof(found.whole.fixed, tuple(kept), tuple(dropped), found.whole.comparison, trials.runs)


class _Trials:
    """Applies choices of fixes to a copy of the program, and compares its runs with the original's."""

    def __init__(
        self,
        program: str,
        paths: Sequence[str],
        settings: Settings,
        conditions: Conditions,
        folder: str,
        say: Say,
        among: Choice,
    ) -> None:
        self._program = program
        self._paths = paths
        self._settings = settings
        self._conditions = conditions
        self._folder = folder
        self._say = say
        self._among = among
        self._known: dict[str, Comparison] = {}
        self.runs = 0
        self.everything = fixed = fix_paths(paths, settings, choice=among)
        if not fixed.files:
            return
        self._sources = {file.path: file.source.text for file in fixed.files}
        self._stage = Stage(program, folder)
        say(f"running {program} as it is")
        self.original = self._run(program, conditions, _reach(fixed))
        if not self.original.run.ending.good or not self.original.run.calls:
            raise CannotRun(self.original)
        trace = self.original.run.trace
        lines = trace.lines_run if trace is not None else None
        self._lines_run = None if lines is None else {os.path.realpath(name): set(line) for name, line in lines.items()}

    def __call__(self, wanted: Wanted) -> Trial:
        """Apply the fixes that are wanted, run, and compare."""
        choice = Choice(lambda fix: self._among.wanted(fix) and wanted(fix))
        fixed = fix_paths(self._paths, self._settings, choice=choice)
        contents = {file.path: file.new for file in fixed.files}
        key = hashlib.sha256(repr(sorted(contents.items())).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self._tried(contents, len(choice.applied))
        return Trial(fixed, tuple(choice.applied), self._known[key])

    def _tried(self, contents: Mapping[str, bytes], number: int) -> Comparison:
        self._stage.hold(contents)
        here = replace(
            self._conditions,
            scenario=self._stage.within(self._conditions.scenario),
            search=() if os.path.isdir(self._program) else (os.path.dirname(os.path.abspath(self._program)),),
            instead_of=os.path.realpath(self._program),
        )
        self._say(f"running it with {number} {'fix' if number == 1 else 'fixes'}")
        finished = self._run(self._stage.path, here)
        if finished.run.ending.how == "refused":
            raise Problem(
                here.scenario, finished.run.ending.text, "import the program by the name that --name gives it"
            )
        comparison, _ = running.compared(self.original, finished, self._conditions)
        with suppress(FileNotFoundError):
            os.unlink(finished.tensors)
        self._say(f"  {comparison.verdict}")
        if not comparison.good and not any(not known.good for known in self._known.values()):
            self._must_be_repeatable()
        return comparison

    def _must_be_repeatable(self) -> None:
        """What differs from run to run says nothing about fixes."""
        again, _ = running.compared(self.original, self._run(self._program, self._conditions), self._conditions)
        if not again.good:
            what = f"the program as it is, run twice, is {again.verdict}"
            raise Problem(
                self._conditions.scenario, what, "make it give the same each time, or allow for it with --atol"
            )

    def _run(self, program: str, conditions: Conditions, reach: Mapping[str, Sequence[int]] | None = None) -> Finished:
        self.runs += 1
        return running.run([program], replace(conditions, reach=reach or {}), self._folder)[0]

    def objections(self, fix: Candidate) -> tuple[str, ...]:
        """An unsafe fix needs a run that comes by; a safe one is proved without."""
        unsafe = fix.finding.fix is not None and fix.finding.fix.safety is Safety.UNSAFE
        return (
            ("the scenario does not run its line, so nothing is shown",) if unsafe and self._ran(fix) is False else ()
        )

    def judged(self, fix: Candidate) -> Judged:
        """The fix, with its line in the original, and whether that ran."""
        return Judged(fix.key, fix.finding, self._lines(fix)[0], self._ran(fix))

    def _ran(self, fix: Candidate) -> bool | None:
        if self._lines_run is None:
            return None
        return not self._lines_run.get(os.path.realpath(fix.key.path), set()).isdisjoint(self._lines(fix))

    def _lines(self, fix: Candidate) -> range:
        return fix.lines_in(self._sources.get(fix.key.path, fix.text))


def _reach(fixed: Fixed) -> dict[str, Sequence[int]]:
    """Which lines it is of interest whether they run: those of the files that change."""
    return {os.path.realpath(file.path): range(1, len(lines_of(file.source.text)) + 1) for file in fixed.files}
