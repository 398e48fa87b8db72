"""Ignore comments and entries of a baseline hold until their end, and afterwards TL901 says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import LOOP, WASTE, lint

NAME = "transfer-lint-baseline.json"
THEN = {"SOURCE_DATE_EPOCH": "1811808000"}  # 2027-06-01
LATER = {"SOURCE_DATE_EPOCH": "1811894400"}  # the day after
IGNORED = WASTE.replace("stays", "transfer-lint: ignore[TL101] until 2027-06-01 (infra): small")


def codes(folder: Path, *options: str, **day: str) -> list[str]:
    return [line.split()[1] for line in lint("check", *options, cwd=folder, **day).out.splitlines()]


@pytest.mark.parametrize("cache", ["--cache", "--no-cache"])
def test_a_comment_holds_until_its_end(tmp_path: Path, cache: str) -> None:
    (tmp_path / "a.py").write_text(IGNORED)
    place = {"TRANSFER_LINT_CACHE_DIR": str(tmp_path / "kept")}
    for _ in range(2):  # with a cache, the second answer comes out of it
        assert codes(tmp_path, cache, **THEN, **place) == ["TL103"]
        assert codes(tmp_path, cache, **LATER, **place) == ["TL103", "TL101", "TL901"]


def test_what_is_said_after_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(IGNORED)
    lines = lint("check", cwd=tmp_path, expect=1, **LATER).out.splitlines()
    assert lines[2] == "a.py:6:28: TL901 hint this ignore comment has ended: it held until 2027-06-01 (infra)"
    assert "TL901" not in "".join(codes(tmp_path, "--ignore", "TL901", **LATER))


def test_an_end_that_is_no_day_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(IGNORED.replace("06-01", "02-30"))
    lines = lint("check", cwd=tmp_path, expect=1, **THEN).out.splitlines()
    assert lines[2].endswith("does not hold: its end is no day, 2027-02-30 (infra); write it like 2027-06-01")


def test_a_fix_takes_away_what_ended_and_hides_nothing_but_not_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(IGNORED)
    lint("fix", cwd=tmp_path, expect=0, **LATER)
    mended = (tmp_path / "a.py").read_text()
    assert "cuda:0" in mended
    assert "transfer-lint" not in mended  # what it was for is mended
    (tmp_path / "a.py").write_text(IGNORED)
    lint("fix", "--select", "TL901", cwd=tmp_path, **LATER)
    assert (tmp_path / "a.py").read_text() == IGNORED


def test_ignores_are_written_with_their_terms(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    add = ("--add-ignores", "--until", "2027-06-01", "--owner", "infra", "--reason", "it  is small")
    lint("check", *add, cwd=tmp_path, expect=0, **THEN)
    text = (tmp_path / "a.py").read_text()
    assert text.count("] until 2027-06-01 (infra): it is small\n") == 2
    assert codes(tmp_path, **THEN) == []
    assert codes(tmp_path, **LATER) == ["TL103", "TL901", "TL101", "TL901"]
    again = lint("check", *add, cwd=tmp_path, **LATER).err
    assert again.count("is not ignored: its ignore comment has ended (2027-06-01 (infra)): give that a later end") == 2
    assert (tmp_path / "a.py").read_text() == text


@pytest.fixture
def known(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(f'[tool.transfer-lint]\nbaseline = "{NAME}"\n')
    (tmp_path / "a.py").write_text(WASTE)
    terms = ("--until", "2027-06-01", "--owner", "infra", "--reason", "old code")
    lint("check", "--write-baseline", *terms, cwd=tmp_path, expect=0, **THEN)
    return tmp_path


def entries(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / NAME).read_text())["findings"]
    return found


def test_an_entry_holds_until_its_end(known: Path) -> None:
    assert codes(known, **THEN) == []
    lines = lint("check", cwd=known, expect=1, **LATER).out.splitlines()
    assert [line.split()[1] for line in lines] == ["TL103", "TL901", "TL101", "TL901"]
    assert lines[3] == f"a.py:6:14: TL901 hint the entry of TL101 in {NAME} has ended: it held until 2027-06-01 (infra)"
    assert codes(known, "--ignore", "TL901", **LATER) == ["TL103", "TL101"]


def test_an_entry_by_hand(known: Path) -> None:
    first, second = entries(known)
    del first["until"]
    second["until"] = "soon"
    (known / NAME).write_text(json.dumps({"version": 1, "findings": [first, second]}))
    assert codes(known, **LATER) == ["TL103", "TL901"]


def test_writing_again_keeps_terms_and_a_later_end_is_asked_for(known: Path) -> None:
    before = (known / NAME).read_bytes()
    (known / "b.py").write_text(WASTE)
    said = lint("check", "--write-baseline", cwd=known, expect=0, **LATER).err
    assert "2 entries have ended and hide nothing: --until gives a later end" in said
    own = [entry for entry in entries(known) if entry["path"] == "a.py"]
    assert own == json.loads(before)["findings"]
    assert [set(entry) & {"until", "owner", "reason"} for entry in entries(known)[2:]] == [set(), set()]
    lint("check", "--write-baseline", "--until", "2028-01-01", cwd=known, expect=0, **LATER)
    terms = [(entry.get("until"), entry.get("owner"), entry.get("reason")) for entry in entries(known)]
    assert terms == [("2028-01-01", "infra", "old code")] * 2 + [(None, None, None)] * 2


@pytest.mark.parametrize("answers", ["", "y\n"], ids=["fix", "fix --interactive"])
@pytest.mark.parametrize("day", [THEN, LATER], ids=["holds", "has ended"])
def test_terms_go_with_a_changed_expression(known: Path, answers: str, day: dict[str, str]) -> None:
    (known / "b.py").write_text(LOOP)
    terms = ("--until", "2027-06-01", "--owner", "infra", "--reason", "slow")
    lint("check", "--write-baseline", *terms, cwd=known, expect=0, **THEN)
    lint("fix", *(["--interactive"] if answers else []), "b.py", cwd=known, stdin=answers, **day)
    (entry,) = (entry for entry in entries(known) if entry["path"] == "b.py")
    assert (entry["code"], entry["expression"]) == ("TL301", "values[0].item()")
    assert (entry["until"], entry["owner"], entry["reason"]) == ("2027-06-01", "infra", "slow")
    found = [line.split()[1] for line in lint("check", "b.py", cwd=known, **day).out.splitlines()]
    assert found == ([] if day is THEN else ["TL301", "TL901"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--until", "2027-06-01"), "--until is for --add-ignores and --write-baseline", id="alone"),
        pytest.param(("--owner", "infra"), "--owner is for --add-ignores and --write-baseline", id="owner alone"),
        pytest.param(
            ("--add-ignores", "--until", "soon"), "--until takes a day like 2027-06-01, not soon", id="no day"
        ),
        pytest.param(("--add-ignores", "--owner", "a (b)"), "--owner takes a name without brackets", id="brackets"),
        pytest.param(("--write-baseline", "--owner", "a#b"), "--owner takes one line without #", id="hash"),
    ],
)
def test_mistakes(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    assert words in lint("check", *options, cwd=tmp_path, expect=2).err
