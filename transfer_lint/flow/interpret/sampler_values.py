"""Values of a sampler: what a schedule holds, and what ComfyUI hands to models and callbacks at every step."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.unknown_calls import unknown_call
from transfer_lint.flow.program.heat import HeatMap
from transfer_lint.flow.program.idioms import iterated, last_name
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind
from transfer_lint.flow.values.values import Constant, Object, Tensor, Value

_SAMPLING = "model_sampling"
"""What ComfyUI and its packs call the object that turns time steps into noise levels, and back."""


def schedule_of_sampler(frame: Frame, info: FunctionInfo, argument: ast.arg) -> Fact | None:
    """The fact, if it is assumed, that a parameter is the schedule of noise levels that a sampler is given."""
    of, named = frame.knowledge, {each.arg for each in info.parameters}
    if argument.arg not in of.sampler_schedules or not of.sampler_parameters.exact <= named:
        return None
    return frame.assume(Assumption.MOVED_IS_TENSOR, argument, "`{}` is the schedule of a sampler")


def schedule_of_scheduler(frame: Frame, info: FunctionInfo, argument: ast.arg) -> Fact | None:
    """The fact, if it is assumed, that a parameter holds a scheduler's time steps: it is given each of them in turn."""
    for loop in nodes_of(info.node) if "timesteps" in argument.arg else ():
        if not isinstance(loop, ast.For) or last_name(iterated(loop.iter)) != argument.arg:
            continue
        items = {node.id for node in nodes_of(loop.target) if isinstance(node, ast.Name)}
        for call in nodes_of(loop):
            match call:
                case ast.Call(func=ast.Attribute(value=owner, attr="step"), args=[_, ast.Name(id=name), *_]):
                    words = last_name(owner).lower().split("_")
                    if name in items and not frame.knowledge.scheduler_words.exact.isdisjoint(words):
                        return frame.assume(Assumption.SCHEDULER_KEEPS, call, "`{}` takes a time step of a scheduler")
    return None


def is_given_by_sampler(frame: Frame, heat: HeatMap, function: FunctionInfo, owner: Object, name: str) -> bool:
    """Whether an item is a tensor that ComfyUI passes to models and per-layer callbacks, or to those of its sampler."""
    if _are_options(frame, owner.ident):
        return name[2:-2] in frame.knowledge.per_step_values
    last = function.parameters[-1].arg if function.parameters else ""
    called_back = owner.ident.parent is None and owner.ident.label == last
    return called_back and name[2:-2] in frame.knowledge.callback_values and heat.is_step_callback(function)


def key_of(method: str, arguments: Mapping[str, Value]) -> str:
    """The text that `.get(key)` of a mapping is given; "" for another method, or another key."""
    key = arguments.get("0") if method == "get" else None
    return key.value if isinstance(key, Constant) and isinstance(key.value, str) else ""


def got_from_options(frame: Frame, options: Object, key: str, got: Object) -> Value:
    """What `.get(key)` of a mapping gives: a tensor if the mapping is one that ComfyUI passes, and the key says so."""
    passed = key in frame.knowledge.per_step_values and _are_options(frame, options.ident)
    return handed_over_by_sampler(frame.function, got.ident) if passed and frame.function is not None else got


def handed_over_by_sampler(function: FunctionInfo, symbol: Symbol) -> Tensor:
    """A tensor that ComfyUI hands to a function at every step."""
    name = symbol.label.removesuffix("()")  # of what `.get(name)` gives
    why = (Fact(function.module, function.node, f"ComfyUI hands `{name}` over on the accelerator"),)
    device = Known(Term(TermKind.STABLE, "comfy.model_management.get_torch_device"), why)
    return Tensor(symbol, device, scalar=False, why=why)


def level_of_sampler(
    frame: Frame, owner: Object, method: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> Tensor | None:
    """What `model_sampling.timestep(sigma)` and `.sigma(timestep)` give: a tensor, where what they are given is."""
    given = arguments.get("0")
    asked = method in frame.knowledge.step_protocol and method not in frame.knowledge.once_functions
    if not asked or not isinstance(given, Tensor) or not owner.ident.label.endswith(_SAMPLING):
        return None
    fact = frame.assume(Assumption.SCHEDULER_KEEPS, node, "`{}` is where the noise level is that it is made of")
    if fact is None:
        return None
    result = unknown_call(frame, [owner, *arguments.values()], node, state)
    device = given.device or Known(given.device_term())
    return Tensor(result.ident, device.because(fact), scalar=given.scalar, why=(fact,))


def _are_options(frame: Frame, mapping: Symbol) -> bool:
    """Whether a mapping is the one that models, or per-layer callbacks, are given: by its name or key."""
    if mapping.parent is not None and not mapping.name.startswith("["):
        return False
    said = mapping.label.removesuffix("()") if mapping.parent is None else mapping.name[2:-2]
    return said in frame.knowledge.layer_parameters or said in frame.knowledge.step_parameters
