"""Which statements of a function run at every step, in every layer, or rarely: judged by what the code does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.called_functions import called_function
from transfer_lint.flow.program.computations import asks_gradient, asks_tensor, computed_by, computes
from transfer_lint.flow.program.file_facts import FileFacts
from transfer_lint.flow.program.idioms import (
    attributes,
    counts_little,
    cut_by,
    goes_on,
    holds,
    is_next,
    is_over_weights,
    is_size,
    iterated,
    last_name,
    stops_training,
    streams,
)
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Import
from transfer_lint.flow.program.rates import Change
from transfer_lint.flow.program.syntax import LOOPS, bindings, children, names_in, nodes_of
from transfer_lint.flow.program.tensor_uses import ONLY_MODULES_HAVE

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp

_FOR = (ast.For, ast.AsyncFor)
_CALLS = 3  # functions that call one another, of which the last one calls the model
_BODIES = (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SOME = 16  # rounds of a loop that only evaluates, and so shows examples
_NO_GRADIENTS = frozenset({"no_grad", "inference_mode"})


class Repetition:
    """How the loops and branches of one function, or of a module's top level, change the rate of what they hold."""

    def __init__(self, file: FileFacts, node: ast.AST, owner: ClassInfo | None) -> None:
        self._file = file
        self._module = module = file.module
        self._node = node
        self._owner = owner
        self._knowledge: Knowledge = module.project.knowledge

    def loop(self, node: ast.stmt) -> tuple[Change, ...]:
        """How a loop changes the rate of its body."""
        if isinstance(node, ast.While):
            body = [node.test, *node.body]
            if self._does_step(body) or self._is_schedule(body, names_in(node.test)):
                return (Change.STEP,)
            return self._through_functions(body) or self._iterates(node) or self._goes_on(node) or self._rounds(body)
        assert isinstance(node, _FOR)
        names = names_in(node.target)
        if not isinstance(iterated(node.iter), ast.Call) and self._calls_any(node.body, names):
            return (Change.LAYER,)  # `for block in self.blocks: x = block(x)`
        if counts_little(node.iter) or is_over_weights(node.iter):
            return ()
        if self._is_schedule(node.body, names, node.iter):
            return (Change.STEP,)
        root = iterated(node.iter)
        counts = isinstance(root, ast.Call) and _is_of(root.func, frozenset({"range"}))
        if not self._is_loader(node.iter) and self._is_over_epochs(node):
            return (Change.QUIET_STEP,)
        if self._is_loader(node.iter) or self._does_step(node.body):
            long = counts and not counts_little(node.iter, _SOME)
            return (Change.STEP,) if long or not self._evaluates(node) else (Change.QUIET_STEP,)
        return (
            self._through_functions(node.body)
            or (self._iterates(node) if counts else ())
            or self._takes_batches(node)
            or self._rounds(node.body)
        )

    def _rounds(self, body: Iterable[ast.AST]) -> tuple[Change, ...]:
        """The change by a loop that computes with tensors, itself or through the functions that it calls.

        Not in what runs once: a constructor, a loader, a script. Nor in a node of ComfyUI: its images are on the host.
        """
        name = "" if isinstance(self._node, ast.Module) else getattr(self._node, "name", "")
        is_node = self._owner is not None and self._owner.node_function == name
        if not name or name in self._knowledge.once_functions or is_node:
            return ()
        return (Change.ROUND,) if self._computes(body, _CALLS) else ()

    def _goes_on(self, node: ast.While) -> tuple[Change, ...]:
        """The change by an endless loop that computes, or gives a model to a function: it takes frame after frame."""
        if not goes_on(node.test):
            return ()
        given = (part.args for part in _direct(node.body) if isinstance(part, ast.Call))
        names = {part.id for arguments in given for part in arguments if isinstance(part, ast.Name)}
        computes_there = bool(names & self._knowledge.model_names.exact) or self._computes(node.body, _CALLS)
        return (Change.QUIET_STEP,) if computes_there else ()

    def _computes(self, body: Iterable[ast.AST], depth: int) -> bool:
        """Whether code, without the loops in it, computes with tensors, itself or through the functions of the tree."""
        calls = [part for part in _direct(body) if isinstance(part, ast.Call)]
        if any(computes(self._module, call) for call in calls):
            return True
        return depth > 0 and any(self._is_computation(call, depth - 1) for call in calls)

    def _is_computation(self, call: ast.Call, depth: int) -> bool:
        info = self._function(call.func)
        if info is None or info.name in self._knowledge.once_functions:
            return False
        known = self._file.computing
        if info.node not in known:
            known[info.node] = False  # for a function that calls itself
            there = Repetition(self._file.of(info.module), info.node, info.owner)
            body = [part for part in nodes_of(info.node) if isinstance(part, ast.stmt)]
            known[info.node] = there._computes(info.node.body, depth) or any(
                there._computes(loop.body, depth) for loop in body if isinstance(loop, LOOPS)
            )
        return known[info.node]

    def _takes_batches(self, node: ast.For | ast.AsyncFor) -> tuple[Change, ...]:
        """The change by a loop that, by names, goes over batches, cuts them, or takes one a round: `next(batches)`.

        Or over what a model says bit by bit.
        """
        known, words = self._knowledge, self._knowledge.batch_words.exact
        source = iterated(node.iter)
        bound = bindings(self._node) if isinstance(source, ast.Name) else ()
        made = [value for target, value in bound if isinstance(target, ast.Name) and target.id == last_name(source)]
        if any(isinstance(each, ast.Call) and streams(each) for each in (source, *made)):
            return (Change.QUIET_STEP,)
        taken = [part.args[0] for part in _direct(node.body) if isinstance(part, ast.Call) and is_next(part)]
        named = any(words & set(name.lower().split("_")) for name in names_in(node.target))
        given = any(gives_batches(last_name(each), known) for each in (source, *taken))
        cut = any(words & name and "size" in name for name in map(_words, cut_by(source)))
        return (Change.QUIET_STEP,) if named or given or cut else ()

    def _iterates(self, node: ast.For | ast.AsyncFor | ast.While) -> tuple[Change, ...]:
        """The change by a loop that ends when what it has computed says so: `if error.max() < tolerance: break`."""
        tests = [node.test] if isinstance(node, ast.While) else []
        for part in _direct(node.body):
            if isinstance(part, ast.If) and any(isinstance(last, ast.Break) for last in (*part.body, *part.orelse)):
                tests.append(part.test)
        asked = [part for test in tests for part in nodes_of(test)]
        if any(asks_tensor(self._module, part) or self._calls_asking(part) for part in asked):
            return (Change.QUIET_STEP,)
        names = {part.id for part in asked if isinstance(part, ast.Name)}
        assigned = (part for part in _direct(node.body) if isinstance(part, ast.Assign)) if names else ()
        values = (part.value for part in assigned if any(names & names_in(target) for target in part.targets))
        computed = any(asks_tensor(self._module, inner) for value in values for inner in nodes_of(value))
        return (Change.QUIET_STEP,) if computed else ()

    def _calls_asking(self, node: ast.AST) -> bool:
        """Whether it is a call of a function of the tree that computes what it says: `converged(old_cost, step)`."""
        info = self._function(node.func) if isinstance(node, ast.Call) else None
        return info is not None and any(asks_tensor(info.module, part) for part in nodes_of(info.node))

    def _evaluates(self, loop: ast.stmt) -> bool:
        """Whether a loop only evaluates: gradients are off in it or around it, and it never goes backward.

        In a function that goes backward nowhere, the function may turn them, or training, off anywhere.
        """
        if "backward" in attributes(loop):
            return False
        if "backward" not in (known := attributes(self._node)):
            return bool(known & {*_NO_GRADIENTS, "eval"}) or stops_training(self._node)
        around = (part for part in nodes_of(self._node) if isinstance(part, ast.With) and holds(part, loop))
        off = {name for part in around for item in part.items for name in attributes(item.context_expr)}
        return bool((off | attributes(loop)) & _NO_GRADIENTS) and "zero_grad" not in attributes(loop)

    def comprehension(self, node: Comprehension) -> tuple[Change, ...]:
        """How a comprehension changes the rate of its element."""
        first = node.generators[0]
        made: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        if counts_little(first.iter) or is_over_weights(first.iter):
            return ()
        if self._is_loader(first.iter):
            return (Change.STEP,)
        calls = [part for root in made for part in nodes_of(root) if isinstance(part, ast.Call)]
        names = names_in(first.target)
        others = [call for call in calls if not _is_of(call.func, names)]
        if any(self._is_model(call.func) for call in others):
            return (Change.STEP,)
        return (Change.QUIET_STEP,) if any(self._is_one_step(call, _CALLS) for call in others) else ()

    # ---- loops over steps ----------------------------------------------------------------------------------------

    def _does_step(self, body: Iterable[ast.AST]) -> bool:
        """Whether a loop's body, without the loops in it, calls a model, goes backward, or steps an optimizer."""
        return any(isinstance(part, ast.Call) and self._is_step(part) for part in _direct(body))

    def _through_functions(self, body: Iterable[ast.AST]) -> tuple[Change, ...]:
        """The change by a loop whose body calls a function of the tree that does one step, or a method of a model."""
        calls = [part for part in _direct(body) if isinstance(part, ast.Call)]
        models = (model for call in calls if (model := computed_by(call)) is not None)
        step = any(map(self._is_model, models)) or any(self._is_one_step(call, _CALLS) for call in calls)
        return (Change.QUIET_STEP,) if step else ()

    def _is_over_epochs(self, node: ast.For | ast.AsyncFor) -> bool:
        """Whether a loop trains in a loop inside of it only, so that its own steps are rare: they show or evaluate."""
        inner = (part for part in nodes_of(node)[1:] if isinstance(part, LOOPS))
        return self._does_step(node.body) and not _trains(node.body) and any(_trains(loop.body) for loop in inner)

    def _is_one_step(self, call: ast.Call, depth: int) -> bool:
        """Whether a call runs a function of the tree that calls a model once, itself or through another one.

        A function with a loop over steps does more than one.
        """
        info = self._function(call.func) if depth else None
        if info is None:
            return False
        known = self._file.steps
        if info.node not in known:
            known[info.node] = False  # for a function that calls itself
            there = Repetition(self._file.of(info.module), info.node, info.owner)
            calls = [part for part in _direct(info.node.body) if isinstance(part, ast.Call)]
            one = any(there._is_step(part) or there._is_one_step(part, depth - 1) for part in calls)
            loops = (part for part in nodes_of(info.node) if isinstance(part, LOOPS))
            known[info.node] = one and all(set(there.loop(loop)) <= {Change.ROUND} for loop in loops)
        return known[info.node]

    def _function(self, func: ast.expr) -> FunctionInfo | None:
        """The function of the tree that a call runs."""
        return called_function(self._module, self._owner, func, self._nested)

    @cached_property
    def _nested(self) -> dict[str, FunctionInfo]:
        """The functions that are defined in this one; none for a module."""
        nodes = () if isinstance(self._node, ast.Module) else nodes_of(self._node)[1:]
        found = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        return {node.name: FunctionInfo(self._module, node, node.name) for node in found}

    def _is_step(self, call: ast.Call) -> bool:
        func = call.func
        if asks_gradient(call, self._module):
            return True
        if isinstance(func, ast.Attribute):
            # A learning rate's scheduler takes no sample, but a loss perhaps, and steps once an epoch.
            if func.attr == "step" and _words(func.value) & self._knowledge.steppers.exact:
                return len(call.args) + len(call.keywords) > 1 or not {"scheduler", "sched"} & _words(func.value)
            if func.attr in self._knowledge.model_methods:
                return True
        given = any(keyword.arg in self._knowledge.model_keywords for keyword in call.keywords if keyword.arg)
        return self._is_model(func, given)

    def _is_model(self, func: ast.expr, given: bool = False) -> bool:
        """Whether a call of `func` can only be the call of a model: by what else is done to it, or by its name.

        given: it is given what only models take, so anything with a name for instances is one.
        """
        if isinstance(func, ast.Name):
            if func.id == "self":
                return self._owner is not None and self._owner.is_module
            bound = self._module.binding(func.id)
            if isinstance(bound, FunctionInfo | ClassInfo | Import):
                return False
            return (
                (given and not func.id[:1].isupper())
                or func.id in self._modules
                or func.id in self._knowledge.model_names
            )
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name | ast.Attribute):
            if isinstance(func.value, ast.Name) and isinstance(self._module.binding(func.value.id), Import):
                return False
            if (given and func.attr.endswith("model")) or _spelled(func) in self._modules:
                return True
            owned = isinstance(func.value, ast.Name) and func.value.id == "self" and self._owner is not None
            return (
                not (owned and self._owner and func.attr in self._owner.methods)
                and func.attr in self._knowledge.model_names
            )
        return False

    @cached_property
    def _modules(self) -> frozenset[str]:
        """The names and attributes that are used as only modules can be, or are made by a class of modules."""
        if self._owner is None:
            return self._modules_in(self._node)
        known = self._file.modules
        if self._owner.node not in known:
            known[self._owner.node] = self._modules_in(self._owner.node)
        return known[self._owner.node]

    def _modules_in(self, root: ast.AST) -> frozenset[str]:
        found: set[str] = set()
        for part in nodes_of(root):
            match part:
                case ast.Attribute(value=ast.Name() | ast.Attribute() as used, attr=attribute):
                    if attribute in ONLY_MODULES_HAVE:
                        found.add(_spelled(used))
                case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=ast.Call(func=made)):
                    if self._makes_module(made) or getattr(made, "attr", "") in ("eval", "train"):
                        found.add(_spelled(target))
        return frozenset(found - {"self"})

    def _makes_module(self, func: ast.expr) -> bool:
        cls = self._module.project.class_named(self._module, func)
        if cls is not None:
            return cls.is_module
        return self._knowledge.is_module_class(self._module.dotted(func))

    def _is_schedule(self, body: Iterable[ast.AST], names: frozenset[str], over: ast.expr | None = None) -> bool:
        """Whether a loop iterates over something named like a schedule, or its variable is an index into one."""
        if not self._file.names_schedules:
            return False
        if over is not None and any(self._names_schedule(part) for part in nodes_of(over)):
            return True
        return any(
            isinstance(part, ast.Subscript)
            and isinstance(part.ctx, ast.Load)  # to assign its items makes one
            and isinstance(part.slice, ast.Name)
            and part.slice.id in names
            and self._names_schedule(part.value)
            for statement in body
            for part in nodes_of(statement)
        )

    def _names_schedule(self, node: ast.AST) -> bool:
        name = last_name(node)
        known = self._knowledge
        if name not in known.step_schedules and known.step_schedule_words.exact.isdisjoint(name.split("_")):
            return False
        return name not in self._counts

    @cached_property
    def _counts(self) -> frozenset[str]:
        """Names that are assigned a size: `steps = image.shape[0]` counts images."""
        found: set[str] = set()
        for part in nodes_of(self._node):
            if isinstance(part, ast.Assign) and is_size(part.value):
                found.update(name for target in part.targets for name in names_in(target))
        return frozenset(found)

    def _is_loader(self, node: ast.expr) -> bool:
        """Whether an expression gives the batches of a data loader."""
        root = iterated(node)
        if isinstance(root, ast.Call):
            return self._makes_loader(root)
        name = last_name(root)
        if not self._knowledge.loader_words.exact.isdisjoint(name.lower().split("_")):
            return True
        return bool(name) and _spelled(root) in self._loaders

    def _makes_loader(self, call: ast.Call) -> bool:
        return last_name(call.func) in self._knowledge.loaders

    @cached_property
    def _loaders(self) -> frozenset[str]:
        found: set[str] = set()
        roots = [self._node, self._module.tree if self._owner is None else self._owner.node]
        if not self._file.makes_loaders:
            return frozenset()
        for root in roots:
            for part in nodes_of(root):
                if isinstance(part, ast.Assign) and isinstance(part.value, ast.Call) and self._makes_loader(part.value):
                    found.update(_spelled(t) for t in part.targets if isinstance(t, ast.Name | ast.Attribute))
        return frozenset(found)

    def _calls_any(self, body: Iterable[ast.AST], names: frozenset[str]) -> bool:
        return any(isinstance(part, ast.Call) and _is_of(part.func, names) for part in _direct(body))


def _direct(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a body, without those of the loops, functions and classes in it."""
    pending = [part for part in body if not isinstance(part, _BODIES)]
    while pending:
        node = pending.pop()
        yield node
        pending += [child for child in children(node) if not isinstance(child, _BODIES)]


def _trains(body: Iterable[ast.AST]) -> bool:
    """Whether a loop's body, without the loops in it, goes backward."""
    return any(isinstance(part, ast.Attribute) and part.attr == "backward" for part in _direct(body))


def _is_of(func: ast.expr, names: frozenset[str]) -> bool:
    return isinstance(func, ast.Name) and func.id in names


def _spelled(node: ast.expr) -> str:
    """A name or attribute chain as it is written; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _words(node: ast.expr) -> frozenset[str]:
    return frozenset(last_name(node).lower().split("_"))


def gives_batches(name: str, knowledge: Knowledge) -> bool:
    """Whether something is called like what gives batches: `train_iter`, `batches`, `self.loader`."""
    words = set(name.lower().split("_"))
    many = {word + end for word in knowledge.batch_words.exact for end in ("s", "es")}
    return not words.isdisjoint({"iter", "iterator", *many, *knowledge.loader_words.exact})
