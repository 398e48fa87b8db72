# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Everything that this pack asks of ComfyUI, under ComfyUI's own names.

Inside ComfyUI these are ComfyUI's modules. Without ComfyUI a small torch-only stand-in answers, so that the pack
can be imported, tested and used from a script. The rest of the pack imports ComfyUI from here and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

try:
    import comfy.model_management
    import comfy.utils
    import folder_paths
    from comfy.ldm.modules.attention import optimized_attention
except ImportError as missing:
    if missing.name not in ("comfy", "comfy.model_management", "folder_paths"):
        raise  # ComfyUI is here but something that it needs is not: its own error says more than a quiet stand-in
    from .standin import comfy, folder_paths, optimized_attention

try:
    from comfy.model_patcher import ModelPatcher
except ImportError:
    ModelPatcher = None

__all__ = [
    "comfy",
    "fast_dtype",
    "folder_paths",
    "insightface_root",
    "model_patcher",
    "optimized_attention",
    "register_model_folder",
    "room_for",
    "working_dtype",
]


def register_model_folder() -> None:
    """Make `models/instantid` known as the model folder "instantid", beside folders that the user configured."""
    folder = os.path.join(folder_paths.models_dir, "instantid")
    folders, extensions = folder_paths.folder_names_and_paths.get("instantid", ([], set()))
    if folder not in folders:
        folders = [*folders, folder]
    folder_paths.folder_names_and_paths["instantid"] = (
        folders,
        {*extensions, *folder_paths.supported_pt_extensions},
    )


def insightface_root() -> str:
    """The folder that insightface calls root: its model packs lie in `<root>/models/<name>/*.onnx`."""
    return os.path.join(folder_paths.models_dir, "insightface")


def fast_dtype() -> torch.dtype:
    """float16 where ComfyUI would use it, else float32."""
    return torch.float16 if comfy.model_management.should_use_fp16() else torch.float32


def working_dtype() -> torch.dtype:
    """The dtype that ComfyUI expects of a UNet, where that is one to compute in (a UNet may be stored in fp8)."""
    dtype: torch.dtype = comfy.model_management.unet_dtype()
    if dtype in (torch.float32, torch.float16, torch.bfloat16):
        return dtype
    return fast_dtype()


@contextmanager
def room_for(module: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """Context in which a module may be on the compute device, in a dtype, and work there.

    ComfyUI's memory manager makes the room, loads the module into it and counts it, and takes it away later when
    something else needs the room. Where it does not grant room for the whole (a small card, --novram), the module
    leaves the device with the context.
    """
    patcher = model_patcher(module)
    if patcher is None:
        yield
        return
    if any(parameter.dtype != dtype for parameter in module.parameters()):
        patcher.detach()  # cast where it is kept, and counted anew
        module.to(dtype=dtype)
        patcher.size = 0
    comfy.model_management.load_models_gpu([patcher])
    try:
        yield
    finally:
        if patcher.loaded_size() < patcher.model_size():
            patcher.detach()


def model_patcher(module: Any) -> Any | None:
    """The one ModelPatcher by which ComfyUI loads, offloads and counts a module, as long as it lives.

    None without ComfyUI.
    """
    if ModelPatcher is None:
        return None
    if not hasattr(module, "patcher"):
        module.patcher = ModelPatcher(
            module,
            load_device=comfy.model_management.get_torch_device(),
            offload_device=comfy.model_management.unet_offload_device(),
        )
    return module.patcher
