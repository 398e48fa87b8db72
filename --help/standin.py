# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""A torch-only stand-in for the few things of ComfyUI that this pack uses, under the same names.

Models are looked for in the folder that the environment variable INSTANTID_MODELS names, else in `./models`.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional

SUPPORTED_PT_EXTENSIONS = {".bin", ".ckpt", ".pt", ".pth", ".safetensors"}


def get_torch_device() -> torch.device:
    """The accelerator, with its index, if there is one; else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def intermediate_device() -> torch.device:
    """Where nodes leave what they return."""
    return torch.device("cpu")


def should_use_fp16() -> bool:
    """Half precision pays on an accelerator only."""
    return torch.cuda.is_available()


def unet_dtype() -> torch.dtype:
    """What a UNet would be loaded as."""
    return torch.float16 if should_use_fp16() else torch.float32


def load_torch_file(path: str, safe_load: bool = True) -> Any:
    """The tensors of a .safetensors or pickled checkpoint, on the CPU; `safe_load` admits nothing but tensors."""
    if path.lower().endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path, device="cpu")
    return torch.load(path, map_location="cpu", weights_only=safe_load)


def optimized_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    """Attention of q [B, tokens, heads*dim_head] over k and v [B, other tokens, heads*dim_head]; shaped like q."""
    batch, tokens, width = q.shape
    q, k, v = (t.view(batch, -1, heads, width // heads).transpose(1, 2) for t in (q, k, v))
    out = functional.scaled_dot_product_attention(q, k, v)
    return out.transpose(1, 2).reshape(batch, tokens, width)


folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {}


def get_filename_list(folder_name: str) -> list[str]:
    """All model files of a registered folder, as paths relative to it, sorted."""
    folders, extensions = folder_names_and_paths[folder_name]
    found: set[str] = set()
    for folder in folders:
        for place, _, files in os.walk(folder, followlinks=True):
            found.update(
                os.path.relpath(os.path.join(place, file), folder)
                for file in files
                if os.path.splitext(file)[1].lower() in extensions
            )
    return sorted(found)


def get_full_path(folder_name: str, filename: str) -> str | None:
    """Where a model file of a registered folder is; None if it is in none of the folder's places."""
    for folder in folder_names_and_paths[folder_name][0]:
        path = os.path.join(folder, filename)
        if os.path.isfile(path):
            return path
    return None


comfy = SimpleNamespace(
    model_management=SimpleNamespace(
        get_torch_device=get_torch_device,
        intermediate_device=intermediate_device,
        should_use_fp16=should_use_fp16,
        unet_dtype=unet_dtype,
    ),
    utils=SimpleNamespace(load_torch_file=load_torch_file),
)

folder_paths = SimpleNamespace(
    models_dir=os.environ.get("INSTANTID_MODELS") or os.path.join(os.getcwd(), "models"),
    supported_pt_extensions=SUPPORTED_PT_EXTENSIONS,
    folder_names_and_paths=folder_names_and_paths,
    get_filename_list=get_filename_list,
    get_full_path=get_full_path,
)
