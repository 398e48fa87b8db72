"""The calls that a real card and the simulated one have to answer alike: PyTorch's operators, modules and optimizers.

A unit is what one worker process does at a time. It is a generator of cases: (name, function that makes the call and
says what it did). All samples are made on the host from the same seed, and then moved, so both devices see the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves

from scripts.operator_cases import lines
from scripts.operator_cases.calls import (
    SEED,
    Call,
    device_argument,
    is_dense,
    outcome,
    seeded,
    unfilled,
    variants,
    with_scalar,
)
from scripts.operator_cases.observing import Card, Observation, Simulated, digest, observe

Case = tuple[str, Callable[[], Observation]]
_DTYPES = (torch.float32, torch.complex64, torch.int64, torch.bool)


def units() -> list[str]:
    """Names of all units; `add`, `module nn.Linear`, `optimizer Adam`."""
    modules = [f"module {info.name}" for info in _modules()]
    optimizers = [f"optimizer {name}" for name in _optimizers()]
    return [*lines.UNITS, *optimizers, *modules, *_operators()]


def cases(unit: str, device: Card | Simulated, *, samples: int, dtypes: int) -> Iterator[Case]:
    """The cases of a unit. samples: how many of each dtype. dtypes: how many of an operator, at most."""
    kind, _, name = unit.partition(" ")
    if unit in lines.UNITS:
        for text, call in lines.cases(unit):
            yield f"line: {text}", lambda call=call: observe(device, call())
    elif kind == "module":
        yield from _module_cases(next(info for info in _modules() if info.name == name), device, samples)
    elif kind == "optimizer":
        yield from _optimizer_cases(_optimizers()[name], device)
    else:
        yield from _operator_cases(_operators()[unit], unit, device, samples, dtypes)


@cache
def _operators() -> dict[str, Any]:
    from torch.testing._internal.common_methods_invocations import op_db

    return {f"{op.name}.{op.variant_test_name}".rstrip("."): op for op in op_db}


@cache
def _modules() -> list[Any]:
    from torch.testing._internal.common_modules import module_db

    return list(module_db)


@cache
def _optimizers() -> dict[str, Any]:
    from torch.testing._internal.common_optimizers import optim_db

    return {info.optim_cls.__name__: info for info in optim_db if not info.only_supports_sparse_grads}


def _sampled(make: Callable[[], Any], samples: int) -> list[Any]:
    import numpy

    torch.manual_seed(SEED)
    random.seed(SEED)
    numpy.random.seed(SEED)
    return list(islice(make(), samples))


def _observed(device: Card | Simulated, call: Call, function: Callable[..., Any], more: dict[str, Any]) -> Observation:
    with seeded(device=True):
        return observe(device, partial(call.run, function, **more), given=digest(call.leaves))


def _operator_cases(op: Any, name: str, device: Card | Simulated, samples: int, dtypes: int) -> Iterator[Case]:
    for dtype in [dtype for dtype in _DTYPES if dtype in op.dtypes][:dtypes]:
        grad = op.supports_autograd and (dtype.is_floating_point or dtype.is_complex)
        short = str(dtype).removeprefix("torch.")
        make = partial(op.sample_inputs, "cpu", dtype, requires_grad=grad)
        for number, sample in enumerate(_sampled(make, samples)):
            for case, run in _sample_cases(op, Call.of(name, sample), device, grad):
                yield f"{case} {short} {number}", run
    if op.error_inputs_func is not None:
        try:
            wrong = list(op.error_inputs("cuda:0"))
        except Exception:
            return
        for number, each in enumerate(wrong):
            leaves, spec = tree_flatten(((each.sample_input.input, *each.sample_input.args), each.sample_input.kwargs))
            yield f"error: {number}", partial(_observed, device, Call(tuple(leaves), spec), op.op, {})


def _sample_cases(op: Any, call: Call, device: Card | Simulated, grad: bool) -> Iterator[Case]:
    more = device_argument(op, call)
    if not call.tensors and not more:
        return
    for variant, function in variants(op, call):
        keep = grad and variant != "in place"

        def plain(function: Any = function, keep: bool = keep) -> Observation:
            return _observed(device, call.placed("cuda", grad=keep), function, more)

        yield f"result: {variant}", plain
    if grad:
        yield "backward:", lambda: _observed_gradients(device, call, op.op)
    if not all(is_dense(call.leaves[position]) for position in call.tensors):
        return
    for text, host, changed in _mixed(call):
        for variant, function in variants(op, changed):
            if variant != "method":

                def mixed(changed: Call = changed, host: Any = host, function: Any = function) -> Observation:
                    return _observed(device, changed.placed("cuda", host=host), function, {})

                yield f"host operand: {text}, {variant}", mixed
    yield from _written(op, call, device, more)


def _mixed(call: Call) -> Iterator[tuple[str, tuple[int, ...], Call]]:
    """(words, positions of the tensors on the host, call) of a call with tensors on both."""
    if len(call.tensors) < 2:
        return
    for number, position in enumerate(call.tensors):
        tensor = call.leaves[position]
        yield f"{number}", (position,), call
        if tensor.numel() and tensor.dim():
            yield f"{number} as 0-dim", (position,), with_scalar(call, position)
        if len(call.tensors) > 2:
            yield f"all but {number}", tuple(each for each in call.tensors if each != position), call


def _written(op: Any, call: Call, device: Card | Simulated, more: dict[str, Any]) -> Iterator[Case]:
    with seeded(device=False):
        expected, error = outcome(call.placed("cpu"), op.op)
    if error is not None:
        return
    results = tree_leaves(expected)
    if op.supports_out and results and all(is_dense(each) for each in results):

        def written(where: str) -> Observation:
            made = [unfilled(each, where) for each in results]
            out = made[0] if isinstance(expected, Tensor) else tuple(made)
            return _observed(device, call.placed("cuda"), op.op, {**more, "out": out})

        yield "out: on the device", partial(written, "cuda")
        yield "out: on the host", partial(written, "cpu")
    _, error = outcome(call.placed("cpu"), op.op, generator=torch.Generator())
    _, ignored = outcome(call.placed("cpu"), op.op, generator=3)
    if error is None and ignored is not None:

        def drawn(where: str) -> Observation:
            return _observed(device, call.placed("cuda"), op.op, {**more, "generator": torch.Generator(where)})

        yield "generator: of the device", partial(drawn, "cuda")
        yield "generator: of the host", partial(drawn, "cpu")


def _gradients(results: Any, inputs: list[Tensor]) -> Any:
    made = [each for each in tree_leaves(results) if isinstance(each, Tensor) and each.requires_grad]
    return torch.autograd.grad(made, inputs, [torch.ones_like(each) for each in made], allow_unused=True)


def _observed_gradients(device: Card | Simulated, call: Call, function: Callable[..., Any]) -> Observation:
    placed = call.placed("cuda", grad=True)
    inputs = [placed.leaves[n] for n in placed.tensors if placed.leaves[n].requires_grad]
    with seeded(device=True):
        results, error = outcome(placed, function)
    if error is not None or not inputs:
        return Observation("nothing", 0)
    return observe(device, lambda: _gradients(results, inputs), given=digest(call.leaves))


def _module_cases(info: Any, device: Card | Simulated, samples: int) -> Iterator[Case]:
    for training in (True, False):
        make = partial(
            info.module_inputs_func,
            info,
            device="cpu",
            dtype=torch.float32,
            requires_grad=True,
            training=training,
        )
        for number, sample in enumerate(_sampled(make, 3 * samples)):
            given = sample.forward_input
            if given is None:
                continue
            leaves, spec = tree_flatten((given.args, given.kwargs))
            call = Call(tuple(leaves), spec)

            def built(sample: Any = sample, training: bool = training) -> Any:
                torch.manual_seed(SEED)
                made = info.module_cls(*sample.constructor_input.args, **sample.constructor_input.kwargs)
                return made.to("cuda").train(training)

            def forward(call: Call = call, built: Any = built) -> Observation:
                return _observed(device, call.placed("cuda", grad=True), built(), {})

            def backward(call: Call = call, built: Any = built) -> Observation:
                return _observed_gradients(device, call, built())

            mode = "training" if training else "evaluation"
            yield f"result: {mode} {number}", forward
            yield f"backward: {mode} {number}", backward


def _optimizer_cases(info: Any, device: Card | Simulated) -> Iterator[Case]:
    for number, sample in enumerate(info.optim_inputs_func("cuda")):
        for way in ({}, {"foreach": False}, {"foreach": True}, {"fused": True}):
            if any(name not in info.supported_impls for name in way):
                continue

            def step(times: int, sample: Any = sample, way: Any = way) -> Observation:
                parameters = [torch.ones(3, 4, device="cuda"), torch.ones(4, 2, device="cuda")]
                for each in parameters:
                    each.requires_grad_()
                optimizer = info.optim_cls(parameters, **{**sample.kwargs, **way})

                def closure() -> Any:
                    optimizer.zero_grad()
                    loss = sum((each * each).sum() for each in parameters)
                    loss.backward()
                    return loss

                def once() -> Any:
                    closure()
                    optimizer.step(closure if info.step_requires_closure else None)
                    return parameters

                for _ in range(times):
                    once()
                return observe(device, once)

            words = ", ".join(f"{name}={value}" for name, value in {**sample.kwargs, **way}.items())
            yield f"step: first, {number} ({words})", partial(step, 0)
            yield f"step: second, {number} ({words})", partial(step, 1)
