"""What an answer leaves for the next one: after any edit, the findings are those of a server that has just started."""

from __future__ import annotations

import ast
import asyncio
import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cache.test_random_edits import CHANGES, VARIANTS, put
from tests.programs.world import Files
from tests.programs.writer import programs
from tests.support.command import WASTE
from tests.support.working import working
from transfer_lint.files.discovery import collect
from transfer_lint.flow.knowledge import default_knowledge
from transfer_lint.flow.program import text_facts
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.text_facts import TextFacts
from transfer_lint.flow.program.text_index import Index
from transfer_lint.lint.check import check_paths
from transfer_lint.lint.check_text import Examined, examine
from transfer_lint.server import answers
from transfer_lint.server.document import Cell, Document
from transfer_lint.server.workers import Workers
from transfer_lint.settings import Settings

HUNT = int(os.environ.get("PROGRAMS", "0"))
slow = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def asked(path: str, text: str, others: Mapping[str, str], listing: int = 0) -> answers.Asked:
    document = Document(Path(path).absolute().as_uri(), path, (Cell(path, 1, text),))
    return answers.Asked(document, {**others, path: text}, Settings(root=os.getcwd(), trust=()), listing)


def check(library: answers.Library, question: answers.Asked) -> answers.Checked:
    return answers.check(library.reading(question), question)


