"""Where values live on the simulated machine: the facts of torch that the analysis builds on, one by one."""

from __future__ import annotations

import copy
import io
import pickle
import threading
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from transfer_lint.tracing.simulate import Machine

HALF = torch.float16


def make() -> dict[str, Any]:
    """Names for the expressions below: h on the host, d on cuda:0, e on cuda:1; s and t are 0-dim."""
    h = torch.arange(6.0).reshape(2, 3)
    return {
        "torch": torch,
        "nn": nn,
        "F": F,
        "copy": copy,
        "HALF": HALF,
        "h": h,
        "d": h.to("cuda"),
        "e": h.to("cuda:1"),
        "s": torch.tensor(2.0),
        "t": torch.tensor(2.0, device="cuda"),
        "index": torch.tensor([1, 0]),
        "net": nn.Linear(3, 4),
        "dnet": nn.Linear(3, 4, device="cuda"),
    }


PLACES = {
    # moves
    "h.to('cuda')": "cuda:0",
    "h.to('cuda:1')": "cuda:1",
    "h.to(torch.device('cuda'))": "cuda:0",
    "h.to(device='cuda', dtype=HALF)": "cuda:0",
    "h.to('cuda', HALF, non_blocking=True)": "cuda:0",
    "h.to(1)": "cuda:1",
    "h.cuda()": "cuda:0",
    "h.cuda(1)": "cuda:1",
    "h.cuda(device='cuda:1')": "cuda:1",
    "h.cuda(1, True)": "cuda:1",
    "h.cuda(non_blocking=True)": "cuda:0",
    "h.to(e)": "cuda:1",
    "h.type_as(e)": "cuda:1",
    "h.type('torch.cuda.HalfTensor')": "cuda:0",
    "d.type('torch.FloatTensor')": "cpu",
    "d.type(HALF)": "cuda:0",
    "d.cpu()": "cpu",
    "d.to('cpu')": "cpu",
    "d.to(e.device)": "cuda:1",
    "d.half()": "cuda:0",
    "d.to(HALF)": "cuda:0",
    "d.to(memory_format=torch.contiguous_format)": "cuda:0",
    # operators: where their operands are; a 0-dim host tensor joins
    "d + 1": "cuda:0",
    "d + s": "cuda:0",
    "s + d": "cuda:0",
    "t + s": "cuda:0",
    "h + s": "cpu",
    "e * 2": "cuda:1",
    "d @ d.T": "cuda:0",
    "torch.where(d > 1, d, s)": "cuda:0",
    "d.masked_fill(d > 1, s)": "cuda:0",
    "d.clone().fill_(s)": "cuda:0",
    "d[index]": "cuda:0",
    "d[:, 0]": "cuda:0",
    "d[d > 1]": "cuda:0",
    "torch.cat([d, d])": "cuda:0",
    "F.one_hot(d.long())": "cuda:0",
    "F.pad(e, (1, 1))": "cuda:1",
    "F.interpolate(e[None], scale_factor=2.0)": "cuda:1",
    "torch.einsum('ab,cb->ac', e, e)": "cuda:1",
    "F.scaled_dot_product_attention(e[None], e[None], e[None])": "cuda:1",
    "d.unique()": "cuda:0",
    "torch.fft.fft(d)": "cuda:0",
    "torch.tensor(d.tolist())": "cpu",
    # factories
    "torch.zeros(2, device='cuda')": "cuda:0",
    "torch.full((2,), 1.0, device='cuda:1')": "cuda:1",
    "torch.arange(3, device=e.device)": "cuda:1",
    "torch.rand(3, device='cuda')": "cuda:0",
    "torch.tensor([1.0], device='cuda')": "cuda:0",
    "torch.as_tensor([1.0], device='cuda:1')": "cuda:1",
    "torch.zeros_like(e)": "cuda:1",
    "torch.zeros_like(h, device='cuda')": "cuda:0",
    "torch.randn_like(e)": "cuda:1",
    "e.new_zeros(2)": "cuda:1",
    "e.new_tensor([1.0])": "cuda:1",
    "e.new(2)": "cuda:1",
    "torch.from_numpy(h.numpy())": "cpu",
    # modules
    "net.to('cuda')(d)": "cuda:0",
    "net.cuda()(d)": "cuda:0",
    "dnet(d)": "cuda:0",
    "dnet.to('cpu')(h)": "cpu",
    "dnet.to('cuda:1')(e)": "cuda:1",
    "nn.Embedding(6, 2).cuda()(d.long())": "cuda:0",
    "nn.Conv1d(2, 3, 1).cuda()(d[None])": "cuda:0",
    "nn.LSTM(3, 4).cuda()(d)[0]": "cuda:0",
    "nn.MultiheadAttention(3, 1).cuda()(d, d, d)[0]": "cuda:0",
    "nn.TransformerEncoderLayer(3, 1).cuda().eval()(d)": "cuda:0",
    # what copies and shares
    "copy.deepcopy(e)": "cuda:1",
    "copy.deepcopy(dnet).weight": "cuda:0",
    "d.data": "cuda:0",
    "d.detach()": "cuda:0",
    "dnet.state_dict()['weight']": "cuda:0",
    "h.copy_(d)": "cpu",
    "d.copy_(h)": "cuda:0",
    "nn.Parameter(e)": "cuda:1",
    "torch.mul(d, d, out=torch.empty(0, device='cuda'))": "cuda:0",
}

