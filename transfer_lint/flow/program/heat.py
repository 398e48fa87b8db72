"""Heat: how often code runs (once per process, per call, per sampling step, or per layer of every step)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from transfer_lint.findings import Heat
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program import sockets
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, FunctionNode, Module
from transfer_lint.flow.program.syntax import nodes_of

_LOOPS = (ast.For, ast.AsyncFor)
_REPEATED = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp)


class HeatMap:
    """The heat of the functions of a project."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._files: dict[Module, _Hot] = {}

    def of(self, info: FunctionInfo) -> Heat:
        """The heat of a function: as its name and signature say, and at least that of its callers.

        Callers are found in the same file, by name: a helper of a per-layer callback runs per layer.
        """
        own = _declared(info.node, self._knowledge)
        if own is Heat.ONCE:
            return Heat.CALL if _is_fed(info, self._knowledge) else own
        hot = self._hot(info.module)
        return hotter(own, hot.functions.get(info.node, hot.names.get(info.name, Heat.CALL)))

    def of_nested(self, module: Module, node: FunctionNode, around: Heat) -> Heat:
        """The heat of a function that is defined inside another one, whose heat is `around`."""
        handed = self._hot(module).names.get(node.name, Heat.CALL)
        return hotter(hotter(_declared(node, self._knowledge), handed), hotter(around, Heat.CALL))

    def is_step_callback(self, module: Module, name: str) -> bool:
        """Whether the file passes a function of that name to ComfyUI's sampler, which calls it with a dictionary."""
        return self._hot(module).names.get(name) is Heat.STEP

    def _hot(self, module: Module) -> _Hot:
        if module not in self._files:
            self._files[module] = _Hot(module, self._knowledge)
        return self._files[module]


def hotter(one: Heat, other: Heat) -> Heat:
    """The heat of the code that runs more often."""
    return one if one.rank >= other.rank else other


def loop_heat(node: ast.For | ast.AsyncFor, module: Module, knowledge: Knowledge) -> Heat:
    """`step` for a loop over sampling steps, `call` for any other loop.

    A loop over sampling steps iterates over something named like a schedule, or its variable is an index into one.
    """
    if not any(word in module.text for word in knowledge.step_words):
        return Heat.CALL
    if any(_is_schedule(part, knowledge) for part in nodes_of(node.iter)):
        return Heat.STEP
    numbers = {part.id for part in nodes_of(node.target) if isinstance(part, ast.Name)}
    for statement in node.body:
        for part in nodes_of(statement):
            match part:
                case ast.Subscript(value=value, slice=ast.Name(id=name)) if name in numbers:
                    if _is_schedule(value, knowledge):
                        return Heat.STEP
    return Heat.CALL


def _is_schedule(node: ast.AST, knowledge: Knowledge) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in knowledge.step_schedules or not knowledge.step_schedule_words.exact.isdisjoint(name.split("_"))


def _declared(node: FunctionNode, knowledge: Knowledge) -> Heat:
    parameters = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    if any(name in knowledge.layer_parameters for name in parameters):
        return Heat.LAYER
    return Heat.ONCE if node.name in knowledge.once_functions else Heat.CALL


def _is_fed(info: FunctionInfo, knowledge: Knowledge) -> bool:
    """Whether a node has an input from other nodes: then it runs whenever that changes, whatever its name is."""
    if info.owner is None or not sockets.serves_node(info.owner, info):
        return False
    kinds = (sockets.input_type(info.owner, argument.arg) for argument in info.parameters)
    return any(kind is not None and kind not in knowledge.socket_host for kind in kinds)


