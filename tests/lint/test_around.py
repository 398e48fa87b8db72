"""`explain` and the editor's hints interpret no more than what lies around the lines that they are asked about."""

from __future__ import annotations

import pytest

from transfer_lint.files.tree import DiskSources
from transfer_lint.flow.analysis import Analysis
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.assigned_placements import placements

TEXT = """\
import torch

def first(x: torch.Tensor):
    y = x.to("cuda:0")
    return y

class C:
    def second(self, x: torch.Tensor):
        z = x.cpu()
        return z
"""


@pytest.mark.parametrize(
    ("lines", "names"), [(range(1, 2), []), (range(4, 5), ["first"]), (range(9, 10), ["second"]), (range(1, 99), 2)]
)
def test_only_functions_with_these_lines(lines: range, names: list[str] | int) -> None:
    project = Project(DiskSources({"a.py": TEXT}))
    module = project.add("a.py", TEXT)
    around = Analysis(project, watching=True).interpretations(module, lines)
    found = [interpretation.function.name for interpretation in around if interpretation.function]
    assert found == names or len(found) == names


def test_placements_on_some_lines() -> None:
    def where(lines: range) -> list[tuple[int, str]]:
        return [(p.line, p.where) for p in placements("a.py", TEXT, lines, Project(DiskSources({"a.py": TEXT})))]

    assert where(range(1, 99)) == [(4, "cuda:0, x.dtype"), (9, "cpu, x.dtype")]
    assert where(range(4, 5)) == [(4, "cuda:0, x.dtype")]
    assert where(range(5, 9)) == []
