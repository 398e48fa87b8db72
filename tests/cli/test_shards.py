"""`check --shard K/N` on several machines and `merge` give what one run gives."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import CLEAN, WASTE, lint
from transfer_lint.files import shards


@given(st.lists(st.integers(1, 10_000), max_size=40), st.integers(1, 12))
def test_each_file_is_in_one_shard(sizes: list[int], count: int) -> None:
    paths = tuple(f"{number:03}.py" for number in range(len(sizes)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "_size", lambda path: sizes[int(path[:3])])
        parts = [shards.shard_of(paths, number, count) for number in range(1, count + 1)]
    assert tuple(path for part in parts for path in part) == paths  # what stands together stays together
    loads = [sum(sizes[int(path[:3])] for path in part) for part in parts]
    assert max(loads) <= sum(sizes) / count + max(sizes, default=0)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(7):
        folder = tmp_path / f"part{number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"m{number}.py").write_text(WASTE if number % 2 else CLEAN + f"# {'x' * number * 50}\n")
    (tmp_path / "broken.py").write_text("def f(:  x.to('cpu')\n")
    return tmp_path


def reports(tree: Path, form: str, count: int) -> list[str]:
    names = [f"{number}.{form}" for number in range(1, count + 1)]
    for number, name in enumerate(names, start=1):
        lint("check", "--shard", f"{number}/{count}", "--output-format", form, "--output-file", name, ".", cwd=tree)
    return names


def plain(value: dict[str, Any]) -> dict[str, Any]:
    value["summary"]["seconds"] = 0
    return value


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_json(tree: Path, count: int) -> None:
    whole = lint("check", "--output-format", "json", ".", cwd=tree)
    merged = lint("merge", *reports(tree, "json", count), cwd=tree)
    assert merged.code == whole.code == 1
    assert plain(json.loads(merged.out)) == plain(json.loads(whole.out))


def test_sarif(tree: Path) -> None:
    whole = json.loads(lint("check", "--output-format", "sarif", ".", cwd=tree).out)["runs"][0]
    lint("merge", *reports(tree, "sarif", 3), "--output-file", "all.sarif", cwd=tree, expect=1)
    merged = json.loads((tree / "all.sarif").read_text())["runs"][0]
    assert merged["results"] == whole["results"]
    assert merged["tool"] == whole["tool"]
    assert len(merged["invocations"]) == 3


def test_fail_on(tree: Path) -> None:
    (tree / "broken.py").unlink()
    names = reports(tree, "json", 2)
    lint("merge", *names, cwd=tree, expect=1)
    lint("merge", "--fail-on", "error", *names, cwd=tree, expect=0)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2"])
def test_no_shard(tree: Path, shard: str) -> None:
    assert "like 1/3" in lint("check", f"--shard={shard}", ".", cwd=tree, expect=2).err


@pytest.mark.parametrize(
    "other",
    ["", "[]", "{}", "null", '{"version": 2, "findings": [], "summary": {}}', '{"runs": []}', '{"version": 1}',
     '{"version": 1, "findings": [{}], "summary": {"seconds": 0}}'],
)  # fmt: skip
def test_no_report(tree: Path, other: str) -> None:
    (tree / "other.json").write_text(other)
    ran = lint("merge", *reports(tree, "json", 1), "other.json", cwd=tree, expect=2)
    assert ran.out == ""
    assert "report" in ran.err


def test_same_parts_in_any_folder(tree: Path) -> None:
    os.rename(tree / "part1", tree / "part9")
    found = {
        finding["path"]
        for name in reports(tree, "json", 3)
        for finding in json.loads((tree / name).read_text())["findings"]
    }
    assert found == {"broken.py", "part0/m3.py", "part2/m5.py", "part9/m1.py"}
