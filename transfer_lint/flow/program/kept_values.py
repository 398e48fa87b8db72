"""Kept values: what `__init__` alone assigns to the attributes of an object."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.modules import ClassInfo
from transfer_lint.flow.program.syntax import bindings, own_attribute


def kept_values(owner: ClassInfo | None, name: str) -> list[ast.expr]:
    """What `__init__` assigns to an attribute that nothing else assigns; nothing for any other attribute."""
    start = owner.methods.get("__init__") if owner is not None else None
    if owner is None or start is None or name in owner.reassigned or owner.is_overridden(name):
        return []
    return [value for target, value in bindings(start.node) if value is not None and own_attribute(target) == name]
