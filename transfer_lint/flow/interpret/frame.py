"""Frames: the interpretation of one function, which the handlers of all syntax forms share.

Statements are interpreted in order, with joins where paths meet and a fixpoint at loops. Each syntax form has a
handler, registered by `evaluates` or `executes`. A handler gets the frame and knows nothing else of the interpreter.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from transfer_lint.findings import Assumption
from transfer_lint.flow.program.heat import HeatMap
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.rates import HERE, RateOf
from transfer_lint.flow.program.rebound_locals import rebound_after
from transfer_lint.flow.program.roles import ArgumentRoles
from transfer_lint.flow.program.special_methods import run_by
from transfer_lint.flow.program.syntax import children
from transfer_lint.flow.results.constructions import Construction, DeviceComparison, ImplicitUpload
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.results.waits import ExplicitWait
from transfer_lint.flow.values.state import Meeting, State
from transfer_lint.flow.values.summary import Summary, Template
from transfer_lint.flow.values.symbols import Symbol, Symbols
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind, Why
from transfer_lint.flow.values.values import (
    Class,
    Constant,
    External,
    Function,
    Host,
    Object,
    Package,
    Placed,
    Tensor,
    Tuple,
    Value,
    is_module,
)

ExpressionHandler = Callable[["Frame", ast.expr, State], Value]
StatementHandler = Callable[["Frame", ast.stmt, State], "State | None"]
EXPRESSIONS: dict[type[ast.AST], ExpressionHandler] = {}
STATEMENTS: dict[type[ast.AST], StatementHandler] = {}


def evaluates(*kinds: type[ast.expr]) -> Callable[[ExpressionHandler], ExpressionHandler]:
    """Register a handler for these forms of expression."""

    def register(handler: ExpressionHandler) -> ExpressionHandler:
        for kind in kinds:
            EXPRESSIONS[kind] = handler
        return handler

    return register


def executes(*kinds: type[ast.stmt]) -> Callable[[StatementHandler], StatementHandler]:
    """Register a handler for these forms of statement."""

    def register(handler: StatementHandler) -> StatementHandler:
        for kind in kinds:
            STATEMENTS[kind] = handler
        return handler

    return register


@dataclass
class Loop:
    """The states at the `break` and `continue` statements of a loop."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


@dataclass
class Surroundings:
    """The syntax around the place that is being interpreted."""

    statement: ast.stmt
    in_handler: bool = False
    inline: bool = False
    in_fstring: bool = False
    autocast: bool = False
    default_device: bool = False  # inside `with torch.device(...)`
    traced: bool = False  # inside a function that is passed to `torch.jit.trace` or the like
    logging: bool = False  # among the arguments of a call that logs
    elements: dict[str, str] = field(default_factory=dict)  # see `looped_elements.elements_of`
    comprehension: ast.expr | None = None  # the innermost comprehension whose parts are being interpreted


class Callees(Protocol):
    """What a frame needs to know of other functions, classes and globals; `Summaries` implements it.

    assumptions: what this analysis takes for granted; none, where proofs are wanted.
    watching: whether frames keep the value of every expression.
    fixed_names: module -> its names that stand for the same class, module or external thing in every frame.
    """

    project: Project
    fixed_names: dict[Module, dict[str, Value]]
    roles: ArgumentRoles
    assumptions: frozenset[Assumption]
    watching: bool

    def call(
        self, caller: Frame, info: FunctionInfo, arguments: dict[str, Value], node: ast.expr, state: State
    ) -> Value:
        """Call a function of the tree; the receiver is the argument under ""."""

    def summary(self, info: FunctionInfo, tensors: frozenset[str] = frozenset()) -> Summary | None:
        """The summary of a function; None if it is not known. See `Summaries.summary` for `tensors`."""

    def nested(self, outer: Frame, info: FunctionInfo, state: State) -> None:
        """Interpret a function that is defined inside another."""

    def attribute(self, frame: Frame, owner: Object, name: str, symbol: Symbol) -> Value:
        """The value of an attribute, as given by the object's class or by the place where the object was made."""

    def global_value(self, module: Module, name: str, node: ast.expr, symbols: Symbols) -> Value:
        """The value of a module-level variable that is assigned once."""

    def global_named(self, key: str, symbols: Symbols) -> Value:
        """The value of the module-level variable whose symbol has the name `key`."""

    def sets_default_device(self, module: Module) -> bool:
        """Whether the tree may change the default device of factories."""


