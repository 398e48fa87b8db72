"""`check --statistics`, and `--select ALL`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import CLEAN, WASTE, lint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(WASTE)
    (tmp_path / "b.py").write_text(WASTE.replace('x.to("cuda:0")', 'x.to("cuda:0")  # transfer-lint: ignore'))
    (tmp_path / "clean.py").write_text(CLEAN)
    return tmp_path


def test_counts_the_most_frequent_first(folder: Path) -> None:
    ran = lint("check", "--statistics", cwd=folder, expect=1)
    assert ran.out == "2  TL101  redundant-transfer [*]\n1  TL103  unguarded-module-move [*]\n"
    assert "2 warnings and 1 hint" in ran.err


def test_equals_stand_by_code_and_numbers_align(folder: Path) -> None:
    for number in range(9):
        (folder / f"c{number}.py").write_text(WASTE)
    (folder / "d.py").write_text("x.to(")
    lines = lint("check", "--statistics", cwd=folder, expect=1).out.splitlines()
    assert lines == [
        "11  TL101  redundant-transfer [*]",
        "10  TL103  unguarded-module-move [*]",
        " 1  TL902  unparsable-file",
    ]


def test_nothing_found_is_no_line(folder: Path) -> None:
    assert lint("check", "--statistics", "clean.py", cwd=folder, expect=0).out == ""


def test_json_keeps_its_schema(folder: Path) -> None:
    plain, counted = (
        json.loads(lint("check", "--output-format", "json", *more, cwd=folder).out) for more in ((), ("--statistics",))
    )
    assert [value["summary"].pop("seconds") >= 0 for value in (plain, counted)] == [True, True]
    assert counted == plain
    assert list(counted) == ["version", "findings", "summary"]


def test_select_all_overrides_the_configuration(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.transfer-lint]\nselect = ["TL103"]\nignore = ["TL101"]\n')
    assert lint("check", "--statistics", cwd=folder, expect=0).out.split()[1::4] == ["TL103"]
    ran = lint("check", "--select", "ALL", "--statistics", cwd=folder, expect=1)
    assert [line.split()[1] for line in ran.out.splitlines()] == ["TL101", "TL103"]
    one = lint("check", "--select", "ALL", "--ignore", "TL101", "--statistics", cwd=folder, expect=0)
    assert [line.split()[1] for line in one.out.splitlines()] == ["TL103"]
