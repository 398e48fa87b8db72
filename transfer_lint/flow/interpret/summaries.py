"""Summaries: computed once per function with symbolic arguments, and instantiated at each call.

The symbols of a summary stand for the parameters and for attribute paths from them
(`self.image_proj_model.norm_out`). At a call site, these are read in the caller's state. A recursive call is treated as
a call of unknown code.
"""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from dataclasses import replace

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret import displays, expressions, loops, statements, try_with
from transfer_lint.flow.interpret.annotations import annotated
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.instantiation import Instantiation, bind
from transfer_lint.flow.interpret.objects import entry_state, is_reassigned, may_be_set, supposed_same
from transfer_lint.flow.interpret.parameters import parameter
from transfer_lint.flow.interpret.sampler_values import handed_over_by_sampler, is_given_by_sampler
from transfer_lint.flow.interpret.templates import as_constructed, because, ground, lasting
from transfer_lint.flow.interpret.unknown_calls import unknown_call
from transfer_lint.flow.interpret.without_flow import without_flow
from transfer_lint.flow.knowledge.names import TORCHSCRIPT
from transfer_lint.flow.program.guards import tested_for_tensor
from transfer_lint.flow.program.heat import HeatMap
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.rebound_locals import bound_in
from transfer_lint.flow.program.roles import ArgumentRoles
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.values.aliasing import Attempts, Later, OverBudget
from transfer_lint.flow.values.records import AT_ENTRY
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.summary import MOST_EFFECTS, Summary, Template, code_seen_by_callers
from transfer_lint.flow.values.symbols import Symbol, Symbols
from transfer_lint.flow.values.terms import Known, Term, TermKind
from transfer_lint.flow.values.values import NONE, Constant, Function, Host, Object, Placed, Tensor, Value, objects_of

HANDLERS = (displays, expressions, loops, statements, try_with)
"""The modules that are imported to register their handlers."""

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SMALL = 250  # nodes of a function that is followed again for arguments that are tensors


