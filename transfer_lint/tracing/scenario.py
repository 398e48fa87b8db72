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
    """The given program or scenario cannot be run. The message is for the user."""


def load(path: str, name: str) -> ModuleType:
    """Import a file, or a folder with an `__init__.py`, as `name`. Exceptions of the imported code are passed on.

    Raises Refused if Python cannot import such a file.
    """
    offer(path, name)
    return importlib.import_module(name)


def offer(path: str, name: str) -> None:
    """Make `import NAME` find a file, or a folder with an `__init__.py`; its parent folder is added to `sys.path`.

    A folder without an `__init__.py` is itself added to `sys.path`. Raises Refused if Python cannot import such a file.
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


def must_not_have_imported(program: str) -> None:
    """Raise Refused if a module was imported from the file or folder `program`, a real path; "" for none."""
    for name, module in list(sys.modules.items()) if program else ():
        named = getattr(module, "__file__", None)
        if not isinstance(named, str) or not os.path.isabs(named):
            continue
        file = os.path.realpath(named)
        if file == program or file.startswith(os.path.join(program, "")):
            raise Refused(f"{name} was imported from {file}, and not from the copy of the program that is to be run")


def functions(module: ModuleType, path: str, takes: int = 0) -> dict[str, Callable[..., Any]]:
    """The functions of a scenario by name: `run` alone, or all `test_...` in their order.

    takes: how many arguments a function may require. Raises Refused if there is no function, or if one requires more
    arguments or is async.
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
    """Call a function of a scenario, with the program under test if it requires an argument."""
    return function(program) if any(_required(function)) else function()


def _required(function: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            yield name


def skipped(error: BaseException) -> bool:
    """Whether the exception means that a test was skipped, by pytest or unittest."""
    return type(error).__name__ in ("Skipped", "SkipTest")
