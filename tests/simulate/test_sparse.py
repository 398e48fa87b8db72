"""Sparse tensors on the simulated machine."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from transfer_lint.tracing.simulate import Machine

LAYOUTS = {
    "coo": Tensor.to_sparse,
    "csr": Tensor.to_sparse_csr,
    "csc": Tensor.to_sparse_csc,
    "bsr": lambda tensor: tensor.to_sparse_bsr((1, 1)),
}
layouts = pytest.mark.parametrize("sparse", LAYOUTS.values(), ids=LAYOUTS)
DENSE = torch.tensor([[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]])


@layouts
@pytest.mark.filterwarnings("ignore")
def test_layouts(machine: Machine, sparse: Callable[[Tensor], Tensor]) -> None:
    host = sparse(DENSE)
    there = host.to("cuda:1")
    assert (there.layout, there.is_sparse, there.is_sparse_csr) == (host.layout, host.is_sparse, host.is_sparse_csr)
    assert (str(there.device), str(there.values().device), there.shape) == ("cuda:1", "cuda:1", (2, 3))
    assert torch.equal(there.to_dense().cpu(), DENSE)
    assert str(sparse(DENSE.cuda()).device) == "cuda:0"
    result = there @ torch.ones(3, 2, device="cuda:1")
    assert result.tolist() == [[2, 2], [7, 7]]
    with pytest.raises(RuntimeError, match="same device"):
        there @ torch.ones(3, 2)
    assert there.cpu().layout == host.layout
    assert torch.equal(copy.deepcopy(there).to_dense(), DENSE.to("cuda:1"))
    assert "cuda:1" in repr(there)


@pytest.mark.filterwarnings("ignore")
def test_coordinates(machine: Machine) -> None:
    indices = torch.tensor([[0, 1, 1], [1, 0, 0]], device="cuda")
    made = torch.sparse_coo_tensor(indices, torch.ones(3, device="cuda"), (2, 3))
    assert (str(made.device), made.is_coalesced(), made._nnz()) == ("cuda:0", False, 3)
    machine.clear()
    merged = made.coalesce()
    assert (merged._nnz(), merged.values().tolist(), str(merged.indices().device)) == (2, [1, 2], "cuda:0")
    assert [wait.how for wait in machine.waits] == ["_coalesce", "tolist"]
    assert torch.sparse.mm(made, torch.ones(3, 1, device="cuda")).tolist() == [[1], [2]]
    assert torch.sparse.sum(made).item() == 3
    assert (made + made).to_dense().sum().item() == 6
    assert made.t().shape == (3, 2)
    with pytest.raises(RuntimeError, match="same device"):
        torch.sparse_coo_tensor(indices, torch.ones(3))


def test_gradients(machine: Machine) -> None:
    values = torch.ones(2, device="cuda", requires_grad=True)
    made = torch.sparse_coo_tensor(torch.tensor([[0, 1], [1, 0]], device="cuda"), values, (2, 2))
    weight = torch.ones(2, 2, device="cuda", requires_grad=True)
    torch.sparse.mm(made, weight).sum().backward()
    assert values.grad is not None
    assert weight.grad is not None
    assert values.grad.tolist() == [2, 2]
    assert str(weight.grad.device) == "cuda:0"
    table = torch.nn.Embedding(5, 2, sparse=True).cuda()
    table(torch.tensor([1, 3], device="cuda")).sum().backward()
    assert table.weight.grad is not None
    assert table.weight.grad.is_sparse
    torch.optim.SGD(table.parameters(), lr=0.1).step()
    assert str(table.weight.device) == "cuda:0"


def test_bytes_are_those_of_the_stored_elements(machine: Machine) -> None:
    DENSE.to_sparse().cuda()
    assert sum(transfer.nbytes for transfer in machine.transfers) == 3 * 4 + 2 * 3 * 8
    assert torch.cuda.memory_allocated() == 0


def test_sparse_tensors_are_saved(machine: Machine) -> None:
    file = io.BytesIO()
    torch.save(DENSE.to_sparse().cuda(), file)
    file.seek(0)
    loaded = torch.load(file)
    assert str(loaded.device) == "cuda:0"
    assert loaded.to_dense().tolist() == DENSE.tolist()
    file.seek(0)
    assert str(torch.load(file, map_location="cpu").device) == "cpu"
