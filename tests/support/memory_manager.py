"""A stand-in for ComfyUI's memory manager, as faithful as the node pack can tell: it loads models as far as there is
room, takes away what is not asked for, drops models with their last reference, and warns where it has to lose one.

`card.size` is the room for weights, in bytes; `card.warnings` what ComfyUI would log as a memory leak.
"""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tests.support.stand_in_comfy import StandInModel


@dataclass
class Card:
    """What is loaded, most recent first."""

    size: float = float("inf")
    loaded: list[LoadedModel] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def free(self) -> float:
        """Room that no model has."""
        return self.size - sum(each.patcher.loaded_size() for each in self.loaded if each.patcher is not None)

    def clear(self) -> None:
        """As a new process."""
        self.size = float("inf")
        self.loaded.clear()
        self.warnings.clear()


card = Card()


class ModelPatcher:
    """By which a module is loaded and offloaded; clones are other patches of the same module.

    deep: clones copy what the patches hold, as before 2026; since then they share the patch objects.
    """

    deep = False

    def __init__(self, model: Any, load_device: torch.device, offload_device: torch.device, size: int = 0) -> None:
        self.model, self.load_device, self.offload_device, self.size = model, load_device, offload_device, size
        self.parent: ModelPatcher | None = None
        self.model_options: dict[str, Any] = {"transformer_options": {}}
        if not hasattr(model, "model_loaded_weight_memory"):
            model.model_loaded_weight_memory = 0

    def model_size(self) -> int:
        """Asked for once: a module that is cast later has to be counted anew by whoever casts it."""
        if self.size == 0:
            self.size = sum(tensor.nbytes for tensor in self.model.state_dict().values())
        return self.size

    def loaded_size(self) -> int:
        return int(self.model.model_loaded_weight_memory)

    def model_dtype(self) -> torch.dtype | None:
        return getattr(self.model, "dtype", None)

    def clone(self) -> ModelPatcher:
        twin = type(self)(self.model, self.load_device, self.offload_device, self.size)
        twin.parent = self
        twin.model_options = copy.deepcopy(self.model_options) if self.deep else _own_dictionaries(self.model_options)
        return twin

    def _patches(self) -> Iterator[tuple[dict[Any, Any], Any]]:
        for patches in self.model_options["transformer_options"].get("patches_replace", {}).values():
            for key in patches:
                yield patches, key

    def model_patches_to(self, target: Any) -> None:
        for patches, key in self._patches():
            if hasattr(patches[key], "to"):
                patches[key] = patches[key].to(target)

    def model_patches_models(self) -> list[ModelPatcher]:
        return [
            model for patches, key in self._patches() if hasattr(patches[key], "models")
            for model in patches[key].models()
        ]  # fmt: skip

    def partially_load(self, room: float) -> None:
        """The whole module where it fits; else the leaves that fit, largest first."""
        if self.loaded_size() == self.model_size():
            return
        if self.model_size() <= self.loaded_size() + room:
            self.model.to(self.load_device)
            self.model.model_loaded_weight_memory = self.model_size()
            return
        leaves = [each for each in self.model.modules() if not list(each.children()) and list(each.parameters())]
        for leaf in sorted(leaves, key=_nbytes, reverse=True):
            away = any(parameter.device != self.load_device for parameter in leaf.parameters())
            if away and _nbytes(leaf) <= room:
                leaf.to(self.load_device)
                room -= _nbytes(leaf)
                self.model.model_loaded_weight_memory += _nbytes(leaf)

    def detach(self, unpatch_all: bool = True) -> None:
        self.model_patches_to(self.offload_device)
        if unpatch_all:
            self.model.to(self.offload_device)
            self.model.model_loaded_weight_memory = 0

    def __del__(self) -> None:
        self.detach(unpatch_all=False)


class LoadableModel(ModelPatcher, StandInModel):
    """A MODEL that is loaded like any other."""


class LoadedModel:
    """A model on the card, for as long as somebody else holds it."""

    def __init__(self, patcher: ModelPatcher) -> None:
        self._set(patcher)
        self.device = patcher.load_device
        self.module = weakref.ref(patcher.model, lambda _: self._drop())

    def _set(self, patcher: ModelPatcher) -> None:
        self._patcher = weakref.ref(patcher)
        if patcher.parent is not None:  # a clone that is dropped leaves the model to the one that it was made of
            parent = weakref.ref(patcher.parent)
            weakref.finalize(patcher, self._to_parent, parent).atexit = False

    def _to_parent(self, parent: weakref.ref[ModelPatcher]) -> None:
        above = parent()
        if above is not None:
            self._set(above)

    def _drop(self) -> None:
        if self in card.loaded:
            card.loaded.remove(self)

    @property
    def patcher(self) -> ModelPatcher | None:
        return self._patcher()

    @property
    def lost(self) -> bool:
        """The module is alive, and nothing is left by which it could be offloaded."""
        return self.module() is not None and self.patcher is None


def load_models_gpu(models: list[Any], memory_required: float = 0, **_: Any) -> None:
    """Load models, and what their patches ask for, and offload others where the room is short."""
    _complain()
    wanted: dict[ModelPatcher, None] = {}
    for model in models:
        wanted |= dict.fromkeys([model, *model.model_patches_models()])
    for patcher in wanted:
        for other in [each for each in card.loaded if each.patcher is not patcher]:
            if other.patcher is not None and other.patcher.model is patcher.model:
                card.loaded.remove(other)
                other.patcher.detach(unpatch_all=False)
    missing = sum(patcher.model_size() - patcher.loaded_size() for patcher in wanted)
    free_memory(missing + memory_required, keep=list(wanted))
    for patcher in wanted:
        known = [each for each in card.loaded if each.patcher is patcher]
        for each in known:
            card.loaded.remove(each)
        patcher.model_patches_to(patcher.load_device)
        patcher.model_patches_to(patcher.model_dtype())
        patcher.partially_load(card.free())
        card.loaded.insert(0, known[0] if known else LoadedModel(patcher))


def free_memory(required: float, keep: list[ModelPatcher]) -> None:
    """Offload models, the least recent first, until there is room."""
    for each in reversed(list(card.loaded)):
        if card.free() >= required:
            return
        if each.patcher is not None and each.patcher not in keep:
            each.patcher.detach()
            card.loaded.remove(each)


def _complain() -> None:
    if any(each.lost for each in card.loaded):
        gc.collect()
    card.warnings += [f"memory leak with model {type(each.module()).__name__}" for each in card.loaded if each.lost]


def _nbytes(module: nn.Module) -> int:
    return sum(parameter.nbytes for parameter in module.parameters(recurse=False))


def _own_dictionaries(options: Any) -> Any:
    if isinstance(options, dict):
        return {key: _own_dictionaries(value) for key, value in options.items()}
    return list(options) if isinstance(options, list) else options
