"""Random programs before and after: they parse, keep comments and untouched lines, and do the same when run."""

from __future__ import annotations

import re
from collections import Counter

import libcst as cst
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codemods.marks import unmark
from tests.codemods.programs import Program, programs
from tests.codemods.world import run
from transfer_codemods import rewrite


@settings(max_examples=300, deadline=None)
@given(programs(), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_same_program(program: Program, placements: list[int]) -> None:
    source, plan = unmark(program.text)
    assert rewrite(cst.parse_module(source), {}).module.code == source
    rewritten = rewrite(cst.parse_module(source), plan)
    after = rewritten.module.code
    assert all("stands at" not in reason for reason in rewritten.refused.values())

    compile(after, "<after>", "exec")
    found = Counter(re.findall(r"# c\d+\.", after))
    assert found == Counter(program.comments)
    lines = iter(after.split("\n"))
    assert all(line in lines for line in program.untouched if line.strip()), "an untouched line changed"

    assert run(after, placements) == run(source, placements)


@settings(max_examples=100, deadline=None)
@given(programs())
def test_result_is_a_tree_like_any_other(program: Program) -> None:
    """What a rewrite builds is what a parser would: rewritten again with an empty plan or parsed, it is the same."""
    source, plan = unmark(program.text)
    after = rewrite(cst.parse_module(source), plan).module
    assert cst.parse_module(after.code).code == after.code
