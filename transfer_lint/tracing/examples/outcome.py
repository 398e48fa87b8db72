"""Records what a piece of code does on the simulated machine, and compares two such records."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any

import torch

from transfer_lint.tracing.device_tensor import values_of
from transfer_lint.tracing.examples.comfy_modules import comfy_modules
from transfer_lint.tracing.simulate import Machine

_NAME = "example_under_test"
_PLAIN = (bool, int, float, complex, str, bytes, torch.device, torch.dtype)
"""Types whose values are compared by their `repr`: 0.0 and -0.0 differ, nan and nan do not."""


@dataclass
class Outcome:
    """One run.

    inputs, result: as they are after the run. namespace: what the code defined. error: what the run raised. streams:
    states of the random generators. transfers, bytes, waits, no_op_calls: counts of the expression alone.
    """

    inputs: dict[str, Any]
    namespace: dict[str, Any]
    result: Any = None
    error: BaseException | None = None
    streams: list[bytes] = field(default_factory=list)
    transfers: int = 0
    bytes: int = 0
    waits: int = 0
    no_op_calls: int = 0


def observe(machine: Machine, block: CodeType, expression: CodeType, inputs: dict[str, Any]) -> Outcome:
    """Execute `block` with fixed seeds, then evaluate `expression` on `inputs`. Only the expression is counted."""
    module = ModuleType(_NAME)
    outcome = Outcome(inputs, vars(module))
    machine.current = 0
    torch.manual_seed(0)
    with comfy_modules():
        sys.modules[_NAME] = module
        try:
            exec(block, outcome.namespace)
            machine.clear()
            outcome.result = eval(expression, {**outcome.namespace, **inputs})
        except Exception as error:
            outcome.error = error
        finally:
            del sys.modules[_NAME]
    outcome.transfers = len(machine.transfers)
    outcome.bytes = machine.moved_bytes
    # A copy to the host makes the host wait, just as reading a value does.
    outcome.waits = len(machine.waits) + sum(transfer.target == "cpu" for transfer in machine.transfers)
    outcome.no_op_calls = len(machine.no_op_calls)
    generators = (torch.default_generator, *torch.cuda.default_generators)
    outcome.streams = [bytes(generator.get_state().tolist()) for generator in generators]
    return outcome


def differences(before: Outcome, after: Outcome) -> Iterator[tuple[str, str]]:
    """(kind, text) of everything in which `after` is not as good as `before`.

    Kinds: exception, value, dtype, device, identity, random, cost.
    """
    if type(before.error) is not type(after.error):
        yield "exception", f"before: {before.error!r}; after: {after.error!r}"
        return
    if before.error is None:
        yield from _compare("result", before.result, after.result, set())
        yield from _identities(before, after)
    for name, value in before.inputs.items():
        yield from _compare(f"input {name}", value, after.inputs[name], set())
    for name, value in before.namespace.items():
        if not name.startswith("__") and not isinstance(value, (ModuleType, type)):
            yield from _compare(name, value, after.namespace.get(name), set())
    if before.streams != after.streams:
        yield "random", "the random streams are elsewhere"
    for what in ("transfers", "bytes", "waits"):
        if getattr(after, what) > getattr(before, what):
            yield "cost", f"{what}: {getattr(before, what)} before, {getattr(after, what)} after"


def _compare(path: str, before: Any, after: Any, seen: set[int]) -> Iterator[tuple[str, str]]:
    if id(before) in seen:
        return
    seen.add(id(before))
    if isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor):
        yield from _compare_tensors(path, before, after)
    elif _are_arrays(before, after):
        if before.dtype != after.dtype:
            yield "dtype", f"{path}: {before.dtype} before, {after.dtype} after"
        elif before.shape != after.shape or before.tobytes() != after.tobytes():
            yield "value", f"{path}: {before} before, {after} after"
    elif type(before).__qualname__ != type(after).__qualname__:
        yield "value", f"{path}: a {type(before).__qualname__} before, a {type(after).__qualname__} after"
    elif isinstance(before, Mapping):
        if list(before) != list(after):
            yield "value", f"{path}: keys {list(before)} before, {list(after)} after"
            return
        for key in before:
            yield from _compare(f"{path}[{key!r}]", before[key], after[key], seen)
    elif isinstance(before, (list, tuple)):
        if len(before) != len(after):
            yield "value", f"{path}: {len(before)} items before, {len(after)} after"
            return
        for number, (first, second) in enumerate(zip(before, after, strict=True)):
            yield from _compare(f"{path}[{number}]", first, second, seen)
    elif type(before).__module__ == _NAME or isinstance(before, torch.nn.Module):
        # attributes that the fix adds (a memo of the last move) are not compared
        for name, value in vars(before).items():
            yield from _compare(f"{path}.{name}", value, vars(after).get(name), seen)
    elif isinstance(before, _PLAIN) and repr(before) != repr(after):
        yield "value", f"{path}: {before!r} before, {after!r} after"


def _are_arrays(before: Any, after: Any) -> bool:
    """Whether both are arrays of numpy, which need not be installed."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(before, numpy.ndarray) and isinstance(after, numpy.ndarray)


def _compare_tensors(path: str, before: torch.Tensor, after: torch.Tensor) -> Iterator[tuple[str, str]]:
    if before.device != after.device:
        yield "device", f"{path}: {before.device} before, {after.device} after"
    if before.dtype != after.dtype:
        yield "dtype", f"{path}: {before.dtype} before, {after.dtype} after"
    elif before.shape != after.shape or _bits(before) != _bits(after):
        yield "value", f"{path}: {values_of(before)} before, {values_of(after)} after"
    if before.requires_grad != after.requires_grad:
        yield "value", f"{path}: requires_grad {before.requires_grad} before, {after.requires_grad} after"


def _bits(tensor: torch.Tensor) -> bytes:
    return bytes(values_of(tensor).detach().contiguous().reshape(-1).view(torch.uint8).tolist())


def _identities(before: Outcome, after: Outcome) -> Iterator[tuple[str, str]]:
    """Which tensors of the result are which inputs, or share memory with them or with each other."""
    first, second = (_relations(outcome) for outcome in (before, after))
    for path in first:
        if path in second and first[path] != second[path]:
            yield "identity", f"{path} is {first[path]} before, {second[path]} after"


def _relations(outcome: Outcome) -> dict[str, str]:
    objects: dict[int, str] = {}
    memory: dict[int, str] = {}
    relations = {}
    for path, value in _walk("", {**outcome.inputs, "result": outcome.result}, set()):
        known = objects.setdefault(id(value), path)
        relation = known if known != path else "a new object"
        if isinstance(value, torch.Tensor) and value.numel():
            shared = memory.setdefault(values_of(value).untyped_storage().data_ptr(), path)
            if shared != path and known == path:
                relation += f" that shares memory with {shared}"
        relations[path] = relation
    return relations


def _walk(path: str, value: Any, above: set[int]) -> Iterator[tuple[str, Any]]:
    """(path, object) for all tensors, modules and containers in a value. An object inside itself is not entered."""
    if isinstance(value, (torch.Tensor, torch.nn.Module, dict, list)) and path:
        yield path, value
    if id(value) in above:
        return
    inner = above | {id(value)}
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(f"{path}[{key!r}]" if path else str(key), item, inner)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk(f"{path}[{number}]", item, inner)
    elif isinstance(value, torch.nn.Module):
        for name, item in (*value.named_parameters(), *value.named_buffers()):
            yield from _walk(f"{path}.{name}", item, inner)
