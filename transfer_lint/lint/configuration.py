"""The configuration: from `[tool.transfer-lint]` in pyproject.toml, or transfer-lint.toml, to frozen Settings.

The table KEYS defines each key completely: how its value is read, its default, and its meaning.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from transfer_codemods.actions import GuardForm
from transfer_lint.files.paths import shown_path
from transfer_lint.findings import Assumption, FixHints, Heat, Severity
from transfer_lint.lint import selection
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

OUTPUT_FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit", "html")
PYTHONS = tuple(f"3.{minor}" for minor in range(8, 15))
DEFAULT_BASELINE = "transfer-lint-baseline.json"


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    read: TOML value -> value of the Settings field; raises ValueError that says what the value must be.
    default, doc: texts for the documentation.
    """

    name: str
    read: Callable[[object], object]
    default: str
    doc: str

    @property
    def field(self) -> str:
        """The field of Settings that the key sets."""
        return self.name.replace("-", "_")


T = TypeVar("T")


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('must be a list of strings, like ["..."]')
    return tuple(value)


def _selectors(value: object) -> tuple[str, ...]:
    selectors = _strings(value)
    if selectors and (wrong := selection.unknown(selectors, rule_names())):
        raise ValueError(wrong)
    return selectors


def _some_selectors(value: object) -> tuple[str, ...]:
    if not (selectors := _selectors(value)):
        raise ValueError('must name a rule; leave it out, or write "ALL", for all')
    return selectors


