"""What `check` and `fix` are asked to look at: their common options, and the settings and files that these mean."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from transfer_lint.cli import common
from transfer_lint.files.paths import shown_path
from transfer_lint.lint import configuration
from transfer_lint.lint.configuration import KEYS
from transfer_lint.lint.forms import OUTPUT_FORMATS
from transfer_lint.lint.lookup import Lookup, plugins_of_environment
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])

_CHOICES = {
    "fail-on": ("hint", "warning", "error"),
    "min-heat": ("once", "call", "step", "layer"),
    "module-guard": ("exact", "first-tensor", "cached"),
    "output-format": OUTPUT_FORMATS,
}
_LISTS = ("plugins", "select", "extend-select", "ignore", "exclude", "extend-exclude", "fixable", "unfixable")
_NO_RULES = ("plugins", "exclude", "extend-exclude")
_ADDED = ("plugins", "extend_select", "ignore", "extend_exclude", "unfixable")
"""Fields whose options add to the configuration; the other options replace what it says."""


def _fix_hints(context: click.Context, option: click.Parameter, value: bool | None) -> str | None:
    """The value of `fix-hints` that the flag stands for."""
    return None if value is None else "always" if value else "never"


def _colour(context: click.Context, option: click.Parameter, value: str) -> None:
    common.choose_colour(value)


def _jobs(context: click.Context, option: click.Parameter, value: int | None) -> None:
    if value is not None:
        os.environ["TRANSFER_LINT_JOBS"] = str(value)


def lint_options(function: Function) -> Function:
    """Add the options of `check` and `fix`. The option for a configuration key has the key's name and help text."""
    docs = {key.name: key.doc for key in KEYS}
    options: list[Callable[[Function], Function]] = [
        click.argument("paths", nargs=-1, type=click.Path()),
        *(
            click.option(
                f"--{name}",
                name.replace("-", "_"),
                multiple=True,
                metavar="LIST",
                help=docs[name],
                shell_complete=None if name in _NO_RULES else common.rules_like,
            )
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
            help="Mend all hints as well, and halves of what is written alike; or none; by default, as fix-hints says.",
        ),
        click.option("--cache/--no-cache", "cache", default=None, help=docs["cache"]),
        click.option(
            "--cache-dir",
            "cache_dir",
            metavar="PLACE",
            envvar="TRANSFER_LINT_CACHE_DIR",
            help="Where results are kept: a folder, or a URL of fsspec (s3://bucket/folder).",
        ),
        click.option("--force-exclude", is_flag=True, help="Exclude files even where they are named."),
        click.option("--stdin-filename", metavar="PATH", help="What the source from standard input (-) is called."),
        click.option("--config", "config_file", type=click.Path(), metavar="FILE", help="Use this configuration."),
        click.option("--isolated", is_flag=True, help="Use no configuration."),
        click.option("--show-files", is_flag=True, help="Print which files would be looked at, and stop."),
        click.option("--show-settings", is_flag=True, help="Print which settings hold, and where from, and stop."),
        click.option("--exit-zero", is_flag=True, help="Exit with 0 also where something is found."),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            expose_value=False,
            callback=_colour,
            help="When to use colours; auto: on a terminal.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            expose_value=False,
            callback=_jobs,
            help="How many processes at most (also TRANSFER_LINT_JOBS); by default one for each processor.",
        ),
        click.option("-v", "--verbose", is_flag=True, help="Name the files that the configuration was read from."),
        click.option("-q", "--quiet", is_flag=True, help="Print results and errors only."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class Inputs:
    """What to look at.

    paths: what was named. given: path -> bytes, for standard input. files, problems, left_out: see `discovery.Found`.
    settings: those of the run. shown: the answer was printed already, so there is nothing else to do.
    """

    paths: tuple[str, ...]
    given: Mapping[str, bytes]
    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...]
    settings: Settings
    shown: bool


