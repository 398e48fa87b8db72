"""Questions about the tree around a file. Each is answered from texts, once, and it is remembered who has asked.

The analysis of a file is a function of its text, of the answers to what it has asked, and of what the files have asked
whose text was among the answers. So a cached result holds as long as these answers stay the same.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from transfer_lint.files.paths import absolute, is_absolute
from transfer_lint.files.sources import Sources
from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.pack_files import MAPPINGS, LoadedFiles, loaded_files
from transfer_lint.flow.program.text_facts import TextFacts, digest
from transfer_lint.flow.program.tree_texts import TreeTexts

Answer: TypeAlias = "str | int | tuple[str, ...] | None"


class Question(NamedTuple):
    """A question of the file `near`: the name of a method of Trees, and its other arguments."""

    near: str
    name: str
    arguments: tuple[str | int | None, ...]


class Trees:
    """Answers questions about trees.

    asked: question -> its answer, as a digest, of all questions since it was last emptied.
    """

    def __init__(self, sources: Sources, facts: TextFacts | None = None) -> None:
        self._sources = sources
        self._read = sources.read
        self._facts = facts or TextFacts()
        self._answers: dict[Question, Answer] = {}
        self._trees: dict[str, TreeTexts] = {}
        self._by_files: dict[tuple[str, ...], TreeTexts] = {}
        self._tops: dict[TreeTexts, str] = {}
        self._above: dict[tuple[TreeTexts, str], list[str]] = {}
        self._reached: dict[tuple[str, Import], frozenset[str]] = {}  # what a star import leads to
        self._loaded: dict[tuple[TreeTexts, str], LoadedFiles] = {}  # the files of a pack that are loaded
        self._here = absolute(".").rstrip("/") + "/"
        self.asked: dict[Question, str] = {}

    def ask(self, question: Question) -> Answer:
        """The answer to a question."""
        if question not in self._answers:
            answer: Answer = getattr(self, question.name)(question.near, *question.arguments)
            self._answers[question] = answer
            if question.name == "text":
                assert not isinstance(answer, int | tuple)
                self.asked[question] = self._facts.digest(str(question.arguments[0]), answer)
            else:
                self.asked[question] = digest(answer)
        return self._answers[question]

    def _texts(self, near: str) -> TreeTexts:
        """The tree that `near` belongs to."""
        if near not in self._trees:
            files = tuple(self._sources.python_files(near))
            if files not in self._by_files:
                self._by_files[files] = self._facts.tree_texts(files)
            self._trees[near] = self._by_files[files]
        texts = self._trees[near]
        texts.read_with(self._read)  # since, others may have asked for other texts
        return texts

    # ---- questions -----------------------------------------------------------------------------------------------

    def text(self, near: str, path: str) -> str | None:
        """The text of a Python file; None if there is no such file or it cannot be read as Python text."""
        return self._read(path)

    def holding(self, near: str, text: str) -> tuple[str, ...]:
        """The files of the tree that hold a piece of text."""
        return self._texts(near).holding(text)

    def importing(self, near: str, name: str) -> tuple[str, ...]:
        """The files with an import statement that names `name`, or that imports all of a module of that name."""
        return self._texts(near).importing(name)

    def taking(self, near: str, stem: str, name: str) -> tuple[str, ...]:
        """The files that may read a name from a module called `stem`, or do with that module what is not followed."""
        return self._texts(near).taking(stem, name)

    def calling(self, near: str, name: str) -> tuple[str, ...]:
        """The files that call a method of that name."""
        return self._texts(near).calling(name)

    def definitions(self, near: str, name: str) -> int:
        """How many methods (or nested functions) of the tree have that name."""
        return self._texts(near).definitions(name)

    def assigns(self, near: str, attribute: str) -> bool:
        """Whether code of the tree assigns the attribute on anything that is not named `self`."""
        return self._texts(near).assigns(attribute)

    def matching(self, near: str, pattern: str) -> tuple[str, ...]:
        """The files of the tree in whose text a regular expression finds something."""
        return self._texts(near).matching(pattern)

    def sets(self, near: str, attribute: str) -> bool:
        """Whether code of the tree may assign the attribute under a name that it does not write out, on any object."""
        return self._texts(near).sets(attribute)

    def acting(self, near: str) -> tuple[str, ...]:
        """The special methods of classes of the tree that move or assign something."""
        return self._texts(near).acting()

    def overriding(self, near: str, name: str, attribute: str) -> tuple[str, ...]:
        """The files with a class that seems to inherit from the class `name`, and may define or assign `attribute`."""
        return self._texts(near).overriding(name, attribute)

    def package(self, near: str, path: str) -> str:
        """The folder of the outermost package that a file belongs to (its own folder if it is in no package)."""
        texts, folder = self._texts(near), posixpath.dirname(self._absolute(path))
        while texts.has(self._shown(f"{posixpath.dirname(folder)}/__init__.py")):
            folder = posixpath.dirname(folder)
        return self._shown(folder)

    def candidates(self, near: str, module: str, level: int, submodule: str | None) -> tuple[str, ...]:
        """The files that an import may mean, the nearest first. That of a relative import need not exist."""
        return tuple(self._candidates(near, module, level, submodule))

    def star_may_bind(self, near: str, module: str, level: int, name: str) -> bool:
        """Whether importing all of a module may bind a name, by the texts that this leads to: none is parsed."""
        texts = self._texts(near)
        start = Import(module, level, "*")
        if (near, start) not in self._reached:
            self._reached[near, start] = frozenset(self._reached_by(near, start))
        reached = self._reached[near, start]
        outside = level > 0 and not reached
        return outside or any(texts.may_bind(path, name) for path in reached)

    def is_loaded(self, near: str, path: str) -> bool | None:
        """Whether ComfyUI loads a file of a node pack; None if it is in no pack, or that is not to be told.

        See `pack_files`.
        """
        texts, folder, pack = self._texts(near), posixpath.dirname(self._absolute(path)), None
        packs = set(texts.holding(MAPPINGS))
        while folder != posixpath.dirname(folder):
            pack = folder if self._shown(f"{folder}/__init__.py") in packs else pack
            folder = posixpath.dirname(folder)
        if pack is None:
            return None
        if (texts, pack) not in self._loaded:

            def candidates(near: str, found: Import) -> Iterator[str]:
                for name in (None, found.name):
                    yield from self._candidates(near, found.module, found.level, name)

            self._loaded[texts, pack] = loaded_files(self._shown(f"{pack}/"), texts, candidates)
        loaded = self._loaded[texts, pack]
        return path in loaded.paths and (None if loaded.by_any_name else True)

    def _reached_by(self, near: str, star: Import) -> Iterator[str]:
        """The files of the tree that importing all of a module leads to."""
        texts, seen, pending = self._texts(near), set[str](), [(near, star)]
        while pending:
            importer, found = pending.pop()
            for path in self._candidates(importer, found.module, found.level, None):
                if path not in seen and texts.has(path):
                    seen.add(path)
                    yield path
                    pending += [(path, inner) for inner in texts.stars(path)]

    def _candidates(self, near: str, module: str, level: int, submodule: str | None) -> Iterator[str]:
        parts = [part for part in module.split(".") if part] + ([submodule] if submodule else [])
        here = posixpath.dirname(self._absolute(near))
        if level:
            folders: Sequence[str] = [posixpath.normpath(posixpath.join(here, *[".."] * (level - 1)))]
        else:
            folders = self._folders_above(near, here) if parts else ()
        for folder in folders:
            stem = posixpath.join(folder, *parts)
            for path in map(self._shown, (f"{stem}.py", posixpath.join(stem, "__init__.py"))):
                if level or self._texts(near).has(path):
                    yield path

    def _folders_above(self, near: str, start: str) -> list[str]:
        """The folder and those above it, up to what holds the tree: an absolute import of `near` may start from any.

        All are absolute.
        """
        texts = self._texts(near)
        if (texts, start) not in self._above:
            top = self._top(texts)
            found = [start]
            while found[-1] != top and (above := posixpath.dirname(found[-1])) != found[-1]:
                found.append(above)
            self._above[texts, start] = found
        return self._above[texts, start]

    def _top(self, texts: TreeTexts) -> str:
        """The folder that holds the tree."""
        if texts not in self._tops:
            folders = [self._absolute(folder) for folder in texts.folders]
            self._tops[texts] = posixpath.dirname(posixpath.commonpath(folders))
        return self._tops[texts]

    # ---- paths: a file of the tree may lie outside of the working directory ----------------------------------------

    def _absolute(self, path: str) -> str:
        return path if is_absolute(path) else posixpath.join(self._here, path)

    def _shown(self, path: str) -> str:
        """An absolute path as it is shown, see `shown_path`."""
        return path.removeprefix(self._here)


QUESTIONS = frozenset(
    name for name, method in vars(Trees).items() if name[0] != "_" and name != "ask" and callable(method)
)
"""The names of all questions."""
