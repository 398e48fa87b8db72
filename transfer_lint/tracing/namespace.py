"""Replacements for the parts of torch's Python namespace that ask the driver: they answer for the simulated machine."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils._device import DeviceContext

from transfer_lint.tracing import random, saving, subclasses
from transfer_lint.tracing.functions import reentered
from transfer_lint.tracing.machine import Machine, Memory, active, device_type

TOTAL_MEMORY = 16 * 2**30
"""Bytes of memory that each device reports. Programs can use more: the memory is never full."""


CUDA_VERSION = "13.0"
"""What `torch.version.cuda` says in a build without CUDA: that of the card it was held against."""

_NUMBERS = {"cuda": 1, "xpu": 12}
"""Device type -> torch's number of it."""


class Event:
    """Replaces `torch.cuda.Event`. All work is done when its call returns, so no event is ever pending."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.record = self.wait = _nothing

    def synchronize(self) -> None:
        """Does nothing: no work is pending."""

    def query(self) -> bool:
        """True: no work is pending."""
        return True

    def elapsed_time(self, end: Event) -> float:
        """0 ms: time is not simulated."""
        return 0.0


class Stream:
    """Replaces `torch.cuda.Stream`. All work is done when its call returns.

    device, device_index, device_type: where it is. stream_id, cuda_stream: 0, as of the default stream. priority: as
    given.
    """

    stream_id = cuda_stream = 0

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        machine = active()
        self.device_index = machine.device_index(device) if machine is not None else 0
        self.device = torch.device(device_type(), self.device_index)
        self.device_type = _NUMBERS[self.device.type]
        self.priority = priority
        self.wait_event = self.wait_stream = _nothing

    def synchronize(self) -> None:
        """Does nothing: no work is pending."""

    def query(self) -> bool:
        """True: no work is pending."""
        return True

    def is_capturing(self) -> bool:
        """False: CUDA graphs are not simulated."""
        return False

    def record_event(self, event: Event | None = None) -> Event:
        """Returns the event, or a new one for None."""
        return event if event is not None else Event()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


for _own, _name in ((Event, "_EventBase"), (Stream, "_StreamBase")):
    # before torch 2.6 dynamo asks whether these are subclasses of its abstract classes
    if isinstance(_base := getattr(import_module("torch._streambase"), _name, None), ABCMeta):
        _base.register(_own)


def replacements(machine: Machine, streams: tuple[random.DeviceGenerator, ...]) -> Iterable[tuple[Any, str, Any]]:
    """(owner, attribute, new value) of all that is replaced while `machine` is simulated.

    streams: the default generators of its devices.
    """
    stream = Stream(machine.current)
    functions = _functions(machine, streams, stream)
    namespace = getattr(torch, machine.kind)
    for name, value in functions.items():
        if hasattr(namespace, name):
            yield namespace, name, value
    if machine.kind == "cuda":
        if torch.version.cuda is None:  # programs ask it which kind of card they have
            yield torch.version, "cuda", CUDA_VERSION
        # functions of their own: torch's compiler refuses one function under two names
        yield torch._C, "_cuda_setStream", lambda **stream: None
        yield torch._C, "_cuda_setDevice", lambda device: functions["set_device"](device)
        # no fused kernels; torch's own function warns
        yield torch.backends.cudnn, "is_acceptable", lambda tensor: False
    yield torch, "Generator", random.Generator
    yield torch._utils, "_rebuild_tensor", saving.rebuild_tensor
    yield from subclasses.replacements(machine)
    yield torch.autograd, "_engine_run_backward", _heard(machine, vars(torch.autograd)["_engine_run_backward"])
    if hasattr(torch, "accelerator"):  # since torch 2.6
        yield torch.accelerator, "is_available", lambda: True
        yield torch.accelerator, "device_count", lambda: machine.devices
        yield torch.accelerator, "current_accelerator", lambda check_available=False: torch.device(machine.kind)
        yield torch.accelerator, "current_device_index", lambda: machine.current
        yield torch.accelerator, "set_device_index", lambda device: functions["set_device"](device)
        yield torch.accelerator, "current_stream", lambda device=None: stream
        yield torch.accelerator, "synchronize", lambda device=None: None
    yield DeviceContext, "__init__", _indexed(machine)


def _functions(machine: Machine, streams: tuple[random.DeviceGenerator, ...], stream: Stream) -> dict[str, Any]:
    def set_device(device: Any) -> None:
        machine.current = machine.device_index(device)

    def exchange(device: int) -> int:
        before = machine.current
        if device >= 0:
            set_device(device)
        return before

    def generator(device: Any = None) -> random.DeviceGenerator:
        return streams[machine.device_index(device)]

    def seed_all(seed: int) -> None:
        for each in streams:
            each.manual_seed(int(seed))

    def memory(device: Any = None) -> Memory:
        return machine.memory_of(machine.device_index(device))

    def allocated(device: Any = None) -> int:
        return memory(device).allocated

    def peak(device: Any = None) -> int:
        return memory(device).peak

    @contextmanager
    def use_stream(stream: Any) -> Iterator[Any]:
        yield stream

    properties = SimpleNamespace(
        name="simulated accelerator",
        major=8,
        minor=0,
        total_memory=TOTAL_MEMORY,
        multi_processor_count=1,
        max_compute_units=1,
        has_fp16=True,
        has_fp64=True,
        is_integrated=0,
        gcnArchName="",
    )
    return {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "_is_in_bad_fork": lambda: machine.forked,
        "_lazy_init": _nothing,
        "_lazy_call": lambda call, **kwargs: call(),
        "init": _nothing,
        "device_count": lambda: machine.devices,
        "current_device": lambda: machine.current,
        "set_device": set_device,
        "_exchange_device": exchange,
        "_maybe_exchange_device": lambda device: exchange(device),  # torch's compiler wants two functions
        "synchronize": _nothing,
        "empty_cache": _nothing,
        "ipc_collect": _nothing,
        "reset_peak_memory_stats": lambda device=None: memory(device).forget_peak(),
        "memory_allocated": allocated,
        "max_memory_allocated": peak,
        "memory_reserved": allocated,
        "max_memory_reserved": peak,
        "memory_stats": lambda device=None: {
            "active_bytes.all.current": allocated(device),
            "reserved_bytes.all.current": allocated(device),
        },
        "mem_get_info": lambda device=None: (max(TOTAL_MEMORY - allocated(device), 0), TOTAL_MEMORY),
        "get_device_name": lambda device=None: properties.name,
        "get_device_capability": lambda device=None: (
            (properties.major, properties.minor) if machine.kind == "cuda" else vars(properties)
        ),
        "get_device_properties": lambda device=None: properties,
        "manual_seed": lambda seed: streams[machine.current].manual_seed(int(seed)) and None,
        "manual_seed_all": seed_all,
        "seed": lambda: streams[machine.current].seed() and None,
        "seed_all": lambda: seed_all(streams[0].seed()),
        "initial_seed": lambda: streams[machine.current].initial_seed(),
        "default_generators": streams,
        "get_rng_state": lambda device=None: generator(device).get_state(),
        "get_rng_state_all": lambda: [each.get_state() for each in streams],
        "set_rng_state": lambda state, device=None: generator(device).set_state(state) and None,
        "set_rng_state_all": lambda states: (
            [each.set_state(state) for each, state in zip(streams, states, strict=True)] and None
        ),
        "Event": Event,
        "Stream": Stream,
        "current_stream": lambda device=None: stream,
        "default_stream": lambda device=None: stream,
        "stream": use_stream,
        "set_stream": _nothing,
        "is_current_stream_capturing": lambda: False,
    }


def _heard(machine: Machine, run_backward: Any) -> Any:
    """The function with which torch starts its autograd engine, for hooks and functions that name a device."""

    def run(*args: Any, **kwargs: Any) -> Any:
        with reentered(machine):
            return run_backward(*args, **kwargs)

    return run


_set_up = DeviceContext.__init__


def _indexed(machine: Machine) -> Any:
    """A `DeviceContext.__init__` for `with torch.device("cuda")` and `set_default_device("cuda")`: adds the index."""

    def __init__(self: DeviceContext, device: Any) -> None:
        _set_up(self, device)  # torch's own, also inside of another simulation
        if self.device.type == machine.kind:
            self.device = torch.device(machine.kind, machine.device_index(self.device))

    return __init__