def inputs(
    paths: Sequence[str],
    *,
    stdin_filename: str | None = None,
    config_file: str | None = None,
    isolated: bool = False,
    force_exclude: bool = False,
    show_files: bool = False,
    show_settings: bool = False,
    verbose: bool = False,
    **options: Any,
) -> Inputs:
    """What the options ask to look at.

    Raises:
        Problem: the configuration is wrong.
        click.UsageError: an option is wrong.
    """
    from transfer_lint.files.discovery import collect

    lookup = _lookup(config_file, isolated, options)
    settings = lookup.over([stdin_filename or "." if path == "-" else path for path in paths])
    named, given = _targets(paths, stdin_filename)
    found = collect(named, settings, given=given, force_exclude=force_exclude, nearest=lookup.nearest)
    for path in lookup.passed_over:
        common.say(f"{path} belongs to somebody else and is not used; --config {path} uses it")
    if verbose:
        common.say(f"configuration: {', '.join(lookup.read) or config_file or 'none, the defaults hold'}")
        for plugin in _plugins(found.settings):
            common.say(f"plugin: {plugin}")
    if show_files:
        common.put(found.files, common.view_for(settings))
    elif show_settings:
        common.put(_settings_shown(found.files, found.settings), common.view_for(settings))
    shown = show_files or show_settings
    return Inputs(named, given, found.files, found.problems, found.left_out, found.settings, shown)


def _plugins(settings: Settings) -> Iterator[str]:
    """Each plugin: its name, version, folder and rules."""
    for name in dict.fromkeys(name for each in (settings, *settings.nested) for name in each.plugins):
        from transfer_lint.rules.plugins import load

        plugin = load(name)
        version = f" {plugin.version}" if plugin.version else ""
        yield f"{shown_path(name) if plugin.folder == name else name}{version} ({', '.join(plugin.rules)})"


def settings_for(config_file: str | None, options: Mapping[str, object]) -> Settings:
    """The settings of a run over the current folder. Raises Problem if the configuration is wrong."""
    return _lookup(config_file, False, options).over(["."])


def _lookup(config_file: str | None, isolated: bool, options: Mapping[str, object]) -> Lookup:
    if config_file and isolated:
        raise click.UsageError("--isolated uses no configuration, --config does: choose one")
    plugins_of_environment()  # these first: a configuration may name their rules
    _values({"plugins": options.get("plugins")})

    def adjust(settings: Settings) -> Settings:
        """The options go over the configuration. `--select` replaces what it selects and ignores."""
        given = _values(options)  # now: they may name rules of plugins that the configuration has brought
        if "select" in given:
            settings = replace(settings, extend_select=(), ignore=())
        added = {name: (*getattr(settings, name), *given[name]) for name in _ADDED if name in given}
        return replace(settings, **{**given, **added})

    if isolated:
        return Lookup(adjust, Settings(root=os.getcwd()))
    if config_file:
        own = configuration.read_file(config_file) or Settings(root=os.path.dirname(os.path.abspath(config_file)))
        return Lookup(adjust, own)
    return Lookup(adjust)


def _values(options: Mapping[str, object]) -> dict[str, Any]:
    """Field of Settings -> the value that an option gives it. Raises click.BadParameter."""
    given: dict[str, Any] = {}
    for key in KEYS:
        value = options.get(key.field)
        if value is None or value == ():
            continue
        try:
            if isinstance(value, tuple):
                value = [part.strip() for item in value for part in item.split(",") if part.strip()]
                if not value:
                    raise ValueError("is empty")
            given[key.field] = (key.option or key.form).read(value)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"--{key.name}") from None
    if options.get("proved_only"):
        given["trust"] = ()
    if "://" not in (place := given.get("cache_dir", "://")):
        given["cache_dir"] = os.path.abspath(place)  # in a configuration, it is relative to the root
    return given


def _targets(paths: Sequence[str], stdin_filename: str | None) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """(paths, path -> its bytes): the working directory by default; for `-` a name with the bytes of standard input."""
    if "-" not in paths:
        if stdin_filename:
            raise click.UsageError("--stdin-filename names the source from standard input: give - as the path")
        return tuple(paths) or (".",), {}
    if len(paths) > 1:
        raise click.UsageError("- (standard input) stands alone")
    name = shown_path(stdin_filename or "stdin.py")
    return (name,), {name: sys.stdin.buffer.read()}


def _settings_shown(files: Sequence[str], settings: Settings) -> Iterator[str]:
    """Each configuration that holds for some file, as TOML with the defaults filled in."""
    counts = Counter(settings.of(path).root for path in files)
    for each in (settings, *settings.nested):
        if each is settings or counts[each.root]:
            source = shown_path(each.source) if each.source else "none: these are the defaults"
            yield f"# {source}"
            yield f"# root: {each.root}, files: {counts[each.root]}"
            yield from configuration.as_toml(each)
            yield ""
