"""What the commands say where something is nearly right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import WASTE, lint
from tests.support.notebooks import notebook
from transfer_lint.rules import RULES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("chek",), "No such command 'chek'. Did you mean 'check'?", id="command"),
        pytest.param(("zzz",), "The commands are check, fix, rules,", id="command like none"),
        pytest.param(("rules", "TL19"), "no rule is called 'TL19'; did you mean", id="rule"),
        pytest.param(("graph", "."), ". is a folder; name one file: PATH or PATH::FUNCTION", id="graph of a folder"),
        pytest.param(("check", "--select", ""), "is empty", id="selecting nothing"),
        pytest.param(("check", "--ignore", ","), "is empty", id="ignoring nothing"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    ran = lint(*arguments, cwd=tmp_path, expect=2)
    assert words in ran.err
    assert "exclude it" not in ran.err


@pytest.mark.parametrize("value", ['"yes"', "1", "[]"])
@pytest.mark.parametrize("table", ["devices", "dtypes"])
def test_whether_something_is_stable_is_true_or_false(tmp_path: Path, table: str, value: str) -> None:
    (tmp_path / "transfer-lint.toml").write_text(f'[knowledge]\n{table} = {{ "a.b" = {{ stable = {value} }} }}\n')
    (tmp_path / "a.py").write_text(WASTE)
    assert "stable = true or false" in lint("check", cwd=tmp_path, expect=2).err


def test_a_group_of_rules_is_listed(tmp_path: Path) -> None:
    lines = lint("rules", "tl2", cwd=tmp_path, expect=0).out.splitlines()
    assert [line.split()[0] for line in lines] == [code for code in RULES if code.startswith("TL2")]


def test_rules_for_programs(tmp_path: Path) -> None:
    rules = json.loads(lint("rules", "--output-format", "json", cwd=tmp_path, expect=0).out)
    assert [rule["code"] for rule in rules] == list(RULES)
    by_code = {rule["code"]: rule for rule in rules}
    assert by_code["TL101"] == {
        "code": "TL101",
        "name": "redundant-transfer",
        "summary": RULES["TL101"].summary,
        "fix": RULES["TL101"].fix,
        "safety": "safe",
        "page": RULES["TL101"].page.read_text(encoding="utf-8"),
    }
    assert (by_code["TL902"]["fix"], by_code["TL902"]["safety"]) == (None, None)
    (one,) = json.loads(lint("rules", "--output-format", "json", "TL104", cwd=tmp_path, expect=0).out)
    assert one["safety"] == "unsafe"


def test_a_merge_conflict_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "x = 1\n<<<<<<< HEAD\ny = x.to('cuda:0')\n||||||| base\n=======\ny = x\n>>>>>>> theirs\n"
    )
    (tmp_path / "b.py").write_text('HEAD = """\n=======\n"""\nx.to(\n')
    out = lint("check", cwd=tmp_path, expect=1).out.splitlines()
    assert out[0].startswith("a.py:2:1: TL902 error the file does not parse: a merge conflict begins here")
    assert out[1].startswith("b.py:4:")
    assert "merge" not in out[1]
    for command in (("explain", "a.py:1"), ("graph", "a.py")):
        assert "a.py: does not parse: a merge conflict begins here" in lint(*command, cwd=tmp_path, expect=2).err


def test_what_python_warns_of_in_linted_code_is_not_printed(tmp_path: Path) -> None:
    odd = 'y = 1if x else 2\nz = "\\d"\n\n\ndef g(t: "1if x else 2"):\n    return t\n'
    (tmp_path / "a.py").write_text(WASTE + odd)
    (tmp_path / "b.ipynb").write_text(notebook("%time 1if x else 2", WASTE + odd))
    for command in (("check",), ("check", "--add-ignores"), ("check", "--write-baseline"), ("fix",)):
        assert "Warning" not in lint(*command, cwd=tmp_path, PYTHONWARNINGS="always").err
