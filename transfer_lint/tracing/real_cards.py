"""Keeps the cards that a machine has out of a simulation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import torch

from transfer_lint.tracing.machine import KINDS, Machine

_VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def hidden_from_processes() -> Iterator[None]:
    """Context in which processes that are started find no card: a tensor on one means nothing to the simulation."""
    if torch.version.cuda is None and torch.version.hip is None:
        yield
        return
    before = os.environ.get(_VISIBLE)
    os.environ[_VISIBLE] = ""
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VISIBLE, None)
        else:
            os.environ[_VISIBLE] = before


def replacements(machine: Machine) -> Iterable[tuple[Any, str, Any]]:
    """(owner, attribute, new value) of what would find a card of another kind, or join cards by NCCL."""
    for kind in KINDS:
        module = getattr(torch, kind)
        if kind != machine.kind and module.is_available():
            yield module, "is_available", lambda: False
            yield module, "device_count", lambda: 0
            yield module, "_lazy_init", partial(_refuse, kind)
    if torch.distributed.is_available():
        for owner in (torch.distributed, torch.distributed.distributed_c10d):
            yield owner, "is_nccl_available", lambda: False


def _refuse(kind: str) -> NoReturn:
    raise RuntimeError(f"No {kind.upper()} GPUs are available")
