"""`transfer-lint check`: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.command import CLEAN, COOL, WASTE, environment, lint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "waste.py").write_text(WASTE)
    (tmp_path / "clean.py").write_text(CLEAN)
    return tmp_path


def codes(out: str) -> list[str]:
    """`path:line CODE` of each concise line."""
    return [f"{':'.join(line.split(':')[:2])} {line.split()[1]}" for line in out.splitlines()]


def test_reports_to_stdout_and_the_rest_to_stderr(folder: Path) -> None:
    ran = lint("check", cwd=folder, expect=1)
    assert codes(ran.out) == ["waste.py:5 TL103", "waste.py:6 TL101"]
    assert ran.out.splitlines()[1].endswith("[*]")
    assert "1 warning and 1 hint (2 files, 2 transfers" in ran.err
    assert "2 can be fixed: transfer-lint fix" in ran.err


def test_quiet_says_nothing_on_stderr(folder: Path) -> None:
    assert lint("check", "-q", cwd=folder).err == ""


@pytest.mark.parametrize(
    ("options", "code", "found"),
    [
        pytest.param((), 1, ["TL103", "TL101"], id="warnings fail"),
        pytest.param(("--fail-on", "error"), 0, ["TL103", "TL101"], id="fail on errors only"),
        pytest.param(("--select", "TL103"), 0, ["TL103"], id="hints do not fail"),
        pytest.param(("--select", "TL103", "--fail-on", "hint"), 1, ["TL103"], id="unless asked to"),
        pytest.param(("--select", "redundant-transfer"), 1, ["TL101"], id="by name"),
        pytest.param(("--select", "TL1", "--ignore", "TL101"), 0, ["TL103"], id="the more exact selector wins"),
        pytest.param(("--select", "TL101", "--ignore", "TL1"), 1, ["TL101"], id="either way"),
        pytest.param(("--select", "TL101,TL103"), 1, ["TL103", "TL101"], id="a list"),
        pytest.param(("--ignore", "TL101", "--ignore", "TL103"), 0, [], id="repeated"),
        pytest.param(("clean.py",), 0, [], id="a file without a site"),
    ],
)
def test_selection_and_exit_code(folder: Path, options: tuple[str, ...], code: int, found: list[str]) -> None:
    ran = lint("check", *options, cwd=folder, expect=code)
    assert [line.split()[1] for line in ran.out.splitlines()] == found


def test_cold_sites_are_left_out(folder: Path) -> None:
    (folder / "cool.py").write_text(COOL)
    ran = lint("check", "--min-heat", "layer", cwd=folder, expect=1)
    assert codes(ran.out) == ["waste.py:5 TL103", "waste.py:6 TL101"]
    assert lint("check", "--min-heat", "layer", "cool.py", cwd=folder, expect=0).out == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--select", "TL999"), "no rule is called 'TL999'", id="unknown code"),
        pytest.param(("--select", "redundant-transfers"), "did you mean 'redundant-transfer'?", id="nearest name"),
        pytest.param(("--fail-on", "never"), "is not one of", id="unknown severity"),
        pytest.param(("no-such.py",), "no-such.py: no such file or directory", id="missing file"),
        pytest.param(("--config", "no-such.toml"), "no-such.toml: cannot be read", id="missing configuration"),
        pytest.param(("--stdin-filename", "a.py"), "give - as the path", id="a name without standard input"),
        pytest.param(("-", "clean.py"), "stands alone", id="standard input and files"),
    ],
)
def test_cannot_run(folder: Path, options: tuple[str, ...], words: str) -> None:
    assert words in lint("check", *options, cwd=folder, expect=2).err


def test_standard_input(folder: Path) -> None:
    ran = lint("check", "-", "--stdin-filename", "pack/other.py", cwd=folder, stdin=WASTE, expect=1)
    assert codes(ran.out) == ["pack/other.py:5 TL103", "pack/other.py:6 TL101"]


def test_standard_input_stands_for_the_file_of_that_name(folder: Path) -> None:
    lint("check", "-", "--stdin-filename", "waste.py", cwd=folder, stdin=CLEAN, expect=0)


def test_json_is_the_documented_schema(folder: Path) -> None:
    ran = lint("check", "--output-format", "json", "--fixes", cwd=folder, expect=1)
    value = json.loads(ran.out)
    seconds = value["summary"].pop("seconds")
    assert seconds >= 0
    assert value["version"] == 1
    assert value["summary"] == {
        "files": 2, "sites": 2, "errors": 0, "warnings": 1, "hints": 1, "suppressed": 0,
    }  # fmt: skip
    _, finding = value["findings"]
    evidence = finding.pop("evidence")
    assert evidence
    assert all(list(fact) == ["path", "cell", "line", "column", "text"] for fact in evidence)
    assert finding == {
        "path": "waste.py",
        "cell": None,
        "line": 6,
        "column": 14,
        "end_line": 6,
        "end_column": 26,
        "code": "TL101",
        "name": "redundant-transfer",
        "severity": "warning",
        "heat": "layer",
        "function": "twice",
        "message": finding["message"],
        "assumptions": [],
        "fix": {
            "safety": "safe",
            "title": finding["fix"]["title"],
            "edits": [{"line": 6, "column": 1, "end_line": 7, "end_column": 1, "text": "    return y  # stays\n"}],
        },
    }


def test_json_computes_edits_only_when_asked(folder: Path) -> None:
    ran = lint("check", "--output-format", "json", cwd=folder)
    assert [sorted(finding["fix"]) for finding in json.loads(ran.out)["findings"]] == [["safety", "title"]] * 2


def test_edits_applied_one_by_one_are_each_the_rewrite_of_that_finding(folder: Path) -> None:
    head, twice, net = WASTE.rstrip("\n").split("\n\n\n")
    text = "\n\n\n".join((head, net, twice))  # the last line, without its end, is the one to mend
    (folder / "waste.py").write_bytes(text.encode())
    value = json.loads(lint("check", "--output-format", "json", "--fixes", cwd=folder).out)
    (edit,) = value["findings"][1]["fix"]["edits"]
    assert edit == {
        "line": 14,
        "column": 1,
        "end_line": 14,
        "end_column": len(text.splitlines()[13]) + 1,
        "text": "    return y  # stays",
    }


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        pytest.param(6, "# transfer-lint: ignore[TL101] proved elsewhere", id="code and reason"),
        pytest.param(6, "# transfer-lint: ignore", id="bare"),
        pytest.param(6, "# transfer-lint: ignore[redundant-transfer]", id="name"),
        pytest.param(6, "# transfer-lint: ignore[TL1]", id="prefix"),
        pytest.param(6, "# transfer-lint:ignore[TL201,redundant-transfer, TL9]", id="list"),
        pytest.param(6, "# type: ignore # transfer-lint: ignore[TL101]", id="after another comment"),
    ],
)
def test_ignore_comments(folder: Path, line: int, comment: str) -> None:
    lines = WASTE.splitlines()
    lines[line - 1] += f"  {comment}"
    (folder / "waste.py").write_text("\n".join(lines) + "\n")
    ran = lint("check", cwd=folder, expect=0)
    assert codes(ran.out) == ["waste.py:5 TL103"]
    assert re.search(r"[12] ignored by comments", ran.err)


@pytest.mark.parametrize(
    "comment",
    ["# transfer-lint: ignore[TL103]", "# noqa", "# transfer-lint: ignore[TL101", "# transfer-lint: ignored"],
)
def test_comments_that_ignore_nothing_here(folder: Path, comment: str) -> None:
    (folder / "waste.py").write_text(WASTE.replace("# stays", comment))
    assert "waste.py:6 TL101" in codes(lint("check", cwd=folder, expect=1).out)


def test_a_rule_that_there_is_none_of_is_named(folder: Path) -> None:
    (folder / "waste.py").write_text(WASTE.replace("# stays", "# transfer-lint: ignore[TL777]"))
    assert "hides nothing: no rule is called `TL777`" in lint("check", cwd=folder, expect=1).out
    (folder / "waste.py").write_text(WASTE.replace("# stays", "# transfer-lint: ignore[TL101, TL777]"))
    assert "`TL777` hides nothing here: no rule is called `TL777`" in lint("check", cwd=folder, expect=0).out


def test_a_string_is_no_comment(folder: Path) -> None:
    text = '"""\n# transfer-lint: skip-file\n"""\n' + WASTE.replace("y.to(", 'y.to("# transfer-lint: ignore" and ')
    (folder / "waste.py").write_text(text)
    assert lint("check", cwd=folder).out != ""