SAME_OBJECT = (
    "d.to('cuda') is d",
    "d.to('cuda:0') is d",
    "d.to(d.device, d.dtype) is d",
    "d.to(d) is d",
    "d.cuda() is d",
    "h.cpu() is h",
    "d.type_as(d) is d",
    "d.contiguous() is d",
    "d.float() is d",
    "d.add_(1) is d",
    "h.copy_(d) is h",
    "torch.as_tensor(d) is d",
    "net.to('cuda') is net",
)
NEW_OBJECT = (
    "d.to('cuda', copy=True) is d",
    "d.to('cuda:1') is d",
    "d.half() is d",
    "d.view(2, 3) is d",
    "d.T.to(memory_format=torch.contiguous_format) is d.T",
)

TRUE = (
    "torch.device('cuda') != torch.device('cuda', 0)",
    "d.device == torch.device('cuda', 0)",
    "d.is_cuda and not h.is_cuda",
    "d.get_device() == 0 and e.get_device() == 1",
    "d.type() == 'torch.cuda.FloatTensor'",
    "isinstance(dnet.weight, nn.Parameter)",
    "d.view(3, 2).data_ptr() == d.data_ptr()",
    "torch.cuda.is_available() and torch.cuda.device_count() == 2",
    "torch.cuda.current_device() == 0",
    "h.pin_memory().is_pinned() and not h.is_pinned()",
    "torch.zeros(2, pin_memory=True).is_pinned()",
    "str(d[0]) == \"tensor([0., 1., 2.], device='cuda:0')\"",
    "f'{d[0, 1]:.1f}' == '1.0'",
    "bool(d[0, 1]) and int(d[1, 2]) == 5 and float(d[1, 1]) == 4.0",
    "d.tolist() == h.tolist()",
    "torch.equal(d, d.clone())",
)

