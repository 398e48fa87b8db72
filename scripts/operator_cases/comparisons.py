"""Compares one operator on the simulated accelerator with the host, with FakeTensorMode and with PyTorch's samples."""

from __future__ import annotations

import re
import warnings
from itertools import islice
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal import common_utils
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo import core
from torch.utils._pytree import tree_leaves

from scripts.operator_cases.calls import (
    SEED,
    Call,
    device_argument,
    is_dense,
    not_on_a_card,
    outcome,
    seeded,
    unfilled,
    variants,
    with_scalar,
)
from scripts.operator_cases.reports import Report, different, different_errors
from transfer_lint.tracing import random as device_random
from transfer_lint.tracing.simulate import simulate

for module in (common_utils, core):
    # for each sample, torch looks through the whole stack for the test that it is for: the source of every frame is
    # read, and there is none
    vars(module)["extract_test_fn"] = lambda: None

_DTYPES = (torch.float32, torch.complex64, torch.int64, torch.bool)
SAMPLES, DTYPES = 3, 2
_DEVICE_WORDS = re.compile(
    r"same device|too many CPU scalars|to have (\S+ )?[dD]evice|should be the same|indices should be|"
    "expected .* to be on|expected (a CUDA )?device|CPU Scalar support"
)
_OPERATORS = {f"{op.name}.{op.variant_test_name}".rstrip("."): op for op in op_db}
# Checks that torch makes, and FakeTensorMode leaves out.
_NOT_IN_FAKE = re.compile("in method wrapper_CUDA_|Input type .* should be the same")
# FakeTensorMode has no values, and says so of these calls.
_NO_VALUES = (
    "DataDependent",
    "DynamicOutputShape",
    "not allocated yet",
    "Could not run",
    "not linked",
    "not compiled",
    "CUDA driver",
    "NVIDIA driver",
)
UNFILLED = ("empty", "new_empty", "resize")


def names() -> list[str]:
    """Names of all operators, with their variants."""
    return list(_OPERATORS)


def check(name: str, *, samples: int = SAMPLES, dtypes: int = DTYPES) -> Report:
    """Compare one operator. samples: how many of each dtype. dtypes: how many, at most."""
    op = _OPERATORS[name]
    report = Report(name)
    with warnings.catch_warnings(), mock.patch.object(device_random, "_APART", 0):
        warnings.simplefilter("ignore")
        for dtype in [dtype for dtype in _DTYPES if dtype in op.dtypes][:dtypes]:
            grad = op.supports_autograd and (dtype.is_floating_point or dtype.is_complex)
            torch.manual_seed(SEED)
            for number, sample in enumerate(islice(op.sample_inputs("cpu", dtype, requires_grad=grad), samples)):
                case = f"{str(dtype).removeprefix('torch.')} sample {number}"
                call = Call.of(name, sample)
                try:
                    with simulate():
                        call.placed("cuda")
                except NotImplementedError as error:
                    report.count("values", case, str(error))
                    continue
                _compare_values(report, op, call, case)
                if not number and grad and dtype.is_floating_point:
                    _compare_gradients(report, op, call, case)
                if dtype is _DTYPES[0] or dtype not in _DTYPES[:2]:
                    _compare_operands(report, op, call, case)
                if not number:
                    _compare_out(report, op, call, case)
                    _compare_generator(report, op, call, case)
        if op.error_inputs_func is not None:
            _compare_errors(report, op)
    return report


def _compare_values(report: Report, op: Any, call: Call, case: str) -> None:
    more = device_argument(op, call)
    if not call.tensors and not more:
        return
    for variant, function in variants(op, call):
        grad = variant != "in place"
        with seeded(device=False):
            expected, error = outcome(call.placed("cpu", grad=grad), function)
        with simulate():
            placed = call.placed("cuda", grad=grad)
            with seeded(device=True):
                found, raised = outcome(placed, function, **more)
            if raised is not None and not_on_a_card(raised):
                continue
            if error is not None or raised is not None:
                difference = different_errors(error, raised)
            else:
                difference = different(report, expected, found, filled=not report.name.startswith(UNFILLED))
        report.count("values", f"{case}, {variant}", difference)


def _compare_gradients(report: Report, op: Any, call: Call, case: str) -> None:
    def gradients(placed: Call) -> list[Tensor | None]:
        results = [each for each in tree_leaves(placed.run(op.op)) if isinstance(each, Tensor) and each.requires_grad]
        inputs = [placed.leaves[n] for n in placed.tensors if placed.leaves[n].requires_grad]
        if not results or not inputs:
            return []
        return list(torch.autograd.grad([each.abs().sum() for each in results], inputs, allow_unused=True))

    try:
        with seeded(device=False):
            expected = gradients(call.placed("cpu", grad=True))
    except RuntimeError:
        return
    with simulate():
        placed = call.placed("cuda", grad=True)
        try:
            with seeded(device=True):
                difference = different(report, expected, gradients(placed))
        except Exception as error:
            if not_on_a_card(error):
                return
            difference = f"raises {type(error).__name__}: {error}"
        report.count("gradients", case, difference)


