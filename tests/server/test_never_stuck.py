"""A document that takes long holds up nothing, and no process is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import MENDED, WASTE
from tests.support.language_client import PATIENCE, PULL, Editor, editing

FUNCTION = """

def f{n}(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor):
    x = x.to("cuda:0")
    z = torch.relu(x) + x * {n}
    for step in range(10):
        z = z + torch.sin(z) * step
        if step > 5:
            z = z.contiguous()
    return model(z).to("cuda:0"), y.cpu()
"""
SLOW = "import torch\n" + "".join(FUNCTION.format(n=n) for n in range(4000))
"""Many times more work than the other documents: it is still being checked when they are done."""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_others_are_checked_while_one_takes_long(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        slow = editor.open(tmp_path / "slow.py", SLOW)
        quick = editor.open(tmp_path / "quick.py", WASTE)
        assert quick.codes() == ["TL103", "TL101"]
        assert "TL101" in quick.hover(5, 14)
        quick.change(MENDED)
        assert quick.codes() == []
        assert editor.published(slow.uri) == []
        slow.change(WASTE)  # the newest wins: what was begun is not waited for
        assert slow.codes() == ["TL103", "TL101"]
        assert [params["version"] for params in editor.published(slow.uri)] == [2]


def test_a_request_can_be_cancelled(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        slow = editor.open(tmp_path / "slow.py", SLOW)
        place = {"textDocument": {"uri": slow.uri}, "position": {"line": 5, "character": 11}}
        asked = editor.ask("textDocument/hover", place)
        editor.notify("$/cancelRequest", {"id": asked})
        assert editor.reply(asked)["error"]["code"] == -32800
        assert editor.published(slow.uri) == []


def test_a_long_check_shows_its_progress(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        slow = editor.open(tmp_path / "slow.py", SLOW)
        begun = editor.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
        assert begun["value"]["message"] == "checks slow.py"
        slow.change(WASTE)
        ended = editor.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
        assert ended["token"] == begun["token"]


def _shut_down(editor: Editor) -> None:
    assert editor.end() == 0


def _close_stdin(editor: Editor) -> None:
    assert editor.process.stdin is not None
    editor.process.stdin.close()


@linux
@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(_shut_down, id="exit"),
        pytest.param(_close_stdin, id="closed standard input"),
        pytest.param(lambda editor: editor.process.send_signal(signal.SIGTERM), id="SIGTERM"),
        pytest.param(lambda editor: editor.process.kill(), id="SIGKILL"),
    ],
)
def test_it_ends_when_told_whatever_it_does_and_leaves_no_process(
    stop: Callable[[Editor], None], tmp_path: Path
) -> None:
    with editing(tmp_path) as editor:
        slow = editor.open(tmp_path / "slow.py", SLOW)
        assert editor.open(tmp_path / "quick.py", WASTE).codes() == ["TL103", "TL101"]
        family = _family(editor.process.pid)
        assert len(family) >= 3, "the server, the process that others are forked from, and those that work"
        stop(editor)
        editor.process.wait(PATIENCE)
        _wait_until(lambda: not any(_runs(pid) for pid in family))
        assert editor.published(slow.uri) == []


@linux
def test_a_change_needs_no_new_process(tmp_path: Path) -> None:
    with editing(tmp_path) as editor:
        buffer = editor.open(tmp_path / "a.py", WASTE)
        assert buffer.codes() == ["TL103", "TL101"]
        family = _family(editor.process.pid)
        for number in range(5):
            buffer.change(WASTE + f"\nEDIT = {number}\n")
            assert buffer.codes() == ["TL103", "TL101"]
        assert _family(editor.process.pid) == family


@linux
def test_what_nobody_wants_any_more_is_ended(tmp_path: Path) -> None:
    with editing(tmp_path, capabilities=PULL) as editor:
        slow = editor.open(tmp_path / "slow.py", SLOW)
        for number in range(6):
            asked = editor.ask("textDocument/diagnostic", {"textDocument": {"uri": slow.uri}})
            slow.change(SLOW + f"\nEDIT = {number}\n")
        slow.change(WASTE)
        assert [found["code"] for found in editor.reply(asked)["result"]["items"]] == ["TL103", "TL101"]
        # the server, resource tracker and fork server; and at most two idle workers
        _wait_until(lambda: len(_family(editor.process.pid)) <= 5)


def _family(root: int) -> list[int]:
    """A process and all below it."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [root]
    for pid in found:
        found += [child for child, parent in pairs if parent == pid]
    return found


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until(reached: Callable[[], bool]) -> None:
    for _ in range(PATIENCE * 10):
        if reached():
            return
        time.sleep(0.1)
    raise AssertionError(f"not reached in {PATIENCE} s (of {os.getpid()})")
