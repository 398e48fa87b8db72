"""Assignments of attributes under names that are not written out: which names a text may so assign."""

from __future__ import annotations

import pytest

from transfer_lint.flow.program.unnamed_sets import ANY, MAY_SET, names_set

CASES = {
    "a name that is written out": ('setattr(x, "a", 1)', {"a"}),
    "any name": ("def f(x, k, v):\n    setattr(x, k, v)", {ANY}),
    "of a call's result": ('setattr(f(x), "a", 1)', {"a"}),
    "a text with values": ('setattr(x, f"a{n}", 1)', {ANY}),
    "a list": ('def f(x):\n    for k in ["a", "b"]:\n        setattr(x, k, 1)', {"a", "b"}),
    "a local list": ('def f(x):\n    ks = {"a"}\n    for k in ks:\n        setattr(x, k, 1)', {"a"}),
    "one of two lists": ('def f(x, y):\n    ks = ["a"]\n    ks = y\n    for k in ks:\n        setattr(x, k, 1)', {ANY}),
    "a module": ("import a.b\n\n\ndef f(k):\n    setattr(a.b, k, 1)", set()),
    "this module": ("import sys\n\n\ndef f(k):\n    setattr(sys.modules[__name__], k, 1)", set()),
    "an object of a module": ("from a import b\n\n\ndef f(k):\n    setattr(b, k, 1)", {ANY}),
    "self": ("class A:\n    def f(self, k):\n        setattr(self, k, 1)", set()),
    "past a class's own": ("def f(x, k):\n    object.__setattr__(x, k, 1)", {ANY}),
    "a namespace": ("def f(x, k):\n    x.__dict__[k] = 1", {ANY}),
    "a namespace, by name": ('def f(x):\n    x.__dict__["a"] = 1', {"a"}),
    "a namespace, all at once": ("def f(x, y):\n    vars(x).update(y)", {ANY}),
    "a namespace, through a local": ("def f(x, k):\n    d = x.__dict__\n    d[k] = 1", {ANY}),
    "a namespace that is read": ("def f(x, k):\n    return x.__dict__[k], dict(vars(x)), k in vars(x)", set()),
    "a namespace that is looked through": ("def f(x):\n    d = vars(x)\n    return [k for k in d], {**d}", set()),
    "a namespace that is given": ("def f(x):\n    g(x.__dict__)", {ANY}),
    "a namespace that is given back": ("def f(x):\n    d = vars(x)\n    return d", {ANY}),
    "a namespace that is kept": ("def f(x, y):\n    y.space = vars(x)", {ANY}),
    "a namespace that a function inside sees": (
        "def f(x):\n    d = vars(x)\n    def g(k):\n        d[k] = 1\n    return g",
        {ANY},
    ),
    "a function's name": ("def f(xs, ks, vs):\n    map(setattr, xs, ks, vs)", {ANY}),
    "a method's name": ("def f(x):\n    return x.__setattr__", {ANY}),
    "options": ("import argparse\n\np = argparse.ArgumentParser()\na = p.parse_args()\nsetattr(a, k, 1)", set()),
    "options, or not": ("import argparse\n\na = argparse.Namespace()\na = f()\nsetattr(a, k, 1)", {ANY}),
    "its own values": ("def f(x):\n    for k, v in list(vars(x).items()):\n        setattr(x, k, v)", set()),
    "copies of its own": ("def f(x):\n    for k, v in x.__dict__.items():\n        setattr(x, k, copy.copy(v))", set()),
    "another's values": ("def f(x, y):\n    for k, v in vars(y).items():\n        setattr(x, k, v)", {ANY}),
    "its own values, changed": ("def f(x):\n    for k, v in vars(x).items():\n        setattr(x, k, g(v))", {ANY}),
    "under another's name": (
        "def f(x, k):\n    for n, v in vars(x).items():\n        setattr(x, k, v)",
        {ANY},
    ),
    "of two owners": ("def f(x, y):\n    for k, v in vars(x).items():\n        x = y\n        setattr(x, k, v)", {ANY}),
    "a value that is bound again": (
        "def f(x):\n    for k, v in vars(x).items():\n        v = g(v)\n        setattr(x, k, v)",
        {ANY},
    ),
    "what was noted": (
        "def f(x):\n    d = {n: getattr(x, n) for n in g()}\n    for k, v in d.items():\n        setattr(x, k, v)",
        set(),
    ),
    "what was noted, and changed": (
        "def f(x):\n    d = {n: getattr(x, n) for n in g()}\n    d['a'] = 1\n    for k, v in d.items():\n"
        "        setattr(x, k, v)",
        {ANY},
    ),
    "what does not parse": ("def f(x, k): setattr(x, k, 1) )", {ANY}),
}


@pytest.mark.parametrize(("text", "names"), CASES.values(), ids=CASES.keys())
def test_names(text: str, names: set[str]) -> None:
    assert set(names_set(text)) == names
    assert ANY not in names or MAY_SET.search(text)
