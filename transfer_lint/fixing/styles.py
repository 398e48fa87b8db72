"""The style of the project that a file belongs to, as its formatter and import sorter are configured."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache

from transfer_codemods.style import Style
from transfer_lint.files import disk
from transfer_lint.files.ownership import trusted
from transfer_lint.fixing.hooks import width_of_hooks
from transfer_lint.lint.lookup import upwards
from transfer_lint.problems import Problem

_FLAGS = ("no_sections", "from_first", "force_single_line", "force_sort_within_sections", "combine_as_imports")
_MOST_EXTENDED = 8  # a chain of ruff's `extend` may be a circle


def nearest_style(path: str) -> Style:
    """What ruff, or isort and black, are told about a file by the nearest configuration of theirs.

    If that says no width, the hooks that pre-commit runs may.
    """
    return _of_folder(os.path.dirname(os.path.abspath(path)))


@cache
def _of_folder(folder: str) -> Style:
    style = _configured(folder)
    return style if style.line_length is not None else replace(style, line_length=_of_hooks(folder))


def _of_hooks(folder: str) -> int | None:
    for over in upwards(folder):
        path = os.path.join(over, ".pre-commit-config.yaml")
        if os.path.isfile(path) and trusted(path, folder):
            with suppress(Problem, UnicodeDecodeError):
                return width_of_hooks(disk.read(path).decode())
    return None


def _configured(folder: str) -> Style:
    for over in upwards(folder):
        for name in (".ruff.toml", "ruff.toml", "pyproject.toml", ".isort.cfg", "setup.cfg"):
            path = os.path.join(over, name)
            if os.path.isfile(path) and trusted(path, folder) and (found := _in(path, name)) is not None:
                return found
    return Style()


def _in(path: str, name: str) -> Style | None:
    """The style that a file sets; None if it sets none, or cannot be read: that is for others to say."""
    try:
        if name.endswith(".cfg"):
            return _of_ini(path)
        content = _toml(path)
        if name != "pyproject.toml":
            return _of_ruff(_extended(path, content, 0))
        tools = _table(content, "tool")
        if "ruff" in tools:
            return _of_ruff(_extended(path, _table(tools, "ruff"), 0))
        if tools.keys() & {"isort", "black", "ufmt"}:
            if tools.keys() & {"black", "ufmt"}:
                return _style({"line-length": 88, **_table(tools, "black"), **_table(tools, "isort")})
            return _of_isort(_table(tools, "isort"))
    except (Problem, configparser.Error, UnicodeDecodeError, ValueError):
        pass
    return None


def _toml(path: str) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(disk.read(path).decode())


def _extended(path: str, own: Mapping[str, object], depth: int) -> Mapping[str, object]:
    """Ruff's settings with those that they extend, which count less."""
    base = own.get("extend")
    if not isinstance(base, str) or depth == _MOST_EXTENDED:
        return own
    other = os.path.join(os.path.dirname(path), os.path.expanduser(base))
    content = _toml(other)
    found = _extended(other, _table(content, "tool", "ruff") if "tool" in content else content, depth + 1)
    return {**found, **own, "lint": {**_table(found, "lint"), **_table(own, "lint")}}


def _of_ruff(settings: Mapping[str, object]) -> Style:
    isort = {**_table(settings, "isort"), **_table(settings, "lint", "isort")}
    return _style({"line-length": settings.get("line-length", 88), **isort})


def _of_ini(path: str) -> Style | None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(disk.read(path).decode())
    section = next((name for name in ("settings", "isort", "tool:isort") if parser.has_section(name)), None)
    if section is None:
        return None
    words = {"true": True, "yes": True, "1": True}
    return _of_isort({key: words.get(value.lower(), value) for key, value in parser[section].items()})


def _of_isort(settings: Mapping[str, object]) -> Style:
    """What isort alone is told. Its width is that of imports: how long other lines are, it does not say."""
    return replace(_style(settings), line_length=None)


def _style(settings: Mapping[str, object]) -> Style:
    found = {key.replace("-", "_"): value for key, value in settings.items()}
    google = found.get("profile") == "google"
    flags = {name: found.get(name, google and name.startswith("force_")) is True for name in _FLAGS}
    return Style(
        _positive(found.get("line_length")) or None,
        lines_between_types=_positive(found.get("lines_between_types")),
        lines_after_imports=_positive(found.get("lines_after_imports")),
        **flags,
    )


def _positive(value: object) -> int:
    """A number of lines or columns; 0 for what is none."""
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    return number if isinstance(number, int) and number > 0 else 0


def _table(content: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        value = content.get(name)
        content = value if isinstance(value, Mapping) else {}
    return content
