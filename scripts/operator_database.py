"""Holds the simulated accelerator against PyTorch's own operator database, and makes the table of the docs.

    python scripts/operator_database.py                   # all operators, the table goes to stdout
    python scripts/operator_database.py add index_select  # these, with every difference
    python scripts/operator_database.py --write docs/simulator.md

Per operator and dtype a number of PyTorch's sample inputs are run on the host and on the simulated accelerator:

- `values`: results, in all variants (function, method, in place, `out=`), equal the host's in bits, dtype, shape and
  strides, and are on the device; the random streams of both are made equal;
- `gradients`: so do the gradients of the inputs;
- `operands`: with one operand left on the host the call is refused, or its result lies where PyTorch's FakeTensorMode
  says. FakeTensorMode takes every 0-dim host operand; where a card does not, the refusal must be in torch's words;
- `out`: an `out=` on the host is refused, as PyTorch's test_ops.py asks of every operator;
- `errors`: PyTorch's own samples of wrong inputs raise the class and the words that PyTorch expects on a card;
- `generator`: a host generator is refused.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from transfer_lint.tracing import random as device_random
from transfer_lint.tracing.simulate import simulate

KINDS = ("values", "gradients", "operands", "out", "errors", "generator")
DTYPES = (torch.float32, torch.complex64, torch.int64, torch.bool)
SAMPLES = 3
SEED = 7
_DEVICE_WORDS = re.compile(
    r"same device|too many CPU scalars|to have (\S+ )?[dD]evice|should be the same|indices should be|"
    "expected .* to be on"
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
# Arguments that are on the host also in PyTorch's own tests of a card.
_ON_HOST = {"tensor_split": (1,)}
# (kind, operator) -> why a difference is none of the simulator's.
EXPLAINED = {
    ("operands", "_unsafe_masked_index"): "FakeTensorMode takes it apart into operators that take no host indices; "
    "torch's own code calls `index`, which does",
    ("operands", "select_scatter"): "torch's own code copies an operand into a clone of the other, from any device",
    ("operands", "as_strided_scatter"): "torch's own code copies an operand into a clone of the other, from any device",
    ("operands", "nn.functional.bilinear"): "torch's own code loops over the batch, which is empty in these samples",
    ("out", "lu"): "`torch.lu` copies its results into `out`, wherever that is",
    ("values", "linalg.matrix_rank"): "under a dispatch mode torch leaves `out=` unfilled, on the host too",
    ("values", "linalg.matrix_rank.hermitian"): "under a dispatch mode torch leaves `out=` unfilled, on the host too",
    ("gradients", "ormqr"): "its strides are another order; a card's are its own",
}
if not hasattr(torch, "accelerator"):  # before torch 2.6
    EXPLAINED["operands", "diagonal_scatter"] = EXPLAINED["operands", "select_scatter"]
    EXPLAINED["values", "nanmean"] = "with `out=` it is made of operators that the stand-in device has not"
BEGIN, END = "<!-- operators: scripts/operator_database.py --write -->", "<!-- end -->"
_UNFILLED = ("empty", "new_empty", "resize")


@dataclass
class Report:
    """What was found of one operator.

    cases: kind -> number of cases. differences: (kind, case, what is different). rounded: some of its numbers differ in
    their last bits, within the tolerance of `torch.testing.assert_close`.
    """

    name: str
    cases: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    differences: list[tuple[str, str, str]] = field(default_factory=list)
    rounded: bool = False

    def count(self, kind: str, case: str, difference: str | None) -> None:
        """Count a case, and keep its difference if there is one."""
        self.cases[kind] += 1
        if difference is not None:
            self.differences.append((kind, case, difference))


@dataclass(frozen=True)
class Call:
    """A call of an operator: arguments and keyword arguments, flattened."""

    leaves: tuple[Any, ...]
    spec: Any
    on_host: tuple[int, ...] = ()

    @staticmethod
    def of(name: str, sample: Any) -> Call:
        """The call of a sample of PyTorch's."""
        leaves, spec = tree_flatten(((sample.input, *sample.args), sample.kwargs))
        return Call(tuple(leaves), spec, _ON_HOST.get(name, ()))

    def placed(
        self,
        device: str,
        *,
        host: Sequence[int] = (),
        grad: bool = False,
        make: Callable[[Tensor, str], Tensor] = lambda value, device: value.detach().to(device, copy=True),
    ) -> Call:
        """The same call with fresh tensors on `device`, apart from those at the positions `host`."""

        def place(position: int, value: Any) -> Any:
            here = "cpu" if position in (*host, *self.on_host) else device
            if isinstance(value, Tensor):
                return make(value, here).requires_grad_(grad and value.requires_grad)
            named = isinstance(value, torch.device) or value == "cpu" or value == "cpu:0"
            return here if named and isinstance(value, (torch.device, str)) else value

        return replace(self, leaves=tuple(place(*each) for each in enumerate(self.leaves)))

    def run(self, function: Callable[..., Any], **more: Any) -> Any:
        """The result."""
        args, kwargs = tree_unflatten(list(self.leaves), self.spec)
        return function(*args, **kwargs, **more)

    @property
    def tensors(self) -> list[int]:
        """Positions of the tensors that go to the device."""
        found = [position for position, value in enumerate(self.leaves) if isinstance(value, Tensor)]
        return [position for position in found if position not in self.on_host]