REFUSED = {
    "d + h": (RuntimeError, "on the same device, but found at least two devices, cuda:0 and cpu!"),
    "d + e": (RuntimeError, "cuda:0 and cuda:1!"),
    "h + d": (RuntimeError, "cuda:0 and cpu!"),
    "t + e[0, 0]": (RuntimeError, "same device"),
    "h.add_(d)": (RuntimeError, "same device"),
    "torch.addcmul(d, s, s)": (RuntimeError, ""),
    "d.clamp(min=s)": (RuntimeError, "in method wrapper_CUDA_clamp_Tensor"),
    "F.conv1d(d[None], h[None])": (RuntimeError, "Input type (torch.cuda.FloatTensor) and weight type"),
    "torch.add(d, d, out=h)": (RuntimeError, "cuda:0 and cpu!"),
    "torch.where(d > 1, d, h)": (RuntimeError, "same device"),
    "d.masked_fill(h > 1, 2)": (RuntimeError, "expected self and mask to be on the same device"),
    "s.add_(t)": (RuntimeError, "same device"),
    "torch.cat([d, h])": (RuntimeError, "same device"),
    "torch.stack([t, s])": (RuntimeError, "same device"),
    "net(d)": (RuntimeError, "same device"),
    "dnet(h)": (RuntimeError, "same device"),
    "h[index.to('cuda')]": (RuntimeError, "indices should be either on cpu or on the same device"),
    "d.numpy()": (TypeError, "can't convert cuda:0 device type tensor to numpy"),
    "__import__('numpy').asarray(d)": (TypeError, "can't convert cuda:0"),
    "h.to('cuda:7')": (RuntimeError, "invalid device ordinal"),
    "h.cuda('cpu')": (RuntimeError, "must be cuda device"),
    "d.pin_memory()": (RuntimeError, "cannot pin 'torch.cuda.FloatTensor'"),
    "torch.rand(2, device='cuda', generator=torch.Generator())": (RuntimeError, "Expected a 'cuda' device type"),
    "torch.rand(2, generator=torch.Generator('cuda'))": (RuntimeError, "Expected a 'cpu' device type"),
    "torch.nested.nested_tensor([d])": (NotImplementedError, "Could not run"),
}


@pytest.mark.parametrize("inference", [False, True], ids=["", "inference"])
@pytest.mark.parametrize(("expression", "place"), PLACES.items(), ids=PLACES)
def test_place(machine: Machine, expression: str, place: str, inference: bool) -> None:
    names = make()
    with torch.inference_mode(inference):
        assert str(eval(expression, names).device) == place


@pytest.mark.parametrize("expression", SAME_OBJECT)
def test_same_object(machine: Machine, expression: str) -> None:
    assert eval(expression, make())


@pytest.mark.parametrize("expression", NEW_OBJECT)
def test_new_object(machine: Machine, expression: str) -> None:
    assert not eval(expression, make())


@pytest.mark.parametrize("expression", TRUE)
def test_true(machine: Machine, expression: str) -> None:
    assert eval(expression, make())


