"""How often a function runs."""

from __future__ import annotations

from transfer_lint.findings import Heat
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.modules import FunctionInfo

_ONCE = ("__init__", "__new__", "__post_init__", "setup", "main")
_LOADERS = ("load", "from_pretrained", "init_", "_load", "build_", "get_model", "create_")


def heat_of(info: FunctionInfo, knowledge: Knowledge) -> Heat:
    """`once` for constructors and loaders, else `call`."""
    name = info.name
    if name in _ONCE or name.startswith(_LOADERS):
        return Heat.ONCE
    return Heat.CALL