@settings(slow, max_examples=HUNT or 4)
@given(st.lists(st.tuples(CHANGES, CHANGES), min_size=3, max_size=8))
def test_a_tree_that_changes(edits: list[tuple[list[tuple[str, int]], list[tuple[str, int]]]]) -> None:
    """Files change on disk and in the editor, where what is written counts. Each is asked about."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        (Path(folder) / ".git").mkdir()
        patch.chdir(folder)
        state = dict.fromkeys(VARIANTS, 0)
        library = answers.Library()
        for listing, (saved, unsaved) in enumerate(edits):
            state |= dict(saved)
            put(Path(folder), state)
            written = ((path, VARIANTS[path][number]) for path, number in unsaved)
            opened = {path: text for path, text in written if text is not None and path.endswith(".py")}
            for path in collect(["."], Settings(root=folder)).files:
                text = opened.get(path, Path(path).read_text())
                question = asked(path, text, opened, listing)
                assert check(library, question) == check(answers.Library(), question)
            library.tidy()


EDITS = st.tuples(st.sampled_from(["delete", "double", "comment", "swap", "break"]), st.floats(0, 1), st.booleans())


@settings(slow, max_examples=HUNT or 5)
@given(programs(), st.lists(EDITS, min_size=2, max_size=6))
def test_a_program_that_is_written(texts: dict[str, str], edits: Sequence[tuple[str, float, bool]]) -> None:
    """One text after another in the same place, with all that is in it moved by lines, gone, or there twice."""
    facts = TextFacts()
    texts = dict(texts)
    for kind, where, elsewhere in edits:
        path = sorted(texts)[elsewhere and len(texts) > 1]
        texts[path] = edited(texts[path], kind, where)
        for each in texts:
            assert examined(texts, each, facts) == examined(texts, each, TextFacts())


def edited(text: str, kind: str, where: float) -> str:
    lines = text.splitlines(keepends=True)
    at = int(where * max(len(lines) - 2, 0))
    match kind:
        case "delete":
            del lines[at : at + 1]
        case "double":
            lines.insert(at, lines[at])
        case "comment":
            lines.insert(at, "# a comment\n")
        case "swap":
            lines[at : at + 2] = reversed(lines[at : at + 2])
        case _:
            lines.insert(at, "def broken(\n")
    changed = "".join(lines)
    try:
        ast.parse(changed)
    except SyntaxError:
        return text if kind != "break" else changed
    return changed


def examined(texts: Mapping[str, str], path: str, facts: TextFacts) -> Examined:
    project = Project(Files(texts), default_knowledge(), facts)
    return examine(path, texts[path], project, Settings(root="/"))


def test_projects_that_take_turns(tmp_path: Path) -> None:
    """Each sees its own texts, whatever another with the same facts has seen since."""
    facts = TextFacts()
    use = "import make\n\n\ndef use(n):\n    return make.make(n).to('cuda:0')\n"
    make = "import torch\n\n\ndef make(n):\n    return torch.zeros(n, device='cuda:0')\n"
    first = Project(Files({"use.py": use, "make.py": make}), default_knowledge(), facts)
    other = {"use.py": use.replace(".make(", ".made("), "make.py": make.replace("make", "made")}
    second = Project(Files(other), default_knowledge(), facts)
    assert first.mentioning("def make", "use.py") == ("make.py",)
    assert second.mentioning("def make", "use.py") == ()
    assert first.mentioning("return torch", "use.py") == ("make.py",)
    assert (first.calling("make", "use.py"), second.calling("make", "use.py")) == (("use.py",), ())
    assert (first.calling("made", "use.py"), second.calling("made", "use.py")) == ((), ("use.py",))
    assert first.importing("make", "use.py") == ("use.py",)


def test_files_of_the_same_text_are_two(tmp_path: Path) -> None:
    facts = TextFacts()
    assert facts.tree("a.py", "x = 1\n") is facts.tree("a.py", "x = 1\n")
    assert facts.tree("a.py", "x = 1\n") is not facts.tree("b.py", "x = 1\n")


def test_an_edit_parses_and_searches_only_what_was_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    put(tmp_path, dict.fromkeys(VARIANTS, 0))
    text = Path("uses.py").read_text()
    made: list[Index] = []
    make = Index.__init__

    def noted(self: Index, *arguments: Any) -> None:
        made.append(self)
        make(self, *arguments)

    monkeypatch.setattr(Index, "__init__", noted)
    library = answers.Library()
    first = asked("uses.py", text, {})
    facts = library.reading(first).facts
    check(library, first)
    assert facts.parsed > 3
    assert len(made) > 3
    for number in range(3):
        parsed, count = facts.parsed, len(made)
        check(library, asked("uses.py", f"{text}\nEDIT = {number}\n", {}))
        assert (facts.parsed, len(made)) == (parsed + 1, count)


def test_another_check_of_a_folder_parses_only_what_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `check --watch` does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    put(tmp_path, dict.fromkeys(VARIANTS, 0))
    run = Settings(root=str(tmp_path), cache=False)
    paths = collect(["."], run).files
    facts = TextFacts()
    check_paths(paths, run, facts=facts)
    assert facts.parsed > 3
    for path in ("nets.py", "helpers.py"):
        before = facts.parsed
        put(tmp_path, {path: 1})
        assert check_paths(paths, run, facts=facts).findings == check_paths(paths, run).findings
        assert facts.parsed == before + 1


def test_memory_is_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    library = answers.Library()
    counts: list[int] = []
    gc.collect()
    gc.freeze()
    try:
        for number in range(8):
            check(library, asked("a.py", f"{WASTE}\nNAME_{number} = {number}\n", {}))
            library.tidy()
            counts.append(sum(type(thing) is ast.Module for thing in gc.get_objects()))
    finally:
        gc.unfreeze()
    assert counts == [1] * 8


def test_one_process_goes_on_with_what_nobody_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has learnt most of what the next question needs. A second one is ended."""
    monkeypatch.setattr("transfer_lint.server.workers.LEARNING", 3600.0)

    async def begin(name: str) -> asyncio.Task[int]:
        task = asyncio.create_task(workers.ask(working, str(tmp_path / name), str(tmp_path / "go on")))
        while not (tmp_path / name).exists():
            await asyncio.sleep(0.01)
        return task

    async def cancelled(task: asyncio.Task[int]) -> None:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    async def run() -> None:
        await cancelled(await begin("first"))
        await cancelled(await begin("second"))
        (tmp_path / "go on").touch()
        while not workers._idle:
            await asyncio.sleep(0.01)
        learnt, ended = (int((tmp_path / name).read_text()) for name in ("first", "second"))
        (tmp_path / "go on").unlink()
        third, fourth = await begin("third"), await begin("fourth")
        (tmp_path / "go on").touch()
        assert await third == learnt
        assert await fourth not in (learnt, ended)

    workers = Workers()
    try:
        asyncio.run(run())
    finally:
        workers.end()


def test_of_too_much_source_the_first_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each project asks for the same files in the same order: to keep the last of them would be to keep none."""
    texts = {f"{name}.py": f"x = {number}\n" for number, name in enumerate("abcde")}
    monkeypatch.setattr(text_facts, "MOST_PARSED", 3 * len("x = 0\n"))
    facts = TextFacts()
    for parsed in (5, 7, 9):  # all, and then two in each
        project = Project(Files(texts), default_knowledge(), facts)
        assert all(project.module(path, "a.py") is not None for path in texts)
        assert facts.parsed == parsed
    others = {f"{name}.py": "y = 0\n" for name in "fgh"}  # what is no longer asked for makes room
    for parsed in (12, 12):
        project = Project(Files(others), default_knowledge(), facts)
        assert all(project.module(path, "f.py") is not None for path in others)
        assert facts.parsed == parsed
