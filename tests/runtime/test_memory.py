"""InstantID under a memory manager that behaves as ComfyUI's does: which weights move, and when."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from tests.runtime.conftest import NARROW, TOKENS_WIDTH, WIDE, small_model
from tests.support.memory_manager import LoadableModel, ModelPatcher, card, load_models_gpu
from tests.support.stand_in_comfy import StandInControlNet, StandInModel, layer_calls
from transfer_lint.tracing.session import trace

HOST = torch.device("cpu")
INPUTS = 50_000
"""More bytes than all inputs of two Apply nodes have, and far fewer than the weights."""


@pytest.fixture(autouse=True)
def manager(pack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The memory manager with an empty card in the place of ComfyUI's."""
    card.clear()
    management = pack.host.comfy.model_management
    monkeypatch.setattr(pack.host, "ModelPatcher", ModelPatcher)
    monkeypatch.setattr(management, "load_models_gpu", load_models_gpu, raising=False)
    monkeypatch.setattr(management, "unet_offload_device", lambda: HOST, raising=False)
    yield
    card.clear()


@pytest.fixture
def gpu(pack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A simulated accelerator, as the compute device; its trace."""
    monkeypatch.setattr(pack.host.comfy.model_management, "get_torch_device", lambda: torch.device("cuda", 0))
    with trace(simulated="cuda", hash_limit=0, follow_uses=False) as tracing:
        yield tracing


def moved(tracing: Any) -> int:
    """Bytes between devices so far."""
    return sum(entry.nbytes for entry in tracing.recorder.entries.values() if entry.kind == "transfer")


def weights_of(module: torch.nn.Module) -> int:
    return sum(parameter.nbytes for parameter in module.parameters())


def devices_of(module: torch.nn.Module) -> set[str]:
    return {parameter.device.type for parameter in module.parameters()}


class Workflow:
    """Load InstantID, one or two Apply nodes, a sampler; outputs of nodes are kept as in ComfyUI's cache."""

    def __init__(self, pack: Any, instantid: Any, analysis: Any, image: torch.Tensor) -> None:
        self.pack, self.instantid = pack, instantid
        device = pack.host.comfy.model_management.get_torch_device()
        self.model = LoadableModel(torch.nn.Linear(8, 8), device, HOST)
        self.inputs = {
            "instantid": instantid,
            "insightface": analysis,
            "control_net": StandInControlNet(),
            "image": image,
            "positive": [[torch.zeros(1, 7, 8), {}]],
            "negative": [[torch.zeros(1, 7, 8), {}]],
            "start_at": 0.0,
            "end_at": 1.0,
        }
        self.cached: dict[str, Any] = {}
        self.calls = list(layer_calls(NARROW, WIDE))
        for call in self.calls:
            call.q, call.k, call.v = (t.to(device) for t in (call.q, call.k, call.v))

    def apply(self, model: Any = None, **how: Any) -> Any:
        node = self.pack.NODE_CLASS_MAPPINGS["ApplyInstantID"]()
        return node.apply_instantid(model=model or self.model, **{**self.inputs, **how})[0]

    def queue(self, *, applies: int = 1, **changed: Any) -> None:
        """One run. `changed` is what the user set anew in Apply: its old output is dropped, then the node runs."""
        if changed or not self.cached:
            self.cached.clear()
            model = self.model
            for number in range(applies):
                model = self.cached[f"apply {number}"] = self.apply(model, **changed)
            self.cached["last"] = model
        self.sample(self.cached["last"])

    def sample(self, model: Any) -> None:
        load_models_gpu([model])
        sampling = model.clone()  # the sampler works with a clone, and drops it in the midst of the next model's load
        for call in self.calls:
            if call.key in sampling.patches:
                call.run(sampling.patches)


@pytest.fixture
def workflow(pack: Any, gpu: Any, instantid: Any, analysis: Any, image: torch.Tensor) -> Workflow:
    return Workflow(pack, instantid, analysis, image)


CHANGES = {
    "the seed only": {"again": {}},
    "an input of Apply": {"again": {"weight": 0.7}},
    "two Apply nodes, an input": {"applies": 2, "again": {"weight": 0.7, "applies": 2}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_stay_where_they_are_from_queue_to_queue(workflow: Workflow, gpu: Any, change: str) -> None:
    settings = dict(CHANGES[change])
    again: Any = settings.pop("again")
    workflow.queue(**settings)
    seen = []
    for _ in range(3):
        before = moved(gpu)
        workflow.queue(**again)
        seen.append(moved(gpu) - before)
    assert weights_of(workflow.instantid) > 1_000_000
    assert max(seen) < INPUTS
    assert devices_of(workflow.instantid) == {"cuda"}
    assert card.warnings == []


def test_a_dropped_clone_moves_nothing(workflow: Workflow, gpu: Any) -> None:
    workflow.queue()
    clones = [workflow.cached["last"].clone() for _ in range(3)]
    before = moved(gpu)
    clones.clear()
    gc.collect()
    assert moved(gpu) == before
    assert devices_of(workflow.instantid) == {"cuda"}


def test_old_clones_that_deep_copy_move_nothing_either(
    workflow: Workflow, gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelPatcher, "deep", True)
    test_weights_stay_where_they_are_from_queue_to_queue(workflow, gpu, "an input of Apply")


def test_there_is_one_patcher_for_one_model(pack: Any, workflow: Workflow) -> None:
    workflow.queue(applies=2)
    patcher = pack.host.model_patcher(workflow.instantid)
    assert pack.host.model_patcher(workflow.instantid) is patcher
    assert [each.patcher for each in card.loaded if each.module() is workflow.instantid] == [patcher]
    assert patcher.loaded_size() == weights_of(workflow.instantid)


def test_models_come_and_go_without_a_warning(
    pack: Any, workflow: Workflow, analysis: Any, image: torch.Tensor
) -> None:
    for seed in range(6):
        workflow.queue(weight=0.5 + seed / 10)
        other = Workflow(pack, small_model(pack, seed=seed), analysis, image)
        other.queue(applies=2)
    assert card.warnings == []


def test_a_model_that_nobody_holds_leaves_the_card(pack: Any, gpu: Any, analysis: Any, image: torch.Tensor) -> None:
    workflow = Workflow(pack, small_model(pack), analysis, image)
    workflow.queue()
    assert card.loaded
    del workflow
    gc.collect()
    assert card.loaded == []


def test_room_is_made_for_it_and_taken_back(workflow: Workflow) -> None:
    weights = weights_of(workflow.instantid)
    big = ModelPatcher(torch.nn.Linear(weights // 8, 1, bias=False), torch.device("cuda", 0), HOST)
    card.size = weights * 1.2
    load_models_gpu([big])
    workflow.apply()
    assert devices_of(big.model) == {"cpu"}, "no room was made"
    assert devices_of(workflow.instantid) == {"cuda"}
    load_models_gpu([big])
    assert devices_of(workflow.instantid) == {"cpu"}, "it does not make room"
    workflow.queue()


def test_sampling_needs_no_room_for_it(workflow: Workflow, gpu: Any) -> None:
    """The face is kept as keys and values: a short card need not hold the weights beside the UNet."""
    workflow.queue()
    pack_patcher = workflow.pack.host.model_patcher(workflow.instantid)
    pack_patcher.detach()
    before = moved(gpu)
    workflow.queue()
    assert moved(gpu) - before < INPUTS
    assert devices_of(workflow.instantid) == {"cpu"}


@pytest.mark.parametrize("masked", [False, True], ids=["", "mask"])
def test_two_gpus_sample_with_one_patch(
    pack: Any, instantid: Any, monkeypatch: pytest.MonkeyPatch, masked: bool
) -> None:
    """Positive and negative each on a GPU, in a thread each that first brings the shared patches to its own."""
    first, second = torch.device("cuda", 0), torch.device("cuda", 1)
    monkeypatch.setattr(pack.host.comfy.model_management, "get_torch_device", lambda: first)
    with trace(simulated="cuda", devices=2, hash_limit=0, follow_uses=False) as tracing:
        torch.manual_seed(4)
        tokens = [torch.randn(1, 16, TOKENS_WIDTH).to(first) for _ in range(2)]
        mask = torch.rand(1, 8, 4).to(first) if masked else None
        span = {"weight": 0.8, "start_at": 0.0, "end_at": 1.0, "mask": mask, "patch_middle": False}
        patches = pack.attention_patch.patch_attention(StandInModel(), instantid.to(first), *tokens, **span).patches
        calls = {}
        for device, chunk in ((first, 0), (second, 1)):
            calls[device] = [c for c in layer_calls(NARROW, WIDE, cond_or_uncond=(chunk,)) if c.key in patches]
            for call in calls[device]:
                call.q, call.k, call.v = (t.to(device) for t in (call.q, call.k, call.v))

        def half(device: torch.device) -> list[torch.Tensor]:
            outputs = []
            for call in calls[device]:
                patches[call.key] = patches[call.key].to(device)
                outputs.append(call.run(patches))
            return outputs

        def step() -> list[torch.Tensor]:
            with ThreadPoolExecutor() as workers:
                return [output for outputs in workers.map(half, calls) for output in outputs]

        def between() -> int:
            ends = [(e.source, e.target, e.count) for e in tracing.recorder.entries.values() if e.kind == "transfer"]
            return sum(count for source, target, count in ends if "cpu" not in (source, target))

        before, seen = step(), between()
        again = step()
        assert between() == seen + (60 if masked else 0)
        assert all(torch.equal(one, other) for one, other in zip(before, again, strict=True))
        assert {parameter.device for parameter in instantid.parameters()} == {first}
    assert seen == 60 * 4 + (60 if masked else 0), "the second GPU is given its own keys and values, once"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_what_there_is_no_room_for_leaves_with_the_node(workflow: Workflow, share: float) -> None:
    whole = workflow.apply()
    card.clear()
    workflow.pack.host.model_patcher(workflow.instantid).detach()
    card.size = weights_of(workflow.instantid) * share
    part = workflow.apply()
    assert devices_of(workflow.instantid) == {"cpu"}
    assert card.free() == card.size
    for call in workflow.calls:
        if call.key in whole.patches:
            assert torch.equal(call.run(part.patches).cpu(), call.run(whole.patches).cpu())


def test_a_node_that_fails_gives_the_room_back(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    card.size = weights_of(workflow.instantid) / 2

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory, say")

    monkeypatch.setattr(workflow.instantid.image_proj, "forward", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        workflow.apply()
    assert devices_of(workflow.instantid) == {"cpu"}


def test_a_cast_is_counted(pack: Any, workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow.queue()
    full = weights_of(workflow.instantid)
    monkeypatch.setattr(pack.host.comfy.model_management, "unet_dtype", lambda: torch.float16)
    workflow.queue(weight=0.5)
    patcher = pack.host.model_patcher(workflow.instantid)
    assert weights_of(workflow.instantid) == patcher.model_size() == patcher.loaded_size() == full // 2
    assert devices_of(workflow.instantid) == {"cuda"}


def test_without_comfyui_nothing_is_asked(pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack.host, "ModelPatcher", None)
    module = torch.nn.Linear(4, 4)
    with pack.host.room_for(module, torch.float16):
        assert module.weight.dtype == torch.float32
    assert not hasattr(module, "patcher")
