"""One workflow over and over with the model that stays loaded: what is left on the device must not grow."""

from __future__ import annotations

from functools import cache
from typing import Any

from bench import Workflow


@cache
def loaded(pack: Any) -> tuple[Workflow, Any]:
    return Workflow(pack), pack.NODE_CLASS_MAPPINGS["ApplyInstantID"]()


def run(pack: Any) -> Any:
    workflow, instance = loaded(pack)
    return workflow.sampled(*workflow.apply(instance=instance))
