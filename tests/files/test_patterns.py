"""Patterns mean what they mean to git, and no pattern takes long."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transfer_lint.files.discovery import collect
from transfer_lint.files.patterns import Patterns
from transfer_lint.settings import Settings

_PIECES = r"""
a b ab é . - # ! ] * ** ? / **/ /** /**/ *** [ab] [!a] [^b] [a-c] [a-] [-a] []a] [!]a] [a/b] [\]] [[:] [[:alpha:]] [ [a
[[:foo:]] [[:digit:][:upper:]-z] [:alpha:] [z-a] \ \* \/ \# \!
"""
PIECES = _PIECES.split()
LINES = st.lists(st.lists(st.sampled_from([*PIECES, " ", "\\ ", "\t", "\r"]), max_size=7).map("".join), max_size=4)
NAMES = ["a", "b", "ab", "abc", "c", "é", "aé", "[", "a]", "-", "#a", "!a", "a*", "\\", ".a", "A1", "z"]
PATHS = st.lists(st.lists(st.sampled_from([*NAMES, "a b", "a "]), min_size=1, max_size=4).map("/".join), max_size=20)


def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> bytes:
    clean = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    ran = subprocess.run(
        ["git", *arguments], cwd=cwd, input=stdin, capture_output=True, env={**os.environ, **clean}, check=False
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    git("init", "--quiet", cwd=root)
    return root


def ignored_by_git(repository: Path, lines: list[str], paths: list[str]) -> dict[str, bool]:
    """What `git check-ignore` says of paths that are not there: git takes the last part of each for a file."""
    (repository / ".gitignore").write_bytes("\n".join(lines).encode())
    names = b"".join(path.encode() + b"\0" for path in paths)
    options = ("--no-index", "--stdin", "-z", "--verbose", "--non-matching")
    fields = git("check-ignore", *options, cwd=repository, stdin=names).decode().split("\0")
    rows = zip(fields[2::4], fields[3::4], strict=False)
    return {path: bool(pattern) and not pattern.startswith("!") for pattern, path in rows}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, PATHS)
def test_patterns_match_what_git_says(repository: Path, lines: list[str], paths: list[str]) -> None:
    wanted = ignored_by_git(repository, lines, sorted(set(paths)))
    patterns = Patterns(str(repository), [line.removesuffix("\r") for line in lines])
    assert {path: patterns.match(str(repository / path), is_folder=False) for path in wanted} == wanted


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("a*a*a*a*a*a*a*a*a*a*a*c", "a" * 250, id="stars in a name"),
        pytest.param("a*" * 20_000 + "c", "a" * 250, id="very many stars"),
        pytest.param("**/a/" * 300 + "*b", "a/" * 1500 + "c", id="many folders"),
        pytest.param("x/" + "**a**/" * 100 + "b", "x/" + "aa/" * 900 + "c", id="stars in folders"),
        pytest.param("a" + " " * 50_000 + "b", "a", id="many spaces"),
        pytest.param("[" * 20_000, "[", id="classes that do not end"),
        pytest.param("[[:" * 5_000 + "]", "[", id="named classes that do not end"),
        pytest.param("\\" * 50_000, "\\", id="backslashes"),
    ],
)
def test_no_pattern_is_slow(pattern: str, name: str) -> None:  # one that backtracks does not end in a lifetime
    assert not Patterns("/top", [pattern]).match(f"/top/{name}", is_folder=False)


def test_a_long_list_is_not_compiled_for_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[bytes] = []
    real = Patterns.__init__.__globals__["Wildmatch"]
    monkeypatch.setitem(Patterns.__init__.__globals__, "Wildmatch", lambda glob: compiled.append(glob) or real(glob))
    patterns = Patterns(
        "/top", [form.format(n) for n in range(10_000) for form in ("file_{}.py", "*_{}.pyi", "/d{}/*")]
    )
    assert patterns.match("/top/x/nodes_77.pyi", is_folder=False)
    assert compiled == [b"*_77.pyi"]


def found(root: Path) -> list[str]:
    return [os.path.relpath(path, root) for path in collect([str(root)], Settings(root=str(root))).files]


def test_exclude_files_of_the_repository_and_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, root = tmp_path / "home", tmp_path / "work"
    for variable in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in ("a.py", "by_user.py", "by_info.py", "kept.py", "default.py", "sub/by_info.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")
    git("init", "--quiet", cwd=root)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "exclude").write_text("/by_info.py\nkept.py\n")
    (root / ".gitignore").write_text("!kept.py\n")  # goes over both
    (home / "config" / "git").mkdir(parents=True)
    (home / "config" / "git" / "ignore").write_text("default.py\n")
    assert found(root) == ["a.py", "by_user.py", "kept.py", "sub/by_info.py"]
    (home / "mine").write_text("by_user.py\n!by_info.py\n")
    (home / ".gitconfig").write_text('[user]\n\tname = x\n[Core "of"]\n\texcludesFile = no\n'
                                     '[core] autocrlf = no\n\tExcludesFile = "~/mine" ; yes\n')  # fmt: skip
    monkeypatch.setattr("transfer_lint.files.repository._values", _fresh())
    assert found(root) == ["a.py", "default.py", "kept.py", "sub/by_info.py"]
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "*.py"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert listed.stdout.split() == found(root)


def _fresh() -> object:
    from transfer_lint.files import repository

    return repository._values.__wrapped__


def test_in_a_work_tree_the_repository_it_belongs_to_says(tmp_path: Path) -> None:
    root, tree = tmp_path / "main", tmp_path / "tree"
    root.mkdir()
    git("init", "--quiet", cwd=root)
    git("-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--allow-empty", "-m", "x", cwd=root)
    git("worktree", "add", "--quiet", str(tree), cwd=root)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "exclude").write_text("out.py\n")
    for name in ("in.py", "out.py"):
        (tree / name).write_text("x = 1\n")
    assert found(tree) == ["in.py"]


def test_in_an_ignored_folder_only_what_git_tracks(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    (tmp_path / "made").mkdir()
    for name in ("made/kept.py", "made/left.py"):
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("made/\n")
    (tmp_path / "made" / ".gitignore").write_text("!left.py\n")
    git("add", "--force", "made/kept.py", cwd=tmp_path)
    assert found(tmp_path) == ["made/kept.py"]
