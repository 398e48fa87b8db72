"""The job of a worker process: which program to run and how, and where to write the result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

What = Literal["script", "module", "scenario", "workflow"]


@dataclass(frozen=True)
class Job:
    """One program to run.

    what: what `target` is: a script's path, a module's dotted name, a scenario file's path, or ComfyUI's folder.
    result: the file to write. arguments: of the program, without its name. workflows: files that ComfyUI runs.
    simulate: the kind of accelerator to simulate, "" for the real machine. devices: how many to simulate. follow_uses,
    hash_limit, reach: as in `session.trace`.

    The others are for `verify`. program: the file or folder under test, "" for `trace`. name: the name that it is
    imported as. search: folders that it may import from besides its own. instead_of: real path of the program that it
    is a copy of, and that must not be imported in its place; "" if it is no copy. seed: set before each call. repeat:
    number of traced calls. timed: make as many untraced calls, to measure the time. previews: make pictures of the
    outputs.
    """

    what: What
    target: str
    result: str
    arguments: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    simulate: str = ""
    devices: int = 1
    follow_uses: bool | None = None
    hash_limit: int = 32 * 2**20
    reach: Mapping[str, Sequence[int]] = field(default_factory=dict)
    program: str = ""
    name: str = ""
    search: tuple[str, ...] = ()
    instead_of: str = ""
    seed: int = 0
    repeat: int = 1
    timed: bool = False
    previews: bool = False

    def to_json(self) -> str:
        """The job as one line of JSON."""
        return json.dumps(asdict(self))


def from_json(text: str) -> Job:
    """The job that `to_json` wrote."""
    value: Mapping[str, Any] = json.loads(text)
    tuples = {name: tuple(value[name]) for name in ("arguments", "workflows", "search")}
    return Job(**{**value, **tuples})
