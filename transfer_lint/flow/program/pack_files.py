"""Files of a node pack: which of them ComfyUI loads. Others are for training, or for nobody."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.tree_texts import TreeTexts

MAPPINGS = "NODE_CLASS_MAPPINGS"
"""What the top file of a pack hands to ComfyUI."""

_BY_NAME = re.compile(r"(?<!def )\b(?:import_module|__import__|run_module)\(\s*([rf]?['\"])?")
_BY_PATH = re.compile(r"\b(?:spec_from_file_location|run_path)\(")
_LISTED = re.compile(r"\b(?:listdir|scandir|r?glob|iterdir|walk|iter_modules)\(")
_STRING = re.compile(r"(['\"])([^'\"\n]*)\1")
_SCRIPT = re.compile(r"^if __name__ == ['\"]__main__['\"]", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class LoadedFiles:
    """The files that loading a pack leads to. by_any_name: names of modules and definitions come from elsewhere."""

    paths: frozenset[str]
    by_any_name: bool


def loaded_files(folder: str, texts: TreeTexts, candidates: Callable[[str, Import], Iterable[str]]) -> LoadedFiles:
    """The files under a pack's folder that loading the pack leads to.

    The files that name NODE_CLASS_MAPPINGS are the first. One that imports by name leads to all files that are called
    like a word of its strings, or stand in a folder that is; one that lists files, to those beside it as well; one that
    has the names from elsewhere, to all files but scripts.
    candidates: the files that an import of a file may mean.
    """
    called: dict[str, list[str]] = {}
    for path in texts.files:
        if path.startswith(folder):
            for part in path.removeprefix(folder).removesuffix(".py").split("/"):
                called.setdefault(part, []).append(path)
    pending = [path for path in texts.holding(MAPPINGS) if path.startswith(folder)]
    found, by_any_name = set[str](), False
    while pending:
        path = pending.pop()
        if path in found or not texts.has(path):
            continue
        found.add(path)
        pending += _packages(path)
        for each in texts.imports(path):
            meant = [other for other in candidates(path, each) if texts.has(other)]
            last = each.module.rpartition(".")[2]  # `sys.path` may lead there
            pending += meant or [*called.get(last, ()), *called.get(each.name or "", ())]
        by_name = texts.says(path, _imported_by_name)
        if by_name is None:
            by_any_name = True
            pending += [each for each in texts.files if each.startswith(folder) and not texts.says(each, _is_script)]
            continue
        words, with_others = by_name
        pending += [other for word in words for other in called.get(word, ())]
        pending += [
            other for other in texts.files if with_others and posixpath.dirname(other) == posixpath.dirname(path)
        ]
    return LoadedFiles(frozenset(found), by_any_name)


def _is_script(text: str) -> bool:
    """Whether a text runs something where it is the program itself."""
    return _SCRIPT.search(text) is not None


def _packages(path: str) -> Iterator[str]:
    """The packages that a file is in: to import it is to run their `__init__.py`, too."""
    folder = posixpath.dirname(path)
    while folder != posixpath.dirname(folder):
        yield posixpath.join(folder, "__init__.py")
        folder = posixpath.dirname(folder)
    yield posixpath.join(folder, "__init__.py")


def _imported_by_name(text: str) -> tuple[Sequence[str], bool] | None:
    """What a text imports by name: the words of its strings, and whether any file beside it is meant, too.

    None if the names come from elsewhere, such as a configuration.
    """
    calls = [match[1] for match in _BY_NAME.finditer(text)]
    is_listed = _LISTED.search(text) is not None
    if None in calls and not is_listed:
        return None
    by_path = _BY_PATH.search(text) is not None
    is_any = by_path or bool(calls)
    words = [word for match in _STRING.finditer(text) for word in _WORD.findall(match[2])] if is_any else []
    return words, by_path or None in calls
