"""The text of a Python file: decoding its bytes as Python does, its lines, and encoding a changed text."""

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
    """A decoded file. text: without BOM, line endings unchanged. encoding, bom: what `encode` writes it back with."""

    path: str
    text: str
    encoding: str
    bom: bool

    def on_disk(self, text: str) -> str:
        """The content of the file, as text, with `text` as its source: `text` itself; for a notebook its JSON.

        Raises:
            Problem: the file cannot hold `text`.
        """
        return text

    def encode(self, text: str) -> bytes:
        """The bytes of the file with `text` as its source.

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
    """Decode bytes as Python decodes a source file: by BOM or PEP 263 coding cookie, else as UTF-8.

    Line endings are kept.

    Raises:
        Problem: the bytes are not Python source text, or encoding the text again would give other bytes.
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
        found = "utf-8"  # the first lines are not UTF-8, or BOM and cookie disagree: decoding below decides
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


def encode_source(path: str, text: str) -> bytes:
    """The bytes of a file that holds `text`, in the encoding that its PEP 263 coding cookie names, else in UTF-8.

    Raises:
        Problem: that encoding has no character for something in `text`.
    """
    try:
        found, _ = tokenize.detect_encoding(io.BytesIO(text.encode("utf-8", "replace")).readline)
    except SyntaxError:
        found = "utf-8"  # the cookie is of no use, which decoding reports
    encoding = "utf-8" if found == "utf-8-sig" else found  # then the text itself begins with the BOM
    return Source(path, text, encoding, bom=False).encode(text)


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, with line endings. `str.splitlines` also splits at form feeds, for example."""
    return list(io.StringIO(text, newline=""))


def newline_of(text: str) -> str:
    r"""The first line ending in `text`; `\n` if there is none."""
    found = _LINE_END.search(text)
    return found.group() if found else "\n"
