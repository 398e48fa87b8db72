"""`transfer-lint fix`: in place, as a diff, into a copy, through a pipe."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.command import CLEAN, LEFT, MENDED, ROOT, WASTE, lint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "waste.py").write_text(WASTE)
    (tmp_path / "clean.py").write_text(CLEAN)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_in_place_and_again(folder: Path) -> None:
    ran = lint("fix", cwd=folder, expect=0)
    assert "fixed 2 transfers in 1 file; nothing left" in ran.err
    assert tree(folder) == {"clean.py": CLEAN.encode(), "waste.py": MENDED.encode()}
    again = lint("fix", cwd=folder, expect=0)
    assert "nothing to fix; nothing left" in again.err
    assert tree(folder)["waste.py"] == MENDED.encode()


def test_what_is_left_is_reported_and_fails(folder: Path) -> None:
    (folder / "waste.py").write_text(WASTE.replace("# stays", "# transfer-lint: ignore[TL101]"))
    assert lint("fix", cwd=folder, expect=0).out == ""
    text = (folder / "waste.py").read_text()
    assert 'y.to("cuda:0")  # transfer-lint: ignore[TL101]' in text
    assert 'if any(t.device != torch.device("cuda:0")' in text


@pytest.mark.parametrize(
    ("options", "first", "again"),
    [
        ((), 1, 1),
        (("--exit-zero",), 0, 0),
        (("--fail-on", "error"), 0, 0),
        (("--fail-on", "error", "--exit-non-zero-on-fix"), 1, 0),
        (("--exit-zero", "--exit-non-zero-on-fix"), 1, 0),
        (("--exit-non-zero-on-fix",), 1, 1),
    ],
    ids=lambda value: " ".join(value) or "plain" if isinstance(value, tuple) else str(value),
)
def test_when_it_fails(folder: Path, options: tuple[str, ...], first: int, again: int) -> None:
    (folder / "waste.py").write_text(LEFT)
    assert "1 warning left (of 2 found)" in lint("fix", *options, cwd=folder, expect=first).err
    assert "nothing to fix; 1 warning left (of 1 found)" in lint("fix", *options, cwd=folder, expect=again).err


def test_the_summary_adds_up(tmp_path: Path) -> None:
    """What is found is what safe fixes mend, what other options would mend, and what stays."""
    pack = ROOT / "fixtures" / "instantid_original"
    found = lint("check", pack, cwd=tmp_path, hints=False, expect=1).err
    assert found.startswith("7 warnings and 12 hints (")
    assert "13 can be fixed: transfer-lint fix (1 more with --hints, 5 more with --unsafe-fixes)\n" in found
    fixed = lint("fix", "--diff", pack, cwd=tmp_path, hints=False, expect=1).err
    assert "would fix 13 transfers in 2 files; 5 warnings and 1 hint left (of 19 found)\n" in fixed
    assert "of these 1 can be fixed with --hints, 5 can be fixed with --unsafe-fixes\n" in fixed


def test_only_selected_rules_are_fixed(folder: Path) -> None:
    ran = lint("fix", "--select", "TL101", cwd=folder, expect=0)
    assert "fixed 1 transfer in 1 file" in ran.err
    assert (folder / "waste.py").read_text() == WASTE.replace('y.to("cuda:0")', "y")


def test_diff_writes_nothing_and_applies(folder: Path) -> None:
    before = tree(folder)
    ran = lint("fix", "--diff", cwd=folder, expect=1)
    assert tree(folder) == before
    subprocess.run(["git", "apply", "-"], cwd=folder, input=ran.out, text=True, check=True)
    assert tree(folder)["waste.py"] == MENDED.encode()
    assert lint("fix", "--diff", cwd=folder, expect=0).out == ""


def test_diff_of_a_file_without_a_last_line_end_applies(folder: Path) -> None:
    (folder / "waste.py").write_text(WASTE.rstrip("\n"))
    ran = lint("fix", "--diff", cwd=folder, expect=1)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=ran.out, text=True, check=True)
    assert (folder / "waste.py").read_text() == MENDED.rstrip("\n")


def test_through_a_pipe(folder: Path) -> None:
    ran = lint("fix", "-", "--stdin-filename", "waste.py", cwd=folder, stdin=WASTE, expect=0)
    assert ran.out == MENDED
    assert tree(folder)["waste.py"] == WASTE.encode()


@pytest.mark.parametrize("text", ["x.to(d\n", "x.to('\0')\n", "", CLEAN])
def test_a_pipe_gets_back_what_cannot_or_need_not_be_fixed(folder: Path, text: str) -> None:
    ran = lint("fix", "-", cwd=folder, stdin=text)
    assert ran.out == text
    assert ran.code == (2 if "\0" in text else 1 if "x.to" in text else 0)
    assert ("TL902 error" in ran.err) == (ran.code == 1)


def test_copy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    into = tmp_path_factory.mktemp("copies") / "deep" / "fixed"
    (folder / "data").mkdir()
    (folder / "data" / "picture.bin").write_bytes(bytes(range(256)))
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "waste.pyc").write_bytes(b"x")
    before = tree(folder)
    ran = lint("fix", "--output", into, folder, cwd=folder.parent, expect=0)
    assert "fixed 2 transfers in 1 file into" in ran.err
    assert tree(folder) == before
    assert tree(into) == {
        "clean.py": CLEAN.encode(),
        "data/picture.bin": bytes(range(256)),
        "run.sh": b"#!/bin/sh\n",
        "waste.py": MENDED.encode(),
    }
    assert (into / "run.sh").stat().st_mode & 0o777 == 0o755
    (into / "mine.txt").write_text("kept")
    lint("fix", "--output", into, folder, cwd=folder.parent, expect=0)
    assert (into / "mine.txt").read_text() == "kept"


def test_copy_copies_what_linting_excludes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    into = tmp_path_factory.mktemp("copies")
    (folder / "pyproject.toml").write_text('[tool.transfer-lint]\nextend-exclude = ["waste.py"]\n')
    lint("fix", "--output", into, folder, cwd=folder, expect=0)
    assert (into / "waste.py").read_text() == WASTE


def test_copy_of_several_arguments(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    into = tmp_path_factory.mktemp("copies")
    (folder / "pack").mkdir()
    (folder / "pack" / "one.py").write_text(WASTE)
    lint("fix", "--output", into, "pack", "waste.py", cwd=folder, expect=0)
    assert tree(into) == {"pack/one.py": MENDED.encode(), "waste.py": MENDED.encode()}


HEADED = [
    pytest.param(CLEAN, "# made by\n# us\n" + CLEAN, id="plain"),
    pytest.param("", "# made by\n# us\n", id="empty"),
    pytest.param("#!/usr/bin/env python\nx = 1\n", "#!/usr/bin/env python\n# made by\n# us\nx = 1\n", id="shebang"),
    pytest.param("# coding: utf-8\nx = 1\n", "# coding: utf-8\n# made by\n# us\nx = 1\n", id="cookie"),
    pytest.param("#!/bin/x\n# coding: utf-8\nx\n", "#!/bin/x\n# coding: utf-8\n# made by\n# us\nx\n", id="both"),
    pytest.param("#!/bin/x", "#!/bin/x\n# made by\n# us\n", id="shebang without a line end"),
    pytest.param("x = 1\r\n", "# made by\r\n# us\r\nx = 1\r\n", id="crlf"),
    pytest.param("\ufeffx = 1\n", "\ufeff# made by\n# us\nx = 1\n", id="bom"),
]


@pytest.mark.parametrize(("before", "after"), HEADED)
def test_header(folder: Path, tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    into = tmp_path_factory.mktemp("copies")
    (folder / "a.py").write_bytes(before.encode())
    (folder / "a.txt").write_bytes(before.encode())
    lint("fix", "--output", into, "--header", "made by\nus", folder, cwd=folder, expect=0)
    assert (into / "a.py").read_bytes().decode() == after
    assert (into / "a.txt").read_bytes().decode() == before
    assert (into / "waste.py").read_text() == "# made by\n# us\n" + MENDED


@pytest.mark.parametrize("output", [".", "inner", "..", "waste.py"])
def test_copy_refuses_to_overlap(folder: Path, output: str) -> None:
    inner = folder / "pack"
    inner.mkdir()
    (inner / "a.py").write_text(WASTE)
    (inner / "waste.py").write_text(WASTE)
    before = tree(folder)
    ran = lint("fix", "--output", output, ".", cwd=inner, expect=2)
    assert "error:" in ran.err
    assert tree(folder) == before


@pytest.mark.parametrize(
    "options",
    [("--diff", "--output", "x"), ("--header", "x"), ("-", "--output", "x")],
    ids=lambda options: " ".join(options),
)
def test_options_that_do_not_go_together(folder: Path, options: tuple[str, ...]) -> None:
    lint("fix", *options, cwd=folder, expect=2)


def test_a_link_stays_and_its_target_is_fixed(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "waste.py").rename(folder / "real" / "text.txt")
    os.symlink("real/text.txt", folder / "waste.py")
    lint("fix", cwd=folder, expect=0)
    assert (folder / "waste.py").is_symlink()
    assert (folder / "real" / "text.txt").read_text() == MENDED


def test_nothing_is_written_outside_of_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "real.py").write_text(WASTE)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "waste.py").write_text(WASTE)
    link = tmp_path / "pack" / "l.py"
    os.symlink("../outside/real.py", link)
    for command in ("check", "fix"):
        ran = lint(command, "pack", cwd=tmp_path)
        assert "l.py" not in ran.out
        said = f"left out a link that leads out of what was given, name it to include it: pack/l.py -> {tmp_path}"
        assert said in ran.err
        assert "left out" not in lint(command, "-q", "pack", cwd=tmp_path).err
    assert (tmp_path / "pack" / "waste.py").read_text() == MENDED
    assert (tmp_path / "outside" / "real.py").read_text() == WASTE

    copied = lint("fix", "--output", "copy", "pack", cwd=tmp_path, expect=0)
    assert "left out a link that leads out of what was given" in copied.err
    assert sorted(tree(tmp_path / "copy")) == ["waste.py"]

    lint("fix", "pack/l.py", cwd=tmp_path, expect=0)
    assert (tmp_path / "outside" / "real.py").read_text() == MENDED
    assert link.is_symlink()


def test_many_links_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text(WASTE)
    (tmp_path / "pack").mkdir()
    for number in range(20):
        os.symlink("../real.py", tmp_path / "pack" / f"l{number:02}.py")
    said = lint("check", "pack", cwd=tmp_path, expect=0).err.splitlines()
    assert [line for line in said if "l00.py" in line and line.endswith("and 17 more")] == said[:1]


def test_a_copy_writes_through_no_link_out_of_itself(tmp_path: Path) -> None:
    (tmp_path / "pack" / "deep").mkdir(parents=True)
    (tmp_path / "pack" / "a.py").write_text(WASTE)
    (tmp_path / "pack" / "deep" / "b.py").write_text(WASTE)
    (tmp_path / "copy").mkdir()
    (tmp_path / "mine.py").write_text("mine")
    (tmp_path / "mine").mkdir()
    os.symlink("../mine.py", tmp_path / "copy" / "a.py")
    os.symlink("../mine", tmp_path / "copy" / "deep")
    ran = lint("fix", "--output", "copy", "pack", cwd=tmp_path, expect=2)
    assert "copy/a.py: leads out of the copy, left as it was" in ran.err
    assert "copy/deep/b.py: leads out of the copy, left as it was" in ran.err
    assert "fixed nothing, 2 files not written" in ran.err
    assert (tmp_path / "mine.py").read_text() == "mine"
    assert not list((tmp_path / "mine").iterdir())


def test_mode_bits_stay(folder: Path) -> None:
    (folder / "waste.py").chmod(0o751)
    lint("fix", cwd=folder, expect=0)
    assert (folder / "waste.py").stat().st_mode & 0o7777 == 0o751


def test_an_unused_comment_goes_when_the_code_has_settled(folder: Path) -> None:
    text = WASTE.replace("# stays", "# transfer-lint: ignore[TL101] so it is") + "# transfer-lint: ignore\n"
    (folder / "waste.py").write_text(text)
    ran = lint("fix", cwd=folder, expect=0)
    assert "fixed 2 findings in 1 file; nothing left" in ran.err
    kept = 'y.to("cuda:0")  # transfer-lint: ignore[TL101] so it is'
    assert (folder / "waste.py").read_text() == MENDED.replace("y  # stays", kept)


NODE = """\
import comfy.model_management
import torch


