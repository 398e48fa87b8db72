"""The byte scan: whether a file can hold a transfer at all. It costs nothing beside decoding and parsing."""

from __future__ import annotations

import re

_SITE = re.compile(rb"\.\s*(?:to|cuda|cpu|xpu|npu|mps|hpu|ipu|item|tolist|numpy)\s*\(")


def may_have_site(data: bytes) -> bool:
    """False where no transfer can be in `data`; true does not say that there is one."""
    return _SITE.search(data) is not None
