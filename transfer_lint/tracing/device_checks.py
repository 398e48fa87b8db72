"""Which operands an operator takes from different devices, by the checks of the torch that is installed.

On a card torch refuses operands in three places. Each is asked here:

- The wrapper that torch generates around a device's kernel compares all tensors, unless the operator's declaration
  says `device_check: NoCheck`. The declarations are a file of torch's, `native_functions.yaml`.
- Structured elementwise operators so marked check in TensorIterator, which takes one 0-dim host tensor where the kernel
  allows it. Their own code runs on tensors without memory, up to the point where it would call the kernel.
- The few others check in their kernels. For these the rule is written down here.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing.device_tensor import STAND_IN, DeviceTensor, place_of
from transfer_lint.tracing.machine import HOST, device_type, name_of
from transfer_lint.tracing.traits import VERSION

_DECLARATIONS = os.path.join("packaged", "ATen", "native", "native_functions.yaml")
_REFUSED = re.compile("same device|too many CPU scalars|to have device")
_KEYS = re.compile(r"^    ([\w, ]+):", re.MULTILINE)  # of the kernels in a declaration
_NEW_WORDS = VERSION >= (2, 8)

# Unstructured elementwise operators whose TensorIterator takes one 0-dim host tensor.
_TAKES_HOST_SCALAR = frozenset(
    "aten::" + name
    for name in (  # noqa: SIM905
        "logical_and.out logical_or.out logical_xor.out floor_divide floor_divide.out floor_divide_.Tensor rsub.Tensor "
        "__lshift__.Tensor __ilshift__.Tensor __rshift__.Tensor __irshift__.Tensor"
    ).split()
)
_OF_ALL = ("aten::max.unary_out", "aten::min.unary_out")
# Kernels that do not know what to do with a 0-dim host operand: a fault of torch's.
_KERNELS_WITHOUT_NUMBERS = {"aten::lerp": ("self", "end"), "aten::smooth_l1_loss": ("self", "target")}
_LOGICAL = ("aten::logical_and", "aten::logical_or", "aten::logical_xor")
# Operators that move operands to the device themselves: any 0-dim one (`where`), or the one that is named.
_MOVES_SCALARS = frozenset(("aten::where.self", "aten::where.self_out"))
_MOVES_ANY = {
    "aten::bernoulli_.Tensor": "p",
    **{f"aten::_fused_{name}_.tensor_lr": "lr" for name in ("adam", "adamw", "sgd", "adagrad")},
}


@dataclass(frozen=True)
class Declaration:
    """What an operator's declaration says of its kernel for a card.

    exact: the kernel's wrapper compares the devices of all tensors. method: the wrapper's name, for the error's words,
    without its beginning. order: the names of the arguments in the order in which it compares them. structured: it has
    a part of its own that makes the results. iterator: this part checks in TensorIterator. made: the dispatch key of
    its code if there is no such kernel, because it is made of others; else None. absent: there is a kernel for the host
    and nothing for a card.
    """

    exact: bool
    method: str
    order: tuple[str, ...]
    structured: bool
    iterator: bool
    made: Any
    absent: bool


@cache
def declaration_of(func: Any) -> Declaration:
    """The declaration of an operator overload. Operators that torch does not declare check nothing themselves."""
    name = func._schema.name.removeprefix("aten::")
    overload = func._schema.overload_name
    text = _declarations().get(f"{name}.{overload}" if overload else name, "") if func.namespace == "aten" else ""
    delegate = re.search(r"structured_delegate: (\S+)", text)
    structured = "structured: True" in text or delegate is not None
    base = _declarations().get(delegate[1], "") if delegate is not None else text
    kernel = re.search(r"^    [^:#\n]*\bCUDA\b[^:\n]*:", base, re.MULTILINE) is not None
    made = None if kernel else code_of(func)
    keys = " ".join(_KEYS.findall(base))
    arguments = [each for each in func._schema.arguments if "Tensor" in str(each.type)]
    out = "_out" if any(each.is_out for each in arguments) else ""
    suffix = f"_{overload}" if overload else ""
    tail = f"{name}{out}{suffix}" if structured else f"{overload}_{name}{out}"
    return Declaration(
        exact=kernel and "device_check: NoCheck" not in text,
        method=tail,
        order=(
            *(each.name for each in arguments if each.is_out),
            *(each.name for each in arguments if not each.kwarg_only),
        ),
        structured=structured,
        iterator=structured and "structured_inherits: TensorIteratorBase" in base,
        made=made,
        absent="CPU" in keys and "CUDA" not in keys and made is None and "_for_cpu" not in name,
    )


@cache
def code_of(func: Any) -> Any:
    """The dispatch key of an operator's code that is made of other operators; None if it has none."""
    for name in ("CompositeExplicitAutogradNonFunctional", "CompositeExplicitAutograd", "CompositeImplicitAutograd"):
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), name):
            return getattr(torch._C.DispatchKey, name)
    return None


