"""Templates of the pages and pictures. Whatever is put into one is text: it cannot become markup or script."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from transfer_lint.outcome import Problem

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML may not hold, not even escaped; HTML does not want it either."""


def clean(text: str) -> str:
    """`text` with a question mark for each character that no document may hold."""
    return _NO_XML.sub("?", text)


@cache
def environment() -> Any:
    """jinja2's environment: it escapes all that is put in, and an unknown name is an error.

    Raises:
        Problem: jinja2 is not there.
    """
    try:
        import jinja2
    except ImportError:
        mend = "pip install 'transfer-lint[report]'"
        raise Problem("transfer-lint", "this format needs jinja2, which is not installed", mend) from None
    folder = Path(__file__).with_name("templates")
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
    )


def _final(value: object) -> object:
    import markupsafe

    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return clean(value)
    return value


def rendered(template: str, **values: object) -> str:
    """A template with values. Raises what `environment` raises."""
    text: str = environment().get_template(template).render(**values)
    return text


def trusted(text: str) -> Any:
    """Text of this package's own, put in as it is. Raises what `environment` raises."""
    environment()  # says what is missing
    import markupsafe

    return markupsafe.Markup(text)


def stylesheet(name: str) -> str:
    """A style sheet of this package's own."""
    return Path(__file__).with_name("templates").joinpath(name).read_text(encoding="utf-8")
