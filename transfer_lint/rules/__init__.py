"""The rules. A rule is two files: NAME.py (which sites it reports, which action fixes them) and NAME.md (its page).

May import `flow.ask`, the base modules `settings`, `findings` and `problems`, and the actions of `transfer_codemods`.
Hands out `RULES`, which holds every `@rule(...)` in a module of this folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from transfer_codemods.actions import DeleteTransfer
from transfer_lint.findings import Change, Safety, Saving, Severity

if TYPE_CHECKING:  # imported with the rules
    from transfer_lint.flow.ask import Place, Why


@dataclass(frozen=True)
class Verdict:
    """A rule's verdict on a site.

    why: the facts that prove it. action, title, safety: the fix; action None: no fix. start: (line, column) where what
    it is about begins, if that is before the site's own name. simpler: the fixed code is simpler, so `fix` mends it
    even if it is a hint. repeated: one call does it more than once, so it is worth a line wherever it runs.
    """

    severity: Severity
    message: str
    why: Why = ()
    action: Change | None = None
    title: str = ""
    safety: Safety = Safety.SAFE
    start: tuple[int, int] | None = None
    simpler: bool = False
    repeated: bool = False

    @property
    def weight(self) -> int:
        """How much it counts beside others: that a transfer does nothing as much as a warning."""
        does_nothing = self.simpler and isinstance(self.action, DeleteTransfer)
        return max(self.severity.rank, Severity.WARNING.rank if does_nothing else 0)


def warning_if(worth: bool, place: Place) -> Severity:
    """A warning, if what is found is worth one and the place is no rare one; else a hint."""
    return Severity.WARNING if worth and not place.rate.is_rare else Severity.HINT


Check = Callable[..., "Verdict | None"]  # takes a place that `flow.ask` hands out, Questions, RuleOptions; or a Note


@dataclass(frozen=True)
class Rule:
    """code: `TL101`, never changed. name: what it finds, worded so that "allow <name>" reads well. summary: one line.

    fix: what its fix does, in a few words; "" without a fix. safety: the tier of that fix; None without a fix.
    saves: what it saves. page: the path of NAME.md. wants: the names of the classes that `check` judges, as its first
    parameter is annotated. plugin: which has brought it; "": it is one of this folder.
    """

    code: str
    name: str
    summary: str
    fix: str
    safety: Safety | None
    saves: Saving
    page: Path
    wants: frozenset[str]
    check: Check
    plugin: str = ""


_registered: dict[str, Rule] = {}


def rule(
    code: str, name: str, summary: str, *, fix: str, safety: Safety | None, saves: Saving = Saving.NOTHING
) -> Callable[[Check], Check]:
    """Register a rule. fix: what its fix does, in a few words; safety: the tier of that fix (None: no fix); saves: what
    the fix saves.

    Raises:
        ValueError: another rule has the code.
    """

    def register(check: Check) -> Check:
        other = _registered.get(code)
        if other is not None and other.check.__module__ != check.__module__:
            raise ValueError(f"{code} is the code of {other.name}")
        page = Path(sys.modules[check.__module__].__file__ or "").with_name(f"{name.replace('-', '_')}.md")
        _registered[code] = Rule(code, name, summary, fix, safety, saves, page, _wants(check), check)
        return check

    return register


def _wants(check: Check) -> frozenset[str]:
    first = next(iter(check.__annotations__.values()), "")
    kinds = get_args(first) or (first,)
    return frozenset(name for kind in kinds for name in getattr(kind, "__name__", str(kind)).split(" | "))


@cache
def _all() -> Mapping[str, Rule]:
    """All rules, also those of plugins that are loaded later."""
    for found in iter_modules([str(Path(__file__).parent)], f"{__name__}."):
        import_module(found.name)
    own = sorted(_registered.items())
    _registered.clear()
    _registered.update(own)
    return MappingProxyType(_registered)


def names() -> Mapping[str, str]:
    """Code -> name of every rule. Where the rules are not needed yet, that is read from the titles of their pages."""
    titles = {} if _all.cache_info().currsize else _titles()
    return {**titles, **{code: each.name for code, each in _registered.items()}}


@cache
def _titles() -> Mapping[str, str]:
    found = {}
    for page in Path(__file__).parent.glob("*.md"):
        with page.open(encoding="utf-8") as text:
            _, name, code = text.readline().split()  # `# rule-name (TL000)`
        found[code.strip("()")] = name
    return dict(sorted(found.items()))


def registered_in(modules: Collection[str]) -> list[Rule]:
    """The rules that these modules have registered."""
    return [rule for rule in _registered.values() if rule.check.__module__ in modules]


def put(rules: Iterable[Rule]) -> None:
    """Put rules of plugins in the place of those with their codes. They stand behind all others, sorted by code."""
    _registered.update({each.code: each for each in rules})
    for code in sorted(code for code, each in _registered.items() if each.plugin):
        _registered[code] = _registered.pop(code)


def remove(rules: Iterable[Rule]) -> None:
    """Forget rules."""
    for each in rules:
        del _registered[each.code]


def __getattr__(name: str) -> object:
    if name == "RULES":
        return _all()
    raise AttributeError(name)


RULES: Mapping[str, Rule]
