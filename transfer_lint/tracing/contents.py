"""Whether two transfers carried the same content: by a hash of the bytes at the host's end."""

from __future__ import annotations

import ctypes
import hashlib
import weakref

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._mode_utils import no_dispatch

LIMIT = 32 * 2**20
"""Bytes above which content is not hashed unless the user asks: hashing would take longer than the transfer."""


def digest(tensor: Tensor, limit: int = LIMIT) -> bytes | None:
    """A hash of a dense host tensor's values and dtype; None for what is larger than `limit` or has no values."""
    nbytes = tensor.numel() * tensor.element_size()
    if nbytes > limit or not readable(tensor):
        return None
    with no_dispatch(), torch._C.DisableTorchFunction():
        flat = tensor if tensor.is_contiguous() else tensor.contiguous()
        whole = hashlib.blake2b(str(tensor.dtype).encode(), digest_size=16)
        if nbytes:
            whole.update((ctypes.c_char * nbytes).from_address(flat.data_ptr()))
        return whole.digest()


class Memories:
    """Numbers for pieces of memory that stay theirs as long as they live, and are never given again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.UntypedStorage], int]] = {}
        self._given = 0

    def number(self, tensor: Tensor) -> int | None:
        """The number of the memory that a tensor lies in; None where it has none."""
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
    """Whether the bytes of a tensor lie in the host's memory as they are seen."""
    return (
        not isinstance(tensor, FakeTensor)
        and tensor.layout == torch.strided
        and not tensor.is_conj()
        and not tensor.is_neg()
        and tensor.device.type == "cpu"
    )
