"""Which node of a ComfyUI workflow is running, and in which phase: read off the call stack.

Nothing of ComfyUI is replaced. Its own functions say where a run is, and they have kept their names since 2024.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from types import CodeType, FrameType

from transfer_lint.evidence.model import Region

LOADING, LAYER, STEP, RUN = (Region("phase", name) for name in ("loading", "per layer", "per step", "node run"))

_PHASES: tuple[tuple[str, str, Region], ...] = (
    (
        "comfy/model_management.py",
        "load_models_gpu load_model_gpu free_memory unload_all_models model_load model_unload",
        LOADING,
    ),
    ("comfy/model_patcher.py", "load patch_model unpatch_model detach partially_load partially_unload", LOADING),
    ("comfy/sd.py", "load_checkpoint_guess_config load_diffusion_model load_clip", LOADING),
    ("comfy/controlnet.py", "load_controlnet", LOADING),
    ("comfy/ldm/modules/attention.py", "forward _forward", LAYER),
    ("comfy/model_base.py", "apply_model", STEP),
    ("comfy/samplers.py", "sampling_function calc_cond_batch", STEP),
)
"""File, functions, phase. The innermost function on the stack decides, but loading is loading wherever it happens."""

_NODE = ("execution.py", "execute")
_roles: dict[CodeType, Region | str | None] = {}


def running() -> tuple[tuple[Region, ...], str]:
    """(node and phase, identifier of the queued prompt); ((), "") outside of ComfyUI's nodes."""
    if "comfy.model_management" not in sys.modules:
        return (), ""
    phase: Region | None = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        role = _roles[code] if code in _roles else _role(code)
        if isinstance(role, Region):
            phase = LOADING if LOADING in (phase, role) else phase or role
        elif role == "node":
            found = _node_of(frame)
            if found is not None:
                return (found[0], phase or RUN), found[1]
        frame = frame.f_back
    return ((phase,) if phase is not None else ()), ""


def _role(code: CodeType) -> Region | str | None:
    """The phase that a function stands for, or `node` for the one that runs a node."""
    file = code.co_filename.replace(os.sep, "/")
    found: Region | str | None = next(
        (phase for suffix, names, phase in _PHASES if code.co_name in names.split() and file.endswith("/" + suffix)),
        None,
    )
    if found is None and code.co_name == _NODE[1] and os.path.basename(file) == _NODE[0]:
        found = "node" if {"class_type", "unique_id", "prompt_id"} <= {*code.co_varnames, *code.co_cellvars} else None
    _roles[code] = found
    return found


def _node_of(frame: FrameType) -> tuple[Region, str] | None:
    """The node that a frame of ComfyUI's `execute` runs, and its prompt."""
    values = frame.f_locals
    kind, number = values.get("class_type"), values.get("unique_id")
    if kind is None or number is None:
        return None
    title = ""
    with suppress(KeyError, AttributeError, TypeError):  # no titles, or a ComfyUI that keeps them elsewhere
        title = values["dynprompt"].get_node(number).get("_meta", {}).get("title", "")
    return Region("node", str(kind), str(number), str(title)), str(values.get("prompt_id", ""))
