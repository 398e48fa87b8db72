"""Import statements, read from texts without parsing them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from transfer_lint.flow.program.modules import Import

# Each pattern begins with a literal, for which a search is many times faster than for the beginning of a line.
# What stands before it on its line is looked at afterwards.
_IMPORT = re.compile(r"import[ \t]+")
IMPORTED = re.compile(r"\([^)]*\)|[^\n#;]*")
_FROM = re.compile(r"[ \t]*(?:from[ \t]+([.\w]+)[ \t]+)?")
_STAR = re.compile(r"import[ \t]*\(?[ \t]*\*")


def imports(text: str) -> Sequence[Import]:
    """The imports of a text, wherever they stand. The name `*` stands for all of a module."""
    found = []
    for match in _IMPORT.finditer(text):
        before, written = after(_FROM, match), IMPORTED.match(text, match.end())
        if before is None or written is None:
            continue
        names = [part.split()[0] for part in re.sub(r"#[^\n]*|[()\\]", " ", written[0]).split(",") if part.strip()]
        if before[1] is None:
            found += [Import(name, 0, None) for name in names]
        else:
            module = before[1].lstrip(".")
            found += [Import(module, len(before[1]) - len(module), name) for name in names]
    return found


def stars(text: str) -> Sequence[Import]:
    """The imports of all of a module."""
    return [found for found in imports(text) if found.name == "*"] if _STAR.search(text) else []


def imported(text: str) -> Iterator[str]:
    """What is written after `import`, of each import statement."""
    for match in _IMPORT.finditer(text):
        if after(_FROM, match) and (names := IMPORTED.match(text, match.end())):
            yield names[0]


def after(pattern: re.Pattern[str], match: re.Match[str]) -> re.Match[str] | None:
    """What stands before the match on its line, if all of it matches the pattern."""
    return pattern.fullmatch(match.string, match.string.rfind("\n", 0, match.start()) + 1, match.start())
