"""Notebooks for tests, as Jupyter writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence

OUTPUT = [{"output_type": "stream", "name": "stdout", "text": ["x.to('cuda:0')  \u001b[0m ü\n"]}]


def notebook(*cells: str | tuple[str, str], language: str = "python", indent: int | None = 1) -> str:
    """A notebook's JSON. cells: the source of a code cell, or (cell_type, source)."""
    listed = [("code", cell) if isinstance(cell, str) else cell for cell in cells]
    return written([_cell(number, kind, source) for number, (kind, source) in enumerate(listed)], language, indent)


def written(cells: Sequence[object], language: str = "python", indent: int | None = 1) -> str:
    kernel = {"name": "k", "display_name": "K", "language": language}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "ratio": 1.50, "x.unknown": {"z": 1, "a": 2}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=indent, ensure_ascii=False) + "\n"


def _cell(number: int, kind: str, source: str) -> dict[str, object]:
    code = {"execution_count": number, "outputs": OUTPUT} if kind == "code" else {}
    return {
        "cell_type": kind,
        "id": f"c{number}",
        **code,
        "metadata": {"tags": [], "unknown": 1e3},
        "source": source.splitlines(keepends=True),
    }


def sources(text: str) -> list[str]:
    """The sources of a notebook's cells."""
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
