# Generated from fixtures/instantid_original by `transfer-lint fix --unsafe-fixes`; do not edit.
# Change the original, then run .ci/make-runtime.
"""Modules that only some nodes need, imported when one of them runs."""

from __future__ import annotations

import importlib
from types import ModuleType

INSTALL = (
    "Install it into the Python that runs ComfyUI: python -m pip install insightface onnxruntime-gpu (without a GPU of "
    "NVIDIA: insightface onnxruntime)"
)


def needed(module: str) -> ModuleType:
    """Import a module that not every node needs. Raises ImportError saying how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"InstantID needs {module}, which cannot be imported ({error}). {INSTALL}",
            name=module,
        ) from error
