"""Source text to syntax trees, without a word: what Python warns of in linted code is not for the terminal."""

from __future__ import annotations

import ast
import warnings


def parse(text: str, *, feature_version: tuple[int, int] | None = None) -> ast.Module:
    """The syntax tree of a module. Raises SyntaxError, ValueError, RecursionError and MemoryError as `ast.parse`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, feature_version=feature_version)


def parse_expression(text: str) -> ast.expr:
    """The syntax tree of an expression. Raises what `parse` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval").body
