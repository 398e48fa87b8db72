"""`transfer-lint merge`."""

from __future__ import annotations

import click

from transfer_lint.cli import common
from transfer_lint.findings import Severity
from transfer_lint.report import View


@click.command("merge", short_help="Put the reports of several runs together.")
@click.argument("reports", nargs=-1, required=True, type=click.Path())
@click.option(
    "--fail-on", type=click.Choice([s.value for s in Severity]), default=Severity.WARNING.value, show_default=True,
    help="The least severity that makes the run fail.",
)  # fmt: skip
@click.option("--output-file", type=click.Path(), metavar="FILE", help="Write the report there, not to the output.")
def command(reports: tuple[str, ...], fail_on: str, output_file: str | None) -> int:
    """Put REPORTS, all json or all sarif, of the parts of one tree together.

    Exits with 0 when there is nothing at or over --fail-on, 1 when there is, 2 when something is no report.

    \b
    transfer-lint check --shard 1/2 --output-format json --output-file 1.json .
    transfer-lint check --shard 2/2 --output-format json --output-file 2.json .
    transfer-lint merge 1.json 2.json
    """
    from transfer_lint.files import disk
    from transfer_lint.report.merging import merged

    texts = {path: disk.read(path, disk.MAX_NOTEBOOK_BYTES).decode("utf-8", "replace") for path in reports}
    text, severities = merged(texts)
    common.put([text], View(), output_file, form="json")
    return int(any(severity.rank >= Severity(fail_on).rank for severity in severities))
