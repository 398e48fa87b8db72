"""The configuration: from `[tool.transfer-lint]` in pyproject.toml, or transfer-lint.toml, to frozen Settings.

The table KEYS defines each key completely: how its value is read, its default, and its meaning.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from transfer_lint.files import disk
from transfer_lint.files.paths import shown_path
from transfer_lint.lint import forms, selection
from transfer_lint.problems import Problem, nearest
from transfer_lint.settings import ANALYSIS_BUDGET, Settings

DEFAULT_BASELINE = "transfer-lint-baseline.json"


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    default, doc: texts for the documentation. option: the form of the option, where it takes more than the key.
    """

    name: str
    form: forms.Form
    default: str
    doc: str
    option: forms.Form | None = None

    @property
    def field(self) -> str:
        """The field of Settings that the key sets."""
        return self.name.replace("-", "_")


KEYS: tuple[Key, ...] = (
    Key(
        "plugins",
        forms.INSTALLED_PLUGINS,
        "[]",
        "Installed plugins whose rules are asked, too. (`--plugins` also takes a folder of rules: `./rules`.)",
        option=forms.PLUGINS,
    ),
    Key("select", forms.SOME_RULES, '["ALL"]', "Rules to report: codes, prefixes of codes, or names."),
    Key("extend-select", forms.RULES, "[]", "Rules to report besides those of `select`."),
    Key("ignore", forms.RULES, "[]", "Rules to leave out. Of two selectors for a rule the more exact one wins."),
    Key(
        "per-file-ignores",
        forms.RULES_PER_FILE,
        "{}",
        "Pattern of files (as in .gitignore) -> rules to leave out there.",
    ),
    Key(
        "exclude",
        forms.STRINGS,
        "build output, caches, environments",
        "Patterns (as in .gitignore) of what not to look at.",
    ),
    Key("extend-exclude", forms.STRINGS, "[]", "Patterns to exclude besides those of `exclude`."),
    Key("respect-gitignore", forms.BOOLEAN, "true", "Whether what git ignores is left out."),
    Key("fail-on", forms.SEVERITY, '"warning"', "The least severity that makes the run fail."),
    Key("min-heat", forms.HEAT, '"once"', "Leave out sites that run less often than this."),
    Key(
        "trust",
        forms.ASSUMPTIONS,
        "none: all are made, and named",
        "Assumptions that count as facts; findings that rest on others are left out.",
    ),
    Key(
        "unsafe-fixes",
        forms.BOOLEAN,
        "false",
        "Whether `fix` also applies fixes that cannot be shown to keep the meaning.",
    ),
    Key(
        "fix-hints",
        forms.FIX_HINTS,
        '"node-packs"',
        "Which hints `fix` mends: all, none, or those whose fix makes the code simpler, and guards in the functions of "
        "ComfyUI's nodes. Only all: one of several moves that are written alike, and what stands in code that nothing "
        "runs.",
    ),
    Key("fixable", forms.SOME_RULES, '["ALL"]', "Rules whose fixes are applied."),
    Key("unfixable", forms.RULES, "[]", "Rules whose fixes are not applied."),
    Key("extend-safe-fixes", forms.RULES, "[]", "Rules whose unsafe fixes you take for safe."),
    Key("extend-unsafe-fixes", forms.RULES, "[]", "Rules whose safe fixes you take for unsafe."),
    Key("module-guard", forms.MODULE_GUARD, '"exact"', "How a guard asks where a module is."),
    Key("target-version", forms.PYTHON, "the running Python", "The oldest Python that fixed code must run on."),
    Key(
        "output-format",
        forms.OUTPUT_FORMAT,
        '"full" on a terminal, else "concise"',
        "How to report.",
    ),
    Key("baseline", forms.FILE, "none", "The file of known findings, which are not reported."),
    Key("cache", forms.BOOLEAN, "true", "Whether results are kept for later runs, and those of earlier runs are used."),
    Key(
        "cache-dir",
        forms.FOLDER,
        "`transfer-lint` in the user's folder of caches",
        "Where results are kept: a folder. (`--cache-dir` also takes a URL of fsspec: `s3://bucket/folder`.)",
        option=forms.FILE,
    ),
    Key(
        "analysis-budget",
        forms.COUNT,
        str(ANALYSIS_BUDGET),
        "Steps that following one function may take. One that takes more is given up (TL903).",
    ),
    Key("knowledge", forms.KNOWLEDGE, "{}", "What is known of your own functions and classes."),
)


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
            if step == table[-1] and (near := nearest(step, values, 0.9)):
                raise Problem(shown, f"[tool.{near}] is not read", f"did you mean [{'.'.join(table)}]?")
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
    for name in values:
        if name not in keys:
            near = nearest(name, keys)
            mend = f"did you mean {near!r}?" if near else f"the keys are {', '.join(keys)}"
            raise Problem(path, f"unknown key {_place(table, name)}", mend)
    for name, key in keys.items():  # first the plugins: others may name their rules
        if name not in values:
            continue
        try:
            read[key.field] = key.form.read(values[name])
        except ValueError as error:
            raise Problem(path, f"{_place(table, name)} = {_shorten(values[name])}", str(error)) from None
        except Problem as problem:  # with a plugin
            raise Problem(path, f"{_place(table, name)}: {problem.path}: {problem.what}", problem.mend) from None
    return replace(Settings(root=root), **read)


def _place(table: str, name: str) -> str:
    return f"{table}.{name}" if table else name


def _toml(path: str, shown: str) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(disk.read(path).decode())
    except Problem as problem:
        raise Problem(shown, problem.what, "check the path") from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or a number that is too long
        raise Problem(shown, f"is not TOML: {error}", "mend the file") from None


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def schema() -> dict[str, object]:
    """The JSON schema of the configuration."""
    names = selection.rule_names()
    prefixes = sorted({code[:length] for code in names for length in range(2, len(code))})
    properties = {key.name: {"description": f"{key.doc} Default: {key.default}.", **key.form.schema} for key in KEYS}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://json.schemastore.org/transfer-lint.json",
        "title": "The configuration of transfer-lint",
        "description": "`[tool.transfer-lint]` in pyproject.toml, or the top level of a transfer-lint.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": {
            "rule": {
                "description": "A rule's code, the first letters of codes, a rule's name, or ALL.",
                "enum": ["ALL", *prefixes, *names, *names.values()],
            }
        },
    }


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
