"""What tests come to, by the values that the callers in the tree give."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.callers import Callers
from transfer_lint.flow.program.options import Options
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of


def shut_out(text: str, others: Mapping[str, str] | None = None) -> bool:
    """Whether the one call of `here` in a file is shut out."""
    project = Project(Files({"example.py": text, **(others or {})}))
    module = project.add("example.py", text)
    for function in nodes_of(module.tree):
        for part in nodes_of(function) if isinstance(function, ast.FunctionDef) else ():
            if isinstance(part, ast.stmt) and not isinstance(part, ast.If):
                calls = [node for node in nodes_of(part) if isinstance(node, ast.Call)]
                found = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "here"]
                if found and part is not function:
                    return Options(Callers.of_project(project)).shut_out(module, function, part, found[0])
    raise AssertionError("no call of `here`")


IF = "def f(x, on=False):\n    if on:\n        here()\n"
SHUT_OUT = {
    "a default": IF,
    "given as it is by default": IF + "\n\ndef g():\n    f(1, False)\n    f(1, on=False)\n",
    "handed on": IF + "\n\ndef g(on=False):\n    f(1, on)\n",
    "None": "def f(x, size=None):\n    if size is not None and size > 3:\n        here()\n",
    "a number": "def f(x, every=0):\n    if every > 0:\n        here()\n",
    "the other branch": "def f(x, on=True):\n    if on:\n        pass\n    else:\n        here()\n",
    "left before": "def f(x, on=False):\n    if not on:\n        return\n    here()\n",
    "an operand": "def f(x, on=False):\n    return on and here()\n",
    "no default": "def f(x, share):\n    if share == 1:\n        here()\n\n\nf(1, 0)\nf(1, share=0)\n",
    "a keyword of another function": (
        "class A:\n    def f(self, x, method='a'):\n        if method == 'b':\n            here()\n\n\n"
        "def g(a):\n    f = a.f(1)\n    f.solve(1, method='b')\n    return a.f(2)\n"
    ),
    "a keyword of a function that is imported": (
        "from b import solve\n\n\nclass A:\n    def f(self, x, method='a'):\n        if method == 'b':\n"
        "            here()\n\n\ndef g(a):\n    f = a.f\n    return solve(f, method='b')\n"
    ),
    "an attribute": (
        "class A:\n    def __init__(self, on=False):\n        self.on = on\n\n"
        "    def f(self):\n        if self.on:\n            here()\n"
    ),
}
OPEN = {
    "given": IF + "\n\ndef g():\n    f(1, True)\n",
    "given by keyword": IF + "\n\ndef g(x):\n    f(1, on=x.on)\n",
    "given many": IF + "\n\ndef g(xs):\n    f(*xs)\n",
    "handed on by one that is given": IF + "\n\ndef g(on=False):\n    f(1, on)\n\n\ng(True)\n",
    "called as another name": (
        "class A:\n    def f(self, x, method='a'):\n        if method == 'b':\n            here()\n\n\n"
        "def g(a):\n    run = a.f\n    run(1, method='b')\n"
    ),
    "never called": "def f(x, share):\n    if share == 1:\n        here()\n",
    "assigned": "def f(x, on=False):\n    on = on or x\n    if on:\n        here()\n",
    "on": "def f(x, on=True):\n    if on:\n        here()\n",
    "the test of something else": "def f(x, on=False):\n    if on or x:\n        here()\n",
    "an attribute that is set": (
        "class A:\n    def __init__(self, on=False):\n        self.on = on\n\n"
        "    def f(self):\n        if self.on:\n            here()\n\n\ndef g(a):\n    a.on = True\n"
    ),
    "an attribute of one that is made so": (
        "class A:\n    def __init__(self, on=False):\n        self.on = on\n\n"
        "    def f(self):\n        if self.on:\n            here()\n\n\na = A(True)\n"
    ),
}


@pytest.mark.parametrize("text", SHUT_OUT.values(), ids=SHUT_OUT)
def test_what_no_caller_turns_on(text: str) -> None:
    assert shut_out(text)


@pytest.mark.parametrize("text", OPEN.values(), ids=OPEN)
def test_what_somebody_may_turn_on(text: str) -> None:
    assert not shut_out(text)


def test_callers_in_other_files_count_and_tests_do_not() -> None:
    calls = "from example import f\n\n\ndef test_f():\n    f(1, True)\n"
    assert not shut_out(IF, {"other.py": calls})
    assert shut_out(IF, {"test_other.py": calls})
