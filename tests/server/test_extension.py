"""The extension for VS Code: what it says of itself, and its code as far as it runs without VS Code."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.support.command import ROOT
from transfer_lint.server.language_server import SECTION
from transfer_lint.version import __version__

EXTENSION = ROOT / "editors" / "vscode"
MANIFEST = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))


def test_it_has_the_version_of_the_tool() -> None:
    assert MANIFEST["version"] == __version__


def test_its_settings_are_those_that_the_server_asks_for() -> None:
    properties = MANIFEST["contributes"]["configuration"]["properties"]
    assert set(properties) == {f"{SECTION}.path", f"{SECTION}.inlayHints"}
    code = (EXTENSION / "src" / "extension.ts").read_text(encoding="utf-8")
    assert f'const SECTION = "{SECTION}"' in code


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("npm") is None or not (EXTENSION / "node_modules").exists(), reason="needs npm ci in editors/vscode"
)
def test_it_compiles_and_finds_its_command() -> None:
    subprocess.run(["npm", "test"], cwd=EXTENSION, check=True, timeout=300)
