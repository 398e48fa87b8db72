"""Two packs with nodes of the same names: the log says which of them ComfyUI uses."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def comfyui(monkeypatch: pytest.MonkeyPatch) -> Any:
    """ComfyUI while it loads packs: `nodes` known so far, and `start`, which it does when all are loaded."""
    nodes: dict[str, type] = {"KSampler": object}
    on_startup: list[Any] = []
    instance = SimpleNamespace(app=SimpleNamespace(on_startup=on_startup))
    monkeypatch.setitem(sys.modules, "nodes", SimpleNamespace(NODE_CLASS_MAPPINGS=nodes))
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=instance)))

    def start() -> None:
        for told in on_startup:
            asyncio.run(told(instance.app))

    return SimpleNamespace(nodes=nodes, start=start)


class Published:
    RELATIVE_PYTHON_MODULE = "custom_nodes.ComfyUI_InstantID"


def test_alone_nothing_is_said(pack: Any, comfyui: Any, caplog: pytest.LogCaptureFixture) -> None:
    pack.collision.tell_of_collisions(pack.NODE_CLASS_MAPPINGS)
    comfyui.nodes.update(pack.NODE_CLASS_MAPPINGS)
    comfyui.start()
    assert caplog.text == ""


def test_the_other_came_first(pack: Any, comfyui: Any, caplog: pytest.LogCaptureFixture) -> None:
    comfyui.nodes["ApplyInstantID"] = Published
    pack.collision.tell_of_collisions(pack.NODE_CLASS_MAPPINGS)
    (said,) = (record.getMessage() for record in caplog.records)
    assert "custom_nodes.ComfyUI_InstantID has nodes of the same names; this pack's take their place" in said
    comfyui.nodes.update(pack.NODE_CLASS_MAPPINGS)
    comfyui.start()
    assert len(caplog.records) == 1


def test_the_other_came_later(pack: Any, comfyui: Any, caplog: pytest.LogCaptureFixture) -> None:
    pack.collision.tell_of_collisions(pack.NODE_CLASS_MAPPINGS)
    comfyui.nodes.update(pack.NODE_CLASS_MAPPINGS)
    comfyui.nodes["ApplyInstantID"] = Published
    assert caplog.text == ""
    comfyui.start()
    (said,) = (record.getMessage() for record in caplog.records)
    assert "the nodes ApplyInstantID are those of custom_nodes.ComfyUI_InstantID" in said


def test_without_comfyui_nothing_is_asked(pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nodes", "server"):
        monkeypatch.setitem(sys.modules, name, None)
    pack.collision.tell_of_collisions(pack.NODE_CLASS_MAPPINGS)
