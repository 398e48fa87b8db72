"""What the commands share: options, settings from them, and printing."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from transfer_lint.cli import abandon
from transfer_lint.findings import Finding, Saving
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem
from transfer_lint.report import DOCUMENTS, View, colours, report, terminal
from transfer_lint.settings import Settings


def view_for(settings: Settings, output_file: str | None = None) -> View:
    """The view for standard output, or for a file."""
    terminal = sys.stdout.isatty() and output_file is None
    return View(
        colour=output_file is None and coloured(sys.stdout),
        fancy=output_file is not None or "utf" in (sys.stdout.encoding or "").lower(),
        links=terminal and shows_links(os.environ),
        width=_columns() if terminal else 100,
        unsafe_fixes=settings.unsafe_fixes,
        fail_on=settings.fail_on,
    )


def _columns() -> int:
    """How many columns the terminal has."""
    import shutil  # imported late: most runs have no terminal, and it takes a while

    return shutil.get_terminal_size().columns


def coloured(stream: Any) -> bool:
    """Whether to use colour: with FORCE_COLOR, or on a terminal unless TERM is `dumb`; never with NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


_WITH_LINKS = ("VTE_VERSION", "WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WEZTERM_PANE", "ALACRITTY_WINDOW_ID")
"""Variables by which terminals that show links are known."""
_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "zed"})
"""Values of TERM_PROGRAM for such terminals."""


