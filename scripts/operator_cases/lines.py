"""Lines of code as programs write them, for a device: how tensors are made, moved, indexed and read, and attention.

PyTorch's operator database has none of these: `x.item()`, `x[mask] = 1`, `torch.tensor([1.0], device=d)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

UNITS = ("lines", "attention")

_LINES = Path(__file__).with_name("lines.txt")


def _names() -> dict[str, Any]:
    """What the lines use, made anew."""
    import copy
    import io
    import json
    import math
    import pickle

    import numpy
    from torch import nn
    from torch.nn import functional
    from torch.utils.checkpoint import checkpoint

    device = torch.device("cuda:0")
    torch.manual_seed(7)
    host = torch.rand(4, 4) + 0.1
    host_v = torch.arange(1.0, 9.0)
    host_index = torch.tensor([0, 2, 3])
    host_target = torch.tensor([0, 1, 2, 3])
    linear, trained = nn.Linear(4, 4).to(device), nn.Linear(4, 4).to(device)
    trained(host.to(device)).sum().backward()

    def if_positive(value: Any) -> int:
        return 1 if value > 0 else 0

    def assert_positive(value: Any) -> None:
        assert value > 0

    def loss(model: Any, data: Any) -> float:
        return float(model(data).pow(2).mean().item())

    def scaler_step(model: Any, data: Any) -> None:
        scaler = torch.amp.GradScaler("cuda")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler.scale(model(data).sum()).backward()
        scaler.step(optimizer)
        scaler.update()

    def autocast_step(model: Any, data: Any) -> Any:
        with torch.autocast("cuda"):
            return model(data)

    def event_pair() -> float:
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)

    def saved_and_loaded(value: Any, **more: Any) -> Any:
        stream = io.BytesIO()
        torch.save(value, stream)
        stream.seek(0)
        return torch.load(stream, **more)

    return {
        "torch": torch,
        "nn": nn,
        "F": functional,
        "np": numpy,
        "math": math,
        "copy": copy,
        "io": io,
        "json": json,
        "pickle": pickle,
        "checkpoint": checkpoint,
        "nowhere": io.StringIO(),
        "d": device,
        "host": host,
        "host_scalar": torch.tensor(2.0),
        "host_count": torch.tensor(3),
        "host_v": host_v,
        "host_index": host_index,
        "host_mask": host > 0.5,
        "host_target": host_target,
        "pinned": (host * 1).pin_memory(),
        "x": host.to(device),
        "y": host.to(device),
        "v": host_v.to(device),
        "mask": (host > 0.5).to(device),
        "index": host_index.to(device),
        "scalar": torch.tensor(2.0).to(device),
        "count": torch.tensor(3).to(device),
        "square": (host @ host.t() + torch.eye(4)).to(device),
        "target": host_target.to(device),
        "probabilities": torch.randn(5, 1, 6).log_softmax(2).to(device),
        "linear": linear,
        "trained": trained,
        "optimizer": torch.optim.Adam(trained.parameters()),
        "if_positive": if_positive,
        "assert_positive": assert_positive,
        "loss": loss,
        "event_pair": event_pair,
        "scaler_step": scaler_step,
        "autocast_step": autocast_step,
        "saved_and_loaded": saved_and_loaded,
    }


def _line(text: str) -> Callable[[], Any]:
    """A line with fresh names: what is returned runs it."""
    names = _names()
    try:
        code = compile(text, "line", "eval")
    except SyntaxError:
        code = compile(text, "line", "exec")
    return lambda: eval(code, names)


def _attention(
    dtype: torch.dtype, mask: str, grad: bool, layout: str, causal: bool, channels: int, length: int
) -> Callable[[], Any]:
    """A call of fused attention. layout: "heads first", or "split" for heads that were split from the channels."""
    torch.manual_seed(7)

    def operand() -> torch.Tensor:
        if layout == "heads first":
            made = torch.randn(2, 3, length, channels)
        elif layout == "split":
            made = torch.randn(2, length, 3, channels).transpose(1, 2)
        else:
            made = torch.randn(2, 3, length, channels)[:, :1].expand(-1, 3, -1, -1)
        return made.to("cuda", dtype).requires_grad_(grad)

    query, key, value = operand(), operand(), operand()
    given: torch.Tensor | None = None
    if mask != "none":
        given = torch.rand(length, length) > 0.2
        given = given if mask.startswith("bool") else given.to(dtype)
        given = given.expand(2, 3, length, length) if mask.endswith("expanded") else given
        given = given if mask.endswith("host") else given.to("cuda")

    def call() -> Any:
        result = torch.nn.functional.scaled_dot_product_attention(query, key, value, given, is_causal=causal)
        return (result, torch.autograd.grad(result.sum(), (query, key, value))) if grad else result

    return call


def cases(unit: str) -> Iterator[tuple[str, Callable[[], Callable[[], Any]]]]:
    """(name, function that prepares it and returns what is to be observed) of all cases of a unit."""
    if unit == "lines":
        for text in _LINES.read_text(encoding="utf-8").splitlines():
            yield text, partial(_line, text)
        return
    masks = ("none", "bool", "float", "bool expanded", "float host", "bool host")
    layouts = ("heads first", "split", "one head for all")
    dtypes = (torch.float32, torch.float16, torch.bfloat16)
    for dtype, mask, grad, layout, (channels, length) in product(
        dtypes, masks, (False, True), layouts, ((64, 16), (40, 7), (6, 5), (320, 16))
    ):
        for causal in (False, True) if mask == "none" else (False,):
            words = f"{str(dtype)[6:]}, mask {mask}, {'grad, ' if grad else ''}{layout}, {length} x {channels}"
            yield words + ", causal" * causal, partial(_attention, dtype, mask, grad, layout, causal, channels, length)
