"""A small editor: the real language server over its standard input and output, and every message that it sends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.command import PATIENCE, environment

CAPABILITIES: dict[str, Any] = {
    "workspace": {
        "workspaceEdit": {"documentChanges": True},
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "workspaceFolders": True,
        "diagnostics": {"refreshSupport": True},
    },
    "textDocument": {"codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}},
    "notebookDocument": {"synchronization": {}},
    "window": {"workDoneProgress": True},
}
PULL = {**CAPABILITIES, "textDocument": {**CAPABILITIES["textDocument"], "diagnostic": {}}}

Message = dict[str, Any]


class Editor:
    """A running server and its messages. configuration: what the editor answers when it is asked for its settings."""

    def __init__(
        self,
        *folders: Path,
        capabilities: Message = CAPABILITIES,
        options: object = None,
        command: Sequence[str | Path] = (sys.executable, "-m", "transfer_lint", "server"),
        cwd: Path | None = None,
        **extra: str,
    ) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(list(command), cwd=cwd, env=environment(**extra), **pipes)
        self.configuration: object = None
        self.messages: list[Message] = []
        self._news = threading.Condition()
        self._ids = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folders[0].as_uri() if folders else None,
                "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name} for folder in folders] or None,
                "capabilities": capabilities,
                "initializationOptions": options,
            },
        )
        self.notify("initialized", {})

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline().strip()) != b"":
                length = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else length
            if not length:
                break
            message = json.loads(stream.read(length))
            with self._news:
                self.messages.append(message)
                self._news.notify_all()
            if "id" in message and "method" in message:
                asked = message["method"] == "workspace/configuration"
                self._send({"id": message["id"], "result": [self.configuration] if asked else None})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: object) -> int:
        """Send a request and hand back its id."""
        self._ids += 1
        self._send({"id": self._ids, "method": method, "params": params})
        return self._ids

    def reply(self, asked: int) -> Message:
        """The reply to a request."""
        return self.wait(lambda message: message.get("id") == asked and "method" not in message)

    def request(self, method: str, params: object) -> Any:
        """Send a request and wait for its result."""
        reply = self.reply(self.ask(method, params))
        assert "error" not in reply, reply
        return reply["result"]

    def wait(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message, of those that came and those that come, for which `wanted` is true."""
        seen = 0
        with self._news:
            while True:
                for message in self.messages[seen:]:
                    if wanted(message):
                        return message
                seen = len(self.messages)
                assert self._news.wait(PATIENCE), f"no such message among {[m.get('method') for m in self.messages]}"

    def of(self, method: str) -> list[Any]:
        """The parameters of all messages of a method that have come."""
        with self._news:
            return [message.get("params") for message in self.messages if message.get("method") == method]

    def wait_for(self, method: str, wanted: Callable[[Any], bool] = lambda params: True) -> Any:
        """The parameters of the first message of that method for which `wanted` is true."""
        return self.wait(lambda message: message.get("method") == method and wanted(message.get("params"))).get(
            "params"
        )

    def published(self, uri: str) -> list[Any]:
        """The diagnostics that were published for a document, in order."""
        return [params for params in self.of("textDocument/publishDiagnostics") if params["uri"] == uri]

    def open(self, path: Path | str, text: str, language: str = "python") -> Buffer:
        """Open a document: a file, which need not be there, or a URI."""
        return Buffer(self, path if isinstance(path, str) else path.as_uri(), text, language)

    def end(self) -> int:
        """Shut the server down as an editor does, and hand back its exit code."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(PATIENCE)


class Buffer:
    """An open document."""

    def __init__(self, editor: Editor, uri: str, text: str, language: str = "python") -> None:
        self.editor, self.uri, self.text, self.version = editor, uri, text, 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        editor.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, text: str) -> None:
        self.text = text
        self.send_change({"text": text})

    def send_change(self, *changes: object) -> None:
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        self.editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def save(self) -> None:
        self.editor.notify("textDocument/didSave", {"textDocument": {"uri": self.uri}})

    def close(self) -> None:
        self.editor.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    def diagnostics(self, times: int = 1) -> list[Any]:
        """What is published for this version of it, for the `times`-th time."""

        def is_it(message: Message) -> bool:
            of_this = [p for p in self.editor.published(self.uri) if p.get("version") == self.version]
            return len(of_this) >= times

        self.editor.wait(is_it)
        found: list[Any] = [p for p in self.editor.published(self.uri) if p.get("version") == self.version]
        return list(found[times - 1]["diagnostics"])

    def codes(self, times: int = 1) -> list[str]:
        return [found["code"] for found in self.diagnostics(times)]

    def pulled(self, previous: str | None = None) -> Any:
        document = {"uri": self.uri}
        return self.editor.request("textDocument/diagnostic", {"textDocument": document, "previousResultId": previous})

    def actions(self, line: int, only: Sequence[str] | None = None) -> list[Any]:
        place = {"line": line, "character": 0}
        context = {"diagnostics": [], **({"only": only} if only is not None else {})}
        params = {"textDocument": {"uri": self.uri}, "range": {"start": place, "end": place}, "context": context}
        return list(self.editor.request("textDocument/codeAction", params))

    def resolved(self, action: Message) -> Any:
        return self.editor.request("codeAction/resolve", action)

    def hover(self, line: int, character: int) -> str:
        params = {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}}
        found = self.editor.request("textDocument/hover", params)
        return found["contents"]["value"] if found else ""


def applied(text: str, edits: Sequence[Message]) -> str:
    """A text after edits, as an editor that counts in UTF-16 applies them."""
    lines = [line.encode("utf-16-le") for line in text.splitlines(keepends=True)]
    for edit in reversed(edits):
        start, end = edit["range"]["start"], edit["range"]["end"]
        before = lines[start["line"]][: 2 * start["character"]] if start["line"] < len(lines) else b""
        after = lines[end["line"]][2 * end["character"] :] if end["line"] < len(lines) else b""
        lines[start["line"] : end["line"] + 1] = [before + edit["newText"].encode("utf-16-le") + after]
    return b"".join(lines).decode("utf-16-le")


@contextmanager
def editing(*folders: Path, **more: Any) -> Iterator[Editor]:
    """A server that is ended, however the test ends."""
    editor = Editor(*folders, **more)
    try:
        yield editor
    finally:
        editor.process.kill()
        editor.process.wait()