def test_comment_on_the_first_or_last_line_of_the_statement(folder: Path) -> None:
    spread = "    return (  {}\n        y\n        .to(\n            'cuda:0'\n        )\n    )  {}\n"
    comment = "# transfer-lint: ignore[TL101]"
    for first, last in ((comment, ""), ("", comment)):
        (folder / "waste.py").write_text(WASTE[: WASTE.index("    return")] + spread.format(first, last))
        assert codes(lint("check", cwd=folder, expect=0).out) == ["waste.py:5 TL103"]


def test_skip_file(folder: Path) -> None:
    (folder / "waste.py").write_text("# transfer-lint: skip-file\n" + WASTE)
    assert lint("check", cwd=folder, expect=0).out == ""


def test_one_files_trouble_does_not_stop_the_others(folder: Path) -> None:
    (folder / "bad.py").write_text("x.to(d\n")
    (folder / "latin.py").write_bytes(b"x.to('\xe9')\n")
    ran = lint("check", cwd=folder, expect=2)
    assert codes(ran.out) == ["bad.py:1 TL902", "waste.py:5 TL103", "waste.py:6 TL101"]
    assert "latin.py: is not UTF-8 and has no coding cookie (line 1)" in ran.err


PROBE = """
import sys
compiled = []
sys.addaudithook(lambda event, args: compiled.append(args[1]) if event == "compile" else None)
sys.argv = ["transfer-lint", "check", "--no-cache", *sys.argv[1:]]
from transfer_lint.cli import main
try:
    main()
except SystemExit:
    pass
linted = [name for name in compiled if name is None or b"waste" in bytes(str(name), "utf-8") or name == "<unknown>"]
print(len(linted), "libcst" in sys.modules, "transfer_lint.flow" in sys.modules)
"""


