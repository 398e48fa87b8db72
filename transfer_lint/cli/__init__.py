"""The command line. A command parses options, calls one function and picks a report; it is imported when it is used.

May import everything but `tracing`, which it starts in separate processes.
Hands out `main`.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from transfer_lint.problems import Problem


def main() -> None:
    """Run the command line and exit with the command's exit code. Prints no traceback.

    Other exit codes: 2 after an error, 130 when interrupted, 141 when the reader of standard output has closed it.
    """
    from transfer_lint.cli import nothing

    if nothing.answers(sys.argv[1:]):
        sys.exit(0)
    import click

    from transfer_lint.cli.commands import cli
    from transfer_lint.problems import Problem, failure

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names may hold characters that the terminal cannot show
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that temporary files are removed
    try:
        code = cli.main(prog_name="transfer-lint", standalone_mode=False)
        if not sys.stdout.closed:  # after the language server it may be closed, by its editor
            sys.stdout.flush()
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Problem as problem:
        code = _reported(problem)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except BrokenPipeError:  # the reader of standard output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except Exception as error:
        code = _reported(failure("transfer-lint", error))
    sys.exit(code)


def _reported(problem: Problem) -> int:
    from transfer_lint.cli.common import print_problems

    print_problems([problem])
    return 2
