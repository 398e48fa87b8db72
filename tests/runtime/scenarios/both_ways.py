"""InstantID both ways, with one node and in parts: what `transfer-lint fix --prove` is tried on."""

from __future__ import annotations

from typing import Any

from bench import Workflow


def run(pack: Any) -> Any:
    workflow = Workflow(pack)
    one = workflow.sampled(*workflow.apply())
    model, face_embeds = workflow.patch()
    return one, workflow.sampled(model, *workflow.control(face_embeds))
