"""Where models are."""

from __future__ import annotations

from typing import Any


def load_models_gpu(models: list[Any]) -> None:
    for model in models:
        model.to("cuda:0")
