"""How often an operator makes the host wait: for a Python value, for the size of a result, or for a check of errors.

The numbers are those that `torch.cuda.set_sync_debug_mode` counts on a card (scripts/card_database.py), but for
`unique_dim`, whose wait is inside of a library, where torch does not see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from transfer_lint.tracing.traits import VERSION, Traits

_Rule = Callable[[Mapping[str, Any]], int]


def _filled(count: int) -> _Rule:
    """`count` waits, if the first operand has elements."""
    return lambda given: count if next(iter(given.values())).numel() else 0


def _eigenvalues(count: int) -> _Rule:
    """Eigenvalues of real matrices take a wait more: they become complex."""
    return lambda given: count + (not given["self"].is_complex())


def _equal(given: Mapping[str, Any]) -> int:
    return int(given["self"].shape == given["other"].shape and given["self"].numel() > 0)


def _histc(given: Mapping[str, Any]) -> int:
    return 2 if given["min"] == given["max"] else 0


def _matrix_exp(given: Mapping[str, Any]) -> int:
    matrices = given["self"]
    return 0 if not matrices.numel() or matrices.shape[-1] == 1 else 6 if matrices.dim() == 2 else 3


def _isin(given: Mapping[str, Any]) -> int:
    elements, tests = given.get("elements"), given.get("test_elements")
    tensors = isinstance(elements, torch.Tensor) and isinstance(tests, torch.Tensor)
    sorts = tensors and tests.numel() >= int(10 * elements.numel() ** 0.145)  # type: ignore[union-attr]
    return 3 if sorts and not given["assume_unique"] else 0


def _normal(given: Mapping[str, Any]) -> int:
    checks = isinstance(given["std"], torch.Tensor) and given["std"].numel() > 0
    return (1 if "out" in given else 2) if checks else 0


def _multinomial(given: Mapping[str, Any]) -> int:
    return 0 if VERSION >= (2, 11) or (given["replacement"] and given["num_samples"] > 1) else 1


# Operator -> how many waits, or a function of its arguments by name that says so; and the bytes that the host reads.
_WAITS: Mapping[str, tuple[int | _Rule, int]] = {
    "aten::equal": (_equal, 1),
    "aten::allclose": (1, 1),
    "aten::nonzero": (1, 8),
    "aten::masked_select": (1, 8),
    "aten::masked_scatter_backward": (1, 8),
    "aten::_unique2": (1, 8),
    "aten::unique_dim": (1, 8),
    "aten::unique_consecutive": (1, 8),
    "aten::isin": (_isin, 8),
    "aten::repeat_interleave": (lambda given: 2 if given["output_size"] is None else 0, 8),
    "aten::bincount": (_filled(2), 8),
    "aten::histc": (_histc, 8),
    "aten::segment_reduce": (lambda given: 2 if given["lengths"] is not None and not given["unsafe"] else 0, 8),
    "aten::multinomial": (_multinomial, 1),
    "aten::normal": (_normal, 1),
    "aten::_ctc_loss": (3, 8),
    "aten::_ctc_loss_backward": (3, 8),
    "aten::_coalesce": (1, 8),
    "aten::_to_sparse": (1, 8),
    "aten::_to_sparse_csr": (2, 8),
    "aten::_to_sparse_csc": (2, 8),
    "aten::_linalg_check_errors": (1, 1),
    "aten::_linalg_eigh": (_filled(1), 1),
    "aten::_linalg_svd": (_filled(2), 1),
    "aten::linalg_eig": (_eigenvalues(2), 8),
    "aten::_linalg_eigvals": (_eigenvalues(1), 8),
    "aten::linalg_eigvals": (_eigenvalues(1), 8),
    "aten::linalg_lstsq": (_filled(1), 1),
    "aten::linalg_ldl_factor_ex": (lambda given: 2 if given["hermitian"] and given["self"].is_complex() else 0, 1),
    "aten::linalg_matrix_exp": (_matrix_exp, 8),
    "aten::cholesky": (_filled(1), 1),
}
WAITS = frozenset(_WAITS)
"""Names of the operators that may wait."""


def waits_of(func: Any, traits: Traits, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int, int]:
    """How often a call of one of WAITS makes the host wait, and the bytes that the host reads each time."""
    count, nbytes = _WAITS[traits.name]
    if callable(count):
        given = {**dict(zip(traits.arguments, args, strict=False)), **kwargs}
        for each in func._schema.arguments:
            given.setdefault(each.name, each.default_value)
        count = count(given)
    return count, nbytes
