"""Missing arguments: what a function makes on the host where it is not given a tensor."""

from __future__ import annotations

import ast

from transfer_lint.flow.ask.factories import Factories
from transfer_lint.flow.program.syntax import nodes_of, written
from transfer_lint.flow.results.sites import Site


def made_if_missing(site: Site, factories: Factories) -> str | None:
    """How the factory is written that makes what is moved, where the argument is None; None if there is none.

    `if mask is None: mask = torch.ones(n)`, and later `mask.to(d)`.
    """
    function, moved = site.function, site.moved
    if function is None or not isinstance(moved, ast.Name):
        return None
    default = function.defaults.get(moved.id)
    if not (isinstance(default, ast.Constant) and default.value is None):
        return None
    for node in nodes_of(function.node):
        match node:
            case ast.If(test=ast.Compare(left=ast.Name(id=asked), ops=[ast.Is()]), body=body) if asked == moved.id:
                for statement in body:
                    match statement:
                        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as made) if (
                            name == asked and made.lineno < site.node.lineno and factories.makes_on_host(made)
                        ):
                            return written(made)
    return None
