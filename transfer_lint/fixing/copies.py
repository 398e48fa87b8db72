"""`fix --output`: write a fixed copy of folders and files; the originals stay unchanged."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.discovery import Walk
from transfer_lint.files.paths import is_within, shown_path
from transfer_lint.files.temporary import is_temporary, remove_leftovers
from transfer_lint.files.text import lines_of, newline_of
from transfer_lint.fixing.fix import FixedFile
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=]")


@dataclass(frozen=True)
class Copied:
    """The result of a copy.

    files: the originals of what was written. problems: what could not be copied. left_out: symbolic links that lead
    out of what is copied.
    """

    files: frozenset[str]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...]


def refuse_overlap(arguments: Sequence[str], destination: str) -> None:
    """Check that the copy does not lie in what is copied, nor what is copied in the copy.

    Raises:
        Problem: one lies in the other, or `destination` exists and is not a folder.
    """
    if os.path.lexists(destination) and not os.path.isdir(destination):
        raise Problem(shown_path(destination), "is not a folder", "name another for --output")
    into = os.path.realpath(destination)
    for argument in arguments:
        origin = os.path.realpath(argument)
        if os.path.isfile(origin):
            origin = os.path.dirname(origin)
            overlap = into == origin
        else:
            overlap = is_within(into, origin) or is_within(origin, into)
        if overlap:
            raise Problem(
                shown_path(destination), f"overlaps {shown_path(argument)}", "name another folder for --output"
            )


def copy_fixed(
    arguments: Sequence[str],
    destination: str,
    fixed: Mapping[str, FixedFile],
    settings: Settings,
    header: str | None = None,
) -> Copied:
    """Write a copy of everything that the arguments name, with the new text of each file in `fixed`.

    A single folder is copied into `destination` itself, several arguments into it under their names. Files that the
    settings exclude are copied unchanged; what is excluded by default (caches, .git) or ignored by git is not copied.
    Each file is written by atomic replacement; other files in `destination` stay.

    fixed: path as shown to the user -> fixed file. header: written as comment lines at the top of each Python file,
    below a shebang and a coding cookie.
    """
    copied: set[str] = set()
    problems: list[Problem] = []
    left_out: list[str] = []
    listing = list(_listing(arguments, settings, problems, left_out))
    remove_leftovers(os.path.join(destination, relative) for _, relative in listing)
    for origin, relative in listing:
        shown = shown_path(origin)
        target = os.path.join(destination, relative)
        try:
            if not is_within(os.path.realpath(target), os.path.realpath(destination)):
                raise Problem(shown_path(target), "leads out of the copy, left as it was", "remove the link")
            change = fixed.get(shown)
            data = change.new if change else _read_any(origin)
            if header and relative.endswith(".py"):
                data = with_header(shown, data, header)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            disk.write(target, data, stat.S_IMODE(os.stat(origin).st_mode) | stat.S_IWUSR)
            copied.add(shown)
        except Problem as problem:
            problems.append(problem)
        except OSError as error:
            problems.append(Problem(shown, f"cannot be copied: {disk.reason(error)}", "see to it, then run again"))
    return Copied(frozenset(copied), tuple(problems), tuple(sorted(left_out)))


def _listing(
    arguments: Sequence[str], settings: Settings, problems: list[Problem], left_out: list[str]
) -> Iterator[tuple[str, str]]:
    """(file, its relative path in the copy) for everything to copy.

    Adds to `problems` what cannot be listed, and to `left_out` the links that lead out of it.
    """
    everything = replace(settings, exclude=Settings(root="").exclude, extend_exclude=())
    for argument in dict.fromkeys(arguments):
        if os.path.isdir(argument):
            prefix = os.path.basename(os.path.abspath(argument)) if len(arguments) > 1 else ""
            walk = Walk(argument, everything, arguments)
            for path in sorted(walk.files()):
                if is_temporary(os.path.basename(path)):
                    continue  # of a killed run
                yield path, os.path.join(prefix, os.path.relpath(path, argument))
            problems.extend(walk.problems)
            left_out.extend(shown_path(path) for path in walk.left_out)
        else:
            yield argument, os.path.basename(argument)


def _read_any(path: str) -> bytes:
    with open(path, "rb") as stream:  # no size limit: weights and pictures are copied too
        return stream.read()


def with_header(path: str, data: bytes, header: str) -> bytes:
    """`data` with `header` as comment lines at its top, below a shebang and a coding cookie.

    Raises:
        Problem: the bytes are not Python source text, or their encoding lacks a character of the header.
    """
    decoded = decode(path, data)
    newline = newline_of(decoded.text)
    lines = lines_of(decoded.text)
    top = 1 if lines and lines[0].startswith("#!") else 0
    for index, line in enumerate(lines[:2]):
        if _COOKIE.match(line):
            top = index + 1
    comments = [f"# {line}".rstrip() + newline for line in header.splitlines()]
    if top and not lines[top - 1].endswith(("\r", "\n")):
        lines[top - 1] += newline
    return decoded.encode("".join((*lines[:top], *comments, *lines[top:])))
