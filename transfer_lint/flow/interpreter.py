"""Interprets one function: statements in order, joins where paths meet, a fixpoint at loops.

The handlers for the syntax forms live in `statements`, `expressions`, `calls` and `transfers`; this file holds what
they share.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from transfer_lint.findings import Heat
from transfer_lint.flow.changes import written
from transfer_lint.flow.modules import Binding, ClassInfo, FunctionInfo, Import, Module
from transfer_lint.flow.objects import apart, initial_attribute, store
from transfer_lint.flow.reads import HostRead
from transfer_lint.flow.records import Record, Sharing
from transfer_lint.flow.sites import Site
from transfer_lint.flow.state import State
from transfer_lint.flow.values import (
    Class,
    Constant,
    External,
    Fact,
    Function,
    Host,
    Known,
    Object,
    Package,
    Placed,
    Symbol,
    Symbols,
    Tensor,
    Term,
    TermKind,
    Tuple,
    Value,
    Why,
)

if TYPE_CHECKING:
    from transfer_lint.flow.summaries import Summaries
    from transfer_lint.flow.summary import Template

ExpressionHandler = Callable[["Interpreter", ast.expr, State], Value]
StatementHandler = Callable[["Interpreter", ast.stmt, State], "State | None"]
EXPRESSIONS: dict[type[ast.AST], ExpressionHandler] = {}
STATEMENTS: dict[type[ast.AST], StatementHandler] = {}


@dataclass
class Loop:
    """Where `break` and `continue` of a loop lead."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


@dataclass
class Surroundings:
    """What syntactically surrounds the place that is being interpreted."""

    statement: ast.stmt
    in_handler: bool = False
    inline: bool = False
    in_fstring: bool = False
    autocast: bool = False
    default_device: bool = False  # inside `with torch.device(...)`
    traced: bool = False  # inside a function that is handed to `torch.jit.trace` or the like


