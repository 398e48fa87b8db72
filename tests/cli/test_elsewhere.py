"""Files outside of the working directory, which have absolute paths."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import lint


def test_imports_are_followed_from_a_folder_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (there / "make.py").write_text('import torch\n\n\ndef make(n):\n    return torch.zeros(n, device="cuda:0")\n')
    (there / "use.py").write_text('from make import make\n\n\ndef use(n):\n    return make(n).to("cuda:0")\n')
    ran = lint("check", "--no-cache", there, cwd=here, expect=1)
    assert "use.py:5:20: TL101" in ran.out


def test_a_share_has_no_folder_above(tmp_path: Path) -> None:
    text = "from make import make\nimport torch\n\n\ndef use(x: torch.Tensor):\n    return x.cuda(0).cuda(0)\n"
    ran = lint("check", "-", "--stdin-filename", "//server/share/a.py", cwd=tmp_path, stdin=text, expect=1)
    assert "a.py:6:" in ran.out
