"""Two tensors have the same digest if they have the same dtype and bytes, and only then."""

from __future__ import annotations

import pytest
import torch

from transfer_lint.tracing.contents import FOLDED, digest


@pytest.mark.parametrize("size", [9, FOLDED - 1, FOLDED, FOLDED + 5, 3 * FOLDED + 1])
def test_every_byte_counts(size: int) -> None:
    data = torch.randint(0, 255, (size,), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    first, seen = digest(data), set()
    for place in {0, 7, 8, size // 2, size - 9, size - 1}:
        data[place] ^= 1
        seen.add(digest(data))
        data[place] ^= 1
    swapped = data.clone()
    swapped[:8], swapped[-8:] = data[-8:], data[:8].clone()
    assert digest(data) == first
    assert first not in {*seen, digest(swapped)}
    assert len(seen) == len({0, 7, 8, size // 2, size - 9, size - 1})


@pytest.mark.parametrize("size", [64, FOLDED])
def test_where_the_bytes_lie_does_not_count(size: int) -> None:
    wide = torch.randn(2 * size, generator=torch.Generator().manual_seed(0))
    assert digest(wide[::2]) == digest(wide[::2].contiguous())
    bytes_ = wide.view(torch.uint8)
    assert digest(bytes_[3:]) == digest(bytes_[3:].clone())
    assert digest(wide) != digest(wide.view(torch.int32))


def test_what_is_not_compared() -> None:
    x = torch.ones(4, dtype=torch.complex64)
    assert digest(x) is not None
    assert digest(x.conj()) is None
    assert digest(x.to("meta")) is None
    assert digest(x.to_sparse()) is None
    assert digest(torch.ones(4), limit=15) is None
