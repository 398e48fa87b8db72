"""The house is as the contract in pyproject.toml says, and docs/architecture.md shows it as it is."""

from __future__ import annotations

import importlib
import re
import runpy
from pathlib import Path

import pytest
from importlinter import cli

from tests.support.command import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "make_architecture_docs.py"))
PAGE: str = SCRIPT["FILE"].read_text(encoding="utf-8")
ROOMS = sorted(
    f"{package}.{room}"
    for package in SCRIPT["PACKAGES"]
    for row in SCRIPT["layers_of"](package)
    for room in row
    if ROOT.joinpath(*package.split("."), room).is_dir()
)


def kept(config: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.chdir(config.parent)
    monkeypatch.syspath_prepend(str(config.parent))
    return cli.lint_imports(str(config), no_cache=True) == cli.EXIT_STATUS_SUCCESS


def test_the_contract_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(ROOT / "pyproject.toml", monkeypatch), "lint-imports says which import breaks it"


CONTRACT = """
[importlinter]
root_package = {name}

[importlinter:contract:1]
name = No circles
type = acyclic_siblings
ancestors = {name}
"""


@pytest.mark.parametrize(
    ("name", "back", "holds"),
    [
        pytest.param("plain_house", "", True, id="one way"),
        pytest.param("open_house", "from open_house import top", False, id="a circle"),
        pytest.param(
            "hidden_house",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hidden_house import top",
            False,
            id="a circle for type checking",
        ),
        pytest.param("late_house", "def later():\n    from late_house import top", False, id="a circle in a function"),
    ],
)
def test_every_kind_of_circle_breaks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, back: str, holds: bool
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "top.py").write_text(f"from {name} import bottom\n")
    (tmp_path / name / "bottom.py").write_text(f"{back}\n")
    (tmp_path / "contract.ini").write_text(CONTRACT.format(name=name))
    assert kept(tmp_path / "contract.ini", monkeypatch) is holds


def test_the_maps_are_current() -> None:
    assert SCRIPT["document"](PAGE) == PAGE, "python scripts/make_architecture_docs.py"


def named() -> list[str]:
    prose = re.sub(r"<!-- (?:map|rooms) of .*?<!-- end of \w+ -->|```.*?```", "", PAGE, flags=re.DOTALL)
    return sorted(set(re.findall(r"`((?:[a-z]\w*\.)+[A-Za-z]\w*)(?:\(\))?`", prose)))


@pytest.mark.parametrize("name", [name for name in named() if not name.endswith((".toml", ".py"))])
def test_what_the_page_names_is_there(name: str) -> None:
    parts = name.split(".")
    for prefix in ("transfer_lint.", "transfer_lint.flow.", ""):
        for size in range(len(parts), 0, -1):
            try:
                found: object = importlib.import_module(prefix + ".".join(parts[:size]))
                for part in parts[size:]:
                    found = getattr(found, part)
            except (ImportError, AttributeError):
                continue
            return
    pytest.fail(f"docs/architecture.md speaks of `{name}`, which is not there")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_takes_and_gives(room: str) -> None:
    text = importlib.import_module(room).__doc__ or ""
    assert "May import " in text
    assert "Hands out " in text
