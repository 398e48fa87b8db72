"""For ComfyUI's own `custom_nodes`: reports what each queued workflow moved, by node and phase.

A file there with one line switches it on, at the next start of ComfyUI:

    from transfer_lint.tracing.comfyui_pack import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

After each workflow an HTML page and the trace as JSON are written to `transfer-lint` in ComfyUI's output folder, or to
the folder that the environment variable TRANSFER_LINT_REPORTS names. The node Transfer Report gives what the workflow
has moved so far as text.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any

from transfer_lint.evidence.model import Trace
from transfer_lint.report import View, trace_html, trace_json, trace_text
from transfer_lint.tracing.session import Tracing, trace


class _Reports:
    """The trace of this ComfyUI, and the reports that are written of it."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._tracing: Tracing | None = None
        self._number = 0

    def start(self) -> None:
        """Trace this process from now on: threads that start later, such as the one that runs workflows, are seen."""
        if self._tracing is None:
            self._tracing = self._running.enter_context(trace("ComfyUI"))

    def start_over(self) -> None:
        """Forget what has moved so far: a workflow begins."""
        assert self._tracing is not None
        self._tracing.start_over()

    def result(self) -> Trace:
        """What the workflow has moved so far."""
        assert self._tracing is not None
        return self._tracing.result()

    def write(self) -> None:
        """Write the reports of what the workflow has moved."""
        self._number += 1
        found = self.result()
        folder = os.environ.get("TRANSFER_LINT_REPORTS") or os.path.join(_output_folder(), "transfer-lint")
        os.makedirs(folder, exist_ok=True)
        stem = os.path.join(folder, f"workflow-{self._number:03}")
        for suffix, lines in ((".html", trace_html.report(found)), (".json", trace_json.report(found))):
            with open(stem + suffix, "w", encoding="utf-8") as stream:
                stream.writelines(f"{line}\n" for line in lines)
        logging.info("transfer-lint: %d transfers, %d waits: %s.html", found.transfers, found.waits, stem)


_reports = _Reports()


def _output_folder() -> str:
    folders = sys.modules.get("folder_paths")
    return str(folders.get_output_directory()) if folders is not None else "output"


def _reported(execute: Callable[..., Any]) -> Callable[..., Any]:
    """`PromptExecutor.execute`, with a report after each workflow. Where that fails, the workflow does not."""

    @wraps(execute)
    def run(*args: Any, **kwargs: Any) -> Any:
        _reports.start_over()
        try:
            return execute(*args, **kwargs)
        finally:
            try:
                _reports.write()
            except Exception as error:
                logging.warning("transfer-lint: no report of this workflow: %s", error)

    return run


class TransferReport:
    """A node whose text says what the workflow has moved until it ran."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "report"
    CATEGORY = "utils"
    OUTPUT_NODE = True
    DESCRIPTION = (
        "What the workflow has moved between devices so far, and how often the host waited, by node and phase."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """ComfyUI's description of the inputs."""
        return {"required": {"after": ("*", {"tooltip": "Any output: the report is made when this is there."})}}

    @classmethod
    def VALIDATE_INPUTS(cls, input_types: Any) -> bool:
        """Takes what is of any type."""
        return True

    @classmethod
    def IS_CHANGED(cls, **inputs: Any) -> float:
        """Never the same as before."""
        return float("nan")

    def report(self, after: Any) -> dict[str, Any]:
        """Returns the text, which the node also shows."""
        text = "\n".join(trace_text.report(_reports.result(), View()))
        return {"ui": {"text": [text]}, "result": (text,)}


NODE_CLASS_MAPPINGS = {"TransferLintReport": TransferReport}
NODE_DISPLAY_NAME_MAPPINGS = {"TransferLintReport": "Transfer Report"}

if "execution" in sys.modules:  # inside of ComfyUI
    _reports.start()
    executor = sys.modules["execution"].PromptExecutor
    executor.execute = _reported(executor.execute)
