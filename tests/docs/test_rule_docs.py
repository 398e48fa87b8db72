"""docs/rules/ is what the rules' pages say, for readers."""

from __future__ import annotations

import re
import runpy

import pytest

from tests.support.command import ROOT
from transfer_lint.rules import RULES

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "make_rule_docs.py"))
WANTED: dict[str, str] = SCRIPT["documents"]()


def test_a_page_for_every_rule_and_an_index() -> None:
    assert {path.name for path in SCRIPT["FOLDER"].iterdir()} == set(WANTED)
    assert set(WANTED) == {"index.md", *(f"{rule.name}.md" for rule in RULES.values())}


@pytest.mark.parametrize("name", WANTED)
def test_current(name: str) -> None:
    text = (SCRIPT["FOLDER"] / name).read_text(encoding="utf-8")
    assert text == WANTED[name], "python scripts/make_rule_docs.py mends it"


@pytest.mark.parametrize("name", WANTED)
def test_what_is_for_tests_is_not_shown(name: str) -> None:
    text = WANTED[name]
    assert "<!--" not in text
    assert not re.search(r"# TL[0-9]{3}$", text, re.MULTILINE)
    assert text.count("```") % 2 == 0


def test_the_index_leads_to_every_page() -> None:
    assert re.findall(r"\]\((\S+)\)", WANTED["index.md"]) == [name for name in WANTED if name != "index.md"]
