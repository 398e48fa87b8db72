"""A local that a fix leaves without a reader goes with it, if its value does nothing; else the fix is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.ruff import complaints
from transfer_lint.findings import FixHints
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.settings import Settings

HEAD = """import comfy.model_management as mm
import torch

SEEN = []


def place(x):
    return x.device


def record(x):
    SEEN.append(x.shape)
    return x.device


def choose(x):
    name = "cuda" if torch.cuda.is_available() else "cpu"
    if x.device.type == name:
        return place(x)
    return torch.device(name)


def again(x, times):
    return again(x, times - 1) if times else record(x)


class Node:
    device = mm.intermediate_device()

    def own(self, x):
        return place(x)

    def load(self, x):
        self.x = x
        return x.device

    def run(self, x: torch.Tensor, c):
"""
MOVE = "return x.to(x.device, non_blocking=d)"
GOES = {
    "an attribute": "d = x.device",
    "a function that only gives a value": "d = place(x)",
    "a method that only gives a value": "d = self.own(x)",
    "one that chooses": "d = choose(x)",
    "of ComfyUI": "d = mm.get_torch_device()",
    "of ComfyUI, imported here": "from comfy.model_management import vae_device||d = vae_device()",
    "of torch": 'd = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
    "of a model": "d = next(c.parameters()).device",
    "of a tensor": "d = x.size(0) > 1 and not x.is_pinned()",
    "an item": 'd = c["device"] or c[-1]',
    "a text": 'd = f"cuda:{c}"',
    "annotated": "d: torch.device = place(x)",
    "one after the other": "e = place(x)|d = e.type",
}
BECOMES = {
    "one of two targets": ("d = e = record(x)|print(e)", "e = record(x)|print(e)"),
    "one of two, each with its value": ("d, e = place(x), record(x)|print(e)", "e = record(x)|print(e)"),
    "assigned twice": ("d = place(x)|print(c)|d = x.device", "print(c)"),
    "on both sides": (
        "if c:|    d = place(x)|    print(c)|else:|    print(x)|    d = None",
        "if c:|    print(c)|else:|    print(x)",
    ),
}
STAYS = {
    "a function that does more": ("d = record(x)", "record(x)"),
    "a method that does more": ("d = self.load(x)", "self.load(x)"),
    "a function that calls one that does more": ("d = again(x, 2)", "again(x, 2)"),
    "a call of which nothing is known": ("d = c.pick(x)", "c.pick(x)"),
    "what takes an item": ("d = next(c)", "next(c)"),
    "a name that the function binds": ("place = c|d = place(x)", "place = c|place(x)"),
    "an argument that does more": ("d = place(record(x))", "place(record(x))"),
    "annotated": ("d: torch.device = record(x)", "record(x)"),
    "one after the other": ("e = record(x)|d = e.type", "record(x)"),
}
STUCK = {
    "in a block of its own": "d = x.device|if c:|    d = place(x)",
    "beside another": "d, e = record(x), 2|print(e)",
    "in an expression": "print(d := place(x))",
    "a comment says why": "d = place(x)  # where it is",
}
CLEAN = {
    "its name says so": ("_d = record(x)", "return x.to(x.device, non_blocking=_d)"),
    "its author says so": ("d = record(x)  # noqa: F841", MOVE),
    "all locals are seen": ("d = record(x)|print(locals())", MOVE),
    "a part of a value": ("d, e = record(x)|print(e)", MOVE),
}


def program(lines: str, end: str = MOVE) -> str:
    return HEAD + "".join(f"        {line}".rstrip() + "\n" for line in (f"{lines}|{end}" if lines else end).split("|"))


def fixed(folder: Path, texts: Mapping[str, str], *, unsafe: bool) -> dict[str, tuple[str, list[str]]]:
    """What `fix` makes of files that ruff finds clean, and leaves clean; and why it refused to fix something."""
    (folder / "ruff.toml").touch()
    paths = {name: folder / f"n{number}.py" for number, name in enumerate(texts)}
    for name, path in paths.items():
        path.write_text(texts[name])
    assert complaints(folder) == ""
    settings = Settings(root=str(folder), fix_hints=FixHints.ALWAYS, unsafe_fixes=unsafe)
    result = fix_paths(list(map(str, paths.values())), settings)
    for file in result.files:
        Path(file.path).write_bytes(file.new)
    assert complaints(folder) == ""
    refused = {name: [why for each, why in result.refused.items() if each.path == str(paths[name])] for name in texts}
    return {name: (path.read_text(), refused[name]) for name, path in paths.items()}


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe fixes", "unsafe fixes"])
def test_a_local_goes_with_its_last_reader(unsafe: bool, tmp_path: Path) -> None:
    texts = {
        **{f"goes: {name}": program(lines) for name, lines in GOES.items()},
        **{f"becomes: {name}": program(lines) for name, (lines, _) in BECOMES.items()},
        **{f"stays: {name}": program(lines) for name, (lines, _) in STAYS.items()},
        **{f"stuck: {name}": program(lines) for name, lines in STUCK.items()},
        **{f"clean: {name}": program(lines, end) for name, (lines, end) in CLEAN.items()},
    }
    left = {
        **{f"goes: {name}": program("", "return x") for name in GOES},
        **{f"becomes: {name}": program(after, "return x") for name, (_, after) in BECOMES.items()},
        **({f"stays: {name}": program(after, "return x") for name, (_, after) in STAYS.items()} if unsafe else {}),
        **{f"clean: {name}": program(lines, "return x") for name, (lines, _) in CLEAN.items()},
    }
    found = fixed(tmp_path, texts, unsafe=unsafe)
    assert {name: text for name, (text, _) in found.items()} == {**texts, **left}
    refused = {name: why for name, (_, why) in found.items() if why}
    assert refused.keys() == texts.keys() - left.keys()
    assert all("would be left without use" in why for (why,) in refused.values())


def test_an_import_that_only_such_a_local_needs_goes_too(tmp_path: Path) -> None:
    head = "import torch\n\n\ndef run(x: torch.Tensor):\n"
    body = "    d: Device = Device(mm.get_torch_device())\n    return x.to(x.device, non_blocking=d)\n"
    text = head.replace(
        "torch\n", "comfy.model_management as mm\nimport torch\nfrom torch import device as Device\n", 1
    )
    (found,) = fixed(tmp_path, {"a": text + body}, unsafe=False).values()
    assert found == (head + "    return x\n", [])


def test_where_locals_are_unread_already_a_fix_may_leave_another(tmp_path: Path) -> None:
    """There, nothing was clean: a fix is worth more than that."""
    text = program("d = record(x)") + "\n    def more(self):\n        left = record(self.x)\n"
    (tmp_path / "a.py").write_text(text)
    settings = Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS)
    result = fix_paths([str(tmp_path / "a.py")], settings)
    assert [file.text for file in result.files] == [text.replace(MOVE, "return x")]


def test_what_an_argument_does_is_not_left_out_by_a_safe_fix(tmp_path: Path) -> None:
    lines = ["x.to(record(x))", "x.to(self.load(x))", "x.to(place(x))", "x.to(c.device).to(device=record(x), dtype=c)"]
    for number, line in enumerate(lines):
        (tmp_path / f"n{number}.py").write_text(program("", f"return {line}"))
    paths = sorted(map(str, tmp_path.iterdir()))
    safe, unsafe = (
        fix_paths(paths, Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS, unsafe_fixes=unsafe))
        for unsafe in (False, True)
    )
    assert [Path(file.path).name for file in safe.files] == ["n2.py"]
    assert [Path(file.path).name for file in unsafe.files][:3] == ["n0.py", "n1.py", "n2.py"]