def _compare_operands(report: Report, op: Any, call: Call, case: str) -> None:
    if not call.tensors or not all(is_dense(call.leaves[position]) for position in call.tensors):
        return
    _compare_mixed(report, op, call, None, case)
    for position in call.tensors if len(call.tensors) > 1 else ():
        tensor = call.leaves[position]
        scalar = [with_scalar(call, position)] if tensor.numel() and tensor.dim() else []
        for changed in (call, *scalar):
            dim = changed.leaves[position].dim()
            _compare_mixed(report, op, changed, position, f"{case}, tensor {position} ({dim}-dim) on the host")


def _compare_mixed(report: Report, op: Any, call: Call, position: int | None, case: str) -> None:
    """Compare a call whose tensor at `position` is on the host."""
    host = [] if position is None else [position]
    with seeded(device=False):
        on_host, error = outcome(call.placed("cpu"), op.op)
    if error is not None:
        return
    with FakeTensorMode():
        expected, refusal = outcome(call.placed("cuda", host=host, make=unfilled), op.op)
    if refusal is not None and any(each in f"{type(refusal)}{refusal}" for each in _NO_VALUES):
        return
    with simulate():
        with seeded(device=True):
            found, raised = outcome(call.placed("cuda", host=host), op.op)
        difference = None
        if raised is not None and not_on_a_card(raised):
            return
        if raised is not None and not _DEVICE_WORDS.search(str(raised)):
            difference = f"raises {type(raised).__name__}: {raised}"
        elif refusal is not None and raised is None:
            difference = f"taken, but FakeTensorMode refuses: {refusal}"
        elif refusal is None and raised is not None:
            scalar = position is not None and call.leaves[position].dim() == 0
            if not scalar and not _NOT_IN_FAKE.search(str(raised)):
                difference = f"refused, but not by FakeTensorMode: {raised}"
        elif raised is None:
            places = [str(each.device) for each in tree_leaves(expected) if isinstance(each, Tensor)]
            there = [str(each.device) for each in tree_leaves(found) if isinstance(each, Tensor)]
            difference = None if places == there else f"on {there}, expected {places}"
            filled = not report.name.startswith(UNFILLED)
            difference = difference or different(report, on_host, found, places=False, filled=filled)
    report.count("operands", case, difference)


def _compare_out(report: Report, op: Any, call: Call, case: str) -> None:
    if not op.supports_out:
        return
    with seeded(device=False):
        expected, error = outcome(call.placed("cpu"), op.op)
    results = tree_leaves(expected)
    if error is not None or not results or not all(is_dense(each) for each in results):
        return
    more = device_argument(op, call)

    def out(device: str) -> Any:
        made = [torch.empty_strided(each.shape, each.stride(), dtype=each.dtype, device=device) for each in results]
        return made[0] if isinstance(expected, Tensor) else tuple(made)

    filled_out = out("cpu")
    with seeded(device=False):
        _, error = outcome(call.placed("cpu"), op.op, out=filled_out)
    filled = not report.name.startswith(UNFILLED)
    if error is not None or different(report, expected, filled_out, filled=filled, places=False):
        return  # torch itself does not fill it
    with simulate():
        given = out("cuda")
        placed = call.placed("cuda")
        with seeded(device=True):
            _, raised = outcome(placed, op.op, out=given, **more)
        if raised is not None and not_on_a_card(raised):
            return
        if raised is not None:
            report.count("values", f"{case}, out", f"raises {type(raised).__name__}: {raised}")
        else:
            report.count("values", f"{case}, out", different(report, expected, given, filled=filled))
        if call.tensors and any(each.numel() for each in results):
            _, raised = outcome(call.placed("cuda"), op.op, out=out("cpu"))
            report.count("out", case, "taken" if raised is None else None)


def _compare_generator(report: Report, op: Any, call: Call, case: str) -> None:
    _, error = outcome(call.placed("cpu"), op.op, generator=torch.Generator())
    _, ignored = outcome(call.placed("cpu"), op.op, generator=3)
    if error is not None or ignored is None:
        return
    more = device_argument(op, call)
    with simulate():
        _, raised = outcome(call.placed("cuda"), op.op, generator=torch.Generator(), **more)
        words = "Expected a 'cuda' device type for generator but found 'cpu'"
        report.count("generator", case, None if words in str(raised) else f"{raised!r}")


def _compare_errors(report: Report, op: Any) -> None:
    wrong_on_host = [Call.of(report.name, each.sample_input) for each in op.error_inputs("cpu")]
    taken = [outcome(call, op.op)[1] is None for call in wrong_on_host]
    with simulate(devices=2):
        for number, wrong in enumerate(op.error_inputs("cuda:0")):
            sample = wrong.sample_input
            if not wrong.error_regex and any(taken[number : number + 1]):
                continue  # torch's own test does not run these
            try:
                op.op(sample.input, *sample.args, **sample.kwargs)
                difference = f"nothing is raised: {wrong.error_regex}"
            except Exception as error:
                if not_on_a_card(error):
                    continue
                same = isinstance(error, wrong.error_type) and re.search(wrong.error_regex, str(error))
                difference = None if same else f"{error!r}, expected {wrong.error_type.__name__}: {wrong.error_regex}"
            report.count("errors", f"wrong input {number}", difference)
