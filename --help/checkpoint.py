# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Reading InstantID checkpoints: the published pickle (.bin) and its safetensors form."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping

import torch

from .host import comfy
from .model import SDXL_LAYERS, InstantID, Sizes, projection_name
from .resampler import HEAD_WIDTH, ResamplerSizes

SECTIONS = ("image_proj", "ip_adapter")
SHOWN = 3
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class CheckpointError(ValueError):
    """The file is not an InstantID model; the message says which file, why, and what to do."""

    def __init__(self, path: str, trouble: str) -> None:
        super().__init__(
            f"{path}: {trouble}. Expected InstantID's ip-adapter for SDXL (ip-adapter.bin, 1.7 GB, or its safetensors "
            "form); download it anew, or choose another file in Load InstantID Model."
        )


def load_weights(path: str) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint on the CPU, under the names of InstantID's state dict.

    Raises CheckpointError where the file cannot be read or is something else.
    """
    try:
        content = comfy.utils.load_torch_file(path, safe_load=True)
    except Exception as error:  # every reader and every kind of damage has an exception of its own
        raise CheckpointError(path, f"cannot be read ({_reason(error)})") from None
    if not isinstance(content, Mapping):
        raise CheckpointError(path, f"holds a {type(content).__name__} instead of named tensors")

    weights = {}
    for name, value in content.items():
        if name in SECTIONS and isinstance(value, Mapping):
            weights.update({f"{name}.{inner}": tensor for inner, tensor in value.items()})
        else:
            weights[str(name)] = value
    for section in SECTIONS:
        if not any(name.startswith(f"{section}.") for name in weights):
            raise CheckpointError(path, f"has no {section}")
    strangers = [name for name, value in weights.items() if not isinstance(value, torch.Tensor)]
    if strangers:
        raise CheckpointError(path, f"{_some(strangers)}: not a tensor")
    return weights


def read_sizes(weights: Mapping[str, torch.Tensor], path: str) -> Sizes:
    """The widths of the model that the tensors belong to. Raises CheckpointError where they fit none."""
    try:
        tokens, width = weights["image_proj.latents"].shape[1:]
        inner = weights["image_proj.layers.0.0.to_q.weight"].shape[0]
        resampler = ResamplerSizes(
            embedding=weights["image_proj.proj_in.weight"].shape[1],
            width=width,
            inner=inner,
            hidden=weights["image_proj.layers.0.1.1.weight"].shape[0],
            depth=len({name.split(".")[2] for name in weights if name.startswith("image_proj.layers.")}),
            tokens=tokens,
            output=weights["ip_adapter.1.to_k_ip.weight"].shape[1],
        )
        count = sum(name.startswith("ip_adapter.") and name.endswith(".to_k_ip.weight") for name in weights)
        layers = tuple(
            weights[f"ip_adapter.{projection_name(layer)}.to_k_ip.weight"].shape[0] for layer in range(count)
        )
    except KeyError as error:
        raise CheckpointError(path, f"{error.args[0]} is missing") from error
    except (IndexError, ValueError) as error:
        raise CheckpointError(path, f"tensors have an unexpected number of dimensions ({error})") from error
    if count != len(SDXL_LAYERS):
        raise CheckpointError(path, f"is made for {count} cross-attention layers, SDXL has {len(SDXL_LAYERS)}")
    if inner == 0 or inner % HEAD_WIDTH:
        raise CheckpointError(path, f"{inner} attention channels do not make heads of {HEAD_WIDTH}")
    return Sizes(resampler, layers)


def check_weights(instantid: InstantID, weights: Mapping[str, torch.Tensor], path: str) -> None:
    """Raise CheckpointError unless the tensors are exactly those of the model, name by name and shape by shape."""
    wanted = instantid.state_dict()
    missing = [name for name in wanted if name not in weights]
    if missing:
        raise CheckpointError(path, f"{_some(missing)}: missing")
    surplus = [name for name in weights if name not in wanted]
    if surplus:
        raise CheckpointError(path, f"{_some(surplus)}: unknown")
    wrong = [
        f"{name} has shape {list(weights[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if weights[name].shape != tensor.shape
    ]
    if wrong:
        raise CheckpointError(path, _some(wrong))


def _reason(error: Exception) -> str:
    """What a reader says, in a line. torch's is advice to let the file run code, which is not ours to pass on."""
    if isinstance(error, pickle.UnpicklingError):
        return "damaged, or it holds something else than tensors, which could run code when it is loaded"
    said = ANSI.sub("", str(error)).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}"


def _some(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
