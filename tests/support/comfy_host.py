"""A stand-in for ComfyUI, as modules that stay installed: device policy, model files, attention in plain torch.

For scenarios that run in a separate process (`transfer-lint verify`). `install` has to be called before the node pack
is imported. `policy` is what a user's machine and command line would decide.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.nn import functional

from tests.support.faces import HAVE_INSIGHTFACE, install_drawing
from tests.support.memory_manager import ModelPatcher, load_models_gpu


@dataclass
class Policy:
    """unet_dtype: the dtype of the UNet. use_fp16: whether half precision should be used. intermediate: the device of
    what nodes return."""

    unet_dtype: torch.dtype = torch.float32
    use_fp16: bool = False
    intermediate: torch.device = field(default_factory=lambda: torch.device("cpu"))


policy = Policy()


def get_torch_device() -> torch.device:
    """The current accelerator with its index, real or simulated; the CPU if there is none."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


def optimized_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, **_: Any) -> torch.Tensor:
    """Attention of q [B, tokens, heads*dim_head] over k and v; shaped like q."""
    batch, _tokens, width = q.shape
    q, k, v = (t.view(batch, -1, heads, width // heads).transpose(1, 2) for t in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, -1, width)


def load_torch_file(path: str, safe_load: bool = False) -> Any:
    """The tensors of a checkpoint in nested dictionaries, on the CPU. The file is read once; each call gives copies."""
    return _copied(_read(path))


@cache
def _read(path: str) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _copied(value: Any) -> Any:
    return {name: _copied(item) for name, item in value.items()} if isinstance(value, dict) else value.clone()


def _own_folder() -> str:
    folder = tempfile.mkdtemp(prefix="scenario-models-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def install() -> Path:
    """Install the modules, and make the folder of models with a small antelopev2 in it. Returns the folder."""
    models = Path(os.environ.get("SCENARIO_MODELS") or _own_folder())
    install_drawing()
    if HAVE_INSIGHTFACE and not (models / "insightface").exists():
        from tests.support.synthetic_antelope import make_pack

        aside = models / f"{os.getpid()}.part"  # other processes use the folder as soon as it is there
        make_pack(aside)
        with contextlib.suppress(OSError):  # another was first
            aside.rename(models / "insightface")
    (models / "instantid").mkdir(exist_ok=True)
    folders: dict[str, tuple[list[str], set[str]]] = {}

    def full_path(name: str, file: str) -> str | None:
        found = [Path(folder) / file for folder in folders[name][0] if (Path(folder) / file).is_file()]
        return str(found[0]) if found else None

    management = _module(
        "comfy.model_management",
        get_torch_device=get_torch_device,
        intermediate_device=lambda: policy.intermediate,
        unet_offload_device=lambda: torch.device("cpu"),
        unet_dtype=lambda *args, **kwargs: policy.unet_dtype,
        should_use_fp16=lambda *args, **kwargs: policy.use_fp16,
        load_models_gpu=load_models_gpu,
    )
    modules = [
        management,
        _module("comfy.utils", load_torch_file=load_torch_file),
        _module("comfy.model_patcher", ModelPatcher=ModelPatcher),
        _module("comfy.ldm.modules.attention", optimized_attention=optimized_attention),
        _module(
            "folder_paths",
            models_dir=str(models),
            folder_names_and_paths=folders,
            supported_pt_extensions={".bin", ".safetensors"},
            get_filename_list=lambda name: [
                path.name for folder in folders[name][0] for path in Path(folder).iterdir()
            ],
            get_full_path=full_path,
        ),
    ]
    for package in ("comfy", "comfy.ldm", "comfy.ldm.modules"):
        modules.append(_module(package, __path__=[]))
    for module in modules:
        sys.modules[module.__name__] = module
    for name, module in list(sys.modules.items()):
        above, _, last = name.rpartition(".")
        if above.partition(".")[0] == "comfy":
            setattr(sys.modules[above], last, module)
    return models


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    return module
