"""Rules of others: of packages that are installed and say so, and of folders that the user names.

A plugin is code that runs. So a configuration, which comes with what is linted, can only name what is installed beside
this tool and offers itself to it; a folder is taken from the command line and the environment alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from itertools import groupby
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from transfer_lint.problems import Problem, nearest
from transfer_lint.rules import Check, Rule, Verdict, put, registered_in, remove
from transfer_lint.rules.pages import SECTIONS, PageError, read_page

if TYPE_CHECKING:  # importing it takes a while, and most runs have no plugins
    from importlib.metadata import EntryPoint

GROUP = "transfer_lint.rules"
"""The group of the entry points with which packages offer rules: NAME = the package that holds them."""

_CODE = re.compile(r"(?!TL)[A-Z]{2,}[0-9]{3}")
_PLACES = frozenset({"Site", "HostRead", "Construction", "DeviceComparison", "ImplicitUpload", "ExplicitWait"})


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin. version: of its distribution; "" for a folder. folder: where its code is. rules: their codes."""

    name: str
    version: str
    folder: str
    rules: tuple[str, ...]


def is_folder(name: str) -> bool:
    """Whether a plugin is named by its folder, which is written with a slash: `./rules`."""
    return os.sep in name or "/" in name


@cache
def load(name: str) -> Plugin:
    """Load a plugin, by the name of its entry point or by its folder.

    Raises:
        Problem: there is no such plugin, or something in it is wrong.
    """
    from transfer_lint.rules import RULES  # those of the tool are registered first: nobody takes their codes

    version, package = _folder(name) if is_folder(name) else _distribution(name)
    modules: list[str] = []
    try:
        folder = next(iter(import_module(package).__path__))
        modules += _rule_modules(folder, package)
        for module in modules:
            import_module(module)
        rules = registered_in(modules)
        _must_be_sound(rules)
    except Exception as error:  # whatever its code does
        remove(registered_in(modules))
        for module in (package, *modules):
            sys.modules.pop(module, None)
        why = str(error) if isinstance(error, _Unsound | PageError) else f"{type(error).__name__}: {error}"
        raise Problem(name, f"cannot be used as a plugin: {why}", "mend it, or leave it out") from None
    put(replace(rule, plugin=name, check=_guarded(rule, name)) for rule in rules)
    return Plugin(name, version, folder, tuple(code for code, rule in RULES.items() if rule.plugin == name))


def digest(names: Iterable[str]) -> str:
    """A digest of what findings of these plugins follow from: their versions, code and data."""
    found = hashlib.sha256()
    for plugin in map(load, names):
        found.update(repr((plugin.name, plugin.version)).encode())
        for path in sorted(Path(plugin.folder).rglob("*")):
            if path.suffix in (".py", ".toml", ".json"):
                found.update(repr((path.relative_to(plugin.folder).as_posix(), path.read_bytes())).encode())
    return found.hexdigest()


class _Unsound(Exception):
    """Something that a plugin must not do, in words."""


def _distribution(name: str) -> tuple[str, str]:
    """The version of the distribution that offers a plugin, and the plugin's package."""
    known = _installed()
    if name not in known:
        near = nearest(name, known)
        mend = f"did you mean {near!r}?" if near else "install the package that has it beside transfer-lint"
        if os.path.isdir(name):
            mend = f"write the folder as ./{name}"
        raise Problem(name, "no installed package offers a plugin of that name", mend)
    point = known[name]
    return point.dist.version if point.dist is not None else "", point.value.partition(":")[0]


def _installed() -> dict[str, EntryPoint]:
    """Name -> entry point. What stands in the current folder is not installed, wherever Python would look for it."""
    from importlib.metadata import distributions

    here = os.path.realpath(os.getcwd())
    path = [entry for entry in sys.path if entry and os.path.realpath(entry) != here]
    points = (point for found in distributions(path=path) for point in found.entry_points)
    return {point.name: point for point in points if point.group == GROUP}


def _folder(name: str) -> tuple[str, str]:
    """Make a package of a folder, under a name of its own. Returns no version, and the package."""
    if not os.path.isdir(name):
        raise Problem(name, "is no folder", "name the folder that holds the rules")
    package = f"_transfer_lint_rules_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [name]
    sys.modules[package] = module_from_spec(spec)
    return "", package


def _rule_modules(folder: str, package: str) -> list[str]:
    """The modules of a package that are rules: those with a page beside them."""
    names = sorted(found.name for found in iter_modules([folder]))
    return [f"{package}.{name}" for name in names if os.path.isfile(os.path.join(folder, f"{name}.md"))]


def _must_be_sound(rules: Sequence[Rule]) -> None:
    if not rules:
        raise _Unsound("it holds no rule: a rule is NAME.py, with @rule(...), and NAME.md beside it")
    for rule in rules:
        if not _CODE.fullmatch(rule.code):
            raise _Unsound(
                f"{rule.code} is no code for a plugin: write two letters or more, but not TL, and three digits"
            )
        page = read_page(rule.page)
        if (page.code, page.name) != (rule.code, rule.name):
            raise _Unsound(f"{rule.page.name} is the page of {page.title}, not of {rule.name} ({rule.code})")
        headings = tuple(heading for heading, _ in groupby(heading for heading, _ in page.sections))
        if headings != SECTIONS:
            raise _Unsound(f"the headings of {rule.page.name} must be {', '.join(SECTIONS)}")
        if not rule.wants or not rule.wants <= _PLACES:
            kinds = ", ".join(sorted(_PLACES))
            raise _Unsound(f"{rule.code}: annotate the first parameter of `check` with what it judges, of {kinds}")


def _guarded(rule: Rule, plugin: str) -> Check:
    """The rule's check, whose failures are told as the plugin's."""

    @wraps(rule.check)
    def check(place: Any, *rest: Any) -> Verdict | None:
        try:
            verdict = rule.check(place, *rest)
            if verdict is None or isinstance(verdict, Verdict):
                return verdict
            why = f"it gives a {type(verdict).__name__}, and no Verdict"
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
        line, _ = place.anchor
        what = f"{rule.code} of the plugin {plugin} failed at line {line}: {why}"
        raise Problem(place.module.path, what, "mend the plugin")

    return check
