"""Quotes of new strings: those that a file has in most places."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from functools import lru_cache

import libcst as cst

_QUOTE = re.compile("[A-Za-z]*(['\"])(?!\\1\\1)")
_STRINGS = ("STRING", "FSTRING_START", "TSTRING_START")


def in_quotes_of(code: str, module: cst.Module, old: Container[cst.CSTNode]) -> cst.Module:
    """The module with its new strings in the quotes of `code`. old: the nodes that it had before, which stay."""
    return cst.ensure_type(module.visit(_Single(old)), cst.Module) if _prefers_single(code) else module


@lru_cache(maxsize=1)
def _prefers_single(code: str) -> bool:
    """Whether more strings of the code are in single quotes than in double ones, docstrings and the like aside."""
    found: Counter[str] = Counter()
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(code, newline="").readline):
            if tokenize.tok_name[token.type] in _STRINGS and (quote := _QUOTE.match(token.string)):
                found[quote.group(1)] += 1
    return found["'"] > found['"']


class _Single(cst.CSTTransformer):
    def __init__(self, old: Container[cst.CSTNode]) -> None:
        super().__init__()
        self._old = old

    def on_visit(self, node: cst.CSTNode) -> bool:
        return node not in self._old

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        text = updated_node.value
        if original_node in self._old or not re.fullmatch(r'"[^"\'\\]+"', text):
            return updated_node
        return updated_node.with_changes(value=f"'{text[1:-1]}'")
