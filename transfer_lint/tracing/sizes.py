"""Sizes of tensors, also where torch does not give them as numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch

SPARSE = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """The shape in numbers: while `torch.jit.trace` records, torch gives the sizes as tensors."""
    with torch._C.DisableTorchFunctionSubclass():
        sizes = Tensor.size(tensor)  # a lazy parameter has no `shape`
    return tuple(_number(size) for size in sizes)


def nbytes_of(tensor: Tensor, dtype: torch.dtype | None = None) -> int:
    """Bytes of a tensor's elements, as elements of `dtype` if that is given; for a sparse tensor with its indices."""
    if tensor.layout in SPARSE:
        *indices, values = parts_of(getattr(tensor, "held", tensor))
        return sum(part.nbytes for part in indices) + nbytes_of(values, dtype)
    return tensor.nbytes if dtype is None else tensor.nbytes // tensor.element_size() * dtype.itemsize


def parts_of(tensor: Tensor) -> Sequence[Tensor]:
    """The dense host tensors that a host tensor consists of: itself, or a sparse one's indices and, last, values."""
    if tensor.layout not in SPARSE:
        return (tensor,)
    with no_dispatch(), torch._C.DisableTorchFunction():
        if tensor.layout == torch.sparse_coo:
            return tensor._indices(), tensor._values()
        if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
            return tensor.crow_indices(), tensor.col_indices(), tensor.values()
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()


def _number(size: int | Tensor) -> int:
    # reading the tensor in another way would be recorded, and warned of
    return ctypes.c_int64.from_address(size.data_ptr()).value if isinstance(size, Tensor) else size
