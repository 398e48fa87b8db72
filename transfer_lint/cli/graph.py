"""`transfer-lint graph`."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module

import click

from transfer_lint.cli import common
from transfer_lint.lint.lookup import load

FORMATS = ("mermaid", "dot", "svg", "html")


@click.command("graph", short_help="Draw where values live and move, before and after the fixes.")
@click.argument("place", metavar="PATH[::FUNCTION]")
@click.option("--format", "form", type=click.Choice(FORMATS), default="mermaid", show_default=True, help="How to draw.")
@click.option("--output-file", type=click.Path(), metavar="FILE", help="Write it there, not to the output.")
@click.option(
    "--unsafe-fixes/--no-unsafe-fixes", "unsafe_fixes", default=None, help="Draw what unsafe fixes would make, too."
)
def command(place: str, form: str, output_file: str | None, unsafe_fixes: bool | None) -> int:
    """Draw the device flow of a function (or of a node's whole call: the functions that it calls as well), as it is
    and as the fixes make it. Needless transfers are red, guarded ones green, boundaries grey; in svg and html the
    evidence is in the tooltips. Without a function all of the file's that hold a transfer are drawn.

    \b
    transfer-lint graph nodes.py::ApplyNode.apply
    transfer-lint graph nodes.py::apply --unsafe-fixes --format html --output-file apply.html
    """
    from transfer_lint.graph.before_after import before_after_of

    path, _, function = place.partition("::")
    if os.path.isdir(path):
        raise click.BadParameter(f"{path} is a folder; name one file: PATH or PATH::FUNCTION", param_hint="PLACE")
    settings = load([path])
    if unsafe_fixes is not None:
        settings = replace(settings, unsafe_fixes=unsafe_fixes)
    pair = before_after_of(path, function or None, settings)
    render = import_module(f"transfer_lint.graph.{form}").render
    common.put(render(pair), common.view_for(settings, output_file), output_file, form=form)
    return 0
