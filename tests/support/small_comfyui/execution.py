"""Runs the nodes of a workflow one after the other. `execute` has the local names that ComfyUI's own has."""

from __future__ import annotations

from typing import Any

import torch
from comfy import model_management
from comfy.model_base import BaseModel


class Load:
    def run(self) -> Any:
        return BaseModel()


class Sample:
    def run(self, model: Any, steps: int) -> Any:
        model_management.load_models_gpu([model])
        x = torch.ones(1, 4).to("cuda:0")
        for step in range(steps):
            x = model.apply_model(x, torch.tensor([float(step)]).to("cuda:0"))
        return x.cpu()


class Fail:
    def run(self) -> Any:
        raise ValueError("broken")


NODES: dict[str, Any] = {"Load": Load, "Sample": Sample, "Fail": Fail}


class Workflow:
    def __init__(self, prompt: dict[str, Any]) -> None:
        self._prompt = prompt

    def get_node(self, number: str) -> Any:
        return self._prompt[number]


async def execute(dynprompt: Workflow, caches: dict[str, Any], current_item: str, prompt_id: str) -> None:
    unique_id = current_item
    class_type = dynprompt.get_node(unique_id)["class_type"]
    inputs = {
        name: caches[value[0]] if isinstance(value, list) else value
        for name, value in dynprompt.get_node(unique_id)["inputs"].items()
    }

    def node() -> Any:  # as in ComfyUI, a function inside holds on to the local names
        return NODES[class_type]().run(**inputs), unique_id

    caches[unique_id] = node()[0]


async def run(prompt: dict[str, Any], prompt_id: str) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for number in prompt:
        try:
            await execute(Workflow(prompt), outputs, number, prompt_id)
        except Exception as error:
            details = {
                "node_id": number,
                "node_type": prompt[number]["class_type"],
                "exception_type": type(error).__name__,
                "exception_message": f"{error}\n",
            }
            return {"status_str": "error", "messages": [["execution_start", {}], ["execution_error", details]]}
    return {"status_str": "success", "messages": []}
