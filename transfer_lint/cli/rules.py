"""`transfer-lint rules`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from transfer_lint.cli import common
from transfer_lint.problems import nearest
from transfer_lint.report import colours

if TYPE_CHECKING:
    from transfer_lint.rules import Rule


@click.command("rules", short_help="List the rules, or print the page of one.")
@click.argument("rule", required=False, shell_complete=common.rules_like)
@click.option(
    "--output-format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people, or for programs.",
)  # fmt: skip
@click.option("--plugins", multiple=True, metavar="LIST", help="Also those of these plugins: names, or folders.")
def command(rule: str | None, form: str, plugins: tuple[str, ...]) -> int:
    """List the rules, or print one RULE's page (by code or name): why, examples, when it is wrong, what it saves.

    The first letters of codes (TL1) list a group. Rules of plugins are listed where the configuration names these.

    \b
    transfer-lint rules
    transfer-lint rules TL1
    transfer-lint rules TL101
    transfer-lint rules --output-format json
    """
    from transfer_lint.cli.inputs import settings_for
    from transfer_lint.rules import RULES
    from transfer_lint.rules.pages import read_page, render

    on = {"", *settings_for(None, {"plugins": plugins}).plugins}
    chosen = _chosen(rule, {code: each for code, each in RULES.items() if each.plugin in on})
    if form == "json":
        click.echo(json.dumps([_as_data(each) for each in chosen.values()], indent=2))
    elif rule is None or len(chosen) > 1:
        _list(chosen)
    else:
        (found,) = chosen.values()
        click.echo(render(read_page(found.page), min(shutil.get_terminal_size().columns, 100)))
    return 0


def _chosen(rule: str | None, rules: Mapping[str, Rule]) -> Mapping[str, Rule]:
    if rule is None or rule.upper() == "ALL":
        return rules
    for code, found in rules.items():
        if rule.upper() == code or rule.lower() == found.name:
            return {code: found}
    if group := {code: found for code, found in rules.items() if code.startswith(rule.upper())}:
        return group
    near = nearest(rule, [*rules, *(r.name for r in rules.values())])
    hint = f"did you mean {near!r}?" if near else "`transfer-lint rules` lists them"
    raise click.BadParameter(f"no rule is called {rule!r}; {hint}", param_hint="RULE")


def _as_data(rule: Rule) -> dict[str, object]:
    from transfer_lint.rules.pages import read_page

    return {
        "code": rule.code,
        "name": rule.name,
        "summary": rule.summary,
        "fix": rule.fix or None,
        "safety": rule.safety.value if rule.safety else None,
        "page": read_page(rule.page).text,
    }


def _list(rules: Mapping[str, Rule]) -> None:
    colour = common.coloured(sys.stdout)
    codes = max(map(len, rules), default=0)
    names = max((len(rule.name) for rule in rules.values()), default=0)
    tiers = [rule.safety.value if rule.safety else "-" for rule in rules.values()]
    room = shutil.get_terminal_size().columns - codes - names - 15 if sys.stdout.isatty() else 10_000
    for (code, rule), tier in zip(rules.items(), tiers, strict=True):
        summary = rule.summary if len(rule.summary) <= room else rule.summary[: max(room - 3, 20)] + "..."
        fix = click.style(f"{tier:<6}", fg={"safe": colours.GOOD, "unsafe": colours.WARNING}.get(tier))
        head = click.style(f"{code:<{codes}}", bold=True)
        click.echo(f"{head}  {rule.name:<{names}}  {fix}  {summary}", color=colour)