class Summaries:
    """All summaries of a project, computed on demand.

    beside: other summaries of the project; what rests on no assumption is found out once for all.
    budget: the steps that the interpretation of one function may take; see `Sharing.spend`. One that takes more is
        given up: its callers know nothing of it, and its sites are judged without flow.
    """

    def __init__(
        self,
        project: Project,
        *,
        assumptions: frozenset[Assumption] = frozenset(),
        beside: Summaries | None = None,
        budget: int = sys.maxsize,
        watching: bool = False,
    ) -> None:
        self.project = project
        self.budget = budget
        self.assumptions = assumptions
        self.heat: HeatMap = beside.heat if beside is not None else HeatMap(project)
        self.roles: ArgumentRoles = beside.roles if beside is not None else ArgumentRoles(project)
        self.fixed_names: dict[Module, dict[str, Value]] = beside.fixed_names if beside is not None else {}
        self._beside = beside
        self._done: dict[ast.AST, Frame] = {}
        self._tops: dict[Module, Frame] = {}
        self._summaries: dict[ast.AST, Summary | None] = {}
        self._for_tensors: dict[tuple[ast.AST, frozenset[str]], Summary | None] = {}
        self._asks: dict[ast.AST, frozenset[str]] = {}
        self._running: set[ast.AST] = set()
        self._global_nodes: dict[str, tuple[Module, str, ast.expr]] = beside._global_nodes if beside is not None else {}
        self._globals: dict[tuple[str, str], Value | None] = {}
        self._shapes: dict[tuple[ClassInfo, str], FunctionInfo | None] = {}
        self.watching = watching  # whether frames keep the value of every expression

    # ---- running -------------------------------------------------------------------------------------------------

    def interpretation(self, info: FunctionInfo) -> Frame:
        """The interpretation of a function, with its sites. Memoised."""
        if info.node not in self._done:
            frame = self._frame(info.module, info)
            tracers = self.project.knowledge.tracers
            frame.around.traced = any(name in tracers and name != TORCHSCRIPT for name in info.decorators)
            self._running.add(info.node)
            try:
                if self._beside is not None and self._beside.has_given_up(info, self.assumptions):
                    raise OverBudget
                self.run(frame, info, self._entry_state(frame))
            except OverBudget:
                frame = self._given_up(info.module, info)
                self._summaries[info.node] = None
            finally:
                self._running.discard(info.node)
            self._done[info.node] = frame
        return self._done[info.node]

    def has_given_up(self, info: FunctionInfo, assumptions: frozenset[Assumption]) -> bool:
        """Whether a function took too many steps here; with fewer assumptions it takes more of them."""
        done = self._done.get(info.node)
        return done is not None and info.node in done.given_up and assumptions <= self.assumptions

    def top_level(self, module: Module) -> Frame:
        """The interpretation of the code that runs at import. Memoised."""
        if module not in self._tops:
            frame = self._frame(module, None)
            state = self._entry_state(frame)
            try:
                frame.block(_top_level(module), state)
                frame.assumable |= state.sharing.assumable()
                frame.finish()
            except OverBudget:
                frame = self._given_up(module, None)
            self._tops[module] = frame
        return self._tops[module]

    def _entry_state(self, frame: Frame) -> State:
        state = entry_state(frame)
        state.sharing.budget = self.budget
        return state

    def _given_up(self, module: Module, info: FunctionInfo | None) -> Frame:
        """The interpretation of a function, or of a top level, that takes too many steps."""
        frame = self._frame(module, info)
        frame.given_up.append(info.node if info is not None else module.tree)
        without_flow(frame, info.node.body if info is not None else _top_level(module), self.budget)
        return frame

    def _frame(self, module: Module, info: FunctionInfo | None) -> Frame:
        return Frame(self, module, info, self.heat)

    def run(self, frame: Frame, info: FunctionInfo, state: State, tensors: frozenset[str] = frozenset()) -> Summary:
        """Interpret a function's body with symbolic arguments; those in `tensors` are known to be tensors."""
        parameters: dict[str, Symbol] = {}
        for number, argument in enumerate(info.parameters):
            symbol = frame.symbols.make(("parameter", argument.arg), argument.arg, 0)
            parameters[argument.arg] = symbol
            value = parameter(frame, info, number, argument, symbol)
            if argument.arg in tensors and not isinstance(value, Tensor):
                value = Tensor(symbol)
            state.locals[argument.arg] = value
        for rest in (info.node.args.vararg, info.node.args.kwarg):
            if rest is not None:
                symbol = frame.symbols.make(("parameter", rest.arg), rest.arg, 0)
                state.locals[rest.arg] = Object(symbol)
        end = frame.block(info.node.body, state)
        if end is not None:
            frame.returns.append((NONE, end))
        frame.assumable |= state.sharing.assumable()
        summary = self._summaries[info.node] = self._summarise(frame, info, parameters, state.sharing.attempts)
        frame.finish()
        return summary

    def _summarise(
        self, frame: Frame, info: FunctionInfo, parameters: dict[str, Symbol], attempts: Attempts
    ) -> Summary:
        found = frozenset((symbol, sure) for (_, symbol), sure in frame.mutations.items())
        mutations = found if len(found) <= MOST_EFFECTS else frozenset({(None, False)})
        replaces, assumable = frame.replaces_data or attempts.data, frozenset(frame.assumable)
        summary = Summary(parameters, NONE, {}, False, False, attempts, {}, replaces, mutations, assumable)
        if not frame.returns:
            return summary  # it never returns
        result, merged = frame.returns[0]
        for number, (value, state) in enumerate(frame.returns[1:]):
            key = ("return", id(info.node), number)
            merged = merged.joined(state, key, info.node.lineno)
            result = merged.merge_values(result, value, frame.phi(info.node, f"{info.name}()", str(number)))
        forgets, changes_module = (rest is not AT_ENTRY for rest in (merged.rest, merged.module_rest))
        held = dict.fromkeys(
            [*objects_of(result), *(ident for r in merged.heap.values() for ident in r.contents.leads)]
        )
        later = code_seen_by_callers(merged.code_of(held), held, summary.rooted)
        return replace(
            summary, result=result, heap=merged.heap, forgets=forgets, changes_module=changes_module, later=later
        )

    def nested(self, outer: Frame, info: FunctionInfo, state: State) -> None:
        """Interpret a function defined inside another, for its sites. It sees the outer locals without placements."""
        frame = self._frame(info.module, info)
        frame.outer = {name: lasting(value) for name, value in state.locals.items()} | {
            name: lasting(value) for name, value in outer.outer.items() if name not in state.locals
        }
        rebound = outer.rebound_after(info.node) | (outer.volatile - state.locals.keys())
        frame.volatile |= rebound.intersection(frame.outer) - bound_in(info.node)
        try:
            self.run(frame, info, self._entry_state(frame))
        except OverBudget:
            frame = self._given_up(info.module, info)
        outer.given_up += frame.given_up
        outer.replaces_data = outer.replaces_data or frame.replaces_data
        outer.sites.update(frame.sites)
        outer.reads.update(frame.reads)
        outer.constructions.update(frame.constructions)
        outer.comparisons.update(frame.comparisons)
        outer.uploads.update(frame.uploads)
        outer.waits.update(frame.waits)
        outer.mutations.update(frame.mutations)
        outer.assumable |= frame.assumable
        outer.values.update(frame.values)

    # ---- calling -------------------------------------------------------------------------------------------------

    def summary(self, info: FunctionInfo, tensors: frozenset[str] = frozenset()) -> Summary | None:
        """The summary of a function; None if it is not known.

        tensors: parameters that the function tests for being tensors, and that are tensors at this call.
        """
        if info.node in self._running or not self._is_plain(info):
            return None
        if not tensors:
            self.interpretation(info)
            return self._summaries.get(info.node)
        if (info.node, tensors) not in self._for_tensors:
            known = self.summary(info)
            frame = self._frame(info.module, info)
            self._running.add(info.node)
            try:
                self._for_tensors[info.node, tensors] = self.run(frame, info, self._entry_state(frame), tensors)
            except OverBudget:
                self._for_tensors[info.node, tensors] = None
            finally:
                self._running.discard(info.node)
                if known is not None:
                    self._summaries[info.node] = known
        return self._for_tensors[info.node, tensors]

    def _is_plain(self, info: FunctionInfo) -> bool:
        if isinstance(info.node, ast.AsyncFunctionDef):
            return False
        if any(name not in self.project.knowledge.transparent_decorators for name in info.decorators):
            return False
        return not info.is_generator

    def call(
        self, caller: Frame, info: FunctionInfo, arguments: dict[str, Value], node: ast.expr, state: State
    ) -> Value:
        """Call a function of the tree. `arguments` are as in `calls.evaluate_arguments`, with the receiver under ""."""
        bound = bind(info, arguments)
        tensors = self._tested(info, bound) if bound is not None else frozenset()
        summary = self.summary(info, tensors) if bound is not None else None
        if summary is not None and bound is not None and _is_open(summary.result):
            summary = self._of_tensors(info, bound, summary)
        if summary is None or bound is None:
            anchor = node if isinstance(node, ast.Call) else ast.copy_location(ast.Call(node, [], []), node)
            state.run_unseen(arguments.values(), caller.epoch(node), node.lineno)
            result = unknown_call(caller, list(arguments.values()), anchor, state, info.name)
            if info.is_generator:
                held = tuple(part for value in arguments.values() for part in objects_of(value))
                state.sharing.later[result.ident] = Later(held, runs_tree=True)
            return result
        caller.assumable |= summary.assumptions
        return Instantiation(caller, info, summary, bound, node, state).result()

    def _tested(self, info: FunctionInfo, bound: dict[str, Value]) -> frozenset[str]:
        """The parameters that the function tests for being tensors, and that are tensors at a call."""
        if info.node not in self._asks:
            tests = any(map(info.module.holds, ("is_tensor", "isinstance", "hasattr")))
            walk = nodes_of(info.node) if tests else ()
            tested = (tested_for_tensor(info.module, node) for node in walk if isinstance(node, ast.Call))
            self._asks[info.node] = frozenset(found[0].id for found in tested if found is not None)
        return frozenset(
            name
            for name in self._asks[info.node]
            if isinstance(value := bound.get(name), Tensor) and not value.optional
        )

    def _of_tensors(self, info: FunctionInfo, bound: dict[str, Value], plain: Summary) -> Summary:
        """The summary of a small function for the arguments that are tensors, if only with that its result is known."""
        given = frozenset(n for n, value in bound.items() if isinstance(value, Tensor) and not value.optional)
        if not given or len(nodes_of(info.node)) > _SMALL:
            return plain
        found = self.summary(info, given)
        return plain if found is None or _is_open(found.result) else found

    # ---- attributes and globals ----------------------------------------------------------------------------------

    def attribute(self, frame: Frame, owner: Object, name: str, symbol: Symbol) -> Value:
        """The value of an attribute, as given by the object's class or by the place where the object was made."""
        function = frame.function
        if function is not None and is_given_by_sampler(frame, self.heat, function, owner, name):
            return handed_over_by_sampler(function, symbol)
        template = frame.templates.get(owner.ident)
        if template is None and isinstance(owner.cls, ClassInfo) and not name.startswith("["):
            template = self._shape(frame, owner.cls, name)
        if template is not None:
            frame.assumable |= template.summary.assumptions
            record = template.summary.heap.get(template.symbol)
            value = record.attributes.get(name) if record else None
            if value is not None:
                supposed = supposed_same(frame, owner, name, symbol)
                if supposed is None:
                    return Object(symbol)
                made = as_constructed(frame, template.summary, value, symbol)
                return self._still(because(made, *supposed), name, frame.module)
        return self._declared(frame, owner, name, symbol)

    def _still(self, value: Value, name: str, near: Module) -> Value:
        """What was assigned once, as it is at any later time: `NAME.data = ...` may have moved it."""
        if not isinstance(value, Tensor) or value.device is None:
            return value
        spelled = (f"{name}.data", f"{name}.data".replace("'", '"'))
        replaced = any(self.project.mentioning(text, near.path) for text in spelled)
        return replace(value, device=None, dtype=None) if replaced else value

    def _declared(self, frame: Frame, owner: Object, name: str, symbol: Symbol) -> Value:
        """The value of an attribute, as a class body assigns or annotates it. A module's tensor may be a weight."""
        if isinstance(owner.cls, ClassInfo) and (shared := self._of_class(owner.cls, name, frame)) is not None:
            return shared
        if isinstance(owner.cls, ClassInfo) and name in owner.cls.annotated:
            module, field = owner.cls.annotated[name]
            value = annotated(module, name, field.annotation, field, symbol)
            if isinstance(value, Tensor) and owner.cls.is_module:
                frame.symbols.has_weights = True
                return replace(value, weight=True, uncast=True)
            return value
        return Object(symbol)

    def _of_class(self, cls: ClassInfo, name: str, frame: Frame) -> Value | None:
        """The constant that the class body assigns to a name, if nothing else does: `dtype = torch.float16`."""
        found = cls.class_attribute(name)
        if found is None or self.project.assigns(name, cls.module.path) or cls.is_overridden(name):
            return None
        if any(isinstance(base, ClassInfo) and name in base.assigned for base in cls.lineage) or cls.is_dataclass:
            return None
        if may_be_set(frame, cls, name):
            return None
        module, node = found
        value = self.global_value(module, f"{cls.name}.{name}", node, frame.symbols)
        return value if isinstance(value, Constant | Placed) and value != NONE else None

    def _shape(self, frame: Frame, cls: ClassInfo, name: str) -> Template | None:
        """The object as `__init__` leaves it; None if that is not known or anything else may assign `name`."""
        if (cls, name) not in self._shapes:
            self._shapes[cls, name] = self._initialiser(cls, name)
        initialiser = self._shapes[cls, name]
        if initialiser is None or may_be_set(frame, cls, name):
            return None
        summary = self.summary(initialiser)
        return Template(summary, summary.parameters[initialiser.parameters[0].arg]) if summary is not None else None

    def _initialiser(self, cls: ClassInfo, name: str) -> FunctionInfo | None:
        """The `__init__` that assigns an attribute, if nothing else of the tree does so under its name."""
        initialiser = cls.method("__init__")
        if initialiser is None or initialiser.owner is None or not initialiser.parameters:
            return None
        return None if is_reassigned(self.project, cls, name) else initialiser

    def global_value(self, module: Module, name: str, node: ast.expr, symbols: Symbols) -> Value:
        """The value of a module-level variable that is assigned once."""
        key = (module.path, name)
        if key not in self._globals:
            self._globals[key] = None
            frame = self._frame(module, None)
            with suppress(OverBudget):
                self._globals[key] = frame.eval(node, self._entry_state(frame))
        value = self._globals[key]
        symbol = symbols.make(("global", module.path, name), name, 0, None, f"{module.path}:{name}")
        self._global_nodes[symbol.name] = (module, name, node)
        match value:
            case Constant() | Function():
                return value
            case Placed() if value.known.term.symbol is None:
                return value
            case Placed():
                return Placed(Known(Term(TermKind.VALUE, symbol=symbol, role=value.known.term.role)), value.is_dtype)
            case Tensor():
                held = Tensor(symbol, ground(value.device), ground(value.dtype), value.scalar, why=value.why)
                return self._still(held, name, module)
            case Object():
                return Object(symbol, value.cls, value.why)
            case Host():
                return Host(symbol, value.array)
        return value if value is not None else Object(symbol)

    def global_named(self, key: str, symbols: Symbols) -> Value:
        """The value of the module-level variable whose symbol has the name `key`."""
        return self.global_value(*self._global_nodes[key], symbols)

    def sets_default_device(self, module: Module) -> bool:
        """Whether the tree may change the default device of factories."""
        return self.project.sets_default_device(module.path)


def _top_level(module: Module) -> list[ast.stmt]:
    return [node for node in module.tree.body if not isinstance(node, _DEFINITIONS)]


def _is_open(result: Value) -> bool:
    """Whether nothing says what the result of a function is."""
    return isinstance(result, Object) and result.cls is None
