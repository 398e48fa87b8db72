"""Where cached results are kept: a database of the user's, or any file system that fsspec speaks to.

A store is a map of keys to bytes, and never in the way: what cannot be read is not there, and what cannot be written is
not kept. A value is kept with its digest, so that a damaged or foreign one is not taken for a result.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "results.sqlite3"
MOST_BYTES = 256 * 1024 * 1024
"""A larger database loses its older half."""

_PATIENCE = 2.0  # seconds that a process waits for another one that writes
_AT_ONCE = 500  # keys in one query
_DIGEST = 16  # bytes


class Store(Protocol):
    """A map of keys to bytes that outlives the process."""

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there."""

    def put(self, values: Mapping[str, bytes]) -> None:
        """Keep values, if that is possible."""


def open_store(place: str) -> Store:
    """The store at a place: in a folder, or below a URL of fsspec (`s3://bucket/cache`).

    Raises:
        Problem: it is a URL and fsspec, or what it needs for that URL, is not installed.
    """
    return Remote(place) if "://" in place else Database(place)


def place_for(settings: Settings) -> str:
    """The folder or URL that the settings name; by default, `transfer-lint` in the user's folder of caches."""
    place = settings.cache_dir or os.path.join(_caches(), "transfer-lint")
    return place if "://" in place else os.path.join(settings.root, place)


def _caches() -> str:
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # the specification says that a relative one is to be ignored
        return given
    if os.name == "nt":
        return os.environ.get("LOCALAPPDATA") or os.path.expanduser("~")
    return os.path.join(os.path.expanduser("~"), ".cache")


def clean(place: str) -> bool:
    """Remove the store at a place. Returns whether there was one.

    Raises:
        Problem: it cannot be removed.
    """
    if "://" in place:
        return Remote(place).clean()
    found = False
    for name in (NAME, f"{NAME}-journal", "CACHEDIR.TAG", ".gitignore"):
        try:
            os.unlink(os.path.join(place, name))
            found = found or name == NAME
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Problem(place, f"cannot be removed: {error.strerror}", "remove it by hand") from None
    with contextlib.suppress(OSError):
        os.rmdir(place)
    return found


class Database:
    """A store in a folder, in one file of SQLite, which several processes may use at once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, NAME)

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        if not os.path.isfile(self._path):
            return found
        with self._if_possible(), self._connected() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, value FROM results WHERE key IN ({marks})", some)
                found.update((key, value) for key, sealed in rows if (value := unsealed(key, sealed)) is not None)
        return found

    def put(self, values: Mapping[str, bytes]) -> None:
        """Keep values, if that is possible."""
        if not values or not self._make_folder():
            return
        with self._if_possible(), self._connected() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value BLOB)")
            connection.execute("BEGIN IMMEDIATE")
            rows = ((key, sealed(key, value)) for key, value in values.items())
            connection.executemany("INSERT OR REPLACE INTO results VALUES (?, ?)", rows)
            connection.execute("COMMIT")
            self._shorten(connection)

    def _shorten(self, connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        if pages * size > MOST_BYTES:
            (middle,) = connection.execute("SELECT (MIN(rowid) + MAX(rowid)) / 2 FROM results").fetchone()
            connection.execute("DELETE FROM results WHERE rowid <= ?", (middle,))
            connection.execute("VACUUM")

    def _connected(self) -> contextlib.closing[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")  # a power failure may cost the cache, and nothing else
        return contextlib.closing(connection)

    @contextlib.contextmanager
    def _if_possible(self) -> Iterator[None]:
        """A block that ends where something goes wrong. A file that is no database, or is damaged, is removed."""
        try:
            yield
        except sqlite3.OperationalError:  # it is locked, cannot be written, has no table, or the disk is full
            return
        except sqlite3.DatabaseError:
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def _make_folder(self) -> bool:
        """Whether there is a folder to write to. A new one is marked as a cache, and git is told to ignore it."""
        try:
            if not os.path.isdir(self._folder):
                os.makedirs(self._folder, mode=0o700)
                for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
                    with open(os.path.join(self._folder, name), "x", encoding="ascii") as stream:
                        stream.write(text)
        except OSError:
            return False
        return True


_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Results of transfer-lint. `transfer-lint clean` removes them.\n"


class Remote:
    """A store below a URL that fsspec speaks to: one object for each value."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            mend = "install transfer-lint[remote-cache], and what fsspec needs for that URL"
            raise Problem(url, f"cannot be used as cache-dir: {error}", mend) from None
        except ValueError as error:
            raise Problem(url, f"cannot be used as cache-dir: {error}", "check the URL") from None

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there."""
        paths = {self._path(key): key for key in keys}

        def read() -> dict[str, bytes]:
            held = self._files.cat(list(paths), on_error="omit") if paths else {}
            values = ((paths[path], data) for path, data in held.items() if path in paths and isinstance(data, bytes))
            return {key: value for key, data in values if (value := unsealed(key, data)) is not None}

        return _if_possible(read) or {}

    def put(self, values: Mapping[str, bytes]) -> None:
        """Keep values, if that is possible."""
        objects = {self._path(key): sealed(key, value) for key, value in values.items()}

        def write() -> None:
            for folder in {path.rpartition("/")[0] for path in objects}:
                self._files.makedirs(folder, exist_ok=True)
            self._files.pipe(objects)

        _if_possible(write)

    def clean(self) -> bool:
        """Remove all that is below the URL. Returns whether there was anything."""
        found = bool(_if_possible(lambda: self._files.exists(self._root)))
        if found:
            _if_possible(lambda: self._files.rm(self._root, recursive=True))
        return found

    def _path(self, key: str) -> str:
        name = hashlib.sha256(key.encode()).hexdigest()
        return f"{self._root.rstrip('/')}/{name[:2]}/{name}"


def _if_possible(action: Callable[[], Any]) -> Any:
    """What an action on a remote store gives; None if it fails, for whatever reason its file system has."""
    try:
        return action()
    except Exception:  # no two of them raise the same
        return None


def sealed(key: str, value: bytes) -> bytes:
    """A value as it is kept: compressed, behind a digest of it and its key."""
    return _digest(key, value) + zlib.compress(value, 1)


def unsealed(key: str, kept: object) -> bytes | None:
    """The value that was kept under a key; None if that is not what is kept there."""
    if not isinstance(kept, bytes) or len(kept) < _DIGEST:
        return None
    try:
        value = zlib.decompress(kept[_DIGEST:])
    except zlib.error:
        return None
    return value if kept[:_DIGEST] == _digest(key, value) else None


def _digest(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + value).digest()[:_DIGEST]