def test_check_never_imports_libcst_and_parses_only_files_with_a_site(folder: Path) -> None:
    def probe(name: str) -> str:
        command = [sys.executable, "-c", PROBE, name]
        found = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
        return found.stdout.splitlines()[-1]

    assert probe("clean.py") == "0 False False"
    assert probe("waste.py") == "1 False True"
    (folder / "transfer-lint.toml").write_text('ignore = ["TL3"]\nextend-select = ["redundant-transfer"]\n')
    assert probe("clean.py") == "0 False False"


def test_a_reader_that_leaves_early_sees_no_traceback(folder: Path) -> None:
    for number in range(40):
        (folder / f"waste{number}.py").write_text(WASTE * 20)
    command = f"{sys.executable} -m transfer_lint check -q | head -n 1"
    found = subprocess.run(
        command, shell=True, cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    assert found.stdout.count("\n") == 1
    assert found.stderr == ""


def test_order_and_findings_are_the_same_on_many_processes(folder: Path) -> None:
    for number in range(12):
        (folder / f"big{number:02}.py").write_text("# filler\n" * 4000 + WASTE)
    together = lint("check", "-q", cwd=folder, expect=1).out.splitlines()
    alone = [
        line
        for name in sorted(path.name for path in folder.iterdir())
        for line in lint("check", "-q", name, cwd=folder).out.splitlines()
    ]
    assert together == alone
    assert len(together) == 26


def test_what_is_said_of_the_lint_itself(folder: Path) -> None:
    """A comment is looked at without a site in its file; neither rule has a heat that could leave it out."""
    (folder / "clean.py").write_text(CLEAN.replace("pass", "pass  # transfer-lint: ignore"))
    (folder / "bad.py").write_text("x.to(d\n")
    (folder / "waste.py").write_text(COOL)
    ran = lint("check", "--min-heat", "layer", "--output-format", "full", cwd=folder, expect=1)
    assert "error TL902 unparsable-file  bad.py:1:5" in ran.out
    assert "heat" not in ran.out
    assert "clean.py:2:11: TL901 hint" in ran.out
    assert lint("check", "--ignore", "TL9", "--min-heat", "layer", cwd=folder, expect=0).out == ""
    lint("check", "--fail-on", "hint", "--select", "TL901", "waste.py", cwd=folder, expect=0)


def test_a_comment_for_a_rule_that_is_not_selected_is_in_use(folder: Path) -> None:
    (folder / "waste.py").write_text(WASTE.replace("# stays", "# transfer-lint: ignore[TL101]"))
    assert lint("check", "--select", "TL2,TL901", cwd=folder, expect=0).out == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_written_to_and_not_replaced(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    lint("check", "--output-format", "json", "--output-file", "pipe", "waste.py", cwd=folder, expect=1)
    reader.join(60)
    assert json.loads(read[0])["findings"]
    assert pipe.is_fifo()


BOTH = """\
import torch


def run(steps, x: torch.Tensor):
    x = x.to("cuda:0")
    for step in range(steps):
        x = x * 2
        if x.sum().to("cuda:0"):
            x = x + 1
    return x
"""


def test_a_transfer_and_a_host_read_at_one_place_are_two_findings(folder: Path) -> None:
    (folder / "both.py").write_text(BOTH)
    ran = lint("check", "both.py", cwd=folder, expect=1)
    assert codes(ran.out) == ["both.py:5 TL102", "both.py:8 TL301", "both.py:8 TL101"]
    explained = lint("explain", "both.py:8", cwd=folder).out
    assert "TL101 redundant-transfer" in explained


UPLOADING = """\
import torch


def train(model, loader, device):
    for x in loader:
        model(x)
        sizes = torch.tensor([x.shape[0], 2], device=device)
        print(sizes)
"""


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param((), [("hint", ["runs-on-accelerator"]), ("hint", ["runs-on-accelerator"])], id="assumed"),
        pytest.param(("--proved-only",), [("hint", []), ("hint", [])], id="proved"),
    ],
)
def test_a_hint_without_a_fix_names_what_its_own_evidence_assumes(
    tmp_path: Path, options: tuple[str, ...], found: list[tuple[str, list[str]]]
) -> None:
    (tmp_path / "a.py").write_text(UPLOADING)
    value = json.loads(lint("check", "--output-format", "json", "--exit-zero", *options, cwd=tmp_path).out)
    assert [(each["severity"], each["assumptions"]) for each in value["findings"]] == found
