"""The program's call stack: which line is running, and its callers."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import CodeType, FrameType

import torch

from transfer_lint.evidence.model import Frame

DEPTH = 12
"""Largest number of frames that are kept of one event."""

_MAX_KNOWN = 100_000
NOWHERE = Frame("?", 0, "?")

_ALWAYS = tuple(os.path.join(os.path.dirname(file), "") for file in (__file__, torch.__file__))
_STDLIB = tuple(os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib"))
_PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))

_is_hidden: dict[str, bool] = {}
_known: dict[tuple[CodeType, int], Frame] = {}


def hidden(file: str) -> bool:
    """Whether a file's frames are left out because it belongs to torch, to this package or to Python itself."""
    found = _is_hidden.get(file)
    if found is None:
        found = _is_hidden[file] = _look(file)
    return found


def _look(file: str) -> bool:
    if file.startswith(("<frozen ", *_ALWAYS)):
        return True
    return file.startswith(_STDLIB) and not any(folder in file for folder in _PACKAGES)


def is_library(file: str) -> bool:
    """Whether a file belongs to an installed package. Its frames are kept, but it is not user code."""
    return any(folder in file for folder in _PACKAGES)


def chain() -> tuple[Frame, ...]:
    """The program's frames, innermost first, at most DEPTH; only NOWHERE if there is none."""
    found: list[Frame] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(found) < DEPTH:
        if not hidden(frame.f_code.co_filename):
            found.append(_frame(frame))
        frame = frame.f_back
    return tuple(found) or (NOWHERE,)


def _frame(frame: FrameType) -> Frame:
    key = (frame.f_code, frame.f_lasti)
    known = _known.get(key)
    if known is None:
        known = _made(frame)
        if len(_known) < _MAX_KNOWN:
            _known[key] = known
    return known


def _made(frame: FrameType) -> Frame:
    code = frame.f_code
    function = code.co_qualname if sys.version_info >= (3, 11) else code.co_name
    line, end_line, end_byte = frame.f_lineno, 0, 0
    if sys.version_info >= (3, 11) and frame.f_lasti >= 0:
        for number, position in enumerate(code.co_positions()):
            if number == frame.f_lasti // 2:
                end_line, end_byte = position[1] or 0, position[3] or 0
                break
    file = code.co_filename
    return Frame(os.path.abspath(file) if os.path.exists(file) else file, line, function, end_line, end_byte)