class Interpreter:
    """The interpretation of one function (or of a module's top level)."""

    def __init__(self, summaries: Summaries, module: Module, function: FunctionInfo | None, heat: Heat) -> None:
        self.summaries = summaries
        self.project = module.project
        self.knowledge = module.project.knowledge
        self.module = module
        self.function = function
        self.heat = heat
        self.symbols = Symbols()
        self.templates: dict[Symbol, Template] = {}
        self.sites: dict[ast.Call, Site] = {}
        self.reads: dict[ast.expr, HostRead] = {}
        self.changes: dict[tuple[ast.AST, Symbol | None], bool] = {}  # see `changes.Change`
        self.round_trips: dict[ast.Call, Why] = {}
        self.returns: list[tuple[Value, State]] = []
        self.loops: list[Loop] = []
        self.heads: dict[ast.stmt, State] = {}  # what holds whenever a loop's body begins
        self.ends: dict[ast.AST, ast.expr] = {}  # what stands for leaving a `with`
        self.handlers: list[list[State]] = []  # states from which each surrounding `except` may be entered
        self.watch: dict[ast.AST, Value] = {}  # every expression's value, when somebody wants an explanation
        self.around = Surroundings(module.tree.body[0] if module.tree.body else ast.Pass())
        self.volatile: set[str] = set()  # locals that a nested function rebinds
        self.replaces_data = False  # whether some tensor's `.data` is assigned
        self.outer: dict[str, Value] = {}  # what a nested function sees of the function around it

    # ---- running -------------------------------------------------------------------------------------------------

    def new_state(self) -> State:
        """The state at function entry."""
        return State(self.symbols, partial(initial_attribute, self), Sharing(self.is_module, partial(apart, self)))

    def block(self, body: Sequence[ast.stmt], state: State | None) -> State | None:
        """Interpret statements in order; None once no path leads on."""
        for statement in body:
            if state is None:
                return None
            before, self.around.statement = self.around.statement, statement
            state = self.statement(statement, state)
            self.around.statement = before
            if state is not None:
                self.may_raise(state)
        return state

    def operate(self, values: Sequence[Value], node: ast.expr, state: State) -> None:
        """An operator, a subscript, a loop or a test is applied to values: instances may have code for that."""
        for value in values:
            if isinstance(value, Object) and isinstance(value.cls, ClassInfo) and value.cls.operates:
                state.havoc(value, self.epoch(node), node.lineno)
                state.havoc_globals(self.epoch(node), node.lineno)

    def may_raise(self, state: State) -> None:
        """An exception may lead from here to what surrounds this place."""
        for entries in self.handlers:
            entries.append(state.copy())

    def statement(self, node: ast.stmt, state: State) -> State | None:
        """Interpret one statement."""
        handler = STATEMENTS.get(type(node))
        return handler(self, node, state) if handler else state

    def eval(self, node: ast.expr, state: State) -> Value:
        """The value of an expression."""
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.eval(child, state)
            return self.unknown(node)
        value = handler(self, node, state)
        if self.summaries.watching:
            self.watch[node] = value
        return value

    def merge(self, states: Sequence[State | None], where: ast.AST, kind: str) -> State | None:
        """What holds on whichever of the paths was taken."""
        merged: State | None = None
        for state in states:
            if state is None or state is merged:
                continue
            key = (kind, id(where))
            merged = state if merged is None else merged.joined(state, key, getattr(where, "lineno", 0))
        return merged

    # ---- making values -------------------------------------------------------------------------------------------

    def symbol(self, node: ast.AST, label: str, part: str = "") -> Symbol:
        """The symbol for what a node makes."""
        return self.symbols.make((id(node), part), label, getattr(node, "lineno", 0))

    def unknown(self, node: ast.AST, label: str = "") -> Object:
        """A value of which nothing is known."""
        return Object(self.symbol(node, label or "this value"))

    def epoch(self, node: ast.AST) -> str:
        """Names the moment at which a node runs."""
        return f"{id(node)}"

    def fact(self, node: ast.AST, text: str) -> Fact:
        """Something to say of a node, with `{}` for its source."""
        return Fact(self.module, node, text)

    def placed_by(self, value: Value) -> Term | None:
        """The term that a value used as a device or dtype stands for; None for what can be neither."""
        match value:
            case Placed():
                return value.known.term
            case Constant(value=str() as text):
                return Term(TermKind.CONSTANT, text)
            case Constant(value=int() as index) if not isinstance(index, bool):
                return Term(TermKind.CONSTANT, f"cuda:{index}")
            case Object(cls=None):
                return Term(TermKind.VALUE, symbol=value.ident)
        return None

    def unless_autocast(self, dtype: Known | None) -> Known | None:
        """The dtype of a result that autocast may make another one."""
        return replace(dtype, outside_autocast=True) if dtype is not None and not self.around.autocast else None

    def later(self, state: State, node: ast.AST) -> State:
        """What code that runs at some later time (a lambda's body) may rely on."""
        inner = state.copy()
        for name in inner.locals:
            value = inner.locals[name]
            if isinstance(value, Tensor):
                inner.locals[name] = Tensor(value.ident, optional=value.optional, why=value.why)
        inner.havoc_all([Object(ident) for ident in inner.heap], f"later {id(node)}", getattr(node, "lineno", 0))
        return inner

    @contextmanager
    def inlined(self) -> Iterator[None]:
        """Inside a lambda or comprehension."""
        before, self.around.inline = self.around.inline, True
        yield
        self.around.inline = before

    # ---- names ---------------------------------------------------------------------------------------------------

    def name(self, node: ast.Name, state: State) -> Value:
        """The value of a name that is read."""
        value = state.locals.get(node.id)
        if value is not None:
            return self.unknown(node, node.id) if node.id in self.volatile else value
        if node.id in self.outer:
            return self.outer[node.id]
        binding = self.module.binding(node.id)
        if binding is not None:
            return self.bound(self.module, node.id, binding)
        if node.id in self.module.bindings or self.module.stars:
            return self.unknown(node, node.id)
        return External(f"builtins.{node.id}")

    def bound(self, module: Module, name: str, binding: Binding) -> Value:
        """What a module-level binding makes of its name."""
        match binding:
            case FunctionInfo():
                return Function(binding)
            case ClassInfo():
                return Class(binding)
            case Import():
                return self.imported(module, binding)
        return self.summaries.global_value(module, name, binding, self.symbols)

    def imported(self, module: Module, found: Import) -> Value:
        """What an import binds."""
        target = self.project.module_for(module, found)
        if found.name is None:
            return Package(target) if target is not None else External(found.module)
        if target is not None and target is not module:
            binding = target.binding(found.name)
            if binding is not None:
                return self.bound(target, found.name, binding)
        submodule = self.project.module_for(module, found, found.name)
        if submodule is not None:
            return Package(submodule)
        return External(self.project.external_name(module, found))

    # ---- objects -------------------------------------------------------------------------------------------------

    def is_module(self, value: Value) -> bool:
        """Whether the value is proved to be a torch.nn.Module that moves as one."""
        if not isinstance(value, Object) or value.cls is None:
            return False
        return value.cls.is_module if isinstance(value.cls, ClassInfo) else self.knowledge.is_module_class(value.cls)

    def assign(self, target: ast.expr, value: Value, state: State) -> None:
        """Bind an assignment's target."""
        match target:
            case ast.Name(id=name):
                state.locals[name] = value
            case ast.Attribute():
                owner = self.eval(target.value, state)
                if target.attr == "data" and (
                    isinstance(owner, Tensor) or (isinstance(owner, Object) and owner.cls is None)
                ):
                    self.replaces_data = True
                    state.replace_data(self.epoch(target), target.lineno)
                elif isinstance(owner, Object):
                    store(self, owner, target.attr, value, target, state)
            case ast.Subscript():
                self._assign_item(target, value, state)
            case ast.Tuple() | ast.List():
                for number, item in enumerate(target.elts):
                    if isinstance(item, ast.Starred):
                        self.assign(item.value, self.unknown(item), state)
                    else:
                        self.assign(item, self.item(value, number, item, state), state)

    def _assign_item(self, target: ast.Subscript, value: Value, state: State) -> None:
        owner = self.eval(target.value, state)
        key = self.eval(target.slice, state)
        if isinstance(key, Constant) and isinstance(key.value, str):
            self._note_per_step_use(key.value, value, target)
        written(self, target, (owner,))
        if isinstance(owner, Object):
            if isinstance(key, Constant):
                store(self, owner, f"[{key.value!r}]", value, target, state)
            else:
                state.havoc(owner, self.epoch(target), target.lineno)

    def _note_per_step_use(self, key: str, value: Value, target: ast.Subscript) -> None:
        if isinstance(value, Tensor) and key in self.knowledge.per_step_keys:
            for move in value.moved_from:
                self.round_trips[move] = (self.fact(target, "`{}` is used on the accelerator at every sampling step"),)

    def item(self, value: Value, index: int, node: ast.AST, state: State) -> Value:
        """Item `index` of a sequence."""
        match value:
            case Tuple() if index < len(value.items):
                return value.items[index]
            case Object():
                attributes = state.record(value.ident).attributes
                if f"[{index}]" in attributes:
                    return attributes[f"[{index}]"]
                if "[]" in attributes:
                    return self.some(attributes["[]"], node, state, str(index))
                return state.read(value, f"[{index}]")
            case Tensor():
                fresh = self.symbol(node, "an item", str(index))
                return Tensor(fresh, value.device, value.dtype, shares=value.memory(), why=value.why)
        return self.unknown(node)

    def phi(self, node: ast.AST, label: str, part: str = "") -> Callable[[str], Symbol]:
        """Makes the symbols of values that are merged at a node."""
        return lambda path: self.symbol(node, label, part + path)

    def any_of(self, values: Sequence[Value], node: ast.AST, state: State) -> Value:
        """One of several values, nobody knows which."""
        merged = values[0]
        for number, value in enumerate(values[1:]):
            merged = state.merge_values(merged, value, self.phi(node, "an item", str(number)))
        return self.some(merged, node, state)

    def element(self, value: Value, node: ast.AST, state: State) -> Value:
        """Some item of what is iterated over."""
        match value:
            case Tuple() if value.items:
                return self.any_of(value.items, node, state)
            case Object():
                held = [v for name, v in state.record(value.ident).attributes.items() if name.startswith("[")]
                if value.cls in ("builtins.list", *_CONTAINERS) and held:
                    return self.any_of(held, node, state)
                found = self.unknown(node, "an item")
                state.sharing.alias(found.ident, value.ident)
                if value.cls in _CONTAINERS:
                    return self.summaries.attribute(self, value, "[]", found.ident)
                return found
            case Tensor():
                fresh = self.symbol(node, "an item")
                return Tensor(fresh, value.device, value.dtype, shares=value.memory(), why=value.why)
            case Host():
                return Host(self.symbol(node, "an item"))
        return self.unknown(node, "an item")

    def some(self, value: Value, node: ast.AST, state: State, part: str = "") -> Value:
        """One of several things that are alike: what happens to it does not happen to the others."""
        match value:
            case Tensor():
                device = value.device if value.device and value.device.term.symbol is not value.ident else None
                fresh = self.symbol(node, "an item", part)
                return replace(value, ident=fresh, device=device, optional=False, shares=value.memory())
            case Object():
                made = replace(value, ident=self.symbol(node, "an item", part))
                record = state.record(value.ident)
                attributes = record.attributes if value.cls in _ITEMS_ONLY else {}
                state.heap[made.ident] = Record(made.ident, attributes, record.device, record.dtype)
                state.sharing.twin(made.ident, value.ident)
                state.sharing.alias(made.ident, value.ident)
                return made
            case Tuple():
                return Tuple(tuple(self.some(v, node, state, f"{part}[{n}]") for n, v in enumerate(value.items)))
        return value


_ITEMS_ONLY = ("builtins.list", "builtins.dict")
_CONTAINERS = ("torch.nn.ModuleList", "torch.nn.ParameterList")
