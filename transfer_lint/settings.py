"""The settings of a run: one frozen object, filled from the configuration and overridden by the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import FixHints, Heat, Severity

CONFIGURATIONS = ("transfer-lint.toml", "pyproject.toml")
"""The names of the files that may hold a configuration; of two in one folder the first counts."""

DEFAULT_EXCLUDE = (
    ".bzr",
    ".direnv",
    ".eggs",
    ".git",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
)


ANALYSIS_BUDGET = 5_000_000
"""Steps that following one function may take."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run. A field means what the configuration key of its name means.

    Attributes:
        root: Absolute path of the folder that patterns are relative to.
        source: The file that they were read from; None: there is none.
        nested: The settings of configurations deeper in what is checked, each for what lies under its `root`.
        plugins: Plugins whose rules are asked, too: names of installed ones, absolute paths of folders.
        select: Rules to report, by code, prefix of codes, or name; empty: all.
        extend_select: Rules to report besides those of `select`.
        ignore: Rules to leave out; of two selectors for a rule the more exact one wins.
        per_file_ignores: (pattern, rules to leave out in files that match it), in order.
        exclude: Patterns, as in a .gitignore, of files that are not looked at.
        extend_exclude: Patterns besides those of `exclude`.
        respect_gitignore: Whether what git ignores is left out.
        fail_on: The least severity that makes a run fail.
        min_heat: Leave out sites that run less often than this.
        trust: Names of the assumptions that count as facts, where others are not made; None: all are made, and named.
        unsafe_fixes: Whether fixes are applied that cannot be shown to keep the meaning.
        fix_hints: Which hints `fix` mends.
        module_guard: The form of TL103's guard.
        target_version: (3, minor) of the oldest Python that fixed code must run on; None: the one that runs the lint.
        output_format: How the commands report; None: `full` on a terminal, else `concise`.
        baseline: The file of known findings, relative to `root`; None: there is none. Only the commands read it.
        analysis_budget: Steps that following one function may take; see the page of TL903.
        cache: Whether results are kept for later runs, and those of earlier runs are used.
        cache_dir: The folder, relative to `root`, or the URL where they are kept; None: in the user's folder of caches.
        knowledge: What is known of the user's own functions and classes, as the configuration has it.
        fixable: Rules whose fixes are applied; empty: all.
        unfixable: Rules whose fixes are not applied.
        extend_safe_fixes: Rules whose unsafe fixes the user takes for safe.
        extend_unsafe_fixes: Rules whose safe fixes the user takes for unsafe.
    """

    root: str
    plugins: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    respect_gitignore: bool = True
    fail_on: Severity = Severity.WARNING
    min_heat: Heat = Heat.ONCE
    trust: tuple[str, ...] | None = None
    unsafe_fixes: bool = False
    fix_hints: FixHints = FixHints.NODE_PACKS
    module_guard: GuardForm = GuardForm.EXACT
    target_version: tuple[int, int] | None = None
    output_format: str | None = None
    baseline: str | None = None
    analysis_budget: int = ANALYSIS_BUDGET
    cache: bool = True
    cache_dir: str | None = None
    knowledge: Mapping[str, object] = field(default_factory=dict)
    fixable: tuple[str, ...] = ()
    unfixable: tuple[str, ...] = ()
    extend_safe_fixes: tuple[str, ...] = ()
    extend_unsafe_fixes: tuple[str, ...] = ()
    source: str | None = None
    nested: tuple[Settings, ...] = ()

    def of(self, path: str) -> Settings:
        """The settings of one file. What is about the run as a whole is the same in all: `RUN_KEYS`."""
        if not self.nested:
            return self
        absolute = os.path.abspath(path)
        over = [each for each in self.nested if absolute.startswith(os.path.join(each.root, ""))]
        return max(over, key=lambda each: len(each.root), default=self)

    def baseline_of(self, path: str) -> str | None:
        """The baseline for one file: that of its own configuration, else that of the run; None if there is none."""
        own = self.of(path)
        named = own if own.baseline else self
        return os.path.join(named.root, named.baseline) if named.baseline else None

    def with_nested(self, found: Iterable[Settings]) -> Settings:
        """The same with the settings of deeper configurations, which take what is about the run from here."""
        of_run = {name: getattr(self, name) for name in RUN_KEYS}
        deeper = {each.root: replace(each, nested=(), **of_run) for each in found if each.root != self.root}
        return replace(self, nested=tuple(deeper[root] for root in sorted(deeper)))


RUN_KEYS = ("fail_on", "unsafe_fixes", "output_format", "cache", "cache_dir")
"""The fields that are about a run as a whole: they are those of the configuration over all that is checked."""
