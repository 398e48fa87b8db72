"""The documents that are open in the editor: files, buffers that are not saved yet, and notebooks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls.workspace import PositionCodec

from transfer_lint.files.paths import shown_path
from transfer_lint.files.text import is_notebook, lines_of
from transfer_lint.server.document import Cell, Document

METHODS = (
    lsp.TEXT_DOCUMENT_DID_OPEN,
    lsp.TEXT_DOCUMENT_DID_CHANGE,
    lsp.TEXT_DOCUMENT_DID_CLOSE,
    lsp.NOTEBOOK_DOCUMENT_DID_OPEN,
    lsp.NOTEBOOK_DOCUMENT_DID_CHANGE,
    lsp.NOTEBOOK_DOCUMENT_DID_CLOSE,
)
"""The notifications that tell what happens to documents."""


class Documents:
    """The open documents, by URI, however it is escaped."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._notebook_of: dict[str, str] = {}  # a cell -> its notebook

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._documents.values()))

    def get(self, uri: str) -> Document | None:
        """The document with that URI, or the notebook that holds the cell with it."""
        known = plain(uri)
        return self._documents.get(self._notebook_of.get(known, known))

    def put(self, document: Document) -> None:
        """Add a document, or put its new state in the place of the old one."""
        self._documents[plain(document.uri)] = document
        if document.notebook:
            self._notebook_of.update((plain(cell.uri), plain(document.uri)) for cell in document.cells)

    def remove(self, uri: str) -> Document | None:
        """Take a document out, and hand it back."""
        document = self._documents.pop(plain(uri), None)
        for cell in document.cells if document else ():
            self._notebook_of.pop(plain(cell.uri), None)
        return document


def opened(item: lsp.TextDocumentItem) -> Document | None:
    """The document that the editor opened; None if it is no Python, or neither a file nor a buffer to be saved."""
    path = _shown(item.uri)
    if path is None or item.language_id != "python" or is_notebook(path):
        return None
    return Document(item.uri, path, (Cell(item.uri, item.version, item.text),), saved=_is_file(item.uri))


def opened_notebook(notebook: lsp.NotebookDocument, texts: Sequence[lsp.TextDocumentItem]) -> Document | None:
    """The notebook that the editor opened; None if it is neither a file nor a buffer to be saved."""
    path = _shown(notebook.uri)
    if path is None:
        return None
    named = path if is_notebook(path) else f"{path}.ipynb"
    return Document(notebook.uri, named, _cells(notebook.cells, texts, {}), notebook=True, saved=_is_file(notebook.uri))


def changed(
    document: Document,
    identifier: lsp.VersionedTextDocumentIdentifier,
    changes: Iterable[lsp.TextDocumentContentChangeEvent],
    codec: PositionCodec,
) -> Document:
    """The document after changes of one of its texts."""

    def after(cell: Cell) -> Cell:
        if plain(cell.uri) != plain(identifier.uri):
            return cell
        text = cell.text
        for change in changes:
            text = _applied(text, change, codec)
        return replace(cell, text=text, version=identifier.version)

    return replace(document, cells=tuple(map(after, document.cells)))


def changed_notebook(notebook: Document, change: lsp.NotebookDocumentChangeEvent, codec: PositionCodec) -> Document:
    """The notebook after changes of its list of cells, of their kinds, and of their texts."""
    changes = change.cells
    if changes is None:
        return notebook
    if (structure := changes.structure) is not None:
        array = structure.array
        known = {plain(cell.uri): cell for cell in notebook.cells}
        new = _cells(array.cells or (), structure.did_open or (), known)
        cells = (*notebook.cells[: array.start], *new, *notebook.cells[array.start + array.delete_count :])
        notebook = replace(notebook, cells=cells)
    kinds = {plain(data.document): data.kind is lsp.NotebookCellKind.Code for data in changes.data or ()}
    cells = tuple(replace(cell, code=kinds.get(plain(cell.uri), cell.code)) for cell in notebook.cells)
    notebook = replace(notebook, cells=cells)
    for content in changes.text_content or ():
        notebook = changed(notebook, content.document, content.changes, codec)
    return notebook


def _cells(
    cells: Iterable[lsp.NotebookCell], texts: Iterable[lsp.TextDocumentItem], known: Mapping[str, Cell]
) -> tuple[Cell, ...]:
    """known: the cells that may only move, so that their texts are not sent again."""
    sent = {plain(item.uri): item for item in texts}
    found = []
    for cell in cells:
        item = sent.get(plain(cell.document))
        code = cell.kind is lsp.NotebookCellKind.Code and (item is None or item.language_id == "python")
        old = known.get(plain(cell.document), Cell(cell.document, None, ""))
        text, version = (item.text, item.version) if item else (old.text, old.version)
        found.append(Cell(cell.document, version, text, code))
    return tuple(found)


def _applied(text: str, change: lsp.TextDocumentContentChangeEvent, codec: PositionCodec) -> str:
    if not isinstance(change, lsp.TextDocumentContentChangePartial):
        return change.text
    lines = lines_of(text)
    starts = [0, *accumulate(map(len, lines))]

    def offset(position: lsp.Position) -> int:
        if position.line >= len(lines):
            return len(text)
        return starts[position.line] + codec.position_from_client_units(lines, position).character

    return text[: offset(change.range.start)] + change.text + text[offset(change.range.end) :]


# URIs. Editors do not agree on what to escape, so documents are known by what a URI means.


def path_of(uri: str) -> str | None:
    """The path of a file's URI; None if it is another kind of URI."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    path = unquote(parts.path, errors="surrogateescape")
    if parts.netloc not in ("", "localhost"):
        path = f"//{parts.netloc}{path}"
    if os.name == "nt" and re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    return path


def plain(uri: str) -> str:
    """A URI without escapes, its drive letter, if it has one, in lower case."""
    return re.sub(r"^file:///[A-Z]:", lambda drive: drive[0].lower(), unquote(uri, errors="surrogateescape"))


def _is_file(uri: str) -> bool:
    return urlsplit(uri).scheme == "file"


def _shown(uri: str) -> str | None:
    """The path to show for a URI: of a buffer to be saved, the URI itself; None for what is neither that nor a file."""
    path = path_of(uri)
    if path is not None:
        return shown_path(path)
    return uri if urlsplit(uri).scheme == "untitled" else None
