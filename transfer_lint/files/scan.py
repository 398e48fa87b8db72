"""The byte scan: whether a file can hold anything to report. It costs nothing beside decoding and parsing."""

from __future__ import annotations

import re

_SITE = re.compile(rb"\.\s*(?:to|cuda|cpu|xpu|npu|mps|hpu|ipu|item|tolist|numpy)\s*\(")


def may_have_site(data: bytes) -> bool:
    """False where no transfer can be in `data`; true does not say that there is one."""
    return _SITE.search(data) is not None


def may_concern(data: bytes) -> bool:
    """False where neither a transfer nor a comment for this tool can be in `data`."""
    return b"transfer-lint:" in data or may_have_site(data)
