"""Whatever is edited, made or removed in a tree, a run with the cache finds what a run without it finds.

The files of the tree below rest on one another in every way that the analysis knows: by imports, stars and relative
imports, by classes that override and attributes that are assigned from elsewhere, by who calls a function and how
often, by ComfyUI's sockets, and by words that count wherever they stand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer_lint.files.discovery import collect
from transfer_lint.findings import Finding
from transfer_lint.lint.check import check_paths
from transfer_lint.settings import Settings

USES = """\
import torch
from torch import nn
from .nets import Net, move
from .stars import *
from . import helpers


class Loader:
    RETURN_TYPES = ("NET",)
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def load(self):
        return (Net().to("cuda:0"),)


class Runner:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    device = "cuda:0"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"net": ("NET",), "x": ("IMAGE",)}}

    def run(self, net, x):
        net.to("cuda:0")
        x = x.to("cuda:0")
        y = net(x).to("cuda:0")
        z = helpers.there(y).to("cuda:0")
        if starred(z).to(self.device).sum() > 0:
            z = move(z, "cuda:0").to("cuda:0")
        return (z.cpu(),)


class Meter:
    def measure_it(self, x: torch.Tensor):
        return float(x.to("cuda:0").sum())


def indexless(x: torch.Tensor):
    y = x.to("cuda")
    return y.to("cuda")


def made():
    return torch.zeros(3).to("cpu")


def half(x: torch.Tensor):
    net = Net().to("cuda:0", torch.float16)
    return net(x).to("cuda:0", torch.float16)


def once(x: torch.Tensor):
    return float(x.to("cuda:0").sum())
"""

NET = "import torch\nfrom torch import nn\n"
VARIANTS: Mapping[str, tuple[str | None, ...]] = {
    "__init__.py": ("", None),
    "uses.py": (USES, USES.replace('device = "cuda:0"', 'device = "cuda:1"'), USES + "\n\n# a comment\n"),
    "nets.py": (
        NET + "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(4, 4)\n    def forward(self, x):\n        return self.layer(x)\n"
        "def move(x, device):\n    return x.to(device)\n",
        NET + "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(4, 4)\n    def forward(self, x):\n        return self.layer(x).cpu()\n"
        "def move(x, device):\n    return x\n",
        "class Net:\n    pass\ndef move(x, device):\n    return x.to(device)\n",
        "class Net(:\n",
        None,
    ),
    "stars.py": (
        "from .inner import *\n",
        "def starred(x):\n    return x.cpu()\n",
        "from .inner import *\ndef other(x):\n    return x\n",
        "",
        None,
    ),
    "inner.py": (
        "import torch\ndef starred(x: torch.Tensor):\n    return x.to('cuda:0')\n",
        "def starred(x):\n    return x\n",
        None,
    ),
    "helpers.py": (
        "def there(x):\n    return x.to('cuda:0')\n",
        "def there(x):\n    return x.to('cpu')\n",
        "from .inner import starred as there\n",
        None,
    ),
    "helpers/__init__.py": (None, None, "def there(x):\n    return x\n"),
    "heirs.py": (
        None,
        "from .nets import Net\nclass Other(Net):\n    def forward(self, x):\n        return x.cpu()\n",
        "from .uses import Runner\nclass Other(Runner):\n    device = 'cpu'\n",
        "from .uses import Runner\nclass Other(Runner):\n    def f(self):\n        self.device, self.y = 1, 2\n",
    ),
    "callers.py": (
        None,
        "from .uses import once\ndef fit(loader, model):\n    for x in loader:\n        model(x)\n        once(x)\n",
        "from .uses import once\nonce(1)\n",
        "def f(runner):\n    runner.device = 'cpu'\n",
        "def fit(loader, model, meter):\n    for x in loader:\n        model(x)\n        meter.measure_it(x)\n",
        "import torch\ntorch.cuda.set_device(1)\n",
        "import torch\ntorch.set_default_device('cuda:0')\n",
        "import torch\nwith torch.autocast('cuda'):\n    pass\n",
    ),
    "meters.py": (None, None, "class Other:\n    def measure_it(self):\n        pass\n"),
    "sub/__init__.py": (None, ""),
    "sub/more.py": (
        None,
        "from ..nets import Net\ndef f(x):\n    net = Net().to('cuda:0')\n    return net(x).to('cuda:0')\n",
        "from uses import once\ndef f(xs, model):\n    for x in xs:\n        model(x)\n        once(x)\n",
    ),
    "sub/uses.py": (None, "def once(x):\n    return x\n"),
    "sub/nodes.py": (
        None,
        "from ..nets import Net\nclass Other:\n    RETURN_TYPES = ('NET',)\n    FUNCTION = 'load'\n"
        "    def load(self):\n        return (Net().to('cpu'),)\n",
    ),
    "sub/pyproject.toml": (None, None, ""),
    ".gitignore": (None, None, "inner.py\n", "sub\n"),
}  # fmt: skip

CHANGES = st.lists(
    st.sampled_from([(path, number) for path, texts in VARIANTS.items() for number in range(len(texts))]), max_size=2
)


def put(root: Path, state: Mapping[str, int]) -> None:
    for path, number in state.items():
        text, target = VARIANTS[path][number], root / path
        if text is None:
            target.unlink(missing_ok=True)
            if target.parent != root and target.parent.is_dir() and not any(target.parent.iterdir()):
                target.parent.rmdir()
        else:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)


def found(paths: tuple[str, ...], run: Settings) -> tuple[tuple[Finding, ...], list[str], int]:
    outcome = check_paths(paths, run)
    return outcome.findings, [str(problem) for problem in outcome.problems], outcome.summary.sites


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(CHANGES, st.booleans(), st.booleans()), min_size=3, max_size=12))
def test_cached_is_uncached(edits: list[tuple[list[tuple[str, int]], bool, bool]]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder, "pack")
        (root / ".git").mkdir(parents=True)
        patch.chdir(root)
        cached = Settings(root=os.getcwd(), cache_dir=os.path.join(folder, "cache"))
        uncached = Settings(root=os.getcwd(), cache=False)
        first_state = dict.fromkeys(VARIANTS, 0)
        state = first_state
        for changes, from_the_first, partly in edits:
            state = (first_state if from_the_first else state) | dict(changes)
            put(root, state)
            paths = collect(["."], uncached).files
            if partly:
                paths = paths[::2]
            first, plain, second = found(paths, cached), found(paths, uncached), found(paths, cached)
            assert first == plain
            assert second == plain


ONE_CHANGE = [({}, path, n) for path, texts in VARIANTS.items() for n in range(1, len(texts)) if texts[n] != texts[0]]
SECOND_CHANGE: list[tuple[dict[str, int], str, int]] = [
    ({"callers.py": 4}, "meters.py", 2),
    ({"sub/more.py": 2}, "sub/uses.py", 1),
    ({"sub/nodes.py": 1}, "__init__.py", 1),
]


@pytest.mark.parametrize(
    ("start", "path", "number"),
    [pytest.param(*change, id=" ".join(map(str, change))) for change in (*ONE_CHANGE, *SECOND_CHANGE)],
)
def test_one_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: dict[str, int], path: str, number: int
) -> None:
    root = tmp_path / "pack"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    cached = Settings(root=str(root), cache_dir=str(tmp_path / "cache"))
    first = dict.fromkeys(VARIANTS, 0) | start
    for state in (first, first | {path: number}, first):
        put(root, state)
        paths = collect(["."], cached).files
        assert found(paths, cached) == found(paths, replace(cached, cache=False))
