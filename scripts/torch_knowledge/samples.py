"""The functions and methods of torch to call, and arguments to call them with."""

from __future__ import annotations

import inspect
import sys
import types
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import torch.overrides

from torch_knowledge.operands import Call

NAMESPACES = ("torch", "torch.nn.functional", "torch.linalg", "torch.fft", "torch.special")
_ENDLESS = {"index"}  # Tensor.index expects dimensions of functorch; with a plain tensor it never returns
PER_FORM = 2  # calls of one form that are tried
PER_NAME = 14  # calls of one function or method that are tried
_SAMPLED = (torch.float32, torch.int64, torch.bool, torch.complex64)


def import_operators() -> list[Any]:
    """torch's own table of its operators, with samples for each."""
    if "expecttest" not in sys.modules:
        try:
            import expecttest  # type: ignore[import-not-found]  # noqa: F401
        except ImportError:  # only one class of it is needed, the base class of torch's test cases
            stand_in = types.ModuleType("expecttest")
            stand_in.TestCase = unittest.TestCase  # type: ignore[attr-defined]
            sys.modules["expecttest"] = stand_in
    from torch.testing._internal.common_methods_invocations import op_db

    return list(op_db)


@dataclass
class Pool:
    """Calls that some operator accepts, with tensors mostly of dtype `base`."""

    base: torch.dtype
    calls: list[Call] = field(default_factory=list)


@cache
def pools() -> dict[str, list[Pool]]:
    """Sample calls by the last part of an operator's name: `relu` for `torch.nn.functional.relu` and `Tensor.relu`."""
    found: dict[str, list[Pool]] = {}
    for operator in import_operators():
        base = next((d for d in _SAMPLED if d in operator.dtypes), None)
        if base is None or operator.name.startswith(("_", "ops.", "to.", "sparse.")):
            continue
        pool = Pool(base, list(_few(_sampled(operator, base))))
        for name in {operator.name, *(alias.name for alias in operator.aliases)}:
            found.setdefault(name.rpartition(".")[2], []).append(pool)
    for name, calls in _others().items():
        found.setdefault(name, []).append(Pool(torch.float32, calls))
    for name in list(found):  # in-place forms have no samples of their own
        found.setdefault(f"{name}_", found[name])
    return found


def _others() -> dict[str, list[Call]]:
    """Calls of functions whose samples in torch's table are unusual: operands in another order, or by keyword."""
    torch.default_generator.manual_seed(0)
    x, y, mask = torch.rand(2, 3), torch.rand(2, 3), torch.rand(2, 3) > 0.5
    one, square, line, picture = torch.tensor(1.0), torch.rand(3, 3), torch.rand(1, 2, 8), torch.rand(1, 2, 4, 4)
    table, numbers = torch.rand(5, 4), torch.tensor([[0, 2], [4, 1]])
    weight, mean = torch.rand(2), torch.rand(2)
    return {
        "where": [
            Call((mask, x, y)),
            Call((mask, x, 2.0)),
            Call((mask, 2.0, y)),
            Call((mask, x, one)),
            Call((mask, one, torch.tensor(2.0))),
            Call((mask, 1.0, 2.0)),
        ],
        "embedding": [
            Call((numbers, table)),
            Call((numbers[0], table)),
            Call((numbers, table), {"padding_idx": 1}),
            Call((numbers, table), {"max_norm": 0.1}),
        ],
        "one_hot": [Call((numbers,)), Call((numbers, 7)), Call((numbers[0],), {"num_classes": 6})],
        "einsum": [
            Call(("ij,kj->ik", x, y)),
            Call(("ij,kj->ik", [x, y])),
            Call(("ij,ij->", x, y)),
            Call(("ij->ji", x)),
            Call(("i,i->", x[0], y[0])),
        ],
        "dropout": [Call((x, 0.5, True)), Call((x, 0.5, False))],
        "alpha_dropout": [Call((x, 0.5, True)), Call((x, 0.5, False))],
        "batch_norm": [
            Call((picture, weight, mean, mean, weight, True, 0.1, 1e-5, False)),
            Call((picture, mean, weight)),
            Call((picture, weight, mean, mean, weight, False, 0.1, 1e-5, False)),
        ],
        "affine_grid": [Call((torch.rand(1, 2, 3), [1, 2, 4, 4])), Call((torch.rand(1, 2, 3), (1, 2, 4, 4), True))],
        "fold": [Call((torch.rand(1, 8, 9), (4, 4), (2, 2)))],
        "lp_pool1d": [Call((line, 2.0, 2)), Call((line, 1.0, 3, 1))],
        "lp_pool2d": [Call((picture, 2.0, 2)), Call((picture, 1.0, 3, 1))],
        "atleast_1d": [Call((x,)), Call((one,)), Call((x, y))],
        "atleast_2d": [Call((x,)), Call((one,)), Call((x, y))],
        "atleast_3d": [Call((x,)), Call((one,)), Call((x, y))],
        "polygamma": [Call((1, x)), Call((2, one))],
        "multi_dot": [Call(([x, square],)), Call(([x[0], square],)), Call(([x[0], square, x[1]],))],
    }


