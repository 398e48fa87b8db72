"""Results as JSON and back. Only plain data of known classes comes back: others may have written what is kept."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

from transfer_codemods import actions
from transfer_lint import findings
from transfer_lint.lint.check_text import Examined

_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for module in (actions, findings)
    for cls in vars(module).values()
    if isinstance(cls, type) and (is_dataclass(cls) or issubclass(cls, Enum))
} | {"Examined": Examined}


def written(examined: Examined) -> str:
    """A result as JSON."""
    return json.dumps(_plain(examined), separators=(",", ":"))


def read(kept: bytes) -> Examined | None:
    """The result that `written` has written; None if it is something else."""
    try:
        value = _value(json.loads(kept))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return value if isinstance(value, Examined) else None


def _plain(value: object) -> object:
    match value:
        case Enum():
            return {type(value).__name__: value.value}
        case None | bool() | int() | str():
            return value
        case tuple():
            return [_plain(item) for item in value]
    name = type(value).__name__
    assert _CLASSES[name] is type(value), name
    return {name: [_plain(getattr(value, field.name)) for field in fields(cast(Any, value))]}


def _value(plain: object) -> object:
    match plain:
        case list():
            return tuple(_value(item) for item in plain)
        case dict():
            ((name, inner),) = plain.items()
            cls = _CLASSES[name]
            return cls(inner) if issubclass(cls, Enum) else cls(*(_value(item) for item in inner))
    return plain
