"""What a card has no kernel for, though the host has one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing.device_checks import declaration_of
from transfer_lint.tracing.device_tensor import DeviceTensor
from transfer_lint.tracing.machine import device_type
from transfer_lint.tracing.traits import tensors_in

_NAMES = {
    torch.uint8: "Byte",
    torch.int8: "Char",
    torch.int16: "Short",
    torch.int32: "Int",
    torch.int64: "Long",
    torch.bool: "Bool",
}
_INTEGERS = frozenset(_NAMES)
_BOOLS = frozenset((torch.bool,))
# Operator -> the dtypes that its kernel for a card does not know, and the name of the kernel.
_LACKING: Mapping[str, tuple[frozenset[torch.dtype], str]] = {
    "aten::mm": (_INTEGERS, "addmm_cuda"),
    "aten::addmm": (_INTEGERS, "addmm_cuda"),
    "aten::addbmm": (_INTEGERS, "addmm_cuda"),
    "aten::linear": (_INTEGERS, "addmm_cuda"),
    "aten::_trilinear": (_INTEGERS, "baddbmm_cuda"),
    "aten::bmm": (_INTEGERS, "baddbmm_cuda"),
    "aten::baddbmm": (_INTEGERS, "baddbmm_cuda"),
    "aten::addmv": (_INTEGERS, "addmv_impl_cuda"),
    "aten::mv": (_INTEGERS, "addmv_impl_cuda"),
    "aten::dot": (_INTEGERS, "dot"),
    "aten::vdot": (_INTEGERS, "dot"),
    "aten::avg_pool2d": (_INTEGERS, "avg_pool2d_out_cuda_frame"),
    "aten::avg_pool3d": (_INTEGERS, "avg_pool3d_out_cuda"),
    "aten::max_pool2d_with_indices": (_INTEGERS, "max_pool2d_with_indices_out_cuda_frame"),
    "aten::max_pool3d_with_indices": (_INTEGERS, "max_pool3d_with_indices_out_frame"),
    "aten::native_dropout_backward": (_INTEGERS, "masked_scale"),
}


@cache
def refusal(func: Any) -> Callable[[Sequence[Any], Mapping[str, Any]], None] | None:
    """A function of an operator's arguments that raises if a card has no kernel for them; None if it always has one.

    It raises NotImplementedError, with torch's words.
    """
    name = func._schema.name
    if not name.startswith("aten::"):
        return None
    if name.rstrip("_") in _LACKING:
        dtypes, kernel = _LACKING[name.rstrip("_")]
        in_place = name.endswith("_") and name != "aten::addbmm_"
        return lambda args, kwargs: _refuse_dtypes(dtypes, kernel, args, kwargs, in_place)
    if name.rstrip("_") in _OTHERS:
        return _OTHERS[name.rstrip("_")]
    return (lambda args, kwargs: _refuse_all(func, args, kwargs)) if declaration_of(func).absent else None


def _refuse_dtypes(
    dtypes: frozenset[torch.dtype], kernel: str, args: Sequence[Any], kwargs: Mapping[str, Any], in_place: bool = False
) -> None:
    first: Tensor = args[0]
    if first.dtype not in dtypes or (in_place and first.numel() == 1):
        return
    if _reach_a_kernel(tensors_in((*args, *kwargs.values()))):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{_NAMES[first.dtype]}'")


def _reach_a_kernel(given: Iterable[Tensor]) -> bool:
    """Whether all operands are on the device, and there is something to compute."""
    return all(isinstance(each, DeviceTensor) and each.numel() for each in given)


def _refuse_scatter(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    if not {"sum", "mean"} & {each for each in args if isinstance(each, str)}:
        _refuse_dtypes(_BOOLS, "cuda_scatter_gather_base_kernel_func", args, kwargs)


def _refuse_convolution(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    data: Tensor = args[0]
    if data.dtype in _INTEGERS and _reach_a_kernel(tensors_in(args)):
        raise RuntimeError(f"getCudnnDataTypeFromScalarType() not supported for {_NAMES[data.dtype]}")


def _refuse_lstsq(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    here = all(isinstance(each, DeviceTensor) for each in tensors_in((*args, *kwargs.values())))
    if here and kwargs.get("driver") not in (None, "gels"):
        raise RuntimeError("torch.linalg.lstsq: `driver` other than `gels` is not supported on CUDA")


_OTHERS: Mapping[str, Callable[[Sequence[Any], Mapping[str, Any]], None]] = {
    "aten::scatter_reduce": _refuse_scatter,
    "aten::convolution": _refuse_convolution,
    "aten::linalg_lstsq": _refuse_lstsq,
}


def _refuse_all(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    given = list(tensors_in((*args, *kwargs.values())))
    if not any(isinstance(each, DeviceTensor) for each in given):
        return
    kind = {torch.sparse_coo: "Sparse", torch.sparse_csr: "SparseCsr"}.get(given[0].layout, "")
    raise NotImplementedError(
        f"Could not run '{func.name()}' with arguments from the '{kind}{device_type().upper()}' backend. This could be "
        "because the operator doesn't exist for this backend, or was omitted during the selective/custom build process "
        "(if using custom build)."
    )
