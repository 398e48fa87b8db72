"""Code that is known to run at every step or layer by its class, its parameters, or by whom it is handed to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from transfer_lint.findings import Heat
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program import sockets
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.rates import Change
from transfer_lint.flow.program.repetition import gives_batches
from transfer_lint.flow.program.routines import CallSite, Reference, Routine
from transfer_lint.flow.program.syntax import bindings, defaults_of, nodes_of, spelled
from transfer_lint.flow.program.throttles import is_optimizer

_LAST_WORD = re.compile(r".*(?=[A-Z])")  # what stands before it: a `MetricCallback` is a `Callback`
_OF_CONTROLS = frozenset({"label", "tag", "text"})
_DATA = ("torch.utils.data.", "torch_geometric.data.")
_STEP_HOOK = re.compile(
    r"_?(?:on|after|before|post|pre)_(?:\w+_)?(?:batch|minibatch|iter|iteration|step|backward)(?:_(?:begin|start|end))?"
)
_LOSSES = frozenset({"loss", "losses"})
_REPEATED = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp)


def declared(routine: Routine, knowledge: Knowledge) -> Heat:
    """The heat of a function, as its class, its parameters and its name say: `call` if they say nothing."""
    parameters = routine.parameters
    handed = set(parameters) - _own_options(routine)
    if any(name in knowledge.layer_parameters for name in handed) and not _is_node(routine):
        return Heat.LAYER
    if routine.owner is not None and (heat := _of_class(routine.owner, routine.name, knowledge)) is not None:
        return heat
    if any(name in knowledge.step_parameters for name in parameters):
        return Heat.STEP
    once = routine.name in knowledge.once_functions or routine.name in knowledge.movers
    return Heat.ONCE if once else Heat.CALL


def _own_options(routine: Routine) -> frozenset[str]:
    """The parameters that are texts or empty dictionaries, as their annotations or default values say."""
    if isinstance(routine.node, ast.Module):
        return frozenset()
    arguments = routine.node.args
    placed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    noted = {a.arg for a in placed if isinstance(a.annotation, ast.Name) and a.annotation.id == "str"}
    defaults = defaults_of(arguments).items()
    given = {
        name
        for name, value in defaults
        if (isinstance(value, ast.Constant) and isinstance(value.value, str))
        or (isinstance(value, ast.Dict) and not value.keys)
    }
    return frozenset(noted | given)


def _is_node(routine: Routine) -> bool:
    """Whether ComfyUI calls the routine as a node: its parameters are inputs, and may have any name."""
    return routine.owner is not None and routine.owner.node_function == routine.name


def _of_class(owner: ClassInfo, name: str, knowledge: Knowledge) -> Heat | None:
    """The heat of a method that others call at every step, because its class implements their protocol."""
    protocol = knowledge.step_protocol.exact
    if name in protocol and name not in knowledge.once_functions and protocol <= owner.methods.keys():
        return Heat.STEP
    for base in owner.lineage:
        if isinstance(base, str):
            if knowledge.is_module_class(base) and (name == "forward" or _is_loss(name, knowledge)):
                return Heat.STEP
            kind = "Metric" if base.startswith("torchmetrics.") else base.rpartition(".")[2]
            hooks = knowledge.step_methods.get(kind) or knowledge.step_methods.get(_LAST_WORD.sub("", kind))
            if hooks is not None and name in hooks:
                return Heat.STEP
    return None


def _is_loss(name: str, knowledge: Knowledge) -> bool:
    """Whether a method of a model is named like what computes a loss, which every step of training does."""
    return (
        not _LOSSES.isdisjoint(name.split("_")) and name not in knowledge.once_functions and not name.startswith("__")
    )


def is_in_test(place: Routine | Module) -> bool:
    """Whether code stands where pytest looks for tests: nobody waits for what it does."""
    module = place if isinstance(place, Module) else place.module
    folder, _, name = module.path.rpartition("/")
    stem = name.removesuffix(".py")
    if stem == "smoke" or stem.startswith("smoke_"):
        return True
    named = stem.startswith("test_") or stem.endswith("_test") or stem == "conftest"
    beside = folder.rpartition("/")[2] in ("test", "tests")
    if named and beside:
        return True
    if not named and not beside:
        return False
    return any(map(module.holds, ("def test_", "pytest", "unittest")))


def is_for_export(routine: Routine) -> bool:
    """Whether a routine runs only while a model is exported: it exports, or stands in for an operator of ONNX."""
    if not routine.module.holds("onnx") and not routine.module.holds("symbolic"):
        return False
    if routine.owner is not None and "symbolic" in routine.owner.methods:
        return any(isinstance(base, str) and base.endswith("autograd.Function") for base in routine.owner.lineage)
    calls = (part.func for part in nodes_of(routine.node) if isinstance(part, ast.Call)) if routine.name else ()
    called = (f for f in calls if isinstance(f, ast.Attribute) and f.attr == "export")
    return any(routine.module.dotted(f) == "torch.onnx.export" for f in called)


def is_in_data_set(routine: Routine) -> bool:
    """Whether a routine is a method of a data set: a loader runs it ahead, in processes that have no device."""
    bases = routine.owner.lineage if routine.owner is not None else ()
    return any(isinstance(base, str) and base.startswith(_DATA) and base.endswith("Dataset") for base in bases)


def is_fed(info: FunctionInfo, knowledge: Knowledge) -> bool:
    """Whether a node has an input from other nodes: then it runs whenever that changes, whatever its name is."""
    if info.owner is None or not sockets.serves_node(info.owner, info):
        return False
    kinds = (sockets.input_type(info.owner, argument.arg) for argument in info.parameters)
    return any(kind is not None and kind not in knowledge.socket_host for kind in kinds)


def steps_optimizer(site: CallSite) -> bool:
    """Whether a call steps an optimizer, by its name, that its function has not made, and stands in no loop over steps.

    Then a call of the function is one step of training, whatever it is called.
    """
    func = site.node.func
    if not isinstance(func, ast.Attribute) or not is_optimizer(func.value):
        return False
    return is_at_once(site) and not steps_its_own(site)


def steps_its_own(site: CallSite) -> bool:
    """Whether a call steps an optimizer that its function has made: the function trains something for itself."""
    func = site.node.func
    if not isinstance(func, ast.Attribute) or not is_optimizer(func.value):
        return False
    stepped = spelled(func.value)
    return any(spelled(target) == stepped for target, _ in bindings(site.routine.node))


def trains_in_loop(site: CallSite) -> bool:
    """Whether a call steps an optimizer in a loop over steps: its function is a phase of training, however rare."""
    func = site.node.func
    return isinstance(func, ast.Attribute) and is_optimizer(func.value) and not is_at_once(site)


def is_at_once(site: CallSite) -> bool:
    """Whether a call stands in no loop over steps: if it goes backward, its function is likely one step of training."""
    return all(change is Change.RARELY for change in site.path.changes)


def takes_batch(site: CallSite) -> bool:
    """Whether a call of `next` takes a batch that the function has been given a source of, once a call."""
    source = site.node.args[0] if site.node.args else None
    if not is_at_once(site) or not isinstance(source, ast.Name | ast.Attribute):
        return False
    name = source.id if isinstance(source, ast.Name) else source.attr
    given = isinstance(source, ast.Attribute) or name in site.routine.parameters
    return given and gives_batches(name, site.routine.module.project.knowledge)


def gives_loss(routine: Routine, knowledge: Knowledge) -> bool:
    """Whether a function is named like what computes a loss, or returns one: likely every step of training asks for it.

    A function with a loop over steps returns what they come to.
    """
    if routine.outer is None and _is_loss(routine.name, knowledge):
        return True
    if not routine.module.holds("loss"):
        return False
    returned = (part for statement in routine.changes for part in _returned(statement))
    names = {part.id for part in returned if isinstance(part, ast.Name)}.difference(routine.parameters)
    given = any(not _LOSSES.isdisjoint(name.lower().split("_")) for name in names)
    return given and not routine.loops_over_steps  # asked last: what loops do may stand in other files


def _returned(statement: ast.AST) -> Sequence[ast.expr | None]:
    """What a statement returns, one by one."""
    match statement:
        case ast.Return(value=ast.Tuple(elts=parts) | ast.Dict(values=parts)):
            return parts
        case ast.Return(value=value):
            return (value,)
    return ()


def is_step_hook(routine: Routine) -> bool:
    """Whether a method is named like what is called at every step: `after_train_iter`, `update` of a `LossMeter`."""
    if routine.owner is None:
        return False
    is_update = routine.name == "update" and routine.owner.name.endswith(("Meter", "Metric"))
    return is_update or _STEP_HOOK.fullmatch(routine.name) is not None


def walks_gradients(routine: Routine) -> bool:
    """Whether a function goes over weights, and uses the gradient of each: `for p in parameters: p.grad.norm()`."""
    loops = nodes_of(routine.node) if routine.module.holds(".grad") else ()
    return any(
        isinstance(part, ast.Attribute) and part.attr == "grad" and getattr(part.value, "id", "") == loop.target.id
        for loop in loops
        if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name)
        for statement in loop.body
        for part in nodes_of(statement)
    )


def is_foreign_forward(routine: Routine) -> bool:
    """Whether it is the `forward` of a class that has a base from a library: likely a model of that library.

    Or a part of it, `attention_forward`, that the library may call.
    """
    if routine.owner is None or not routine.name.endswith("forward") or not routine.module.holds("torch"):
        return False
    bases = (base for base in routine.owner.lineage if isinstance(base, str))
    return any("." in base and not base.startswith(("builtins.", "abc.", "typing.")) for base in bases)


def handed_to(reference: Reference, knowledge: Knowledge) -> Heat:
    """The heat of a function by what it is handed to: a sampler, a hook, a solver; `once` if that says nothing."""
    module, patched = reference.routine.module, False
    match reference.held_by:
        case ast.Assign(targets=targets):
            owned = [target for target in targets if isinstance(target, ast.Attribute)]
            patched = any(_is_patch(module, target.value, target.attr) for target in owned)
            patched = patched or any(_is_step_option(target, knowledge) for target in targets)
        case (
            ast.Tuple(elts=[owner, ast.Constant(value=str(name)), _])
            | ast.Call(func=ast.Name(id="setattr"), args=[owner, ast.Constant(value=str(name)), _])
        ):
            patched = _is_patch(module, owner, name)
        case ast.Call() as taker:
            return _taken_by(taker, reference.key, knowledge)
    return Heat.STEP if patched else Heat.ONCE


def _is_patch(module: Module, owner: ast.expr, name: str) -> bool:
    """Whether an attribute is a function that runs at every step: what is put in its place does, too."""
    return name == "forward" or f"{module.dotted(owner)}.{name}" in module.project.knowledge.step_patches


def _taken_by(held_by: ast.Call, key: str, knowledge: Knowledge) -> Heat:
    func = held_by.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    if name in knowledge.layer_hooks:
        return Heat.LAYER
    if name in knowledge.step_hooks or name in knowledge.step_registrars or name in knowledge.solvers:
        return Heat.STEP
    if name in knowledge.wrapper_registrars:
        kinds = {kind for argument in held_by.args for kind in _kind(argument)}
        return Heat.STEP if kinds & knowledge.step_wrappers.exact else Heat.ONCE
    shown = any(keyword.arg in _OF_CONTROLS for keyword in held_by.keywords)  # a button calls what it is given
    return Heat.STEP if key in knowledge.step_keywords and not shown else Heat.ONCE


def _kind(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Constant(value=str() as text) | ast.Attribute(attr=text):
            return (text.lower(),)
    return ()


def is_sampler_hook(reference: Reference, knowledge: Knowledge) -> bool:
    """Whether a function is handed to ComfyUI's sampler, which calls it with a dictionary as the last argument."""
    match reference.held_by:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in knowledge.step_hooks
        case ast.Assign(targets=targets):
            return any(_is_step_option(target, knowledge) for target in targets)
    return False


