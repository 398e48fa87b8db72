"""Which functions and classes a tree does not use."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.unused import Unused

LOSSES = "def used(x):\n    return x\n\n\nclass Focal:\n    def forward(self, x):\n        return x\n"
SUMS = "from losses import Focal\n\n\ndef add(x):\n    return Focal()(x)\n\n\ndef one():\n    return 1\n"
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
    "only imported": (LOSSES, {"main.py": "from losses import Focal, used\n"}),
    "only for what is unused": (LOSSES + "\n\nclass Sum:\n    part = Focal\n", MAIN),
    "only for what is unused elsewhere": (
        LOSSES,
        {**MAIN, "sums.py": SUMS, "last.py": "from sums import one\n\none()\n"},
    ),
}
USED = {
    "imported": (LOSSES, {"main.py": "from losses import Focal, used\n\nFocal(used)\n"}),
    "imported elsewhere": (LOSSES, {**MAIN, "other.py": "from .losses import (\n    Focal,\n)\n\nx = [Focal]\n"}),
    "imported for users": (LOSSES, {**MAIN, "__init__.py": "from .losses import Focal\n"}),
    "imported under another name": (LOSSES, {**MAIN, "other.py": "from losses import Focal as Best\n"}),
    "found under any name": (LOSSES, {**MAIN, "other.py": "from losses import Focal\n\nmake = eval\n"}),
    "for what is used": (LOSSES + "\n\nclass Sum:\n    part = Focal\n\n\nx = Sum()\n", MAIN),
    "read here": (LOSSES + "\n\nTABLE = [Focal]\n", MAIN),
    "named as text": (LOSSES, {**MAIN, "other.py": "TARGET = 'losses.Focal'\n"}),
    "exported": (LOSSES + "\n\n__all__ = ['used', 'Focal']\n", MAIN),
    "all names are read": (LOSSES + "\n\nTABLE = globals()\n", MAIN),
    "all is imported": (LOSSES, {**MAIN, "other.py": "from losses import *\n"}),
    "the module is imported": (LOSSES, {**MAIN, "other.py": "import losses\n\nmake = getattr(losses, 'Fo' + 'cal')\n"}),
    "nobody imports from the file": (LOSSES, {"main.py": "x = 1\n"}),
    "alone": (LOSSES, {}),
    "decorated": (LOSSES.replace("class", "@register\nclass"), MAIN),
    "made by a name": (LOSSES, {**MAIN, "other.py": "def make(name):\n    return import_module(name)\n"}),
    "made by a library": (LOSSES, {**MAIN, "other.py": "import hydra\n"}),
    "heirs are found": (LOSSES.replace("Focal:", "Focal(Loss):"), {**MAIN, "a.py": "Loss.__subclasses__()\n"}),
}


PACK = "from losses import Focal, used\n\nNODE_CLASS_MAPPINGS = {"
UNUSED_IN_PACK = {
    "only imported": {"__init__.py": PACK + "}\n"},
    "only for what ComfyUI does not load": {"__init__.py": PACK + "}\n", "train.py": SUMS},
    "the module is imported": {"__init__.py": "import losses\n\nNODE_CLASS_MAPPINGS = {}\n"},
}
USED_IN_PACK = {
    "a node": {"__init__.py": PACK + "'a': Focal}\n"},
    "in the module": {"__init__.py": "import losses\n\nNODE_CLASS_MAPPINGS = {'a': losses.Focal}\n"},
    "under another name": {"__init__.py": "from losses import Focal as F\n\nNODE_CLASS_MAPPINGS = {'a': F}\n"},
    "by all of the module": {"__init__.py": "from losses import *\n\nNODE_CLASS_MAPPINGS = {'a': Focal}\n"},
    "named as text": {"__init__.py": PACK + "'a': 'Focal'}\n"},
    "modules are imported by any name": {"__init__.py": PACK + "}\nimport_module(name)\n"},
}


@pytest.mark.parametrize("others", UNUSED_IN_PACK.values(), ids=UNUSED_IN_PACK)
def test_what_no_node_uses(others: Mapping[str, str]) -> None:
    assert unused(LOSSES, others)


@pytest.mark.parametrize("others", USED_IN_PACK.values(), ids=USED_IN_PACK)
def test_what_a_node_may_use(others: Mapping[str, str]) -> None:
    assert not unused(LOSSES, others)


HELD = "class Held:\n    def get(self):\n        return self\n\n    def put(self, x):\n        self.get()\n"


def test_methods_that_no_text_names() -> None:
    main = {"main.py": "from losses import Held\n\nHeld()\n"}
    assert unused(HELD, main, "Held.put")
    assert not unused(HELD, main, "Held.get")
    assert not unused(HELD, {}, "Held.put"), "the class may be there for users"
    assert not unused(HELD, {"main.py": main["main.py"] + "x.put(1)\n"}, "Held.put")
    assert not unused(HELD.replace("Held:", "Held(Module):"), main, "Held.put"), "its base may call it"
    assert not unused(HELD.replace("    def put", "    @property\n    def put"), main, "Held.put")
    assert not unused(HELD.replace("put", "__call__"), main, "Held.__call__")


def test_methods_that_no_node_names() -> None:
    files = {"__init__.py": "from losses import Held\n\nNODE_CLASS_MAPPINGS = {'a': Held}\n", "train.py": "x.put(1)\n"}
    assert unused(HELD, files, "Held.put")
    assert not unused(HELD, {**files, "__init__.py": files["__init__.py"] + "x.put(1)\n"}, "Held.put")


@pytest.mark.parametrize(("text", "others"), UNUSED.values(), ids=UNUSED)
def test_unused(text: str, others: Mapping[str, str]) -> None:
    assert unused(text, others)


@pytest.mark.parametrize(("text", "others"), USED.values(), ids=USED)
def test_used(text: str, others: Mapping[str, str]) -> None:
    assert not unused(text, others)
    assert not unused(text, others, "used")
