"""Defaults: what the settings of a program, such as `args.amp`, are unless its user says otherwise."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.step_code import is_in_test
from transfer_lint.flow.program.syntax import nodes_of

UNKNOWN: Any = object()
"""In place of a value that is not known."""

_MOST = 40  # files in which a setting is looked for
HOLDERS = frozenset(
    {"args", "arg", "cfg", "cfgs", "conf", "config", "configs", "configuration", "flags", "hparams", "hps", "hp", "opt",
     "opts", "options", "params", "settings"}
)  # fmt: skip
"""What the objects are called that hold settings: `self.model_config`, `FLAGS`."""


class Defaults:
    """The defaults of a project's settings, by name."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._found: dict[str, object] = {}

    @classmethod
    def of_project(cls, project: Project) -> Defaults:
        """The defaults of a project, found out once."""
        found: Defaults = project.memo.setdefault(cls, cls(project))
        return found

    def usual(self, node: ast.expr, near: Module) -> object:
        """What a setting is by default: `False`, `None` or 0, or `True`; `UNKNOWN` for all else.

        It is one if what holds it is called like that, and all that the tree says of its name is the same.
        """
        match node:
            case ast.Attribute(value=ast.Name(id=holder) | ast.Attribute(attr=holder), attr=name) if _holds(holder):
                return self._usual(name, near)
            case ast.Call(
                func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str()), ast.Constant(value=False as value)]
            ):
                return value
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(), ast.Constant(value=False as value)]):
                return value
        return UNKNOWN

    def _usual(self, name: str, near: Module) -> object:
        if name not in self._found:
            paths = self._project.mentioning(name, near.path)
            modules = [self._project.module(path, near.path) for path in paths if len(paths) <= _MOST]
            said = [v for m in modules if m is not None and not is_in_test(m) for v in _declared(m.tree, name)]
            alike = bool(said) and all(type(value) is type(said[0]) and value == said[0] for value in said)
            plain = alike and (not said[0] or said[0] is True)
            self._found[name] = said[0] if plain else UNKNOWN
        return self._found[name]


def _holds(name: str) -> bool:
    return not HOLDERS.isdisjoint(name.lower().split("_"))


def _declared(tree: ast.AST, name: str) -> Iterator[object]:
    """What the code of a file says that a setting is, by default or for good; not where it is only handed on."""
    for node in nodes_of(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="add_argument"), args=args, keywords=keywords):
                words = [*args, *(k.value for k in keywords if k.arg == "dest")]
                if name in {_text(word).lstrip("-").replace("-", "_") for word in words}:
                    yield _of_argument(keywords)
            case ast.ClassDef(body=body):
                for statement in body:
                    match statement:
                        case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                            pass
                        case ast.Assign(targets=[ast.Name(id=target)], value=value):
                            pass
                        case _:
                            continue
                    if target == name:
                        yield _constant(value)
            case ast.Assign(targets=[ast.Attribute(attr=target)], value=value) if target == name:
                if not (isinstance(value, ast.Name | ast.Attribute) and last_name(value) == name):
                    yield _constant(value)
            case ast.keyword(arg=target, value=ast.Constant(value=value)) if target == name:
                yield value


def _of_argument(keywords: list[ast.keyword]) -> object:
    """What an argument of a command line is if it is not given."""
    given = {keyword.arg: keyword.value for keyword in keywords}
    if "default" in given:
        return _constant(given["default"])
    action = given.get("action")
    return {"store_true": False, "store_false": True}.get(getattr(action, "value", ""))


def _constant(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Call(func=func, keywords=keywords) if last_name(func).lower() == "field":
            return next((_constant(k.value) for k in keywords if k.arg == "default"), UNKNOWN)
    return UNKNOWN


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
