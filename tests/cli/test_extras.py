"""Without an extra, a command says which one it needs; the lint itself needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import WASTE, environment
from transfer_lint.problems import install_command

PROGRAM = """
import sys
for name in ("jinja2", "markupsafe", "pygls", "watchfiles", "torch"):
    sys.modules[name] = None
from transfer_lint.cli import main
main()
"""


def without_extras(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "waste.py").write_text(WASTE)
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("check", "--output-format", "html"), "report"),
        (("graph", "waste.py", "--format", "svg"), "report"),
        (("server",), "server"),
        (("check", "--watch"), "watch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_what_needs_an_extra_names_it(arguments: tuple[str, ...], extra: str, tmp_path: Path) -> None:
    ran = without_extras(tmp_path, *arguments)
    assert ran.returncode == 2
    assert install_command(extra) in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ("", "pip install 'transfer-lint[watch]'"),
        (
            '{"url": "https://host/me/it", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
            "pip install 'transfer-lint[watch] @ git+https://host/me/it@abc'",
        ),
        ('{"url": "file:///home/me/My%20Tools", "dir_info": {}}', f"pip install '{Path('/home/me/My Tools')}[watch]'"),
        (
            '{"url": "file:///home/me/it", "dir_info": {"editable": true}}',
            f"pip install -e '{Path('/home/me/it')}[watch]'",
        ),
        ("what is no JSON", "pip install 'transfer-lint[watch]'"),
    ],
)
def test_an_extra_comes_from_where_the_tool_came_from(
    origin: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "transfer_lint-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: transfer-lint\n")
    if origin:
        (metadata / "direct_url.json").write_text(origin)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert install_command("watch") == command


@pytest.mark.parametrize(
    "arguments",
    [
        *(("check", "--output-format", name) for name in ("full", "json", "sarif", "github", "gitlab", "junit")),
        ("graph", "waste.py"),
        ("graph", "waste.py", "--format", "dot"),
    ],
    ids=" ".join,
)
def test_what_needs_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = without_extras(tmp_path, *arguments)
    assert ran.returncode in (0, 1)
    assert "TL101" in ran.stdout