def _per_file(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise ValueError('must be a table of pattern = [rules], like {"tests/**" = ["TL1"]}')
    return tuple((pattern, _selectors(rules)) for pattern, rules in value.items())


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _one_of(choices: Mapping[str, T]) -> Callable[[object], T]:
    def read(value: object) -> T:
        if not isinstance(value, str) or value not in choices:
            nearest = difflib.get_close_matches(str(value), choices, n=1)
            raise ValueError(
                f"must be one of {', '.join(choices)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
            )
        return choices[value]

    return read


def _assumptions(value: object) -> tuple[str, ...]:
    names = [assumption.value for assumption in Assumption]
    for name in _strings(value):
        if name not in names:
            nearest = difflib.get_close_matches(name, names, n=1)
            raise ValueError(
                f"must be a list of {', '.join(names)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
            )
    return _strings(value)


def _file(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a file")
    return value


def _python(value: object) -> tuple[int, int]:
    found = re.fullmatch(r"(?:py)?3\.?(\d+)", value) if isinstance(value, str) else None
    if not found or f"3.{found[1]}" not in PYTHONS:
        raise ValueError(f"must be a Python version from {PYTHONS[0]!r} to {PYTHONS[-1]!r}, quoted")
    return 3, int(found[1])


def _knowledge(value: object) -> Mapping[str, object]:
    from transfer_lint.flow.knowledge import KnowledgeError, default_knowledge

    if not isinstance(value, dict):
        raise ValueError("must be a table")
    try:
        default_knowledge().extended(value)
    except KnowledgeError as error:
        raise ValueError(str(error)) from None
    return value


KEYS: tuple[Key, ...] = (
    Key("select", _some_selectors, '["ALL"]', "Rules to report: codes, prefixes of codes, or names."),
    Key("extend-select", _selectors, "[]", "Rules to report besides those of `select`."),
    Key("ignore", _selectors, "[]", "Rules to leave out. Of two selectors for a rule the more exact one wins."),
    Key("per-file-ignores", _per_file, "{}", "Pattern of files (as in .gitignore) -> rules to leave out there."),
    Key(
        "exclude", _strings, "build output, caches, environments", "Patterns (as in .gitignore) of what not to look at."
    ),
    Key("extend-exclude", _strings, "[]", "Patterns to exclude besides those of `exclude`."),
    Key("respect-gitignore", _boolean, "true", "Whether what git ignores is left out."),
    Key("fail-on", _one_of({s.value: s for s in Severity}), '"warning"', "The least severity that makes the run fail."),
    Key("min-heat", _one_of({h.value: h for h in Heat}), '"once"', "Leave out sites that run less often than this."),
    Key(
        "trust",
        _assumptions,
        "none: all are made, and named",
        "Assumptions that count as facts; findings that rest on others are left out.",
    ),
    Key(
        "unsafe-fixes", _boolean, "false", "Whether `fix` also applies fixes that cannot be shown to keep the meaning."
    ),
    Key(
        "fix-hints",
        _one_of({h.value: h for h in FixHints}),
        '"node-packs"',
        "Which hints `fix` mends: all, none, or in ComfyUI node packs the moves of node functions that want a guard.",
    ),
    Key("fixable", _some_selectors, '["ALL"]', "Rules whose fixes are applied."),
    Key("unfixable", _selectors, "[]", "Rules whose fixes are not applied."),
    Key("extend-safe-fixes", _selectors, "[]", "Rules whose unsafe fixes you take for safe."),
    Key("extend-unsafe-fixes", _selectors, "[]", "Rules whose safe fixes you take for unsafe."),
    Key("module-guard", _one_of({g.value: g for g in GuardForm}), '"exact"', "How a guard asks where a module is."),
    Key("target-version", _python, "the running Python", "The oldest Python that fixed code must run on."),
    Key(
        "output-format",
        _one_of({f: f for f in OUTPUT_FORMATS}),
        '"full" on a terminal, else "concise"',
        "How to report.",
    ),
    Key("baseline", _file, "none", "The file of known findings, which `check` does not report."),
    Key("knowledge", _knowledge, "{}", "What is known of your own functions and classes."),
)


def rule_names() -> Mapping[str, str]:
    """Code -> name of every rule."""
    from transfer_lint.rules import (
        RULES,
    )  # importing the rules costs more than reading a configuration without selectors

    return {code: rule.name for code, rule in RULES.items()}


def read_file(path: str, table: tuple[str, ...] | None = None) -> Settings | None:
    """The settings in one file.

    table: the names that lead to the settings table; None: the top level, or [tool.transfer-lint] in a pyproject.toml.

    Returns:
        None if the file has no such table.

    Raises:
        Problem: the file cannot be read, is not TOML, or something in it is wrong.
    """
    if table is None:
        table = ("tool", "transfer-lint") if os.path.basename(path) == "pyproject.toml" else ()
    shown = shown_path(path)
    values: object = _toml(path, shown)
    for step in table:
        if not isinstance(values, dict):
            raise Problem(shown, f"[{'.'.join(table)}] is not a table", "write it as a table")
        if step not in values:
            if step == table[-1] and (near := difflib.get_close_matches(step, values, n=1, cutoff=0.9)):
                raise Problem(shown, f"[tool.{near[0]}] is not read", f"did you mean [{'.'.join(table)}]?")
            return None
        values = values[step]
    if not isinstance(values, dict):
        raise Problem(shown, f"[{'.'.join(table)}] is not a table", "write it as a table")
    settings = from_table(values, shown, os.path.dirname(os.path.abspath(path)), ".".join(table))
    return replace(settings, source=os.path.abspath(path))


def from_table(values: Mapping[str, object], path: str, root: str, table: str = "") -> Settings:
    """Settings from a parsed table.

    path, table: the file and the name of the table, for errors. root: the folder that patterns are relative to.

    Raises:
        Problem: a key is unknown (the problem names the nearest key), or a key does not accept its value.
    """
    keys = {key.name: key for key in KEYS}
    read: dict[str, Any] = {}
    for name, value in values.items():
        place = f"{table}.{name}" if table else name
        if name not in keys:
            nearest = difflib.get_close_matches(name, keys, n=1)
            raise Problem(path, f"unknown key {place}", f"did you mean {nearest[0]!r}?" if nearest else
                          f"the keys are {', '.join(keys)}")  # fmt: skip
        try:
            read[keys[name].field] = keys[name].read(value)
        except ValueError as error:
            raise Problem(path, f"{place} = {_shorten(value)}", str(error)) from None
    return replace(Settings(root=root), **read)


def _toml(path: str, shown: str) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise Problem(shown, f"cannot be read: {(error.strerror or str(error)).lower()}", "check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(shown, f"is not TOML: {error}", "mend the file") from None


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def as_toml(settings: Settings) -> Iterator[str]:
    """The lines of a configuration with these settings; what has no value is a comment."""
    for key in KEYS:
        value = getattr(settings, key.field)
        if value is None or (key.default == '["ALL"]' and not value):
            yield f"# {key.name}: {key.default}"
        else:
            yield f"{key.name} = {_written(value)}"


def _written(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, Enum):
        return _written(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple) and value and all(isinstance(part, int) for part in value):
        return _written(".".join(map(str, value)))
    if isinstance(value, tuple) and value and all(isinstance(part, tuple) for part in value):
        return _written(dict(value))
    if isinstance(value, Mapping):
        entries = (f"{json.dumps(name)} = {_written(part)}" for name, part in value.items())
        return f"{{ {', '.join(entries)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)
