"""Which functions and classes a tree does not use."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.unused import Unused

LOSSES = "def used(x):\n    return x\n\n\nclass Focal:\n    def forward(self, x):\n        return x\n"
MAIN = {"main.py": "from losses import used\n\nused(1)\n"}


def unused(text: str, others: Mapping[str, str], name: str = "Focal") -> bool:
    """Whether the function or class of a file is unused in a tree with these other files."""
    project = Project(Files({"losses.py": text, **others}))
    module = project.add("losses.py", text)
    (function,) = (f for f in module.functions if f.qualname.startswith(name))
    return Unused.of_project(project).holds(function)


UNUSED = {
    "a class": (LOSSES, MAIN),
    "a function": (LOSSES.replace("class Focal:\n    def forward(self, x):", "def Focal(x):\n    if x:"), MAIN),
    "another one of that name": (LOSSES, {**MAIN, "other.py": "class Focal:\n    pass\n\n\nFocal()\n"}),
    "a base": (LOSSES.replace("Focal:", "Focal(Module):"), MAIN),
}
USED = {
    "imported": (LOSSES, {"main.py": "from losses import Focal, used\n"}),
    "imported elsewhere": (LOSSES, {**MAIN, "other.py": "from .losses import (\n    Focal,\n)\n"}),
    "read here": (LOSSES + "\n\nTABLE = [Focal]\n", MAIN),
    "named as text": (LOSSES, {**MAIN, "other.py": "TARGET = 'losses.Focal'\n"}),
    "exported": (LOSSES + "\n\n__all__ = ['used', 'Focal']\n", MAIN),
    "all names are read": (LOSSES + "\n\nTABLE = globals()\n", MAIN),
    "all is imported": (LOSSES, {**MAIN, "other.py": "from losses import *\n"}),
    "the module is imported": (LOSSES, {**MAIN, "other.py": "import losses\n\nmake = getattr(losses, 'Fo' + 'cal')\n"}),
    "nobody imports from the file": (LOSSES, {"main.py": "x = 1\n"}),
    "alone": (LOSSES, {}),
    "decorated": (LOSSES.replace("class", "@register\nclass"), MAIN),
    "heirs are found": (LOSSES.replace("Focal:", "Focal(Loss):"), {**MAIN, "a.py": "Loss.__subclasses__()\n"}),
}


@pytest.mark.parametrize(("text", "others"), UNUSED.values(), ids=UNUSED)
def test_unused(text: str, others: Mapping[str, str]) -> None:
    assert unused(text, others)


@pytest.mark.parametrize(("text", "others"), USED.values(), ids=USED)
def test_used(text: str, others: Mapping[str, str]) -> None:
    assert not unused(text, others)
    assert not unused(text, others, "used")