def _is_step_option(target: ast.expr, knowledge: Knowledge) -> bool:
    """`options["model_function_wrapper"]`."""
    match target:
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key in knowledge.step_options
    return False


def layers(module: Module) -> dict[ClassInfo, None]:
    """The layers that a model has many of: their class is instantiated in a loop, or by such a class."""
    repeated: dict[ClassInfo, None] = {}
    if not module.holds("ModuleList"):
        return repeated
    pending: list[ast.AST] = []
    for cls in module.classes.values():
        initialiser = cls.methods.get("__init__")
        if initialiser is not None and cls.is_module:
            pending += [node for node in nodes_of(initialiser.node) if isinstance(node, _REPEATED)]
    while pending:
        for made in _made_in(pending.pop(), module):
            if made not in repeated and made.is_module:
                repeated[made] = None
                pending += [m.node for name, m in made.methods.items() if name == "__init__"]
    return repeated


def _made_in(node: ast.AST, module: Module) -> Iterator[ClassInfo]:
    """The classes of the file that are instantiated in a piece of code, by name or from a dict of classes."""
    for part in nodes_of(node):
        if not isinstance(part, ast.Call):
            continue
        match part.func:
            case ast.Name(id=name):
                names = [name]
            case ast.Subscript(value=ast.Name(id=table)) if isinstance(held := module.binding(table), ast.Dict):
                names = [value.id for value in held.values if isinstance(value, ast.Name)]
            case _:
                continue
        yield from (module.classes[name] for name in names if name in module.classes)
