"""Decode the bytes of a file, a Python file or a notebook, to its text."""

from __future__ import annotations

from transfer_lint.files.text import Source, decode_python, is_notebook


def decode(path: str, data: bytes) -> Source:
    """The decoded text of a Python file, or of the cells of a notebook (recognised by its name).

    Raises:
        Problem: the file is neither, or its text could not be written back.
    """
    if is_notebook(path):
        from transfer_lint.files import notebook  # imported late: most runs have no notebook

        return notebook.decode(path, data)
    return decode_python(path, data)
