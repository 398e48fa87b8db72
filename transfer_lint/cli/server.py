"""`transfer-lint server`."""

from __future__ import annotations

import signal

import click

from transfer_lint.problems import Problem, install_command


@click.command("server", short_help="Run the language server, for editors.")
def command() -> int:
    """Run the language server on standard input and output: diagnostics while you write, quick fixes, the proof on
    hover. Inlay hints are off unless the editor sends the initialization option inlayHints = true.
    """
    try:
        from transfer_lint.server.language_server import make_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        what = "the server needs pygls, which is not installed"
        raise Problem("transfer-lint", what, install_command("server")) from None
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it ends at once; its processes notice that and end, too
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    make_server().start_io()
    return 0
