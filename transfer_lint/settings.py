"""How to run: one frozen value that the configuration fills and the command line overrides."""

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
    """How to run, from the configuration and then the command line; each field is a key of KEYS but `root`.

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
