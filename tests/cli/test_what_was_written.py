"""`fix` says what was written, and its exit code agrees: full disks, files that change meanwhile, two runs at once."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import MENDED, PATIENCE, WASTE, Ran, environment
from transfer_lint import Settings, fix
from transfer_lint.findings import FixHints

LARGE = WASTE + "#" * 6000 + "\n"
"""The same waste in a file of two blocks of a disk."""


def on_a_small_disk(folder: Path, program: str, *arguments: str) -> Ran:
    """Run a shell program in a folder `disk` of 64 KiB. It is a tmpfs in a namespace of its own, so nothing stays."""
    (folder / "disk").mkdir()
    (folder / "kept").mkdir()
    script = f"mount -t tmpfs -o size=64k,mode=700 none disk && cp ./*.py disk/ && cd disk && {program}"
    inside = ["sh", "-c", script, "sh", sys.executable, *arguments]
    for namespace in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], capture_output=True).returncode:
            continue
        ran = subprocess.run([*namespace, *inside], cwd=folder, env=environment(), capture_output=True, text=True)
        if "mount:" not in ran.stderr:
            assert "Traceback" not in ran.stderr, ran.stderr
            return Ran(ran.returncode, ran.stdout, ran.stderr)
    pytest.skip("no file system can be mounted here")


FILL = "{ cat /dev/zero > full 2>/dev/null; true; }"  # until no byte is left
FIX = '"$@" -m transfer_lint fix --hints'
KEEP = "{ code=$?; cp -a . ../kept/; exit $code; }"


def test_on_a_full_disk_nothing_is_written_and_that_is_said(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(WASTE)
    ran = on_a_small_disk(tmp_path, f"{FILL} && {FIX}; {KEEP}")
    assert ran.err.count("cannot be written, left as it was: no space left on device") == 2
    assert "fixed nothing, 2 files not written; 2 warnings and 2 hints left" in ran.err
    assert ran.code == 2
    assert ran.out.count("TL101 warning") == 2
    assert {path.name: path.read_text() for path in (tmp_path / "kept").glob("*.py")} == {"a.py": WASTE, "b.py": WASTE}
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["a.py", "b.py", "full"]


def test_on_a_disk_with_room_for_some_files_those_are_counted(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(LARGE)
    (tmp_path / "small.py").write_text(WASTE)
    one_block = "truncate -s -4096 full"  # enough for the small file beside its old one
    ran = on_a_small_disk(tmp_path, f"{FILL} && {one_block} && {FIX}; {KEEP}")
    assert "large.py: cannot be written, left as it was: no space left on device" in ran.err
    assert "fixed 2 transfers in 1 file, 1 file not written; 1 warning and 1 hint left" in ran.err
    assert ran.code == 2
    assert (tmp_path / "kept" / "small.py").read_text() == MENDED
    assert (tmp_path / "kept" / "large.py").read_text() == LARGE


def test_a_copy_for_which_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    out = '"$@" -m transfer_lint fix --hints --output copy ../a.py'
    ran = on_a_small_disk(tmp_path, f"mkdir copy && {FILL} && {out}; {KEEP}")
    assert "fixed nothing, 1 file not written" in ran.err
    assert ran.code == 2
    assert not list((tmp_path / "kept" / "copy").iterdir())


def test_a_copy_without_fixes_for_which_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(MENDED)
    out = '"$@" -m transfer_lint fix --hints --output copy ../a.py'
    ran = on_a_small_disk(tmp_path, f"mkdir copy && {FILL} && {out}; {KEEP}")
    assert "nothing to fix, 1 file not written" in ran.err
    assert ran.code == 2


MEANWHILE = """
import sys
from transfer_lint.fixing import fix
compute = fix.fix_paths
def changed_meanwhile(paths, *arguments, **more):
    fixed = compute(paths, *arguments, **more)
    for path in paths:
        if path != "kept.py":
            open(path, "a").write("# theirs\\n")
    return fixed
fix.fix_paths = changed_meanwhile
from transfer_lint.cli import main
sys.argv = ["transfer-lint", "fix", "--hints"]
main()
"""


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.py", "b.py", "c.py"], "fixed nothing, 3 files not written; 3 warnings and 3 hints left"),
        (["a.py", "kept.py"], "fixed 2 transfers in 1 file, 1 file not written; 1 warning and 1 hint left"),
    ],
    ids=["all", "some"],
)
def test_files_that_change_meanwhile(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_text(WASTE)
    ran = subprocess.run(
        [sys.executable, "-c", MEANWHILE], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.stderr.count("changed on disk while it was being looked at") == len([n for n in names if n != "kept.py"])
    assert said in ran.stderr
    assert ran.returncode == 2
    for name in names:
        assert (tmp_path / name).read_text() == (MENDED if name == "kept.py" else WASTE + "# theirs\n")


def test_two_at_once(tmp_path: Path) -> None:
    """Each file is written by one of them, and each says what it has written itself."""
    for number in range(40):
        (tmp_path / f"waste_{number}.py").write_text(WASTE)
    command = [sys.executable, "-m", "transfer_lint", "fix", "--hints"]
    both = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=PATIENCE)[1] for process in both]
    counts = [int(found[1]) if (found := re.search(r"^fixed (\d+) transfers", text, re.M)) else 0 for text in said]
    assert sum(counts) == 80
    for process, text in zip(both, said, strict=True):
        assert (process.returncode == 2) is ("not written" in text) is ("changed on disk" in text)
    assert {path.read_text() for path in tmp_path.iterdir()} == {MENDED}


def test_programs_are_told_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(WASTE)
    from transfer_lint.fixing import fix as module

    write = module.disk.replace

    def full(path: str, old: bytes, new: bytes) -> None:
        if path == "a.py":
            raise module.Problem(path, "cannot be written, left as it was: no space left on device")
        write(path, old, new)

    monkeypatch.setattr(module.disk, "replace", full)
    fixed = fix(".", settings=Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS), write=True)
    assert [file.path for file in fixed.files] == ["b.py"]
    assert {finding.path for finding in fixed.outcome.findings} == {"a.py"}
    assert [problem.path for problem in fixed.outcome.problems] == ["a.py"]
    assert fixed.outcome.texts["a.py"] == WASTE
