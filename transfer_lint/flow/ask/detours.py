"""Detours: values that go to the host and back through numpy, and uploads that are only downloaded again."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import bindings, nodes_of, parents
from transfer_lint.flow.results.sites import Site

_DOWN = frozenset({"cpu", "numpy", "tolist", "item"})


def brought_through_numpy(site: Site, by_node: Mapping[ast.AST, Site], module: Module) -> Iterator[Site]:
    """The transfers of the function that what is moved here may come from: `torch.from_numpy(x.cpu().numpy()).to(d)`.

    Names are followed backwards through their assignments.
    """
    made = _assigned(site) if isinstance(site.moved, ast.Name) and site.function is not None else site.moved
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute):
        if module.dotted(made.func).startswith("torch."):
            break
        made = made.func.value
    if site.function is None or not isinstance(made, ast.Call) or module.dotted(made.func) != "torch.from_numpy":
        return
    bound = [(target, value) for target, value in bindings(site.function.node) if value is not None]
    pending, seen = [*made.args], set[str]()
    while pending:
        for node in nodes_of(pending.pop()):
            if isinstance(node, ast.Call) and node in by_node:
                yield by_node[node]
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                pending += [
                    value
                    for target, value in bound
                    if target.lineno <= site.node.lineno and isinstance(target, ast.Name) and target.id == node.id
                ]


def _assigned(site: Site) -> ast.expr:
    """What was last assigned to the name that is moved, in the lines above."""
    assert site.function is not None
    values = [
        (target.lineno, value)
        for target, value in bindings(site.function.node)
        if isinstance(target, ast.Name) and isinstance(site.moved, ast.Name) and target.id == site.moved.id
        if value is not None and target.lineno < site.node.lineno
    ]
    return max(values, key=lambda pair: pair[0])[1] if values else site.moved


def is_only_downloaded(site: Site) -> bool:
    """Whether all that the function does with what it moves is to bring it, or its items, to the host again."""
    function = site.function
    if function is None:
        return False
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is site.node:
            uses = [
                node
                for node in nodes_of(function.node)
                if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
                if node.lineno > (site.statement.end_lineno or 0)
            ]
            around = parents(function.node)
            return bool(uses) and all(_is_download(use, around) for use in uses)
    return False


def _is_download(use: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Whether a use of a tensor is `x.cpu()`, `x[i].numpy()`, or a loop whose items are all used so."""
    above = parents.get(use)
    match above:
        case ast.Attribute(attr=name):
            return name in _DOWN
        case ast.Subscript(value=value) if value is use:
            return _is_download(above, parents)
        case ast.For(target=ast.Name(id=item)) | ast.comprehension(target=ast.Name(id=item)):
            if above.iter is not use:
                return False
            scope = parents.get(above) if isinstance(above, ast.comprehension) else above
            read = [
                node
                for node in nodes_of(scope or above)
                if isinstance(node, ast.Name) and node.id == item and isinstance(node.ctx, ast.Load)
            ]
            return bool(read) and all(_is_download(node, parents) for node in read)
    return False
