"""What InstantID's scenarios share: a stand-in ComfyUI, a checkpoint, insightface on synthetic models, workflows.

`SCENARIO_PUBLISHED_PROJ=1` makes the face projection as wide as the published one, for packs that know no other.
`SCENARIO_THIN=1` samples with 11 layers of the UNet where a scenario does not need all 70.
"""

from __future__ import annotations

import copy
import hashlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[3]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.support import comfy_host  # noqa: E402
from tests.support.checkpoint import PUBLISHED, SMALL, instantid_checkpoint  # noqa: E402
from tests.support.faces import face_analysis  # noqa: E402
from tests.support.pictures import make_picture  # noqa: E402
from tests.support.sampler import ControlNet, Model, sample  # noqa: E402

MODELS = comfy_host.install()
NARROW, WIDE, TOKENS = 32, 64, 48
THIN = bool(os.environ.get("SCENARIO_THIN"))
"""Sample with one layer of each block, where the scenario does not ask for all: a simulation is slow."""

ONE_FACE, TWO_FACES, NO_FACE = ((256, 256, 40),), ((110, 130, 40), (380, 360, 60)), ()
OTHER_FACE, CLOSE_UP = ((200, 300, 50),), ((256, 256, 150),)

torch.set_num_threads(1)  # tensors this small are slower on several


@cache
def checkpoint() -> str:
    """The name of a checkpoint file."""
    name = "small.bin"
    sizes = PUBLISHED if os.environ.get("SCENARIO_PUBLISHED_PROJ") else SMALL
    aside = MODELS / "instantid" / f"{os.getpid()}.part"  # another process may be reading the file
    torch.save(instantid_checkpoint(sizes, TOKENS, (NARROW, WIDE)), aside)
    aside.replace(MODELS / "instantid" / name)
    return name


class Analysis:
    """insightface's FaceAnalysis, that looks at the same picture at the same size once only."""

    def __init__(self) -> None:
        self._real = face_analysis(MODELS)
        self.det_model, self.models = self._real.det_model, self._real.models
        self._known: dict[Any, Any] = {}

    def get(self, picture: Any) -> Any:
        sizes = [str(getattr(self.det_model, name, None)) for name in ("input_size", "input_sizes")]
        key = (hashlib.blake2b(picture.tobytes()).digest(), picture.shape, *sizes)
        if key not in self._known:
            self._known[key] = self._real.get(picture)
        return self._known[key]


analysis = cache(Analysis)


@cache
def loaded(pack: Any) -> Any:
    """The model, as the loader gives it; to be copied."""
    return node(pack, "InstantIDModelLoader", instantid_file=checkpoint())[0]


def image_of(*pictures: tuple[tuple[int, int, int], ...]) -> torch.Tensor:
    """An IMAGE [B, 512, 512, 3] with faces (x, y, radius) in each picture."""
    return torch.stack([torch.from_numpy(make_picture(patches=patches)) for patches in pictures]).float() / 255


def node(pack: Any, name: str, **inputs: Any) -> Any:
    """Call a node on a new instance, as ComfyUI does: defaults for numbers and choices, then what is given."""
    return call(pack.NODE_CLASS_MAPPINGS[name](), **inputs)


def call(instance: Any, **inputs: Any) -> Any:
    """Call a node's instance."""
    values: dict[str, Any] = {}
    for key, (kind, *options) in type(instance).INPUT_TYPES()["required"].items():
        if options and "default" in options[0]:
            values[key] = options[0]["default"]
        elif not isinstance(kind, str):
            values[key] = kind[0]
    return getattr(instance, type(instance).FUNCTION)(**{**values, **inputs})


def text(seed: int) -> torch.Tensor:
    """A prompt's embedding [1, 7, TOKENS]."""
    return torch.randn(1, 7, TOKENS, generator=torch.Generator().manual_seed(seed))


class Workflow:
    """One ComfyUI workflow: fresh weights, a model, a ControlNet, two prompts, one picture."""

    def __init__(
        self,
        pack: Any,
        *,
        unet: torch.dtype = torch.float32,
        fp16: bool = False,
        compute: torch.dtype | None = None,
        deep: bool = False,
    ) -> None:
        comfy_host.policy.unet_dtype, comfy_host.policy.use_fp16 = unet, fp16
        self.pack = pack
        self.compute = compute or unet
        self.instantid = copy.deepcopy(loaded(pack))
        self.given: dict[str, Any] = {
            "instantid": self.instantid,
            "insightface": analysis(),
            "control_net": ControlNet(),
            "image": image_of(ONE_FACE),
            "model": Model(deep=deep),
            "positive": [[text(1), {"pooled_output": 1}]],
            "negative": [[text(2), {}]],
        }

    def inputs(self, *names: str) -> dict[str, Any]:
        """Some of the inputs."""
        return {name: self.given[name] for name in names}

    def apply(self, name: str = "ApplyInstantIDAdvanced", instance: Any = None, **inputs: Any) -> Any:
        """(model, positive, negative) of an Apply node."""
        instance = instance or self.pack.NODE_CLASS_MAPPINGS[name]()
        return call(instance, **{**self.given, **inputs})

    def patch(self, instance: Any = None, **inputs: Any) -> Any:
        """(model, face_embeds) of the attention node."""
        instance = instance or self.pack.NODE_CLASS_MAPPINGS["InstantIDAttentionPatch"]()
        return call(instance, **{**self.inputs("instantid", "insightface", "image", "model"), **inputs})

    def control(self, face_embeds: Any, **inputs: Any) -> Any:
        """(positive, negative) of the ControlNet node."""
        given = {**self.inputs("control_net", "positive", "negative"), "image_kps": self.given["image"]}
        return node(self.pack, "ApplyInstantIDControlNet", face_embeds=face_embeds, **{**given, **inputs})

    def sampled(self, model: Any, positive: Any, negative: Any, *, whole: bool = False, **how: Any) -> dict[str, Any]:
        """What the user gets, and the conditioning that led there. whole: with all 70 layers even where THIN."""
        thin = THIN and not whole
        latent = sample(model, positive, negative, widths=(NARROW, WIDE), dtype=self.compute, thin=thin, **how)
        return {"latent": latent, "positive": told(positive), "negative": told(negative)}

    def run(self, name: str = "ApplyInstantIDAdvanced", **inputs: Any) -> dict[str, Any]:
        """Apply and sample."""
        how = {key: inputs.pop(key) for key in ("steps", "batch", "size", "whole") if key in inputs}
        return self.sampled(*self.apply(name, **inputs), **how)


def told(conditioning: Any) -> list[dict[str, Any]]:
    """A conditioning's entries, and what their ControlNets were given."""
    return [{"text": embedding, **{key: _plain(value) for key, value in options.items()}} for embedding, options in
            conditioning]  # fmt: skip


def _plain(value: Any) -> Any:
    if not isinstance(value, ControlNet):
        return value
    parts = {"hint": value.cond_hint_original, "strength": value.strength, "span": value.span}
    return {**parts, "previous": _plain(value.previous)}
