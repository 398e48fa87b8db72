"""Constructions: recording the calls that make tensors, of functions and of `x.new_tensor(values)`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.host_reads import upload
from transfer_lint.flow.results.constructions import Construction
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import NONE, Tensor, Value


def note_construction(frame: Frame, node: ast.Call, name: str, made: Value) -> None:
    """Record the call of a factory."""
    around = frame.around
    if isinstance(made, Tensor) and made.made is node and not around.traced:
        frame.constructions[node] = Construction(
            frame.module, node, name, made, frame.function, frame.rate, around.statement, around.in_handler
        )


def note_values(frame: Frame, owner: Tensor, arguments: Mapping[str, Value], made: Tensor, node: ast.Call) -> None:
    """Record `x.new_tensor(values)`: it is `torch.tensor(values, device=x.device)`."""
    there = replace(made, device=made.device or Known(owner.device_term()), made=node)
    note_construction(frame, node, "torch.tensor", there)
    upload(frame, "torch.tensor", {"device": NONE, **arguments}, there, node)
