"""Starts the command line many times at the price of one start: a process that has imported it forks for each run.

Each run is a process of its own, with the arguments, the environment, the folder and the streams that it is given, and
with nothing of the tests in it. Run as a script it is the process that forks: it takes requests on its standard input,
which is a socket.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import IO

SIZE = 1 << 20  # of a message, at most
PACKAGES = ("files", "flow", "lint", "rules", "fixing", "report", "cli")


class Forking:
    """The process that forks, as the tests see it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen([sys.executable, __file__], stdin=theirs, env=dict(environment))
        theirs.close()
        atexit.register(self.end)

    def end(self) -> None:
        self._socket.close()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[IO[bytes]],
        timeout: float,
    ) -> int:  # fmt: skip
        """Run `transfer-lint` and hand back its exit code, negative for a signal."""
        request = json.dumps([list(arguments), str(folder), dict(environment)]).encode("utf-8", "surrogatepass")
        self._socket.settimeout(timeout)
        socket.send_fds(self._socket, [request], [stream.fileno() for stream in streams])
        number = int(self._socket.recv(SIZE))
        try:
            return os.waitstatus_to_exitcode(int(self._socket.recv(SIZE)))
        except TimeoutError:
            os.kill(number, 9)
            raise


@cache
def forking() -> Forking:
    """The one process of these tests."""
    from tests.support.command import environment

    return Forking(environment())


def serve() -> None:
    """Fork for each request until there are no more; returns in the forked process, ready to be `transfer-lint`."""
    requests = socket.socket(fileno=0)
    while True:
        message, streams, _, _ = socket.recv_fds(requests, SIZE, 3)
        if not message:
            sys.exit()
        number = os.fork()
        if number:
            for stream in streams:
                os.close(stream)
            requests.send(str(number).encode())
            requests.send(str(os.waitpid(number, 0)[1]).encode())
            continue
        requests.detach()
        for descriptor, stream in enumerate(streams):
            os.dup2(stream, descriptor)
            os.close(stream)
        arguments, folder, environment = json.loads(message.decode("utf-8", "surrogatepass"))
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.stdin, sys.stdout, sys.stderr = (open(n, mode) for n, mode in enumerate(("r", "w", "w")))  # noqa: SIM115
        sys.argv = ["transfer-lint", *arguments]
        sys.path.insert(0, folder)  # as -m does
        return


def prepare() -> None:
    """Import what a run imports."""
    for package in PACKAGES:
        home = import_module(f"transfer_lint.{package}")
        for module in walk_packages(home.__path__, f"transfer_lint.{package}."):
            import_module(module.name)
    import_module("transfer_codemods.fix_transfers")
    import_module("transfer_lint.flow.knowledge").default_knowledge()


if __name__ == "__main__":
    from runpy import run_module

    sys.path[:] = [folder for folder in sys.path if folder != str(Path(__file__).parent)]
    prepare()
    gc.freeze()
    serve()
    run_module("transfer_lint", run_name="__main__", alter_sys=True)
