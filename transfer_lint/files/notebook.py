"""Notebooks: the code cells of an .ipynb file as one Python text, and a changed text back into the file.

The text holds every code cell in order, each below a marker line. Lines that are not Python are replaced one by one
(`magics`). Line numbers of findings refer to this text; `place` converts them to a cell and a line in it. In the file,
only the sources of changed cells are rewritten; every other byte stays the same.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from transfer_lint.files import magics
from transfer_lint.files.text import Source, lines_of
from transfer_lint.problems import Problem, unparsable_as

_MARK = "# transfer-lint-cell: "
_MARKED = re.compile(rf"^{_MARK}(?P<number>\d+)(?: (?P<line>\d+) (?P<why>.*))?$", re.MULTILINE)
_BLANK = re.compile(r"[ \t\r\n]*")
_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Cell:
    """A code cell.

    number: from 1, counting cells of all types. start, end: offsets of its source's JSON value in the document.
    pure: the cell as Python; None if it is not Python or does not parse.
    """

    number: int
    source: str
    start: int
    end: int
    pure: magics.Pure | None


@dataclass(frozen=True)
class Notebook(Source):
    """A decoded notebook. text: all code cells as one Python text. document: the JSON, as it is in the file."""

    document: str = ""
    cells: tuple[Cell, ...] = field(default=())

    def encode(self, text: str) -> bytes:
        """The bytes of the file with the cells of `text`.

        Raises:
            Problem: `text` cannot be divided into the same cells again.
        """
        data = self.on_disk(text).encode("utf-8")
        return codecs.BOM_UTF8 + data if self.bom else data

    def on_disk(self, text: str) -> str:
        """The JSON with the cells of `text`. Raises what `encode` raises."""
        document = self.document
        for cell, new in reversed(list(self.changed(text))):
            document = document[: cell.start] + _written(document[cell.start : cell.end], new) + document[cell.end :]
        return document

    def changed(self, text: str) -> Iterator[tuple[Cell, str]]:
        """The cells whose source differs in `text`, each with its new source. Raises what `encode` raises."""
        marks = list(_MARKED.finditer(text))
        if [int(mark["number"]) for mark in marks] != [cell.number for cell in self.cells]:
            raise self._lost("its cells run into each other")
        carried = text[: marks[0].start()].strip() if marks else ""  # an import that a rewrite put above the first cell
        ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
        for cell, mark, end in zip(self.cells, marks, ends, strict=True):
            body = text[mark.end() + 1 : end].removesuffix("\n")
            if cell.pure is None:
                before, opaque, after = body.partition(_opaque(cell))
                if not opaque:
                    raise self._lost("a cell that is no Python would change")
                carried = "\n".join(part for part in (carried, before.strip(), after.strip()) if part)
                continue
            new = magics.restored(body, cell.pure.restores)
            if new is None:
                raise self._lost("a line of a magic would change")
            if carried:
                new = _below_magic(new, carried + "\n")
                carried = ""
            if new.rstrip("\n") != cell.source.rstrip("\n"):
                ending = cell.source[len(cell.source.rstrip("\n")) :]
                yield cell, new.rstrip("\n") + ending
        if carried:
            raise self._lost("no cell of Python takes its import")

    def _lost(self, why: str) -> Problem:
        return Problem(self.path, f"cannot be rewritten cell by cell: {why}; left as it was", "edit by hand")


def _below_magic(cell: str, above: str) -> str:
    """The cell with the lines `above` at its top, but below a cell magic."""
    first, newline, rest = cell.partition("\n")
    return f"{first}{newline}{above}{rest}" if first.startswith("%%") else above + cell


def decode(path: str, data: bytes) -> Notebook:
    """Decode a notebook's bytes to the text of its code cells; no cells if its language is not Python.

    Raises:
        Problem: it is not a notebook of format 4, or a cell holds the text of a marker line.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    try:
        document = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        content = json.loads(document)
        spans = list(_source_spans(document))
    except (ValueError, RecursionError) as error:
        raise Problem(path, f"is no notebook: not JSON ({error})", "mend it, or exclude it") from None
    kinds = _kinds(path, content)
    if len(spans) != len(kinds):
        raise Problem(path, "is no notebook: a cell has no source, or two", "mend it, or exclude it")
    cells: list[Cell] = []
    parts: list[str] = []
    for number, ((kind, source), (start, end)) in enumerate(zip(kinds, spans, strict=True), start=1):
        if kind != "code":
            continue
        if _MARK in source:
            raise Problem(path, f"holds a line that begins with {_MARK.strip()!r}", "take it out")
        cell, body, why = _cell(number, source, start, end)
        cells.append(cell)
        parts.append(f"{_MARK}{number}{why}\n{body}\n")
    return Notebook(path, "".join(parts), "utf-8", bom, document, tuple(cells))


def _cell(number: int, source: str, start: int, end: int) -> tuple[Cell, str, str]:
    """A code cell, its part of the text, and the end of its marker line: line and message if it does not parse."""
    try:
        pure = magics.purified(source, f"cell_{number}")
        why = ""
    except (SyntaxError, ValueError) as error:
        pure = None
        message, line = unparsable_as(error, source) if isinstance(error, SyntaxError) else (str(error), 1)
        why = f" {min(line, source.count(chr(10)) + 1)} {' '.join(message.split())}"
    cell = Cell(number, source, start, end, pure)
    return cell, pure.text if pure else _opaque(cell), why


