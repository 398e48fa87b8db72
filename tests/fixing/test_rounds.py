"""The rounds of `fix`, with a runner whose checker and rewrites are a few lines: rules on letters.

A text is a string of letters. Each `a` is a finding with a safe fix, each `U` one with an unsafe fix, `r` one whose
fix is refused, `w` one without a fix, `e` a hint whose fix brings a `w` to light, `v` one without a fix that another
rule finds while there is an `a`, and rewrites replace a letter as the table REWRITES says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from transfer_codemods.actions import DeleteTransfer, Plan
from transfer_lint.findings import Finding, Fix, FixHints, Heat, Safety, Severity
from transfer_lint.fixing.rewriting import Rewrite
from transfer_lint.fixing.rounds import MAX_ROUNDS, Settled, settle
from transfer_lint.fixing.runner import FixRunner
from transfer_lint.lint.check_text import Examined
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

REWRITES = {"a": "_", "U": "a", "r": "r", "p": "q", "q": "p", "x": "!", "b": "", "m": "?", "e": "w", "w": "w", "v": "v"}
SAFE = Settings(root="/", fix_hints=FixHints.ALWAYS)
UNSAFE = replace(SAFE, unsafe_fixes=True)


def finding(path: str, column: int, letter: str, text: str) -> Finding:
    safety = Safety.UNSAFE if letter == "U" else Safety.SAFE
    severity = Severity.HINT if letter == "e" else Severity.WARNING
    code = "TL102" if letter == "w" or (letter == "v" and "a" in text) else "TL101"
    fix = None if letter in "wv" else Fix(safety, "replace it", DeleteTransfer())
    return Finding(path, 1, column, 1, column + 1, code, letter, severity, Heat.CALL, "", "", (), fix)


class Letters(FixRunner):
    """Remembers what was asked of it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.rounds: list[dict[str, str]] = []
        self.overlays: list[dict[str, str]] = []

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        self.rounds.append(dict(texts))
        self.overlays.append(dict(overlay))
        return {path: self._one(path, text) for path, text in texts.items()}

    def _one(self, path: str, text: str) -> Examined | Problem:
        if "!" in text:
            return Problem(path, "does not parse", "mend it")
        found = tuple(finding(path, i + 1, c, text) for i, c in enumerate(text) if c in REWRITES)
        return Examined(found, len(found), 0)

    def rewrite(self, jobs: Sequence[tuple[str, str, Plan]]) -> list[Rewrite | Problem]:
        return [self._rewritten(*job) for job in jobs]

    def _rewritten(self, path: str, text: str, plan: Plan) -> Rewrite | Problem:
        at = {anchor.column - 1: anchor for anchor in plan}
        if any(text[index] == "m" for index in at):
            return Problem(path, "cannot be rewritten", "edit by hand")
        refused = {anchor: "no" for index, anchor in at.items() if text[index] == "r"}
        letters = (REWRITES[c] if i in at and at[i] not in refused else c for i, c in enumerate(text))
        return Rewrite("".join(letters), refused)


def run(settings: Settings, locked: frozenset[str] = frozenset(), **texts: str) -> tuple[Settled, Letters]:
    runner = Letters(settings)
    return settle(texts, runner, settings, locked), runner


def left(settled: Settled, path: str) -> str:
    return "".join(finding.name for finding in settled.examined[path].findings)


def test_nothing_to_do_is_one_check() -> None:
    settled, runner = run(SAFE, one="___", two="U")
    assert settled.texts == {"one": "___", "two": "U"}
    assert len(runner.rounds) == 1
    assert left(settled, "two") == "U"
    assert not settled.applied


def test_all_files_are_checked_again_after_a_change() -> None:
    settled, runner = run(SAFE, one="a", two="__")
    assert settled.texts == {"one": "_", "two": "__"}
    assert runner.rounds == [{"one": "a", "two": "__"}, {"one": "_", "two": "__"}]
    assert runner.overlays == [{}, {"one": "_"}]
    assert [f.name for f in settled.applied["one"]] == ["a"]


def test_unsafe_fixes_go_first_and_alone_in_all_files() -> None:
    settled, runner = run(UNSAFE, one="Ua", two="a")
    assert runner.rounds == [{"one": "Ua", "two": "a"}, {"one": "aa", "two": "a"}, {"one": "__", "two": "_"}]
    assert settled.texts == {"one": "__", "two": "_"}


def test_what_is_refused_is_told_and_the_rest_is_done() -> None:
    settled, _ = run(UNSAFE, one="rUa")
    assert settled.texts["one"] == "r__"
    assert [(f.name, f.column, why) for f, why in settled.refused.items()] == [("r", 1, "no")]
    assert left(settled, "one") == "r"


def test_fixes_that_do_not_settle_leave_the_file_alone() -> None:
    settled, runner = run(SAFE, one="ap", two="a")
    assert settled.texts == {"one": "ap", "two": "_"}
    assert [str(problem) for problem in settled.problems] == [
        f"one: its fixes do not settle in {MAX_ROUNDS} rounds, left as it was; report this as a bug"
    ]
    assert left(settled, "one") == "ap"
    assert "one" not in settled.applied
    assert len(runner.rounds) <= MAX_ROUNDS + 4


def test_a_rewrite_that_cannot_be_checked_is_taken_back_and_the_others_are_proved_without_it() -> None:
    settled, runner = run(SAFE, one="xa", two="a")
    assert settled.texts == {"one": "xa", "two": "_"}
    assert [problem.path for problem in settled.problems] == ["one"]
    assert runner.rounds[-3:] == [{"one": "!_", "two": "_"}, {"one": "xa", "two": "a"}, {"one": "xa", "two": "_"}]
    assert left(settled, "one") == "xa"


def test_a_rewrite_that_fails_leaves_the_file_and_not_the_others() -> None:
    settled, _ = run(SAFE, one="ma", two="a", three="!")
    assert settled.texts == {"one": "ma", "two": "_", "three": "!"}
    assert sorted(problem.path for problem in settled.problems) == ["one", "three"]
    assert left(settled, "one") == "ma"
    assert "three" not in settled.examined


def test_locked_files_are_only_checked() -> None:
    settled, _ = run(SAFE, frozenset({"one"}), one="a", two="a")
    assert settled.texts == {"one": "a", "two": "_"}
    assert left(settled, "one") == "a"


def test_a_safe_fix_that_brings_a_warning_to_light_is_not_applied() -> None:
    settled, _ = run(SAFE, one="e", two="a", three="w")
    assert settled.texts == {"one": "e", "two": "_", "three": "w"}
    assert left(settled, "one") == "e"
    assert list(settled.applied) == ["two"]
    assert run(SAFE, one="ew")[0].texts == {"one": "ew"}


def test_a_warning_that_another_rule_finds_then_is_not_new() -> None:
    settled, _ = run(SAFE, one="a;v")
    assert settled.texts == {"one": "_;v"}
    assert [finding.code for finding in settled.lineage.origins.values()] == ["TL102"]


def test_with_unsafe_fixes_it_is() -> None:
    settled, _ = run(UNSAFE, one="ea")
    assert settled.texts == {"one": "w_"}
    assert settled.lineage.origins == {}  # it is new, and known to be
    assert [finding.name for finding in settled.lineage.found["one"]] == ["e", "a"]


@pytest.mark.parametrize("text", ["b", "bb", "aUb", "raUb__"])
def test_fixing_again_changes_nothing(text: str) -> None:
    once, _ = run(UNSAFE, one=text)
    again, runner = run(UNSAFE, one=once.texts["one"])
    assert again.texts == once.texts
    assert len(runner.rounds) == 1
