"""Find, prove and rewrite needless device transfers in PyTorch source, without running it."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`transfer_lint.trace`, imported when it is asked for: linting never needs it."""
    if name == "trace":
        from importlib import import_module

        return import_module("transfer_lint.trace")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