@cache
def _declarations() -> Mapping[str, str]:
    """Name of an operator overload -> its declaration."""
    package = importlib.util.find_spec("torchgen")
    for folder in package.submodule_search_locations or () if package is not None else ():
        with open(os.path.join(folder, _DECLARATIONS), encoding="utf-8") as stream:
            _, *blocks = re.split("^- func: ", stream.read(), flags=re.MULTILINE)
        return {block.partition("(")[0]: block for block in blocks}
    return {}


def agreed(func: Any, given: Sequence[tuple[str, Tensor]], args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The place where an operator runs whose operands are on different devices.

    given: (name of the argument, tensor), in the order of the schema, of a call with `args` and `kwargs`.
    Raises RuntimeError, with torch's words, if a card would refuse the call.
    """
    declared = declaration_of(func)
    if declared.exact:
        _compare(declared, given)
    name = f"{func._schema.name}.{func._schema.overload_name}".rstrip(".")
    if name == "aten::masked_fill_.Scalar":
        (_, self), (_, mask) = given
        raise RuntimeError(
            "expected self and mask to be on the same device, "
            f"but got mask on {name_of(place_of(mask))} and self on {name_of(place_of(self))}"
        )
    devices = list(dict.fromkeys(place_of(tensor) for _, tensor in given if place_of(tensor) != HOST))
    if len(devices) > 1:
        raise refused(devices[0], devices[1])
    hosts = [(argument, tensor) for argument, tensor in given if place_of(tensor) == HOST]
    if declared.iterator:
        pattern = tuple((each.dim(), place_of(each) == HOST) for _, each in given)
        if not _passes(func, pattern, args, kwargs, devices[0]):
            return devices[0]
    elif name in _MOVES_SCALARS:
        hosts = [(argument, tensor) for argument, tensor in hosts if tensor.dim() or argument == "out"]
        if hosts:
            raise refused(devices[0], HOST)
    elif any(argument != _MOVES_ANY.get(name) for argument, _ in hosts):
        written = [each.name for each in func._schema.arguments if each.alias_info is not None]
        scalars = [tensor for argument, tensor in hosts if tensor.dim() == 0 and argument not in written]
        if name in _TAKES_HOST_SCALAR and any(
            tensor is given[0][1] for argument, tensor in given if argument in written
        ):
            _refuse_shape(given)
        if name == "aten::mode.values":
            raise RuntimeError(f"expected device '{name_of(devices[0])}' but got 'cpu' for values output")
        if name in _OF_ALL:
            raise RuntimeError(
                "Expected self.device() == out.device() to be true, but got false.  "
                "(Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"
            )
        if declared.structured and not declared.exact and {argument for argument, _ in hosts} <= set(written):
            raise RuntimeError(f"Expected out tensor to have device {name_of(devices[0])}, but got cpu instead")
        if name not in _TAKES_HOST_SCALAR or scalars != [tensor for _, tensor in hosts] or len(scalars) > 1:
            raise refused(devices[0], HOST)
    _refuse_numbers(func._schema.name.rstrip("_"), given, hosts)
    return devices[0]


def _refuse_shape(given: Sequence[tuple[str, Tensor]]) -> None:
    """Refuse what cannot be written into the first operand, which torch finds before it compares devices."""
    shapes = [tensor.shape for _, tensor in given]
    whole = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    if whole != shapes[0]:
        raise RuntimeError(f"output with shape {list(shapes[0])} doesn't match the broadcast shape {list(whole)}")


def _refuse_numbers(name: str, given: Sequence[tuple[str, Tensor]], hosts: Sequence[tuple[str, Tensor]]) -> None:
    """Refuse the 0-dim host operands that get past the comparison of devices, but not into the kernel."""
    if any(tensor.dim() for _, tensor in hosts):
        return
    arguments = {argument for argument, _ in hosts}
    if name == "aten::addcmul":
        words = "CPU Scalar support for {} argument is not supported when calling addcmul on CUDA tensors."
        if "self" in arguments:
            raise RuntimeError(words.format("self"))
        if "tensor1" in arguments:
            swap = "However, CPU Scalar support for tensor2 is supported, please swap your tensor1 and tensor2 terms."
            raise RuntimeError(f"{words.format('tensor1')} {swap}")
    known = _KERNELS_WITHOUT_NUMBERS.get(name, ())
    if name in _LOGICAL and any(tensor.is_complex() for _, tensor in given):
        known = ("self", "other")
    for number, argument in enumerate(known, 1):
        if argument in arguments:
            raise RuntimeError(
                "iter.device(arg).is_cuda() INTERNAL ASSERT FAILED, please report a bug to PyTorch. "
                f"argument {number}: expected a CUDA device but found cpu"
            )


def refused(place: int, other: int) -> RuntimeError:
    """torch's error for operands on two devices."""
    return RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, "
        f"{name_of(place)} and {name_of(other)}!"
    )


