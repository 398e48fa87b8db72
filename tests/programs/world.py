"""Runs a program of several files, fixes it, and says in what the fixed one is not as good.

A program's entry is `run(...)` in `nodes.py`. Its inputs:

    x, y: tensors of shape (4, 4)           s: a 0-dim tensor            ints: int64, of shape (4, 4)
    device, other: torch.device             dtype: torch.dtype           flag: bool     count: 0 to 2
    net, net2: modules of `Net` (tests' own), which may be one and the same, or one a part of the other
    place: str that names a device           index: int, 0 or 1
    word: str that names an attribute        verb: str that names a method of modules and tensors
    act: a function that moves what it gets, or what is in it

A module `elsewhere`, which is not among the files, holds more: places, a dtype, a scale, a layer, and functions that
change these, or move what they are given.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # first imported inside a patched `sys.modules`, it would be forgotten and imported twice
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes

from transfer_codemods.actions import GuardForm
from transfer_lint.findings import Finding, FixHints
from transfer_lint.fixing.rounds import Settled, settle
from transfer_lint.fixing.runner import InProcess
from transfer_lint.flow.knowledge import default_knowledge
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import Examined
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings
from transfer_lint.tracing.examples.comfy_modules import comfy_modules
from transfer_lint.tracing.examples.outcome import Outcome, differences
from transfer_lint.tracing.simulate import Machine, simulate

MAIN = "nodes.py"
_NAME = "example_under_test"  # whose objects `differences` looks into


@dataclass(frozen=True)
class Placement:
    """Where and what the inputs are. same: how `net2` has to do with `net`: "no", "is" or "part"."""

    x: str = "cpu"
    y: str = "cpu"
    s: str = "cpu"
    net: str = "cpu"
    device: str = "cuda:0"
    other: str = "cpu"
    dtype: torch.dtype = torch.float16
    x_dtype: torch.dtype = torch.float32
    y_dtype: torch.dtype = torch.float32
    net_dtype: torch.dtype = torch.float32
    flag: bool = True
    count: int = 2
    same: str = "no"
    place: str = "cuda"


HALF, FULL, BRAIN = torch.float16, torch.float32, torch.bfloat16
PLACEMENTS: Sequence[Placement] = (
    Placement(),
    Placement(x="cuda:0", net="cuda:0", device="cpu", other="cuda:1", flag=False, count=1, place="cpu"),
    Placement(x="cuda:0", y="cuda:1", s="cuda:0", other="cuda:0", dtype=FULL, y_dtype=HALF, count=0, place="cuda:1"),
    Placement(
        y="cuda:0", net="cuda:1", device="cuda:1", other="cuda:0", x_dtype=BRAIN, flag=False, same="is", place="cuda:0"
    ),
    Placement(
        x="cuda:1",
        s="cuda:1",
        device="cuda:0",
        other="cuda:1",
        dtype=BRAIN,
        net_dtype=HALF,
        same="part",
        place="cuda:0",
    ),
    Placement(
        x="cuda:0",
        y="cuda:0",
        net="cuda:0",
        other="cuda:0",
        x_dtype=HALF,
        y_dtype=HALF,
        net_dtype=HALF,
        count=1,
        place="cpu",
    ),
)
"""Few, but of each pair of inputs some are together and some apart."""


class Unit(nn.Module):
    """What the inputs `net` and `net2` are made of, for placements where one is a part of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.register_buffer("steps", torch.arange(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(x))


class Files:
    """Source files in memory, as the analysis reads them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)

    def read(self, path: str) -> str | None:
        return self.texts.get(path)

    def python_files(self, near: str) -> Sequence[str]:
        return tuple(self.texts)


def fix(
    texts: Mapping[str, str],
    *,
    unsafe: bool = False,
    form: GuardForm = GuardForm.EXACT,
    trust: tuple[str, ...] | None = None,
    once: bool = False,
) -> Settled:
    """All files, fixed together as the command does. once: what one round leaves is not looked at."""
    settings = Settings(root="/", unsafe_fixes=unsafe, fix_hints=FixHints.ALWAYS, module_guard=form, trust=trust)
    project = Project(Files(texts), default_knowledge())
    return settle(texts, (_FirstRound if once else InProcess)(settings, project), settings)


class _FirstRound(InProcess):
    """Finds nothing once something has been rewritten."""

    def examine(self, texts: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, Examined | Problem]:
        return dict.fromkeys(texts, Examined()) if overlay else super().examine(texts, overlay)


def findings(texts: Mapping[str, str], path: str = MAIN) -> tuple[Finding, ...]:
    """What is reported of one file."""
    settings = Settings(root="/", fix_hints=FixHints.ALWAYS)
    project = Project(Files(texts), default_knowledge())
    examined = InProcess(settings, project).examine({path: texts[path]}, {})[path]
    if isinstance(examined, Exception):
        raise examined
    return examined.findings


@dataclass
class Verdict:
    """What came of all placements. texts: the differences. ran: how many placements the original ran through."""

    texts: list[str] = field(default_factory=list)
    ran: int = 0
    errors: list[str] = field(default_factory=list)
    saved: int = 0


def compare(
    before: Mapping[str, str],
    after: Mapping[str, str],
    placements: Sequence[Placement] = PLACEMENTS,
    kinds: frozenset[str] = frozenset({"exception", "value", "dtype", "device", "identity", "random", "cost"}),
    entry: str = "run",
    enough: int = 0,
) -> Verdict:
    """Run both on every placement. What raises before may do what it wants after.

    enough: how many placements that the original runs through are enough; 0: no number is.
    """
    old, new = _compiled(before), _compiled(after)
    imported = {
        f"{path.removesuffix('.py')}.{name}"
        for path, text in before.items()
        for names in re.findall(r"^(?:from \w+ )?import (.+)$", text, re.MULTILINE)
        for name in re.findall(r"\w+", names)
    }
    verdict = Verdict()
    pairs: list[tuple[Placement, Outcome, Outcome]] = []
    with simulate("cuda", devices=2) as machine:
        for placement in placements:
            first = observe(machine, old, placement, entry)
            if first.error is not None:
                verdict.errors.append(repr(first.error)[:100])
                continue
            second = observe(machine, new, placement, entry)
            for name in (first.namespace.keys() - second.namespace.keys()) & imported:
                del first.namespace[name]  # an import that nothing reads any more may go
            verdict.ran += 1
            verdict.saved += first.no_op_calls + first.transfers - second.no_op_calls - second.transfers
            pairs.append((placement, first, second))
            if verdict.ran == enough:
                break
    for placement, first, second in pairs:  # outside, where operators take less time
        differs = (each for each in differences(first, second) if each[0] in kinds)
        verdict.texts += [f"{kind}: {text} (with {placement})" for kind, text in differs]
    return verdict


def _compiled(texts: Mapping[str, str]) -> dict[str, CodeType]:
    return {path: _code(text, path) for path, text in texts.items()}


@lru_cache(8)
def _code(text: str, path: str) -> CodeType:
    return compile(text, path, "exec")


def observe(machine: Machine, files: Mapping[str, CodeType], placement: Placement, name: str = "run") -> Outcome:
    """Execute all files with fixed seeds, then an entry with the inputs that it names; only the latter is counted."""
    machine.current = 0
    _seed(0)
    modules = {path.removesuffix(".py"): ModuleType(_NAME) for path in files}
    outcome = Outcome({}, {})
    main = modules[MAIN.removesuffix(".py")]
    with comfy_modules(), mock.patch.dict(sys.modules, {**modules, _NAME: main, "elsewhere": _elsewhere(placement)}):
        try:
            for path, code in sorted(files.items(), key=lambda item: item[0] == MAIN):
                exec(code, vars(modules[path.removesuffix(".py")]))
            given = inputs(placement)
            entry = vars(main)[name]
            outcome.inputs = {name: given[name] for name in inspect.signature(entry).parameters}
            machine.clear()
            outcome.result = entry(**outcome.inputs)
        except Exception as error:
            outcome.error = error
    outcome.transfers = len(machine.transfers)
    outcome.bytes = machine.moved_bytes
    outcome.waits = len(machine.waits)
    outcome.no_op_calls = len(machine.no_op_calls)
    outcome.namespace = {name: value for name, value in _namespaces(modules) if not name.startswith("__")}
    outcome.streams = [generator.get_state().numpy().tobytes() for generator in _generators()]
    return outcome


def _elsewhere(placement: Placement) -> ModuleType:
    """What programs import from outside the tree."""
    module = ModuleType("elsewhere")
    places = [torch.device(placement.other), torch.device("cuda:1")]

    def turn(given: object = None) -> object:
        places.reverse()
        vars(module)["PLACE"] = vars(module)["box"].place = places[0]
        return given

    def put(given: nn.Module) -> nn.Module:
        return given.to(places[0])

    box = SimpleNamespace(place=places[0])
    number, layer = placement.count % 2, nn.Linear(4, 4).to(places[1])
    given = {"PLACE": places[0], "SPOT": placement.place, "KIND": placement.dtype, "NUMBER": number}
    given["SCALE"] = torch.tensor(2.0).to(places[0])
    vars(module).update(given, box=box, turn=turn, put=put, layer=layer)
    return module


def _seed(number: int) -> None:
    """As `torch.manual_seed` does, without what that notes for devices of other kinds."""
    for generator in _generators():
        generator.manual_seed(number)


def _generators() -> Sequence[torch.Generator]:
    return torch.default_generator, *torch.cuda.default_generators


def _namespaces(modules: Mapping[str, ModuleType]) -> Iterator[tuple[str, Any]]:
    """What the program's files hold at the end. Names that a fix adds are found in the fixed one only."""
    for path, module in modules.items():
        for name, value in vars(module).items():
            if not name.startswith("__"):
                yield f"{path}.{name}", value


def inputs(placement: Placement) -> dict[str, Any]:
    """The values of all inputs, made anew."""

    def tensor(shape: tuple[int, ...], first: float, dtype: torch.dtype) -> torch.Tensor:
        count = torch.Size(shape).numel()
        return (torch.arange(first, first + count, dtype=FULL) * 0.37).reshape(shape).to(dtype)

    _seed(1)
    with torch._C.DisableTorchFunction(), _disable_current_modes():  # on the host nothing need be simulated
        net, net2 = Unit(), Unit()
        x, y = tensor((4, 4), -7.0, placement.x_dtype), tensor((4, 4), 2.0, placement.y_dtype)
        s, ints = tensor((), 3.0, placement.x_dtype), tensor((4, 4), 1.0, torch.int64)
    if placement.same == "is":
        net2 = net
    elif placement.same == "part":
        net.add_module("inner", net2)
    for module in (net2, net):
        module.to(placement.net, placement.net_dtype)
    if placement.same == "no":
        net2.to(placement.y)
    return {
        "x": x.to(placement.x),
        "y": y.to(placement.y),
        "s": s.to(placement.s),
        "ints": ints.to(placement.y),
        "device": torch.device(placement.device),
        "other": torch.device(placement.other),
        "dtype": placement.dtype,
        "what": placement.dtype if placement.flag else torch.device(placement.device),
        "flag": placement.flag,
        "count": placement.count,
        "place": placement.place,
        "index": placement.count % 2,
        "word": ("spare", "t", "kept")[placement.count],
        "verb": ("cpu", "cuda", "half")[placement.count],
        "act": partial(_meddle, placement.other),
        "net": net,
        "net2": net2,
    }


def _meddle(device: str, value: Any) -> None:
    """Moves a module, what is in a list or dictionary, or what an object has."""
    if isinstance(value, nn.Module):
        value.to(device)
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, torch.Tensor):
                value[key] = item.to(device)
            elif not isinstance(item, type):
                _meddle(device, item)
    elif type(value).__module__ == _NAME:
        _meddle(device, vars(value))
