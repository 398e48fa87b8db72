"""Starts ComfyUI as its users do, queues workflows over its web interface, and stops it."""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

_PAUSE = 0.1
"""Seconds between two questions to the server."""


class WorkflowFailed(Exception):
    """A workflow did not run to its end. The message is for the user."""


def run(folder: str, workflows: Sequence[str], arguments: Sequence[str]) -> None:
    """Run ComfyUI's `main.py` in this process, with the workflows in their order.

    folder: of ComfyUI, with its `main.py`. workflows: files in the API format. arguments: for ComfyUI.

    Raises:
        WorkflowFailed: ComfyUI refuses a workflow, or a node fails.
    """
    main = os.path.join(os.path.abspath(folder), "main.py")
    prompts = []
    for path in workflows:
        with open(path, encoding="utf-8") as stream:
            prompts.append((path, json.load(stream)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    os.chdir(os.path.dirname(main))
    sys.path.insert(0, os.path.dirname(main))
    sys.argv = [main, "--listen", "127.0.0.1", "--port", str(port), *arguments]
    client = _Client(f"http://127.0.0.1:{port}", prompts)
    client.start()
    try:
        runpy.run_path(main, run_name="__main__")
    except KeyboardInterrupt:
        if not client.done:
            raise
    finally:
        client.stopped = True
    if client.failure is not None:
        raise client.failure
    if not client.done:
        raise WorkflowFailed("ComfyUI ended before the workflows had run")


class _Client(threading.Thread):
    """Queues workflows one after the other, waits for each, and then interrupts the server.

    done: all have run, or one has failed. failure: why.
    """

    def __init__(self, address: str, prompts: Sequence[tuple[str, Any]]) -> None:
        super().__init__(daemon=True, name="transfer-lint workflows")
        self._address = address
        self._prompts = prompts
        self.done = False
        self.stopped = False
        self.failure: Exception | None = None

    def run(self) -> None:
        """Called by `start`."""
        try:
            while self._ask("/system_stats") is None:
                if self.stopped:
                    return
                time.sleep(_PAUSE)
            for path, prompt in self._prompts:
                self._run(path, prompt)
        except Exception as error:
            self.failure = error
        self.done = True
        os.kill(os.getpid(), signal.SIGINT)

    def _run(self, path: str, prompt: Any) -> None:
        queued = self._ask("/prompt", {"prompt": prompt, "client_id": "transfer-lint"})
        if not queued or "prompt_id" not in queued:
            raise WorkflowFailed(f"{path}: ComfyUI does not take it: {_reason(queued)}")
        number = queued["prompt_id"]
        while not (history := self._ask(f"/history/{number}")):
            if self.stopped:
                return
            time.sleep(_PAUSE)
        status = history[number].get("status") or {}
        if status.get("status_str") == "error":
            raise WorkflowFailed(f"{path}: {_failed_node(status)}")

    def _ask(self, path: str, value: Any = None) -> Any:
        """What the server answers, as JSON; None if it cannot be reached."""
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self._address + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except (urllib.error.URLError, ConnectionError):
            return None


def _reason(answer: Any) -> str:
    """Why a workflow is refused, in the server's words."""
    if not isinstance(answer, dict):
        return "no answer"
    parts = [str((answer.get("error") or {}).get("message", "")) if isinstance(answer.get("error"), dict) else ""]
    for number, node in (answer.get("node_errors") or {}).items():
        where = f"node {number} ({node.get('class_type', '?')})"
        parts += [f"{where}: {error.get('message')}: {error.get('details')}" for error in node.get("errors", ())]
    return "; ".join(part for part in parts if part) or json.dumps(answer)


def _failed_node(status: Any) -> str:
    for name, details in status.get("messages") or ():
        if name == "execution_error":
            where = f"node {details.get('node_id')} ({details.get('node_type')})"
            return f"{where}: {details.get('exception_type')}: {str(details.get('exception_message')).strip()}"
    return "a node failed"