def names() -> list[str]:
    """Names of all operators, with their variants."""
    return list(_OPERATORS)


def check(name: str, *, samples: int = SAMPLES, dtypes: int = 2) -> Report:
    """Compare one operator. samples: how many of each dtype. dtypes: how many, at most."""
    op = _OPERATORS[name]
    report = Report(name)
    with warnings.catch_warnings(), mock.patch.object(device_random, "_APART", 0):
        warnings.simplefilter("ignore")
        for dtype in [dtype for dtype in DTYPES if dtype in op.dtypes][:dtypes]:
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
                if dtype is DTYPES[0] or dtype not in DTYPES[:2]:
                    _compare_operands(report, op, call, case)
                if not number:
                    _compare_out(report, op, call, case)
                    _compare_generator(report, op, call, case)
        if op.error_inputs_func is not None:
            _compare_errors(report, op)
    return report


def _variants(op: Any, call: Call) -> Iterator[tuple[str, Callable[..., Any]]]:
    yield "function", op.op
    if isinstance(call.leaves[0], Tensor):
        if op.method_variant is not None:
            yield "method", op.method_variant
        if op.inplace_variant is not None:
            yield "in place", op.inplace_variant


def _outcome(call: Call, function: Callable[..., Any], **more: Any) -> tuple[Any, Exception | None]:
    try:
        return call.run(function, **more), None
    except Exception as error:
        return None, error


@contextmanager
def _seeded(device: bool) -> Iterator[None]:
    torch.manual_seed(SEED)
    if device:
        torch.cuda.manual_seed_all(SEED)
    yield


def _device_argument(op: Any, call: Call) -> dict[str, Any]:
    """`device=` for an operator that makes a tensor of nothing."""
    if call.tensors or any(isinstance(value, (torch.device, str)) and str(value) == "cpu" for value in call.leaves):
        return {}
    _, error = _outcome(call, op.op, device="cpu")
    return {} if error is not None else {"device": "cuda"}


def _compare_values(report: Report, op: Any, call: Call, case: str) -> None:
    more = _device_argument(op, call)
    if not call.tensors and not more:
        return
    for variant, function in _variants(op, call):
        grad = variant != "in place"
        with _seeded(device=False):
            expected, error = _outcome(call.placed("cpu", grad=grad), function)
        with simulate():
            placed = call.placed("cuda", grad=grad)
            with _seeded(device=True):
                found, raised = _outcome(placed, function, **more)
            if error is not None or raised is not None:
                difference = _different_errors(error, raised)
            else:
                difference = _different(report, expected, found, filled=not report.name.startswith(_UNFILLED))
        report.count("values", f"{case}, {variant}", difference)


def _compare_gradients(report: Report, op: Any, call: Call, case: str) -> None:
    def gradients(placed: Call) -> list[Tensor | None]:
        results = [each for each in tree_leaves(placed.run(op.op)) if isinstance(each, Tensor) and each.requires_grad]
        inputs = [placed.leaves[n] for n in placed.tensors if placed.leaves[n].requires_grad]
        if not results or not inputs:
            return []
        return list(torch.autograd.grad([each.abs().sum() for each in results], inputs, allow_unused=True))

    try:
        with _seeded(device=False):
            expected = gradients(call.placed("cpu", grad=True))
    except RuntimeError:
        return
    with simulate():
        placed = call.placed("cuda", grad=True)
        try:
            with _seeded(device=True):
                difference = _different(report, expected, gradients(placed))
        except Exception as error:
            difference = f"raises {type(error).__name__}: {error}"
        report.count("gradients", case, difference)


