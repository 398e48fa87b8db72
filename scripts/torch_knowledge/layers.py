"""The device of the results of torch.nn's layers: that of their weights or that of their input."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.func import functional_call
from torch.utils._pytree import tree_map

from torch_knowledge.behaviour import Law
from torch_knowledge.operands import Call, cast, other_dtypes
from torch_knowledge.run import ACCELERATOR, CPU, Kind, placements, refused, run, where, without_values
from torch_knowledge.samples import import_operators

_FLOATING = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_PER_CLASS = 8  # instances of one class that are tried


@dataclass
class Layers:
    """Names of classes below torch.nn.

    weights: they fail unless input and weights have the same device and dtype, so the result has those of the weights.
    norm: the result is on the device of the weights (if there are any) and of the input, with the input's dtype. like:
    the result has the device and dtype of the input. like_device: the result is on the device of the input. sequence:
    they call one layer after the other. containers: they hold layers and cannot be called. All this is about calls
    outside autocast.
    unless: class -> arguments of the constructor with which it does something else.
    """

    weights: set[str] = field(default_factory=set)
    norm: set[str] = field(default_factory=set)
    like: set[str] = field(default_factory=set)
    like_device: set[str] = field(default_factory=set)
    sequence: set[str] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)
    unless: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class _Seen:
    """What instances of one class were seen to do."""

    tensor: Law = field(default_factory=Law)
    weighty: Law = field(default_factory=Law)
    bare: Law = field(default_factory=Law)
    device_fails: Law = field(default_factory=Law)
    dtype_fails: Law = field(default_factory=Law)
    weights_placement: Law = field(default_factory=Law)
    input_device: Law = field(default_factory=Law)
    input_dtype: Law = field(default_factory=Law)
    n_dim: Law = field(default_factory=Law)

    def kind(self) -> str | None:
        """The name of the field of Layers that the class belongs to; None if it belongs to none."""
        if not self.tensor:
            return None
        if self.weighty and self.device_fails and self.dtype_fails and self.weights_placement and self.n_dim:
            return "weights"
        as_input = bool(self.input_device and self.input_dtype and self.n_dim)
        if self.bare:
            return "like" if as_input else "like_device" if self.input_device else None
        return "norm" if self.device_fails and as_input else None


def observe_layers() -> Layers:
    """Try every class of torch.nn."""
    found = Layers()
    samples = _samples()
    for name in sorted(dir(torch.nn)):
        cls = getattr(torch.nn, name)
        if not inspect.isclass(cls) or not issubclass(cls, torch.nn.Module) or cls is torch.nn.Module:
            continue
        if cls.forward is torch.nn.Module.forward:
            if _holds_layers(cls):
                found.containers.add(name)
        elif _is_sequence(cls):
            found.sequence.add(name)
        elif name in samples:
            kind, unless = _judge(cls, samples[name])
            if kind is not None:
                getattr(found, kind).add(name)
                if unless:
                    found.unless[name] = unless
    return found


def _holds_layers(cls: type[torch.nn.Module]) -> bool:
    for made in ([torch.nn.ReLU()], {"a": torch.nn.ReLU()}, [torch.nn.Parameter(torch.ones(1))]):
        try:
            holder: Any = cls(made)
            return len(holder) == 1 and (list(holder.children()) or list(holder.parameters())) != []
        except Exception:
            continue
    return False


def _is_sequence(cls: type[torch.nn.Module]) -> bool:
    x = torch.rand(3)
    try:
        layers: Any = cls(torch.nn.Softmax(0), torch.nn.Tanh())
        return len(layers) == 2 and torch.equal(layers(x), layers[1](layers[0](x)))
    except Exception:
        return False


def _samples() -> dict[str, list[tuple[Call, Call]]]:
    """Class name -> pairs of calls: one that constructs a layer, and one of that layer."""
    import_operators()  # before torch's other tables, which need the module that it puts in place
    from torch.testing._internal.common_modules import module_db

    found: dict[str, list[tuple[Call, Call]]] = {}
    for info in module_db:
        if not info.module_cls.__module__.startswith("torch.nn.modules"):
            continue
        torch.default_generator.manual_seed(0)
        try:
            inputs = info.module_inputs_func(info, "cpu", torch.float32, False, training=True)
        except Exception:  # samples that this build of torch cannot make
            continue
        for sample in inputs:
            if sample.forward_input is not None:
                made, given = sample.constructor_input, sample.forward_input
                pair = Call(tuple(made.args), made.kwargs), Call(tuple(given.args), given.kwargs)
                found.setdefault(info.module_cls.__name__, []).append(pair)
    for name, arguments, operands in _others():
        found.setdefault(name, []).append((Call(arguments), Call(operands)))
    return {name: pairs[:_PER_CLASS] for name, pairs in found.items()}


def _others() -> Iterator[tuple[str, tuple[Any, ...], tuple[torch.Tensor, ...]]]:
    """Classes that torch's own table of samples lacks."""
    torch.default_generator.manual_seed(0)
    x, line, picture, solid = torch.rand(2, 4), torch.rand(1, 4, 8), torch.rand(1, 4, 8, 8), torch.rand(1, 4, 4, 4, 4)
    for name in ("AlphaDropout", "Dropout", "FeatureAlphaDropout", "Hardsigmoid", "RReLU"):
        yield name, (), (x,)
        yield name, (), (picture,)
    yield "Dropout1d", (), (line,)
    yield "Dropout2d", (), (picture,)
    yield "Dropout3d", (), (solid,)
    yield "ChannelShuffle", (2,), (picture,)
    yield "CosineSimilarity", (), (x, x + 1)
    yield "PairwiseDistance", (), (x, x + 1)
    yield "CrossMapLRN2d", (2,), (picture,)
    yield "Flatten", (), (picture,)
    yield "Unflatten", (1, (2, 2)), (x,)
    yield "Identity", (), (x,)
    yield "Identity", (), (picture,)
    yield "PixelShuffle", (2,), (picture,)
    yield "PixelUnshuffle", (2,), (picture,)
    yield "Unfold", (2,), (picture,)
    yield "Fold", ((4, 4), (2, 2)), (torch.rand(1, 8, 9),)
    yield "TripletMarginLoss", (), (x, x + 1, x - 1)
    yield "EmbeddingBag", (5, 3), (torch.tensor([[0, 2], [4, 1]]),)
    for source in (line, picture, solid):
        yield "Upsample", (None, 2), (source,)
    yield "Upsample", (None, 2, "bilinear"), (picture,)
    yield "UpsamplingBilinear2d", (None, 2), (picture,)
    yield "UpsamplingNearest2d", (None, 2), (picture,)


