"""The text of a Python file: decoding its bytes as Python does, its lines, and encoding a changed text again."""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from dataclasses import dataclass

from transfer_lint.problems import Problem

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Source:
    """A decoded file. text: without its BOM, line ends as they are. encoding: what `encode` writes it back with."""

    path: str
    text: str
    encoding: str
    bom: bool

    def on_disk(self, text: str) -> str:
        """What the file would hold, as text, if `text` were its text: `text` itself, but for notebooks.

        Raises:
            Problem: it cannot hold it.
        """
        return text

    def encode(self, text: str) -> bytes:
        """Bytes of `text` as this file would hold it.

        Raises:
            Problem: the file's encoding has no character for something in `text`.
        """
        try:
            data = text.encode(self.encoding)
        except UnicodeError as error:
            raise Problem(
                self.path, f"cannot be written back as {self.encoding} ({error})", "save it as UTF-8"
            ) from None
        return codecs.BOM_UTF8 + data if self.bom else data


def is_notebook(path: str) -> bool:
    """Whether a file is a notebook, by its name."""
    return path.endswith(".ipynb")


def decode_python(path: str, data: bytes) -> Source:
    """Bytes to text, as Python reads a source file: BOM, PEP 263 cookie, else UTF-8. Line ends are kept.

    Raises:
        Problem: the bytes are no Python source text, or would not come back the same.
    """
    if b"\0" in data:
        raise Problem(path, "holds NUL bytes, so it is not Python source", "save it as UTF-8, or exclude it")
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    try:
        found, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        if "unknown encoding" in str(error):
            raise Problem(path, f"its coding cookie is of no use ({error})", "mend the cookie") from None
        found = "utf-8"  # the first lines are not UTF-8, or BOM and cookie disagree: decoding says which
    encoding = "utf-8" if found == "utf-8-sig" else found
    try:
        text = body.decode(encoding)
        unchanged = text.encode(encoding) == body
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        what = (
            "is not UTF-8 and has no coding cookie" if encoding == "utf-8" else f"is not {encoding}, its coding cookie"
        )
        raise Problem(path, f"{what} (line {line})", "save it as UTF-8, or name its encoding in line 1") from None
    except (UnicodeError, LookupError) as error:
        raise Problem(path, f"its coding cookie is of no use ({error})", "save it as UTF-8") from None
    if not unchanged:
        raise Problem(path, f"would not come back the same from {encoding}", "save it as UTF-8")
    return Source(path, text, encoding, bom)


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, line ends kept. `str.splitlines` would also split at form feeds and the like."""
    return list(io.StringIO(text, newline=""))


def newline_of(text: str) -> str:
    r"""The first line end in `text`; `\n` where there is none."""
    found = _LINE_END.search(text)
    return found.group() if found else "\n"
