"""Links and paths in the documents lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.documents import blocks, prose, read

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")


def made_by(text: str) -> set[str]:
    """Files that a document itself brings."""
    return {block.argument for block in blocks(text) if block.kind == "file"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    text = read(name)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose(text)):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_in_running_text_exist(name: str) -> None:
    text = read(name)
    spans = re.findall(r"`((?:\.?[\w-]+/)+[\w.*-]*)`", prose(text))
    for span in spans:
        assert any(ROOT.glob(span.rstrip("/"))) or span in made_by(text) or span.startswith((".venv", "./")), span


@pytest.mark.parametrize("name", DOCUMENTS)
def test_scripts_and_modules_in_commands_exist(name: str) -> None:
    shell = "\n".join(block.text for block in blocks(read(name)) if block.language == "sh")
    for script in re.findall(r"(?<!\S)(\.ci/[\w-]+)", shell):
        assert (ROOT / script).stat().st_mode & 0o111, script
    for module in re.findall(r"-m (tests\.[\w.]+)", shell):
        assert importlib.util.find_spec(module), module


def test_the_changelog_has_the_version_that_is_built() -> None:
    from transfer_lint.version import __version__

    assert re.search(rf"^## \[{re.escape(__version__)}\] - ", read("CHANGELOG.md"), re.MULTILINE)


def test_no_document_is_forgotten() -> None:
    assert {path.name for path in Path(ROOT).glob("*.md")} == set(DOCUMENTS)
