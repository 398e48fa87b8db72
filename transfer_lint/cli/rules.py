"""`transfer-lint rules`."""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from transfer_lint.cli import common

if TYPE_CHECKING:
    from transfer_lint.rules import Rule


@click.command("rules", short_help="List the rules, or print the page of one.")
@click.argument("rule", required=False)
def command(rule: str | None) -> int:
    """List the rules, or print one RULE's page (by code or name): why, examples, when it is wrong, what it saves.

    \b
    transfer-lint rules
    transfer-lint rules TL101
    """
    from transfer_lint.rules import RULES
    from transfer_lint.rules.pages import read_page, render

    if rule is None:
        _list(RULES)
        return 0
    for code, found in RULES.items():
        if rule.upper() == code or rule.lower() == found.name:
            width = min(shutil.get_terminal_size().columns, 100)
            click.echo(render(read_page(found.page), width))
            return 0
    nearest = difflib.get_close_matches(rule, [*RULES, *(r.name for r in RULES.values())], n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else "`transfer-lint rules` lists them"
    raise click.BadParameter(f"no rule is called {rule!r}; {hint}", param_hint="RULE")


def _list(rules: Mapping[str, Rule]) -> None:
    colour = common.coloured(sys.stdout)
    names = max((len(rule.name) for rule in rules.values()), default=0)
    tiers = [rule.safety.value if rule.safety else "-" for rule in rules.values()]
    room = shutil.get_terminal_size().columns - names - 20 if sys.stdout.isatty() else 10_000
    for (code, rule), tier in zip(rules.items(), tiers, strict=True):
        summary = rule.summary if len(rule.summary) <= room else rule.summary[: max(room - 3, 20)] + "..."
        fix = click.style(f"{tier:<6}", fg={"safe": "green", "unsafe": "yellow"}.get(tier))
        click.echo(f"{click.style(code, bold=True)}  {rule.name:<{names}}  {fix}  {summary}", color=colour)
