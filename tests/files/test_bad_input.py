"""Whatever the input: no file is lost or half written, no traceback, and the other files are served."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import MENDED, WASTE, environment, lint


def chain(depth: int, before: str, middle: str, after: str = "") -> bytes:
    return (WASTE + f"\n\nz = {before * depth}{middle}{after * depth}\n").encode()


FIXED = [
    pytest.param(b"\xef\xbb\xbf" + WASTE.encode(), b"\xef\xbb\xbf" + MENDED.encode(), id="bom"),
    pytest.param(WASTE.replace("\n", "\r\n").encode(), MENDED.replace("\n", "\r\n").encode(), id="crlf"),
    pytest.param(WASTE.rstrip("\n").encode(), MENDED.rstrip("\n").encode(), id="no last line end"),
    pytest.param(
        (WASTE + "\n\nif 1:\n    if 2:\n        pass\n\n ").encode(),
        (MENDED + "\n\nif 1:\n    if 2:\n        pass\n\n ").encode(),
        id="a blank at the end, after a nested block",
    ),
    pytest.param(WASTE.replace("    ", "\t").encode(), MENDED.replace("    ", "\t").encode(), id="tabs"),
    pytest.param(
        WASTE.replace("\n\ndef", "\n\x0c\ndef").encode(), MENDED.replace("\n\ndef", "\n\x0c\ndef").encode(),
        id="form feed",
    ),
    pytest.param(
        b"# coding: latin-1\n# \xe9\n" + WASTE.encode(), b"# coding: latin-1\n# \xe9\n" + MENDED.encode(), id="latin-1"
    ),
    pytest.param(
        WASTE.encode() + b"a = 1\r\nb = 2\n\r\nc = 3\r\n", MENDED.encode() + b"a = 1\r\nb = 2\n\r\nc = 3\r\n",
        id="mixed line ends",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), FIXED)
def test_fixed_and_otherwise_the_same_to_the_byte(tmp_path: Path, before: bytes, after: bytes) -> None:
    (tmp_path / "a.py").write_bytes(before)
    lint("fix", cwd=tmp_path, expect=0)
    assert (tmp_path / "a.py").read_bytes() == after


LEFT = [
    pytest.param(b"", 0, "", id="empty"),
    pytest.param(b"\n", 0, "", id="blank"),
    pytest.param(b"\xef\xbb\xbf", 0, "", id="only a bom"),
    pytest.param(b"def f(:\n    x.to(d)\n", 1, "does not parse as Python", id="does not parse"),
    pytest.param(b"if x:\n    x.to(d)\n  y.to(d)\n", 1, "does not parse as Python", id="indentation"),
    pytest.param(b"x.to('\xe9')\n", 2, "is not UTF-8 and has no coding cookie", id="not utf-8"),
    pytest.param(b"# coding: klingon\nx.to(d)\n", 2, "coding cookie is of no use", id="unknown cookie"),
    pytest.param(b"x.to(d)\0\n", 2, "holds NUL bytes", id="nul"),
    pytest.param(chain(1000, "(", "x", ")"), None, "does not parse|nests too deep", id="parentheses"),
    pytest.param(chain(1000, "f(", "x", ")"), None, "does not parse|nests too deep", id="calls"),
    pytest.param(chain(100_000, "-", "x"), 2, "nests too deep", id="signs"),
    pytest.param("".join(f"{' ' * i}if x:\n" for i in range(1000)).encode() + b"#.to(", 1, "does not parse", id="ifs"),
]


@pytest.mark.parametrize("command", ["check", "fix"])
@pytest.mark.parametrize(("data", "code", "words"), LEFT)
def test_left_alone(tmp_path: Path, command: str, data: bytes, code: int | None, words: str) -> None:
    """code: None where this Python's parser decides whether it is a syntax error (1) or too deep to tell (2)."""
    (tmp_path / "a.py").write_bytes(data)
    (tmp_path / "good.py").write_text(WASTE)
    ran = lint(command, cwd=tmp_path)
    assert (tmp_path / "a.py").read_bytes() == data
    said = ran.out if "TL902" in ran.out else ran.err
    assert any(word in said for word in words.split("|"))
    if code is None:
        code = 1 if "TL902" in ran.out else 2
    if command == "fix":
        assert ran.code == code
        assert (tmp_path / "good.py").read_text() == MENDED
    else:
        assert ran.code == (code or 1)
        assert "good.py:6:14: TL101" in ran.out


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(chain(1000, "-", "x"), id="signs"),
        pytest.param(chain(1000, "x + ", "x"), id="sum"),
        pytest.param(chain(1000, "", "x", ".to(d)"), id="methods"),
        pytest.param(WASTE.encode() + b"\nif x:\n    pass\n" + b"elif x:\n    pass\n" * 1000, id="elif"),
        pytest.param(chain(90, "[", "x", "]"), id="brackets"),
    ],
)
def test_nested_a_thousand_deep(tmp_path: Path, data: bytes) -> None:
    """Fixed or refused, as the running Python's parser allows; never half, never with a crash."""
    (tmp_path / "a.py").write_bytes(data)
    ran = lint("fix", cwd=tmp_path)
    text = (tmp_path / "a.py").read_bytes()
    if ran.code:
        assert text == data
        assert "nests too deep" in ran.err or "does not parse" in ran.out
    else:
        assert text.startswith(MENDED.encode().rstrip())


