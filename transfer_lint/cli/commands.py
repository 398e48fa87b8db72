"""The commands, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from transfer_lint.version import __version__

COMMANDS = ("check", "fix", "rules", "explain", "graph", "server", "trace", "verify")


class _Commands(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"transfer_lint.cli.{cmd_name}").command
        return command


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
    """