def _compare_operands(report: Report, op: Any, call: Call, case: str) -> None:
    if not call.tensors or not all(_is_dense(call.leaves[position]) for position in call.tensors):
        return
    _compare_mixed(report, op, call, None, case)
    for position in call.tensors if len(call.tensors) > 1 else ():
        tensor = call.leaves[position]
        scalar = [_with_scalar(call, position)] if tensor.numel() and tensor.dim() else []
        for changed in (call, *scalar):
            dim = changed.leaves[position].dim()
            _compare_mixed(report, op, changed, position, f"{case}, tensor {position} ({dim}-dim) on the host")


def _compare_mixed(report: Report, op: Any, call: Call, position: int | None, case: str) -> None:
    """Compare a call whose tensor at `position` is on the host."""
    host = [] if position is None else [position]
    with _seeded(device=False):
        on_host, error = _outcome(call.placed("cpu"), op.op)
    if error is not None:
        return
    with FakeTensorMode():
        expected, refusal = _outcome(call.placed("cuda", host=host, make=_unfilled), op.op)
    if refusal is not None and any(each in f"{type(refusal)}{refusal}" for each in _NO_VALUES):
        return
    with simulate():
        with _seeded(device=True):
            found, raised = _outcome(call.placed("cuda", host=host), op.op)
        difference = None
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
            filled = not report.name.startswith(_UNFILLED)
            difference = difference or _different(report, on_host, found, places=False, filled=filled)
    report.count("operands", case, difference)


def _is_dense(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided


def _unfilled(tensor: Tensor, device: str) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)


def _with_scalar(call: Call, position: int) -> Call:
    """The call with the first element of the tensor at `position` in its place."""
    leaves = list(call.leaves)
    leaves[position] = leaves[position].detach().flatten()[0].clone()
    return replace(call, leaves=tuple(leaves))


def _compare_out(report: Report, op: Any, call: Call, case: str) -> None:
    if not op.supports_out:
        return
    with _seeded(device=False):
        expected, error = _outcome(call.placed("cpu"), op.op)
    results = tree_leaves(expected)
    if error is not None or not results or not all(_is_dense(each) for each in results):
        return
    more = _device_argument(op, call)

    def out(device: str) -> Any:
        made = [torch.empty_strided(each.shape, each.stride(), dtype=each.dtype, device=device) for each in results]
        return made[0] if isinstance(expected, Tensor) else tuple(made)

    filled_out = out("cpu")
    with _seeded(device=False):
        _, error = _outcome(call.placed("cpu"), op.op, out=filled_out)
    if error is not None or _different(report, expected, filled_out, places=False):
        return  # torch itself does not fill it
    with simulate():
        given = out("cuda")
        placed = call.placed("cuda")
        with _seeded(device=True):
            _, raised = _outcome(placed, op.op, out=given, **more)
        if raised is not None:
            report.count("values", f"{case}, out", f"raises {type(raised).__name__}: {raised}")
        else:
            filled = not report.name.startswith(_UNFILLED)
            report.count("values", f"{case}, out", _different(report, expected, given, filled=filled))
        if call.tensors and any(each.numel() for each in results):
            _, raised = _outcome(call.placed("cuda"), op.op, out=out("cpu"))
            report.count("out", case, "taken" if raised is None else None)


def _compare_generator(report: Report, op: Any, call: Call, case: str) -> None:
    _, error = _outcome(call.placed("cpu"), op.op, generator=torch.Generator())
    _, ignored = _outcome(call.placed("cpu"), op.op, generator=3)
    if error is not None or ignored is None:
        return
    more = _device_argument(op, call)
    with simulate():
        _, raised = _outcome(call.placed("cuda"), op.op, generator=torch.Generator(), **more)
        words = "Expected a 'cuda' device type for generator but found 'cpu'"
        report.count("generator", case, None if words in str(raised) else f"{raised!r}")


def _compare_errors(report: Report, op: Any) -> None:
    wrong_on_host = [Call.of(report.name, each.sample_input) for each in op.error_inputs("cpu")]
    taken = [_outcome(call, op.op)[1] is None for call in wrong_on_host]
    with simulate(devices=2):
        for number, wrong in enumerate(op.error_inputs("cuda:0")):
            sample = wrong.sample_input
            if not wrong.error_regex and any(taken[number : number + 1]):
                continue  # torch's own test does not run these
            try:
                op.op(sample.input, *sample.args, **sample.kwargs)
                difference = f"nothing is raised: {wrong.error_regex}"
            except Exception as error:
                same = isinstance(error, wrong.error_type) and re.search(wrong.error_regex, str(error))
                difference = None if same else f"{error!r}, expected {wrong.error_type.__name__}: {wrong.error_regex}"
            report.count("errors", f"wrong input {number}", difference)


