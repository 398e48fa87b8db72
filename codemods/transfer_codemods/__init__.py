"""libcst rewrites of device transfers.

    from transfer_codemods import Anchor, DeleteTransfer, rewrite

`actions` says what to do at which call; `rewrite` does it. What needs libcst is imported when it is first used, so
that deciding on actions stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .actions import (
    Action,
    Anchor,
    DeleteTransfer,
    GuardForm,
    GuardModule,
    GuardTensor,
    Half,
    KeepOnDevice,
    Plan,
    Target,
)

if TYPE_CHECKING:
    from .commands import DeleteTransfers, FixTransfers, GuardModules, GuardTensors, KeepOnDevices
    from .fix_transfers import Rewritten, rewrite

__all__ = [
    "Action",
    "Anchor",
    "DeleteTransfer",
    "DeleteTransfers",
    "FixTransfers",
    "GuardForm",
    "GuardModule",
    "GuardModules",
    "GuardTensor",
    "GuardTensors",
    "Half",
    "KeepOnDevice",
    "KeepOnDevices",
    "Plan",
    "Rewritten",
    "Target",
    "rewrite",
]

_LAZY = {
    "DeleteTransfers": "commands",
    "FixTransfers": "commands",
    "GuardModules": "commands",
    "GuardTensors": "commands",
    "KeepOnDevices": "commands",
    "Rewritten": "fix_transfers",
    "rewrite": "fix_transfers",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
