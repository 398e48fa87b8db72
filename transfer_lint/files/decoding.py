"""The bytes of a file to its text, whatever kind of file it is."""

from __future__ import annotations

from transfer_lint.files.text import Source, decode_python, is_notebook


def decode(path: str, data: bytes) -> Source:
    """The text of a Python file, or of the cells of a notebook (told by its name).

    Raises:
        Problem: it is neither, or its text could not be written back.
    """
    if is_notebook(path):
        from transfer_lint.files import notebook  # most runs meet none

        return notebook.decode(path, data)
    return decode_python(path, data)
