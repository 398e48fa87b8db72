"""Modules that import a name from each other."""

from __future__ import annotations

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.project import Project


@pytest.mark.parametrize("other", ["one", "two"])
def test_a_name_that_nobody_binds(other: str) -> None:
    texts = {"one.py": "from two import thing\n", "two.py": f"from {other} import thing\n"}
    project = Project(Files(texts))
    module = project.add("one.py", texts["one.py"])
    found = module.binding("thing")
    assert isinstance(found, Import)
    assert project.external_name(module, found) in {"one.thing", "two.thing"}
