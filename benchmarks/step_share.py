"""Which share of a sampling step InstantID's waits cost: `python benchmarks/step_share.py [--json FILE]`.

All 70 transformer blocks of SDXL at their published sizes (random float16 weights; a picture of 1024 x 1024, positive
and negative in one batch) run a step without InstantID, with `fixtures/instantid_original` and with
`instantid_runtime`. SDXL's convolutions and the ControlNet are left out: a whole step is longer, the share smaller.
Without a GPU it runs small blocks on the CPU, which says only that it runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).parent.parent
for folder in (ROOT, ROOT / "runtime", ROOT / "codemods"):
    sys.path.insert(0, str(folder))

from tests.support import comfy_host  # noqa: E402
from tests.support.stand_in_comfy import SDXL_CALLS, StandInModel  # noqa: E402


@dataclass(frozen=True)
class Scale:
    """widths and tokens: of narrow and wide blocks. context: of a prompt's token. head: width of a head."""

    widths: tuple[int, int]
    tokens: tuple[int, int]
    context: int
    head: int


SDXL = Scale(widths=(640, 1280), tokens=(4096, 1024), context=2048, head=64)
SMALL = Scale(widths=(64, 128), tokens=(64, 16), context=48, head=32)


class Block(nn.Module):
    """Self attention, attention to the prompt, feed-forward."""

    def __init__(self, width: int, scale: Scale) -> None:
        super().__init__()
        self.heads = width // scale.head
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.q, self.leave = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.kv = nn.Linear(scale.context, 2 * width, bias=False)
        self.up, self.down = nn.Linear(width, 8 * width), nn.Linear(4 * width, width)

    def forward(
        self, x: torch.Tensor, context: torch.Tensor, patch: Callable[..., torch.Tensor] | None, options: dict[str, Any]
    ) -> torch.Tensor:
        """x [B, tokens, width] -> the same."""
        x = x + self.out(comfy_host.optimized_attention(*self.qkv(_normal(x)).chunk(3, dim=-1), self.heads))
        q, (k, v) = self.q(_normal(x)), self.kv(context).chunk(2, dim=-1)
        if patch is None:
            answer = comfy_host.optimized_attention(q, k, v, self.heads)
        else:
            answer = patch(q, k, v, {**options, "n_heads": self.heads})
        x = x + self.leave(answer)
        gate, value = self.up(_normal(x)).chunk(2, dim=-1)
        return x + self.down(functional.gelu(gate) * value)


def _normal(x: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(x, x.shape[-1:])


class Step:
    """All blocks, and what they work on."""

    def __init__(self, scale: Scale, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.device = device
        self.blocks: list[tuple[tuple[str, int, int], Block]] = []
        with torch.device(device):
            for name, number, count, wide in SDXL_CALLS:
                for index in range(count):
                    block = Block(scale.widths[wide], scale).to(dtype=dtype).requires_grad_(False)
                    self.blocks.append(((name, number, index), block))
            shapes = zip(scale.tokens, scale.widths, strict=True)
            self.inputs = [torch.randn(2, count, width, dtype=dtype) for count, width in shapes]
            self.context = torch.randn(2, 77, scale.context, dtype=dtype)

    def __call__(self, patches: dict[Any, Any]) -> list[torch.Tensor]:
        """The outputs of one step; its timestep is a tensor of its own, that all layers are given."""
        options = {
            "cond_or_uncond": [0, 1],
            "original_shape": [2, 4, 128, 128],
            "sigmas": torch.full((2,), 5.0, device=self.device),
        }
        narrow, *_ = (block.up.in_features for _, block in self.blocks)
        streams = list(self.inputs)
        for key, block in self.blocks:
            wide = block.up.in_features != narrow
            streams[wide] = block(streams[wide], self.context, patches.get(key), {**options, "block": key[:2]})
        return streams


def patches_of(pack: Any, scale: Scale, device: torch.device, dtype: torch.dtype) -> dict[Any, Any]:
    """InstantID in 60 layers, as the Apply nodes put it there."""
    sizes = pack.model.Sizes(
        pack.resampler.ResamplerSizes(width=64, inner=64, hidden=64, depth=1, output=scale.context),
        tuple(scale.widths[width != 640] for width in pack.model.SDXL_WIDTHS),
    )
    torch.manual_seed(1)
    with torch.device(device):
        instantid = pack.model.InstantID(sizes).to(dtype=dtype)
        cond, uncond = (torch.randn(1, 16, scale.context, dtype=dtype) for _ in range(2))
    whole = {"weight": 0.8, "start_at": 0.0, "end_at": 1.0, "mask": None, "patch_middle": False}
    patched = pack.attention_patch.patch_attention(StandInModel(), instantid, cond, uncond, **whole)
    return dict(patched.patches)


def measure(packs: dict[str, Any], steps: int, repeats: int) -> dict[str, Any]:
    """Seconds of a step without InstantID and with each pack, in turns; whether the packs' outputs are equal."""
    real = torch.cuda.is_available()
    scale, dtype = (SDXL, torch.float16) if real else (SMALL, torch.float32)
    device = comfy_host.get_torch_device()
    with torch.inference_mode():
        step = Step(scale, device, dtype)
        sides = {"without": {}, **{name: patches_of(pack, scale, device, dtype) for name, pack in packs.items()}}
        outputs = {name: step(patches) for name, patches in sides.items()}  # warm-up
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(repeats):
            for name, patches in sides.items():
                _wait(real)
                begin = time.perf_counter()
                for _ in range(steps):
                    step(patches)
                _wait(real)
                times[name].append((time.perf_counter() - begin) / steps)
    first, *others = (outputs[name] for name in packs)
    same = all(torch.equal(a, b) for other in others for a, b in zip(first, other, strict=True))
    changed = any(not torch.equal(a, b) for a, b in zip(first, outputs["without"], strict=True))
    return {
        "device": torch.cuda.get_device_name() if real else "CPU, small blocks",
        "steps": steps,
        "seconds": {name: statistics.median(each) for name, each in times.items()},
        "spread": {name: [min(each), max(each)] for name, each in times.items()},
        "same": same,
        "acts": changed,
    }


def _wait(real: bool) -> None:
    if real:
        torch.cuda.synchronize()


def lines(result: dict[str, Any]) -> list[str]:
    """The result in words."""
    seconds = result["seconds"]
    table = [
        f"{name:8} {1e3 * each:8.2f} ms a step ({1e3 * min(result['spread'][name]):.2f} to "
        f"{1e3 * max(result['spread'][name]):.2f})"
        for name, each in seconds.items()
    ]
    share = (seconds["before"] - seconds["after"]) / seconds["before"]
    return [
        f"{result['device']}, {result['steps']} steps, torch {torch.__version__}",
        *table,
        f"the waits' share of a step: {100 * share:.1f} %",
        f"same outputs, bit for bit: {'yes' if result['same'] else 'NO'}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    comfy_host.install()
    from benchmarks.instantid import packs

    result = measure(packs(), options.steps, options.repeats)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines(result)))


if __name__ == "__main__":
    main()
