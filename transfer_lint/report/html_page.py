"""Pages of evidence: one file that needs nothing else, in which all that a program may have named is escaped."""

from __future__ import annotations

from typing import Any

from transfer_lint import __version__
from transfer_lint.outcome import Problem
from transfer_lint.report import trace_text


def page(template: str, **values: Any) -> str:
    """A template of `evidence_html`, filled in. Raises Problem without jinja2."""
    try:
        import jinja2
    except ModuleNotFoundError:
        raise Problem(
            "--format html", "needs jinja2, which is not installed", "pip install transfer-lint[trace]"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("transfer_lint.report", "evidence_html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(bytes=trace_text.bytes_of, seconds=trace_text.seconds_of, place=trace_text.place)
    return environment.get_template(template).render(version=__version__, **values)
