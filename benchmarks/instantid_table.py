"""The table that `benchmarks/instantid.py` writes."""

from __future__ import annotations

import statistics
from typing import Any

from transfer_lint.report.trace_text import bytes_of, seconds_of

CALLS = 30
"""Number of denoising calls in a usual workflow."""

PLAN = "100 to 500 ms per workflow, of it 50 to 200 ms for the round trip"
"""The saving that the project's plan estimated before anything was measured."""

BACK = "intermediate device, back"
"""The key for the time of the second half of the row "intermediate device": the copy back at each denoising call."""

ROWS = {
    "model": "`self.instantid.to(...)`",
    "clip_embed": "`clip_embed.to(...)`",
    "clip_embed_zeroed": "`clip_embed_zeroed.to(...)`",
    "both embeds": "`.to(...)` of both face embeddings",
    "mask": "`mask.to(...)`",
    "intermediate device": "`.to(intermediate_device())`, and back in the ControlNet",
    "sigma": "sigma read in the patched layers",
    "weights": "weights, loaded and offloaded by ComfyUI's memory manager",
    "comfyui": "what ComfyUI itself moves and waits for",
}


def table(result: dict[str, Any]) -> list[str]:
    """The Markdown table of a result."""
    before, after = result["before"], result["after"]
    where = f"{result['device']}, torch {result['torch']}"
    counts = "simulated" if result["simulated"] else "measured"
    lines = [
        f"Machine `{result['machine']}` ({where}); counts {counts}, times measured.",
        "",
        "| what | when | transfers | bytes | waits | no-op calls | time of the calls |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row, label in ROWS.items():
        for part, when in (("run", "node run"), ("call", "denoising call")):
            sides = [side[part][row] for side in (before, after)]
            if row != "weights" and not any(any(side.values()) for side in sides):
                continue
            cells = [arrow(*(side[name] for side in sides)) for name in ("transfers", "nbytes", "waits", "idle")]
            key = BACK if (row, part) == ("intermediate device", "call") else row
            timed = key in before["seconds"]
            spent = " -> ".join(seconds_of(side["seconds"][key]) for side in (before, after)) if timed else ""
            lines.append(f"| {label} | {when} | {' | '.join(cells)} | {spent} |")
    for part, key, label, when in (
        ("run", "node_seconds", "the node, whole", "node run"),
        ("call", "call_seconds", "the model's call, whole", "denoising call"),
    ):
        sums = [total(side[part]) for side in (before, after)]
        cells = [arrow(*(side[name] for side in sums)) for name in ("transfers", "nbytes", "waits", "idle")]
        spent = " -> ".join(spread(side[key]) for side in (before, after))
        lines.append(f"| {label} | {when} | {' | '.join(cells)} | {spent} |")
    saved = sum(
        (before["seconds"][row] - after["seconds"][row]) * (CALLS if row in ("sigma", BACK) else 1)
        for row in before["seconds"]
    )
    waits, moved = (
        [total(side["run"])[what] + CALLS * total(side["call"])[what] for side in (before, after)]
        for what in ("waits", "nbytes")
    )
    lines += [
        "",
        f"A queue of one node run and {CALLS} denoising calls, all that moves in it counted: {waits[0]} -> {waits[1]} "
        f"waits, {bytes_of(moved[0])} -> {bytes_of(moved[1])}. The calls of the timed rows alone take "
        f"{seconds_of(abs(saved))} {'less' if saved > 0 else 'more'} on this machine (measured). The plan guessed "
        f"{PLAN}.",
        f"Faces: {result['faces']}. Same latent, bit for bit: {'yes' if result['same'] else 'NO'}.",
    ]
    return lines


def spread(times: list[float]) -> str:
    """The median, and the quartiles around it."""
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return f"{seconds_of(middle)} ({seconds_of(low)} to {seconds_of(high)})"


def total(rows: dict[str, dict[str, int]]) -> dict[str, int]:
    return {key: sum(row[key] for row in rows.values()) for key in ("transfers", "nbytes", "waits", "idle")}


def arrow(before: int, after: int) -> str:
    return f"{before} -> {after}" if before < 10_000 else f"{bytes_of(before)} -> {bytes_of(after)}"
