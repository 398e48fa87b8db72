"""The extension in a real VS Code: its server build with a browser, where both are there.

(cd editors/vscode && npm ci)
npm install --ignore-scripts code-server
(cd node_modules/code-server/lib/vscode && npm install --omit=dev --ignore-scripts)
VSCODE_SERVER=node_modules/code-server/lib/vscode/out/server-main.js python -m pytest -n0 tests/server/test_vscode.py
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.browser import chromium
from tests.support.command import ROOT, WASTE, environment
from tests.support.language_client import PATIENCE
from tests.support.notebooks import notebook, sources

SERVER = os.environ.get("VSCODE_SERVER", "")
EXTENSION = ROOT / "editors" / "vscode"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SERVER, reason="needs VSCODE_SERVER, a server build of VS Code")]


CELLS = (
    "import torch\n",
    ("markdown", "# Title"),
    'def make():\n    return torch.zeros(3, device="cuda:0")\n',
    '%time y = 1\ndef use():\n    x = make()\n    return x.to("cuda:0")\n',
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "My Nodes ä"
    folder.mkdir()
    (folder / "nodes.py").write_text(WASTE)
    (folder / "demo.ipynb").write_text(notebook(*CELLS))
    return folder


@pytest.fixture
def page(workspace: Path, tmp_path: Path) -> Iterator[Page]:
    """The workspace, open and trusted."""
    package = tmp_path / "transfer-lint.vsix"
    pack = ["npx", "vsce", "package", "--allow-missing-repository", "--out", package]
    subprocess.run(pack, cwd=EXTENSION, check=True, capture_output=True, timeout=300)
    command = tmp_path / "transfer-lint"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m transfer_lint "$@"\n')
    command.chmod(0o755)
    data = tmp_path / "data"
    (data / "data" / "Machine").mkdir(parents=True)
    settings = {
        "transfer-lint.path": str(command),
        "transfer-lint.inlayHints": True,
        "files.autoSave": "off",
        "workbench.editorAssociations": {"*.ipynb": "jupyter-notebook"},
    }
    (data / "data" / "Machine" / "settings.json").write_text(json.dumps(settings))
    run = ["node", SERVER, "--accept-server-license-terms", "--server-data-dir", str(data)]
    subprocess.run([*run, "--install-extension", str(package)], check=True, capture_output=True, timeout=300)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [*run, "--host", "127.0.0.1", "--port", str(port), "--without-connection-token"]
    server = subprocess.Popen(serve, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}/"
        for _ in range(PATIENCE * 10):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        with chromium() as browser:
            shown = browser.new_page(viewport={"width": 1200, "height": 1600})
            shown.set_default_timeout(PATIENCE * 1000)
            shown.goto(f"{address}?folder={workspace}")
            shown.click("text=Yes, I trust the authors")
            yield shown
    finally:
        server.kill()
        server.wait()


def _problems(page: Page, name: str) -> str:
    """Open a file, and what is in the list of problems when there is a warning."""
    page.dblclick(f"[aria-label='{name}']")
    page.wait_for_selector(".squiggly-warning")
    page.keyboard.press("Control+Shift+m")
    page.wait_for_selector(".markers-panel >> text=TL101")
    return page.locator(".markers-panel").inner_text()


def _mend(page: Page) -> None:
    """Choose the first action at the first warning, and save."""
    page.locator(".squiggly-warning").first.click(force=True)
    page.keyboard.press("Control+Period")
    page.wait_for_selector(".action-widget >> text=TL101: delete the call")
    page.keyboard.press("Enter")
    page.wait_for_selector(".squiggly-warning", state="detached")
    page.keyboard.press("Control+s")


def _wait_for(path: Path, old: str) -> str:
    for _ in range(PATIENCE * 10):
        if (text := path.read_text()) not in ("", old):
            return text
        time.sleep(0.1)
    raise AssertionError("the file was never saved")


def test_a_file(page: Page, workspace: Path) -> None:
    problems = _problems(page, "nodes.py")
    assert "`y` is already on `'cuda:0'`" in problems
    assert "puts it there" in problems
    page.wait_for_selector("text=: cuda:0, x.dtype")
    _mend(page)
    assert _wait_for(workspace / "nodes.py", WASTE) == WASTE.replace('y.to("cuda:0")', "y")


def test_a_notebook(page: Page, workspace: Path) -> None:
    """Its cells are one program: what the last of them does needlessly is proved in the one before."""
    before = (workspace / "demo.ipynb").read_text()
    problems = _problems(page, "demo.ipynb")
    assert "`x` is already on `'cuda:0'`" in problems
    _mend(page)
    after = _wait_for(workspace / "demo.ipynb", before)
    assert sources(after)[3].strip() == "%time y = 1\ndef use():\n    x = make()\n    return x"
    assert [cell.strip() for cell in sources(after)[:3]] == [cell.strip() for cell in sources(before)[:3]]
