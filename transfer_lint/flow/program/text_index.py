"""An index of what texts say."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping


class Index:
    """Which files say a name, and how often. names: what a text says."""

    def __init__(self, names: Callable[[str], Iterable[str]], texts: Mapping[str, str]) -> None:
        self._names = names
        self._paths = tuple(texts)
        self._numbers: dict[str, list[int]] = {}  # name -> the numbers of the files that say it, as often as they do
        self._files: dict[str, tuple[str, ...]] = {}
        for number, text in enumerate(texts.values()):
            for name in names(text):
                self._numbers.setdefault(name, []).append(number)

    def files(self, name: str) -> tuple[str, ...]:
        """The files that say it."""
        if name not in self._files:
            self._files[name] = tuple(self._paths[number] for number in dict.fromkeys(self._numbers.get(name, ())))
        return self._files[name]

    def count(self, name: str) -> int:
        """How often it is said."""
        return len(self._numbers.get(name, ()))

    def names(self) -> tuple[str, ...]:
        """All that is said, sorted."""
        return tuple(sorted(self._numbers))

    def replace(self, number: int, before: str, after: str) -> None:
        """The text of a file has changed."""
        old, new = Counter(self._names(before)), Counter(self._names(after))
        for name in (old - new).elements():
            self._files.pop(name, None)
            self._numbers[name].remove(number)
            if not self._numbers[name]:
                del self._numbers[name]
        for name in (new - old).elements():
            self._files.pop(name, None)
            insort(self._numbers.setdefault(name, []), number)
