"""Which statements of a function run at every step, in every layer, or rarely: judged by what the code does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Import, Module
from transfer_lint.flow.program.rates import Change
from transfer_lint.flow.program.syntax import nodes_of

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp

_FOR = (ast.For, ast.AsyncFor)
_BODIES = (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FEW = 4  # iterations of a loop that is not over steps, whatever it does; of `i % n`: too few to throttle
_WRAPPERS = frozenset({"enumerate", "zip", "iter", "islice", "tqdm", "trange", "cycle", "track", "reversed", "prepare"})
_OF_WEIGHTS = frozenset(
    {"parameters", "named_parameters", "modules", "named_modules", "children", "named_children", "buffers",
     "named_buffers", "items", "keys", "values", "state_dict"}
)  # fmt: skip
_ONLY_MODULES_HAVE = frozenset(
    {"eval", "train", "parameters", "named_parameters", "state_dict", "load_state_dict", "zero_grad", "modules",
     "named_modules", "buffers"}
)  # fmt: skip


class FileFacts:
    """What is found out once for all functions of a file.

    names_schedules, makes_loaders: whether its text holds a word that is needed for that.
    modules: class -> what its methods use as only modules can be used, as far as it has been asked for.
    """

    def __init__(self, module: Module) -> None:
        knowledge = module.project.knowledge
        self.module = module
        self.names_schedules = any(word in module.text for word in knowledge.step_words)
        self.makes_loaders = any(name in module.text for name in knowledge.loaders.exact)
        self.modules: dict[ast.AST, frozenset[str]] = {}


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
            return (Change.STEP,) if self._does_step([node.test, *node.body]) else ()
        assert isinstance(node, _FOR)
        names = _names(node.target)
        if not isinstance(_root(node.iter), ast.Call) and self._calls_any(node.body, names):
            return (Change.LAYER,)  # `for block in self.blocks: x = block(x)`
        if self._counts_little(node.iter) or self._is_over_weights(node.iter):
            return ()
        if self._is_schedule(node, names):
            return (Change.STEP,)
        if self._is_loader(node.iter) or self._does_step(node.body):
            root = _root(node.iter)
            counts = isinstance(root, ast.Call) and _is_of(root.func, frozenset({"range"}))
            return (Change.STEP,) if counts or not self._evaluates else (Change.EVALUATION,)
        return ()

    @cached_property
    def _evaluates(self) -> bool:
        """Whether the function only evaluates: it turns gradients or training off, and never goes backward."""
        attributes = {part.attr for part in nodes_of(self._node) if isinstance(part, ast.Attribute)}
        return bool(attributes & {"no_grad", "inference_mode", "eval"}) and "backward" not in attributes

    def comprehension(self, node: Comprehension) -> tuple[Change, ...]:
        """How a comprehension changes the rate of its element."""
        first = node.generators[0]
        made: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        if self._counts_little(first.iter) or self._is_over_weights(first.iter):
            return ()
        if self._is_loader(first.iter):
            return (Change.STEP,)
        calls = (part for root in made for part in nodes_of(root) if isinstance(part, ast.Call))
        names = _names(first.target)
        return (Change.STEP,) if any(self._is_model(c.func) and not _is_of(c.func, names) for c in calls) else ()

    # ---- loops over steps ----------------------------------------------------------------------------------------

    def _does_step(self, body: Iterable[ast.AST]) -> bool:
        """Whether a loop's body, without the loops in it, calls a model, goes backward, or steps an optimizer."""
        return any(isinstance(part, ast.Call) and self._is_step(part) for part in _direct(body))

    def _is_step(self, call: ast.Call) -> bool:
        func = call.func
        if isinstance(func, ast.Attribute):
            if func.attr == "backward" and not isinstance(func.value, ast.Call):
                return True
            # A learning rate's scheduler takes no sample, and steps once an epoch.
            if func.attr == "step" and _words(func.value) & self._knowledge.steppers.exact:
                return bool(call.args) or not {"scheduler", "sched"} & _words(func.value)
            if func.attr in self._knowledge.model_methods:
                return True
        return self._is_model(func)

    def _is_model(self, func: ast.expr) -> bool:
        """Whether a call of `func` can only be the call of a model: by what else is done to it, or by its name."""
        if isinstance(func, ast.Name):
            bound = self._module.binding(func.id)
            if isinstance(bound, FunctionInfo | ClassInfo | Import):
                return False
            return func.id in self._modules or self._is_named_model(func.id)
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name | ast.Attribute):
            if isinstance(func.value, ast.Name) and isinstance(self._module.binding(func.value.id), Import):
                return False
            if _spelled(func) in self._modules:
                return True
            owned = isinstance(func.value, ast.Name) and func.value.id == "self" and self._owner is not None
            return not (owned and self._owner and func.attr in self._owner.methods) and self._is_named_model(func.attr)
        return False

    def _is_named_model(self, name: str) -> bool:
        return name in self._knowledge.model_names

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
                    if attribute in _ONLY_MODULES_HAVE:
                        found.add(_spelled(used))
                case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=ast.Call(func=made)):
                    if self._makes_module(made):
                        found.add(_spelled(target))
        return frozenset(found - {"self"})

    def _makes_module(self, func: ast.expr) -> bool:
        cls = self._module.project.class_named(self._module, func)
        if cls is not None:
            return cls.is_module
        return self._knowledge.is_module_class(self._module.dotted(func))

    def _is_schedule(self, node: ast.For | ast.AsyncFor, names: frozenset[str]) -> bool:
        """Whether a loop iterates over something named like a schedule, or its variable is an index into one."""
        if not self._file.names_schedules:
            return False
        if any(self._names_schedule(part) for part in nodes_of(node.iter)):
            return True
        return any(
            isinstance(part, ast.Subscript)
            and isinstance(part.slice, ast.Name)
            and part.slice.id in names
            and self._names_schedule(part.value)
            for statement in node.body
            for part in nodes_of(statement)
        )

    def _names_schedule(self, node: ast.AST) -> bool:
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        known = self._knowledge
        if name not in known.step_schedules and known.step_schedule_words.exact.isdisjoint(name.split("_")):
            return False
        return name not in self._counts

    @cached_property
    def _counts(self) -> frozenset[str]:
        """Names that are assigned a size: `steps = image.shape[0]` counts images."""
        found: set[str] = set()
        for part in nodes_of(self._node):
            if isinstance(part, ast.Assign) and _is_size(part.value):
                found.update(name for target in part.targets for name in _names(target))
        return frozenset(found)

    def _is_loader(self, node: ast.expr) -> bool:
        """Whether an expression gives the batches of a data loader."""
        root = _root(node)
        if isinstance(root, ast.Call):
            return self._makes_loader(root)
        name = root.id if isinstance(root, ast.Name) else root.attr if isinstance(root, ast.Attribute) else ""
        if not self._knowledge.loader_words.exact.isdisjoint(name.lower().split("_")):
            return True
        return bool(name) and _spelled(root) in self._loaders

    def _makes_loader(self, call: ast.Call) -> bool:
        func = call.func
        name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
        return name in self._knowledge.loaders

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

    def _counts_little(self, node: ast.expr) -> bool:
        """Whether a loop has a few iterations that are spelled out: `range(2)`, `(1.0, 0.5)`."""
        match _root(node):
            case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as count)]):
                return count <= _FEW
            case ast.Tuple() | ast.List():
                return True
        return False

    def _is_over_weights(self, node: ast.expr) -> bool:
        """Whether a loop goes over the parts or weights of a model, or over the items of a dictionary."""
        root = _root(node)
        return isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute) and root.func.attr in _OF_WEIGHTS

    def _calls_any(self, body: Iterable[ast.AST], names: frozenset[str]) -> bool:
        return any(isinstance(part, ast.Call) and _is_of(part.func, names) for part in _direct(body))


def _direct(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a body, without those of the loops, functions and classes in it."""
    pending = [part for part in body if not isinstance(part, _BODIES)]
    while pending:
        node = pending.pop()
        yield node
        pending += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _BODIES)]


def _root(node: ast.expr) -> ast.expr:
    """What an iteration goes over: `loader` of `enumerate(tqdm(loader, leave=False), 1)`."""
    while isinstance(node, ast.Call) and node.args:
        func = node.func
        name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
        if name not in _WRAPPERS or isinstance(node.args[0], ast.Starred):
            break
        node = node.args[0]
    return node


def _names(target: ast.AST) -> frozenset[str]:
    return frozenset(part.id for part in nodes_of(target) if isinstance(part, ast.Name))


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
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return frozenset(name.lower().split("_"))


def _is_size(node: ast.expr) -> bool:
    """Whether an expression is a size: `x.shape[0]`, `len(xs)`, `x.size(0)`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="shape")) | ast.Attribute(attr="shape"):
            return True
        case ast.Call(func=ast.Name(id="len") | ast.Attribute(attr="size" | "numel")):
            return True
    return False
