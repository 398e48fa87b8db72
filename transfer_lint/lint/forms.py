"""The forms of the configuration's values: each is a type that msgspec reads, and that its JSON schema follows from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import Assumption, FixHints, Heat, Severity
from transfer_lint.lint import selection
from transfer_lint.problems import nearest

OUTPUT_FORMATS = ("full", "concise", "json", "sarif", "github", "gitlab", "junit", "html")
PYTHONS = tuple(f"3.{minor}" for minor in range(8, 15))


@dataclass(frozen=True)
class Form:
    """The form of a value.

    kind: its type. bounds: of its values, as arguments of `msgspec.Meta`. must: what is said of another value. then:
    value of that type -> value of the Settings field; raises ValueError that says what is wrong. choices: what it, or
    each of its items, must be one of; () for no such list. besides: what a JSON schema says besides, where
    `#/definitions/rule` is a selector of rules.
    """

    kind: Any
    must: str
    bounds: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[Any], object] = lambda value: value
    choices: tuple[str, ...] = ()
    besides: Mapping[str, object] = field(default_factory=dict)

    def read(self, value: object) -> object:
        """TOML value -> value of the Settings field. Raises ValueError that says what the value must be."""
        return self.then(self._typed(value))

    def _typed(self, value: object) -> object:
        """The value as its type. Raises ValueError."""
        match value:
            case bool() if self.kind is bool:
                return value
            case str() if value and (self.kind is str or (get_origin(self.kind) is Literal and value in self.choices)):
                return value
            case list() if self.kind == tuple[str, ...] and all(isinstance(item, str) for item in value):
                return tuple(value)
        import msgspec  # for the rest, and for what is wrong: its import takes as long as the start of Python

        try:
            return msgspec.convert(value, self._type)
        except msgspec.ValidationError:
            wrong = [str(item) for item in (value if isinstance(value, list) else [value]) if item not in self.choices]
            near = nearest(wrong[0], self.choices) if wrong else None
            raise ValueError(self.must + (f"; did you mean {near!r}?" if near else "")) from None

    @property
    def schema(self) -> dict[str, object]:
        """The same as a JSON schema."""
        import msgspec

        found = msgspec.json.schema(self._type)
        if self.choices:  # in their order, and without what an enum says to readers of its code
            values = {"enum": list(self.choices)}
            found = {"type": "array", "items": values} if found.get("type") == "array" else values
        return {**found, **self.besides}

    @property
    def _type(self) -> Any:
        import msgspec

        return Annotated[self.kind, msgspec.Meta(**self.bounds)] if self.bounds else self.kind


def one_of(kind: Any) -> Form:
    """One of the values of an enum, or of a Literal."""
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    choices = tuple(str(each.value) for each in kind) if is_enum else get_args(kind)
    return Form(kind, f"must be one of {', '.join(choices)}", choices=choices)


def _selectors(selectors: tuple[str, ...]) -> tuple[str, ...]:
    if selectors and (wrong := selection.unknown(selectors, selection.rule_names())):
        raise ValueError(wrong)
    return selectors


def _some_selectors(selectors: tuple[str, ...]) -> tuple[str, ...]:
    if not selectors:
        raise ValueError('must name a rule; leave it out, or write "ALL", for all')
    return _selectors(selectors)


def named_plugins(names: tuple[str, ...]) -> tuple[str, ...]:
    """Plugins, which are loaded: selectors may name their rules. Raises Problem if one cannot be."""
    from transfer_lint.rules import plugins

    found = tuple(dict.fromkeys(os.path.abspath(name) if plugins.is_folder(name) else name for name in names))
    for name in found:
        plugins.load(name)
    return found


def _installed_plugins(names: tuple[str, ...]) -> tuple[str, ...]:
    from transfer_lint.rules import plugins

    if any(map(plugins.is_folder, names)):
        raise ValueError("must name installed plugins: a folder is taken from --plugins or TRANSFER_LINT_PLUGINS alone")
    return named_plugins(names)


def _folder(place: str) -> str:
    if "://" in place:
        raise ValueError("must be a folder: a URL is taken from --cache-dir or TRANSFER_LINT_CACHE_DIR alone")
    return place


def _python(version: str) -> tuple[int, int]:
    return 3, int(re.sub(r"^(py)?3\.?", "", version))


def _knowledge(table: Mapping[str, object]) -> Mapping[str, object]:
    from transfer_lint.flow.knowledge import KnowledgeError, default_knowledge

    try:
        default_knowledge().extended(table)
    except KnowledgeError as error:
        raise ValueError(str(error)) from None
    return table


_STRINGS = 'must be a list of strings, like ["..."]'
_PATH = "must be the path of a file"
_RULES: dict[str, object] = {"items": {"$ref": "#/definitions/rule"}}
_TAGS = tuple(f"py{version.replace('.', '')}" for version in PYTHONS)
_ASSUMPTIONS = tuple(assumption.value for assumption in Assumption)

STRINGS = Form(tuple[str, ...], _STRINGS)
PLUGINS = Form(tuple[str, ...], _STRINGS, then=named_plugins)
INSTALLED_PLUGINS = Form(
    tuple[str, ...], _STRINGS, then=_installed_plugins, besides={"items": {"type": "string", "pattern": "^[^/]+$"}}
)
RULES = Form(tuple[str, ...], _STRINGS, then=_selectors, besides=_RULES)
SOME_RULES = Form(tuple[str, ...], _STRINGS, then=_some_selectors, besides={**_RULES, "minItems": 1})
RULES_PER_FILE = Form(
    dict[str, tuple[str, ...]],
    'must be a table of pattern = [rules], like {"tests/**" = ["TL1"]}',
    then=lambda table: tuple((pattern, _selectors(rules)) for pattern, rules in table.items()),
    besides={"additionalProperties": {"type": "array", **_RULES}},
)
BOOLEAN = Form(bool, "must be true or false")
SEVERITY = one_of(Severity)
HEAT = one_of(Heat)
FIX_HINTS = one_of(FixHints)
MODULE_GUARD = one_of(GuardForm)
OUTPUT_FORMAT = one_of(Literal[OUTPUT_FORMATS])
ASSUMPTIONS = Form(
    tuple[Assumption, ...],
    f"must be a list of {', '.join(_ASSUMPTIONS)}",
    then=lambda assumptions: tuple(assumption.value for assumption in assumptions),
    choices=_ASSUMPTIONS,
)
COUNT = Form(int, "must be a whole number, 1 or more", bounds={"ge": 1})
FILE = Form(str, _PATH, bounds={"min_length": 1})
FOLDER = Form(str, _PATH, bounds={"min_length": 1}, then=_folder, besides={"not": {"pattern": "://"}})
PYTHON = Form(
    Literal[PYTHONS + _TAGS],
    f"must be a Python version from {PYTHONS[0]!r} to {PYTHONS[-1]!r}, quoted",
    then=_python,
    choices=PYTHONS + _TAGS,
)
KNOWLEDGE = Form(dict[str, Any], "must be a table", then=_knowledge)