def _judge(cls: type[torch.nn.Module], pairs: list[tuple[Call, Call]]) -> tuple[str | None, tuple[str, ...]]:
    """The kind of layer that the class is, and the constructor's arguments with which it is not."""
    named = list(inspect.signature(cls.__init__).parameters.values())[1:]
    flags = [p.name for p in named if isinstance(p.default, bool)]
    plain = _Seen()
    for make, use in pairs:
        if not any(make.kwargs.get(flag) for flag in flags):
            _observe(plain, cls, make, use)
    kind = plain.kind()
    excluded: set[str] = set()
    if kind is None:
        return None, ()
    for count in (1, 2):
        for chosen in itertools.combinations(flags, count):
            if excluded & set(chosen):
                continue
            seen = _Seen()
            for make, use in pairs[:3]:
                usual = {name: value for name, value in make.kwargs.items() if name not in flags}
                flipped = {p.name: not p.default for p in named if p.name in chosen}
                _observe(seen, cls, Call(make.args, {**usual, **flipped}), use)
            if seen.tensor.seen and not _agrees(kind, plain, seen):
                excluded |= set(chosen)
    positions = {str(n) for n, p in enumerate(named) if p.name in excluded and p.kind is not p.KEYWORD_ONLY}
    return kind, tuple(sorted(excluded | positions))


def _agrees(kind: str, plain: _Seen, seen: _Seen) -> bool:
    """Whether instances with a flag switched are of the same kind. Switching it may remove the weights of a norm."""
    other = seen.kind()
    return other == kind or (kind == "norm" and other == "like") or (kind == "like_device" and other == "like")


def _observe(seen: _Seen, cls: type[torch.nn.Module], make: Call, use: Call) -> None:
    try:
        module = cls(*make.args, **make.kwargs)
        first = use.first()
    except Exception:
        return
    if first is None or not first.dim() or not first.numel():
        return  # layers are not called with 0-dim or empty tensors in practice, and torch checks less for these
    for layer in (module.train(), module.eval()):
        done = run(layer, use, False)
        if done is None:
            continue
        seen.tensor.observe(done.kind is Kind.TENSOR)
        if done.kind is not Kind.TENSOR:
            continue
        seen.n_dim.observe(bool(done.results[0].dim()))
        weights = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
        seen.weighty.observe(bool(weights))
        seen.bare.observe(not weights)
        if weights:
            _observe_weighty(seen, layer, weights, use)
        else:
            _observe_bare(seen, layer, use)


def _observe_bare(seen: _Seen, layer: torch.nn.Module, use: Call) -> None:
    for devices, results in placements(layer, use):
        seen.input_device.observe(results == {devices[0]})
    base = use.leaves()[0].dtype
    calls = [cast(use, base, dtype) for dtype in _FLOATING] if base.is_floating_point else [use]
    for call in [*calls, *other_dtypes(use)]:
        if (again := run(layer, call, False)) is not None and again.results:
            seen.input_dtype.observe(again.results[0].dtype == call.leaves()[0].dtype)


def _observe_weighty(seen: _Seen, layer: torch.nn.Module, weights: dict[str, torch.Tensor], use: Call) -> None:
    def layered(inside: dict[str, torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        return functional_call(layer, inside, args, kwargs)

    call = Call((weights, *use.args), use.kwargs)
    for ours, theirs in itertools.product((CPU, ACCELERATOR), repeat=2):
        devices = [ours] * len(weights) + [theirs] * len(use.leaves())
        try:
            result = None if refused(layered, call, devices) else without_values(layered, call, devices)
        except Exception:
            result = None
        if ours != theirs:
            seen.device_fails.observe(result is None)
        elif result is not None:
            seen.input_device.observe(where(result) == theirs)
            seen.weights_placement.observe(where(result) == ours)
    floating = any(leaf.is_floating_point() for leaf in use.leaves())
    for own, given in itertools.product(_FLOATING, repeat=2):
        done = run(layered, Call((_floats(weights, own), *_floats(use.args, given)), _floats(use.kwargs, given)), False)
        if floating and own != given:
            seen.dtype_fails.observe(done is None)
        if done is not None and done.results:
            seen.weights_placement.observe(done.results[0].dtype == own)
            seen.input_dtype.observe(not floating or done.results[0].dtype == given)
    if not floating:
        seen.dtype_fails.observe(True)  # the input has no floating dtype that could disagree


def _floats(tree: Any, dtype: torch.dtype) -> Any:
    """The same tree with its floating-point tensors cast to `dtype`."""
    return tree_map(lambda part: part.to(dtype) if torch.is_tensor(part) and part.is_floating_point() else part, tree)