def shows_links(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is known to show links (OSC 8). FORCE_HYPERLINK says so for any: 1 yes, 0 no."""
    if forced := environ.get("FORCE_HYPERLINK"):
        return forced != "0"
    if environ.get("CI") or environ.get("TERM", "dumb") in ("dumb", "linux"):
        return False
    return environ.get("TERM_PROGRAM") in _PROGRAMS or any(environ.get(name) for name in _WITH_LINKS)


def choose_colour(when: str) -> None:
    """Use colours always or never, whatever the environment says; auto: as it says."""
    if when != "auto":
        for name in ("FORCE_COLOR", "NO_COLOR"):
            os.environ.pop(name, None)
        os.environ["FORCE_COLOR" if when == "always" else "NO_COLOR"] = "1"


def findings(outcome: Outcome, settings: Settings, view: View) -> Iterator[str]:
    """The findings in the requested format, line by line."""
    return report(form_of(settings))(outcome, view)


def form_of(settings: Settings) -> str:
    """The format of the report."""
    return settings.output_format or ("full" if sys.stdout.isatty() else "concise")


def put(lines: Iterable[str], view: View, output_file: str | None = None, *, form: str | None = None) -> None:
    """Write lines to standard output, or to a file, which is replaced as a whole.

    form: the format of the lines; None: text for people.

    Raises:
        Problem: the file cannot be written.
    """
    lines = list(_shown(lines, form))
    if output_file is None:
        if lines:
            click.echo("\n".join(lines), color=view.colour)
        return
    from transfer_lint.files import disk
    from transfer_lint.files.temporary import remove_leftovers

    text = "".join(f"{line}\n" for line in lines)
    remove_leftovers([output_file])
    disk.write(output_file, text.encode("utf-8", "backslashreplace"), 0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _shown(lines: Iterable[str], form: str | None) -> Iterator[str]:
    if form in DOCUMENTS:
        return map(terminal.document, lines)
    return (terminal.printed(line, commands=form == "github") for line in lines)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems on standard error."""
    for problem in problems:
        say(f"{emphasis('error', fg=colours.BAD, bold=True)}: {problem}")


def print_left_out(links: Sequence[str], quiet: bool) -> None:
    """Print, in one line on standard error, that these symbolic links were left out."""
    if not links or quiet:
        return
    shown = [f"{link} -> {os.path.realpath(link)}" for link in links[:_LISTED]]
    more = f" and {len(links) - _LISTED} more" if len(links) > _LISTED else ""
    what, it = ("a link that leads", "it") if len(links) == 1 else ("links that lead", "them")
    say(f"left out {what} out of what was given, name {it} to include {it}: {', '.join(shown)}{more}")


_LISTED = 3  # of many links that are left out


def say(text: str) -> None:
    """Print a line on standard error, wrapped on a terminal, if that can be written."""
    lines = [text]
    if sys.stderr.isatty():
        from transfer_lint.report.lines import wrap

        lines = wrap(text, _columns(), "  ")
    try:
        for line in lines:
            click.echo(terminal.printed(line), err=True, color=coloured(sys.stderr))
    except OSError:
        abandon(sys.stderr)


def emphasis(text: str, **how: Any) -> str:
    """`text` styled for `say`."""
    return terminal.styled(text, **how) if coloured(sys.stderr) else text


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tally(outcome: Outcome) -> str:
    """`2 warnings and 7 hints`; "" if nothing was found."""
    summary = outcome.summary
    pairs = ((summary.errors, "error"), (summary.warnings, "warning"), (summary.hints, "hint"))
    parts = [count(number, noun) for number, noun in pairs if number]
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def ways(findings: Iterable[Finding], view: View) -> tuple[int, list[tuple[str, int]], int]:
    """How many findings `fix` mends as it is asked, how many with which more options, and how many have no fix."""
    found = list(findings)
    waiting = Counter(needed for finding in found if (needed := view.missing(finding)))
    ready = sum(view.fixable(finding) for finding in found)
    return ready, sorted(waiting.items()), sum(finding.fix is None for finding in found)


def where_the_gain_is(ready: Iterable[Finding], left: Iterable[Finding], view: View) -> str:
    """Says how many fixes save copies and waits, where unsafe ones that are not applied do; else "".

    ready: findings that are fixed, or can be with these settings. left: those that are not.
    """
    unsafe = [finding for finding in left if view.missing(finding) == "--unsafe-fixes"]
    if not unsafe:
        return ""

    def saving(findings: Iterable[Finding]) -> int:
        return sum(finding.fix is not None and finding.fix.saves is Saving.WAITS for finding in findings)

    more = saving(unsafe)
    if not more:
        return ""
    first = saving(ready)
    return (
        f"copies and waits are saved by {first or 'none'} of these, and by {more} with --unsafe-fixes: "
        "fix --unsafe-fixes --prove SCENARIO keeps those that a run bears out"
    )


def rules_like(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """What a shell completes to codes of rules; of a list, its last part."""
    from transfer_lint.lint.selection import rule_names

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{code}" for code in rule_names() if code.startswith(last.upper())]


def remaining(elapsed: float, done: int, total: int) -> str:
    """`about 2 min left`: as if the rest took as long as what is done; "" where little is known or little is left."""
    seconds = elapsed * (total - done) / done if done else 0.0
    if elapsed < _TELLING or seconds < 1:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"


_TELLING = 2.0  # seconds after which a guess at the rest is worth something


class Bar:
    """A progress bar on standard error. It is shown only on a terminal, and only for a run that takes a while."""

    _WIDTH = 30  # columns at most
    _PATIENCE = 0.5  # seconds before it is shown, so that short runs show none
    _INTERVAL = 0.08  # seconds between two drawings

    def __init__(self, label: str, quiet: bool) -> None:
        self._label = label
        self._on = sys.stderr.isatty() and not quiet
        self._begun = time.monotonic()
        self._next = self._begun + self._PATIENCE
        self._drawn = False
        self._waiting = ""

    def __call__(self, done: int, total: int, waiting: str) -> None:
        """Show that `done` of `total` items are done, how long the others may take, and the one that is waited for."""
        now = time.monotonic()
        self._waiting = waiting or self._waiting
        if not self._on or now < self._next:
            return
        self._next = now + self._INTERVAL
        self._drawn = True
        counts = f" {done}/{total} "
        rest = remaining(now - self._begun, done, total)
        drawn = self._line(done, total, f"{counts}{rest} " if rest else counts)
        click.echo(f"\r{terminal.printed(drawn)}\x1b[K", nl=False, err=True, color=True)

    def _line(self, done: int, total: int, counts: str) -> str:
        """The bar in one line of the terminal; what has no room is left out, the name first."""
        from transfer_lint.report.lines import cut_before, printable, width

        room = _columns() - 1
        size = max(min(self._WIDTH, room - len(self._label) - 1 - len(counts)), 0)
        full = size * done // total
        line, rest = ("━", "─") if "utf" in (sys.stderr.encoding or "").lower() else ("#", "-")
        bar = emphasis(line * full, fg=colours.HINT) + emphasis(rest * (size - full), dim=True)
        drawn = f"{self._label} {bar}{counts}"
        left = room - width(drawn)
        return drawn + emphasis(cut_before(printable(self._waiting), left), dim=True) if left > 8 else drawn

    def clear(self) -> None:
        """Take the bar away, so that something can be printed; the next call shows it again."""
        if self._drawn:
            self._drawn = False
            self._next = 0.0
            click.echo("\r\x1b[K", nl=False, err=True, color=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *raised: object) -> None:
        self.clear()
