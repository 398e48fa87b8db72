"""Temporary stand-ins for the ComfyUI modules that rule examples may import: device policy and file lookup."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch


@contextmanager
def comfy_modules() -> Iterator[None]:
    """Context in which `comfy.model_management`, `comfy.utils` and `folder_paths` can be imported."""
    stand_ins = _modules()
    before = {name: sys.modules[name] for name in stand_ins if name in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:  # other modules that were imported stay, because torch cannot load parts of itself twice
        for name in stand_ins:
            del sys.modules[name]
        sys.modules.update(before)


def _modules() -> dict[str, ModuleType]:
    management = _module(
        "comfy.model_management",
        get_torch_device=lambda: torch.device("cuda", 0),
        intermediate_device=lambda: torch.device("cpu"),
        unet_offload_device=lambda: torch.device("cpu"),
        text_encoder_device=lambda: torch.device("cuda", 0),
        unet_dtype=lambda *args, **kwargs: torch.float16,
        should_use_fp16=lambda *args, **kwargs: True,
        soft_empty_cache=lambda force=False: None,
        load_models_gpu=lambda models, *args, **kwargs: None,
        throw_exception_if_processing_interrupted=lambda: None,
    )
    utils = _module(
        "comfy.utils",
        load_torch_file=lambda path, safe_load=False: torch.load(path, map_location="cpu", weights_only=True),
    )
    return {
        "comfy": _module("comfy", model_management=management, utils=utils, __path__=[]),
        "comfy.model_management": management,
        "comfy.utils": utils,
        "folder_paths": _module(
            "folder_paths",
            models_dir="models",
            folder_names_and_paths={},
            supported_pt_extensions={".pt", ".pth", ".safetensors"},
            get_filename_list=lambda name: [],
            get_full_path=lambda name, file: None,
        ),
    }


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    return module