def test_ten_megabytes(tmp_path: Path) -> None:
    data = WASTE.encode() + b"x = 1\n" * 1_700_000
    (tmp_path / "big.py").write_bytes(data)
    (tmp_path / "good.py").write_text(WASTE)
    ran = lint("fix", cwd=tmp_path, expect=2)
    assert "big.py: is 9.7 MB, more than the 4 MB that are read; exclude it" in ran.err
    assert (tmp_path / "big.py").read_bytes() == data
    assert (tmp_path / "good.py").read_text() == MENDED


AS_NOBODY = """
import os, sys
from transfer_lint.cli import main
warm_up, shelf, *arguments = sys.argv[1:]
for options in (["--diff", "--no-cache"], ["--cache"]):
    sys.argv = ["transfer-lint", "fix", *options, "--hints", "-q", warm_up]
    try:
        main()  # imports all that there is to import: another user may not be able to
    except SystemExit:
        pass
os.chdir(shelf)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.argv = ["transfer-lint", *arguments]
main()
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    """A folder for `as_nobody`, which permissions bind (root reads and writes everything)."""
    with tempfile.TemporaryDirectory(prefix="lint-") as name:
        yield Path(name)
        subprocess.run(["chmod", "-R", "u+rwx", name], check=True)


def as_nobody(shelf: Path, warm_up: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (warm_up / "warm.py").write_text(WASTE)
    (warm_up / "transfer-lint.toml").write_text("")
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", str(shelf)], check=True)
    command = [sys.executable, "-c", AS_NOBODY, str(warm_up), str(shelf), *arguments]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def give(shelf: Path, name: str, mode: int) -> Path:
    path = shelf / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(WASTE)
    path.chmod(mode)
    return path


def test_unreadable_file_and_folder(shelf: Path, tmp_path: Path) -> None:
    give(shelf, "secret.py", 0o000)
    give(shelf, "locked/a.py", 0o644).parent.chmod(0o000)
    good = give(shelf, "good.py", 0o644)
    ran = as_nobody(shelf, tmp_path, "fix", "--hints")
    assert ran.returncode == 2
    assert "secret.py: cannot be read: permission denied" in ran.stderr
    assert "locked: cannot be listed: permission denied" in ran.stderr
    assert good.read_text() == MENDED


@pytest.mark.parametrize("what", ["file", "folder"])
def test_read_only_file_and_folder(shelf: Path, tmp_path: Path, what: str) -> None:
    path = give(shelf, "kept/a.py", 0o444 if what == "file" else 0o644)
    if what == "folder":
        path.parent.chmod(0o555)
    good = give(shelf, "good.py", 0o644)
    ran = as_nobody(shelf, tmp_path, "fix", "--hints")
    assert ran.returncode == 2
    assert "kept/a.py: " in ran.stderr
    assert "read-only" in ran.stderr
    assert path.read_text() == WASTE
    assert "kept/a.py:6:14: TL101" in ran.stdout  # what could not be fixed is left, and said
    assert good.read_text() == MENDED
    assert as_nobody(shelf, tmp_path, "fix", "--hints", "--diff", "kept").returncode == 1  # a diff writes nothing


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.py"
    Path(os.fsdecode(name)).write_text(WASTE)
    ran = lint("check", cwd=tmp_path, expect=1)
    assert "TL101" in ran.out
    lint("fix", cwd=tmp_path, expect=0)
    assert Path(os.fsdecode(name)).read_text() == MENDED


def test_a_tool_failure_is_told_like_any_other_problem(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    program = (
        "import sys\nfrom transfer_lint.lint import judge\nfrom transfer_lint.cli import main\n"
        "def broken(*arguments):\n    raise KeyError('oh')\n"
        "judge.check = broken\nsys.argv = ['transfer-lint', 'check', '--no-cache']\nmain()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "a.py: the tool failed on it (KeyError: 'oh'); report this as a bug" in ran.stderr
    assert "Traceback" not in ran.stderr
