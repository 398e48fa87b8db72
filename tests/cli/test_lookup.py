"""Which configuration holds for which file, and the options that decide about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import transfer_lint
from tests.support.command import CLEAN, WASTE, environment, lint
from tests.support.owners import NOBODY, as_root
from transfer_lint.lint.lookup import Lookup


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    """A repository with three projects: one with a configuration of each kind, one with none."""
    files = {
        "pyproject.toml": '[tool.transfer-lint]\nignore = ["TL101"]\nextend-exclude = ["made"]\n',
        "top.py": WASTE,
        "a/transfer-lint.toml": 'ignore = ["TL103"]\nper-file-ignores = {"/old.py" = ["TL101"]}\n',
        "a/x.py": WASTE,
        "a/old.py": WASTE,
        "a/made/x.py": WASTE,
        "b/pyproject.toml": '[project]\nname = "b"\n',
        "b/x.py": WASTE,
        "b/made/x.py": WASTE,
        "c/pyproject.toml": '[tool.transfer-lint]\nextend-exclude = ["/out.py"]\n',
        "c/x.py": WASTE,
        "c/out.py": WASTE,
        "c/in/out.py": WASTE,
    }
    (tmp_path / ".git").mkdir()
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


EVERYWHERE = {
    ("top.py", "TL103"), ("b/x.py", "TL103"), ("a/x.py", "TL101"), ("a/made/x.py", "TL101"),
    ("c/x.py", "TL101"), ("c/x.py", "TL103"), ("c/in/out.py", "TL101"), ("c/in/out.py", "TL103"),
}  # fmt: skip


def told(out: str) -> set[tuple[str, str]]:
    return {(line.split(":")[0], line.split()[1]) for line in out.splitlines()}


def test_the_nearest_configuration_holds_for_each_file(mono: Path) -> None:
    assert told(lint("check", cwd=mono).out) == EVERYWHERE
    assert told(lint("check", "a", "c", "b", "top.py", cwd=mono).out) == EVERYWHERE


def test_files_named_one_by_one_as_pre_commit_does(mono: Path) -> None:
    names = sorted(str(path.relative_to(mono)) for path in mono.rglob("*.py"))
    assert told(lint("check", "--force-exclude", *names, cwd=mono).out) == EVERYWHERE


def test_several_roots_without_a_configuration_over_them(mono: Path) -> None:
    (mono / "pyproject.toml").unlink()
    assert told(lint("check", "a", "b", cwd=mono).out) == {
        ("a/x.py", "TL101"), ("a/made/x.py", "TL101"), ("b/x.py", "TL101"), ("b/x.py", "TL103"),
        ("b/made/x.py", "TL101"), ("b/made/x.py", "TL103"),
    }  # fmt: skip


def test_programs_are_given_the_same(mono: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mono)
    assert {(finding.path, finding.code) for finding in transfer_lint.check(".").findings} == EVERYWHERE


def test_options_go_over_every_configuration(mono: Path) -> None:
    found = told(lint("check", "--select", "TL101", cwd=mono).out)
    assert found == {("top.py", "TL101"), ("b/x.py", "TL101")} | {each for each in EVERYWHERE if each[1] == "TL101"}


def test_fixes_keep_to_the_nearest_configuration(mono: Path) -> None:
    (mono / "a" / "transfer-lint.toml").write_text('unfixable = ["TL101"]\n')
    (mono / "c" / "pyproject.toml").write_text('[tool.transfer-lint]\nfixable = ["TL101"]\n')
    lint("fix", cwd=mono)
    assert (mono / "a" / "x.py").read_text().count(".to(") == 2
    assert (mono / "c" / "x.py").read_text() == WASTE.replace('y.to("cuda:0")', "y")


def test_a_wrong_configuration_deeper_down_ends_the_run(mono: Path) -> None:
    (mono / "a" / "transfer-lint.toml").write_text("nonsense = 1\n")
    assert "a/transfer-lint.toml: unknown key nonsense" in lint("check", cwd=mono, expect=2).err


def test_config_holds_alone_and_isolated_is_without(mono: Path) -> None:
    (mono / "mine.toml").write_text('select = ["TL103"]\n')
    found = lint("check", "--config", "mine.toml", "a", "c", cwd=mono).out
    assert {code for _, code in told(found)} == {"TL103"}
    found = lint("check", "--isolated", "a", "top.py", cwd=mono).out
    assert told(found) == {(name, code) for name in ("a/x.py", "a/old.py", "a/made/x.py", "top.py") for code in
                           ("TL101", "TL103")}  # fmt: skip
    assert "choose one" in lint("check", "--isolated", "--config", "mine.toml", cwd=mono, expect=2).err


# How far up.


def test_no_further_up_than_the_repository(tmp_path: Path) -> None:
    (tmp_path / "transfer-lint.toml").write_text('ignore = ["TL"]\n'.replace("TL", "TL1"))
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "a.py").write_text(WASTE)
    lint("check", cwd=pack, expect=0)
    (pack / ".git").mkdir()
    lint("check", cwd=pack, expect=1)
    (pack / "deep").mkdir()
    (pack / "deep" / "a.py").write_text(WASTE)
    (pack / "transfer-lint.toml").write_text('ignore = ["TL1"]\n')
    lint("check", "deep", cwd=pack, expect=0)


def test_no_further_up_than_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    (home / "work" / "a.py").write_text(WASTE)
    (tmp_path / "transfer-lint.toml").write_text('ignore = ["TL1"]\n')
    lint("check", "work", cwd=home, expect=1, HOME=str(home))
    lint("check", "work", cwd=home, expect=0, HOME=str(tmp_path))
    (home / "transfer-lint.toml").write_text('ignore = ["TL1"]\n')
    lint("check", "work", cwd=home, expect=0, HOME=str(home))


@as_root
def test_files_of_other_owners_are_passed_over_and_named(tmp_path: Path) -> None:
    planted = tmp_path / "transfer-lint.toml"
    planted.write_text('ignore = ["TL1"]\n')
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.py").write_text(WASTE)
    os.chown(planted, NOBODY, NOBODY)
    for folder, argument in ((mine, "."), (tmp_path, "mine"), (tmp_path, ".")):
        err = lint("check", argument, cwd=folder, expect=1).err
        assert "transfer-lint.toml belongs to somebody else and is not used; --config " in err
    lint("check", "--config", str(planted), cwd=mine, expect=0)
    os.chown(mine, NOBODY, NOBODY)  # who owns what is checked may say how
    lint("check", cwd=mine, expect=0)


@as_root
def test_a_link_to_a_file_of_mine_is_not_mine(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('ignore = ["TL1"]\n')
    (tmp_path / "a.py").write_text(WASTE)
    os.symlink("own.toml", tmp_path / "transfer-lint.toml")
    os.chown(tmp_path / "transfer-lint.toml", NOBODY, NOBODY, follow_symlinks=False)
    lint("check", cwd=tmp_path, expect=1)


@as_root
def test_ignore_patterns_of_other_owners_do_not_count(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.py").write_text(WASTE)
    (tmp_path / ".gitignore").write_text("a.py\n")
    lint("check", "mine", cwd=tmp_path, expect=0)
    os.chown(tmp_path / ".gitignore", NOBODY, NOBODY)
    lint("check", "mine", cwd=tmp_path, expect=1)


# What is said of it.


def test_verbose_names_the_files_that_were_read(mono: Path) -> None:
    err = lint("check", "-v", cwd=mono).err
    assert "configuration: pyproject.toml, a/transfer-lint.toml, c/pyproject.toml\n" in err
    assert "configuration: none, the defaults hold\n" in lint("check", "-v", "--isolated", cwd=mono).err


def test_show_settings_can_be_read_again(mono: Path, tmp_path: Path) -> None:
    out = lint("check", "--show-settings", "--min-heat", "step", cwd=mono, expect=0).out
    blocks = out.strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [
        "# pyproject.toml", "# a/transfer-lint.toml", "# c/pyproject.toml",
    ]  # fmt: skip
    assert f"# root: {mono}/a, files: 3" in blocks[1].splitlines()
    (mono / "d").mkdir()
    (mono / "d" / "transfer-lint.toml").write_text(blocks[1])
    again = Lookup().over([str(mono / "d")])
    assert (again.ignore, again.min_heat.value, again.per_file_ignores) == (
        ("TL103",), "step", (("/old.py", ("TL101",)),),
    )  # fmt: skip


def test_show_files(mono: Path) -> None:
    out = lint("check", "--show-files", "--exclude", "c,in", cwd=mono, expect=0).out
    assert out.splitlines() == ["a/made/x.py", "a/old.py", "a/x.py", "b/x.py", "top.py"]
    assert lint("fix", "--show-files", "a", cwd=mono, expect=0).out.splitlines() == [
        "a/made/x.py",
        "a/old.py",
        "a/x.py",
    ]
    assert (mono / "a" / "x.py").read_text() == WASTE


def test_exit_zero(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    for command in ("check", "fix"):
        assert (
            "TL101"
            in lint(command, "--exit-zero", "--ignore", "TL103", "--unfixable", "TL1", cwd=tmp_path, expect=0).out
        )
    lint("check", "--exit-zero", "missing.py", cwd=tmp_path, expect=2)


def test_color(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    assert "\x1b[38;5;130m" in lint("check", "--color", "always", cwd=tmp_path, NO_COLOR="1").out
    assert "\x1b[38;5;130m" in lint("check", cwd=tmp_path, FORCE_COLOR="1").out
    assert "\x1b" not in lint("check", "--color", "never", cwd=tmp_path, FORCE_COLOR="1").out


def test_standard_input_obeys_force_exclude(tmp_path: Path) -> None:
    (tmp_path / "transfer-lint.toml").write_text('extend-exclude = ["made"]\n')
    named = ("-", "--stdin-filename", "made/a.py")
    assert lint("fix", *named, cwd=tmp_path, stdin=WASTE).out != WASTE
    assert lint("fix", "--force-exclude", *named, cwd=tmp_path, stdin=WASTE, expect=0).out == WASTE
    lint("check", *named, cwd=tmp_path, stdin=WASTE, expect=1)
    lint("check", "--force-exclude", *named, cwd=tmp_path, stdin=WASTE, expect=0)


def test_what_is_excluded_by_default_is_left_out_where_it_is_named_too(tmp_path: Path) -> None:
    """As pre-commit names files, one by one; also without a configuration."""
    for path in ("a.py", "build/b.py", "deep/.venv/lib/c.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(WASTE)
    named = ("a.py", "build/b.py", "deep/.venv/lib/c.py")
    assert lint("check", "--show-files", *named, cwd=tmp_path, expect=0).out.split() == [*named]
    assert lint("check", "--show-files", "--force-exclude", *named, cwd=tmp_path, expect=0).out.split() == ["a.py"]
    assert lint("check", "--show-files", "--force-exclude", "build", cwd=tmp_path).out == ""
    lint("check", "--force-exclude", "-", "--stdin-filename", "build/x.py", cwd=tmp_path, stdin=WASTE, expect=0)
    (tmp_path / "pyproject.toml").write_text("[tool.transfer-lint]\n")
    assert lint("check", "--show-files", "--force-exclude", *named, cwd=tmp_path, expect=0).out.split() == ["a.py"]


def test_selecting_nothing_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CLEAN)
    assert "is empty" in lint("check", "--select", "", cwd=tmp_path, expect=2).err


def test_a_safety_that_the_user_sets(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    (tmp_path / "transfer-lint.toml").write_text('extend-unsafe-fixes = ["TL101"]\n')
    assert "[*]" not in lint("check", "--select", "TL101", cwd=tmp_path).out
    assert lint("fix", "--diff", "--select", "TL101", cwd=tmp_path).out == ""
    assert lint("fix", "--diff", "--select", "TL101", "--unsafe-fixes", cwd=tmp_path).out
    (tmp_path / "transfer-lint.toml").write_text('extend-unsafe-fixes = ["TL1"]\nextend-safe-fixes = ["TL101"]\n')
    assert lint("fix", "--diff", "--select", "TL101", cwd=tmp_path).out


JOBS = """
import sys
from transfer_lint.lint import pool
real = pool.usable_processors
pool.usable_processors = lambda: print("processes:", real(), file=sys.stderr) or 1
from transfer_lint.cli import main
main()
"""


@pytest.mark.parametrize("command", ["check", "fix"])
def test_jobs(tmp_path: Path, command: str) -> None:
    (tmp_path / "a.py").write_text(WASTE)

    def err(*arguments: str, **extra: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", JOBS, command, "--no-cache", *arguments],
            cwd=tmp_path, env=environment(**extra), capture_output=True, text=True, check=False,
        ).stderr  # fmt: skip

    assert "processes: 7\n" in err("--jobs", "7", TRANSFER_LINT_JOBS="3")
    assert "processes: 3\n" in err(TRANSFER_LINT_JOBS="3")
    assert "processes: 0" not in err(TRANSFER_LINT_JOBS="0")
    assert "--jobs" in err("--jobs", "0")
