"""Measures what tracing costs: runs programs with and without `transfer_lint.trace()`, alternately, on the real device.

    python benchmarks/trace_overhead.py

Medians of paired runs, with the quartiles of the ratio. On a GPU the realistic program is a transformer layer in half
precision, with a copy to the device and a host read per step; on a CPU, where nothing moves, both are no-op calls.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from transfer_lint.report.trace_text import seconds_of
from transfer_lint.tracing.session import trace

PAIRS = 15


def device() -> torch.device:
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def realistic() -> Callable[[], None]:
    """Ten times: a batch is copied to the device, a transformer layer runs, a number is read."""
    here = device()
    half = torch.float16 if here.type == "cuda" else torch.float32
    width, tokens = (2048, 4096) if here.type == "cuda" else (512, 256)
    layer = torch.nn.TransformerEncoderLayer(width, 8, 4 * width, batch_first=True).to(here, half).eval()
    batch = torch.randn(1, tokens, width, dtype=half)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(10):
            x = batch.to(here)  # transfer-lint: ignore[TL107] a new batch comes from the host each time
            layer(x).mean().item()

    return run


def small_operators() -> Callable[[], None]:
    """Thousands of small operators, none of which the tracer records."""
    x = torch.ones(16, 16, device=device())

    def run() -> None:
        y = x
        for _ in range(5000):
            y = torch.relu(y + x)

    return run


def no_op_calls() -> Callable[[], None]:
    """Only calls that are recorded: the worst case."""
    x = torch.ones(16, device=device())

    def run() -> None:
        for _ in range(2000):
            x.to(x.device)  # transfer-lint: ignore[TL101] the call is what is measured

    return run


def paired(action: Callable[[], None], *, follow_uses: bool) -> tuple[float, float, list[float]]:
    plain, traced = [], []
    action()
    for _ in range(PAIRS):
        plain.append(seconds(action))
        with trace(follow_uses=follow_uses):
            traced.append(seconds(action))
    ratios = [b / a for a, b in zip(plain, traced, strict=True)]
    return statistics.median(plain), statistics.median(traced), statistics.quantiles(ratios, n=4, method="inclusive")


def seconds(action: Callable[[], None]) -> float:
    begin = time.perf_counter()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def main() -> None:
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    print(f"{where}, torch {torch.__version__}\n")
    print("| program | follows uses | without | with | overhead (quartiles) |")
    print("| --- | --- | ---: | ---: | ---: |")
    for make in (realistic, small_operators, no_op_calls):
        for follow in (False, True):
            without, traced, (low, middle, high) = paired(make(), follow_uses=follow)
            over = f"{middle - 1:+.1%} ({low - 1:+.1%} to {high - 1:+.1%})"
            name = make.__name__.replace("_", " ")
            print(f"| {name} | {'yes' if follow else 'no'} | {seconds_of(without)} | {seconds_of(traced)} | {over} |")


if __name__ == "__main__":
    main()
