"""What was found of an operator: how many cases of each kind, and what is different."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

KINDS = ("values", "gradients", "operands", "out", "errors", "generator")
# (kind, operator) -> why a difference is none of the simulator's.
EXPLAINED = {
    ("operands", "_unsafe_masked_index"): "FakeTensorMode takes it apart into operators that take no host indices; "
    "torch's own code calls `index`, which does",
    ("operands", "select_scatter"): "torch's own code copies an operand into a clone of the other, from any device",
    ("operands", "as_strided_scatter"): "torch's own code copies an operand into a clone of the other, from any device",
    ("operands", "nn.functional.bilinear"): "torch's own code loops over the batch, which is empty in these samples",
    ("operands", "linalg.pinv"): "FakeTensorMode compares all operands first; of a matrix without elements torch's own "
    "code never reads the tolerances",
    ("out", "lu"): "`torch.lu` copies its results into `out`, wherever that is",
    ("values", "linalg.matrix_rank"): "under a dispatch mode torch leaves `out=` unfilled, on the host too",
    ("values", "linalg.matrix_rank.hermitian"): "under a dispatch mode torch leaves `out=` unfilled, on the host too",
    **dict.fromkeys(
        (("values", "linalg.eig"), ("values", "svd_lowrank"), ("values", "pca_lowrank")),
        "its strides are those of a card, not the host's",
    ),
    ("gradients", "ormqr"): "its strides are another order; a card's are its own",
}
if not hasattr(torch, "accelerator"):  # before torch 2.6
    EXPLAINED["operands", "diagonal_scatter"] = EXPLAINED["operands", "select_scatter"]
    EXPLAINED["values", "nanmean"] = "with `out=` it is made of operators that the stand-in device has not"
if torch.cuda.is_available():
    for _name in ("unary", "binary", "binary_return_by_ref", "2inputs_2outputs", "4inputs_with_extra_args"):
        EXPLAINED["values", f"jiterator_{_name}"] = "it is compiled for a card when it is called"
if torch.version.cuda is not None:  # in other builds FakeTensorMode cannot run it
    EXPLAINED["operands", "_unsafe_masked_index_put_accumulate"] = (
        "FakeTensorMode takes it apart into `_unsafe_index_put`, and compares no devices there; torch's own code calls "
        "`index_put`, which refuses device indices of a host tensor"
    )


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


def different_errors(expected: Exception | None, raised: Exception | None) -> str | None:
    """What is different about two outcomes of which one at least is an error."""
    if expected is None:
        return f"raises {type(raised).__name__}: {raised}"
    if raised is None:
        return f"does not raise {type(expected).__name__}: {expected}"
    same = type(expected) is type(raised) and str(expected) == str(raised).replace("cuda:0", "cpu")
    return None if same else f"raises {raised!r} and not {expected!r}"


def different(report: Report, expected: Any, found: Any, *, filled: bool = True, places: bool = True) -> str | None:
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
