"""Operators that need more than to be run on the host values: copies, reads, indexing, lists of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing import attention
from transfer_lint.tracing.device_checks import agreed, code_of, named_tensors
from transfer_lint.tracing.device_tensor import place, place_named, place_of, values_of
from transfer_lint.tracing.machine import HOST, active, device_type, name_of, travelling, type_of
from transfer_lint.tracing.on_values import on_values, run_at, run_plainly
from transfer_lint.tracing.traits import VERSION, Traits, replace, traits_of

aten = torch.ops.aten

INDEXES = frozenset(
    "aten::" + name
    for name in ("index", "_unsafe_index", "index_put", "index_put_", "_unsafe_index_put", "_index_put_impl_")
)


_MASKS_AT_ONCE = VERSION >= (2, 9)


def take_apart(
    func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], mode: AbstractContextManager[Any] | None
) -> Any:
    """Run an operator that is made of others as torch does: each of these comes here by itself."""
    with mode if mode is not None else nullcontext():
        return func._op_dk(code_of(func), *args, **kwargs)


def bring_indices(func: Any, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments of an indexing operator, with its indices moved to the device of the indexed tensor.

    Raises RuntimeError for an index on another device. Host indices are moved always, those on a device only to write
    to a host tensor.

    A mask stands for the positions of its true elements. These are what moves, without a wait to a device; for a mask
    on a device the host waits for their number, unless one host number is written there: torch fills then.
    """
    self, indices, *rest = args
    here = place_of(self)
    machine = active()
    writes = bool(rest)
    number = writes and isinstance(rest[0], Tensor) and rest[0].dim() == 0 and place_of(rest[0]) == HOST
    given = [index for index in indices if index is not None]
    fills = number and len(given) == 1 and _is_mask(given[0]) and place_of(given[0]) == here and not any(rest[1:])
    dims = sum(index.dim() if _is_mask(index) else 1 for index in given)
    if dims > self.dim():
        raise IndexError(f"too many indices for tensor of dimension {self.dim()} (got {dims})")

    def bring(index: Tensor) -> Tensor:
        there, mask = place_of(index), _is_mask(index)
        if machine is not None and mask and there != HOST and not fills:
            machine.waited(there, "index", index, 8)
        if there == here:
            return index
        if HOST not in (here, there) or (here == HOST and not writes):
            raise RuntimeError(
                f"indices should be either on cpu or on the same device as the indexed tensor ({name_of(here)})"
            )
        values = values_of(index)
        for each in _positions(values) if mask else (values,):
            if machine is not None and each.numel():
                waits = not mask or here == HOST or not _MASKS_AT_ONCE
                machine.moved(there, here, each, each.dtype, non_blocking=not waits, at_host=each, taken=True)
        return place(values, here)

    if any(rest[1:]) and not number and isinstance(rest[0], Tensor) and here != HOST and place_of(rest[0]) == HOST:
        raise RuntimeError(f"expected device {name_of(here)} but got device cpu for value tensor")
    if number:
        if here != HOST and not fills and machine is not None:
            machine.moved(HOST, here, rest[0], rest[0].dtype, non_blocking=False, at_host=rest[0], taken=True)
        rest[0] = place(rest[0], here)
    return (self, replace(indices, bring), *rest)


def _positions(mask: Tensor) -> Sequence[Tensor]:
    """The positions of a mask's true elements, as they are moved: at once, or one dimension after the other."""
    return (mask.nonzero(),) if _MASKS_AT_ONCE else mask.nonzero().unbind(1)


def _is_mask(index: Tensor) -> bool:
    return index.dtype in (torch.bool, torch.uint8)


def run_foreach(
    func: Any,
    traits: Traits,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    mode: AbstractContextManager[Any] | None,
) -> Any:
    """Run a `_foreach_` operator. Only tensors at the same position of their lists must be on the same device."""
    if traits.name == "aten::_foreach_copy_":
        for destination, source in zip(args[0], args[1], strict=True):
            aten.copy_.default(destination, source)
        return None
    lists = [value for value in args if isinstance(value, (list, tuple)) and _all_tensors(value)]
    firsts = lists[0]
    single = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    if any(len({place_of(each) for each in (*group, *single)}) > 1 for group in zip(*lists, strict=False)):
        return take_apart(func, args, kwargs, mode)
    host_kwargs = {name: replace(value, values_of) for name, value in kwargs.items()}
    result = on_values(place_of(firsts[0]), func, replace(tuple(args), values_of), host_kwargs)
    if not isinstance(result, (list, tuple)):
        return result
    return [place(value, place_of(first)) for value, first in zip(result, firsts, strict=True)]


