"""Tells whether two transfers carried the same content, by a hash of the tensor at the host end."""

from __future__ import annotations

import ctypes
import hashlib
import weakref

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.sizes import nbytes_of

LIMIT = 32 * 2**20
"""Size in bytes above which content is not hashed by default: hashing would take longer than the transfer."""


def digest(tensor: Tensor, limit: int = LIMIT) -> bytes | None:
    """A hash of a host tensor's dtype and bytes; None if it exceeds `limit` bytes or is not `readable`."""
    if not readable(tensor):
        return None
    nbytes = nbytes_of(tensor)
    if nbytes > limit:
        return None
    with no_dispatch(), torch._C.DisableTorchFunction():
        flat = tensor if tensor.is_contiguous() else tensor.contiguous()
        whole = hashlib.blake2b(str(tensor.dtype).encode(), digest_size=16)
        if nbytes:
            whole.update((ctypes.c_char * nbytes).from_address(flat.data_ptr()))
        return whole.digest()


class Memories:
    """Numbers for storages. A storage keeps its number as long as it exists; no number is used twice."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.UntypedStorage], int]] = {}
        self._given = 0

    def number(self, tensor: Tensor) -> int | None:
        """The number of the tensor's storage; None if it has no storage."""
        try:
            storage = tensor.untyped_storage()
        except (RuntimeError, NotImplementedError):  # sparse and fake tensors
            return None
        key = id(storage)
        if key not in self._known:
            self._given += 1
            self._known[key] = (weakref.ref(storage, lambda _: self._known.pop(key, None)), self._given)
        return self._known[key][1]


def readable(tensor: Tensor) -> bool:
    """Whether host memory holds exactly the tensor's values.

    True for a dense CPU tensor that is not fake and has neither the conjugate nor the negative bit set.
    """
    return (
        not isinstance(tensor, FakeTensor)
        and tensor.layout == torch.strided
        and not tensor.is_conj()
        and not tensor.is_neg()
        and tensor.device.type == "cpu"
    )
