"""The folder as a node pack of its own: what ComfyUI, its manager and its registry read of it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.runtime.conftest import GENERATED, ORIGINAL, ROOT
from transfer_lint.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDERS = [pytest.param(ORIGINAL, id="original"), pytest.param(GENERATED, id="runtime")]
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN"}


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_registry_finds_what_it_asks_for(folder: Path, project: dict[str, Any]) -> None:
    assert project["project"]["version"] == __version__
    assert project["project"]["urls"]["Repository"]
    assert {"PublisherId", "DisplayName", "Icon"} <= set(project["tool"]["comfy"])
    assert (folder / project["project"]["license"]["file"]).read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (folder / project["project"]["readme"]).is_file()


def test_requirements_are_those_of_the_project(folder: Path, project: dict[str, Any]) -> None:
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = [line for line in lines if line and not line.startswith("#")]
    assert sorted(required) == sorted(project["project"]["dependencies"])
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {re.split(r"[<>=;]", item)[0] for item in required}
    # The extra leaves the build of onnxruntime to insightface; a node pack has to name one for each machine.
    assert names - {"onnxruntime", "onnxruntime-gpu"} <= {re.split(r"[<>=;]", item)[0] for item in extra["runtime"]}


def test_readme_names_models_places_and_nodes(folder: Path, pack: Any) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for place in ("`instantid/`", "`controlnet/`", "`insightface/models/antelopev2/`"):
        (row,) = (line for line in text.splitlines() if line.startswith("| [") and place in line)
        assert "](https://" in row
    for name in pack.NODE_DISPLAY_NAME_MAPPINGS.values():
        assert name.removeprefix("InstantID ") in text.replace("\n", " ")


def test_readmes_figures_of_memory(pack: Any, folder: Path) -> None:
    with torch.device("meta"):
        instantid = pack.model.InstantID(pack.model.Sizes())
    weights = sum(parameter.numel() for parameter in instantid.parameters()) * 2
    with torch.inference_mode():
        tokens = torch.empty(1, 16, instantid.tokens_width, device="meta")
        faces = [instantid.layer_face(layer, tokens, tokens) for layer in range(60)]
    kept = sum(tensor.numel() for face in faces for tensor in (*face.cond, *face.uncond)) * 2
    text = (folder / "README.md").read_text(encoding="utf-8").replace("\n", " ")
    assert f"the {weights // 10**6} MB of weights (float16)" in text
    assert f"keys and values, {kept // 10**6} MB for 60 layers" in text


@pytest.fixture
def workflow(folder: Path) -> dict[str, Any]:
    """The example as the editor saves it."""
    loaded: dict[str, Any] = json.loads((folder / "example_workflows" / "InstantID.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def prompt(folder: Path) -> dict[str, Any]:
    """The example as it is queued."""
    text = (folder / "example_workflows" / "api" / "InstantID.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_example_is_wired(workflow: dict[str, Any]) -> None:
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert workflow["version"] == 0.4
    for number, source, out, target, slot, kind in workflow["links"]:
        output, input_ = nodes[source]["outputs"][out], nodes[target]["inputs"][slot]
        assert number in output["links"]
        assert input_["link"] == number
        assert kind == output["type"] == input_["type"]
    linked = [each["link"] for node in workflow["nodes"] for each in node["inputs"] if each["link"] is not None]
    assert sorted(linked) == sorted(link[0] for link in workflow["links"])
    assert workflow["last_link_id"] == max(linked)
    assert workflow["last_node_id"] == max(nodes)


def test_titles_are_those_that_people_see(pack: Any, workflow: dict[str, Any], prompt: dict[str, Any]) -> None:
    """ComfyUI's reports and the editor show them; no two nodes have the same."""
    titles = {key: node["_meta"]["title"] for key, node in prompt.items()}
    assert len(set(titles.values())) == len(titles)
    for node in workflow["nodes"]:
        shown = node.get("title") or pack.NODE_DISPLAY_NAME_MAPPINGS.get(node["type"])
        assert shown in (None, titles[str(node["id"])])


def test_example_is_the_same_in_both_forms(workflow: dict[str, Any], prompt: dict[str, Any]) -> None:
    links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    assert {str(node["id"]): node["type"] for node in workflow["nodes"]} == {
        key: node["class_type"] for key, node in prompt.items()
    }
    for node in workflow["nodes"]:
        given = prompt[str(node["id"])]["inputs"]
        wired = {each["name"]: links[each["link"]] for each in node["inputs"] if each["link"] is not None}
        assert {key: value for key, value in given.items() if isinstance(value, list)} == wired
        values = [value for value in given.values() if not isinstance(value, list)]
        assert [value for value in node["widgets_values"] if value in values] == values


def test_example_fits_the_nodes(pack: Any, workflow: dict[str, Any], prompt: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "ip-adapter.bin").touch()
    used = set()
    for node in workflow["nodes"]:
        known = pack.NODE_CLASS_MAPPINGS.get(node["type"])
        if known is None:
            continue
        used.add(node["type"])
        sockets = known.INPUT_TYPES()
        sockets = {**sockets["required"], **sockets.get("optional", {})}
        wired = {each["name"]: each["type"] for each in node["inputs"]}
        widgets = {name: socket for name, socket in sockets.items() if name not in wired}
        assert all(sockets[name][0] == kind for name, kind in wired.items())
        assert all(isinstance(kind, list) or kind in WIDGETS for kind, *_ in widgets.values())
        assert len(node["widgets_values"]) == len(widgets)
        assert [each["type"] for each in node["outputs"]] == list(known.RETURN_TYPES)
        given = prompt[str(node["id"])]["inputs"]
        assert set(known.INPUT_TYPES()["required"]) <= set(given) <= set(sockets)
        for (name, (kind, *options)), value in zip(widgets.items(), node["widgets_values"], strict=True):
            assert given[name] == value
            if isinstance(kind, list):
                assert value in kind
            elif kind == "FLOAT":
                assert options[0]["min"] <= value <= options[0]["max"]
    assert used == {"InstantIDModelLoader", "InstantIDFaceAnalysis", "ApplyInstantID"}
