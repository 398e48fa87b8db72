"""The rules. A rule is two files side by side: NAME.py (which sites, which rewrite) and NAME.md (its page).

May import `flow.ask`, the ground and the actions of `transfer_codemods`.
Hands out `RULES`: a module of this folder that holds a `@rule(...)` is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from transfer_lint.findings import Change, Safety, Severity
from transfer_lint.flow.ask import Why


@dataclass(frozen=True)
class Verdict:
    """What a rule says of a site. why: the facts that prove it. action, title, safety: the fix, if there is one."""

    severity: Severity
    message: str
    why: Why = ()
    action: Change | None = None
    title: str = ""
    safety: Safety = Safety.SAFE


Check = Callable[..., "Verdict | None"]  # of a Site or a HostRead with Questions and RuleOptions; in group 9 of a Note


@dataclass(frozen=True)
class Rule:
    """code: `TL101`, stable for ever. name: what it finds, so that "allow <name>" reads well. summary: one line.

    wants: the class of what `check` judges, by the annotation of its first parameter.
    """

    code: str
    name: str
    summary: str
    fix: str
    safety: Safety | None
    page: Path
    wants: str
    check: Check


_registered: dict[str, Rule] = {}


def rule(code: str, name: str, summary: str, *, fix: str, safety: Safety | None) -> Callable[[Check], Check]:
    """Register a rule. fix: what its fix does, in a few words; safety: the tier of that fix (None: no fix)."""

    def register(check: Check) -> Check:
        page = Path(__file__).with_name(f"{name.replace('-', '_')}.md")
        wants = str(next(iter(check.__annotations__.values())))
        _registered[code] = Rule(code, name, summary, fix, safety, page, wants, check)
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
