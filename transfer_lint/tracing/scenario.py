"""A scenario: a Python file with a function `run`, or functions `test_...` as pytest has them."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Refused(Exception):
    """What was given cannot be run; the message is for the user."""


def load(path: str, name: str) -> ModuleType:
    """Import a file, or a folder with an `__init__.py`, as `name`; what it raises is raised.

    Raises Refused where Python does not import such a thing.
    """
    offer(path, name)
    return importlib.import_module(name)


def offer(path: str, name: str) -> None:
    """Let `import NAME` find a file, or a folder with an `__init__.py`; other folders are searched for imports.

    The folder that it lies in is searched too. Raises Refused where Python does not import such a thing.
    """
    folder = os.path.isdir(path)
    file = os.path.join(path, "__init__.py") if folder else path
    if folder and not os.path.exists(file):
        sys.path.insert(0, os.path.abspath(path))
        return
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[path] if folder else None)
    if spec is None or spec.loader is None:
        raise Refused(f"{path}: is no Python file")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    sys.meta_path.insert(0, _Finder(name, spec))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module."""

    def __init__(self, name: str, spec: ModuleSpec) -> None:
        self._name = name
        self._spec = spec

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return self._spec if fullname == self._name else None


def functions(module: ModuleType, path: str, takes: int = 0) -> dict[str, Callable[..., Any]]:
    """What a scenario has to run: `run` alone, or all `test_...` in their order.

    takes: how many arguments they may need. Raises Refused without any function, or for one that needs more.
    """
    if callable(getattr(module, "run", None)):
        found = {"run": module.run}
    else:
        found = {name: item for name, item in vars(module).items() if name.startswith("test_") and callable(item)}
    if not found:
        raise Refused(f"{path}: has neither a function run nor functions test_...: write one")
    for name, function in found.items():
        if inspect.iscoroutinefunction(function):
            raise Refused(f"{path}: {name} is async: wrap it in a function that calls asyncio.run")
        if len(list(_required(function))) > takes:
            raise Refused(f"{path}: {name} needs arguments: in trace it gets none, in verify the program under test")
    return found


def call(function: Callable[..., Any], program: Any) -> Any:
    """Call it, with the program under test if it takes an argument."""
    return function(program) if any(_required(function)) else function()


def _required(function: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            yield name


def skipped(error: BaseException) -> bool:
    """Whether a test said that it does not apply here, as pytest.skip and unittest say it."""
    return type(error).__name__ in ("Skipped", "SkipTest")