@pytest.mark.parametrize(("expression", "error", "text"), [(e, *r) for e, r in REFUSED.items()], ids=REFUSED)
def test_refused(machine: Machine, expression: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        eval(expression, make())
    assert text in str(raised.value)


def test_module_to_casts_floating_tensors_only(machine: Machine) -> None:
    net = nn.BatchNorm1d(3)
    net.to("cuda", HALF)
    assert net.weight.dtype is HALF
    assert net.num_batches_tracked is not None
    assert net.num_batches_tracked.dtype is torch.int64
    assert {str(tensor.device) for tensor in net.state_dict().values()} == {"cuda:0"}


def test_parameters_stay_the_same_objects(machine: Machine) -> None:
    net = nn.Linear(3, 4)
    weight = net.weight
    for place in ("cuda", "cuda:1", "cpu", "cuda"):
        net.to(place)
        assert net.weight is weight
        assert isinstance(weight, nn.Parameter)
        assert weight.requires_grad
        assert weight.is_leaf
    net.cpu()
    assert type(weight) is nn.Parameter


def test_data_moves_a_parameter_and_keeps_it(machine: Machine) -> None:
    net = nn.Linear(3, 4)
    weight, values = net.weight, net.weight.tolist()
    net.weight.data = net.weight.data.to("cuda")
    assert net.weight is weight
    assert str(weight.device) == "cuda:0"
    assert weight.tolist() == values


def test_gradients_move_with_their_module(machine: Machine) -> None:
    net = nn.Linear(3, 4).cuda()
    net(torch.ones(3, device="cuda")).sum().backward()
    gradient = net.weight.grad
    net.to("cpu")
    assert net.weight.grad is gradient
    assert gradient is not None
    assert str(gradient.device) == "cpu"


def test_a_module_moved_in_inference_mode_can_be_trained(machine: Machine) -> None:
    net = nn.Linear(3, 4)
    with torch.inference_mode():
        net.cuda()
    net.load_state_dict(nn.Linear(3, 4).state_dict())
    net(torch.ones(3, device="cuda")).sum().backward()
    assert net.weight.grad is not None


def test_inference_tensors_stay_inference_tensors(machine: Machine) -> None:
    with torch.inference_mode():
        made = torch.ones(3, device="cuda") + 1
        made.add_(1)
    assert made.is_inference()
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        made.add_(1)


def test_shapes_follow_in_place_operators(machine: Machine) -> None:
    tensor = torch.arange(6.0, device="cuda").reshape(2, 3)
    tensor.t_()
    assert tensor.shape == (3, 2)
    assert tensor.tolist() == [[0, 3], [1, 4], [2, 5]]
    tensor = torch.arange(2.0, device="cuda")
    tensor.resize_(4, 1)
    tensor.fill_(1)
    assert tensor.tolist() == [[1]] * 4
    tensor.squeeze_()
    assert tensor.tolist() == [1] * 4
    out = torch.empty(0, device="cuda")
    assert torch.mul(tensor, 2, out=out) is out
    assert out.tolist() == [2] * 4


def test_views_share_memory(machine: Machine) -> None:
    tensor = torch.zeros(2, 3, device="cuda")
    tensor[0].add_(1)
    tensor.view(-1)[5] = 7
    tensor[:, 1] = torch.tensor([8.0, 9.0])
    assert tensor.tolist() == [[1, 8, 1], [0, 9, 7]]


def test_current_device(machine: Machine) -> None:
    torch.cuda.set_device(1)
    assert str(torch.zeros(1).cuda().device) == "cuda:1"
    with torch.cuda.device(0):
        assert str(torch.zeros(1, device="cuda").device) == "cuda:0"
    assert torch.cuda.current_device() == 1


def test_default_devices(machine: Machine) -> None:
    with torch.device("cuda"):
        assert str(torch.zeros(1).device) == "cuda:0"
        assert str(torch.tensor([1.0]).device) == "cuda:0"
        assert str(nn.Linear(1, 1).weight.device) == "cuda:0"
    torch.set_default_device("cuda:1")
    try:
        assert str(torch.ones(1).device) == "cuda:1"
    finally:
        torch.set_default_device(None)
    assert str(torch.ones(1).device) == "cpu"


def test_threads_are_on_the_same_machine(machine: Machine) -> None:
    made: list[torch.Tensor] = []
    thread = threading.Thread(target=lambda: made.append(torch.ones(2).cuda()))
    thread.start()
    thread.join()
    assert str(made[0].device) == "cuda:0"
    assert len(machine.transfers) == 1


@pytest.mark.parametrize("place", ["cpu", "cuda", "cuda:1"])
def test_save_and_load(machine: Machine, place: str) -> None:
    file = io.BytesIO()
    torch.save({"a": torch.ones(2), "b": [torch.zeros(3)]}, file)
    file.seek(0)
    loaded = torch.load(file, map_location=place)
    assert loaded["a"].device == loaded["b"][0].device == torch.zeros(0).to(place).device
    file = io.BytesIO()
    torch.save({"a": torch.ones(2, device="cuda:1")}, file)
    file.seek(0)
    loaded = torch.load(file, map_location=place, weights_only=False)
    assert loaded["a"].device == torch.zeros(0).to(place).device
    assert loaded["a"].tolist() == [1, 1]


def test_a_checkpoint_from_the_device(machine: Machine) -> None:
    net = nn.Linear(2, 3, device="cuda:1")
    state = {
        "net": net.state_dict(),
        "own": [net.weight, net.weight[0].detach()],
        "half": torch.ones(2).to("cuda", HALF),
    }
    file = io.BytesIO()
    torch.save(state, file)
    machine.clear()
    file.seek(0)
    on_host = torch.load(file, map_location="cpu", weights_only=True)
    assert not machine.transfers
    assert on_host["own"][0].device.type == on_host["half"].device.type == "cpu"
    assert type(on_host["own"][0]) is nn.Parameter
    file.seek(0)
    again = torch.load(file, weights_only=True)
    assert str(again["net"]["weight"].device) == str(again["own"][1].device) == "cuda:1"
    assert str(again["half"].device) == "cuda:0"
    assert again["half"].dtype is HALF
    assert isinstance(again["own"][0], nn.Parameter)
    assert again["own"][0].requires_grad
    assert again["own"][0].data_ptr() == again["own"][1].data_ptr()
    assert torch.equal(again["own"][0], net.weight)
    file.seek(0)
    moved = torch.load(file, map_location={"cuda:1": "cuda:0"}, weights_only=True)
    assert str(moved["net"]["weight"].device) == "cuda:0"


def test_pickle_and_copy(machine: Machine) -> None:
    net = nn.Linear(2, 3, device="cuda:1")
    net.weight.tag = "kept"  # type: ignore[attr-defined]
    twin = pickle.loads(pickle.dumps(net))
    assert str(twin.weight.device) == "cuda:1"
    assert isinstance(twin.weight, nn.Parameter)
    assert twin.weight.tag == "kept"
    assert torch.equal(twin.weight, net.weight)
    plain = torch.ones(2).cuda()
    plain.tag = "kept"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(plain)).tag == "kept"
    machine.clear()
    alias = copy.copy(plain)
    alias += 1
    assert plain.tolist() == [2, 2]
    assert not machine.transfers


