"""The language server, as an editor talks to it: the real process, over its standard input and output."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient

from tests.support.command import COOL, MENDED, WASTE, environment

WIDE = '# 😀\nimport torch\n\n\ndef f(x: torch.Tensor):\n    "😀😀"; y = x.to("cuda:0"); return y.to("cuda:0")\n'
ROUNDTRIP = """\
import torch


def f(model: torch.nn.Module, x: torch.Tensor):
    model.to("cuda:0")
    y = torch.nn.Linear(2, 2).to("cuda:0")(x.to("cuda:0"))
    x.cuda(0)
    return y, x
"""


@pytest_lsp.fixture(
    config=ClientServerConfig(
        server_command=[sys.executable, "-m", "transfer_lint", "server"], server_env=environment()
    )
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    root = tmp_path.as_uri()
    resolves = lsp.ClientCodeActionResolveOptions(["edit"])
    capabilities = lsp.ClientCapabilities(
        lsp.WorkspaceClientCapabilities(workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True)),
        lsp.TextDocumentClientCapabilities(
            code_action=lsp.CodeActionClientCapabilities(data_support=True, resolve_support=resolves)
        ),
    )
    params = lsp.InitializeParams(capabilities, root_uri=root, initialization_options={"inlayHints": True})
    await lsp_client.initialize_session(params)
    yield
    await lsp_client.shutdown_session()


class Editor:
    """One open file."""

    def __init__(self, client: LanguageClient, path: Path, text: str) -> None:
        self.client = client
        self.path = path
        self.uri = path.as_uri()
        self.text = text
        self.version = 1
        path.write_text(text, encoding="utf-8")
        client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(self.uri, "python", self.version, text))
        )

    async def diagnostics(self) -> list[lsp.Diagnostic]:
        await self.client.wait_for_notification(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        return list(self.client.diagnostics[self.uri])

    def change(self, text: str) -> None:
        self.version += 1
        self.text = text
        identifier = lsp.VersionedTextDocumentIdentifier(self.version, self.uri)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [whole]))

    async def actions(self, line: int, only: list[str] | None = None) -> list[lsp.CodeAction]:
        span = lsp.Range(lsp.Position(line, 0), lsp.Position(line, 0))
        kinds = [lsp.CodeActionKind(kind) if kind == "quickfix" else kind for kind in only] if only else None
        found = await self.client.text_document_code_action_async(
            lsp.CodeActionParams(
                lsp.TextDocumentIdentifier(self.uri),
                span,
                lsp.CodeActionContext([], only=kinds),  # type: ignore[arg-type]
            )
        )
        return [action for action in found or [] if isinstance(action, lsp.CodeAction)]

    async def applied(self, action: lsp.CodeAction) -> str:
        """The text after an action."""
        if action.edit is None:
            action = await self.client.code_action_resolve_async(action)
        assert action.edit is not None
        (change,) = action.edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document.version == self.version
        lines = self.text.splitlines(keepends=True)
        for edit in reversed(change.edits):
            assert isinstance(edit, lsp.TextEdit)
            start, end = edit.range.start, edit.range.end
            assert start.character == end.character == 0
            lines[start.line : end.line] = [edit.new_text]
        return "".join(lines)

    async def hover(self, line: int, character: int) -> str:
        where = lsp.HoverParams(lsp.TextDocumentIdentifier(self.uri), lsp.Position(line, character))
        found = await self.client.text_document_hover_async(where)
        return found.contents.value if found and isinstance(found.contents, lsp.MarkupContent) else ""


@pytest.mark.asyncio
async def test_diagnostics_on_open_change_save_and_close(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "a.py", WASTE)
    hint, warning = await editor.diagnostics()
    assert (hint.code, hint.severity) == ("TL103", lsp.DiagnosticSeverity.Hint)
    assert (warning.code, warning.severity) == ("TL101", lsp.DiagnosticSeverity.Warning)
    assert warning.range == lsp.Range(lsp.Position(5, 13), lsp.Position(5, 25))
    assert "moves it there" in " ".join(fact.message for fact in warning.related_information or ())
    editor.change(MENDED)
    assert await editor.diagnostics() == []
    editor.change("x.to(d\n")
    assert [found.code for found in await editor.diagnostics()] == ["TL902"]
    (tmp_path / "transfer-lint.toml").write_text('ignore = ["TL902"]')
    client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(editor.uri)))
    assert await editor.diagnostics() == []
    (tmp_path / "transfer-lint.toml").write_text("ignored = 1")
    client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(editor.uri)))
    await client.wait_for_notification(lsp.WINDOW_SHOW_MESSAGE)
    assert "did you mean 'ignore'?" in client.messages[-1].message
    client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(editor.uri)))
    assert await editor.diagnostics() == []


@pytest.mark.asyncio
async def test_an_open_file_counts_as_it_is_open(client: LanguageClient, tmp_path: Path) -> None:
    helper = Editor(client, tmp_path / "helper.py", "import torch\n\n\ndef make():\n    return None\n")
    await helper.diagnostics()
    user = Editor(
        client, tmp_path / "user.py", 'from helper import make\n\n\ndef f():\n    return make().to("cuda:0")\n'
    )
    assert await user.diagnostics() == []
    helper.change('import torch\n\n\ndef make():\n    return torch.zeros(3, device="cuda:0")\n')
    await helper.diagnostics()
    user.change(user.text + "\n")
    assert [found.code for found in await user.diagnostics()] == ["TL101"]


@pytest.mark.asyncio
async def test_quick_fixes_and_fix_all(client: LanguageClient, tmp_path: Path) -> None:
    (tmp_path / "transfer-lint.toml").write_text('fix-hints = "always"')
    editor = Editor(client, tmp_path / "a.py", WASTE)
    await editor.diagnostics()
    fix, ignore, every = await editor.actions(5)
    assert (fix.title, fix.is_preferred) == ("TL101: delete the call", True)
    assert await editor.applied(fix) == WASTE.replace('y.to("cuda:0")', "y")
    assert "# transfer-lint: ignore[TL101]" in await editor.applied(ignore)
    assert await editor.applied(every) == MENDED
    (asked,) = await editor.actions(0, only=["source.fixAll"])
    assert asked.edit is not None
    assert await editor.applied(asked) == MENDED
    assert len(await editor.actions(0)) == 1
    editor.change(WASTE + "\n")
    fix, *_ = await editor.actions(5)  # what is offered is for the text as it is now
    assert await editor.applied(fix) == (WASTE + "\n").replace('y.to("cuda:0")', "y")


@pytest.mark.asyncio
async def test_unsafe_fixes_are_named(client: LanguageClient, tmp_path: Path) -> None:
    (tmp_path / "transfer-lint.toml").write_text('fix-hints = "always"')
    editor = Editor(client, tmp_path / "a.py", ROUNDTRIP)
    await editor.diagnostics()
    unsafe = [action for action in await editor.actions(6) if "unsafe" in action.title]
    assert [(action.title, action.is_preferred) for action in unsafe] == [
        ("TL201: assign it to `x` (unsafe: read it)", False)
    ]
    assert "x = x.cuda(0)" in await editor.applied(unsafe[0])
    (every,) = await editor.actions(0, only=["source.fixAll"])
    assert "\n    x.cuda(0)\n" in await editor.applied(every)


@pytest.mark.asyncio
async def test_positions_are_in_units_of_utf_16(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "a.py", WIDE)
    found = await editor.diagnostics()
    line = WIDE.splitlines()[5].encode("utf-16-le")
    spans = [line[2 * d.range.start.character : 2 * d.range.end.character].decode("utf-16-le") for d in found]
    assert spans == ['to("cuda:0")'] * 2
    assert "TL101" in await editor.hover(5, found[1].range.start.character + 1)


@pytest.mark.asyncio
async def test_hover_tells_why_and_where(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "a.py", WASTE)
    await editor.diagnostics()
    text = await editor.hover(5, 14)
    assert "**TL101 redundant-transfer** (warning)" in text
    assert "1. `a.py:" in text
    assert "a module" in await editor.hover(5, 11)
    assert await editor.hover(2, 0) == ""
    cool = Editor(client, tmp_path / "cool.py", COOL)
    await cool.diagnostics()
    assert "a tensor on cuda:0" in await cool.hover(5, 11)


@pytest.mark.asyncio
async def test_inlay_hints(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "a.py", COOL)
    await editor.diagnostics()
    everything = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
    params = lsp.InlayHintParams(lsp.TextDocumentIdentifier(editor.uri), everything)
    hint, *_ = await client.text_document_inlay_hint_async(params) or ()
    assert (hint.position, str(hint.label)) == (lsp.Position(4, 5), ": cuda:0, x.dtype")
