"""Random numbers on the simulated machine: each accelerator has its own generator, separate from the host's.

So a program that draws on the accelerator gets other numbers than one that draws on the host, as on a real device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from transfer_lint.tracing.machine import active, device_type

_HostGenerator = torch.Generator
_APART = 0x9E3779B97F4A7C15  # any odd constant: the device's numbers must differ from the host's for the same seed


class DeviceGenerator(_HostGenerator):
    """A generator on the simulated accelerator. For the same seed, its numbers differ from the host's.

    place: the device index. seed_given: the last seed.
    """

    place: int
    seed_given: int

    def __new__(cls, index: int) -> DeviceGenerator:
        """A generator for the accelerator `index`, with the seed of the host's default generator."""
        generator: DeviceGenerator = super().__new__(cls)
        generator.place = index
        generator.manual_seed(torch.initial_seed())
        return generator

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """`cuda:<index>`."""
        return torch.device(device_type(), self.place)

    def manual_seed(self, seed: int) -> DeviceGenerator:
        """Set the seed; returns the generator."""
        self.seed_given = seed
        super().manual_seed((seed + _APART) % 2**63)
        return self

    def initial_seed(self) -> int:
        """The last seed."""
        return self.seed_given

    def seed(self) -> int:
        """Set a random seed, and return it."""
        self.manual_seed(super().seed() % 2**53)
        return self.seed_given


class _GeneratorType(type(_HostGenerator)):  # type: ignore[misc]
    def __call__(cls, device: Any = "cpu") -> torch.Generator:
        wanted = torch.device(device)
        machine = active()
        if machine is None or wanted.type != machine.kind:
            return _HostGenerator(device)
        return DeviceGenerator(machine.device_index(wanted))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _HostGenerator)


class Generator(_HostGenerator, metaclass=_GeneratorType):
    """Replaces `torch.Generator` while a machine is simulated."""


_streams: dict[int, DeviceGenerator] = {}


def start_streams(devices: int) -> tuple[DeviceGenerator, ...]:
    """New default generators, one for each device."""
    _streams.clear()
    _streams.update((index, DeviceGenerator(index)) for index in range(devices))
    return tuple(_streams.values())


def stream_of(index: int) -> DeviceGenerator:
    """A device's default generator, made if there is none."""
    if index not in _streams:
        _streams[index] = DeviceGenerator(index)
    return _streams[index]


@contextmanager
def device_stream(index: int) -> Iterator[None]:
    """Context in which the host's default generator has the state of the device's.

    So every random operator that runs inside on the host draws the device's numbers.
    """
    host, device = torch.default_generator, stream_of(index)
    state = host.get_state()
    host.set_state(device.get_state())
    try:
        yield
    finally:
        device.set_state(host.get_state())
        host.set_state(state)
