"""Light moves: those of modules that cost little even where they are made again and again."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from transfer_lint.findings import Heat
from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.kept_values import kept_values
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.syntax import nodes_of, own_attribute
from transfer_lint.flow.results.sites import Site

_CONTAINERS = frozenset({"torch.nn.Module", "torch.nn.ModuleList", "torch.nn.ModuleDict", "torch.nn.Sequential"})

_PIPELINES = frozenset({"pipe", "pipeline"})


def costs_little(site: Site) -> bool:
    """Whether it moves one layer of torch, or runs once for many steps.

    It does in what encodes texts, as all steps ask for one text, and where a pipeline is moved, which goes through all
    its steps once it is called.
    """
    if site.heat.rank <= Heat.CALL.rank and last_name(site.moved).lower().rpartition("_")[2] in _PIPELINES:
        return True
    return _is_single_layer(site) or (site.function is not None and _encodes_texts(site.function))


def _is_single_layer(site: Site) -> bool:
    """Whether what is moved is one layer of torch that a constructor makes: its weights are soon gone through."""
    owner, name = site.function.owner if site.function is not None else None, own_attribute(site.moved)
    if owner is None or name is None:
        return False
    classes = (base for base in owner.lineage if isinstance(base, ClassInfo))
    module, made = next(((base.module, values) for base in classes if (values := kept_values(base, name))), (None, []))
    branches = [part for value in made for part in _branches(value)]
    kinds = [module.dotted(part.func) if module and isinstance(part, ast.Call) else "" for part in branches]
    return bool(kinds) and all(kind.startswith("torch.nn.") and kind not in _CONTAINERS for kind in kinds)


def _branches(value: ast.expr) -> Sequence[ast.expr]:
    return (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)


def _encodes_texts(function: FunctionInfo) -> bool:
    """Whether a `forward` is given a list of texts, by its annotation, or makes tokens of a text."""
    if function.name != "forward":
        return False
    given = any(_is_texts(argument.annotation) for argument in function.parameters)
    calls = (node.func for node in nodes_of(function.node) if isinstance(node, ast.Call))
    return given or any(last_name(func) in ("tokenizer", "tokenize") for func in calls)


def _is_texts(note: ast.expr | None) -> bool:
    match note:
        case ast.Subscript(value=kind, slice=ast.Name(id="str")):
            return last_name(kind) in ("list", "List", "Sequence")
    return False
