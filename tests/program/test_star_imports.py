"""What a file's names are bound to where it imports all of another file further down."""

from __future__ import annotations

import ast

import pytest

from tests.programs.world import Files
from transfer_lint.flow.program.modules import Import
from transfer_lint.flow.program.project import Project

SETTINGS = 'import torch\n\nplace = "cpu"\n\n\ndef make():\n    return torch.ones(3)\n'


def binding(text: str, name: str) -> object:
    """What a file binds a name to, beside `settings.py`: a text that is assigned to it, or another binding."""
    files = {"example.py": text, "settings.py": SETTINGS, "all_of_it.py": "from settings import *\n"}
    found = Project(Files(files)).add("example.py", text).binding(name)
    return found.value if isinstance(found, ast.Constant) else found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('place = "cuda"\nfrom settings import *\n', "place"),
        ('if True:\n    place = "cuda"\nfrom settings import *\n', "place"),
        ("from elsewhere import place\nfrom settings import *\n", "place"),
        ("def make():\n    return 1\n\n\nfrom settings import *\n", "make"),
        ('place = "cuda"\nfrom not_in_the_tree import *\n', "place"),
        ('place = "cuda"\nfrom all_of_it import *\n', "place"),
        ('from settings import *\nplace = "cuda"\nfrom settings import *\n', "place"),
    ],
)
def test_may_be_bound_again(text: str, name: str) -> None:
    assert binding(text, name) is None


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ('from settings import *\nplace = "cuda"\n', "place", "cuda"),
        ('other = "cuda"\nfrom settings import *\n', "other", "cuda"),
        ("import torch\nfrom settings import *\n", "torch", Import("torch", 0, None)),
        ("import torch\nfrom not_in_the_tree import *\n", "torch", Import("torch", 0, None)),
        ("import torch\nfrom all_of_it import *\n", "torch", Import("torch", 0, None)),
        ("from settings import *\n", "place", "cpu"),
    ],
)
def test_stays_what_it_is(text: str, name: str, expected: object) -> None:
    assert binding(text, name) == expected
