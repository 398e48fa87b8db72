"""What a rewrite need not touch stays as it was, byte for byte; what it adds follows the file's own ways."""

from __future__ import annotations

from codecs import BOM_UTF8

import libcst as cst
import pytest

from tests.codemods.marks import unmark
from transfer_codemods import Anchor, DeleteTransfer, Plan, rewrite


def rewritten(marked: bytes) -> bytes:
    encoding = "utf-8-sig" if marked.startswith(BOM_UTF8) else "utf-8"
    source, plan = unmark(marked.decode(encoding))
    result = rewrite(cst.parse_module(source.encode(encoding)), plan)
    assert not result.refused
    return result.module.bytes


CASES = {
    "CRLF": (
        b"def f(x, m):\r\n    # c\r\n    x = x.\xe2\x9f\xa6to|tensor\xe2\x9f\xa7(d)\r\n    return x\r\n",
        b"def f(x, m):\r\n    # c\r\n    if x.device != d:\r\n        x = x.to(d)\r\n    return x\r\n",
    ),
    "CRLF and a test over lines": (
        "import os\r\ndef f(x, m):\r\n    m.⟦to|module t0⟧(d)\r\n".encode(),
        b"import os\r\nfrom itertools import chain\r\ndef f(x, m):\r\n    if any(\r\n"
        b"        t.dtype != d and (t.is_floating_point() or t.is_complex())\r\n"
        b"        for t in chain(m.parameters(), m.buffers())\r\n    ):\r\n        m.to(d)\r\n",
    ),
    "mixed newlines": (
        "a = 1\r\nb = 2\nx = x.⟦to|tensor⟧(d)\nc = 3\r\n".encode(),
        b"a = 1\r\nb = 2\nif x.device != d:\r\n    x = x.to(d)\nc = 3\r\n",
    ),
    "tabs": (
        "def f(x):\n\tx = x.⟦to|tensor⟧(d)\n".encode(),
        b"def f(x):\n\tif x.device != d:\n\t\tx = x.to(d)\n",
    ),
    "two blanks": (
        "def f(x):\n  return x.⟦to|tensor rebind⟧(d)\n".encode(),
        b"def f(x):\n  if x.device != d:\n    x = x.to(d)\n  return x\n",
    ),
    "uneven blocks": (
        "def f(x):\n  if x:\n       return x.⟦to|tensor rebind⟧(d)\n".encode(),
        b"def f(x):\n  if x:\n       if x.device != d:\n         x = x.to(d)\n       return x\n",
    ),
    "form feed": (
        "a = 1\n\x0c\ndef f(x):\n    x = x.⟦to|delete⟧(d)\n    return x\n\x0c\nb\n".encode(),
        b"a = 1\n\x0c\ndef f(x):\n    return x\n\x0c\nb\n",
    ),
    "no final newline": ("y = 1\nx = x.⟦to|tensor⟧(d)".encode(), b"y = 1\nif x.device != d:\n    x = x.to(d)"),
    "no final newline, last line gone": ("y = 1\nx = x.⟦to|delete⟧(d)".encode(), b"y = 1"),
    "no final newline, last line gone but for its comment": (
        "y = 1\nx = x.⟦to|delete⟧(d)  # c".encode(),
        b"y = 1\n# c",
    ),
    "no final newline, no block": (
        "if a:\n    x = x.⟦to|delete⟧(d)  # c".encode(),
        b"if a:\n    pass  # c",
    ),
    "byte order mark": ("\ufeffx.⟦to|tensor⟧(d)\n".encode(), b"\xef\xbb\xbfif x.device != d:\n    x.to(d)\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_bytes(name: str) -> None:
    before, after = CASES[name]
    assert rewritten(before) == after


def test_declared_encoding() -> None:
    source = "# coding: latin-1\nä = 'é'; x = x.to(d)  # ü\nb = 'ß'\n".encode("latin-1")
    module = cst.parse_module(source)
    result = rewrite(module, {Anchor(2, 16): DeleteTransfer()})
    assert result.module.bytes == "# coding: latin-1\nä = 'é'  # ü\nb = 'ß'\n".encode("latin-1")


@pytest.mark.parametrize("plan", [{}, {Anchor(1, 1): DeleteTransfer()}, {Anchor(99, 1): DeleteTransfer()}], ids=len)
def test_nothing_to_do(plan: Plan) -> None:
    """An empty plan, and one of which nothing can be carried out, leave the file alone."""
    source = b"x  =  y . to( d )\t# c \r\n\x0c\nif a : b ;\n\n#end"
    result = rewrite(cst.parse_module(source), plan)
    assert result.module.bytes == source
    assert result.refused == dict.fromkeys(plan, "No method call stands at this position.")


def test_anchor_is_the_method_name() -> None:
    """Neither the receiver's start, nor the parenthesis, nor a name that is not called."""
    source = "y = x.to(d) + x.to\n"
    for column in range(1, len(source) + 1):
        result = rewrite(cst.parse_module(source), {Anchor(1, column): DeleteTransfer()})
        assert bool(result.refused) == (column != 7)


def test_given_tree_stays_as_it_was() -> None:
    module = cst.parse_module("y = x.to(d)\n")
    assert rewrite(module, {Anchor(1, 7): DeleteTransfer()}).module.code == "y = x\n"
    assert module.code == "y = x.to(d)\n"
