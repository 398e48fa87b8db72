"""The sets are equal: rules, pages, what the README and the changelog name. And each page has the form of a page."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import pytest

import transfer_lint.rules
from transfer_lint.rules import RULES, Rule
from transfer_lint.rules.pages import SECTIONS, read_page, render

ROOT = Path(transfer_lint.rules.__file__).parents[2]

rules = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


def test_every_page_has_its_rule_and_every_rule_its_page() -> None:
    folder = Path(transfer_lint.rules.__file__).parent
    assert {rule.page for rule in RULES.values()} == set(folder.glob("*.md"))


def test_codes_and_names_are_unique_and_well_formed() -> None:
    assert all(re.fullmatch("TL[1239][0-9]{2}", code) for code in RULES)
    assert all(rule.code == code for code, rule in RULES.items())
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


@rules
def test_a_page_is_about_its_rule(rule: Rule) -> None:
    page = read_page(rule.page)
    assert (page.code, page.name) == (rule.code, rule.name)


@rules
def test_a_page_has_the_headings_of_a_page(rule: Rule) -> None:
    page = read_page(rule.page)
    assert tuple(heading for heading, _ in groupby(heading for heading, _ in page.sections)) == SECTIONS
    assert all(text.strip() for _, text in page.sections)


@rules
def test_a_page_shows_what_is_found_and_what_is_left_alone(rule: Rule) -> None:
    examples = read_page(rule.page).examples
    assert sum(not example.silent for example in examples) >= 1
    assert sum(example.silent for example in examples) >= 2


@rules
def test_a_rule_has_a_fix_exactly_where_its_page_shows_one(rule: Rule) -> None:
    shown = any(example.after is not None for example in read_page(rule.page).examples)
    assert shown == (rule.safety is not None)


@rules
@pytest.mark.parametrize("width", [40, 80])
def test_a_page_can_be_shown_on_a_terminal(rule: Rule, width: int) -> None:
    shown = render(read_page(rule.page), width)
    assert shown.startswith(f"{rule.name} ({rule.code})\n")
    assert "<!--" not in shown
    assert not re.search(r"# TL[0-9]{3}$", shown, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_documents_name_every_rule(name: str) -> None:
    named = set(re.findall(r"\bTL[0-9]{3}\b", (ROOT / name).read_text(encoding="utf-8")))
    assert named >= set(RULES)


def test_the_table_of_the_readme_is_the_table_of_rules() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|[^|]*\b(TL[0-9]{3})\b[^|]*\|(.*)$", readme, re.MULTILINE)
    assert [code for code, _ in rows] == list(RULES)
    assert all(RULES[code].name in rest for code, rest in rows)