class Frame:
    """The interpretation of one function, or of a module's top level (function: None)."""

    def __init__(
        self,
        callees: Callees,
        module: Module,
        function: FunctionInfo | None,
        heat: HeatMap,
    ) -> None:
        self.callees = callees
        self.project = callees.project
        self.knowledge = callees.project.knowledge
        self.module = module
        self.function = function
        self._heat = heat
        self.symbols = Symbols()
        self.templates: dict[Symbol, Template] = {}
        self.sites: dict[ast.Call, Site] = {}
        self.reads: dict[ast.expr, HostRead] = {}
        self.constructions: dict[ast.Call, Construction] = {}
        self.comparisons: dict[ast.Compare, DeviceComparison] = {}
        self.uploads: dict[ast.expr, ImplicitUpload] = {}
        self.waits: dict[ast.Call, ExplicitWait] = {}
        self.mutations: dict[tuple[ast.AST, Symbol | None], bool] = {}  # (node, tensor) -> sure; see `Mutation`
        self.round_trips: dict[ast.Call, Why] = {}
        self.returns: list[tuple[Value, State]] = []
        self.loops: list[Loop] = []
        self.heads: dict[ast.stmt, State] = {}  # loop -> the state at its head, as found so far
        self.ends: dict[ast.AST, ast.expr] = {}  # `with` -> the node that stands for leaving it
        self.handlers: list[list[State]] = []  # the states that may enter each surrounding `except`
        self.values: dict[ast.AST, Value] = {}  # expression -> value; empty unless `watching`
        self.around = Surroundings(module.tree.body[0] if module.tree.body else ast.Pass())
        self.volatile: set[str] = set()  # names that other functions may rebind at any time
        self.last_operands: dict[ast.BoolOp, Value] = {}  # `a and b` -> the value of `b`
        self.replaces_data = False  # whether some tensor's `.data` is assigned
        self.given_up: list[ast.AST] = []  # the functions, or top level, that took too many steps
        self.assumable: set[Assumption] = set()  # assumptions that would tell, or told, more here
        self.outer: dict[str, Value] = {}  # of a nested function: the locals of the functions around it

    def finish(self) -> None:
        """Forget what only the interpretation itself needs. Most of the memory that a function takes is that."""
        self.symbols = Symbols()
        self.templates, self.heads, self.ends, self.last_operands, self.outer = {}, {}, {}, {}, {}
        self.returns, self.loops, self.handlers = [], [], []

    @property
    def rate(self) -> RateOf:
        """How often the place that is being interpreted runs."""
        node = self.function.node if self.function is not None else None
        return self._heat.rate_at(self.module, node, self.around.comprehension or self.around.statement)

    def steps(self, inside: ast.AST) -> bool:
        """Whether a loop with this statement, or a comprehension, is one over steps or layers."""
        changes = self._heat.changes(self.module, self.function.node if self.function is not None else None)
        there, here = changes.get(inside, HERE), changes.get(self.around.statement, HERE)
        return there is not here and len(there.changes) > len(here.changes)

    # ---- running -------------------------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt], state: State | None) -> State | None:
        """Interpret statements in order; None once no path continues."""
        for statement in body:
            if state is None:
                return None
            before, self.around.statement = self.around.statement, statement
            state = self.statement(statement, state)
            self.around.statement = before
            if state is not None:
                if "__del__" in self.acting:
                    self._end_objects(statement, state)
                state.forget_garbage()
                self.may_raise(state)
        return state

    def _end_objects(self, statement: ast.stmt, state: State) -> None:
        """What has a `__del__` may go after any statement, and garbage of other functions as well."""
        where = self.epoch(statement), statement.lineno
        owners = (owner for ident, owner in state.sharing.owners.items() if ident in state.heap)
        ending = [o for o in owners if isinstance(o.cls, ClassInfo) and o.cls.method("__del__") is not None]
        state.havoc_all(ending, *where)
        if state.sharing.may_hide():
            state.havoc_globals(*where)

    def run_operators(self, values: Sequence[Value], node: ast.AST, state: State, dotted: str = "") -> None:
        """Apply an operator, subscript, loop, test or function to values: the special methods of instances may run.

        Those of a value of an unknown class are among the tree's, unless no changes are hidden. dotted: what is called.
        """
        held = [value for value in values if isinstance(value, Object | Tuple)]
        ran = [value for value in _with_items(held, state) if self._acts(value, node, state, dotted)] if held else ()
        if ran:
            where = self.epoch(node), getattr(node, "lineno", 0)
            state.run_unseen((*values, *ran), *where)
            state.havoc_all(ran, *where)

    def _acts(self, value: Object, node: ast.AST, state: State, dotted: str) -> bool:
        """Whether what an operation runs of an object may move or assign something."""
        if isinstance(value.cls, ClassInfo):
            return value.cls.operates
        return value.cls is None and not self.acting.isdisjoint(run_by(node, dotted)) and state.sharing.may_hide()

    @cached_property
    def acting(self) -> frozenset[str]:
        """The special methods of classes of the tree that move or assign something."""
        return frozenset(self.project.acting(self.module.path))

    def may_raise(self, state: State) -> None:
        """An exception may be raised here: this state may enter the innermost handlers, and by them the outer ones."""
        if self.handlers:
            self.handlers[-1].append(state.copy())

    def statement(self, node: ast.stmt, state: State) -> State | None:
        """Interpret one statement."""
        handler = STATEMENTS.get(type(node))
        return handler(self, node, state) if handler else state

    def eval(self, node: ast.expr, state: State) -> Value:
        """The value of an expression."""
        state.sharing.spend(1)
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            for child in children(node):
                if isinstance(child, ast.expr):
                    self.eval(child, state)
            return self.unknown(node)
        value = handler(self, node, state)
        if self.callees.watching:
            self.values[node] = value
        return value

    def merge(self, states: Sequence[State | None], where: ast.AST, kind: str) -> State | None:
        """The join of the states (None: a path that does not continue); `where` and `kind` name the program point."""
        merged: State | None = None
        meeting = Meeting() if len(states) > 3 else None
        for state in states:
            if state is None or state is merged:
                continue
            key = (kind, id(where))
            merged = state if merged is None else merged.joined(state, key, getattr(where, "lineno", 0), meeting)
        return merged

    # ---- making values -------------------------------------------------------------------------------------------

    def symbol(self, node: ast.AST, label: str, part: str = "") -> Symbol:
        """The symbol of the value that a node makes, or of a part of it."""
        return self.symbols.make((id(node), part), label, getattr(node, "lineno", 0))

    def unknown(self, node: ast.AST, label: str = "") -> Object:
        """A value about which nothing is known."""
        return Object(self.symbol(node, label or "this value"))

    def epoch(self, node: ast.AST) -> str:
        """The name of the epoch that begins when a node runs."""
        return f"{id(node)}"

    def fact(self, node: ast.AST, text: str) -> Fact:
        """A fact about a node; `{}` in the text stands for its source."""
        return Fact(self.module, node, text)

    def assume(self, assumption: Assumption, node: ast.AST, text: str) -> Fact | None:
        """A fact that rests on an assumption; None if this analysis does not make that assumption."""
        self.assumable.add(assumption)
        return Fact(self.module, node, text, assumption) if assumption in self.callees.assumptions else None

    def placed_by(self, value: Value, node: ast.AST | None = None) -> Term | None:
        """The term of a value that is used as a device or dtype; None if it can be neither.

        node: the place, where only a device or dtype can be used. Then all but Python's None, and numbers with a
            fraction, have a term, which says nothing of those that are not known.
        """
        match value:
            case Placed():
                return value.known.term
            case Constant(value=str() as text):
                return Term(TermKind.CONSTANT, text)
            case Constant(value=int() as index) if not isinstance(index, bool):
                return Term(TermKind.CONSTANT, f"cuda:{index}")
            case Object(cls=None) | Host(array=False):
                return Term(TermKind.VALUE, symbol=value.ident)
            case External(name=name) if node is not None:
                return Term(TermKind.VALUE, symbol=self._imported(name, node))
            case Object() | Tuple() | Function() | Class() | Package() if node is not None:
                return Term(TermKind.VALUE, symbol=self.symbol(node, "this value"))
        return None

    def _imported(self, name: str, node: ast.AST) -> Symbol:
        """What a name from outside the tree stands for at a place. Where no changes are hidden, always the same."""
        self.assumable.add(Assumption.NO_HIDDEN_CHANGES)
        settled = Assumption.NO_HIDDEN_CHANGES in self.callees.assumptions
        label = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else name
        return self.symbols.make(("imported", name), label, 0) if settled else self.symbol(node, label)

    def unless_autocast(self, dtype: Known | None) -> Known | None:
        """The dtype of a result that autocast may change: marked `outside_autocast`, or None inside autocast."""
        return Known(dtype.term, dtype.why, True) if dtype is not None and not self.around.autocast else None

    def later(self, state: State, node: ast.AST) -> State:
        """The state that code which runs at some later time (the body of a lambda) may rely on."""
        inner = state.copy()
        rebound = self.rebound_after(node)
        for name in inner.locals:
            value = inner.locals[name]
            if name in rebound:
                inner.locals[name] = Object(self.symbol(node, name, name))
            elif isinstance(value, Tensor):
                inner.locals[name] = Tensor(value.ident, optional=value.optional, why=value.why)
            elif isinstance(value, Object) and value.placed != (None, None):
                inner.locals[name] = replace(value, placed=(None, None))
        everything = [Object(ident) for ident in inner.heap]
        inner.havoc_all(everything, f"later {id(node)}", getattr(node, "lineno", 0), module_level=True)
        return inner

    def rebound_after(self, node: ast.AST) -> frozenset[str]:
        """The locals that may be bound again while code that a node makes, and that runs later, is there."""
        return rebound_after(self.function.node if self.function is not None else self.module.tree, node)

    @contextmanager
    def inlined(self) -> Iterator[None]:
        """A context in which sites are marked as inside a lambda or comprehension."""
        before, self.around.inline = self.around.inline, True
        yield
        self.around.inline = before

    @contextmanager
    def repeated(self, node: ast.expr) -> Iterator[Callable[[dict[str, str]], None]]:
        """A context for the parts of a comprehension.

        Once what it yields is called, with the names that are elements of tensors, they run for every item.
        """
        around = self.around
        before, elements = around.comprehension, around.elements

        def enter(names: dict[str, str]) -> None:
            around.comprehension, around.elements = node, around.elements | names

        yield enter
        around.comprehension, around.elements = before, elements

    def phi(self, node: ast.AST, label: str, part: str = "") -> Callable[[str], Symbol]:
        """A function that makes the symbols of values that are joined at a node; see `join`."""
        return lambda path: self.symbol(node, label, part + path)

    def is_module(self, value: Value) -> bool:
        """Whether the value is proved to be a torch.nn.Module whose weights all move together."""
        return is_module(value, self.knowledge)


def _with_items(values: Iterable[Value], state: State) -> Iterator[Object]:
    """The objects among values, and among the items of tuples, lists and dictionaries that are known."""
    pending, seen = list(values), set[Symbol]()
    while pending:
        value = pending.pop()
        if isinstance(value, Tuple):
            pending += value.items
        elif isinstance(value, Object) and value.ident not in seen:
            seen.add(value.ident)
            yield value
            if value.cls in ("builtins.list", "builtins.dict"):
                pending += state.record(value.ident).attributes.values()
