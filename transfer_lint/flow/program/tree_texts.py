"""What the texts of a tree say, found without parsing them: which files import, define, call or assign a name."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from transfer_lint.flow.program.modules import Import

# Each pattern begins with a literal, for which a search is many times faster than for the beginning of a line.
# What stands before it on its line is looked at afterwards.
_IMPORT = re.compile(r"import[ \t]+")
_IMPORTED = re.compile(r"\([^)]*\)|[^\n#;]*")
_FROM = re.compile(r"[ \t]*(?:from[ \t]+[.\w]+[ \t]+)?")
_STAR = re.compile(r"import[ \t]*\(?[ \t]*\*")
_STAR_OF = re.compile(r"[ \t]*from[ \t]+([.\w]+)[ \t]+")
_DEF = re.compile(r"def[ \t]+(\w+)")
_ASYNC = re.compile(r"[ \t]+(?:async[ \t]+)?")
_CLASS = re.compile(r"class[ \t]+")
_BASES = re.compile(r"(\w+)[ \t]*\(([^)]*)\)")
_BLANK = re.compile(r"[ \t]*")
_CALL = re.compile(r"\.(\w+)\(")
_ASSIGNED = re.compile(r"\.(?<=[\w\])]\.)(?<!\bself\.)(\w+)\s*(?:,[^=\n]*|:[^=\n]*|[-+*/@|&^%<>]*)=(?!=)")
_SET = re.compile(r"""setattr\([^,]+,\s*["'](\w+)["']""")
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


class TreeTexts:
    """The files of a tree, and what their texts say. files: their paths. read: gives the text of a file.

    Answers have the order of the files.
    """

    def __init__(self, files: Iterable[str], read: Callable[[str], str | None]) -> None:
        self.files = tuple(files)
        self._read = read
        self._paths = frozenset(self.files)
        self._holding: dict[str, tuple[str, ...]] = {}
        self._heirs: dict[str, tuple[str, ...]] = {}
        self._stars: dict[str, list[Import]] = {}
        self._binding: dict[str, frozenset[str]] = {}
        self.reached: dict[tuple[str, Import], frozenset[str]] = {}  # what a star import leads to; filled by `Trees`

    def has(self, path: str) -> bool:
        """Whether the file is one of the tree."""
        return path in self._paths

    def holding(self, text: str) -> tuple[str, ...]:
        """The files that hold a piece of text."""
        if text not in self._holding:
            self._holding[text] = tuple(path for path, held in self._texts.items() if text in held)
        return self._holding[text]

    def importing(self, name: str) -> tuple[str, ...]:
        """The files with an import statement that names `name`, or that imports all of a module of that name."""
        return tuple(self._imports.get(name, ()))

    def calling(self, name: str) -> tuple[str, ...]:
        """The files that call a method of that name."""
        return tuple(self._calls.get(name, ()))

    def definitions(self, name: str) -> int:
        """How many methods (or nested functions) of the tree have that name."""
        return self._definitions[name]

    def assigns(self, name: str) -> bool:
        """Whether code of the tree assigns the attribute on anything that is not named `self`."""
        return name in self._assigned

    def heirs(self, name: str) -> tuple[str, ...]:
        """The files with a class statement whose bases, or their bases, name the class `name`."""
        if name not in self._heirs:
            paths: dict[str, None] = {}
            names = {name: None}
            pending = [name]
            while pending:
                for cls, path in self._classes.get(pending.pop(), ()):
                    paths[path] = None
                    if cls not in names:
                        names[cls] = None
                        pending.append(cls)
            self._heirs[name] = tuple(paths)
        return self._heirs[name]

    def overriding(self, name: str, attribute: str) -> tuple[str, ...]:
        """The files with a class that seems to inherit from the class `name`, and may define or assign `attribute`."""
        return tuple(path for path in self.heirs(name) if _may_assign(self._texts[path], attribute))

    def stars(self, path: str) -> Sequence[Import]:
        """The imports of all of a module that a file has."""
        if path not in self._stars:
            text = self._texts[path]
            names = [before[1] for match in _STAR.finditer(text) if (before := _after(_STAR_OF, match))]
            self._stars[path] = [Import(name.lstrip("."), len(name) - len(name.lstrip(".")), "*") for name in names]
        return self._stars[path]

    def binding(self, name: str) -> frozenset[str]:
        """The files that may bind a name, at their top level or elsewhere."""
        if name not in self._binding:
            paths = (path for path in self.holding(name) if _may_bind(self._texts[path], name))
            self._binding[name] = frozenset(paths)
        return self._binding[name]

    @cached_property
    def folders(self) -> frozenset[str]:
        """The folders that the files are in."""
        return frozenset(map(posixpath.dirname, self.files))

    # ---- indices -------------------------------------------------------------------------------------------------

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {path: self._read(path) or "" for path in self.files}

    @cached_property
    def _imports(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, text in self._texts.items():
            names = {name for written in _imported(text) for name in _NAME.findall(written)}
            for name in names | {star.module.rpartition(".")[2] for star in self.stars(path)}:
                found.setdefault(name, []).append(path)
        return found

    @cached_property
    def _calls(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, text in self._texts.items():
            for name in dict.fromkeys(_CALL.findall(text)):
                found.setdefault(name, []).append(path)
        return found

    @cached_property
    def _definitions(self) -> Counter[str]:
        texts = self._texts.values()
        return Counter(match[1] for text in texts for match in _DEF.finditer(text) if _after(_ASYNC, match))

    @cached_property
    def _classes(self) -> dict[str, list[tuple[str, str]]]:
        """A name -> the classes with that name among their bases, each with its file."""
        found: dict[str, list[tuple[str, str]]] = {}
        for path, text in self._texts.items():
            for start in _CLASS.finditer(text):
                if _after(_BLANK, start) and (match := _BASES.match(text, start.end())):
                    for base in set(_NAME.findall(match[2])):
                        found.setdefault(base, []).append((match[1], path))
        return found

    @cached_property
    def _assigned(self) -> frozenset[str]:
        texts = self._texts.values()
        return frozenset(name for text in texts for pattern in (_ASSIGNED, _SET) for name in pattern.findall(text))


def _after(pattern: re.Pattern[str], match: re.Match[str]) -> re.Match[str] | None:
    """What stands before the match on its line, if all of it matches the pattern."""
    return pattern.fullmatch(match.string, match.string.rfind("\n", 0, match.start()) + 1, match.start())


def _imported(text: str) -> Iterator[str]:
    """What is written after `import`, of each import statement."""
    for match in _IMPORT.finditer(text):
        if _after(_FROM, match) and (names := _IMPORTED.match(text, match.end())):
            yield names[0]


def _occurrences(text: str, name: str) -> Iterator[tuple[str, int]]:
    """(what stands before it on its line, its end) for each place where a text holds a name."""
    for match in re.finditer(re.escape(name), text):
        yield text[text.rfind("\n", 0, match.start()) + 1 : match.start()], match.end()


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
    for before, end in _occurrences(text, name):
        if _BINDS.search(before) or (not before.endswith(".") and _VALUE.match(text, end)):
            return True
    word = re.compile(rf"\b{re.escape(name)}\b(?!\s+as\b)")
    return any(word.search(names) for names in _imported(text))


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
