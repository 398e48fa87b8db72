"""Files outside of the working directory, which have absolute paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import lint


def test_imports_are_followed_from_a_folder_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (there / "make.py").write_text('import torch\n\n\ndef make(n):\n    return torch.zeros(n, device="cuda:0")\n')
    (there / "use.py").write_text('from make import make\n\n\ndef use(n):\n    return make(n).to("cuda:0")\n')
    ran = lint("check", "--no-cache", "--fail-on", "hint", there, cwd=here, expect=1)
    assert "use.py:5:20: TL101" in ran.out


def test_a_share_has_no_folder_above(tmp_path: Path) -> None:
    text = "from make import make\nimport torch\n\n\ndef use(x: torch.Tensor):\n    return x.cuda(0).cuda(0)\n"
    given = ("-", "--stdin-filename", "//server/share/a.py")
    ran = lint("check", "--fail-on", "hint", *given, cwd=tmp_path, stdin=text, expect=1)
    assert "a.py:6:" in ran.out


PACKAGE = {
    "pack/__init__.py": "",
    "pack/shared.py": "import torch\n\n\ndef make():\n    return torch.zeros(4, device='cuda')\n",
    "pack/models/__init__.py": "",
    "pack/models/relative.py": "from ..shared import make\n\n\ndef use():\n    return make().to('cuda')\n",
    "pack/models/absolute.py": "from pack.shared import make\n\n\ndef use():\n    return make().to('cuda')\n",
}


@pytest.mark.parametrize("inside", [".", "pack", "pack/models"])
def test_what_is_found_does_not_depend_on_where_one_stands(tmp_path: Path, inside: str) -> None:
    for path, text in PACKAGE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    ran = lint("check", "--fail-on", "hint", str(tmp_path / "pack"), cwd=tmp_path / inside, expect=1)
    found = ran.out.splitlines()
    assert [(Path(line.split(":")[0]).name, line.split()[1]) for line in found] == [
        ("absolute.py", "TL101"),
        ("relative.py", "TL101"),
    ]