def _different_errors(expected: Exception | None, raised: Exception | None) -> str | None:
    if expected is None:
        return f"raises {type(raised).__name__}: {raised}"
    if raised is None:
        return f"does not raise {type(expected).__name__}: {expected}"
    same = type(expected) is type(raised) and str(expected) == str(raised).replace("cuda:0", "cpu")
    return None if same else f"raises {raised!r} and not {expected!r}"


def _different(report: Report, expected: Any, found: Any, *, filled: bool = True, places: bool = True) -> str | None:
    """What is different about two results. filled: they have values. places: the second has to be on the device."""
    pairs = list(zip(tree_leaves(expected), tree_leaves(found), strict=False))
    if len(tree_leaves(expected)) != len(tree_leaves(found)):
        return "another number of results"
    for one, other in pairs:
        if not isinstance(one, Tensor) or not isinstance(other, Tensor):
            if type(one) is not type(other) or (one != other and not (one != one and other != other)):
                return f"{other!r} and not {one!r}"
            continue
        if places and str(other.device) != "cuda:0":
            return f"on {other.device}"
        for what in ("dtype", "shape", "layout", "requires_grad"):
            if places and getattr(one, what) != getattr(other, what):
                return f"{what} {getattr(other, what)} and not {getattr(one, what)}"
        if places and one.layout == torch.strided and one.numel() > 1 and one.stride() != other.stride():
            return f"strides {other.stride()} and not {one.stride()}"
        if filled and not _same_values(report, one.detach(), other.detach().cpu()):
            return "other values"
    return None


def _same_values(report: Report, one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same bits, or the same numbers up to rounding, which the report says."""
    if one.layout != torch.strided:
        one, other = one.to_dense(), other.to_dense()
    if one.is_quantized:
        one, other = one.int_repr(), other.int_repr()
    one, other = one.resolve_conj().resolve_neg(), other.resolve_conj().resolve_neg()
    if one.is_complex():
        one, other = torch.view_as_real(one), torch.view_as_real(other)
    if one.dtype == torch.float16:
        one, other = one.float(), other.float()
    if torch.equal(one, other) or ((one == other) | ((one != one) & (other != other))).all():
        return True
    try:
        torch.testing.assert_close(other, one, equal_nan=True)
    except AssertionError:
        return False
    report.rounded = True
    return True


def unexplained(report: Report) -> list[tuple[str, str, str]]:
    """The differences of an operator without those that EXPLAINED names."""
    return [each for each in report.differences if (each[0], report.name) not in EXPLAINED]


def table(reports: Sequence[Report]) -> str:
    """The table of the docs, and what differs."""
    lines = ["| | operators | cases | as on a card | explained | not |", "| --- | --: | --: | --: | --: | --: |"]
    for kind in KINDS:
        cases = sum(report.cases[kind] for report in reports)
        differ = sum(what == kind for report in reports for what, *_ in report.differences)
        wrong = sum(what == kind for report in reports for what, *_ in unexplained(report))
        having = sum(bool(report.cases[kind]) for report in reports)
        lines.append(f"| {kind} | {having} | {cases:,} | {cases - differ:,} | {differ - wrong} | {wrong} |")
    found = {(what, report.name) for report in reports for what, *_ in report.differences}
    rounded = [report.name for report in reports if report.rounded]
    lines += ["", "Explained:", ""]
    lines += [f"- {kind} of `{name}`: {why}." for (kind, name), why in EXPLAINED.items() if (kind, name) in found]
    if rounded:
        names_ = ", ".join(f"`{name}`" for name in rounded)
        lines.append(f"- Equal up to rounding, not in every bit: {names_}.")
    return "\n".join(lines)


def _write(page: Path, text: str) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operators", nargs="*", help="names, as in PyTorch's database; all if none is given")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of each dtype (%(default)s)")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    options = parser.parse_args()
    reports = []
    for name in options.operators or names():
        print(f"\r\033[K{name}", end="", file=sys.stderr, flush=True)
        reports.append(check(name, samples=options.samples))
    print(file=sys.stderr)
    text = table(reports)
    print(text, "", sep="\n")
    for report in reports:
        for each in unexplained(report):
            print(report.name, *each, sep=": ")
    if options.write:
        version = torch.__version__.partition("+")[0]
        what = f"torch {version}, {len(reports)} operators, up to {options.samples} samples a dtype:"
        _write(options.write, f"{what}\n\n{text}")


if __name__ == "__main__":
    main()