class Node:
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"tokens": ("TOKENS",)}}

    def run(self, tokens: torch.Tensor):
        device = comfy.model_management.get_torch_device()
        tokens = tokens.to(device)
        return tokens * 2


def helper(mask: torch.Tensor, like: torch.Tensor):
    mask = mask.to(like.device)
    return mask * 2
"""
EXPORTS = 'NODE_CLASS_MAPPINGS = {"Node": Node}\n'


@pytest.mark.parametrize(
    ("text", "setting", "options", "guarded"),
    [
        pytest.param(NODE, "", (), "", id="no pack"),
        pytest.param(NODE, "", ("--hints",), "tokens mask", id="no pack, asked for"),
        pytest.param(NODE + EXPORTS, "", (), "tokens", id="pack"),
        pytest.param(NODE + EXPORTS, "", ("--no-hints",), "", id="pack, refused"),
        pytest.param(NODE + EXPORTS, 'fix-hints = "never"', (), "", id="never"),
        pytest.param(NODE, 'fix-hints = "always"', (), "tokens mask", id="always"),
        pytest.param(NODE, 'fix-hints = "never"', ("--hints",), "tokens mask", id="the option wins"),
    ],
)
def test_hints(tmp_path: Path, text: str, setting: str, options: tuple[str, ...], guarded: str) -> None:
    (tmp_path / "nodes.py").write_text(text)
    (tmp_path / "transfer-lint.toml").write_text(setting)
    lint("fix", *options, cwd=tmp_path, hints=False, expect=0)
    fixed = (tmp_path / "nodes.py").read_text()
    assert [name for name in ("tokens", "mask") if f"if {name}.device != " in fixed] == guarded.split()


def test_hints_that_wait_are_counted(tmp_path: Path) -> None:
    (tmp_path / "nodes.py").write_text(NODE + EXPORTS)
    ran = lint("check", cwd=tmp_path, hints=False, expect=0)
    assert "1 can be fixed: transfer-lint fix (1 more with --hints)" in ran.err
    assert ran.out.count("[*]") == 1


PARTLY_USED = """\
import torch


def used(x: torch.Tensor):
    return torch.zeros_like(x).to(x.device)


def unused(x: torch.Tensor):
    return torch.zeros_like(x).to(x.device)


def switched(x: torch.Tensor, noisy: bool = False):
    if noisy:
        return torch.ones_like(x).to(x.device)
    return used(x)


class Node:
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}

    def run(self, image: torch.Tensor):
        return (switched(image),)


NODE_CLASS_MAPPINGS = {"Node": Node}
"""


@pytest.mark.parametrize(("options", "left"), [((), 2), (("--hints",), 0)])
def test_hints_in_code_that_nothing_runs_wait(tmp_path: Path, options: tuple[str, ...], left: int) -> None:
    (tmp_path / "__init__.py").write_text(PARTLY_USED)
    lint("fix", *options, cwd=tmp_path, hints=False, expect=0)
    fixed = (tmp_path / "__init__.py").read_text()
    assert fixed.count(".to(x.device)") == left
    assert "def used(x: torch.Tensor):\n    return torch.zeros_like(x)\n" in fixed
