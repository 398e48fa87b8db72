"""`python -m transfer_lint.tracing.distance_worker JOB`: measures the distance of outputs that are not bit-identical.

JOB is JSON: `original`, `fixed` (files of tensors), `paths` (of the outputs to compare), `rtol`, `atol`, `pictures`
(whether to make them), `result` (the file to write).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import torch

from transfer_lint.evidence.runs import Distance
from transfer_lint.tracing.outputs import looks_like_pictures, pictures_of


def main() -> None:
    """Compare the outputs that the job names, and write {path: Distance} as JSON."""
    job = json.loads(sys.argv[1])
    before = torch.load(job["original"], map_location="cpu", weights_only=True)
    after = torch.load(job["fixed"], map_location="cpu", weights_only=True)
    found = {}
    for path in job["paths"]:
        pair = (before.get(path), after.get(path))
        if None not in pair:
            found[path] = asdict(distance(path, *pair, job["rtol"], job["atol"], job["pictures"]))
    with open(job["result"], "w", encoding="utf-8") as stream:
        json.dump(found, stream)


def distance(
    path: str, before: torch.Tensor, after: torch.Tensor, rtol: float, atol: float, pictures: bool
) -> Distance:
    """Compare two tensors of the same shape. NaN at the same position in both is no difference."""
    a, b = (each if each.is_complex() else each.double() for each in (before, after))
    same = (a == b) | (a.isnan() & b.isnan())
    gap = (a - b).abs().masked_fill(same, 0.0)
    scale = a.abs().clamp_min(torch.finfo(torch.float64).tiny)
    shown = []
    if pictures and looks_like_pictures(before) and looks_like_pictures(after):
        most = float(gap.max())
        top = 255.0 if before.dtype == torch.uint8 else 1.0
        shown = pictures_of(gap.float() / max(most, 1e-12)) if most else pictures_of(gap.float() / top)
    return Distance(
        path,
        differing=int((~same).sum()),
        of=a.numel(),
        max_abs=float(gap.max()) if gap.numel() else 0.0,
        max_rel=float((gap / scale).max()) if gap.numel() else 0.0,
        within=bool((gap <= atol + rtol * a.abs()).all()) and (rtol > 0 or atol > 0),
        pictures=tuple(shown),
    )


if __name__ == "__main__":
    main()
