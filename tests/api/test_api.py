"""`import transfer_lint`: the functions of docs/api.md, and the promise that the rest is private."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import transfer_lint
from tests.support.command import CLEAN, MENDED, ROOT, WASTE, environment, lint
from tests.support.documents import read
from transfer_lint import Heat, Problem, Safety, Severity


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waste.py").write_text(WASTE)
    (tmp_path / "clean.py").write_text(CLEAN)
    return tmp_path


def test_check_gives_what_the_command_prints(here: Path) -> None:
    outcome = transfer_lint.check()
    printed = json.loads(lint("check", "--output-format", "json", cwd=here).out)
    assert [(f.path, f.line, f.column, f.code, f.message) for f in outcome.findings] == [
        (f["path"], f["line"], f["column"], f["code"], f["message"]) for f in printed["findings"]
    ]
    assert outcome.summary.files == 2
    assert outcome.findings[0].severity is Severity.HINT
    assert outcome.findings[0].heat is Heat.LAYER


@pytest.mark.parametrize("paths", ["waste.py", Path("waste.py"), ["clean.py", Path("waste.py")], (".",)], ids=str)
def test_paths(here: Path, paths: str | Path | list[str | Path]) -> None:
    assert [finding.path for finding in transfer_lint.check(paths).findings] == ["waste.py"] * 2


def test_a_source_needs_no_file(here: Path) -> None:
    outcome = transfer_lint.check("pack/nodes.py", source=WASTE, select=["TL101"])
    assert [(finding.path, finding.line) for finding in outcome.findings] == [("pack/nodes.py", 6)]
    assert [finding.path for finding in transfer_lint.check(source=WASTE).findings] == ["source.py"] * 2
    assert not (here / "pack").exists()


def test_a_source_stands_for_its_file(here: Path) -> None:
    (here / "maker.py").write_text("import torch\n\n\ndef make():\n    return torch.zeros(3, device='cuda:0')\n")
    user = "from maker import make\n\n\ndef use():\n    return make().to('cuda:0')\n"
    assert [finding.code for finding in transfer_lint.check("user.py", source=user).findings] == ["TL101"]


def test_edits_are_computed_where_they_are_asked_for(here: Path) -> None:
    assert not transfer_lint.check("waste.py").edits
    outcome = transfer_lint.check("waste.py", edits=True)
    hint, warning = outcome.findings
    (edit,) = outcome.edits[warning]
    assert (edit.line, edit.text) == (6, "    return y  # stays\n")
    assert hint in outcome.edits


def test_what_cannot_be_checked_is_a_problem_and_not_raised(here: Path) -> None:
    (here / "latin.py").write_bytes(b"x.to('\xe9')\n")
    outcome = transfer_lint.check([".", "missing.py"])
    assert sorted(problem.path for problem in outcome.problems) == ["latin.py", "missing.py"]
    assert len(outcome.findings) == 2


def test_the_configuration_holds_and_can_be_replaced(here: Path) -> None:
    (here / "transfer-lint.toml").write_text('ignore = ["TL103"]\n')
    assert [finding.code for finding in transfer_lint.check().findings] == ["TL101"]
    assert transfer_lint.load_settings().ignore == ("TL103",)
    plain = transfer_lint.Settings(root=str(here))
    assert [finding.code for finding in transfer_lint.check(settings=plain).findings] == ["TL103", "TL101"]
    assert [finding.code for finding in transfer_lint.check(select=["TL103"]).findings] == ["TL103"]
    (here / "transfer-lint.toml").write_text("ignored = 1\n")
    with pytest.raises(Problem, match="did you mean 'ignore'"):
        transfer_lint.check()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"select": ["TL999"]}, "no rule is called 'TL999'", id="select"),
        pytest.param({"ignore": ["redundant"]}, "no rule is called 'redundant'", id="ignore"),
        pytest.param({"paths": ["a.py", "b.py"], "source": WASTE}, "a source has one path", id="two paths"),
    ],
)
def test_arguments_that_make_no_sense(here: Path, options: dict[str, object], words: str) -> None:
    for function in (transfer_lint.check, transfer_lint.fix):
        with pytest.raises(ValueError, match=words):
            function(**options)  # type: ignore[arg-type]


def test_fix_writes_when_it_is_told_to(here: Path) -> None:
    (here / "transfer-lint.toml").write_text('fix-hints = "always"')
    fixed = transfer_lint.fix()
    assert [(file.path, file.before, file.after) for file in fixed.files] == [("waste.py", WASTE, MENDED)]
    assert not fixed.outcome.findings
    assert (here / "waste.py").read_text() == WASTE
    transfer_lint.fix(write=True)
    assert (here / "waste.py").read_text() == MENDED
    assert (here / "clean.py").read_text() == CLEAN


def test_fix_of_a_source(here: Path) -> None:
    (here / "transfer-lint.toml").write_text('fix-hints = "always"')
    fixed = transfer_lint.fix("waste.py", source=WASTE, write=True)
    assert fixed.outcome.texts["waste.py"] == MENDED
    assert (here / "waste.py").read_text() == WASTE
    assert transfer_lint.fix("x.py", source=CLEAN).outcome.texts == {"x.py": CLEAN}


@pytest.mark.parametrize(
    "cookie", ["", "# -*- coding: latin-1 -*-\n", "# -*- coding: cp1252 -*-\n", "\ufeff"], ids=ascii
)
def test_a_source_keeps_its_characters(here: Path, cookie: str) -> None:
    text = f"{cookie}{WASTE}\nname = 'café'\n"
    found = transfer_lint.check("new.py", source=text)
    assert not found.problems
    assert found.findings
    fixed = transfer_lint.fix("new.py", source=text)
    assert fixed.files
    assert fixed.outcome.texts["new.py"].endswith("name = 'café'\n")


@pytest.mark.parametrize("text", ["# coding: ascii\nx = 'é'\n", "x = '\ud800'\n", "# coding: no-such\n"], ids=ascii)
def test_a_source_that_no_file_can_hold_is_a_problem(here: Path, text: str) -> None:
    text += WASTE
    (problem,) = transfer_lint.check("new.py", source=text).problems
    assert problem.path == "new.py"
    assert problem.mend
    fixed = transfer_lint.fix("new.py", source=text)
    assert not fixed.files
    assert fixed.outcome.problems
    assert fixed.outcome.texts["new.py"] == text


def test_unsafe_fixes_are_applied_on_request(here: Path) -> None:
    source = "import torch\n\n\ndef f(x: torch.Tensor):\n    x.cuda(0)\n    return x\n"
    (left,) = transfer_lint.fix(source=source).outcome.findings
    assert left.fix is not None
    assert left.fix.safety is Safety.UNSAFE
    assert "x = x.cuda(0)" in transfer_lint.fix(source=source, unsafe_fixes=True).outcome.texts["source.py"]


def test_what_cannot_be_written_is_a_problem(here: Path) -> None:
    (here / "waste.py").chmod(0o444)
    fixed = transfer_lint.fix(write=True)
    assert [problem.path for problem in fixed.outcome.problems] == ["waste.py"]
    assert (here / "waste.py").read_text() == WASTE


def test_importing_it_loads_nothing() -> None:
    program = (
        "import sys, transfer_lint; before = set(sys.modules)\n"
        "assert not [m for m in before if m.startswith(('transfer_lint.', 'libcst', 'torch'))"
        " and m != 'transfer_lint.version'], before\n"
        "transfer_lint.check; transfer_lint.Finding; assert 'torch' not in sys.modules\n"
        "assert set(transfer_lint.__all__) <= set(dir(transfer_lint))\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True)


def test_every_public_name_is_there_and_on_its_page() -> None:
    for name in transfer_lint.__all__:
        assert getattr(transfer_lint, name) is not None
    page = set(re.findall(r"^::: transfer_lint\.(\w+)$", read("docs/api.md"), re.MULTILINE))
    assert page == set(transfer_lint.__all__) - {"__version__"}
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        transfer_lint.no_such_name  # noqa: B018


TYPED = """
import transfer_lint
from typing_extensions import assert_type

assert_type(transfer_lint.check("a.py"), transfer_lint.Outcome)
assert_type(transfer_lint.check(source="x = 1").findings, tuple[transfer_lint.Finding, ...])
assert_type(transfer_lint.fix(["a.py"], write=True), transfer_lint.Fixed)
with transfer_lint.trace() as tracing:
    assert_type(tracing, transfer_lint.Tracing)
assert_type(tracing.result(), transfer_lint.Trace)
transfer_lint.check(1)  # type: ignore[arg-type]
transfer_lint.nothing  # type: ignore[attr-defined]
"""


@pytest.mark.slow
def test_a_program_that_uses_it_is_typed(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(TYPED)
    known = environment(MYPYPATH=str(ROOT))
    command = [sys.executable, "-m", "mypy", tmp_path / "program.py"]  # strict, and with the cache of the project's own
    ran = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
