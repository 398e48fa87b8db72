"""What the commands share: options, settings from them, and printing."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import click

from transfer_lint.files.paths import shown_path
from transfer_lint.findings import Finding, Saving
from transfer_lint.lint import configuration
from transfer_lint.lint.configuration import KEYS, OUTPUT_FORMATS
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem
from transfer_lint.report import View, report
from transfer_lint.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])

_CHOICES = {
    "fail-on": ("hint", "warning", "error"),
    "min-heat": ("once", "call", "step", "layer"),
    "module-guard": ("exact", "first-tensor", "cached"),
    "output-format": OUTPUT_FORMATS,
}
_LISTS = ("select", "extend-select", "ignore", "extend-exclude")


def _fix_hints(context: click.Context, option: click.Parameter, value: bool | None) -> str | None:
    """The value of `fix-hints` that the flag stands for."""
    return None if value is None else "always" if value else "never"


def lint_options(function: Function) -> Function:
    """Add the options of `check` and `fix`. The option for a configuration key has the key's name and help text."""
    docs = {key.name: key.doc for key in KEYS}
    options: list[Callable[[Function], Function]] = [
        click.argument("paths", nargs=-1, type=click.Path()),
        *(
            click.option(f"--{name}", name.replace("-", "_"), multiple=True, metavar="LIST", help=docs[name])
            for name in _LISTS
        ),
        *(
            click.option(f"--{name}", name.replace("-", "_"), type=click.Choice(choices), help=docs[name])
            for name, choices in _CHOICES.items()
        ),
        click.option(
            "--unsafe-fixes/--no-unsafe-fixes", "unsafe_fixes", default=None, help="Count, and apply, unsafe fixes too."
        ),
        click.option("--trust", "trust", multiple=True, metavar="LIST", help=docs["trust"]),
        click.option("--proved-only", is_flag=True, help="Report what is proved alone: make no assumption."),
        click.option(
            "--hints/--no-hints",
            "fix_hints",
            default=None,
            callback=_fix_hints,
            help="Mend all hints as well, or none; by default, as fix-hints says.",
        ),
        click.option("--force-exclude", is_flag=True, help="Exclude files even where they are named."),
        click.option("--stdin-filename", metavar="PATH", help="What the source from standard input (-) is called."),
        click.option("--config", "config_file", type=click.Path(), metavar="FILE", help="Use this configuration."),
        click.option("-q", "--quiet", is_flag=True, help="Print results and errors only."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def settings_for(
    paths: Sequence[str], config_file: str | None, stdin_filename: str | None, options: Mapping[str, object]
) -> Settings:
    """The settings for a run over `paths`: the configuration, overridden by the options that were given.

    `--select` replaces the rules that the configuration selects and ignores.

    Raises:
        Problem: the configuration is wrong.
        click.BadParameter: an option is wrong.
    """
    if config_file:
        settings = configuration.read_file(config_file) or Settings(root=os.path.dirname(os.path.abspath(config_file)))
    else:
        settings = configuration.load([stdin_filename or "." if path == "-" else path for path in paths])
    given: dict[str, Any] = {}
    for key in KEYS:
        value = options.get(key.field)
        if value is None or value == ():
            continue
        if isinstance(value, tuple):
            value = [part.strip() for item in value for part in item.split(",") if part.strip()]
        try:
            given[key.field] = key.read(value)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"--{key.name}") from None
    if options.get("proved_only"):
        given["trust"] = ()
    if "select" in given:
        settings = replace(settings, extend_select=(), ignore=())
    for name in ("extend_select", "ignore", "extend_exclude"):
        if name in given:
            given[name] = (*getattr(settings, name), *given[name])
    return replace(settings, **given)


def targets(paths: Sequence[str], stdin_filename: str | None) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """(paths, path -> its bytes): the working directory by default; for `-` a name with the bytes of standard input."""
    if "-" not in paths:
        if stdin_filename:
            raise click.UsageError("--stdin-filename names the source from standard input: give - as the path")
        return tuple(paths) or (".",), {}
    if len(paths) > 1:
        raise click.UsageError("- (standard input) stands alone")
    name = shown_path(stdin_filename or "stdin.py")
    return (name,), {name: sys.stdin.buffer.read()}


def view_for(settings: Settings, output_file: str | None = None) -> View:
    """The view for standard output, or for a file."""
    terminal = sys.stdout.isatty() and output_file is None
    return View(
        colour=terminal and coloured(sys.stdout),
        fancy=output_file is not None or "utf" in (sys.stdout.encoding or "").lower(),
        width=shutil.get_terminal_size().columns if terminal else 100,
        unsafe_fixes=settings.unsafe_fixes,
        fail_on=settings.fail_on,
    )


def coloured(stream: Any) -> bool:
    """Whether to use colour: on a terminal, unless NO_COLOR is set or TERM is `dumb`."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def findings(outcome: Outcome, settings: Settings, view: View) -> Iterator[str]:
    """The findings in the requested format, line by line."""
    name = settings.output_format or ("full" if sys.stdout.isatty() else "concise")
    return report(name)(outcome, view)


def put(lines: Iterable[str], view: View, output_file: str | None = None) -> None:
    """Write lines to standard output, or to a file, which is replaced as a whole.

    Raises:
        Problem: the file cannot be written.
    """
    if output_file is None:
        for line in lines:
            click.echo(line, color=view.colour)
        return
    from transfer_lint.files import disk

    text = "".join(f"{line}\n" for line in lines)
    disk.write(output_file, text.encode("utf-8", "backslashreplace"), 0o644)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems on standard error."""
    for problem in problems:
        say(f"{emphasis('error', fg='red', bold=True)}: {problem}")


def say(text: str) -> None:
    """Print a line on standard error."""
    click.echo(text, err=True, color=coloured(sys.stderr))


def emphasis(text: str, **how: Any) -> str:
    """`text` styled for standard error."""
    return click.style(text, **how) if coloured(sys.stderr) else text


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tally(outcome: Outcome) -> str:
    """`2 warnings and 7 hints`; "" if nothing was found."""
    summary = outcome.summary
    pairs = ((summary.errors, "error"), (summary.warnings, "warning"), (summary.hints, "hint"))
    parts = [count(number, noun) for number, noun in pairs if number]
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def where_the_gain_is(ready: Iterable[Finding], left: Iterable[Finding], view: View) -> str:
    """Says how many fixes save copies and waits, where unsafe ones that are not applied do; else "".

    ready: findings that are fixed, or can be with these settings. left: those that are not.
    """
    from transfer_lint.rules import RULES

    def saving(findings: Iterable[Finding]) -> int:
        return sum(finding.code in RULES and RULES[finding.code].saves is Saving.WAITS for finding in findings)

    more = saving(finding for finding in left if view.missing(finding) == "--unsafe-fixes")
    if not more:
        return ""
    first = saving(ready)
    return (
        f"copies and waits are saved by {first or 'none'} of these, and by {more} with --unsafe-fixes: "
        "fix --unsafe-fixes --prove SCENARIO keeps those that a run bears out"
    )


class Bar:
    """A progress bar on standard error. It is shown only on a terminal, and only for a run that takes a while."""

    _WIDTH = 30
    _PATIENCE = 0.5  # seconds before it is shown, so that short runs show none
    _INTERVAL = 0.08  # seconds between two drawings

    def __init__(self, label: str, quiet: bool) -> None:
        self._label = label
        self._on = sys.stderr.isatty() and not quiet
        self._next = time.monotonic() + self._PATIENCE
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` items are done."""
        now = time.monotonic()
        if not self._on or now < self._next:
            return
        self._next = now + self._INTERVAL
        self._drawn = True
        full = self._WIDTH * done // total
        line, rest = ("━", "─") if "utf" in (sys.stderr.encoding or "").lower() else ("#", "-")
        bar = emphasis(line * full, fg="cyan") + emphasis(rest * (self._WIDTH - full), dim=True)
        click.echo(f"\r{self._label} {bar} {done}/{total}\x1b[K", nl=False, err=True, color=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._drawn:
            click.echo("\r\x1b[K", nl=False, err=True, color=True)
