"""The byte scan: whether a file can hold anything to report. It costs far less than decoding and parsing."""

from __future__ import annotations

import re

MOVES = frozenset({"to", "cuda", "cpu", "xpu", "npu", "mps", "hpu", "ipu"})
"""Methods that may move data to another device."""

READS = frozenset({"item", "tolist", "numpy"})
"""Methods of a tensor that read its values on the host."""

PLACE = rf"\.\s*(?:{'|'.join(sorted(MOVES | READS))})\s*\(|\bdevice\s*!?="
"""A pattern of most that rules judge: transfers, host reads, `device=`, and comparisons of a device."""

ACCELERATOR = r"\b(?:cuda|xpu|mps|npu|hpu|get_torch_device|vae_device)\b"
"""What a file that puts a value on an accelerator by itself has in its text. Any test may read such a value."""

_SITE = re.compile(f"{PLACE}|{ACCELERATOR}".encode())


def may_have_site(data: bytes) -> bool:
    """Whether `data` may hold anything that rules judge. False is near certain, True is not."""
    return _SITE.search(data) is not None


def may_concern(data: bytes) -> bool:
    """Whether `data` may hold anything to report, or a comment for this tool. False is certain, True is not."""
    return b"transfer-lint:" in data or may_have_site(data)
