"""What the InstantID pack moves and waits for, before (`fixtures/instantid_original`) and after (`instantid_runtime`).

    python benchmarks/instantid.py [--steps N] [--name MACHINE]

The model has the published sizes (422.8 million parameters) and random values; insightface is real where it is
installed, on synthetic networks. One table, a row for each transfer of the plan, one for the weights that ComfyUI's
memory manager moves from queue to queue, one for what ComfyUI itself does. Counts and bytes: of the real device where
there is a GPU, of a simulated one elsewhere. They are of a node's second run (the model is on the device, the picture
is not) and of one denoising call with positive and negative batched. Times: of the calls alone, on the device that is
there; on a CPU nothing moves, so they are what asking costs. Written to benchmarks/results/MACHINE.{json,md}.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import itertools
import json
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

ROOT = Path(__file__).parent.parent
for folder in (ROOT, ROOT / "runtime", ROOT / "codemods"):
    sys.path.insert(0, str(folder))

from benchmarks.instantid_table import BACK, ROWS, table  # noqa: E402
from tests.support import comfy_host  # noqa: E402
from tests.support.checkpoint import PUBLISHED, instantid_checkpoint  # noqa: E402
from tests.support.faces import HAVE_INSIGHTFACE, face_analysis  # noqa: E402
from tests.support.memory_manager import LoadableModel, load_models_gpu  # noqa: E402
from tests.support.pictures import make_picture  # noqa: E402
from tests.support.sampler import ControlNet, sample  # noqa: E402
from transfer_lint.evidence.model import Entry  # noqa: E402
from transfer_lint.tracing.session import trace  # noqa: E402

WIDTHS, TOKENS = (640, 1280), 2048
RESULTS = ROOT / "benchmarks" / "results"
REPEATS = 7


@dataclass
class Figures:
    """Counts for a node's run or for a denoising call."""

    transfers: int = 0
    nbytes: int = 0
    waits: int = 0
    idle: int = 0

    def add(self, entry: Entry) -> None:
        if entry.kind == "idle":
            self.idle += entry.count
            return
        self.transfers += entry.count if entry.kind == "transfer" else 0
        self.nbytes += entry.nbytes
        self.waits += entry.waits


@dataclass
class Side:
    """The figures of one pack.

    run: row -> figures of the node's second run. call: row -> figures of a denoising call. seconds: row -> seconds of
    its calls alone. node_seconds, call_seconds: of whole node runs and whole denoising calls.
    """

    run: dict[str, Figures] = field(default_factory=lambda: {row: Figures() for row in ROWS})
    call: dict[str, Figures] = field(default_factory=lambda: {row: Figures() for row in ROWS})
    seconds: dict[str, float] = field(default_factory=dict)
    node_seconds: list[float] = field(default_factory=list)
    call_seconds: list[float] = field(default_factory=list)


