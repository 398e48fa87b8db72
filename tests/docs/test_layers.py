"""The layers import each other as CONTRIBUTING's table says."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.documents import read

LINT, REWRITES = "transfer_lint", "transfer_codemods"


@dataclass(frozen=True)
class Layer:
    name: str
    modules: tuple[str, ...]
    may: frozenset[str]


def table() -> dict[str, Layer]:
    """The rows of CONTRIBUTING's table, by the layer's name, from the top."""
    text = read("CONTRIBUTING.md")
    section = text[text.index("## How the layers import each other") :]
    rows = re.findall(r"^\| ([a-z ]+) \| (`.*?) \| (.*)\|$", section, re.MULTILINE)
    return {
        name: Layer(name, tuple(re.findall(r"`([\w.]+)`", held)), frozenset(re.split(r"[,;] ", may.strip())) - {""})
        for name, held, may in rows
    }


LAYERS = table()


def layer_of(module: str) -> str:
    """The layer that a dotted module stands in; for one of another project, its first name."""
    package, _, rest = module.partition(".")
    if package == LINT:
        top = rest.partition(".")[0]
        if top in ("", "__version__"):
            return "ground"  # the package itself holds a version
        if top == "__main__":
            return "command line"
        found = [layer.name for layer in LAYERS.values() if top in layer.modules]
        assert found, f"{LINT}.{top} stands in no layer: add it to the table in CONTRIBUTING.md"
        return found[0]
    if package == REWRITES:
        return "actions" if module == f"{REWRITES}.actions" else "rewrites"
    return {"tomllib": "tomli"}.get(package, package)


def allowed(layer: Layer) -> set[str]:
    if "everything below but the run time" in layer.may:
        return {*LAYERS, *layer.may} - {"run time"}
    return {layer.name, *layer.may}


def imported(path: Path, module: str) -> Iterator[str]:
    """Every module that a file imports anywhere, with its full name."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*above, *filter(None, (node.module,))))
            if base in (LINT, REWRITES):
                yield from (f"{base}.{alias.name}" for alias in node.names)
            else:
                yield base


def modules() -> Iterator[tuple[str, Path]]:
    for base, package in ((ROOT, LINT), (ROOT / "codemods", REWRITES), (ROOT / "runtime", "instantid_runtime")):
        for path in sorted((base / package).rglob("*.py")):
            yield ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__"), path


MODULES = dict(modules())


def test_the_table_is_there() -> None:
    assert next(iter(LAYERS)) == "command line"
    assert list(LAYERS)[-1] == "actions"
    assert all((ROOT / LINT / name).exists() or (ROOT / LINT / f"{name}.py").exists()
               for layer in LAYERS.values() for name in layer.modules if not name.startswith(REWRITES))  # fmt: skip


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("instantid_runtime")])
def test_a_module_imports_what_its_layer_may(module: str) -> None:
    layer = LAYERS[layer_of(module)]
    found = {name: layer_of(name) for name in imported(MODULES[module], module)}
    own = {*allowed(layer), *sys.stdlib_module_names}
    assert {name: of for name, of in found.items() if of not in own} == {}


def test_the_runtime_stands_alone() -> None:
    for module, path in MODULES.items():
        if module.startswith("instantid_runtime"):
            assert not {name for name in imported(path, module) if name.startswith((LINT, REWRITES))}, module
