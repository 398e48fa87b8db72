"""The attributes of a tensor on the simulated accelerator: the program's, and those of the wrapper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

OWN = ("held", "ordinal", "_host_type", "_is_param")
"""Attributes that belong to the wrapper, not to the user's tensor."""


class Attributes(dict[str, Any]):
    """The attributes of a tensor of the program's own class. A program that copies them leaves out those of ours."""

    def __iter__(self) -> Iterator[str]:
        return (name for name in super().__iter__() if name not in OWN)

    def copy(self) -> dict[str, Any]:
        """The program's attributes."""
        return {name: self[name] for name in self}

    def keys(self) -> Any:
        """Names of the program's attributes."""
        return self.copy().keys()

    def items(self) -> Any:
        """Names and values of the program's attributes."""
        return self.copy().items()

    def values(self) -> Any:
        """Values of the program's attributes."""
        return self.copy().values()
