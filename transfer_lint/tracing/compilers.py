"""Keeps torch's compilers off the simulated machine: compiled code would not pass torch's dispatcher."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

import torch

_COMPILER = "torch._dynamo"


@contextmanager
def uncompiled() -> Iterator[None]:
    """Context in which `torch.compile` leaves code as it is, and TorchScript is interpreted.

    `torch.export` is refused: its stand-ins for tensors on `cuda` abort the process in a build without CUDA.
    """
    if torch.export.export is _refused:  # a simulation inside of another
        yield
        return
    compile, export, optimize = torch.compile, torch.export.export, torch._C._get_graph_executor_optimize()
    watch = _Watch()
    torch._C._set_graph_executor_optimize(False)  # it does not know the stand-in device
    torch.compile, torch.export.export = _uncompiled(compile), _refused
    sys.meta_path.insert(0, watch)
    if _COMPILER in sys.modules:
        _stay_eager()
    try:
        yield
    finally:
        sys.meta_path.remove(watch)
        torch.compile, torch.export.export = compile, export
        torch._C._set_graph_executor_optimize(optimize)
        if _COMPILER in sys.modules and hasattr(torch.compiler, "set_stance"):
            torch.compiler.set_stance("default")


def _uncompiled(original: Any) -> Any:
    def compile(model: Any = None, **kwargs: Any) -> Any:
        if not hasattr(torch.compiler, "set_stance"):  # before torch 2.6
            return original(model, **{**kwargs, "disable": True})
        rest = {name: value for name, value in kwargs.items() if name not in ("mode", "options")}
        return original(model, **{**rest, "backend": "eager"})

    return compile


def _refused(*args: Any, **kwargs: Any) -> NoReturn:
    raise NotImplementedError("the simulated accelerator does not export graphs")


def _stay_eager() -> None:
    if hasattr(torch.compiler, "set_stance"):
        torch.compiler.set_stance("force_eager")


class _Watch(MetaPathFinder):
    """Switches torch's compiler off when it is imported; importing it for that would take seconds."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _COMPILER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_switch_off(module: ModuleType) -> None:
                run(module)
                _stay_eager()

            spec.loader.exec_module = run_and_switch_off  # type: ignore[method-assign]
        return spec