def test_lengths_on_the_host(machine: Machine) -> None:
    x = torch.randn(2, 5, 3, device="cuda", requires_grad=True)
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3]), batch_first=True)
    assert (str(packed.data.device), str(packed.batch_sizes.device)) == ("cuda:0", "cpu")
    result, lengths = nn.utils.rnn.pad_packed_sequence(nn.LSTM(3, 4, batch_first=True).cuda()(packed)[0])
    assert lengths.tolist() == [5, 3]
    scores = result.new_tensor([[[1.0, 2.0, 3.0]]] * 4)
    loss = F.ctc_loss(
        scores.log_softmax(2), torch.tensor([[1, 2]], device="cuda"), torch.tensor([4]), torch.tensor([2])
    )
    (result.sum() + loss).backward()
    assert x.grad is not None
    assert str(x.grad.device) == "cuda:0"


def test_the_class_equals_torch_s(machine: Machine) -> None:
    here, there = torch.ones(2), torch.ones(2, device="cuda")
    assert type(there) == torch.Tensor == type(there)  # noqa: E721
    assert type(here) == type(there) != nn.Parameter  # noqa: E721
    assert {torch.Tensor: "a tensor"}[type(there)] == "a tensor"
    assert type(there) in (int, torch.Tensor)
    assert repr(type(there)) == "<class 'torch.Tensor'>"
    assert pickle.loads(pickle.dumps(type(there))) is torch.Tensor
    with pytest.raises(TypeError, match="type Tensor doesn't define __round__"):
        round(there)
    assert isinstance(there, torch.Tensor)
    assert isinstance(nn.Parameter(there), nn.Parameter)
    assert not isinstance(there, nn.Parameter)


def test_data_is_set_while_something_watches_the_tensor(machine: Machine) -> None:
    weight = nn.Parameter(torch.ones(2, device="cuda"))
    watch = torch._C._WeakTensorRef(weight)  # type: ignore[attr-defined]
    (weight * 3).sum().backward()
    weight.data *= 2
    assert weight.tolist() == [2, 2]
    weight.data = torch.zeros(3, device="cuda", dtype=HALF)
    assert (weight.shape, weight.dtype, weight.tolist()) == ((3,), HALF, [0, 0, 0])
    assert weight.requires_grad
    assert not watch.expired()
