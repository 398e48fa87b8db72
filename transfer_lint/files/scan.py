"""The byte scan: whether a file can hold anything to report. It costs nothing beside decoding and parsing."""

from __future__ import annotations

import re

MOVES = frozenset({"to", "cuda", "cpu", "xpu", "npu", "mps", "hpu", "ipu"})
"""Methods that may move data to another device."""

READS = frozenset({"item", "tolist", "numpy"})
"""Methods of a tensor that hand its values to the host."""

_SITE = re.compile(rb"\.\s*(?:%s)\s*\(" % "|".join(sorted(MOVES | READS)).encode())


def may_have_site(data: bytes) -> bool:
    """False where no transfer can be in `data`; true does not say that there is one."""
    return _SITE.search(data) is not None


def may_concern(data: bytes) -> bool:
    """False where neither a transfer nor a comment for this tool can be in `data`."""
    return b"transfer-lint:" in data or may_have_site(data)
