"""Lines of a notebook cell that are not Python (magics, shell commands, help), replaced by Python and restored later.

Such a line is replaced by a stand-in: a call of an unknown function with the names that the line mentions. So the
analysis assumes what the line may do: change these objects and, if the line may run code, rebind any name.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transfer_lint.files.parsing import parse

_STAND_IN = "get_ipython().transfer_lint_line"
_NAME = re.compile(r"[^\W\d]\w*")
_LINE = re.compile(r"(?P<indent>\s*)(?=\S)(?P<magic>[%!?].*|[^#'\"]*\?{1,2})\s*")
_ASSIGNMENT = re.compile(r"(?P<target>\s*[^\W\d][\w\s.,\[\]'\"()]*=\s*)(?P<magic>[%!](?!=).*)")
_NAMED = re.compile(r"%{1,2}(\w+)")

BODY_IS_PYTHON = frozenset({"time", "capture", "prun"})
"""Cell magics that run the rest of their cell as Python in the notebook's own namespace."""

FOREIGN_CELL = frozenset(
    {
        *("bash", "cmd", "file", "html", "javascript", "js", "latex", "markdown", "perl", "pypy", "python", "python2"),
        *("python3", "ruby", "sh", "svg", "sx", "system", "timeit", "writefile"),
    }
)
"""Cell magics that neither bind names nor change objects of other cells, unless an option asks for it (`--out`)."""

RUNS_ITS_LINE = frozenset({"time", "prun"})
"""Line magics that run the rest of their line as Python."""

BINDS_NOTHING = frozenset(
    {
        *("alias", "autoreload", "autosave", "bookmark", "cat", "cd", "colors", "conda", "config", "config_inline"),
        *("cp", "dhist", "dirs", "env", "hist", "history", "killbgscripts", "ldir", "less", "load_ext", "logoff"),
        *("logon", "ls", "lsmagic", "man", "matplotlib", "mkdir", "more", "mv", "notebook", "pdb", "pip", "popd"),
        *("precision", "prof", "pushd", "pwd", "quickref", "reload_ext", "rm", "rmdir", "set_env", "system"),
        *("sx", "tensorboard", "timeit", "unalias", "unload_ext", "uv", "watermark", "who", "who_ls", "whos", "xmode"),
    }
)
"""Line magics that do not bind any name."""


@dataclass(frozen=True)
class Pure:
    """A cell as Python, with the same number of lines. restores: line of `text` -> the cell's line that it replaces."""

    text: str
    restores: dict[str, str]


def purified(cell: str, label: str) -> Pure | None:
    """The cell with a stand-in for every line that is not Python; None if its cell magic does not run it as Python.

    label: a unique name for the cell, which the names of its stand-ins contain.

    Raises:
        SyntaxError: the result does not parse.
    """
    lines = cell.split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    restores: dict[str, str] = {}
    if lines[first].startswith("%%"):
        found = _NAMED.match(lines[first])
        if not found or found[1] not in BODY_IS_PYTHON:
            return None
        # `%%capture out` binds `out`; options and numbers are not names
        bound = [word for word in lines[first].split()[1:] if word.isidentifier()] if found[1] == "capture" else []
        _stand_in(lines, first, 1, "", "", label, restores, bound)
    elif _parses(cell):
        return Pure(cell, {})
    for index, length, indent, target, magic in _magics(lines):
        _stand_in(lines, index, length, indent, target, label, restores, _bound(magic))
    text = "\n".join(lines)
    parse(text)
    return Pure(text, restores)


def stand_in_for(cell: str, label: str) -> str:
    """Python that stands for a whole cell that is not Python, with the same number of lines."""
    first = next((line for line in cell.split("\n") if line.strip()), "")
    found = _NAMED.match(first)
    binds = not found or found[1] not in FOREIGN_CELL or "--" in first
    seen = _words(cell) if found and found[1] == "timeit" else ""
    head = f"from {label} import *" if binds else f"{_STAND_IN}_{label}({seen})"
    return "\n".join((head, *("#" for _ in range(cell.count("\n")))))


def _parses(text: str) -> bool:
    try:
        parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _bound(magic: str) -> list[str] | None:
    """The names that a magic line binds; None if they are unknown."""
    found = _NAMED.match(magic)
    if not magic.startswith("%") or (found and found[1] in BINDS_NOTHING):
        return []
    if not found or found[1] not in RUNS_ITS_LINE:
        return None
    try:
        tree = parse(magic[found.end() :].strip())
    except (SyntaxError, ValueError):
        return None
    return [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _magics(lines: list[str]) -> Iterator[tuple[int, int, str, str, str]]:
    """(index of the line, number of lines, indent, assignment target, magic) of each magic.

    The caller may replace these lines in `lines` during the iteration.
    """
    index = 0
    while index < len(lines):
        line = lines[index]
        found = _ASSIGNMENT.fullmatch(line) or _LINE.fullmatch(line)
        length = 1
        if found and not _parses(line.strip()) and _complete(lines[:index]):
            while lines[index + length - 1].endswith("\\") and index + length < len(lines):
                length += 1
            indent = found["indent"] if "indent" in found.groupdict() else ""
            target = found["target"] if "target" in found.groupdict() else ""
            yield index, length, indent, target, found["magic"]
        index += length


def _complete(lines: Sequence[str]) -> bool:
    """Whether a statement can begin after these lines: no string, bracket or backslash is open."""
    try:
        for _ in tokenize.generate_tokens(io.StringIO("".join(f"{line}\n" for line in lines)).readline):
            pass
    except (tokenize.TokenError, SyntaxError):
        return False
    return not (lines and lines[-1].endswith("\\"))


def _words(text: str) -> str:
    """The names that a text mentions, separated by commas: the notebook's objects that a magic may use."""
    return ", ".join(dict.fromkeys(name for name in _NAME.findall(text) if not keyword.iskeyword(name)))


def _stand_in(
    lines: list[str],
    index: int,
    length: int,
    indent: str,
    target: str,
    label: str,
    restores: dict[str, str],
    bound: Sequence[str] | None,
) -> None:
    """Replace `length` lines by a stand-in. bound: the names that the lines bind; None: perhaps any name."""
    whole = lines[index : index + length]
    call = f"{_STAND_IN}_{label}_{index}({_words(' '.join(whole))})"
    anew = f"; from {label}_{index} import *" if bound is None else ""
    names = "".join(f"{name} = " for name in bound or ())
    replaced = [f"{indent}{target}{names}{call}{anew}", *(f"# {label}_{index}_{more}" for more in range(1, length))]
    restores.update(zip(replaced, whole, strict=True))
    lines[index : index + length] = replaced


def restored(text: str, restores: dict[str, str]) -> str | None:
    """The cell that `text` stands for; None unless each stand-in is there exactly once and unchanged."""
    lines = text.split("\n")
    if sorted(line for line in lines if line in restores) != sorted(restores):
        return None
    if text.count(_STAND_IN) != "\n".join(restores).count(_STAND_IN):
        return None
    return "\n".join(restores.get(line, line) for line in lines)
