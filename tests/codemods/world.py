"""A small world in which programs can be run and watched: fake tensors and modules that log what happens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class World:
    """The names that a program may use, and the log of its effects: moves, calls and tests, in their order.

    Objects are logged by the number of their first appearance, so that two logs are equal only if the programs handled
    the same objects.
    """

    def __init__(self, placements: list[int]) -> None:
        self.log: list[tuple[object, ...]] = []
        self._numbers: dict[int, int] = {}
        self._alive: list[object] = []
        taken = iter(placements * 8)
        self.names: dict[str, Any] = {f"d{i}": f"device {i}" for i in range(2)}
        self.names |= {f"t{i}": f"dtype {i}" for i in range(2)}
        for name in [f"x{i}" for i in range(3)] + [f"u{i}" for i in range(40)]:
            self.names[name] = Tensor(self, next(taken))
        self.names |= {f"m{i}": Module(self, [next(taken) for _ in range(i + 1)]) for i in range(3)}
        self.names |= {"home": Tensor(self, 0)}
        self.names |= {name: self.function(name) for name in ("f", "g", "h")}
        self.names |= {"make": lambda: self.note("make", Module(self, [next(taken), next(taken)]))}

        def pick() -> object:
            # A target that has effects of its own: it replaces what attributes hold.
            self.names["o"].x = Tensor(self, next(taken))
            self.names["o"].m = Module(self, [next(taken)])
            return self.note("pick", f"device {next(taken) % 2}")

        self.names |= {"pick": pick}
        self.names |= {"kind": lambda: self.note("kind", f"dtype {next(taken) // 2}")}
        self.names |= {
            "o": Holder(
                x=Tensor(self, next(taken)),
                m=Module(self, [next(taken)]),
                home=self.names["home"],
                f=self.function("o.f"),
            )
        }

    def function(self, name: str) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> Tensor:
            self.log.append((name, *map(self.number, args), *((k, self.number(v)) for k, v in kwargs.items())))
            return Tensor(self, len(self.log) % 4)

        return call

    def note(self, name: str, value: object) -> object:
        self.log.append((name, self.number(value)))
        return value

    def number(self, value: object) -> object:
        """Something equal for the same object in two runs of the same program."""
        if isinstance(value, (str, int, type(None))):
            return value
        if isinstance(value, (list, tuple, set)):
            return [self.number(item) for item in value]
        if isinstance(value, dict):
            return {self.number(key): self.number(item) for key, item in value.items()}
        self._alive.append(value)  # an id stays unique while its object lives
        number = self._numbers.setdefault(id(value), len(self._numbers))
        return (number, value.placement) if isinstance(value, Tensor) else number


class Holder:
    """An object with attributes."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Tensor:
    """A fake tensor. placement: device + 2 * dtype, each 0 or 1."""

    def __init__(self, world: World, placement: int) -> None:
        self.world = world
        self.placement = placement

    @property
    def device(self) -> str:
        return f"device {self.placement % 2}"

    @property
    def dtype(self) -> str:
        return f"dtype {self.placement // 2}"

    def to(self, *args: str, device: str | None = None, dtype: str | None = None, non_blocking: bool = False) -> Tensor:
        wanted = moved_to(self.placement, [*args, device, dtype])
        if wanted == self.placement:
            return self
        self.world.log.append(("move", self.world.number(self), wanted))
        return Tensor(self.world, wanted)

    def is_floating_point(self) -> bool:
        return True

    def is_complex(self) -> bool:
        return False

    def __add__(self, other: object) -> Tensor:
        self.world.log.append(("add", self.world.number(self), self.world.number(other)))
        return Tensor(self.world, self.placement)

    def __bool__(self) -> bool:
        self.world.log.append(("test", self.world.number(self)))
        return self.placement < 2

    def __iter__(self) -> Iterator[Tensor]:
        self.world.log.append(("iterate", self.world.number(self)))
        return iter([self])

    def __enter__(self) -> Tensor:
        self.world.log.append(("enter", self.world.number(self)))
        return self

    def __exit__(self, *exc: object) -> None:
        self.world.log.append(("exit", self.world.number(self)))


class Module:
    """A fake module that moves in place. `buffer` is replaced by a move, as torch replaces buffers."""

    def __init__(self, world: World, placements: list[int]) -> None:
        self.world = world
        self.tensors = [Tensor(world, placement) for placement in placements]

    @property
    def buffer(self) -> Tensor:
        return self.tensors[0]

    def parameters(self) -> Iterator[Tensor]:
        return iter(self.tensors[1:])

    def buffers(self) -> Iterator[Tensor]:
        return iter(self.tensors[:1])

    def to(self, *args: str, device: str | None = None, dtype: str | None = None) -> Module:
        wanted = [moved_to(tensor.placement, [*args, device, dtype]) for tensor in self.tensors]
        if wanted != [tensor.placement for tensor in self.tensors]:
            self.world.log.append(("move", self.world.number(self), *wanted))
            self.tensors = [Tensor(self.world, placement) for placement in wanted]
        return self

    def eval(self) -> Module:
        self.world.log.append(("eval", self.world.number(self)))
        return self


def moved_to(placement: int, wanted: list[str | None]) -> int:
    """The placement after a move to what is named among the arguments."""
    device, dtype = placement % 2, placement // 2
    for target in wanted:
        kind, _, index = (target or "none").partition(" ")
        device = int(index) if kind == "device" else device
        dtype = int(index) if kind == "dtype" else dtype
    return device + 2 * dtype


def run(source: str, placements: list[int]) -> tuple[object, list[tuple[object, ...]]]:
    """What `program` in the source returned or raised, with all names that it can change, and the log."""
    world = World(placements)
    exec(compile(source, "<program>", "exec"), world.names)
    holder = world.names["o"]
    try:
        result: object = world.names["program"](*(world.names[name] for name in PARAMETERS))
    except Exception as error:
        result = type(error).__name__
    return world.number([result, holder.x, holder.m, holder.m.tensors]), world.log


PARAMETERS = ["x0", "x1", "x2", *(f"u{i}" for i in range(40)), "m0", "m1", "m2"]
