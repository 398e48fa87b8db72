# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""The published pack's nodes have the same names, and of two packs ComfyUI takes the one that it loads last. It is said
in the log which one that is."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)


def tell_of_collisions(own: Mapping[str, type]) -> None:
    """Say which nodes of these names are there already, and once ComfyUI has loaded all packs, which came later."""
    before = _strangers(own)
    if before:
        logger.warning(
            "InstantID: %s has nodes of the same names; this pack's take their place. Remove one of the two folders.",
            _places(before),
        )

    async def later(_app: Any) -> None:
        after = _strangers(own)
        if after:
            logger.warning(
                "InstantID: the nodes %s are those of %s, which ComfyUI loaded after this pack. Remove one of the two "
                "folders.",
                ", ".join(sorted(after)),
                _places(after),
            )

    server = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if server is not None:
        server.app.on_startup.append(later)


def _strangers(own: Mapping[str, type]) -> dict[str, type]:
    """The nodes that ComfyUI has under these names and that are not this pack's."""
    known: Mapping[str, type] = getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {})
    return {name: known[name] for name in own if name in known and known[name] is not own[name]}


def _places(nodes: Mapping[str, type]) -> str:
    return ", ".join(sorted({getattr(node, "RELATIVE_PYTHON_MODULE", node.__module__) for node in nodes.values()}))
