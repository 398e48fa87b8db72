"""Self-contained HTML pages about runs of a program. All text that comes from the program is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_lint.pages.templating import Templates
from transfer_lint.report import trace_text
from transfer_lint.version import __version__

_TEMPLATES = Templates(
    Path(__file__).with_name("templates"),
    extra="trace",
    filters={
        "bytes": trace_text.bytes_of,
        "seconds": trace_text.seconds_of,
        "place": trace_text.place,
        "short": trace_text.shown,
        "count": trace_text.count,
    },
)


def page(template: str, **values: Any) -> str:
    """The text of a template with the given values. Raises Problem if jinja2 is not installed."""
    return _TEMPLATES.render(template, version=__version__, **values)
