"""Tensor subclasses of a program's own, on the simulated machine."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from transfer_lint.tracing.simulate import Machine


class Labelled(Tensor):
    """A subclass that keeps a label, and makes results of its class."""

    label: str

    def __new__(cls, data: Any, label: str = "") -> Labelled:
        return torch.as_tensor(data).as_subclass(cls)

    def __init__(self, data: Any, label: str = "") -> None:
        self.label = label

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs or {})
        if isinstance(result, Labelled) and isinstance(args[0], Labelled):
            result.label = args[0].__dict__.get("label", "")
        return result


class Plain(Tensor):
    """A subclass without anything of its own."""


class Wrapper(Tensor):
    """A wrapper subclass: its values are another tensor, and it runs operators itself."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Wrapper:
        made: Wrapper = Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=inner.device)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        args, kwargs = pytree.tree_map_only(Wrapper, lambda wrapper: wrapper.inner, (args, kwargs or {}))
        result = func(*args, **kwargs)
        result += torch.zeros(1, device=result.device, dtype=result.dtype)
        return cls(result)

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


def test_a_subclass_moves(machine: Machine) -> None:
    here = Labelled([1.0, 2.0], "x")
    there = here.to("cuda:1")
    assert isinstance(there, Labelled)
    assert type(there) == Labelled  # noqa: E721
    assert (str(there.device), there.label) == ("cuda:1", "x")
    total = there * torch.tensor([2.0, 3.0], device="cuda:1") + 1
    assert isinstance(total, Labelled)
    assert (total.label, total.tolist()) == ("x", [3, 7])
    back = total.cpu()
    assert type(back) is Labelled
    assert back.label == "x"
    assert type(total.as_subclass(Tensor)) == Tensor  # noqa: E721
    assert str(total.as_subclass(Tensor).device) == "cuda:1"
    assert [wait.how for wait in machine.waits] == ["tolist"]


def test_a_subclass_is_made_there(machine: Machine) -> None:
    made = Labelled(torch.ones(2, device="cuda"), "y")
    assert (made.label, str(made.device), made.shape) == ("y", "cuda:0", (2,))
    again = type(made)(torch.zeros(3), "z")
    assert type(again) is Labelled
    assert again.label == "z"
    plain = Tensor._make_subclass(Plain, torch.ones(2, device="cuda"), True)
    assert isinstance(plain, Plain)
    assert plain.requires_grad
    (plain * 2).sum().backward()
    assert plain.grad is not None
    assert plain.grad.tolist() == [2, 2]
    tracked = torch.ones(2, device="cuda", requires_grad=True)
    tracked.as_subclass(Plain).sum().backward()
    assert tracked.grad is not None


def test_attributes_are_copied_and_the_values_stay(machine: Machine) -> None:
    first, second, host = (
        Labelled(torch.ones(2).cuda(), "a"),
        Labelled(torch.zeros(3).cuda(), "b"),
        Labelled([5.0], "c"),
    )
    second.__dict__.update(first.__dict__)
    assert (second.label, second.tolist()) == ("a", [0, 0, 0])
    first.__dict__ = host.__dict__.copy()
    assert (first.label, first.tolist(), first.shape) == ("c", [1, 1], (2,))
    host.__dict__ = second.__dict__.copy()
    assert (host.label, list(host.__dict__), host.tolist()) == ("a", ["label"], [5])
    second.__dict__ = dict(first.__dict__)
    assert (second.label, str((second + 1).device), dict(second.__dict__.items())) == ("c", "cuda:0", {"label": "c"})


def test_a_subclass_is_copied_and_saved(machine: Machine) -> None:
    there = Labelled(torch.ones(2, device="cuda"), "y")
    for twin in (copy.deepcopy(there), pickle.loads(pickle.dumps(there))):
        assert isinstance(twin, Labelled)
        assert (twin.label, str(twin.device), twin.tolist()) == ("y", "cuda:0", [1, 1])
    file = io.BytesIO()
    torch.save(there, file)
    file.seek(0)
    host = torch.load(file, map_location="cpu", weights_only=False)
    assert type(host) is Labelled
    assert host.label == "y"


def test_parameters_of_a_subclass(machine: Machine) -> None:
    class Scaled(nn.Parameter):
        pass

    net = nn.Linear(2, 2)
    net.weight = Scaled(torch.ones(2, 2))
    net.cuda()
    assert isinstance(net.weight, Scaled)
    assert isinstance(net.weight, nn.Parameter)
    net.cpu()
    assert type(net.weight) is Scaled


def test_lazy_modules(machine: Machine) -> None:
    for net in (nn.LazyLinear(3).cuda(), nn.LazyLinear(3, device="cuda")):
        assert net.has_uninitialized_params()
        assert net(torch.ones(2, 5, device="cuda")).shape == (2, 3)
        if hasattr(torch, "accelerator"):  # earlier, every parameter of another class was one
            assert not isinstance(net.weight, nn.UninitializedParameter)
        assert isinstance(net.weight, nn.Parameter)
        assert (str(net.weight.device), net.weight.shape) == ("cuda:0", (3, 5))
        net.cpu()
        assert type(net.weight) is nn.Parameter


def test_a_lazy_parameter_is_copied_onto_a_lazy_parameter(machine: Machine) -> None:
    here, there = nn.UninitializedParameter(), nn.UninitializedParameter(device="cuda")
    with torch.no_grad():
        here.copy_(there)
        there.copy_(here)
    assert machine.transfers == []  # they have no bytes


def test_wrapper_subclasses(machine: Machine) -> None:
    wrapper = Wrapper(torch.ones(2, device="cuda:1"))
    assert (str(wrapper.device), wrapper.is_cuda) == ("cuda:1", True)
    total = wrapper + torch.ones(2, device="cuda:1")
    assert isinstance(total, Wrapper)
    assert total.inner.tolist() == [2, 2]
    host = total.cpu()
    assert isinstance(host, Wrapper)
    assert (str(host.device), str(host.inner.device), host.is_cuda) == ("cpu", "cpu", False)
    assert str(host.to("cuda").inner.device) == "cuda:0"
    assert str(torch.cat([wrapper, total]).inner.device) == "cuda:1"


class Outside(torch.autograd.Function):
    """A function whose backward names devices in ways that a build without them refuses."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad * torch.tensor([2.0, 3.0], device=grad.device) + torch.ones(2).to("cuda") + torch.ones(2).cuda()


def test_code_inside_of_backward_names_devices(machine: Machine) -> None:
    for run in (lambda x: Outside.apply(x).sum().backward(), lambda x: torch.autograd.backward(Outside.apply(x).sum())):
        x = torch.ones(2, device="cuda", requires_grad=True)
        x.register_hook(lambda grad: grad + torch.tensor(1.0, device=0))
        run(x)
        assert x.grad is not None
        assert x.grad.tolist() == [5, 6]
    x = torch.ones(2, device="cuda", requires_grad=True)
    (grad,) = torch.autograd.grad(Outside.apply(x).sum(), x)
    assert grad.tolist() == [4, 5]


class Uploading(Wrapper):
    """A wrapper subclass whose operators name devices."""

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return args[0].inner + torch.tensor(1.0, device="cuda") + torch.ones(()).cuda() + torch.ones(2).to("cuda")


def test_code_inside_of_an_operator_names_devices(machine: Machine) -> None:
    assert (Uploading(torch.ones(2, device="cuda")) * 1).tolist() == [4, 4]