def _opaque(cell: Cell) -> str:
    """The stand-in for a whole cell that is not Python or does not parse, with the same number of lines."""
    return magics.stand_in_for(cell.source, f"transfer_lint_cell_{cell.number}")


def _kinds(path: str, content: object) -> list[tuple[str, str]]:
    """(cell_type, source) of every cell; all types are "foreign" if the notebook's language is not Python."""
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise Problem(path, "is no notebook of format 4", "convert it with Jupyter, or exclude it")
    metadata = content.get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    language = (isinstance(info, dict) and info.get("name")) or (isinstance(spec, dict) and spec.get("language"))
    foreign = isinstance(language, str) and language.lower() not in ("python", "ipython", "python3")
    found = []
    for cell in content["cells"]:
        kind, source = (cell.get("cell_type"), cell.get("source")) if isinstance(cell, dict) else (None, None)
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(kind, str) or not isinstance(source, str):
            raise Problem(path, "is no notebook: a cell has no type or no source", "mend it, or exclude it")
        found.append(("foreign" if foreign else kind, source))
    return found


def _source_spans(document: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the JSON value of each cell's source, in order. The document must be valid JSON."""
    for key, start, _ in _members(document, _skip(document, 0)):
        if key == "cells":
            for cell in _items(document, start):
                for name, value, end in _members(document, cell):
                    if name == "source":
                        yield value, end


def _skip(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    return found.end() if found else index


def _members(text: str, index: int) -> Iterator[tuple[object, int, int]]:
    """(key, start of its value, end of its value) for the JSON object that begins at `index`."""
    if text[index : index + 1] != "{":
        return
    index = _skip(text, index + 1)
    while text[index] != "}":
        key, index = _DECODER.raw_decode(text, index)
        start = _skip(text, _skip(text, index) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield key, start, end
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)


def _items(text: str, index: int) -> Iterator[int]:
    """The start of each item of the JSON list that begins at `index`."""
    if text[index : index + 1] != "[":
        return
    index = _skip(text, index + 1)
    while text[index] != "]":
        yield index
        _, end = _DECODER.raw_decode(text, index)
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)


def _written(value: str, source: str) -> str:
    """The JSON of a cell's new source, formatted like `value`, its old JSON; unchanged lines are copied from it."""
    escape = _ESCAPED.search(value) is not None and value.isascii()
    if not value.startswith("["):
        return json.dumps(source, ensure_ascii=escape)
    starts = list(_items(value, 0))
    old: dict[str, str] = {}
    for start in starts:
        line, end = _DECODER.raw_decode(value, start)
        old.setdefault(line, value[start:end])
    written = [old.get(line) or json.dumps(line, ensure_ascii=escape) for line in lines_of(source)]
    if not starts or not written:
        return f"[{', '.join(written)}]"
    head = value[: starts[0]]
    separator = ", "
    if len(starts) > 1:
        _, end = _DECODER.raw_decode(value, starts[0])
        separator = value[end : starts[1]]
    elif "\n" in head:
        separator = "," + head[1:]
    _, end = _DECODER.raw_decode(value, starts[-1])
    return head + separator.join(written) + value[end:]


# Positions, for people and for programs.


def shown(document: str) -> str:
    """The text of a notebook to show to people: with the same lines as `text`, but each as it is in its cell."""
    kinds = _kinds("", json.loads(document))
    return "".join(f"{_MARK}{n}\n{source}\n" for n, (kind, source) in enumerate(kinds, start=1) if kind == "code")


@lru_cache(maxsize=64)
def _marks(text: str) -> tuple[tuple[int, int], ...]:
    """(line of the marker, number of the cell) for each cell, in order."""
    return tuple((text.count("\n", 0, mark.start()) + 1, int(mark["number"])) for mark in _MARKED.finditer(text))


def place(text: str, line: int) -> tuple[int, int]:
    """(cell, line in the cell), both from 1, of a line of a notebook's text."""
    found = (1, line)
    for mark, number in _marks(text):
        if mark >= line:
            break
        found = number, line - mark
    return found


def line_at(text: str, cell: int, line: int) -> int:
    """The line of a notebook's text that is a line in a cell: what `place` takes."""
    return next((mark for mark, number in _marks(text) if number == cell), 0) + line


def unparsable(text: str) -> Iterator[tuple[int, str]]:
    """(line of the text, what is wrong) for every cell that does not parse."""
    for mark in _MARKED.finditer(text):
        if mark["line"]:
            yield text.count("\n", 0, mark.start()) + 1 + int(mark["line"]), mark["why"]


def document_lines(document: str) -> Mapping[tuple[int, int], int]:
    """(cell, line in the cell) -> line of the file, all from 1."""
    found: dict[tuple[int, int], int] = {}
    counted, on_line = 0, 1
    for number, (start, _) in enumerate(_source_spans(document), start=1):
        line_in_cell = 1
        for item in list(_items(document, start)) or [start]:
            value, _ = _DECODER.raw_decode(document, item)
            on_line += document.count("\n", counted, item)
            counted = item
            lines = lines_of(value) if isinstance(value, str) else []
            for offset in range(len(lines) or 1):
                found[number, line_in_cell + offset] = on_line
            line_in_cell += sum(line.endswith("\n") for line in lines)
    return found
