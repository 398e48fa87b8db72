"""Measures the cost of no-op calls on the CPU: `python benchmarks/transfer_costs.py`. Figures for docs/why.md."""

from __future__ import annotations

import timeit
from itertools import chain

import torch

TIMES = 20_000


def microseconds(statement: str, times: int = TIMES, **names: object) -> float:
    """Microseconds for one run of the statement, the best of five measurements."""
    return min(timeit.repeat(statement, globals={**names, "torch": torch, "chain": chain}, number=times)) / times * 1e6


def main() -> None:
    tensor, device = torch.zeros(4), torch.device("cpu")
    layers = torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(140)))
    guard = "any(t.device != device for t in chain(m.parameters(), m.buffers()))"
    print(f"torch {torch.__version__}")
    print(f"tensor.to, nothing to do      {microseconds('x.to(d)', x=tensor, d=device):8.2f} us")
    print(f"tensor guard                  {microseconds('x.device != d', x=tensor, d=device):8.2f} us")
    print(f"module.to, nothing to do      {microseconds('m.to(device)', 50, m=layers, device=device):8.1f} us")
    print(f"module guard, exact           {microseconds(guard, 50, m=layers, device=device):8.1f} us")


if __name__ == "__main__":
    main()
