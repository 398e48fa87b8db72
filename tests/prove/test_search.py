"""The search for fixes to drop, on programs that are made up: a fix is a letter, and a rule says what a choice does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from transfer_lint.findings import Finding, Heat, Severity
from transfer_lint.fixing.choice import Candidate, FixKey, Wanted
from transfer_lint.proving.proof import Figures
from transfer_lint.proving.search import savings, search


def key(letter: str) -> FixKey:
    """A fix, in a function that a capital letter and the small one share."""
    return FixKey("a.py", "TL101", letter.lower(), letter)


def applied(letter: str) -> Candidate:
    finding = Finding("a.py", 1, 1, 1, 2, "TL101", "n", Severity.WARNING, Heat.CALL, "f", letter)
    return Candidate(key(letter), finding, "")


@dataclass(frozen=True)
class Comparison:
    same: bool
    good: bool


@dataclass(frozen=True)
class Made:
    """A trial of a made-up program. waits: what it waits for."""

    letters: str
    comparison: Comparison
    waits: int

    @property
    def applied(self) -> tuple[Candidate, ...]:
        return tuple(map(applied, self.letters))

    @property
    def keys(self) -> tuple[FixKey, ...]:
        return tuple(map(key, self.letters))

    @property
    def figures(self) -> Figures:
        return Figures(0, 0, self.waits)

    @property
    def why_not(self) -> tuple[str, ...]:
        return (f"bad: {self.letters}",)


@dataclass
class Program:
    """wrong: whether a choice gives other results. waits: what a choice waits for. tried: all choices that were run."""

    letters: str
    wrong: Callable[[set[str]], bool] = lambda chosen: False
    waits: Callable[[set[str]], int] = lambda chosen: 9
    tried: list[str] = field(default_factory=list)

    def __call__(self, wanted: Wanted) -> Any:
        chosen = "".join(letter for letter in self.letters if wanted(applied(letter)))
        self.tried.append(chosen)
        same = not self.wrong(set(chosen))
        waits = self.waits(set(chosen))
        return Made(chosen, Comparison(same, same and waits <= self.waits(set())), waits)


def together(chosen: set[str], *letters: str) -> bool:
    return chosen.issuperset(letters)


def half(chosen: set[str], letter: str) -> bool:
    """Whether one fix of a function is chosen without the other, as when two tensors have to be on one device."""
    return len(chosen & {letter, letter.upper()}) == 1


CASES = [
    pytest.param(Program("abcdefgh"), "", id="nothing wrong"),
    pytest.param(Program("a", lambda c: "a" in c), "a", id="the only one"),
    pytest.param(Program("abcdefgh", lambda c: "a" in c), "a", id="the first"),
    pytest.param(Program("abcdefgh", lambda c: "h" in c), "h", id="the last"),
    pytest.param(Program("abcdefgh", lambda c: bool(c & set("ceh"))), "ceh", id="three"),
    pytest.param(Program("abcd", lambda c: bool(c)), "abcd", id="all"),
    pytest.param(Program("abcd", lambda c: together(c, "b", "d")), "d", id="two that do not go together"),
    pytest.param(Program("abcd", waits=lambda c: 9 + 2 * ("b" in c)), "b", id="one that costs"),
    pytest.param(
        # as when two tensors have to be on one device, or a model is called for each of them
        Program("axb", lambda c: "x" in c, lambda c: 9 + (len(c & set("ab")) == 1) - 4 * together(c, "a", "b")),
        "x", id="a wrong one between two that save something together alone",
    ),
    pytest.param(
        Program("abc", lambda c: together(c, "a", "c") or "b" in c), "bc", id="one that failed only beside another",
    ),
    pytest.param(
        Program("xaAbB", lambda c: half(c, "a") or half(c, "b") or "B" in c), "Bb",
        id="two that need each other, before two that are wrong",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("program", "dropped"), CASES)
def test_search(program: Program, dropped: str) -> None:
    found = search(program, lambda fix: ())
    assert "".join(sorted(fix.key.expression for fix in found.dropped)) == dropped
    assert found.whole.comparison.good
    assert cast(Made, found.whole).letters == "".join(letter for letter in program.letters if letter not in dropped)
    assert all(why and why[0].startswith("bad:") for why in found.dropped.values())


def test_one_of_many_is_found_in_few_runs() -> None:
    letters = [chr(number) for number in range(0x4E00, 0x4E00 + 1000)]
    program = Program("".join(letters), lambda c: letters[700] in c)
    search(program, lambda fix: ())
    assert len(program.tried) <= 2 + 10


def test_what_speaks_against_a_fix_is_heard_before_anything_is_blamed_on_another() -> None:
    program = Program("abc", lambda c: "b" in c)
    found = search(program, lambda fix: ("not shown",) if fix.key.expression == "b" else ())
    assert {fix.key.expression: why for fix, why in found.dropped.items()} == {"b": ("not shown",)}
    assert program.tried == ["abc", "ac"]


SAVED = [
    pytest.param(lambda c: 9 - 5 * ("c" in c) - ("f" in c), {"c": 5, "f": 1}, id="two"),
    pytest.param(lambda c: 9, {}, id="none"),
    pytest.param(
        lambda c: 9 + 2 * ("b" in c) - 8 * together(c, "b", "c"), {"b": 6, "c": 6}, id="together alone"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("waits", "expected"), SAVED)
def test_savings(waits: Callable[[set[str]], int], expected: dict[str, int]) -> None:
    program = Program("abcdefgh", waits=waits)
    whole = program(lambda fix: True)
    saved: Sequence[tuple[Figures, int]] = savings(program, whole, Figures(0, 0, 9))
    found = {letter: figures.waits for letter, (figures, _) in zip("abcdefgh", saved, strict=True) if figures}
    assert found == expected
    by_group = {group: figures.waits for figures, group in saved}
    assert sum(by_group.values()) == 9 - waits(set("abcdefgh"))


def test_what_fails_half_way_is_not_measured() -> None:
    def waits(chosen: set[str]) -> int:
        return 1 if half(chosen, "a") else 9 - 4 * together(chosen, "a", "A")  # it stops before it waits

    program = Program("xaAy", lambda c: half(c, "a"), waits)
    saved = savings(program, program(lambda fix: True), Figures(0, 0, 9))
    assert [figures.waits for figures, _ in saved] == [0, 4, 4, 0]
    assert len({group for _, group in saved}) == 3