def _sampled(operator: Any, base: torch.dtype) -> Iterator[Call]:
    torch.default_generator.manual_seed(0)
    samples = operator.sample_inputs("cpu", base, requires_grad=False)
    while True:
        try:
            sample = next(samples)
        except StopIteration:
            return
        except Exception:  # samples that this build of torch cannot make
            return
        call = Call((sample.input, *sample.args), sample.kwargs)
        if "device" not in call.kwargs and all(leaf.layout is torch.strided for leaf in call.leaves()):
            yield call


def _few(calls: Iterator[Call]) -> Iterator[Call]:
    seen: dict[str, int] = {}
    total = 0
    for call in calls:
        if sum(leaf.numel() for leaf in call.leaves()) > 20_000:
            continue
        form = call.pattern()
        seen[form] = seen.get(form, 0) + 1
        if seen[form] <= PER_FORM and total < PER_NAME:
            total += 1
            yield call


def plain_pool() -> Pool:
    """Calls that many functions take: one tensor, two, a tensor and numbers."""
    torch.default_generator.manual_seed(0)
    x, y = torch.rand(2, 3, 4), torch.rand(2, 3, 4)
    square, flat, picture = torch.rand(3, 3), torch.rand(3), torch.rand(1, 4, 4, 4)
    calls = [
        (x,),
        (x, y),
        (x, 0),
        (x, 1, 0),
        (x, 2.0),
        (square,),
        (square, square),
        (flat,),
        (flat, flat),
        (picture,),
        (picture, 2),
        (picture, (2, 2)),
        (torch.tensor(1.5),),
        (x, (4, 6)),
        ([x, y],),
    ]
    return Pool(torch.float32, [Call(arguments) for arguments in calls])


def functions() -> dict[str, Callable[..., Any]]:
    """Dotted name, as users import it, -> function, for public functions that take tensors according to torch."""
    takes_tensors = torch.overrides.get_testing_overrides()
    found: dict[str, Callable[..., Any]] = {}
    for namespace in NAMESPACES:
        module = sys.modules[namespace]
        for name in sorted(dir(module)):
            member = getattr(module, name)
            if name.startswith("_") or not callable(member) or inspect.isclass(member):
                continue
            if name in pools() or member in takes_tensors:
                found[f"{namespace}.{name}"] = member
    return found


def methods() -> dict[str, Callable[..., Any]]:
    """Name -> public method of Tensor, as a function whose first argument is the receiver."""
    return {
        name: _method(name)
        for name in sorted(dir(torch.Tensor))
        if not name.startswith("_") and name not in _ENDLESS and callable(getattr(torch.Tensor, name))
    }


def _method(name: str) -> Callable[..., Any]:
    def method(receiver: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(receiver, name)(*args, **kwargs)

    method.__name__ = name
    return method


@cache
def flags() -> tuple[str, ...]:
    """The names of all boolean parameters of torch's operators and functions."""
    found: set[str] = set()
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("aten::"):
            found |= {a.name for a in schema.arguments if str(a.type) in ("bool", "Optional[bool]")}
    for function in functions().values():
        found |= {p.name for p in parameters(function) if isinstance(p.default, bool)}
    return tuple(sorted(found - {"self"}))


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """A Python function's parameters; [] if they cannot be read."""
    nonlocals = getattr(function, "__closure__", None) and inspect.getclosurevars(function).nonlocals
    inner = (nonlocals or {}).get("if_true")  # torch wraps some pairs of functions, and a flag chooses between them
    try:
        return list(inspect.signature(inner or function).parameters.values())
    except (TypeError, ValueError):
        return []


@cache
def schemas() -> dict[str, list[Any]]:
    """The schemas of torch's native operators by name, without their namespace."""
    found: dict[str, list[Any]] = {}
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("aten::"):
            found.setdefault(schema.name.removeprefix("aten::"), []).append(schema)
    return found


def other_operands(function: Callable[..., Any], name: str) -> bool:
    """Whether some signature of the function has another tensor besides the first operand."""
    for schema in [*schemas().get(name, []), *schemas().get(f"linalg_{name}", []), *schemas().get(f"fft_{name}", [])]:
        if any("Tensor" in str(a.type) for a in schema.arguments[1:] if not a.is_out):
            return True
    return any("Tensor" in str(p.annotation) for p in parameters(function)[1:] if p.name != "out")
