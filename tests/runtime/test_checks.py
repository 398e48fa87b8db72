"""What cannot work is said at the node, and what is odd is warned of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from tests.runtime.conftest import TOKENS_WIDTH, run
from tests.support.stand_in_comfy import StandInControlNet, StandInModel

HALVES = ("ApplyInstantID", "ApplyInstantIDAdvanced", "InstantIDAttentionPatch", "ApplyInstantIDControlNet")


def given(pack: Any, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What a node takes of the inputs."""
    tokens = torch.zeros(1, 16, TOKENS_WIDTH)
    every = {**inputs, "image_kps": inputs["image"], "face_embeds": {"cond": tokens, "uncond": tokens}}
    return {key: every[key] for key in pack.NODE_CLASS_MAPPINGS[name].INPUT_TYPES()["required"] if key in every}


def model_of(context: int | None) -> Any:
    model: Any = StandInModel()
    config = {} if context is None else {"context_dim": context}
    model.model = SimpleNamespace(model_config=SimpleNamespace(unet_config=config))
    return model


def control_net_of(context: int) -> Any:
    control_net: Any = StandInControlNet()
    block = nn.ModuleDict({"attn2": nn.ModuleDict({"to_k": nn.Linear(context, 4, bias=False)})})
    control_net.control_model = nn.ModuleDict({"transformer_blocks": nn.ModuleList([block])})
    return control_net


@pytest.mark.parametrize("name", HALVES[:3])
@pytest.mark.parametrize("context", [768, 1024, 1280])
def test_another_base_model(pack: Any, inputs: Any, name: str, context: int) -> None:
    inputs["model"] = model_of(context)
    with pytest.raises(ValueError, match=rf"for SDXL.* {TOKENS_WIDTH} wide.* {context} wide"):
        run(pack, name, **given(pack, name, inputs))


@pytest.mark.parametrize("context", [TOKENS_WIDTH, None], ids=["SDXL", "of unknown kind"])
@pytest.mark.parametrize("name", HALVES[:3])
def test_a_model_that_may_be_sdxl_is_taken(pack: Any, inputs: Any, name: str, context: int | None) -> None:
    inputs["model"] = model_of(context)
    run(pack, name, **given(pack, name, inputs))


@pytest.mark.parametrize("name", [HALVES[0], HALVES[1], HALVES[3]])
def test_another_control_net(pack: Any, inputs: Any, name: str) -> None:
    inputs["control_net"] = control_net_of(768)
    with pytest.raises(ValueError, match=f"tokens 768 wide, InstantID's are {TOKENS_WIDTH} wide"):
        run(pack, name, **given(pack, name, inputs))


@pytest.mark.parametrize("name", [HALVES[0], HALVES[1], HALVES[3]])
def test_a_control_net_that_fits_is_taken(
    pack: Any,
    inputs: Any,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    inputs["control_net"] = control_net_of(TOKENS_WIDTH)
    run(pack, name, **given(pack, name, inputs))
    assert not [record for record in caplog.records if "InstantID" in record.getMessage()]


@pytest.mark.parametrize("name", HALVES)
def test_a_span_that_is_none(pack: Any, inputs: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    run(pack, name, **given(pack, name, inputs), start_at=0.7, end_at=0.2)
    assert "start_at (0.7) is after end_at (0.2): it does nothing" in caplog.text


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (1, 8, 8, 1), (8,), ()], ids=str)
@pytest.mark.parametrize("name", HALVES)
def test_a_mask_that_is_none(pack: Any, inputs: Any, name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"The mask has shape \["):
        run(pack, name, **given(pack, name, inputs), mask=torch.ones(shape))


@pytest.mark.parametrize(("count", "warned"), [(1, False), (3, True)])
@pytest.mark.parametrize("name", HALVES)
def test_masks_that_may_not_fit_the_latents(
    pack: Any,
    inputs: Any,
    name: str,
    count: int,
    warned: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(pack, name, **given(pack, name, inputs), mask=torch.ones(count, 8, 8))
    assert (f"has at most {count}, or a multiple of that" in caplog.text) is warned
