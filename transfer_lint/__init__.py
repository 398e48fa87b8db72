"""Find, prove and rewrite needless device transfers in PyTorch source, without running it.

The public API is what `__all__` names: it keeps its meaning within a major version. Everything else in this package
is private and may change in any release. Names are imported when they are asked for: `import transfer_lint` loads
nothing, and only `trace`, `region` and `expect` need torch.
"""

from __future__ import annotations

from transfer_lint.version import __version__

TYPE_CHECKING = False  # type checkers take it for that of typing, which is slow to import
if TYPE_CHECKING:
    from transfer_lint.api import check, fix, load_settings
    from transfer_lint.evidence.model import Trace
    from transfer_lint.findings import Edit, Evidence, Finding, Fix, FixHints, Heat, Safety, Severity
    from transfer_lint.fixing.fix import Fixed, FixedFile
    from transfer_lint.lint.outcome import Outcome, Summary
    from transfer_lint.problems import Problem
    from transfer_lint.settings import Settings
    from transfer_lint.tracing.expect import Moved, TransfersExceeded, expect
    from transfer_lint.tracing.regions import lightning_callback, module_regions, region
    from transfer_lint.tracing.session import Tracing, trace

_HOMES = {
    "api": ("check", "fix", "load_settings"),
    "evidence.model": ("Trace",),
    "findings": ("Edit", "Evidence", "Finding", "Fix", "FixHints", "Heat", "Safety", "Severity"),
    "fixing.fix": ("Fixed", "FixedFile"),
    "lint.outcome": ("Outcome", "Summary"),
    "problems": ("Problem",),
    "settings": ("Settings",),
    "tracing.expect": ("Moved", "TransfersExceeded", "expect"),
    "tracing.regions": ("lightning_callback", "module_regions", "region"),
    "tracing.session": ("Tracing", "trace"),
}
"""Module -> the public names that it defines."""

__all__ = [
    "Edit",
    "Evidence",
    "Finding",
    "Fix",
    "FixHints",
    "Fixed",
    "FixedFile",
    "Heat",
    "Moved",
    "Outcome",
    "Problem",
    "Safety",
    "Settings",
    "Severity",
    "Summary",
    "Trace",
    "Tracing",
    "TransfersExceeded",
    "__version__",
    "check",
    "expect",
    "fix",
    "lightning_callback",
    "load_settings",
    "module_regions",
    "region",
    "trace",
]


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                from importlib import import_module  # not before it is needed: the start is short

                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
