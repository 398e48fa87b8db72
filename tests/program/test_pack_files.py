"""Which files of a node pack ComfyUI does not load."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.project import Project

PACK = "NODE_CLASS_MAPPINGS = {}\n"
TRAIN = {"pack/train.py": "x = 1\n"}


def left_out(others: Mapping[str, str], path: str = "pack/train.py") -> bool:
    """Whether ComfyUI does not load a file of a tree."""
    files = {**TRAIN, **others}
    return Project(Files(files)).is_loaded(path) is False


LEFT_OUT = {
    "imported by nothing": {"pack/__init__.py": PACK},
    "imported by what nothing imports": {"pack/__init__.py": PACK, "pack/main.py": "import train\n"},
    "another of that name": {"pack/__init__.py": "from .a.train import a\n" + PACK, "pack/a/train.py": "a = 1\n"},
    "not named": {"pack/__init__.py": "import_module(f'.nodes.{x}', __name__)\n" + PACK, "pack/nodes/a.py": "a = 1\n"},
    "a script, where names come from elsewhere": {
        "pack/__init__.py": "import_module(name)\n" + PACK,
        "pack/train.py": "if __name__ == '__main__':\n    run()\n",
    },
}
LOADED = {
    "no pack": {"main.py": "x = 1\n"},
    "a module with nodes that is no pack": {"nodes.py": PACK},
    "imported": {"pack/__init__.py": "from . import train\n" + PACK},
    "imported from": {"pack/__init__.py": "from .train import (\n    x,  # one\n)\n" + PACK},
    "imported in a function": {"pack/__init__.py": "def f():\n    import pack.train as t\n" + PACK},
    "on the way": {
        "pack/__init__.py": "from .nodes import *\n" + PACK,
        "pack/nodes/__init__.py": "from .a import b\n",
        "pack/nodes/a.py": "from ..train import x\n\nb = x\n",
    },
    "the way of sys.path": {"pack/__init__.py": "import sys\n\nsys.path.append('x')\nimport train\n" + PACK},
    "by name": {"pack/__init__.py": "for name in ['train']:\n    import_module(f'.{name}', __name__)\n" + PACK},
    "by some name": {"pack/__init__.py": "def load(name):\n    return import_module(name)\n" + PACK},
    "all files beside it": {"pack/__init__.py": "for p in here.iterdir():\n    import_module(p.stem)\n" + PACK},
    "by path": {"pack/__init__.py": "spec_from_file_location(path.stem, path)\n" + PACK + "x = 'py'\n"},
    "itself with nodes": {"pack/__init__.py": PACK, "pack/train.py": PACK},
}


@pytest.mark.parametrize("others", LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_not_loaded(others: Mapping[str, str]) -> None:
    assert left_out(others)


@pytest.mark.parametrize("others", LOADED.values(), ids=LOADED)
def test_what_is_loaded(others: Mapping[str, str]) -> None:
    assert not left_out(others)


def test_all_of_a_folder_whose_modules_are_imported_by_name() -> None:
    by_name = {"pack/__init__.py": "import_module(f'.nodes.{x}', __name__)\n" + PACK, "pack/nodes/a.py": "a = 1\n"}
    assert not left_out(by_name, "pack/nodes/a.py")


def test_the_package_around_a_module_is_loaded_with_it() -> None:
    files = {"pack/__init__.py": "import pack.nodes.a\n" + PACK, "pack/nodes/a.py": "a = 1\n"}
    assert not left_out({**files, "pack/nodes/__init__.py": "from .. import train\n"})