def _all_tensors(values: Sequence[Any]) -> bool:
    return all(isinstance(value, Tensor) for value in values)


def _to_copy(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    source = place_of(args[0])
    device = kwargs.get("device")
    target = source if device is None else place_named(device)
    non_blocking = bool(kwargs.get("non_blocking"))
    host_kwargs = {name: value for name, value in kwargs.items() if name not in ("device", "non_blocking")}
    if target is None:
        return func(values_of(args[0]), device=device, **host_kwargs)  # type: ignore[no-any-return]
    values = values_of(args[0]).resolve_conj().resolve_neg()
    copied = on_values(target, func, (values,), host_kwargs)
    machine = active()
    if machine is not None and source != target and copied.numel():
        at_host = values if source == HOST else copied if target == HOST else None
        dtype = travelling(values, copied, (type_of(source), type_of(target)), non_blocking)
        machine.moved(source, target, copied, dtype, non_blocking, at_host=at_host)
    return place(copied, target)


def _copy_(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    destination, source = args[0], args[1]
    non_blocking = bool(args[2] if len(args) > 2 else kwargs.get("non_blocking", False))
    on_values(place_of(destination), func, (values_of(destination), values_of(source)), {})
    machine = active()
    if machine is not None and place_of(source) != place_of(destination) and destination.numel():
        target = place_of(destination)
        dtype = travelling(source, destination, (type_of(place_of(source)), type_of(target)), non_blocking)
        at_host = source if place_of(source) == HOST else destination if target == HOST else None
        machine.moved(place_of(source), target, destination, dtype, non_blocking, at_host=at_host)
    return destination  # type: ignore[no-any-return]


def _local_scalar_dense(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    machine = active()
    if machine is not None:
        machine.waited(place_of(args[0]), "item", args[0], args[0].element_size())
    return func(values_of(args[0]))


def _conj(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    # torch would only set the conjugate bit for later operators; the operators that run on the values here ignore it
    return aten.conj_physical.default(args[0])  # type: ignore[no-any-return]


def _neg_view(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    return aten.neg.default(args[0])  # type: ignore[no-any-return]


def _pack_padded_sequence(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    traits = traits_of(func)
    lengths = args[1]
    if place_of(lengths) != HOST:
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{lengths.dim()}D {lengths.device} {lengths.type().rpartition('.')[2].removesuffix('Tensor')} tensor"
        )
    data, sizes = run_at(place_of(args[0]), func, traits, args, kwargs)
    return data, values_of(sizes)  # the sizes are needed, and made, on the host


def _linalg_eig(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    # its kernel for a card writes rows
    return tuple(each.contiguous() for each in run_at(place_of(args[0]), func, traits_of(func), args, kwargs))


def _linalg_svd(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    # the third result, which is transposed, is made of rows
    left, values, right = run_at(place_of(args[0]), func, traits_of(func), args, kwargs)
    return left, values, right.contiguous()


def _nonzero_static(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return run_at(place_of(args[0]), func, traits_of(func), args, kwargs).t().contiguous().t()


def _with_number(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run an operator whose last operand, a 0-dim tensor wherever it is, is read as a number: `masked_fill_`."""
    *rest, value = args
    if value.dim():  # the operator itself says what is wrong
        return func(*map(values_of, args), **kwargs)
    if place_of(rest[0]) == HOST and func is aten.masked_fill_.Tensor:
        raise RuntimeError("masked_fill_: Expected inputs to be on same device")
    packet = getattr(aten, func._schema.name.removeprefix("aten::"))
    return getattr(packet, func._schema.overload_name.replace("Tensor", "Scalar"))(*rest, value.item())


def _fill_(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if place_of(args[0]) == place_of(args[1]):
        return run_at(place_of(args[0]), func, traits_of(func), args, kwargs)
    return _with_number(func, args, kwargs)


def _convolution(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run a convolution. It compares the classes of its operands, host or device, and dtype, or its kernel does."""
    data, weight, bias = args[:3]
    others = [(name, other) for name, other in (("weight", weight), ("bias", bias)) if other is not None]
    apart = [(name, other) for name, other in others if place_of(other) != place_of(data)]
    if apart:
        _refuse_shapes(args)
    method = _method_of_slow_convolution(
        weight.dim() - 2, dilated=any(each != 1 for each in args[5]), transposed=args[6]
    )
    for name, other in apart:
        if place_of(data) == HOST and method and VERSION >= (2, 8):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but got {name} is on {name_of(place_of(other))}, "
                "different from other tensors on cpu (when checking argument in method "
                f"wrapper_{device_type().upper()}_{method})"
            )
    for name, other in others:
        if (place_of(other), other.dtype) != (place_of(data), data.dtype):
            words = f"Input type ({data.type()}) and {name} type ({other.type()}) should be the same"
            hint = f" or input should be a MKLDNN tensor and {name} is a dense tensor"
            raise RuntimeError(words + (hint if place_of(data) == HOST else ""))
    return run_at(place_of(data), func, traits_of(func), args, kwargs)


def _where(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run `where`, which moves its 0-dim host operands to the device."""
    places = [place_of(value) for value in args]
    here = max(places)
    if min(places) == here and not kwargs:
        result = run_plainly(func, args, kwargs)
        return run_at(here, func, traits_of(func), args, kwargs) if result is NotImplemented else result
    given = list(named_tensors(func, args, kwargs))
    if len({place_of(tensor) for _, tensor in given}) > 1:
        agreed(func, given, args, kwargs)
    machine = active()
    for value, there in zip(args, places, strict=True):
        if machine is not None and there != here:
            machine.moved(HOST, here, value, value.dtype, non_blocking=False, at_host=value, taken=True)
    return run_at(here, func, traits_of(func), args, kwargs)


def _attention(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run attention in inference mode, where it is not taken apart."""
    query, key, value, *rest = args
    mask = rest[0] if rest else kwargs.get("attn_mask")
    if len({place_of(each) for each in (query, key, value)}) == 1:
        kernel = attention.kernel_of(query, key, value, mask)
        attention.refuse_host_mask(kernel, query, mask)
    else:
        kernel = "math"
    given = list(named_tensors(func, args, kwargs))
    if len({place_of(tensor) for _, tensor in given}) > 1:
        agreed(func, given, args, kwargs)
    result = run_at(place_of(query), func, traits_of(func), args, kwargs)
    return attention.laid_out(kernel, query, result.contiguous() if kernel == "math" else result)


def _refuse_shapes(args: Sequence[Any]) -> None:
    """Refuse the shapes that a convolution looks at before it looks where its operands are."""
    _, weight, bias, *_, transposed, _, groups = args
    if weight.dim() < 3:
        raise RuntimeError("weight should have at least three dimensions")
    channels = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and tuple(bias.shape) != (channels,):
        raise RuntimeError(
            f"Given transposed={int(transposed)}, weight of size {list(weight.shape)}, expected bias to be "
            f"1-dimensional with {channels} elements, but got bias of size {list(bias.shape)} instead"
        )


def _method_of_slow_convolution(dims: int, *, dilated: bool, transposed: bool) -> str:
    """The kernel that torch takes where no library can; "" where a card has none."""
    if transposed:
        return "slow_conv_transpose2d" if dims < 3 else "_slow_conv_transpose3d"
    if dilated:
        return f"_slow_conv_dilated{max(dims, 2)}d"
    return "__slow_conv2d_forward" if dims < 3 else ""


SPECIAL: Mapping[Any, Callable[[Any, Sequence[Any], Mapping[str, Any]], Any]] = {
    aten._to_copy.default: _to_copy,
    aten.copy_.default: _copy_,
    aten._local_scalar_dense.default: _local_scalar_dense,
    aten._conj.default: _conj,
    aten._neg_view.default: _neg_view,
    aten._pack_padded_sequence.default: _pack_padded_sequence,
    aten.convolution.default: _convolution,
    aten.linalg_eig.default: _linalg_eig,
    aten._linalg_svd.default: _linalg_svd,
    aten.nonzero_static.default: _nonzero_static,
    attention.ATTENTION: _attention,
    aten.where.self: _where,
    aten.where.self_out: _where,
    aten.fill_.Tensor: _fill_,
    aten.masked_fill_.Tensor: _with_number,
    aten.index_fill_.int_Tensor: _with_number,
}
