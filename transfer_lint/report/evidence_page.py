"""Pages of evidence: one file that needs nothing else, in which all that a program may have named is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_lint.pages.templating import Templates
from transfer_lint.report import trace_text
from transfer_lint.version import __version__

_TEMPLATES = Templates(
    Path(__file__).with_name("templates"),
    extra="trace",
    filters={"bytes": trace_text.bytes_of, "seconds": trace_text.seconds_of, "place": trace_text.place},
)


def page(template: str, **values: Any) -> str:
    """A template, filled in. Raises Problem without jinja2."""
    return _TEMPLATES.render(template, version=__version__, **values)
