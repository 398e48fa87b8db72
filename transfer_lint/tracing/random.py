"""Random numbers on the simulated machine: each accelerator has a stream of its own, apart from the host's.

So a program whose construction moves from host to accelerator draws other numbers, as it does on a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from transfer_lint.tracing.machine import KIND, active

_HostGenerator = torch.Generator
_APART = 0x9E3779B97F4A7C15  # any odd constant: the device's numbers must differ from the host's for the same seed


class DeviceGenerator(_HostGenerator):
    """A generator that says it is on the accelerator, with numbers of its own for each seed."""

    place: int
    seed_given: int

    def __new__(cls, index: int) -> DeviceGenerator:
        """A generator for the accelerator `index`, seeded as the host's default generator was."""
        generator: DeviceGenerator = super().__new__(cls)
        generator.place = index
        generator.manual_seed(torch.initial_seed())
        return generator

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """`cuda:<index>`."""
        return torch.device(KIND, self.place)

    def manual_seed(self, seed: int) -> DeviceGenerator:
        """Start the stream that belongs to `seed`."""
        self.seed_given = seed
        super().manual_seed((seed + _APART) % 2**63)
        return self

    def initial_seed(self) -> int:
        """The seed given last."""
        return self.seed_given

    def seed(self) -> int:
        """Seed by chance; the seed."""
        self.manual_seed(super().seed() % 2**53)
        return self.seed_given


class _GeneratorType(type(_HostGenerator)):  # type: ignore[misc]
    def __call__(cls, device: Any = "cpu") -> torch.Generator:
        wanted = torch.device(device)
        machine = active()
        if wanted.type != KIND or machine is None:
            return _HostGenerator(device)
        return DeviceGenerator(machine.device_index(wanted))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _HostGenerator)


class Generator(_HostGenerator, metaclass=_GeneratorType):
    """What `torch.Generator` is while a machine is simulated."""


_streams: dict[int, DeviceGenerator] = {}


def start_streams(devices: int) -> tuple[DeviceGenerator, ...]:
    """Fresh default generators, one for each device."""
    _streams.clear()
    _streams.update((index, DeviceGenerator(index)) for index in range(devices))
    return tuple(_streams.values())


def stream_of(index: int) -> DeviceGenerator:
    """A device's default generator."""
    if index not in _streams:
        _streams[index] = DeviceGenerator(index)
    return _streams[index]


@contextmanager
def device_stream(index: int) -> Iterator[None]:
    """Inside, the host's default generator draws from the device's stream: so every random operator can."""
    host, device = torch.default_generator, stream_of(index)
    state = host.get_state()
    host.set_state(device.get_state())
    try:
        yield
    finally:
        device.set_state(host.get_state())
        host.set_state(state)
