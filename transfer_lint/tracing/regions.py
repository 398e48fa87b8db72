"""Regions: named parts of a run, under which its events are filed. They nest.

    with transfer_lint.region("encode"):
        ...

A region belongs to the thread, or the asyncio task, that opened it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from transfer_lint.evidence.model import Region

_open: ContextVar[tuple[Region, ...]] = ContextVar("transfer_lint regions", default=())


def current() -> tuple[Region, ...]:
    """The regions that are open, outermost first."""
    return _open.get()


@contextmanager
def region(name: str) -> Iterator[None]:
    """Context whose transfers and waits a trace files under `name`. Without a trace it costs next to nothing.

    Args:
        name: A name for the reports.
    """
    token = _open.set((*_open.get(), Region("region", name)))
    try:
        yield
    finally:
        _open.reset(token)


@contextmanager
def module_regions(owner: Any) -> Iterator[None]:
    """Context in which the calls of modules are regions, each under its own name.

    Args:
        owner: A `torch.nn.Module`, whose children are meant, or an object with modules in a dictionary `components`,
            as pipelines of diffusers have.
    """
    import torch

    named = owner.named_children() if isinstance(owner, torch.nn.Module) else owner.components.items()
    handles = []
    for name, part in list(named):
        if isinstance(part, torch.nn.Module):
            handles += _hooked(part, name)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hooked(module: Any, name: str) -> list[Any]:
    entered: list[Any] = []

    def before(*_: Any) -> None:
        context = region(name)
        context.__enter__()
        entered.append(context)

    def after(*_: Any) -> None:
        entered.pop().__exit__(None, None, None)

    return [module.register_forward_pre_hook(before), module.register_forward_hook(after, always_call=True)]


def lightning_callback() -> Any:
    """A callback for Lightning's `Trainer`, which makes regions of its phases: `train step`, `optimizer`, ...

    Raises:
        ModuleNotFoundError: neither `lightning` nor `pytorch_lightning` is installed.
    """
    try:
        lightning = import_module("lightning.pytorch")
    except ModuleNotFoundError:
        lightning = import_module("pytorch_lightning")
    return type("TransferRegions", (lightning.Callback,), dict(_lightning_hooks()))()


_LIGHTNING = {
    "train_batch": "train step",
    "validation_batch": "validation step",
    "test_batch": "test step",
    "predict_batch": "prediction step",
    "train_epoch": "train epoch",
    "validation_epoch": "validation epoch",
}
"""Part of the names of Lightning's hooks `on_..._start` and `on_..._end` -> region."""


def _lightning_hooks() -> Iterator[tuple[str, Callable[..., None]]]:
    opened: list[tuple[str, Any]] = []

    def start(name: str) -> Callable[..., None]:
        def hook(*_: Any, **__: Any) -> None:
            context = region(name)
            context.__enter__()
            opened.append((name, context))

        return hook

    def end(name: str) -> Callable[..., None]:
        def hook(*_: Any, **__: Any) -> None:
            while opened and any(other == name for other, _ in opened):  # regions inside that had no end
                other, context = opened.pop()
                context.__exit__(None, None, None)
                if other == name:
                    return

        return hook

    for part, name in _LIGHTNING.items():
        yield f"on_{part}_start", start(name)
        yield f"on_{part}_end", end(name)
