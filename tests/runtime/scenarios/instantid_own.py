"""What this InstantID has beyond the nodes' common options, or does otherwise than the public pack on purpose.

`transfer-lint verify ORIGINAL FIXED --scenario` this file.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from bench import CLOSE_UP, NO_FACE, ONE_FACE, TOKENS, Workflow, image_of
from instantid import disturbances, layers

WEIGHT_TYPES = (
    "linear", "ease in", "ease out", "ease in-out", "reverse in-out", "weak input", "weak middle", "weak output",
    "strong middle",
)  # fmt: skip
SCALINGS = ("V only", "K+V", "K+V w/ C penalty", "K+mean(V) w/ C penalty")


def test_middle_block(pack: Any) -> Any:
    return Workflow(pack).run(patch_middle=True, whole=True)


def test_flat_mask(pack: Any) -> Any:
    return Workflow(pack).run(mask=torch.rand(64, 32, generator=torch.Generator().manual_seed(1)))


def test_close_up(pack: Any) -> Any:
    return Workflow(pack).run(image=image_of(CLOSE_UP))


def test_first_picture_without_a_face(pack: Any) -> Any:
    return Workflow(pack).run(image=image_of(NO_FACE, ONE_FACE))


def entries(pack: Any, workflow: Workflow, model: Any, **how: Any) -> Any:
    """The model with one more face in every layer, as packs that share the patches add it."""
    generator = torch.Generator().manual_seed(9)
    device = pack.host.comfy.model_management.get_torch_device()
    tokens = [torch.randn(how.pop("frames", 1), 16, TOKENS, generator=generator).to(device) for _ in range(2)]
    twin = model.clone()
    options = twin.model_options["transformer_options"]
    patches = {key: copy.copy(patch) for key, patch in twin.patches.items()}
    twin.model_options = {"transformer_options": {**options, "patches_replace": {"attn2": patches}}}
    for number, key in enumerate(pack.model.SDXL_LAYERS):
        if key in twin.patches:
            face = workflow.instantid.layer_face(number, *tokens)
            span = {"sigma_start": 999999999.9, "sigma_end": 0.0}
            twin.patches[key].add(pack.face_attention.attend_to_face, face=face, **span, **how)
    return twin


def test_weight_types(pack: Any) -> Any:
    workflow = Workflow(pack)
    model = workflow.apply(patch_middle=True)[0]
    return {name: layers(entries(pack, workflow, model, weight=1.3, weight_type=name)) for name in WEIGHT_TYPES}


def test_embeds_scaling(pack: Any) -> Any:
    workflow = Workflow(pack)
    model = workflow.apply()[0]
    return {
        (name, weight): layers(entries(pack, workflow, model, weight=weight, embeds_scaling=name))
        for name in SCALINGS
        for weight in (0.7, -0.4)
    }


def test_weight_by_layer_and_by_frame(pack: Any) -> Any:
    workflow, device = Workflow(pack), pack.host.comfy.model_management.get_torch_device()
    by_layer = entries(pack, workflow, workflow.apply()[0], weight={0: 0.5, 3: 1.5})
    weight = torch.tensor([0.5, 2.0], device=device)
    by_frame = entries(pack, workflow, workflow.apply()[0], weight=weight)
    return [layers(by_layer), layers(by_frame, batch=2)]


def test_frames(pack: Any) -> Any:
    workflow = Workflow(pack)
    film = entries(pack, workflow, workflow.apply()[0], weight=1.0, unfold_batch=True, frames=5)
    window = {"sub_idxs": [1, 2, 4], "full_length": 8}
    return [layers(film, batch=7), layers(film, batch=3, ad_params=window)]


def test_patches_follow_the_model(pack: Any) -> Any:
    workflow, device = Workflow(pack), pack.host.comfy.model_management.get_torch_device()
    model, positive, negative = workflow.apply()
    for patch in model.patches.values():
        patch.to(torch.device("cpu"))
        patch.to(torch.float16)
    offloaded = workflow.sampled(model, positive, negative)["latent"]
    for patch in model.patches.values():
        patch.to(device)
    return [offloaded, workflow.sampled(model, positive, negative)["latent"]]


def test_model_moved_before_sampling(pack: Any) -> Any:
    results = []
    for number in range(7):
        workflow = Workflow(pack)
        applied = workflow.apply()
        disturbances(workflow)[number]()
        results.append(workflow.sampled(*applied)["latent"])
    return results


def test_one_model_under_another(pack: Any) -> Any:
    """A face on top of a face leaves the model below as it was."""
    workflow = Workflow(pack)
    below = workflow.apply(ip_weight=0.5)
    above = workflow.apply(model=below[0], positive=below[1], negative=below[2], ip_weight=0.2)
    return [workflow.sampled(*each)["latent"] for each in (below, above, below)]
