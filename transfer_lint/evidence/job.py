"""What a process that runs a program is told, and where it writes what it saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

What = Literal["script", "module", "scenario"]


@dataclass(frozen=True)
class Job:
    """One program to run.

    what: what `target` names: a script's path, a module's dotted name, or a scenario file's path. arguments: of the
    program, after its name. result: the file for what was seen. simulate: the kind of accelerator, "" for the real
    one; devices: how many of it. follow_uses: None for the default. reach: files whose lines matter.

    program: for `verify`, the file or folder under test, "" for `trace`; name: what it is imported as. seed, repeat:
    for `verify`, of each call and how many; timed: as many more, untraced; previews: with pictures of the outputs.
    """

    what: What
    target: str
    result: str
    arguments: tuple[str, ...] = ()
    simulate: str = ""
    devices: int = 1
    follow_uses: bool | None = None
    hash_limit: int = 32 * 2**20
    reach: tuple[str, ...] = ()
    program: str = ""
    name: str = ""
    seed: int = 0
    repeat: int = 1
    timed: bool = False
    previews: bool = False

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


def from_json(text: str) -> Job:
    """What `to_json` gave."""
    value: Mapping[str, Any] = json.loads(text)
    return Job(**{**value, "arguments": tuple(value["arguments"]), "reach": tuple(value["reach"])})
