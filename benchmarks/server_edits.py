"""Measures what a change in an open file costs the language server, in time and in memory.

    python benchmarks/server_edits.py FILE [EDITS]

Starts the server in the file's folder, opens the file, and makes EDITS changes (default 24), each after the diagnostics
of the one before have come. Prints the milliseconds from each change to its diagnostics, the processor time that the
server and all its processes took since the change before, and their memory. The wait for more changes, 100 ms, is in
the former and not in the latter.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any


class Server:
    """A language server and the messages to and from it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "transfer_lint", "server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        parameters = {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": {}}
        self.send("initialize", parameters, id=1)
        self.wait_for(lambda message: message.get("id") == 1)
        self.send("initialized", {})

    def send(self, method: str, params: object, **more: object) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def wait_for(self, wanted: Any) -> dict[str, Any]:
        """The next message for which `wanted` is true."""
        assert self._process.stdout is not None
        while True:
            length = 0
            while (line := self._process.stdout.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            message: dict[str, Any] = json.loads(self._process.stdout.read(length))
            if wanted(message):
                return message

    def memory(self) -> float:
        """MiB of this process and all below it (proportional set size; Linux)."""
        return sum(_pss(pid) for pid in _family(self._process.pid)) / 1024

    def processor(self) -> float:
        """Milliseconds of processor time of this process and all below it, those that have ended too (Linux)."""
        ticks = sum(sum(map(int, _status(pid)[11:15])) for pid in _family(self._process.pid))
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _family(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (status := _status(int(entry.name))):
            parents.setdefault(int(status[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _status(pid: int) -> list[str]:
    """What /proc says of a process after its name; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@dataclass(frozen=True)
class Edit:
    """What the opening of a file (number 0) or a change cost: milliseconds, those of processors, MiB held then."""

    number: int
    milliseconds: float
    processor: float
    memory: float
    findings: int


def edits(path: Path, count: int) -> Iterator[Edit]:
    """Open a file in a server, and change it `count` times."""
    text, uri = path.read_text(encoding="utf-8"), path.as_uri()
    server = Server(path.parent)
    before = server.processor()
    try:
        for version in range(count + 1):
            start = time.perf_counter()
            document = {"uri": uri, "version": version, "languageId": "python"}
            changed = f"{text}\nEDIT = {version}\n"
            if version:
                server.send("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": changed}]})
            else:
                server.send("textDocument/didOpen", {"textDocument": {**document, "text": changed}})
            found = server.wait_for(partial(_is_answer, uri, version))
            milliseconds = (time.perf_counter() - start) * 1000
            after = server.processor()
            yield Edit(version, milliseconds, after - before, server.memory(), len(found["params"]["diagnostics"]))
            before = after
    finally:
        server.stop()


def _is_answer(uri: str, version: int, message: dict[str, Any]) -> bool:
    if message.get("method") != "textDocument/publishDiagnostics":
        return False
    return (message["params"]["uri"], message["params"].get("version")) == (uri, version)


def main() -> None:
    """Print one line for each change, and the median."""
    path = Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 24
    changes = []
    for edit in edits(path, count):
        what = f"change {edit.number:3}" if edit.number else "open      "
        took = f"{edit.milliseconds:7.0f} ms {edit.processor:7.0f} ms CPU {edit.memory:7.0f} MiB"
        print(f"{what} {took}  {edit.findings} findings", flush=True)
        changes += [edit] if edit.number else []
    milliseconds = statistics.median(edit.milliseconds for edit in changes)
    processor = statistics.median(edit.processor for edit in changes)
    lines = path.read_text(encoding="utf-8").count("\n")
    print(f"median of {count} changes: {milliseconds:.0f} ms, {processor:.0f} ms CPU (lines: {lines})")


if __name__ == "__main__":
    main()
