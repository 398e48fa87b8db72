"""What the cache saves, and what no state of its files may do: crash a run, or change what it finds."""

from __future__ import annotations

import ast
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import WASTE, environment, lint
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.lint import runner, store
from transfer_lint.lint.check import check_paths
from transfer_lint.lint.outcome import Outcome
from transfer_lint.lint.store import NAME, Database, Remote, open_store
from transfer_lint.settings import Settings

USER = "import torch\nfrom .helper import there\n\n\ndef f(x: torch.Tensor):\n    return there(x).to('cuda:0')\n"
HELPER = "import torch\n\n\ndef there(x: torch.Tensor):\n    return x.to('cuda:0')\n"


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "pack"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    for name, text in {"__init__.py": "", "user.py": USER, "helper.py": HELPER, "other.py": WASTE}.items():
        (root / name).write_text(text)
    return root


PATHS = ("helper.py", "other.py", "user.py")


def cached(pack: Path) -> Settings:
    return Settings(root=str(pack), cache_dir=str(pack.parent / "cache"))


def same(one: Outcome, other: Outcome) -> bool:
    return one.findings == other.findings and replace(one.summary, seconds=0.0) == replace(other.summary, seconds=0.0)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are examined, as that happens."""
    paths: list[str] = []
    known = runner.examine_job

    def counted(context: object, job: tuple[str, str]) -> object:
        paths.append(job[0])
        return known(context, job)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "examine_job", counted)
    return paths


# ---- what it saves ---------------------------------------------------------------------------------------------------


def test_nothing_is_parsed_again(pack: Path, monkeypatch: pytest.MonkeyPatch, examined: list[str]) -> None:
    first = check_paths(PATHS, cached(pack))
    assert first.findings
    assert sorted(examined) == sorted(PATHS)

    def refused(*arguments: object, **options: object) -> ast.AST:
        raise AssertionError("parsed")

    monkeypatch.setattr(ast, "parse", refused)
    assert same(check_paths(PATHS, cached(pack)), first)
    assert len(examined) == len(PATHS)


def test_a_change_costs_what_rests_on_it(pack: Path, examined: list[str]) -> None:
    check_paths(PATHS, cached(pack))
    examined.clear()
    Path("helper.py").write_text(HELPER.replace("'cuda:0'", "'cpu'"))
    assert same(check_paths(PATHS, cached(pack)), check_paths(PATHS, replace(cached(pack), cache=False)))
    assert sorted(examined[:2]) == ["helper.py", "user.py"]
    assert sorted(examined[2:]) == sorted(PATHS)  # those of the run without a cache


def test_the_old_state_is_known_when_it_comes_back(pack: Path, examined: list[str]) -> None:
    check_paths(PATHS, cached(pack))
    Path("helper.py").write_text(HELPER + "# more\n")
    check_paths(PATHS, cached(pack))
    Path("helper.py").write_text(HELPER)
    examined.clear()
    check_paths(PATHS, cached(pack))
    assert examined == []


def test_fix_examines_again_what_rests_on_what_it_changed(pack: Path, examined: list[str]) -> None:
    Path("alone.py").write_text("def lonely(x):\n    return x.to('cpu')\n")
    fixed = fix_paths(("alone.py", *PATHS), replace(cached(pack), unsafe_fixes=True))
    assert {file.path for file in fixed.files} == {"other.py", "user.py"}
    assert examined.count("alone.py") == 1
    assert examined.count("other.py") == examined.count("user.py") == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ignore": ("TL101",)}, id="rules"),
        pytest.param({"trust": ()}, id="assumptions"),
        pytest.param({"knowledge": {"devices": {"helper.get_device": {"stable": True}}}}, id="knowledge"),
    ],
)
def test_other_settings_are_another_question(pack: Path, examined: list[str], change: dict[str, object]) -> None:
    check_paths(PATHS, cached(pack))
    examined.clear()
    check_paths(PATHS, replace(cached(pack), **change))  # type: ignore[arg-type]
    assert sorted(examined) == sorted(PATHS)


def test_other_code_is_another_question(pack: Path, monkeypatch: pytest.MonkeyPatch, examined: list[str]) -> None:
    from transfer_lint.lint import cache

    check_paths(PATHS, cached(pack))
    examined.clear()
    monkeypatch.setattr(cache, "code_digest", lambda: "other")
    check_paths(PATHS, cached(pack))
    assert sorted(examined) == sorted(PATHS)


def test_a_file_that_changes_in_the_midst_is_not_kept(
    pack: Path, monkeypatch: pytest.MonkeyPatch, examined: list[str]
) -> None:
    known = runner.examine_job

    def changing(context: object, job: tuple[str, str]) -> object:
        Path("helper.py").write_text(HELPER + f"# {len(examined)}\n")
        return known(context, job)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(runner, "examine_job", changing)
        check_paths(PATHS, cached(pack))
    Path("helper.py").write_text(HELPER)
    examined.clear()
    check_paths(PATHS, cached(pack))
    assert sorted(examined) == sorted(PATHS)


# ---- what may be wrong with its files --------------------------------------------------------------------------------


def rewrite_values(path: Path, new: Callable[[str, bytes], bytes]) -> None:
    with sqlite3.connect(path) as connection:
        for key, value in connection.execute("SELECT key, value FROM results").fetchall():
            connection.execute("UPDATE results SET value = ? WHERE key = ?", (new(key, value), key))
    connection.close()


FOREIGN = [b"", b"null", b"[]", b"{}", b'["x"]', b'[["text",["user.py"],"0"]]', b'["x",[],[]]', b"\xff", b"[" * 100_000,
           b'{"Settings":["/"]}', b'["{\\"Examined\\":[1,2,3]}",[],[]]']  # fmt: skip

DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_bytes(b"not a database at all, but long enough to be one" * 100),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "overwritten in the middle": lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\0" * 60_000),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "values of somebody else": lambda path: rewrite_values(path, lambda key, value: b"x" * 100),
    "values of other keys": lambda path: rewrite_values(path, lambda key, value: store.sealed("other", b"[]")),
    **{
        f"other data {number}": lambda path, data=data: rewrite_values(path, lambda key, value: store.sealed(key, data))
        for number, data in enumerate(FOREIGN)
    },
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged(pack: Path, damage: Callable[[Path], object], examined: list[str]) -> None:
    plain = check_paths(PATHS, replace(cached(pack), cache=False))
    check_paths(PATHS, cached(pack))
    path = pack.parent / "cache" / NAME
    damage(path)
    assert same(check_paths(PATHS, cached(pack)), plain)
    if path.is_file():
        examined.clear()
        assert same(check_paths(PATHS, cached(pack)), plain)
        assert examined == []  # it is mended


def test_no_place(pack: Path) -> None:
    (pack.parent / "file").touch()
    nowhere = replace(cached(pack), cache_dir=str(pack.parent / "file" / "cache"))
    assert same(check_paths(PATHS, nowhere), check_paths(PATHS, replace(nowhere, cache=False)))


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit for the size of files")
def test_full_disk(pack: Path) -> None:
    program = (
        "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\nfrom transfer_lint.__main__ import main\nmain()\n"
    )
    command = [sys.executable, "-B", "-c", program, "check", "--output-format", "json", "--cache-dir", "../cache", "."]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr
    plain = check_paths(PATHS, replace(cached(pack), cache=False))
    assert len(json.loads(ran.stdout)["findings"]) == len(plain.findings)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_killed_while_writing(pack: Path) -> None:
    folder = str(pack.parent / "cache")
    Database(folder).put({"before": b"kept"})
    program = (
        "import sys\nfrom transfer_lint.lint.store import Database\n"
        "def values():\n    for n in range(10**9):\n        if n == 50_000:\n            print('now', flush=True)\n"
        "        yield f'key {n}', b'x' * 200\n"
        "class Endless(dict):\n    def __bool__(self):\n        return True\n"
        "    def items(self):\n        return values()\n"
        "import transfer_lint.lint.store as store\nDatabase(sys.argv[1]).put(Endless())\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, folder], env=environment(), stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"now\n"
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert Database(folder).get(["before", "key 1"]) == {"before": b"kept"}
    Database(folder).put({"after": b"kept too"})
    assert Database(folder).get(["before", "after"]) == {"before": b"kept", "after": b"kept too"}


def test_many_writers_at_once(pack: Path) -> None:
    folder = str(pack.parent / "cache")
    program = (
        "import sys\nfrom transfer_lint.lint.store import Database\n"
        "for n in range(30):\n    Database(sys.argv[1]).put({f'{sys.argv[2]} {n}': sys.argv[2].encode()})\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, folder, str(number)], env=environment()) for number in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    found = Database(folder).get([f"{number} {n}" for number in range(4) for n in range(30)])
    assert found
    assert all(value == key.split()[0].encode() for key, value in found.items())


def test_a_large_one_loses_its_older_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_BYTES", 100_000)
    database = Database(str(tmp_path / "cache"))
    for number in range(40):
        database.put({f"key {number}": os.urandom(10_000)})
    kept = database.get([f"key {number}" for number in range(40)])
    assert "key 39" in kept
    assert "key 0" not in kept
    assert (tmp_path / "cache" / NAME).stat().st_size < 300_000


# ---- where it is -----------------------------------------------------------------------------------------------------


def test_a_folder_in_the_tree_is_ignored_by_git(pack: Path) -> None:
    check_paths(PATHS, replace(cached(pack), cache_dir=".cache"))
    assert {path.name for path in Path(".cache").iterdir()} == {".gitignore", "CACHEDIR.TAG", NAME}
    assert Path(".cache/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("url", ["memory://cache/{}", "file://{}/remote"])
def test_remote(pack: Path, url: str, examined: list[str]) -> None:
    pytest.importorskip("fsspec")
    there = replace(cached(pack), cache_dir=url.format(pack.parent))
    first = check_paths(PATHS, there)
    examined.clear()
    assert same(check_paths(PATHS, there), first)
    assert examined == []
    assert store.clean(store.place_for(there))
    assert not store.clean(store.place_for(there))
    check_paths(PATHS, there)
    assert sorted(examined) == sorted(PATHS)


def test_remote_that_fails(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    (tmp_path / "file").touch()
    remote = open_store(f"file://{tmp_path}/file/below")
    assert isinstance(remote, Remote)
    remote.put({"key": b"value"})
    assert remote.get(["key"]) == {}


def test_commands(pack: Path) -> None:
    home = str(pack.parent / "home")
    place = Path(home, "transfer-lint", NAME)
    lint("check", "--no-cache", ".", cwd=pack, XDG_CACHE_HOME=home)
    assert not place.exists()
    first = lint("check", ".", cwd=pack, XDG_CACHE_HOME=home)
    assert place.is_file()
    assert lint("check", ".", cwd=pack, XDG_CACHE_HOME=home).out == first.out
    assert "removed" in lint("clean", cwd=pack, expect=0, XDG_CACHE_HOME=home).err
    assert not place.exists()
    assert "no results" in lint("clean", cwd=pack, expect=0, XDG_CACHE_HOME=home).err


def test_configured(pack: Path) -> None:
    Path("transfer-lint.toml").write_text('cache-dir = "../there"\n')
    lint("check", ".", cwd=pack, XDG_CACHE_HOME=str(pack.parent / "home"))
    assert (pack.parent / "there" / NAME).is_file()
    assert not (pack.parent / "home").exists()