class _Hot:
    """What runs per step or per layer in one file.

    names: the names of functions that are passed to code that runs them per step or per layer.
    functions: the nodes of all such functions, with those that they call.
    """

    def __init__(self, module: Module, knowledge: Knowledge) -> None:
        self._module = module
        self._knowledge = knowledge
        self.names = dict(self._handed_over())
        self.functions: dict[ast.AST, Heat] = {}
        for info in module.functions:
            heat = hotter(_declared(info.node, knowledge), self.names.get(info.name, Heat.CALL))
            if heat.rank > Heat.CALL.rank:
                self.functions[info.node] = heat
        for method in (*self._protocols(), *self._layers()):
            self.functions[method[0].node] = method[1]
        if self.functions or any(word in module.text for word in knowledge.step_words):
            self._spread()

    def _spread(self) -> None:
        """Spread heat to callees: they run as often as their callers, and per step if called in a loop over steps."""
        defined: dict[str, list[FunctionInfo]] = {}
        for info in self._module.functions:
            if not any(name in self._knowledge.remembering for name in info.decorators):
                defined.setdefault(info.name, []).append(info)
        calls = {info.node: list(_calls(info, self._knowledge)) for info in self._module.functions}
        pending = list(calls)
        while pending:
            caller = pending.pop()
            own = self.functions.get(caller, Heat.CALL)
            for name, count, inner in calls[caller]:
                heat = hotter(own, inner)
                for callee in defined.get(name, ()):
                    if heat.rank > self.functions.get(callee.node, Heat.CALL).rank and _takes(callee, count):
                        self.functions[callee.node] = heat
                        pending.append(callee.node)

    def _handed_over(self) -> Iterator[tuple[str, Heat]]:
        """Names of functions that are passed to a method that registers them for every step or every layer."""
        knowledge = self._knowledge
        hooks = {**dict.fromkeys(knowledge.layer_hooks.exact, Heat.LAYER)}
        hooks.update(dict.fromkeys(knowledge.step_hooks.exact, Heat.STEP))
        if not any(word in self._module.text for word in hooks):
            return
        for node in nodes_of(self._module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in hooks:
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    if isinstance(argument, ast.Name | ast.Attribute):
                        yield argument.id if isinstance(argument, ast.Name) else argument.attr, hooks[node.func.attr]

    def _protocols(self) -> Iterator[tuple[FunctionInfo, Heat]]:
        """Methods that the sampler calls at every step: a class that has all their names implements the protocol."""
        protocol = self._knowledge.step_protocol.exact
        for cls in self._module.classes.values():
            if protocol and protocol <= cls.methods.keys():
                yield from ((cls.methods[name], Heat.STEP) for name in protocol)

    def _layers(self) -> Iterator[tuple[FunctionInfo, Heat]]:
        """The `forward` of layers that a model has many of: the class is instantiated in a loop, or by such a class."""
        if "ModuleList" not in self._module.text:
            return
        classes = self._module.classes
        repeated: dict[ClassInfo, None] = {}
        pending: list[ast.AST] = []
        for cls in classes.values():
            initialiser = cls.methods.get("__init__")
            if initialiser is not None and cls.is_module:
                pending += [node for node in nodes_of(initialiser.node) if isinstance(node, _REPEATED)]
        while pending:
            for made in self._made_in(pending.pop()):
                if made not in repeated and made.is_module:
                    repeated[made] = None
                    pending += [m.node for name, m in made.methods.items() if name == "__init__"]
        for cls in repeated:
            forward = cls.methods.get("forward")
            if forward is not None:
                yield forward, Heat.LAYER

    def _made_in(self, node: ast.AST) -> Iterator[ClassInfo]:
        """The classes of the file that are instantiated in a piece of code, by name or from a dict of classes."""
        for part in nodes_of(node):
            if not isinstance(part, ast.Call):
                continue
            match part.func:
                case ast.Name(id=name):
                    names = [name]
                case ast.Subscript(value=ast.Name(id=table)) if isinstance(
                    held := self._module.binding(table), ast.Dict
                ):
                    names = [value.id for value in held.values if isinstance(value, ast.Name)]
                case _:
                    continue
            yield from (self._module.classes[name] for name in names if name in self._module.classes)


def _takes(info: FunctionInfo, count: int) -> bool:
    """Whether a call with `count` positional arguments can be a call of this function.

    There must not be too many, and not zero if the function needs one; other missing ones may be given by keyword.
    """
    arguments = info.node.args
    most = len(arguments.posonlyargs) + len(arguments.args) - (info.owner is not None)
    needed = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults) - (info.owner is not None)
    return arguments.vararg is not None or (count <= most and (count > 0 or needed <= 0))


def _calls(info: FunctionInfo, knowledge: Knowledge) -> Iterator[tuple[str, int, Heat]]:
    """What a function calls by name, or as a method of a name or of an attribute of `self`.

    Each with the number of its positional arguments, and `step` if the call is in a loop over steps, else `call`.
    """
    found = nodes_of(info.node)
    hot = {
        id(part)
        for node in found
        if isinstance(node, _LOOPS) and loop_heat(node, info.module, knowledge) is Heat.STEP
        for statement in node.body
        for part in nodes_of(statement)
    }
    for node in found:
        if isinstance(node, ast.Call):
            heat = Heat.STEP if id(node) in hot else Heat.CALL
            match node.func:
                case ast.Name(id=name):
                    yield name, len(node.args), heat
                case ast.Attribute(value=ast.Name() | ast.Attribute(value=ast.Name(id="self")), attr=name):
                    yield name, len(node.args), heat
