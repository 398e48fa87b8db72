"""Replies to an editor that need a process to look at the document: edits, hover and inlay hints."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types as lsp

from transfer_lint.files.text import lines_of
from transfer_lint.findings import Finding
from transfer_lint.problems import Problem
from transfer_lint.server import actions, answers, convert
from transfer_lint.server.document import Cell, Document
from transfer_lint.server.documents import plain
from transfer_lint.server.session import Server


def resolves(server: Server) -> bool:
    """Whether the editor asks for the edits of an action when it is chosen; else it wants them with the action."""
    text_document = server.client_capabilities.text_document
    action = text_document.code_action if text_document else None
    return bool(
        action and action.data_support and action.resolve_support and "edit" in action.resolve_support.properties
    )


async def resolve(server: Server, wanted: Sequence[lsp.CodeAction]) -> list[str]:
    """Give actions of one document their edits. What they rest on is proved anew. Returns why some have none."""
    if not wanted:
        return []
    uri = actions.data_of(wanted[0])["uri"]
    checked = await server.checks.fresh(uri)
    if checked is None:
        return []
    asked: list[tuple[lsp.CodeAction, str, Finding | None]] = []
    problems: list[str] = []
    for action in wanted:
        data = actions.data_of(action)
        finding = actions.finding_of(data, checked)
        if finding is None and data["do"] != "all":
            problems.append(f"{data['code']} is no longer found there, so nothing was changed")
        else:
            asked.append((action, data["do"], finding))
    jobs = [(do, finding) for _, do, finding in asked]
    found = await server.workers.ask(answers.edits, server.asked(checked.document), jobs) if jobs else []
    for (action, _, _), edits in zip(asked, found, strict=True):
        if isinstance(edits, Problem):
            problems.append(str(edits))
            continue
        action.edit = convert.workspace_edit(checked.document, edits, server.codec)
        workspace = server.client_capabilities.workspace
        if not (workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes):
            action.edit = convert.changes_only(action.edit)
    return problems


async def hover(server: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    """What is found at a place, and where the value there lives, and why."""
    uri = params.text_document.uri
    document = server.documents.get(uri)
    cell = _cell(document, uri)
    if document is None or cell is None:
        return None
    place = server.codec.position_from_client_units(lines_of(cell.text), params.position)
    parts: list[str] = []
    checked = server.checks.current(document)
    for finding in checked.findings if checked else ():
        assert checked is not None
        of, diagnostic = convert.of_finding(finding, checked, server.codec)
        if of == cell and _holds(diagnostic.range, params.position):
            parts.append(convert.markdown(finding, checked))
    explained = await _explained(server, document, cell, place.line + 1, place.character + 1)
    if explained and not explained.startswith("no value"):
        parts.append(f"```text\n{explained}\n```")
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n\n---\n\n".join(parts))) if parts else None


async def _explained(server: Server, document: Document, cell: Cell, line: int, column: int) -> str:
    place = (document.cells.index(cell), line)
    found = await server.workers.ask(answers.explained, server.asked(document), place, column)
    return found.partition("\n")[2].strip()


def _holds(span: lsp.Range, position: lsp.Position) -> bool:
    return (
        (span.start.line, span.start.character)
        <= (position.line, position.character)
        <= (
            span.end.line,
            span.end.character,
        )
    )


async def hints(server: Server, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    """Where the values live that are bound in a range."""
    uri = params.text_document.uri
    document = server.documents.get(uri)
    cell = _cell(document, uri)
    if document is None or cell is None:
        return []
    lines = lines_of(cell.text)
    inside = range(params.range.start.line + 1, min(params.range.end.line + 1, len(lines)) + 1)
    found: list[lsp.InlayHint] = []
    index = document.cells.index(cell)
    for placement in await server.workers.ask(answers.placed, server.asked(document), index, inside):
        place = lsp.Position(placement.line - 1, placement.column - 1)
        shown = server.codec.position_to_client_units(lines, place)
        found.append(lsp.InlayHint(shown, f": {placement.where}", lsp.InlayHintKind.Type, padding_left=False))
    return found


def _cell(document: Document | None, uri: str) -> Cell | None:
    return next((cell for cell in document.cells if plain(cell.uri) == plain(uri)), None) if document else None


def member(options: object, name: str) -> object:
    """A member of a JSON object, as the protocol library hands it out."""
    return options.get(name) if isinstance(options, dict) else getattr(options, name, None)
