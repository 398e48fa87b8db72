"""`transfer-lint clean`."""

from __future__ import annotations

import os

import click

from transfer_lint.cli import common
from transfer_lint.cli.inputs import settings_for


@click.command("clean", short_help="Remove the results that are kept for later runs.")
@click.option(
    "--cache-dir",
    metavar="PLACE",
    envvar="TRANSFER_LINT_CACHE_DIR",
    help="Of this folder or URL; by default, of the one that is configured.",
)
@click.option("--config", "config_file", type=click.Path(), metavar="FILE", help="Use this configuration.")
def command(cache_dir: str | None, config_file: str | None) -> int:
    """Remove the results of earlier runs. They come back with the next run, which takes as long as the first."""
    from transfer_lint.lint.store import clean, place_for

    settings = settings_for(config_file, {"cache_dir": cache_dir})
    place = place_for(settings)
    shown = place if "://" in place else os.path.normpath(place)
    common.say(f"removed the results in {shown}" if clean(place) else f"no results in {shown}")
    return 0
