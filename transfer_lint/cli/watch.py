"""`check --watch`: checks again whenever a file changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import click

from transfer_lint.cli import common
from transfer_lint.files.discovery import LINTED
from transfer_lint.problems import Problem, install_command
from transfer_lint.settings import CONFIGURATIONS
from transfer_lint.stopping import stopped

_CONFIGURATION = (*CONFIGURATIONS, ".gitignore")


def watch(paths: Sequence[str], run: Callable[[], object]) -> None:
    """Call `run` now, and again after each change of a file that it may read, until interrupted.

    Raises:
        Problem: watchfiles is not installed.
    """
    try:
        from watchfiles.main import watch as changes_of
    except ImportError:
        what = "--watch needs watchfiles, which is not installed"
        raise Problem("transfer-lint", what, install_command("watch")) from None

    def concerns(change: object, path: str) -> bool:
        name = os.path.basename(path)
        return (name.endswith(LINTED) and not name.startswith(".")) or name in _CONFIGURATION

    _once(run)
    try:
        for _ in changes_of(*paths, watch_filter=concerns, raise_interrupt=True, step=50):
            if sys.stdout.isatty():
                click.clear()
            _once(run)
    except KeyboardInterrupt:  # what watchfiles makes of a signal
        raise stopped() from None


def _once(run: Callable[[], object]) -> None:
    try:
        run()
    except Problem as problem:  # the configuration is wrong; the next change may correct it
        common.print_problems([problem])
    common.say(common.emphasis("watching for changes; Ctrl-C ends it", dim=True))
