"""Templates of pages and pictures. All values put into one are escaped, so they cannot become markup or script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from transfer_lint.problems import Problem, install_command
from transfer_lint.visible import visible

_SHARED = Path(__file__).with_name("templates")


class Templates:
    """Templates and style sheets, searched for in `folders`, in that order, and then in this package's folder.

    extra: the extra of this distribution that installs jinja2, for the error. filters: name -> function.
    """

    def __init__(
        self, *folders: Path, extra: str = "report", filters: Mapping[str, Callable[..., str]] | None = None
    ) -> None:
        self.folders = (*folders, _SHARED)
        self._extra = extra
        self._filters = filters or {}

    @cached_property
    def _environment(self) -> Any:
        """The jinja2 environment. It escapes all values; an unknown name is an error. Raises what `render` raises."""
        try:
            import jinja2
        except ImportError:
            what = "this format needs jinja2, which is not installed"
            raise Problem("transfer-lint", what, install_command(self._extra)) from None
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
        """The text of a template with the given values.

        Raises:
            Problem: jinja2 is not installed.
        """
        text: str = self._environment.get_template(template).render(**values)
        return text

    def trusted(self, text: str) -> Any:
        """Mark text as markup that is not escaped; only for text of this tool itself. Raises what `render` raises."""
        _ = self._environment  # raises Problem if jinja2 is missing
        import markupsafe

        return markupsafe.Markup(text)

    def digest(self, script: str) -> str:
        """The SHA-256 by which a page's policy knows its script."""
        return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    def asset(self, name: str) -> str:
        """The text of a style sheet or script."""
        return next(path for folder in self.folders if (path := folder / name).exists()).read_text(encoding="utf-8")


def _final(value: object) -> object:
    import markupsafe

    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return visible(value, keep="\t\n\r")  # XML forbids what is left out here, even escaped
    return value
