"""The configuration: what each key takes, and what a mistake says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from tests.support.command import ROOT, WASTE, lint
from transfer_codemods.actions import GuardForm
from transfer_lint.findings import FixHints, Heat, Severity
from transfer_lint.lint import configuration, lookup
from transfer_lint.lint.configuration import KEYS
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GOOD = [
    pytest.param("plugins = []", {"plugins": ()}, id="plugins"),
    pytest.param('select = ["TL1"]', {"select": ("TL1",)}, id="select"),
    pytest.param('extend-select = ["TL104"]', {"extend_select": ("TL104",)}, id="extend-select"),
    pytest.param('ignore = ["redundant-transfer"]', {"ignore": ("redundant-transfer",)}, id="ignore"),
    pytest.param('per-file-ignores = {"t/**" = ["ALL"]}', {"per_file_ignores": (("t/**", ("ALL",)),)}, id="per-file"),
    pytest.param('exclude = ["a"]', {"exclude": ("a",)}, id="exclude"),
    pytest.param('extend-exclude = ["a"]', {"extend_exclude": ("a",)}, id="extend-exclude"),
    pytest.param("respect-gitignore = false", {"respect_gitignore": False}, id="respect-gitignore"),
    pytest.param('fail-on = "hint"', {"fail_on": Severity.HINT}, id="fail-on"),
    pytest.param('min-heat = "step"', {"min_heat": Heat.STEP}, id="min-heat"),
    pytest.param('trust = ["library-model"]', {"trust": ("library-model",)}, id="trust"),
    pytest.param("unsafe-fixes = true", {"unsafe_fixes": True}, id="unsafe-fixes"),
    pytest.param('fix-hints = "always"', {"fix_hints": FixHints.ALWAYS}, id="fix-hints"),
    pytest.param('fixable = ["TL101"]', {"fixable": ("TL101",)}, id="fixable"),
    pytest.param('unfixable = ["TL1"]', {"unfixable": ("TL1",)}, id="unfixable"),
    pytest.param('extend-safe-fixes = ["TL104"]', {"extend_safe_fixes": ("TL104",)}, id="extend-safe-fixes"),
    pytest.param('extend-unsafe-fixes = ["TL1"]', {"extend_unsafe_fixes": ("TL1",)}, id="extend-unsafe-fixes"),
    pytest.param('module-guard = "cached"', {"module_guard": GuardForm.CACHED}, id="module-guard"),
    pytest.param('target-version = "3.10"', {"target_version": (3, 10)}, id="target-version"),
    pytest.param('target-version = "py312"', {"target_version": (3, 12)}, id="target-version as tools write it"),
    pytest.param('output-format = "json"', {"output_format": "json"}, id="output-format"),
    pytest.param("analysis-budget = 100000", {"analysis_budget": 100_000}, id="analysis-budget"),
    pytest.param('baseline = "b.json"', {"baseline": "b.json"}, id="baseline"),
    pytest.param("cache = false", {"cache": False}, id="cache"),
    pytest.param('cache-dir = "c"', {"cache_dir": "c"}, id="cache-dir"),
    pytest.param("analysis-budget = 9", {"analysis_budget": 9}, id="analysis-budget"),
    pytest.param("knowledge = {}", {"knowledge": {}}, id="knowledge"),
]

BAD = [
    pytest.param('fail_on = "hint"', "unknown key tool.transfer-lint.fail_on; did you mean 'fail-on'?", id="key"),
    pytest.param("zzz = 1", "unknown key tool.transfer-lint.zzz; the keys are plugins, select, ", id="key like none"),
    pytest.param('plugins = ["./rules"]', "a folder is taken from --plugins or TRANSFER_LINT_PLUGINS", id="plugins"),
    pytest.param('select = "TL1"', "tool.transfer-lint.select = 'TL1'; must be a list of strings", id="type"),
    pytest.param("select = []", "must name a rule", id="no rule"),
    pytest.param("fixable = []", "must name a rule", id="no fix"),
    pytest.param("analysis-budget = 0", "must be a whole number, 1 or more", id="budget"),
    pytest.param('select = ["TL199"]', "no rule is called 'TL199'", id="rule"),
    pytest.param('ignore = ["redundant-transfr"]', "did you mean 'redundant-transfer'?", id="rule's name"),
    pytest.param('per-file-ignores = {"a" = ["X"]}', "no rule is called 'X'", id="rule for a file"),
    pytest.param('per-file-ignores = ["a"]', "must be a table of pattern", id="per-file-ignores"),
    pytest.param('fail-on = "warnings"', "must be one of hint, warning, error; did you mean 'warning'?", id="severity"),
    pytest.param("min-heat = 3", "must be one of once, call, step, layer", id="heat"),
    pytest.param('trust = ["library"]', "did you mean 'library-model'?", id="trust"),
    pytest.param('unsafe-fixes = "yes"', "must be true or false", id="boolean"),
    pytest.param('target-version = "2.7"', "must be a Python version from '3.8' to '3.14'", id="Python"),
    pytest.param("target-version = 3.10", "must be a Python version", id="Python unquoted"),
    pytest.param('target-version = "3.99"', "must be a Python version", id="Python to come"),
    pytest.param("knowledge = {nonsense = 1}", "tool.transfer-lint.knowledge", id="knowledge"),
    pytest.param("analysis-budget = true", "tool.transfer-lint.analysis-budget", id="budget"),
    pytest.param("analysis-budget = 0", "tool.transfer-lint.analysis-budget", id="no budget"),
    pytest.param('baseline = ""', "must be the path of a file", id="baseline"),
    pytest.param('cache = "no"', "must be true or false", id="cache"),
    pytest.param('cache-dir = "s3://b/f"', "a URL is taken from --cache-dir or TRANSFER_LINT_CACHE_DIR", id="url"),
    pytest.param("cache-dir = true", "must be the path of a file", id="cache-dir"),
    pytest.param("select = [", "is not TOML", id="TOML"),
    pytest.param(f"min-heat = {'9' * 5000}", "is not TOML", id="a number that is too long"),
]


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(f"[tool.transfer-lint]\n{text}\n")
    return folder


@pytest.mark.parametrize(("text", "fields"), GOOD)
def test_each_key(tmp_path: Path, text: str, fields: dict[str, object]) -> None:
    settings = lookup.load([str(written(tmp_path, text))])
    assert {name: getattr(settings, name) for name in fields} == fields
    assert settings.root == str(tmp_path)


def test_every_key_is_tried_and_fills_a_field() -> None:
    tried = {str(case.values[0]).split(" ")[0] for case in GOOD}
    assert tried == {key.name for key in KEYS}
    assert {key.field for key in KEYS} == set(Settings.__dataclass_fields__) - {"root", "source", "nested"}


@pytest.mark.parametrize(("text", "words"), BAD)
def test_mistakes_name_file_key_and_mend(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Problem) as raised:
        lookup.load([str(written(tmp_path, text))])
    assert str(raised.value).startswith(f"{tmp_path}/pyproject.toml: ")
    assert words in str(raised.value)


def test_a_mistake_ends_the_run_with_2(tmp_path: Path) -> None:
    ran = lint("check", cwd=written(tmp_path, 'select = ["TL199"]'), expect=2)
    assert ran.err.startswith("error: pyproject.toml: tool.transfer-lint.select = ['TL199']; no rule is called 'TL199'")


@pytest.mark.parametrize("name", ["transfer_lint", "transferlint", "tranfer-lint"])
def test_a_table_of_nearly_that_name_is_a_mistake(tmp_path: Path, name: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[tool.{name}]\nignore = ["TL1"]\n\n[tool.transfer]\nother = 1\n')
    with pytest.raises(Problem, match=rf"\[tool\.{name}\] is not read; did you mean \[tool\.transfer-lint\]\?"):
        lookup.load([str(tmp_path)])


def test_nor_is_it_passed_over_where_there_is_nothing_to_report(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.transfer_lint]\n")
    (tmp_path / "a.py").write_text("x = 1\n")
    assert "did you mean [tool.transfer-lint]?" in lint("check", "a.py", cwd=tmp_path, hints=False, expect=2).err


def test_the_nearest_table_counts_and_patterns_are_relative_to_it(tmp_path: Path) -> None:
    written(tmp_path, 'fail-on = "error"')
    inner = tmp_path / "pack"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n")  # has no table of ours
    assert lookup.load([str(inner)]).fail_on is Severity.ERROR
    (inner / "transfer-lint.toml").write_text('fail-on = "hint"\n')
    assert lookup.load([str(inner)]).fail_on is Severity.HINT
    assert lookup.load([str(inner)]).root == str(inner)
    assert lookup.load([str(inner), str(tmp_path)]).fail_on is Severity.ERROR


def test_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    written(tmp_path, 'ignore = ["TL101"]\nfail-on = "hint"')
    assert len(lint("check", cwd=tmp_path, expect=1).out.splitlines()) == 1
    assert "TL101" in lint("check", "--select", "TL101", cwd=tmp_path, expect=1).out
    assert lint("check", "--ignore", "TL103", cwd=tmp_path, expect=0).out == ""
    lint("check", "--fail-on", "error", cwd=tmp_path, expect=0)


def test_per_file_ignores(tmp_path: Path) -> None:
    written(tmp_path, 'per-file-ignores = {"old/" = ["TL1"], "*_test.py" = ["TL101"]}')
    (tmp_path / "old").mkdir()
    for name in ("old/a.py", "b_test.py", "c.py"):
        (tmp_path / name).write_text(WASTE)
    found = [(line.split(":")[0], line.split()[1]) for line in lint("check", cwd=tmp_path).out.splitlines()]
    assert found == [("b_test.py", "TL103"), ("c.py", "TL103"), ("c.py", "TL101")]


def test_unsafe_fixes_and_module_guard_reach_the_rewrites(tmp_path: Path) -> None:
    source = (
        "import torch\n\n\nclass A(torch.nn.Module):\n    pass\n\n\n"
        'def forward(model: A, x):\n    model.to("cuda:0")\n    return model(x)\n'
    )
    (tmp_path / "a.py").write_text(source)
    written(tmp_path, 'module-guard = "first-tensor"')
    assert lint("fix", "--diff", cwd=tmp_path).out == ""  # a form that trusts others is unsafe
    written(tmp_path, 'module-guard = "first-tensor"\nunsafe-fixes = true')
    assert "next(" in lint("fix", "--diff", cwd=tmp_path).out
    assert lint("fix", "--diff", "--no-unsafe-fixes", cwd=tmp_path).out == ""


def test_a_fix_that_the_target_version_cannot_parse_is_not_made(tmp_path: Path) -> None:
    written(tmp_path, 'target-version = "3.9"')
    text = WASTE + "\n\nmatch twice:\n    case _:\n        pass\n"
    (tmp_path / "a.py").write_text(text)
    ran = lint("fix", cwd=tmp_path, expect=2)
    assert "does not parse as Python 3.9" in ran.err
    assert (tmp_path / "a.py").read_text() == text


SCHEMA = Draft7Validator(configuration.schema())


def table_of(text: str) -> dict[str, object]:
    return tomllib.loads(text)


def test_the_schema_is_one_and_the_one_on_the_site() -> None:
    Draft7Validator.check_schema(configuration.schema())
    assert json.loads((ROOT / "docs" / "configuration.schema.json").read_text()) == configuration.schema()


@pytest.mark.parametrize(("text", "fields"), GOOD)
def test_the_schema_takes_what_the_tool_takes(text: str, fields: dict[str, object]) -> None:
    SCHEMA.validate(table_of(text))


NOT_FOR_A_SCHEMA = ("TOML", "knowledge", "a number that is too long")


@pytest.mark.parametrize(("text", "words"), [case for case in BAD if case.id not in NOT_FOR_A_SCHEMA])
def test_the_schema_refuses_what_the_tool_refuses(text: str, words: str) -> None:
    assert list(SCHEMA.iter_errors(table_of(text)))