def _compare(declared: Declaration, given: Sequence[tuple[str, Tensor]]) -> None:
    common: int | None = None
    for name in declared.order:
        for here in (place_of(tensor) for argument, tensor in given if argument == name):
            if common is None or here == common:
                common = here
            elif _NEW_WORDS:
                raise RuntimeError(
                    f"Expected all tensors to be on the same device, but got {name} is on {name_of(here)}, "
                    f"different from other tensors on {name_of(common)} "
                    f"(when checking argument in method wrapper_{device_type().upper()}_{declared.method})"
                )
            else:
                raise RuntimeError(
                    f"{refused(common, here)} (when checking argument for argument {name} "
                    f"in method wrapper_{device_type().upper()}_{declared.method})"
                )


class _Unfilled(Tensor):
    """A tensor on the stand-in device without memory."""

    place: int

    @staticmethod
    def __new__(cls, like: Tensor, place: int) -> _Unfilled:
        made: _Unfilled = Tensor._make_wrapper_subclass(
            cls, like.shape, strides=like.stride(), dtype=like.dtype, device=torch.device(STAND_IN, place)
        )
        made.place = place
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        # what a check converts or asks beforehand
        place = next(each.place for each in args if isinstance(each, _Unfilled))
        result = func(*map(_on_meta, args), **(kwargs or {}))
        return _Unfilled(result, place) if isinstance(result, Tensor) else result


def _on_meta(value: Any) -> Any:
    return torch.empty(value.shape, dtype=value.dtype, device="meta") if isinstance(value, _Unfilled) else value


_accepted: set[tuple[Any, ...]] = set()


def _passes(func: Any, pattern: tuple[Any, ...], args: Sequence[Any], kwargs: Mapping[str, Any], place: int) -> bool:
    """Whether a structured operator's operands pass its checks; if not, torch says why when it runs.

    pattern: what the comparison of devices depends on; one that passed is not tried again. Raises RuntimeError if the
    devices are refused.

    Its kernel for the host is called with tensors of a device for which there is no inner loop.
    """
    key = (func, *pattern)
    if key in _accepted:
        return True

    def twin(value: Any) -> Any:
        return _Unfilled(value, place) if isinstance(value, DeviceTensor) else value

    try:
        func._op_dk(torch._C.DispatchKey.CPU, *map(twin, args), **{name: twin(value) for name, value in kwargs.items()})
    except Exception as error:
        words = str(error)
        if _REFUSED.search(words):
            raise RuntimeError(words.replace(f"{STAND_IN}:", f"{device_type()}:")) from None
        if "DispatchStub" not in words:  # something else is wrong, and torch finds it before it compares devices
            return False
    _accepted.add(key)
    return True


def _named(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    names = [each.name for each in func._schema.arguments]
    yield from zip(names, args, strict=False)
    yield from kwargs.items()


def named_tensors(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """(name of the argument, tensor) of all tensors in a call, also those in lists; `meta` tensors are left out."""
    for name, value in _named(func, args, kwargs):
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(each, Tensor) and each.device.type != "meta":
                yield name, each
