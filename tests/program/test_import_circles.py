"""Modules that import a name from each other."""

from __future__ import annotations

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import examine, project_over
from transfer_lint.settings import Settings


@pytest.mark.parametrize("other", ["one", "two"])
def test_a_name_that_nobody_binds(other: str) -> None:
    texts = {"one.py": "from two import thing\n", "two.py": f"from {other} import thing\n"}
    project = Project(Files(texts))
    module = project.add("one.py", texts["one.py"])
    found = module.binding("thing")
    assert isinstance(found, Import)
    assert project.external_name(module, found) in {"one.thing", "two.thing"}


def test_a_package_that_is_named_like_a_library_and_imports_it() -> None:
    texts = {
        "pk/__init__.py": "",
        "pk/logging/__init__.py": "from pk.logging.base import DEBUG\n",
        "pk/logging/base.py": "from logging import DEBUG\n",
        "pk/use.py": "from pk.logging import DEBUG\n\ndef step(x, lvl):\n    return x.cpu() if lvl > DEBUG else 0\n",
    }
    project = project_over(Files(texts), Settings("."))
    assert examine("pk/use.py", texts["pk/use.py"], project, Settings(".")).sites == 1
