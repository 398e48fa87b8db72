"""Results of earlier runs. One is used again only where the analysis would find the same.

A result follows from this tool's code, the settings, the text, which ends of its ignore comments have passed, and the
answers to what the analysis has asked about other files (`flow.program.trees`). It is found in two ways. If no file of
the trees that were asked about has changed, all answers are the same. Otherwise the questions that led to the result
are asked again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from transfer_lint.files.paths import shown_path
from transfer_lint.files.tree import DiskSources
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.store import Store, open_store, place_for
from transfer_lint.lint.terms import ends_before, today
from transfer_lint.settings import Settings

if TYPE_CHECKING:  # imported when something has changed
    from transfer_lint.flow.program.trees import Question, Trees

_NOT_IN_RESULTS = frozenset(
    {"root", "exclude", "extend_exclude", "respect_gitignore", "fail_on", "unsafe_fixes", "output_format", "baseline",
     "cache", "cache_dir", "source", "nested"}
)  # fmt: skip
"""Settings that say which files are checked, or what is done with findings."""


@dataclass(frozen=True)
class Seen:
    """What the analysis of some files has seen of others.

    asked: question -> a digest of the answer. contents: path -> a digest of what was read there. trees: as in
    DiskSources.
    """

    asked: Mapping[Question, str] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    trees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entry:
    """What a kept result rests on. It is asked for only where a file has changed.

    result: the key of the result. parts: (file, key of its questions) of all files that it rests on. outside: files
    that these have read and that may be in no tree.
    """

    result: str
    parts: tuple[tuple[str, str], ...]
    outside: tuple[str, ...]

    @property
    def written(self) -> str:
        return json.dumps([self.result, self.parts, self.outside], separators=(",", ":"))

    @staticmethod
    def read(plain: object) -> _Entry | None:
        match plain:
            case [str() as result, list() as parts, list() as outside]:
                pairs = tuple((str(near), str(node)) for near, node in parts)
                return _Entry(result, pairs, tuple(map(str, outside)))
        return None


class Cache:
    """Looks up and keeps the results of texts. sources: the files as they are now."""

    def __init__(self, store: Store, settings: Settings, sources: DiskSources) -> None:
        self._store = store
        self._sources = sources
        self._base = _digest(code_digest(), sys.version, _spelled(settings), _plugins(settings))
        self._today = today()
        self._trees: dict[tuple[str, ...], str] = {}
        self._sets: dict[tuple[str, ...], frozenset[str]] = {}
        self._same: dict[tuple[str, str], bool] = {}

    # ---- looking up ----------------------------------------------------------------------------------------------

    def look_up(self, texts: Mapping[str, str]) -> dict[str, Examined]:
        """The results that are known. texts: path -> text."""
        notes = self._read({self._tree(path) for path in texts})
        unchanged: dict[str, str] = {}
        for path, text in texts.items():
            held = notes.get(self._tree(path))
            key = self._unchanged(held.get(self._key(path, text))) if isinstance(held, dict) else None
            if key is not None:
                unchanged[path] = key
        results = self._results(unchanged)
        changed = {path: text for path, text in texts.items() if path not in results}
        again = self._asked_again(changed) if changed else {}
        self._note(again, texts)
        return results | self._results({path: entry.result for path, entry in again.items()})

    def _results(self, keys: Mapping[str, str]) -> dict[str, Examined]:
        """Path -> its result, as far as they are there. keys: path -> key."""
        from transfer_lint.lint import recorded

        held = self._store.get(set(keys.values()))
        read = {key: recorded.read(value) for key, value in held.items()}
        return {path: result for path, key in keys.items() if (result := read.get(key)) is not None}

    def _unchanged(self, note: object) -> str | None:
        """The key of the result that a note names, if all that the note names besides is as it was."""
        match note:
            case [str() as key, dict() as trees, dict() as outside]:
                same = all(self._tree(near) == tree for near, tree in trees.items())
                return key if same and self._are_as_they_were(outside) else None
        return None

    def _are_as_they_were(self, contents: Mapping[str, object]) -> bool:
        return all(self._sources.content(path) == content for path, content in contents.items())

    def _asked_again(self, texts: Mapping[str, str]) -> dict[str, _Entry]:
        """Path -> the newest entry of that text, if what it rests on has the same answers now."""
        from transfer_lint.flow.program.trees import Trees

        held = self._read({self._key(path, text) for path, text in texts.items()})
        newest = {path: _Entry.read(held.get(self._key(path, text))) for path, text in texts.items()}
        entries = {path: entry for path, entry in newest.items() if entry is not None}
        nodes = self._read({node for entry in entries.values() for _, node in entry.parts})
        trees = Trees(self._sources)
        good = {path: entry for path, entry in entries.items() if self._hold(entry.parts, nodes, trees)}
        return {} if self._sources.moved else good

    def _hold(self, parts: Iterable[tuple[str, str]], nodes: Mapping[str, object], trees: Trees) -> bool:
        """Whether all that these files have asked has the same answers now."""
        for part in parts:
            if part not in self._same:
                self._same[part] = _same_answers(part[0], nodes.get(part[1]), trees)
            if not self._same[part]:
                return False
        return True

    # ---- keeping -------------------------------------------------------------------------------------------------

    def keep(self, texts: Mapping[str, str], results: Mapping[str, Examined], seen: Sequence[Seen]) -> None:
        """Keep new results, unless a file has changed since. seen: all that was seen for them."""
        from transfer_lint.lint import recorded

        for part in seen:
            same = all(self._sources.files_of(root) == files for root, files in part.trees.items())
            if not same or not self._are_as_they_were(part.contents) or self._sources.moved:
                return
        asked: dict[str, dict[str, None]] = {}
        reads: dict[str, dict[str, None]] = {}
        for question, answer in ((question, answer) for part in seen for question, answer in part.asked.items()):
            spelled = json.dumps([question.name, question.arguments, answer], separators=(",", ":"))
            asked.setdefault(question.near, {})[spelled] = None
            if question.name == "text":
                reads.setdefault(question.near, {})[str(question.arguments[0])] = None
        values = {near: f"[{','.join(sorted(questions))}]" for near, questions in asked.items()}
        nodes = {near: _digest("node", near, value) for near, value in values.items()}
        kept = {nodes[near]: value for near, value in values.items()}
        entries: dict[str, _Entry] = {}
        outside = {near: read.keys() - self._files(near) for near, read in reads.items()}
        for path, result in results.items():
            files = [near for near in sorted(_reached(path, reads)) if near in nodes]
            beyond = sorted({file for near in files for file in outside.get(near, ())})
            value = recorded.written(result)
            entry = _Entry(_digest("result", value), tuple((near, nodes[near]) for near in files), tuple(beyond))
            kept[entry.result] = value
            kept[self._key(path, texts[path])] = entry.written
            entries[path] = entry
        self._store.put({key: value.encode("utf-8", "surrogatepass") for key, value in kept.items()})
        self._note(entries, texts)

    def _note(self, entries: Mapping[str, _Entry], texts: Mapping[str, str]) -> None:
        """Note that entries hold for the files as they are now."""
        notes: dict[str, dict[str, object]] = {}
        for path, entry in entries.items():
            own = self._tree(path)
            trees = {tree: near for near, _ in entry.parts if (tree := self._tree(near)) != own}
            outside = {file: self._sources.content(file) for file in entry.outside}
            note = [entry.result, {near: tree for tree, near in trees.items()}, outside]
            notes.setdefault(own, {})[self._key(path, texts[path])] = note
        for tree, held in self._read(set(notes)).items():
            if isinstance(held, dict):
                notes[tree] = held | notes[tree]
        self._store.put({tree: json.dumps(held, separators=(",", ":")).encode() for tree, held in notes.items()})

    # ---- keys ----------------------------------------------------------------------------------------------------

    def _read(self, keys: Iterable[str]) -> dict[str, object]:
        """The JSON values of the keys that are there."""
        found: dict[str, object] = {}
        for key, value in self._store.get(keys).items():
            try:
                found[key] = json.loads(value.decode("utf-8", "surrogatepass"))
            except (ValueError, RecursionError):
                continue
        return found

    def _key(self, path: str, text: str) -> str:
        return _digest("file", self._base, path, text, *ends_before(text, self._today))

    def _files(self, near: str) -> frozenset[str]:
        """The files of the tree around a file."""
        files = self._sources.python_files(near)
        if files not in self._sets:
            self._sets[files] = frozenset(files)
        return self._sets[files]

    def _tree(self, near: str) -> str:
        """The key of the tree around a file, with all its contents."""
        files = self._sources.python_files(near)
        if files not in self._trees:
            parts = (part for file in files for part in (file, self._sources.content(file)))
            self._trees[files] = _digest("tree", self._base, *parts)
        return self._trees[files]


def cache_for(settings: Settings, sources: DiskSources) -> Cache:
    """The cache that the settings name.

    Raises:
        Problem: the store cannot be used, because something is not installed.
    """
    return Cache(open_store(place_for(settings)), settings, sources)


def _same_answers(near: str, node: object, trees: Trees) -> bool:
    """Whether the questions of a file have the same answers now."""
    from transfer_lint.flow.program.trees import QUESTIONS, Question

    for asked in node if isinstance(node, list) else [None]:
        match asked:
            case [str() as name, list() as arguments, str() as answer] if name in QUESTIONS:
                question = Question(near, name, tuple(arguments))
                trees.ask(question)
                if trees.asked[question] != answer:
                    return False
            case _:
                return False
    return True


def _reached(path: str, reads: Mapping[str, Iterable[str]]) -> set[str]:
    """The file, and all files that are read for it, or for one of these."""
    found, pending = {path}, [path]
    while pending:
        new = set(reads.get(pending.pop(), ())) - found
        found |= new
        pending += new
    return found


def _spelled(settings: Settings) -> str:
    """What of the settings matters for results. Its folder counts as seen from here, as paths are shown."""
    kept = {f.name: getattr(settings, f.name) for f in fields(settings) if f.name not in _NOT_IN_RESULTS}
    return repr((shown_path(settings.root), kept, [_spelled(each) for each in settings.nested]))


def _plugins(settings: Settings) -> str:
    named = [name for each in (settings, *settings.nested) for name in each.plugins]
    if not named:
        return ""
    from transfer_lint.rules import plugins

    return plugins.digest(dict.fromkeys(named))


@cache
def code_digest() -> str:
    """A digest of this tool's own code and data."""
    parts: list[str] = []
    for package in ("transfer_lint", "transfer_codemods"):
        found = find_spec(package)
        assert found is not None
        assert found.origin is not None
        folder = os.path.dirname(found.origin)
        for path in sorted(_code(folder)):
            with open(path, "rb") as file:
                parts += [path[len(folder) :].replace(os.sep, "/"), hashlib.sha256(file.read()).hexdigest()]
    return _digest(*parts)


def _code(folder: str) -> Iterator[str]:
    for inside, _, names in os.walk(folder):
        yield from (os.path.join(inside, name) for name in names if name.endswith((".py", ".toml")))


def _digest(*parts: str) -> str:
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()[:40]
