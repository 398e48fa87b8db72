"""Which rules are on, by selectors in the configuration, on the command line and in suppression comments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from transfer_lint.files.patterns import Patterns
from transfer_lint.findings import Finding, Safety
from transfer_lint.problems import nearest
from transfer_lint.settings import Settings

_PREFIX = re.compile(r"[A-Z]{2,}\d{0,3}")

_FOREIGN = re.compile(r"(?!TL)[A-Z]{2,}\d{3}")


@dataclass(frozen=True)
class Selection:
    """Selectors that turn rules on and off. The more exact one wins; between equals, off wins.

    A selector is a code (`TL102`), a prefix of codes (`TL1`), a name (`unguarded-tensor-transfer`) or `ALL`.
    on: empty means all rules.
    """

    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()

    def allows(self, code: str, name: str) -> bool:
        """Whether the rule is on."""
        on = max((_exactness(s, code, name) for s in self.on), default=0)
        off = max((_exactness(s, code, name) for s in self.off), default=-1)
        return on > off


def matches(selector: str, code: str, name: str) -> bool:
    """Whether `selector` matches the rule."""
    return _exactness(selector, code, name) >= 0


def _exactness(selector: str, code: str, name: str) -> int:
    """How exactly `selector` matches the rule: 0 for ALL, more for a longer prefix, -1 if it does not match."""
    if selector == "ALL":
        return 0
    if selector == name:
        return len(code)
    return len(selector) if code.startswith(selector) else -1


def rule_names() -> Mapping[str, str]:
    """Code -> name of every rule."""
    from transfer_lint import rules  # where there are selectors

    return rules.names()


def is_foreign(selector: str) -> bool:
    """Whether a selector is the code of a rule that only a plugin can have, and none that is loaded has."""
    return bool(_FOREIGN.fullmatch(selector)) and selector not in rule_names()


def unknown(selectors: Iterable[str], names: Mapping[str, str]) -> str:
    """A message about the first selector that matches no rule, with a suggestion; "" if each selector matches a rule.

    names: code -> name of every rule.
    """
    for selector in selectors:
        if any(matches(selector, code, name) for code, name in names.items()) and selector:
            continue
        near = nearest(selector, [*names, *names.values()])
        if near is None and _PREFIX.fullmatch(selector.upper()):
            near = next((code for code in names if code.startswith(selector.upper())), None)
        hint = f"did you mean {near!r}?" if near else "`transfer-lint rules` lists them"
        return f"no rule is called {selector!r}; {hint}"
    return ""


def selected(path: str, settings: Settings) -> Selection:
    """The rules that are on for a file."""
    off = (*settings.ignore, *_ignored_in(path, settings))
    return Selection((*(settings.select or ("ALL",)), *settings.extend_select), off)


def _ignored_in(path: str, settings: Settings) -> tuple[str, ...]:
    """The selectors of the rules that `per-file-ignores` turns off for a file."""
    return tuple(
        selector
        for pattern, selectors in settings.per_file_ignores
        if _compiled(settings.root, pattern).match(os.path.abspath(path), is_folder=False)
        for selector in selectors
    )


def with_fix_as_set(finding: Finding, settings: Settings) -> Finding:
    """The finding without its fix, or with another safety of it, where the settings say so for its rule."""
    fix = finding.fix
    if fix is None:
        return finding
    if not Selection(settings.fixable or ("ALL",), settings.unfixable).allows(finding.code, finding.name):
        return replace(finding, fix=None)
    safe, unsafe = (
        max((_exactness(selector, finding.code, finding.name) for selector in selectors), default=-1)
        for selectors in (settings.extend_safe_fixes, settings.extend_unsafe_fixes)
    )
    if safe < 0 > unsafe:
        return finding
    return replace(finding, fix=replace(fix, safety=Safety.SAFE if safe > unsafe else Safety.UNSAFE))


@lru_cache(maxsize=256)
def _compiled(root: str, pattern: str) -> Patterns:
    return Patterns(root, (pattern,))
