"""Templates of pages and pictures. Whatever is put into one is text: it cannot become markup or script."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from transfer_lint.problems import Problem

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML may not hold, not even escaped; HTML does not want it either."""
_SHARED = Path(__file__).with_name("templates")


def clean(text: str) -> str:
    """`text` with a question mark for each character that no document may hold."""
    return _NO_XML.sub("?", text)


class Templates:
    """The templates and style sheets of some folders, looked for in their order, and then of this room's own.

    extra: the extra of this distribution that brings jinja2, for the error. filters: name -> function.
    """

    def __init__(
        self, *folders: Path, extra: str = "report", filters: Mapping[str, Callable[..., str]] | None = None
    ) -> None:
        self.folders = (*folders, _SHARED)
        self._extra = extra
        self._filters = filters or {}

    @cached_property
    def _environment(self) -> Any:
        """jinja2's environment: it escapes all that is put in, and an unknown name is an error."""
        try:
            import jinja2
        except ImportError:
            mend = f"pip install 'transfer-lint[{self._extra}]'"
            raise Problem("transfer-lint", "this format needs jinja2, which is not installed", mend) from None
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self.folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_final,
        )
        environment.filters.update(self._filters)
        return environment

    def render(self, template: str, **values: object) -> str:
        """A template with values.

        Raises:
            Problem: jinja2 is not installed.
        """
        text: str = self._environment.get_template(template).render(**values)
        return text

    def trusted(self, text: str) -> Any:
        """Text of this package's own, put in as it is. Raises what `render` raises."""
        _ = self._environment  # says what is missing
        import markupsafe

        return markupsafe.Markup(text)

    def asset(self, name: str) -> str:
        """The text of a style sheet or script."""
        return next(path for folder in self.folders if (path := folder / name).exists()).read_text(encoding="utf-8")


def _final(value: object) -> object:
    import markupsafe

    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return clean(value)
    return value
