"""libcst rewrites of device transfers.

    from transfer_codemods import Anchor, DeleteTransfer, rewrite

A plan (anchor -> action) says what to do at which call; `rewrite` carries it out. Modules that need libcst are
imported on first use, so that making a plan stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .actions import (
    Action,
    Anchor,
    AssignResult,
    ConstructOnDevice,
    DeleteTransfer,
    GuardForm,
    GuardModule,
    GuardTensor,
    Half,
    HoistTransfer,
    KeepOnDevice,
    MergeTransfer,
    Plan,
    ReadAtOnce,
    RememberRead,
    ReuseTransfer,
    Target,
    UnreadImport,
    UnreadLocal,
)

if TYPE_CHECKING:
    from .commands import (
        AssignResults,
        ConstructOnDevices,
        DeleteTransfers,
        FixTransfers,
        GuardModules,
        GuardTensors,
        HoistTransfers,
        KeepOnDevices,
        MergeTransfers,
        ReadsAtOnce,
        RememberReads,
        ReuseTransfers,
    )
    from .fix_transfers import Rewriter, Rewritten, rewrite

__all__ = [
    "Action",
    "Anchor",
    "AssignResult",
    "AssignResults",
    "ConstructOnDevice",
    "ConstructOnDevices",
    "DeleteTransfer",
    "DeleteTransfers",
    "FixTransfers",
    "GuardForm",
    "GuardModule",
    "GuardModules",
    "GuardTensor",
    "GuardTensors",
    "Half",
    "HoistTransfer",
    "HoistTransfers",
    "KeepOnDevice",
    "KeepOnDevices",
    "MergeTransfer",
    "MergeTransfers",
    "Plan",
    "ReadAtOnce",
    "ReadsAtOnce",
    "RememberRead",
    "RememberReads",
    "ReuseTransfer",
    "ReuseTransfers",
    "Rewriter",
    "Rewritten",
    "Target",
    "UnreadImport",
    "UnreadLocal",
    "rewrite",
]

_LAZY = {
    "AssignResults": "commands",
    "ConstructOnDevices": "commands",
    "DeleteTransfers": "commands",
    "FixTransfers": "commands",
    "GuardModules": "commands",
    "GuardTensors": "commands",
    "HoistTransfers": "commands",
    "KeepOnDevices": "commands",
    "MergeTransfers": "commands",
    "ReadsAtOnce": "commands",
    "RememberReads": "commands",
    "ReuseTransfers": "commands",
    "Rewriter": "fix_transfers",
    "Rewritten": "fix_transfers",
    "rewrite": "fix_transfers",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
