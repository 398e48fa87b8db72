"""InstantID, every node and every option: `transfer-lint verify ORIGINAL FIXED --scenario` this file.

On the CPU, on a simulated accelerator (`--simulate cuda`) and on a GPU.
"""

from __future__ import annotations

from typing import Any

import torch
from bench import (
    NARROW,
    NO_FACE,
    ONE_FACE,
    OTHER_FACE,
    TWO_FACES,
    WIDE,
    Workflow,
    call,
    checkpoint,
    image_of,
    node,
    text,
)

from tests.support.sampler import ControlNet
from tests.support.stand_in_comfy import layer_calls

HALF, BRAIN, FLOAT8 = torch.float16, torch.bfloat16, torch.float8_e4m3fn


def test_apply(pack: Any) -> Any:
    return Workflow(pack).run("ApplyInstantID", whole=True)


def test_apply_more_steps(pack: Any) -> Any:
    return Workflow(pack).run("ApplyInstantID", weight=1.7, steps=4)["latent"]


def test_apply_advanced(pack: Any) -> Any:
    return Workflow(pack).run(ip_weight=0.3, cn_strength=4.0, noise=0.6)


def test_weight_0(pack: Any) -> Any:
    return [Workflow(pack).run(ip_weight=0.0), Workflow(pack).run("ApplyInstantID", weight=0.0)]


def test_strength_0(pack: Any) -> Any:
    return Workflow(pack).run(cn_strength=0.0)


def test_windows(pack: Any) -> Any:
    spans = ((0.0, 0.4), (0.3, 1.0), (0.2, 0.6), (1.0, 1.0))
    return [Workflow(pack).run(start_at=start, end_at=end, steps=2)["latent"] for start, end in spans]


def test_combined_embeds(pack: Any) -> Any:
    image = image_of(ONE_FACE, OTHER_FACE)
    how = ("average", "norm average", "concat")
    return {name: Workflow(pack).run(image=image, combine_embeds=name, noise=0.2) for name in how}


def test_pictures_without_a_face_are_skipped(pack: Any) -> Any:
    return Workflow(pack).run(image=image_of(NO_FACE, OTHER_FACE, NO_FACE))


def test_largest_of_two_faces(pack: Any) -> Any:
    return Workflow(pack).run(image=image_of(TWO_FACES))


def test_no_face(pack: Any) -> Any:
    workflow, image = Workflow(pack), image_of(NO_FACE)
    return [refused(lambda: workflow.apply(image=image)), refused(lambda: workflow.patch(image=image))]


def test_image_kps(pack: Any) -> Any:
    return Workflow(pack).run(image_kps=image_of(TWO_FACES))


def test_image_kps_without_a_face(pack: Any) -> Any:
    drawn = torch.rand(1, 64, 48, 3, generator=torch.Generator().manual_seed(4))
    return Workflow(pack).run(image_kps=drawn)


def test_batch_of_latents(pack: Any) -> Any:
    return Workflow(pack).run(batch=3, noise=0.1)


def test_masks(pack: Any) -> Any:
    generator = torch.Generator().manual_seed(5)
    shapes = ((1, 64, 32), (1, 30, 47), (1, 3, 2), (3, 64, 32), (2, 16, 16))
    masks = {str(shape): torch.rand(shape, generator=generator) for shape in shapes}
    return {name: Workflow(pack).run(mask=mask, batch=3) for name, mask in masks.items()}


def test_mask_of_odd_latent(pack: Any) -> Any:
    mask = torch.rand(1, 20, 12, generator=torch.Generator().manual_seed(6))
    return Workflow(pack).run(mask=mask, size=(12, 8))["latent"]


def test_dtypes(pack: Any) -> Any:
    return {
        "fp16": Workflow(pack, unet=HALF, fp16=True).run("ApplyInstantID"),
        "bf16": Workflow(pack, unet=BRAIN, fp16=True).run("ApplyInstantID"),
        "fp8 on a GPU": Workflow(pack, unet=FLOAT8, fp16=True, compute=HALF).run(),
        "fp8 without": Workflow(pack, unet=FLOAT8, compute=torch.float32).run(),
    }


def test_attention_patch_and_control(pack: Any) -> Any:
    workflow, results = Workflow(pack), {}
    for weight in (1.0, -1.0, 0.4):
        model, embeds = workflow.patch(weight=weight, noise=0.3)
        sampled = workflow.sampled(model, *workflow.control(embeds, strength=0.7), whole=weight == 1.0)
        results[weight] = [sampled, embeds]
    return results


def test_attention_patch_weight_0(pack: Any) -> Any:
    workflow = Workflow(pack)
    model, embeds = workflow.patch(weight=0.0)
    return workflow.sampled(model, *workflow.control(embeds))["latent"]


def test_attention_patch_in_half(pack: Any) -> Any:
    workflow = Workflow(pack, unet=HALF, fp16=True)
    model, embeds = workflow.patch(start_at=0.1, end_at=0.9)
    return [workflow.sampled(model, *workflow.control(embeds, start_at=0.2, end_at=0.8)), embeds]


def test_attention_patch_with_mask(pack: Any) -> Any:
    workflow, mask = Workflow(pack), torch.rand(1, 64, 32, generator=torch.Generator().manual_seed(7))
    model, embeds = workflow.patch(mask=mask)
    return workflow.sampled(model, *workflow.control(embeds, mask=mask, strength=2.5))


def test_control_strength_0(pack: Any) -> Any:
    workflow = Workflow(pack)
    model, embeds = workflow.patch()
    return workflow.sampled(model, *workflow.control(embeds, strength=0.0))["latent"]


