"""Special methods of a text that move or assign something, and which of them an operation may run."""

from __future__ import annotations

import ast

import pytest

from transfer_lint.flow.program.special_methods import acts, names_acting, run_by

CASES = {
    "a move": ("class A:\n    def __str__(self):\n        return self.net.to('cpu')\n", {"__str__"}),
    "an attribute": ("class A:\n    def __len__(self):\n        self.n = 1\n        return 1\n", {"__len__"}),
    "an item of an attribute": ("class A:\n    def __getitem__(self, k):\n        self.d[k] = 1\n", {"__getitem__"}),
    "an item of a local": ("class A:\n    def __getitem__(self, k):\n        d = {}\n        d[k] = 1\n", set()),
    "what only looks": ("class A:\n    def __len__(self):\n        return len(self.items)\n", set()),
    "what a call shows": ("class A:\n    def __call__(self, x):\n        self.x = x\n", set()),
    "what the next method does": (
        "class A:\n    def __len__(self):\n        return 1\n\n    def move(self):\n        self.net.cpu()\n",
        set(),
    ),
    "a property": ("class A:\n    @property\n    def first(self):\n        return self.net.cpu()\n", {".first"}),
    "a setter": ("class A:\n    @first.setter\n    def first(self, v):\n        self.v = v\n", {".first="}),
    "a signature of several lines": (
        "class A:\n    def __add__(\n        self,\n        other,\n    ):\n        self.n = other\n",
        {"__add__"},
    ),
    "what does not parse": ("class A:\n    def __add__(self):\n        return )\n", {"__add__"}),
}


@pytest.mark.parametrize(("text", "names"), CASES.values(), ids=CASES.keys())
def test_names(text: str, names: set[str]) -> None:
    assert set(names_acting(text)) == names


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return len(self.items)", False),
        ("return super().__getattr__(name)", False),
        ("return self.other()", True),
        ("self.n += 1", True),
        ("del self.n", True),
    ],
)
def test_what_acts(body: str, expected: bool) -> None:
    assert acts(ast.parse(f"def __len__(self):\n    {body}\n").body[0]) is expected


@pytest.mark.parametrize(
    ("code", "dotted", "method"),
    [
        ("a + b", "", "__radd__"),
        ("'%s' % a", "", "__str__"),
        ("not a", "", "__len__"),
        ("-a", "", "__neg__"),
        ("a in b", "", "__contains__"),
        ("a < b", "", "__gt__"),
        ("a[b]", "", "__getitem__"),
        ("f'{a}'", "", "__format__"),
        ("sorted(a)", "builtins.sorted", "__lt__"),
        ("torch.add(a, b)", "torch.add", "__torch_function__"),
        ("a.b", ".b", "__getattr__"),
        ("a.b", ".b=", "__setattr__"),
    ],
)
def test_what_an_operation_runs(code: str, dotted: str, method: str) -> None:
    assert method in run_by(ast.parse(code, mode="eval").body, dotted)
