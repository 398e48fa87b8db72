"""Unpacked mappings: the device and dtype in the `m` of `x.to(**m)` and `torch.zeros(n, **m)`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Why
from transfer_lint.flow.values.values import Object, Value

PLACEMENT = ("device", "dtype")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an unpacked mapping gives.

    argument: its index among the arguments of the call, in source order.
    items: the device and the dtype that it holds, or may hold.
    keys: those that it was made with; None if they are not known.
    settled: nothing can have changed it since. assumed: the facts that let its keys pass for what they were.
    """

    argument: int
    items: Mapping[str, Value]
    keys: frozenset[str] | None = None
    settled: bool = False
    assumed: Why = ()


def unpacked(frame: Frame, node: ast.Call, arguments: Mapping[str, Value], state: State) -> Unpacked | None:
    """The one mapping that a call unpacks; None if it unpacks none, or more."""
    places = [n for n, keyword in enumerate(node.keywords, len(node.args)) if keyword.arg is None]
    if len(places) != 1:
        return None
    spelled, mapping = {keyword.arg for keyword in node.keywords}, arguments.get("**")
    if mapping is None:  # its items are among the arguments
        keys = frozenset(key for key in arguments if not key.isdigit() and key[:1] != "*") - spelled
        return Unpacked(places[0], {key: arguments[key] for key in PLACEMENT if key in keys}, keys, settled=True)
    if not isinstance(mapping, Object):
        return None
    held = _made_with(frame, mapping)
    fact = frame.assume(Assumption.NO_HIDDEN_CHANGES, node, "`{}` unpacks what a constructor made") if held else None
    names = PLACEMENT if held is None or fact is None else [key for key in PLACEMENT if key in held]
    items = {key: state.read(mapping, f"['{key}']") for key in names}
    return Unpacked(places[0], items, held, assumed=(fact,) if fact is not None else ())


def _made_with(frame: Frame, mapping: Object) -> frozenset[str] | None:
    """The keys with which a constructor has made a dictionary that the object keeps; None if that is not known."""
    template = frame.templates.get(mapping.ident) if mapping.cls == "builtins.dict" else None
    record = template.summary.heap.get(template.symbol) if template is not None else None
    if record is None or not record.made or "[]" in record.attributes:
        return None
    return frozenset(key[2:-2] for key in record.attributes)
