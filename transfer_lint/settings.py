"""The settings of a run: one frozen object, filled from the configuration and overridden by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import FixHints, Heat, Severity

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


@dataclass(frozen=True)
class Settings:
    """The settings of a run. Each field except `root` is a key of the configuration, and means what it means there.

    Attributes:
        root: Absolute path of the folder that patterns are relative to.
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
        cache: Whether results are kept for later runs, and those of earlier runs are used.
        cache_dir: The folder, relative to `root`, or the URL where they are kept; None: in the user's folder of caches.
        knowledge: What is known of the user's own functions and classes, as the configuration has it.
    """

    root: str
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
    cache: bool = True
    cache_dir: str | None = None
    knowledge: Mapping[str, object] = field(default_factory=dict)
