"""From arguments to files; and the source tree that a file belongs to."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.owners import NOBODY, as_root
from transfer_lint.files.discovery import collect
from transfer_lint.files.tree import MAX_TREE_FILES, DiskSources
from transfer_lint.settings import Settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def grow(*paths: str) -> None:
    for path in paths:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")


def found(*arguments: str, **settings: object) -> list[str]:
    result = collect(arguments or (".",), Settings(root=os.getcwd(), **settings))  # type: ignore[arg-type]
    assert not result.problems
    return list(result.files)


def troubles(*arguments: str) -> list[str]:
    return [str(problem) for problem in collect(arguments, Settings(root=os.getcwd())).problems]


def test_sorted_and_unique(here: Path) -> None:
    grow("b.py", "a/z.py", "a/b.py", "c.txt", "node-pack/n.py")
    assert found(".", "a", "b.py", "./b.py") == ["a/b.py", "a/z.py", "b.py", "node-pack/n.py"]


def test_a_named_file_is_taken_whatever_it_is_called(here: Path) -> None:
    grow("script", "build/a.py")
    assert found("script", "build/a.py") == ["build/a.py", "script"]


def test_outside_the_working_directory_paths_are_absolute(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow("pack/a.py", "elsewhere/x")
    monkeypatch.chdir("elsewhere")
    assert found("../pack") == [f"{here}/pack/a.py"]


@pytest.mark.parametrize("folder", [".venv", ".git", "node_modules", "build", "dist", "__pycache__", "venv"])
def test_default_excludes_hold_at_any_depth_but_not_for_the_named_folder(here: Path, folder: str) -> None:
    grow(f"{folder}/a.py", f"deep/{folder}/a.py", "kept.py")
    assert found() == ["kept.py"]
    assert found(folder) == [f"{folder}/a.py"]
    assert found(exclude=()) == sorted([f"{folder}/a.py", f"deep/{folder}/a.py", "kept.py"])


def test_excludes_are_patterns_as_in_gitignore(here: Path) -> None:
    grow("a/gen_x.py", "a/x.py", "top.py", "a/top.py", "keep/gen_y.py")
    assert found(extend_exclude=("gen_*.py", "/top.py", "!keep/gen_y.py")) == ["a/top.py", "a/x.py", "keep/gen_y.py"]


def test_excludes_are_relative_to_the_configuration(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow("pack/out/a.py", "pack/b.py")
    monkeypatch.chdir("pack")
    result = collect(["."], Settings(root=str(here), extend_exclude=("pack/out",)))
    assert result.files == ("b.py",)


def test_force_exclude_holds_for_named_files(here: Path) -> None:
    grow("fixtures/a.py", "b.py")
    settings = Settings(root=str(here), extend_exclude=("fixtures",))
    assert collect(["fixtures/a.py", "b.py"], settings).files == ("b.py", "fixtures/a.py")
    assert collect(["fixtures/a.py", "b.py"], settings, force_exclude=True).files == ("b.py",)


def test_gitignore_is_obeyed_nested_and_negated(here: Path) -> None:
    (here / ".git").mkdir()
    (here / ".gitignore").write_text("ignored/\n*_gen.py\n/only_top.py\n")
    grow("ignored/a.py", "x_gen.py", "only_top.py", "sub/only_top.py", "sub/y_gen.py", "sub/z_gen.py", "sub/own.py")
    (here / "sub" / ".gitignore").write_text("!y_gen.py\nown.py\n")
    assert found() == ["sub/only_top.py", "sub/y_gen.py"]
    assert found("sub") == ["sub/only_top.py", "sub/y_gen.py"]
    assert found("ignored") == ["ignored/a.py"]
    assert "ignored/a.py" in found(respect_gitignore=False)


def test_gitignore_over_the_repository_does_not_count(here: Path) -> None:
    (here / ".gitignore").write_text("*.py\n")
    grow("repo/a.py")
    (here / "repo" / ".git").mkdir()
    assert found("repo") == ["repo/a.py"]


def test_odd_gitignores_do_no_harm(here: Path) -> None:
    (here / ".gitignore").write_bytes(b"\xff\xfe\n[\n!\n\\\n\x00\n")
    grow("a.py")
    assert found() == ["a.py"]
    (here / ".gitignore").write_bytes(b"***\n")  # to git, a star written oddly
    assert found() == []


def test_links_to_files_are_followed_and_counted_once(here: Path) -> None:
    grow("real.py", "data/script.txt")
    os.symlink("real.py", "alias.py")
    os.symlink("data/script.txt", "one.py")
    os.symlink("data/script.txt", "two.py")
    assert found() == ["one.py", "real.py"]


def test_links_to_folders_are_followed_only_where_named(here: Path) -> None:
    grow("real/a.py", "pack/b.py")
    os.symlink("../real", "pack/linked")
    os.symlink("..", "pack/up")
    assert found("pack") == ["pack/b.py"]
    assert found("pack/linked") == ["pack/linked/a.py"]


def test_links_that_lead_out_are_left_out_and_told_unless_named(here: Path) -> None:
    grow("pack/a.py", "other/real.py", "other/inner/b.py")
    for link, target in {
        "file.py": "../other/real.py", "host.py": "/etc/passwd", "folder": "../other/inner", "inside.py": "a.py",
        "note.txt": "../other/real.py", "gone.py": "../other/gone.py",
    }.items():  # fmt: skip
        os.symlink(target, f"pack/{link}")
    os.symlink("file.py", "pack/twice.py")
    outside = ("pack/file.py", "pack/folder", "pack/host.py", "pack/twice.py")

    def taken(*arguments: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        result = collect(arguments, Settings(root=str(here)))
        return result.files, result.left_out

    assert taken("pack") == (("pack/a.py",), outside)
    assert taken("pack", "other/inner") == (
        ("other/inner/b.py", "pack/a.py"),
        ("pack/file.py", "pack/host.py", "pack/twice.py"),
    )
    assert taken("pack", "other")[1] == ("pack/host.py",)
    assert taken("pack/file.py") == (("pack/file.py",), ())
    assert "pack/host.py" in taken("pack", "pack/host.py")[0]
    assert taken("pack/folder") == (("pack/folder/b.py",), ())
    assert taken(".") == (("other/inner/b.py", "other/real.py", "pack/a.py"), ("pack/host.py",))


def test_a_folder_that_has_the_beginning_of_anothers_name_is_outside(here: Path) -> None:
    grow("pack/a.py", "package/b.py")
    os.symlink("../package/b.py", "pack/l.py")
    assert collect(["pack"], Settings(root=str(here))).left_out == ("pack/l.py",)


def test_imports_lead_through_no_link_out_of_the_tree(here: Path) -> None:
    grow("repo/pack/a.py", "outside/secret.py")
    (here / "repo" / ".git").mkdir()
    os.symlink("../../outside/secret.py", "repo/pack/secret.py")
    assert DiskSources().python_files("repo/pack/a.py") == ("repo/pack/a.py",)


def test_what_is_no_file_is_passed_over_in_folders(here: Path) -> None:
    grow("a.py")
    os.symlink("nowhere.py", "dangling.py")
    os.symlink("circle.py", "circle.py")
    os.mkfifo("fifo.py")
    (here / "folder.py").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.py")
        assert found() == ["a.py"]


def test_what_is_no_file_is_told_where_named(here: Path) -> None:
    os.symlink("nowhere.py", "dangling.py")
    os.symlink("circle.py", "circle.py")
    os.mkfifo("fifo.py")
    assert troubles("dangling.py") == ["dangling.py: is a dangling link; check the path"]
    assert "too many levels of symbolic links" in troubles("circle.py")[0]
    assert troubles("fifo.py") == ["fifo.py: is a FIFO, not a file; leave it out"]
    assert troubles("/dev/null") == ["/dev/null: is a device, not a file; leave it out"]
    assert troubles("missing.py") == ["missing.py: no such file or directory; check the path"]


def test_folders_nested_a_thousand_deep(here: Path) -> None:
    descriptor = os.open(".", os.O_RDONLY)
    for _ in range(1000):  # step by step: the whole path is near the system's limit
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(os.open("a.py", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    try:
        assert len(found()) == 1
    finally:
        subprocess.run(["rm", "-rf", "d"], check=True)  # pytest's own clean-up recurses


# The source tree of a file.


def test_tree_is_that_of_the_repository(here: Path) -> None:
    grow("repo/pyproject.toml", "repo/a.py", "repo/sub/b.py", "repo/.venv/c.py", "other.py")
    assert DiskSources().python_files("repo/sub/b.py") == ("repo/a.py", "repo/sub/b.py")


def test_without_repository_it_is_the_working_directory(here: Path) -> None:
    grow("p/__init__.py", "p/q/a.py", "scripts/b.py", ".venv/c.py")
    assert DiskSources().python_files("p/q/a.py") == ("p/__init__.py", "p/q/a.py", "scripts/b.py")


def test_elsewhere_it_is_that_of_the_outermost_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow("top/p/__init__.py", "top/p/q/__init__.py", "top/p/q/a.py", "top/p/b.py", "top/c.py", "other/d.py")
    package = ("top/p/__init__.py", "top/p/b.py", "top/p/q/__init__.py", "top/p/q/a.py")
    monkeypatch.setenv("HOME", str(here / "top"))
    for folder, shown in (("other", f"{here}/{{}}"), ("top", "{}")):  # not in it; in a home, whose folders are projects
        monkeypatch.chdir(here / folder)
        expected = tuple(shown.format(path if folder == "other" else path.removeprefix("top/")) for path in package)
        assert DiskSources().python_files(expected[-1]) == expected
    monkeypatch.chdir(here / "top/p/q")  # a part of the package
    assert DiskSources().python_files("a.py") == (
        f"{here}/top/p/__init__.py",
        f"{here}/top/p/b.py",
        "__init__.py",
        "a.py",
    )


def test_a_file_that_its_repository_ignores_has_its_own_package(here: Path) -> None:
    grow("host/.git/x", "host/main.py", "host/custom_nodes/pack/__init__.py", "host/custom_nodes/pack/a.py")
    (here / "host" / ".gitignore").write_text("custom_nodes/\n")
    near = "host/custom_nodes/pack/a.py"
    assert DiskSources().python_files(near) == ("host/custom_nodes/pack/__init__.py", near)


@as_root
def test_a_mark_of_somebody_else_makes_no_project(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    grow("pyproject.toml", "helpers.py", "mine/a.py")
    assert DiskSources().python_files("mine/a.py") == ("helpers.py", "mine/a.py")
    os.chown("pyproject.toml", NOBODY, NOBODY)
    assert DiskSources().python_files("mine/a.py") == ("mine/a.py",)


def test_too_large_a_tree_is_not_followed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TREE_FILES > 1000
    monkeypatch.setattr("transfer_lint.files.tree.MAX_TREE_FILES", 3)
    grow("pyproject.toml", "a.py", "b.py", "c.py", "pack/__init__.py", "pack/d.py")
    assert DiskSources().python_files("pack/d.py") == ("pack/__init__.py", "pack/d.py")


def test_sources_read_text_or_nothing(here: Path) -> None:
    Path("latin.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    Path("bad.py").write_bytes(b"x = '\xe9'\n")
    sources = DiskSources({"given.py": "y\n"})
    assert sources.read("latin.py") == "# coding: latin-1\nx = 'é'\n"
    assert sources.read("given.py") == "y\n"
    assert [sources.read(path) for path in ("bad.py", "missing.py", ".")] == [None, None, None]


@pytest.mark.parametrize("version", ["2", "4"])
def test_what_git_tracks_is_not_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("kept.py", "made/kept.py", "made/deep/kept.py", "made/left.py", "left.py", "other/left.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("made/\nother/\nkept.py\nleft.py\n")
    git("init", "--quiet")
    git("config", "index.version", version)
    git("add", "--force", "kept.py", "made/kept.py", "made/deep/kept.py")
    monkeypatch.chdir(tmp_path)
    assert collect(["."], Settings(root=str(tmp_path))).files == ("kept.py", "made/deep/kept.py", "made/kept.py")


def test_what_is_no_file_in_a_repository_does_not_hold_up_a_run(here: Path) -> None:
    grow("one/a.py", "two/a.py", "two/b.py")
    os.mkfifo("one/.git")
    (here / "two" / ".git" / "info").mkdir(parents=True)
    for name in ("index", "config", "info/exclude", "commondir"):
        os.mkfifo(f"two/.git/{name}")
    for folder in ("one", "two"):
        Path(folder, ".gitignore").write_text("a.py\n")
    assert found() == ["two/b.py"]


def test_an_index_whose_names_grow_without_end_is_none(here: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    grow("a.py")
    (here / ".gitignore").write_text("*.py\n")
    entry = bytes(60) + b"\x00\x01" + b"\x00x\0"  # as in version 4: nothing of the name before goes, `x` comes
    count = 20_000
    (here / ".git" / "index").write_bytes(b"DIRC" + (4).to_bytes(4, "big") + count.to_bytes(4, "big") + entry * count)
    assert found() == []
