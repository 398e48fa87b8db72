"""Explicit waits: recording the calls that wait for the device, or that make others wait."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.results.waits import ExplicitWait, WaitKind
from transfer_lint.flow.values.values import Constant, Value


def note_wait(frame: Frame, node: ast.Call, name: str, arguments: Mapping[str, Value]) -> None:
    """Record a call of a function of torch that waits. A search for NaN only if the call certainly turns it on."""
    waits, around = frame.knowledge.explicit_waits, frame.around
    kind = next((kind for kind in WaitKind if name in waits.get(kind.value, ())), None)
    if kind is None or (kind is WaitKind.ANOMALIES and not _searches(name, arguments)):
        return
    if not around.traced:
        frame.waits[node] = ExplicitWait(
            frame.module, node, name, kind, frame.function, frame.rate, around.statement, around.in_handler
        )


def _searches(name: str, arguments: Mapping[str, Value]) -> bool:
    """Whether arguments turn the search on: `set_detect_anomaly(True)`, `detect_anomaly()`."""
    is_setter = name.endswith("set_detect_anomaly")
    mode = arguments.get("mode", arguments.get("0")) if is_setter else Constant(True)
    check = arguments.get("check_nan", arguments.get("1" if is_setter else "0", Constant(True)))
    return all(isinstance(each, Constant) and each.value is True for each in (mode, check))