def test_many_conditionings(pack: Any) -> Any:
    previous = [ControlNet().set_cond_hint(image_of(ONE_FACE).movedim(-1, 1), 0.5, (0.0, 1.0)) for _ in range(2)]
    positive = [[text(1), {"control": previous[0]}], [text(3), {}], [text(4), {"control": previous[1]}]]
    negative = [[text(2), {"control": previous[0]}], [text(5), {"control": previous[1]}], [text(6), {}]]
    workflow = Workflow(pack)
    applied = workflow.run(positive=positive, negative=negative)
    model, embeds = workflow.patch()
    return [applied, workflow.sampled(model, *workflow.control(embeds, positive=positive, negative=negative))]


def test_keypoints(pack: Any) -> Any:
    given = Workflow(pack).given["insightface"]
    images = image_of(TWO_FACES, ONE_FACE)
    nothing = node(pack, "FaceKeypointsPreprocessor", faceanalysis=given, image=image_of(NO_FACE))
    return [node(pack, "FaceKeypointsPreprocessor", faceanalysis=given, image=images), nothing]


def test_loader(pack: Any) -> Any:
    (loaded,) = node(pack, "InstantIDModelLoader", instantid_file=checkpoint())
    return sorted((tuple(value.shape), float(value.sum())) for value in loaded.state_dict().values())


# The same nodes again.


def test_called_again(pack: Any) -> Any:
    workflow = Workflow(pack)
    instance = pack.NODE_CLASS_MAPPINGS["ApplyInstantIDAdvanced"]()
    return [workflow.sampled(*workflow.apply(instance=instance, noise=0.2)) for _ in range(3)]


def disturbances(workflow: Workflow) -> list[Any]:
    """What else may happen to a model between two runs of a node: other nodes and ComfyUI's memory management."""
    first, second = list(workflow.instantid.children())
    return [
        lambda: None,
        lambda: workflow.instantid.to("cpu"),
        lambda: workflow.instantid.to(dtype=BRAIN),
        lambda: first.to("cpu"),
        lambda: second.to("cpu"),
        lambda: next(iter(workflow.instantid.parameters())).data.mul_(1.5),
        lambda: first.half(),
    ]


def test_model_moved_in_between(pack: Any) -> Any:
    workflow = Workflow(pack)
    apply, patch = (pack.NODE_CLASS_MAPPINGS[name]() for name in ("ApplyInstantID", "InstantIDAttentionPatch"))
    results = []
    for disturb in disturbances(workflow):
        disturb()
        results.append(workflow.sampled(*workflow.apply(instance=apply))["latent"])
        disturb()
        results.append(workflow.patch(instance=patch)[1])
    return results


def test_two_instances_share_a_model(pack: Any) -> Any:
    workflow = Workflow(pack)
    first, second = (pack.NODE_CLASS_MAPPINGS["ApplyInstantIDAdvanced"]() for _ in range(2))
    one = workflow.apply(instance=first, ip_weight=0.5)
    two = workflow.apply(instance=second, ip_weight=1.5, image=image_of(OTHER_FACE))
    results = [workflow.sampled(*each)["latent"] for each in (one, two)]
    on_top = workflow.apply(instance=second, model=one[0], positive=one[1], negative=one[2], ip_weight=0.2)
    return [*results, workflow.sampled(*on_top)["latent"]]


def test_after_an_exception(pack: Any) -> Any:
    workflow = Workflow(pack)
    instance = pack.NODE_CLASS_MAPPINGS["ApplyInstantID"]()

    class Broken(ControlNet):
        def copy(self) -> Any:
            raise RuntimeError("out of memory, say")

    told = refused(lambda: workflow.apply(instance=instance, control_net=Broken()))
    workflow.instantid.to("cpu")
    again = refused(lambda: workflow.apply(instance=instance, image=image_of(NO_FACE)))
    return [told, again, workflow.sampled(*workflow.apply(instance=instance))]


def test_clones_that_copy_what_patches_hold(pack: Any) -> Any:
    workflow = Workflow(pack, deep=True)
    model, positive, negative = workflow.apply()
    return workflow.sampled(model.clone(), positive, negative)["latent"]


def test_a_node_again_with_other_inputs(pack: Any) -> Any:
    workflow = Workflow(pack)
    instance = pack.NODE_CLASS_MAPPINGS["InstantIDAttentionPatch"]()
    return [call(instance, **workflow.inputs("instantid", "insightface", "model"), image=image_of(face))[1]
            for face in (ONE_FACE, OTHER_FACE, ONE_FACE)]  # fmt: skip


def refused(action: Any) -> str:
    """That it was refused; the words are each pack's own."""
    try:
        action()
    except Exception as error:
        return "refused" if "face" in str(error).lower() else f"{type(error).__name__}: {error}"
    return "done"


def layers(model: Any, **how: Any) -> list[torch.Tensor]:
    """What every patched layer gives for one call of the model."""
    from tests.support.comfy_host import get_torch_device

    device = get_torch_device()
    results = []
    for each in layer_calls(NARROW, WIDE, **how):
        if each.key[2] > 0:  # one transformer of each block
            continue
        q, k, v = (value.to(device) for value in (each.q, each.k, each.v))
        options = dict(each.extra_options)
        options["sigmas"] = torch.full((q.shape[0],), 5.0, device=device)
        results.append(model.patches[each.key](q, k, v, options) if each.key in model.patches else q)
    return results