def packs() -> dict[str, Any]:
    path = ROOT / "fixtures" / "instantid_original"
    spec = importlib.util.spec_from_file_location(
        "instantid_original", path / "__init__.py", submodule_search_locations=[str(path)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["instantid_original"] = original = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(original)
    import instantid_runtime

    return {"before": original, "after": instantid_runtime}


@cache
def weights() -> dict[str, torch.Tensor]:
    parts = instantid_checkpoint(PUBLISHED, TOKENS, WIDTHS)
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


class Workflow:
    """The Apply node with a mask, and the sampler's call of the model, at published sizes."""

    def __init__(self, pack: Any) -> None:
        with torch.device("meta"):
            self.instantid = pack.model.InstantID(pack.model.Sizes())
        self.instantid.load_state_dict(weights(), assign=True)
        self.node = pack.NODE_CLASS_MAPPINGS["ApplyInstantIDAdvanced"]()
        generator = torch.Generator().manual_seed(0)
        self.positive, self.negative = (
            [[torch.randn(1, 77, TOKENS, generator=generator), {}]] for _ in ("positive", "negative")
        )
        self.mask = torch.rand(1, 128, 128, generator=generator)
        self.model = LoadableModel(nn.Linear(8, 8), comfy_host.get_torch_device(), torch.device("cpu"))
        self.image = torch.from_numpy(make_picture()).unsqueeze(0).float() / 255

    def run(self) -> Any:
        return self.node.apply_instantid(
            self.instantid,
            analysis(),
            ControlNet(),
            self.image,
            self.model,
            self.positive,
            self.negative,
            ip_weight=0.8,
            cn_strength=0.8,
            start_at=0.0,
            end_at=1.0,
            noise=0.35,
            combine_embeds="average",
            mask=self.mask,
        )

    @staticmethod
    def denoise(applied: Any, calls: int) -> torch.Tensor:
        load_models_gpu([applied[0]])  # as every sampler does first
        dtype = comfy_host.policy.unet_dtype
        return sample(*applied, widths=WIDTHS, steps=calls, size=(16, 16), dtype=dtype)


@cache
def analysis() -> Any:
    return face_analysis(Path(sys.modules["folder_paths"].models_dir))


@cache
def calls_of(file: str) -> dict[tuple[int, int], str]:
    """(end line, end byte) -> source, for every call in a file."""
    source = Path(file).read_text(encoding="utf-8")
    return {
        (node.end_lineno or 0, node.end_col_offset or 0): ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    }


PATTERNS = (
    ("intermediate device", r"intermediate_device\(\)|^context\.to\(|^cond\['crossattn_controlnet'\]\.to\("),
    ("sigma", r"sigmas"),
    ("model", r"^self\.instantid\.to\("),
    ("clip_embed", r"^clip_embed\.to\("),
    ("clip_embed_zeroed", r"^clip_embed_zeroed\.to\("),
    ("both embeds", r"^(uncond_)?image_prompt_embeds\.to\("),
    ("mask", r"^mask\.to\("),
)


def row_of(entry: Entry) -> str | None:
    where = entry.where
    text = calls_of(where.file).get((where.end_line, where.end_byte), "") if Path(where.file).is_file() else ""
    row = next((row for row, pattern in PATTERNS if re.search(pattern, text)), None)
    if row is None and Path(where.file).is_relative_to(ROOT / "tests"):
        return "weights" if where.file.endswith("memory_manager.py") else "comfyui"
    return row


def counted(pack: Any, side: Side, simulated: str) -> torch.Tensor:
    """Fill in the counts. Returns the sampled latent."""
    workflow = Workflow(pack)
    options: Any = {"simulated": simulated, "hash_limit": 0, "follow_uses": False}

    def add(entries: Iterable[Entry], seen: dict[int, tuple[int, ...]], to: dict[str, Figures]) -> None:
        for entry in entries:
            row = row_of(entry)
            now = (entry.count, entry.nbytes, entry.waits)
            before = seen.get(id(entry), (0, 0, 0))
            seen[id(entry)] = now
            if row is not None:
                part = Entry(entry.kind, entry.source, entry.target, entry.dtype, entry.how, entry.chain)
                part.count, part.nbytes, part.waits = (b - a for a, b in zip(before, now, strict=True))
                to[row].add(part)

    with trace(**options) as tracing:
        seen: dict[int, tuple[int, ...]] = {}
        workflow.denoise(workflow.run(), 1)  # a first queue loads everything
        add(tracing.recorder.entries.values(), seen, {row: Figures() for row in ROWS})
        applied = workflow.run()
        add(tracing.recorder.entries.values(), seen, side.run)
        latent = workflow.denoise(applied, 1)
        add(tracing.recorder.entries.values(), seen, side.call)
    return latent


def timed(loaded: dict[str, Any], sides: dict[str, Side], steps: int) -> None:
    """Fill in the times of whole node runs and denoising calls, on the real device. The packs run alternately."""
    workflows = {name: Workflow(pack) for name, pack in loaded.items()}
    applied = {name: workflow.run() for name, workflow in workflows.items()}
    for name, workflow in workflows.items():  # warm-up
        workflow.denoise(applied[name], 1)
    nodes: dict[str, list[float]] = {name: [] for name in loaded}
    calls: dict[str, list[float]] = {name: [] for name in loaded}
    for _ in range(REPEATS):
        for name, workflow in workflows.items():
            nodes[name].append(seconds(workflow.run))
            calls[name].append(seconds(lambda w=workflow, n=name: w.denoise(applied[n], steps)) / steps)  # type: ignore[misc]
    for name, side in sides.items():
        side.node_seconds, side.call_seconds = nodes[name], calls[name]


def seconds(action: Callable[[], Any]) -> float:
    synchronize()
    begin = time.perf_counter()
    action()
    synchronize()
    return time.perf_counter() - begin


def median(action: Callable[[], Any], repeats: int) -> float:
    return statistics.median(seconds(action) for _ in range(repeats))


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def time_calls(sides: dict[str, Side], pack: Any) -> None:
    """Fill in the times of the rows' calls alone, with every tensor where it is in a node's second run."""
    device, dtype = comfy_host.get_torch_device(), comfy_host.policy.unet_dtype
    model = Workflow(pack).instantid.to(device, dtype=dtype)  # transfer-lint: ignore[TL103] once, before the timing
    face, mask = torch.randn(1, 1, 512), torch.rand(1, 128, 128)
    tokens = torch.randn(1, 16, TOKENS).to(device, dtype=dtype)
    sigmas = torch.full((2,), 5.0, device=device)
    host = torch.device("cpu")
    on_host, on_device = (tokens.to(each, torch.float32) for each in (host, device))

    def guarded(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(device, dtype=dtype) if tensor.device != device or tensor.dtype != dtype else tensor

    def guarded_model() -> None:
        if any(t.device != device or (t.dtype != dtype and (t.is_floating_point() or t.is_complex()))
               for t in itertools.chain(model.parameters(), model.buffers())):  # fmt: skip
            model.to(device, dtype=dtype)

    def mask_guarded() -> torch.Tensor:
        return mask.to(device) if mask.device != device else mask

    def twice(action: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: (action(), action())

    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "model": (lambda: model.to(device, dtype=dtype), guarded_model),
        "clip_embed": (lambda: face.to(device, dtype=dtype), lambda: guarded(face)),
        "clip_embed_zeroed": (lambda: face.to(device, dtype=dtype), lambda: guarded(face)),
        "both embeds": (lambda: [tokens.to(device, dtype=dtype) for _ in range(2)], lambda: None),
        "mask": (lambda: mask.to(device), mask_guarded),
        "intermediate device": (
            twice(lambda: tokens.to(host, dtype=torch.float32)),
            twice(lambda: tokens.to(dtype=torch.float32)),
        ),
        BACK: (twice(lambda: on_host.to(device, dtype)), twice(lambda: on_device.to(device, dtype))),
        "sigma": (
            lambda: [sigmas.detach().cpu()[0].item() for _ in range(60)],
            lambda: [sigmas.detach()[0].item() for _ in range(1)],
        ),
    }
    for row, actions in pairs.items():
        for side, action in zip(sides.values(), actions, strict=True):
            side.seconds[row] = median(action, repeats=200)


def machine_name() -> str:
    if torch.cuda.is_available():
        return re.sub(r"\W+", "-", torch.cuda.get_device_name()).strip("-").lower()
    return f"cpu-{platform.machine()}-{torch.get_num_threads()}-threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2, help="denoising calls to take the time of")
    parser.add_argument("--name", default=None, help="what the machine is called in the results")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results")
    options = parser.parse_args()
    comfy_host.install()
    real = torch.cuda.is_available()
    loaded = packs()
    sides = {name: Side() for name in loaded}
    comfy_host.policy.unet_dtype, comfy_host.policy.use_fp16 = torch.float16, True
    latents = [counted(pack, sides[name], "" if real else "cuda") for name, pack in loaded.items()]
    if not real:
        comfy_host.policy.unet_dtype, comfy_host.policy.use_fp16 = torch.float32, False  # fp16 on a CPU is emulated
    timed(loaded, sides, options.steps)
    time_calls(sides, loaded["before"])
    result = {
        "machine": options.name or machine_name(),
        "device": torch.cuda.get_device_name() if real else f"CPU, {platform.system()} {platform.machine()}",
        "torch": torch.__version__,
        "simulated": not real,
        "same": torch.equal(*latents),
        "faces": "insightface on synthetic networks" if HAVE_INSIGHTFACE else "a stand-in: insightface is not here",
        **{name: asdict(side) for name, side in sides.items()},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    lines = table(result)
    for suffix, text in ((".json", json.dumps(result, indent=1)), (".md", "\n".join(lines))):
        (options.out / f"{result['machine']}{suffix}").write_text(text + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
