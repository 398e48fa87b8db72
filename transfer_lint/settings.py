"""The settings of a run: one frozen object, filled from the configuration and overridden by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import Heat, Severity

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
    """The settings of a run. Each field except `root` is a configuration key, see `lint.configuration.KEYS`.

    root: absolute path of the folder that patterns are relative to.
    target_version: (3, minor) of the oldest Python that fixed code must run on; None for the one that runs the lint.
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
    unsafe_fixes: bool = False
    module_guard: GuardForm = GuardForm.EXACT
    target_version: tuple[int, int] | None = None
    output_format: str | None = None
    baseline: str | None = None
    knowledge: Mapping[str, object] = field(default_factory=dict)
