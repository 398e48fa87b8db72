"""Tells whether two transfers carried the same content, by a hash of the tensor at the host end."""

from __future__ import annotations

import ctypes
import hashlib
import weakref
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._mode_utils import no_dispatch

from transfer_lint.tracing.sizes import nbytes_of

LIMIT = 32 * 2**20
"""Size in bytes above which content is not hashed by default: hashing would take longer than the transfer."""

FOLDED = 2**20
"""Size in bytes from which content is folded before it is hashed."""

_BLOCK = 2**15  # numbers; a block, its factors and products stay in the cache of a core


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
        folded = nbytes - nbytes % 8 if nbytes >= FOLDED else 0
        if folded:
            for number in _fold(torch.frombuffer(_memory(flat, 0, folded), dtype=torch.int64)):
                whole.update(number.to_bytes(8, "little", signed=True))
        if nbytes > folded:
            whole.update(_memory(flat, folded, nbytes))
        return whole.digest()


def _memory(tensor: Tensor, begin: int, end: int) -> ctypes.Array[ctypes.c_char]:
    """The bytes of a contiguous host tensor from `begin` to `end`, not copied."""
    return (ctypes.c_char * (end - begin)).from_address(tensor.data_ptr() + begin)


def _fold(words: Tensor) -> Iterator[int]:
    """A hash of 64 bits for each _BLOCK of `words`, int64 [n].

    A cryptographic hash takes ten times as long as the copy to a device. These are multilinear hashes: the sum, modulo
    2**64, of all words times random odd numbers (D. Lemire and O. Kaser, "Strongly universal string hashing is fast").
    """
    factors = _factors()
    product = torch.empty_like(factors)
    for block in torch.split(words, _BLOCK):
        size = len(block)
        yield int(torch.mul(block, factors[:size], out=product[:size]).sum())


@cache
def _factors() -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(-(2**63), 2**63 - 1, (_BLOCK,), generator=random) | 1


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
