"""The forms of the configuration's values: how each is read, and the same as a JSON schema."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from transfer_lint.findings import Assumption
from transfer_lint.lint import selection


@dataclass(frozen=True)
class Form:
    """The form of a value.

    read: TOML value -> value of the Settings field; raises ValueError that says what the value must be.
    schema: the same as a JSON schema, in which `#/definitions/rule` is a selector of rules.
    """

    read: Callable[[object], object]
    schema: Mapping[str, object]


PYTHONS = tuple(f"3.{minor}" for minor in range(8, 15))


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('must be a list of strings, like ["..."]')
    return tuple(value)


def _selectors(value: object) -> tuple[str, ...]:
    selectors = _strings(value)
    if selectors and (wrong := selection.unknown(selectors, selection.rule_names())):
        raise ValueError(wrong)
    return selectors


def _some_selectors(value: object) -> tuple[str, ...]:
    if not (selectors := _selectors(value)):
        raise ValueError('must name a rule; leave it out, or write "ALL", for all')
    return selectors


def named_plugins(value: object) -> tuple[str, ...]:
    """Plugins, which are loaded: selectors may name their rules."""
    from transfer_lint.rules import plugins

    names = tuple(dict.fromkeys(os.path.abspath(each) if plugins.is_folder(each) else each for each in _strings(value)))
    for name in names:
        plugins.load(name)
    return names


def _installed_plugins(value: object) -> tuple[str, ...]:
    from transfer_lint.rules import plugins

    if any(map(plugins.is_folder, _strings(value))):
        raise ValueError("must name installed plugins: a folder is taken from --plugins or TRANSFER_LINT_PLUGINS alone")
    return named_plugins(value)


def _per_file(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise ValueError('must be a table of pattern = [rules], like {"tests/**" = ["TL1"]}')
    return tuple((pattern, _selectors(rules)) for pattern, rules in value.items())


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def one_of(choices: type[Enum] | Mapping[str, object]) -> Form:
    """One of the members of an enum, or of the keys of a mapping, by name."""
    known = {str(each.value): each for each in choices} if isinstance(choices, type) else choices

    def read(value: object) -> object:
        if not isinstance(value, str) or value not in known:
            nearest = difflib.get_close_matches(str(value), known, n=1)
            raise ValueError(
                f"must be one of {', '.join(known)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
            )
        return known[value]

    return Form(read, {"enum": list(known)})


def _assumptions(value: object) -> tuple[str, ...]:
    names = [assumption.value for assumption in Assumption]
    for name in _strings(value):
        if name not in names:
            nearest = difflib.get_close_matches(name, names, n=1)
            raise ValueError(
                f"must be a list of {', '.join(names)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
            )
    return _strings(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("must be a whole number, 1 or more")
    return value


def _file(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a file")
    return value


def _folder(value: object) -> str:
    if "://" in (place := _file(value)):
        raise ValueError("must be a folder: a URL is taken from --cache-dir or TRANSFER_LINT_CACHE_DIR alone")
    return place


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


_RULES = {"type": "array", "items": {"$ref": "#/definitions/rule"}}
_ASSUMPTION = {"enum": [assumption.value for assumption in Assumption]}

PLUGINS = Form(named_plugins, {"type": "array", "items": {"type": "string"}})
INSTALLED_PLUGINS = Form(_installed_plugins, {"type": "array", "items": {"type": "string", "pattern": "^[^/]+$"}})
STRINGS = Form(_strings, {"type": "array", "items": {"type": "string"}})
RULES = Form(_selectors, _RULES)
SOME_RULES = Form(_some_selectors, {**_RULES, "minItems": 1})
RULES_PER_FILE = Form(_per_file, {"type": "object", "additionalProperties": _RULES})
BOOLEAN = Form(_boolean, {"type": "boolean"})
ASSUMPTIONS = Form(_assumptions, {"type": "array", "items": _ASSUMPTION})
COUNT = Form(_count, {"type": "integer", "minimum": 1})
FILE = Form(_file, {"type": "string", "minLength": 1})
FOLDER = Form(_folder, {"type": "string", "minLength": 1, "not": {"pattern": "://"}})
PYTHON = Form(_python, {"enum": [*PYTHONS, *(f"py{version.replace('.', '')}" for version in PYTHONS)]})
KNOWLEDGE = Form(_knowledge, {"type": "object"})
