"""The command line. A command parses options, calls one function and picks a report; it is imported when it is used.

May import everything but `tracing`, which it starts in separate processes.
Hands out `main`.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from importlib import import_module
from typing import TextIO

import click

from transfer_lint.problems import Problem, failure, nearest
from transfer_lint.stopping import Stopped, end, listen, stopped
from transfer_lint.version import __version__

COMMANDS = ("check", "fix", "rules", "explain", "graph", "server", "trace", "verify", "clean", "merge", "test-rule")


class _Commands(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of that name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], COMMANDS)
            hint = f"Did you mean {near!r}?" if near else f"The commands are {', '.join(COMMANDS)}."
            raise click.UsageError(f"{error.message} {hint}", ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command and print what it has left to print. Returns the exit code; failures are printed."""
        try:
            code = super().invoke(ctx)
            if not sys.stdout.closed:  # after the language server it may be closed, by its editor
                sys.stdout.flush()
        except (click.Abort, click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            return _failed(error)
        return code


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="transfer-lint")
def cli() -> None:
    """Find, prove and rewrite needless device transfers in PyTorch source, without running it.

    \b
    transfer-lint check               what is wrong in this folder, and why
    transfer-lint fix --diff          what the safe fixes would change
    transfer-lint fix                 apply them
    transfer-lint rules TL101         one rule's page
    transfer-lint explain a.py:12     where every value of that line lives, and why
    transfer-lint graph a.py::run     the same as a picture, before and after the fixes
    transfer-lint trace a.py          run a program: what really moved, and where the host waited
    transfer-lint verify OLD NEW      run both: is the result the same, and does less move?
    transfer-lint merge *.json        the reports of a run in parts (--shard) as one
    transfer-lint clean               remove the results that are kept for later runs
    transfer-lint test-rule ./rules   try your own rules on the examples of their pages
    """


def main() -> None:
    """Run the command line and exit with the command's exit code. Prints no traceback.

    Other exit codes: 2 after an error, 130 when interrupted, 143 when terminated, 141 when the reader of standard
    output has closed it.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before the start
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names may hold characters that the terminal cannot show
    try:
        listen()
        code = cli.main(prog_name="transfer-lint", standalone_mode=False)
    except Stopped as stop:
        end(stop)
    except click.Abort:  # what click makes of the end of input
        end(stopped())
    except click.ClickException as error:
        code = error.exit_code
        try:
            error.show()
        except OSError:  # nor can it be said
            abandon(sys.stderr)
    except Exception as error:
        code = _failed(error)
    gc.freeze()  # Python ends with collections; they would look at all that the run holds, and free it for nothing
    sys.exit(code)


def abandon(stream: TextIO) -> None:
    """Have all that is printed to a stream from now on, and what is in its buffer, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def _failed(error: Exception) -> int:
    """Print why a command failed. Returns the exit code."""
    from transfer_lint.cli.common import print_problems
    from transfer_lint.files.disk import reason

    if isinstance(error, BrokenPipeError):  # the reader of standard output has closed it
        abandon(sys.stdout)
        return 141
    if isinstance(error, Problem):
        problem = error
    elif isinstance(error, OSError) and error.filename is None and error.errno in _NO_ROOM:
        abandon(sys.stdout)
        problem = Problem("standard output", f"cannot be written: {reason(error)}", "make room, or write elsewhere")
    else:
        problem = failure("transfer-lint", error)
    print_problems([problem])
    return 2
