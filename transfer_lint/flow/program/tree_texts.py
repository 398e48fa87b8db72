"""What the texts of a tree say, found without parsing them: which files import, define, call or assign a name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, cast

from transfer_lint.flow.program.import_lines import IMPORTED, after, imported, imports, stars
from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.special_methods import names_acting
from transfer_lint.flow.program.text_index import Index
from transfer_lint.flow.program.unnamed_sets import ANY, MAY_SET, names_set

# Each pattern begins with a literal, for which a search is many times faster than for the beginning of a line.
# What stands before it on its line is looked at afterwards.
_IMPORT_LINE = re.compile(r"^[ \t]*(?:from[ \t]+[.\w]+[ \t]+)?import[ \t]+(?:\([^)]*\)|[^\n]*)", re.MULTILINE)
_DEF = re.compile(r"def[ \t]+(\w+)")
_ASYNC = re.compile(r"[ \t]+(?:async[ \t]+)?")
_CLASS = re.compile(r"class[ \t]+")
_BASES = re.compile(r"(\w+)[ \t]*\(([^)]*)\)")
_BLANK = re.compile(r"[ \t]*")
_CALL = re.compile(r"\.(\w+)\(")
_ASSIGNED = re.compile(r"\.(?<=[\w\])]\.)(?<!\bself\.)(\w+)\s*(?:,[^=\n]*|:[^=\n]*|[-+*/@|&^%<>]*)=(?!=)")
_OWN = re.compile(r"\bself\.(\w+)\s*(?:,[^=\n]*|:[^=\n]*|[-+*/@|&^%<>]*)=(?!=)")
_DEFINITION = re.compile(r"\n([ \t]*)(?:async[ \t]+)?(def|class)[ \t]+\w+(?:\(\s*(self)\b)?")
_SET = re.compile(r"""setattr\([^,]+,\s*["'](\w+)["']""")
_ANNOTATES = re.compile(r"\s*(?!else\b|try\b|finally\b)[\w.]+\s*:")
_DEFINES = re.compile(r"\b(?:def|class)\s+$")
_BINDS = re.compile(r"\b(?:def|class|as|for)\s+$")
_TAKES = re.compile(r"\b(?:for|as|del)\b")  # before an attribute: perhaps it is assigned or deleted
_ALONE = re.compile(r"[ \t]*\*?\w+\.")
_VALUE = re.compile(r"\s*(?::[^=]*)?[-+*/@%&|^<>]*=(?!=)")
_BODY_VALUE = re.compile(r"\s*(?::|=(?!=))")
_ATTRIBUTE_VALUE = re.compile(r"\s*[-+*/@%&|^<>]*=(?!=)")
_IN_TUPLE = re.compile(r"\s*[,)\]][^=\n(]*=(?!=)")
_CALL_AROUND = re.compile(r"[\w)\]]\([^()]*(?:\([^()]*\)[^()]*)*$")
_LINE_END = re.compile(r"[ \t]*(?::|,?[ \t]*(?:#|\\?$))", re.MULTILINE)
_NAME = re.compile(r"[^\W\d]\w*")

Found = TypeVar("Found")


MOST_WORDS = 1_000
"""Of how many words it is kept which files hold or bind them."""


MOST_ANSWERS = 100_000
"""How much of what single texts say is kept."""


class TreeTexts:
    """The files of a tree, and what their texts say. files: their paths.

    Answers have the order of the files. When texts change, only these are looked at again.
    """

    def __init__(self, files: Iterable[str]) -> None:
        self.files = tuple(files)
        self._read: Callable[[str], str | None] = lambda path: None
        self._paths = frozenset(self.files)
        self._held: dict[str, str] = {}
        self._is_read = False
        self._indices: dict[Callable[[str], Iterable[str]], Index] = {}
        self._words: dict[tuple[Callable[[str, str], bool], str], Index] = {}  # what was asked last stands last
        self._of_file: dict[str, dict[tuple[object, ...], Any]] = {}  # path -> what its text says
        self._count = 0  # how much of this there is
        self._of_all: dict[tuple[object, ...], Any] = {}  # what follows from several texts

    def read_with(self, read: Callable[[str], str | None]) -> None:
        """From now on, texts are as `read` gives them. They are read when something is asked."""
        if read is self._read:
            return
        self._read = read
        self._is_read = False
        if self._count > MOST_ANSWERS:
            self._of_file.clear()
            self._count = 0

    def has(self, path: str) -> bool:
        """Whether the file is one of the tree."""
        return path in self._paths

    def holding(self, text: str) -> tuple[str, ...]:
        """The files that hold a piece of text."""
        return self._where(_holds, text)

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The files in whose text a regular expression finds something."""
        return self._where(_matches, pattern)

    def importing(self, name: str) -> tuple[str, ...]:
        """The files with an import statement that names `name`, or that imports all of a module of that name."""
        return self._index(_names_imported).files(name)

    def taking(self, stem: str, name: str) -> tuple[str, ...]:
        """The files that may read a name from a module called `stem`, or do with that module what is not followed."""
        importing = dict.fromkeys((*self.importing(name), *self.importing(stem)))
        return tuple(path for path in importing if self._of(path, _may_take, stem, name))

    def calling(self, name: str) -> tuple[str, ...]:
        """The files that call a method of that name."""
        return self._index(_names_called).files(name)

    def definitions(self, name: str) -> int:
        """How many methods (or nested functions) of the tree have that name."""
        return self._index(_names_defined).count(name)

    def assigns(self, name: str) -> bool:
        """Whether code of the tree assigns the attribute on anything that is not named `self`."""
        return self._index(_names_assigned).count(name) > 0

    def sets(self, name: str) -> bool:
        """Whether code of the tree may assign the attribute under a name that is not written out: see `names_set`."""
        return any(not {name, ANY}.isdisjoint(self._of(path, names_set)) for path in self.matching(MAY_SET.pattern))

    def acting(self) -> tuple[str, ...]:
        """The special methods of classes of the tree that move or assign something: see `names_acting`."""
        return self._index(names_acting).names()

    def heirs(self, name: str) -> tuple[str, ...]:
        """The files with a class statement whose bases, or their bases, name the class `name`."""
        index = self._index(_names_of_bases)

        def find() -> tuple[str, ...]:
            paths: dict[str, None] = {}
            names, pending = {name: None}, [name]
            while pending:
                base = pending.pop()
                for path in index.files(base):
                    for cls in self._of(path, _classes).get(base, ()):
                        paths[path] = None
                        if cls not in names:
                            names[cls] = None
                            pending.append(cls)
            return tuple(paths)

        return self._remembered(("heirs", name), find)

    def overriding(self, name: str, attribute: str) -> tuple[str, ...]:
        """The files with a class that seems to inherit from the class `name`, and may define or assign `attribute`.

        A class with other bases, too, may inherit it from one of these.
        """
        return tuple(
            path
            for path in self.heirs(name)
            if self._of(path, _has_several_bases) or self._of(path, _may_assign, attribute)
        )

    def imports(self, path: str) -> Sequence[Import]:
        """The imports that a file has, wherever they stand. The name `*` stands for all of a module."""
        return self._of(path, imports)

    def says(self, path: str, find: Callable[[str], Found]) -> Found:
        """What `find` says of the text of a file, found out once."""
        return self._of(path, find)

    def stars(self, path: str) -> Sequence[Import]:
        """The imports of all of a module that a file has."""
        return self._of(path, stars)

    def may_bind(self, path: str, name: str) -> bool:
        """Whether a file may bind a name, at its top level or elsewhere."""
        return self._of(path, _may_bind, name)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The folders that the files are in."""
        return frozenset(map(posixpath.dirname, self.files))

    # ---- what is kept --------------------------------------------------------------------------------------------

    def _remembered(self, key: tuple[object, ...], find: Callable[[], Found]) -> Found:
        """What has been found under a key, as long as no text changes."""
        self._look()
        if key not in self._of_all:
            self._of_all[key] = find()
        return cast(Found, self._of_all[key])

    def _of(self, path: str, find: Callable[..., Found], *arguments: str) -> Found:
        """What `find` says of the text of a file."""
        text = self._texts[path]
        known = self._of_file.setdefault(path, {})
        key = (find, *arguments)
        if key not in known:
            known[key] = find(text, *arguments)
            self._count += 1
        return cast(Found, known[key])

    def _index(self, names: Callable[[str], Iterable[str]]) -> Index:
        texts = self._texts
        if names not in self._indices:
            self._indices[names] = Index(names, texts)
        return self._indices[names]

    def _where(self, says: Callable[[str, str], bool], word: str) -> tuple[str, ...]:
        """The files whose text says something with a word."""
        texts = self._texts
        index = self._words.pop((says, word), None) or Index(lambda text: [word] if says(text, word) else [], texts)
        self._words[says, word] = index
        while len(self._words) > MOST_WORDS:
            del self._words[next(iter(self._words))]
        return index.files(word)

    @property
    def _texts(self) -> dict[str, str]:
        self._look()
        return self._held

    def _look(self) -> None:
        """Read all texts, unless that has been done since they may have changed."""
        if not self._is_read:
            before = self._held
            self._held = {path: self._read(path) or "" for path in self.files}
            self._is_read = True
            if before:
                self._note_changes(before)

    def _note_changes(self, before: Mapping[str, str]) -> None:
        for number, (path, text) in enumerate(self._held.items()):
            if text != before[path]:
                for index in (*self._indices.values(), *self._words.values()):
                    index.replace(number, before[path], text)
                self._of_file.pop(path, None)
                self._of_all.clear()


def _holds(text: str, word: str) -> bool:
    return word in text


def _matches(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


def _names_imported(text: str) -> Iterable[str]:
    names = {name for written in imported(text) for name in _NAME.findall(written)}
    return names | {star.module.rpartition(".")[2] for star in stars(text)}


def _names_called(text: str) -> Iterable[str]:
    return set(_CALL.findall(text))


def _names_defined(text: str) -> Iterable[str]:
    return [match[1] for match in _DEF.finditer(text) if after(_ASYNC, match)]


def _names_assigned(text: str) -> Iterable[str]:
    assigned = (match[1] for match in _ASSIGNED.finditer(text) if _is_target(text, match))
    return {*_SET.findall(text), *assigned, *_names_assigned_outside(text)}


def _names_assigned_outside(text: str) -> Iterator[str]:
    """What functions that stand in no class assign to their `self`: any class may get one as a method."""
    around: list[tuple[int, str]] = []  # the indentation and the keyword of the definitions around
    text = f"\n{text}"
    for match in _DEFINITION.finditer(text):
        while around and around[-1][0] >= len(match[1]):
            around.pop()
        if match[3] and not (around and around[-1][1] == "class"):
            end = re.compile(rf"\n[ \t]{{0,{len(match[1])}}}(?=[^\s#)])").search(text, match.end())
            yield from _OWN.findall(text, match.end(), end.start() if end else len(text))
        around.append((len(match[1]), match[2]))


def _is_target(text: str, match: re.Match[str]) -> bool:
    """Whether something is assigned to `x.name`; not if it stands in the parentheses of a call, or in an annotation."""
    before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    whole = before + match[0]
    in_call = "," in match[0] and whole.count("(") > whole.count(")") and '"' not in whole and "'" not in whole
    return not in_call and not _ANNOTATES.match(before)


def _names_of_bases(text: str) -> Iterable[str]:
    return _classes(text).keys()


def _classes(text: str) -> Mapping[str, Sequence[str]]:
    """A name -> the classes with that name among their bases."""
    found: dict[str, list[str]] = {}
    for start in _CLASS.finditer(text):
        if after(_BLANK, start) and (match := _BASES.match(text, start.end())):
            for base in set(_NAME.findall(match[2])):
                found.setdefault(base, []).append(match[1])
    return found


def _has_several_bases(text: str) -> bool:
    """Whether a class of the text has more than one base."""
    bases = (_BASES.match(text, start.end()) for start in _CLASS.finditer(text))
    return any(match is not None and "," in match[2] for match in bases)


def _may_take(text: str, stem: str, name: str) -> bool:
    """Whether a text imports a name from a module called `stem`, reads it there, or hands that module on."""
    if any(star.module.rpartition(".")[2] == stem for star in stars(text)):
        return True
    word = re.compile(rf"\b{re.escape(name)}\b")
    taken = re.compile(rf"from[ \t]+(?:[.\w]*\.)?{re.escape(stem)}[ \t]+import[ \t]+")
    if any(word.search(IMPORTED.match(text, match.end())[0]) for match in taken.finditer(text)):  # type: ignore[index]
        return True
    bound = re.compile(rf"\b{re.escape(stem)}\b(?:\s+as\s+(\w+))?")
    aliases = {match[1] or stem for written in imported(text) for match in bound.finditer(written)}
    code = _IMPORT_LINE.sub("", text) if aliases else ""
    return any(re.search(rf"\b{alias}\b(?!\s*\.\s*(?!{re.escape(name)}\b)\w)", code) for alias in aliases)


def _occurrences(text: str, name: str) -> Iterator[tuple[str, int]]:
    """(what stands before it on its line, its end) for each place where a text holds a name."""
    end = 0
    while (start := text.find(name, end)) >= 0:
        end = start + (len(name) or 1)
        yield text[text.rfind("\n", 0, start) + 1 : start], end


def _is_in_brackets(text: str, start: int) -> bool:
    """Whether the line that starts there is surely one of several in brackets (a keyword argument), or in a string.

    So it is if the line above ends with a comma or a bracket that is not part of a comment.
    """
    above = text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]
    return above.rstrip().endswith((",", "(")) and "#" not in above


def _is_in_function(text: str, start: int, indentation: str) -> bool:
    """Whether the line that starts there, with this indentation, is surely in the body of a function.

    So it is if a `def` above, outside of strings, is indented less, and no line between is indented as little as that.
    """
    at = start
    while (at := text.rfind("def ", 0, at)) > 0:
        before = text[text.rfind("\n", 0, at) + 1 : at]
        if not before.strip() and len(before) < len(indentation):
            break
    else:
        return False
    lines = ((line, line.lstrip()) for line in text[at:start].split("\n")[1:])
    # What begins with a closing bracket is the end of something above, such as the signature.
    deeper = all(len(line) - len(code) > len(before) for line, code in lines if code and not code.startswith(")"))
    quotes = (text.count(mark, 0, at) for mark in ('"""', "'''"))
    return deeper and "\t" not in indentation + before and not any(count % 2 for count in quotes)


def _may_bind(text: str, name: str) -> bool:
    """Whether a text may bind a name: by a definition, an import, or an assignment to the name alone."""
    if name not in text:
        return False
    for before, end in _occurrences(text, name):
        if _BINDS.search(before) or (not before.endswith(".") and _VALUE.match(text, end)):
            return True
    word = re.compile(rf"\b{re.escape(name)}\b(?!\s+as\b)")
    return any(word.search(names) for names in imported(text))


def _may_assign(text: str, attribute: str) -> bool:
    """Whether a text may define a method or attribute of a class, or assign or delete one of an object."""
    for before, end in _occurrences(text, attribute):
        if not before.endswith("."):
            start = end - len(attribute) - len(before)
            found = _DEFINES.search(before) or (
                not before.strip()
                and _BODY_VALUE.match(text, end)
                and not (_is_in_brackets(text, start) or _is_in_function(text, start, before))
            )
        else:
            found = _ATTRIBUTE_VALUE.match(text, end) or _TAKES.search(before)
            found = found or (_IN_TUPLE.match(text, end) and not _CALL_AROUND.search(before))
            found = found or (_ALONE.fullmatch(before) and _LINE_END.match(text, end))
        if found:
            return True
    return False
