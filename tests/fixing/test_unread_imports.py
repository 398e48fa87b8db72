"""An import that a fix leaves without a reader goes with it, where nothing else needs it; else the fix is unsafe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.notebooks import notebook
from tests.support.ruff import complaints
from transfer_lint.findings import FixHints
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.settings import Settings

BODY = '\n\ndef run(x):\n    x = x.detach().cpu()\n    return x.to(torch.device("cpu"))\n'
ON_CARD = '\n\ndef run(x):\n    x = x.detach().to("cuda:0")\n    return x.to(DEVICE)\n'
CARD = "\n\ndef run(x):\n    x = x.to('cuda:0')\n    return x.to(DEVICE)\n".replace("'", '"')
CARD = 'DEVICE = "cuda:0"\n'


@dataclass(frozen=True)
class Tree:
    """before: the file that is fixed. after: what becomes of its head; None: no safe fix changes it.

    others: path -> text of the other files.
    """

    before: str
    after: str | None
    others: dict[str, str] = field(default_factory=dict)
    path: str = "pack/a.py"


def head(before: str, after: str | None, body: str = BODY, **others: str) -> Tree:
    """Imports above a body that no longer reads them once it is fixed. others: file name in `pack` -> its text."""
    return Tree(before + body, after, {f"pack/{name}.py": text for name, text in others.items()})


TREES = {
    "alone in the file": head("import torch\n", ""),
    "under a docstring": head('"""Doc."""\n\nimport torch\n', '"""Doc."""\n'),
    "under a licence": head("# Licence.\n\nimport torch\n", "# Licence.\n"),
    "the last of several": head(
        "import os\n\nimport torch\n", "import os\n", f"{BODY}\n\ndef here():\n    return os.name\n"
    ),
    "the first of several": head(
        "import torch\n\nfrom . import b\n", "from . import b\n", f"{BODY}\n\ndef here():\n    return b\n", b=""
    ),
    "between others": head(
        "import os\n\nimport torch\n\nfrom . import b\n",
        "import os\n\nfrom . import b\n",
        f"{BODY}\n\ndef here():\n    return os, b\n",
        b="",
    ),
    "one of a statement's names": head(
        "from torch import Tensor, device\n",
        "from torch import Tensor\n",
        '\n\ndef run(x: Tensor):\n    x = x.detach().cpu()\n    return x.to(device("cpu"))\n',
    ),
    "the first of a statement's names, one a line": head(
        "from torch import (\n    device,\n    nn,\n)\n",
        "from torch import (\n    nn,\n)\n",
        '\n\ndef run(x):\n    x = x.detach().cpu()\n    return x.to(device("cpu")), nn\n',
    ),
    "with another name": head("import torch as t\n", "", BODY.replace("torch", "t")),
    "of the standard library": head(
        "import os\n", "", BODY.replace('torch.device("cpu")', '"cpu", non_blocking=os.name == "nt"')
    ),
    "in a function": Tree(
        'def run(x):\n    import torch\n\n    x = x.detach().cpu()\n    return x.to(torch.device("cpu"))\n',
        "def run(x):\n    x = x.detach().cpu()\n    return x\n",
    ),
    "of what another function takes": head(
        "import torch\n", "", f"{BODY}\n\ndef given(torch):\n    return torch.zeros(3)\n"
    ),
    "for a checker of types": head(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import torch\n",
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    pass\n",
    ),
    "of a module that only binds names": head("from .devices import DEVICE\n", "", ON_CARD, devices=CARD),
    "beside another name of its module": head(
        "from .devices import DEVICE, begin\n",
        "from .devices import begin\n",
        f"{ON_CARD}\n\ndef here():\n    begin()\n",
        devices=CARD + "print()\n\n\ndef begin():\n    pass\n",
    ),
    "of a module that does something": head(
        "from .devices import DEVICE\n", None, ON_CARD, devices=CARD + "print(DEVICE)\n"
    ),
    "of a module that imports such a one": head(
        "from .devices import DEVICE\n",
        None,
        ON_CARD,
        devices=f"from . import other\n\n{CARD}\n\ndef here():\n    return other\n",
        other="print()\n",
    ),
    "another file imports the name": head("import torch\n", None, b="from .a import torch\n\nprint(torch)\n"),
    "another file imports all names": head("import torch\n", None, b="from .a import *  # noqa: F403\n"),
    "another file reads the attribute": head("import torch\n", None, b="from . import a\n\nprint(a.torch)\n"),
    "another file names the attribute": head("import torch\n", None, b='patch = ["pack.a.torch"]\n'),
    "another file hands the module on": head("import torch\n", None, b="from . import a\n\nprint(a)\n"),
    "another file reads something else": head("import torch\n", "", b="from . import a\n\nprint(a.run)\n"),
    "all names are looked at": head("import torch\n", None, f"{BODY}\n\ndef every():\n    return globals()\n"),
    "an example in a docstring": head(
        "import torch\n", None, f'{BODY}\n\ndef zero():\n    """>>> torch.zeros(1)"""\n    return 0\n'
    ),
    "in the entry of a package": Tree("import torch\n" + BODY, None, path="pack/__init__.py"),
    "a comment beside it": head("import torch  # before all others\n", None),
    "under a condition": head("if len('a'):\n    import torch\n".replace("'", '"'), None),
    "others need what it loads": head(
        "import concurrent.futures\n\nimport torch\n",
        "import concurrent.futures\n",
        f"{BODY}\n\ndef here():\n    return concurrent\n",
    ),
}
DOING_SOMETHING = {
    "of a module that does something",
    "of a module that imports such a one",
    "a comment beside it",
    "under a condition",
}
KEPT = {
    "its author says so": head("import torch  # noqa: F401\n", None),
    "it is handed on": head("import torch as torch\n", None),
    "it is exported": head('import torch\n\n__all__ = ["torch", "run"]\n', None),
    "it is annotated": head('import torch\n\nVALUE: "torch.Tensor | None" = None\n', None),
}


@dataclass(frozen=True)
class Outcome:
    """What `fix` makes of the file of a tree, and why it refused to fix something."""

    text: str
    refused: tuple[str, ...]


def fixed(folder: Path, trees: Mapping[str, Tree], *, unsafe: bool) -> dict[str, Outcome]:
    """Trees that ruff finds clean, each in a folder of its own, are fixed, and clean after that."""
    folders = {name: folder / str(number) for number, name in enumerate(trees)}
    for name, tree in trees.items():
        for path, text in {"pack/__init__.py": "", **tree.others, tree.path: tree.before}.items():
            (folders[name] / path).parent.mkdir(parents=True, exist_ok=True)
            (folders[name] / path).write_text(text)
    (folder / "ruff.toml").touch()
    assert complaints(folder) == ""
    outcomes = {}
    for name, tree in trees.items():
        fixed_file = folders[name] / tree.path
        settings = Settings(root=str(folders[name]), fix_hints=FixHints.ALWAYS, unsafe_fixes=unsafe)
        result = fix_paths([str(fixed_file)], settings)
        assert not result.outcome.problems
        for file in result.files:
            Path(file.path).write_bytes(file.new)
        outcomes[name] = Outcome(fixed_file.read_text(), tuple(result.refused.values()))
    assert complaints(folder) == ""
    return outcomes


@pytest.fixture(scope="module")
def safely(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return fixed(tmp_path_factory.mktemp("safe"), {**TREES, **KEPT}, unsafe=False)


@pytest.fixture(scope="module")
def unsafely(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return fixed(tmp_path_factory.mktemp("unsafe"), TREES, unsafe=True)


@pytest.mark.parametrize("name", TREES)
def test_an_import_goes_with_its_last_reader(name: str, safely: dict[str, Outcome]) -> None:
    tree, outcome = TREES[name], safely[name]
    if tree.after is None:
        assert outcome.text == tree.before
        assert outcome.refused
        assert all("would be left without use" in why for why in outcome.refused)
    else:
        assert outcome.text.startswith(tree.after)
        assert outcome.text != tree.before
        assert not outcome.refused


@pytest.mark.parametrize("name", TREES)
def test_an_unsafe_fix_may_take_more_with_it(name: str, unsafely: dict[str, Outcome]) -> None:
    """Not what something else may read."""
    stays = TREES[name].after is None and name not in DOING_SOMETHING
    assert (unsafely[name].text == TREES[name].before) == stays
    assert bool(unsafely[name].refused) == stays


@pytest.mark.parametrize("name", KEPT)
def test_an_import_that_is_wanted_stays(name: str, safely: dict[str, Outcome]) -> None:
    assert safely[name].text == KEPT[name].before.replace('x.to(torch.device("cpu"))', "x")


def test_cells_keep_their_imports(tmp_path: Path) -> None:
    """The next cell that somebody writes may read them."""
    (tmp_path / "a.ipynb").write_text(notebook("import torch\n", BODY.strip()))
    result = fix_paths([str(tmp_path / "a.ipynb")], Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS))
    assert not result.files
    assert ["would be left without use" in why for why in result.refused.values()] == [True]


def test_a_file_with_an_unread_import_gets_its_fixes_and_may_get_another(tmp_path: Path) -> None:
    """There, nothing was clean: a fix is worth more than that."""
    text = "import os\nimport torch  # why\n" + BODY
    (tmp_path / "a.py").write_text(text)
    result = fix_paths([str(tmp_path / "a.py")], Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS))
    assert [file.text for file in result.files] == [text.replace('x.to(torch.device("cpu"))', "x")]
