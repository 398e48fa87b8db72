"""What the tool is for: it finds every needless transfer of the node pack, nothing else, and mends them for good."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.support.command import ROOT, lint

PACK = "fixtures/instantid_original"
APPLY, PATCH = "ApplyInstantID.apply_instantid", "InstantIDAttentionPatch.patch_attention"
CONTROL, LAYER = "ApplyInstantIDControlNet.apply_controlnet", "AttentionPatch.__call__"

ROWS = [
    (LAYER, "extra_options['sigmas'].detach()", "TL302"),
    (LAYER, "extra_options['sigmas'].detach().cpu()[0].item()", "TL303"),
    (APPLY, "self.instantid", "TL103"),
    (APPLY, "clip_embed", "TL102"),
    (APPLY, "clip_embed_zeroed", "TL102"),
    (APPLY, "image_prompt_embeds", "TL101"),
    (APPLY, "uncond_image_prompt_embeds", "TL101"),
    (APPLY, "mask", "TL102"),
    (APPLY, "image_prompt_embeds", "TL104"),
    (APPLY, "uncond_image_prompt_embeds", "TL104"),
    (PATCH, "self.instantid", "TL103"),
    (PATCH, "clip_embed", "TL102"),
    (PATCH, "clip_embed_zeroed", "TL102"),
    (PATCH, "image_prompt_embeds", "TL101"),
    (PATCH, "uncond_image_prompt_embeds", "TL101"),
    (PATCH, "mask", "TL102"),
    (CONTROL, "mask", "TL102"),
    (CONTROL, "face_embeds['cond']", "TL104"),
    (CONTROL, "face_embeds['uncond']", "TL104"),
]
"""(function, what is moved, rule) for each transfer that is not needed."""

PROOF = ["get_image_embeds", "Resampler.forward", "get_torch_device()"]
SOCKET = ["INSTANTID", "InstantIDModelLoader"]
"""What a proof has to pass through: method, layers, placement; and without annotations the socket and its loader."""


@pytest.fixture(params=["annotated", "bare"])
def pack(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the pack, as it is and with its nodes as most are written: nothing says what a socket brings."""
    shutil.copytree(ROOT / PACK, tmp_path / "pack", ignore=shutil.ignore_patterns("__pycache__"))
    if request.param == "bare":
        for path in tmp_path.glob("pack/nodes_*.py"):
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r"(instantid|face_embeds): \w+,", r"\1,", text), encoding="utf-8")
    return tmp_path / "pack"


def findings(pack: Path, cwd: Path | None = None) -> list[dict[str, object]]:
    """All of a folder; cwd: where the tool is run, by default the folder above."""
    cwd = cwd or pack.parent
    ran = lint("check", "--output-format", "json", pack.relative_to(cwd), cwd=cwd)
    found: list[dict[str, object]] = json.loads(ran.out)["findings"]
    return found


def rows(found: list[dict[str, object]]) -> Counter[tuple[object, ...]]:
    return Counter((f["function"], str(f["message"]).split("`")[1], f["code"]) for f in found)


def test_every_row_is_found_and_nothing_else(pack: Path) -> None:
    assert rows(findings(pack)) == Counter(ROWS)


def test_beside_what_was_made_of_it_the_pack_is_the_same() -> None:
    assert (ROOT / "runtime" / "instantid_runtime" / "nodes_load.py").exists()
    assert rows(findings(ROOT / PACK, ROOT)) == Counter(ROWS)


@pytest.mark.parametrize("function", [APPLY, PATCH])
def test_the_proof_is_told(pack: Path, function: str) -> None:
    bare = "instantid: InstantID" not in (pack / "nodes_apply.py").read_text(encoding="utf-8")
    chains = [f["evidence"] for f in findings(pack) if f["function"] == function and f["code"] == "TL101"]
    assert len(chains) == 2
    for chain in chains:
        assert isinstance(chain, list)
        words = " ".join(fact["text"] for fact in chain)
        assert [word for word in (*PROOF, *(SOCKET if bare else ())) if word not in words] == []


def test_it_is_mended_for_good(pack: Path) -> None:
    lint("fix", "--unsafe-fixes", "pack", cwd=pack.parent)
    mended = {path: path.read_bytes() for path in pack.glob("*.py")}
    assert not any(b"intermediate_device" in data for path, data in mended.items() if path.name.startswith("nodes_"))
    assert findings(pack) == []
    lint("fix", "--unsafe-fixes", "pack", cwd=pack.parent)
    assert mended == {path: path.read_bytes() for path in pack.glob("*.py")}


def test_the_proofs_outlive_the_safe_fixes(pack: Path) -> None:
    """A guard proves as much as the move that it guards: what needs permission is still found when the rest is done."""
    lint("fix", pack.name, cwd=pack.parent)
    left = Counter(finding["code"] for finding in findings(pack))
    assert left == {"TL104": 4, "TL303": 1}
