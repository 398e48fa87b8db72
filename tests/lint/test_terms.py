"""The terms of a suppression: what is read from its comment, when it has ended, and what day it is."""

from __future__ import annotations

import pytest

from transfer_lint.lint.suppression import read_comments
from transfer_lint.lint.terms import NO_TERMS, Terms, ends_before, read_terms, today, written
from transfer_lint.problems import Problem

END = Terms("2027-06-01", "infra")

READ = {
    "all": ("until 2027-06-01 (infra): reason", END, "reason"),
    "no reason": ("until 2027-06-01 (infra)", END, ""),
    "no owner": ("until 2027-06-01: reason", Terms("2027-06-01"), "reason"),
    "an end alone": ("until 2027-06-01", Terms("2027-06-01"), ""),
    "no colon after an end": ("until 2027-06-01 reason", Terms("2027-06-01"), "reason"),
    "an owner alone": ("(infra): reason", Terms("", "infra"), "reason"),
    "an owner of two words": ("(team infra): a: b", Terms("", "team infra"), "a: b"),
    "close together": ("until 2027-06-01(infra):reason", END, "reason"),
    "with a capital and a colon": ("Until: 2027-06-01 (infra): reason", END, "reason"),
    "no such day": ("until 2027-02-30 (infra): reason", Terms("2027-02-30", "infra"), "reason"),
    "a day of another kind": ("until 01.06.2027: reason", Terms("01.06.2027"), "reason"),
    "a short day": ("until 2027-6-1", Terms("2027-6-1"), ""),
    "a version": ("until 2.14 is out", NO_TERMS, "until 2.14 is out"),
    "a word": ("until torch 2.14", NO_TERMS, "until torch 2.14"),
    "brackets in a reason": ("(see below) it is small", NO_TERMS, "(see below) it is small"),
    "a reason": ("comes from the host", NO_TERMS, "comes from the host"),
    "nothing": ("", NO_TERMS, ""),
}


@pytest.mark.parametrize(("text", "terms", "reason"), READ.values(), ids=READ)
def test_reading(text: str, terms: Terms, reason: str) -> None:
    assert read_terms(text) == (terms, reason)


@pytest.mark.parametrize("terms", [END, Terms("2027-06-01"), Terms("", "infra"), NO_TERMS])
@pytest.mark.parametrize("reason", ["", "reason"])
def test_what_is_written_is_read(terms: Terms, reason: str) -> None:
    assert read_terms(written(terms, reason)) == (terms, reason)


@pytest.mark.parametrize(
    ("until", "day", "ended"),
    [
        ("2027-06-01", "2027-05-31", False),
        ("2027-06-01", "2027-06-01", False),
        ("2027-06-01", "2027-06-02", True),
        ("2027-02-30", "2026-01-01", True),
        ("", "9999-12-31", False),
    ],
)
def test_ending(until: str, day: str, ended: bool) -> None:
    assert Terms(until).ended(day) is ended
    (ignore,) = read_comments(
        f"x = 1  # transfer-lint: ignore[TL101] {written(Terms(until), 'r')}\n", today=day
    ).ignores
    assert ignore.ended is ended


def test_days_that_matter_to_a_text() -> None:
    text = "# transfer-lint: ignore until 2027-06-01\n# until 2026-01-01: x\n# Until: 2028-01-01\n"
    assert ends_before(text, "2027-06-01") == ("2026-01-01",)
    assert ends_before(text, "2027-06-02") == ("2026-01-01", "2027-06-01")
    assert ends_before(text.replace("transfer-lint:", ""), "2030-01-01") == ()


def test_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1811808000 - 1))  # the last second, in UTC
    assert today() == "2027-05-31"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1811808000")
    assert today() == "2027-06-01"
    for wrong in ("tomorrow", "9" * 40):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(Problem, match="is no time"):
            today()
