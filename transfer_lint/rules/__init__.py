"""The rules. A rule is two files: NAME.py (which sites it reports, which action fixes them) and NAME.md (its page).

May import `flow.ask`, the base modules `settings`, `findings` and `problems`, and the actions of `transfer_codemods`.
Hands out `RULES`, which holds every `@rule(...)` in a module of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from transfer_lint.findings import Change, Safety, Saving, Severity
from transfer_lint.flow.ask import Why


@dataclass(frozen=True)
class Verdict:
    """A rule's verdict on a site.

    why: the facts that prove it. action, title, safety: the fix; action None: no fix. start: (line, column) where what
    it is about begins, if that is before the site's own name.
    """

    severity: Severity
    message: str
    why: Why = ()
    action: Change | None = None
    title: str = ""
    safety: Safety = Safety.SAFE
    start: tuple[int, int] | None = None


Check = Callable[..., "Verdict | None"]  # takes a place that `flow.ask` hands out, Questions, RuleOptions; or a Note


@dataclass(frozen=True)
class Rule:
    """code: `TL101`, never changed. name: what it finds, worded so that "allow <name>" reads well. summary: one line.

    fix: what its fix does, in a few words; "" without a fix. safety: the tier of that fix; None without a fix.
    saves: what it saves. page: the path of NAME.md. wants: the names of the classes that `check` judges, as its first
    parameter is annotated.
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


_registered: dict[str, Rule] = {}


def rule(
    code: str, name: str, summary: str, *, fix: str, safety: Safety | None, saves: Saving = Saving.NOTHING
) -> Callable[[Check], Check]:
    """Register a rule. fix: what its fix does, in a few words; safety: the tier of that fix (None: no fix); saves: what
    the fix saves."""

    def register(check: Check) -> Check:
        page = Path(__file__).with_name(f"{name.replace('-', '_')}.md")
        wants = frozenset(str(next(iter(check.__annotations__.values()))).split(" | "))
        _registered[code] = Rule(code, name, summary, fix, safety, saves, page, wants, check)
        return check

    return register


@cache
def _all() -> Mapping[str, Rule]:
    for found in iter_modules([str(Path(__file__).parent)], f"{__name__}."):
        import_module(found.name)
    return MappingProxyType(dict(sorted(_registered.items())))


def __getattr__(name: str) -> object:
    if name == "RULES":
        return _all()
    raise AttributeError(name)


RULES: Mapping[str, Rule]
