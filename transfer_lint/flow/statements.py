"""What each form of statement does to the state."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from transfer_lint.flow import conditions
from transfer_lint.flow.captures import captures, runs_later
from transfer_lint.flow.changes import written
from transfer_lint.flow.heat import hotter, loop_heat
from transfer_lint.flow.interpreter import STATEMENTS, Interpreter, Loop, StatementHandler
from transfer_lint.flow.modules import FunctionInfo, Import
from transfer_lint.flow.reads import truth
from transfer_lint.flow.records import Record
from transfer_lint.flow.state import State
from transfer_lint.flow.tensors import combine
from transfer_lint.flow.values import (
    NONE,
    Class,
    External,
    Function,
    Object,
    Package,
    Symbol,
    Tensor,
    Value,
    symbols_of,
)
from transfer_lint.flow.walking import nodes_of

_PATIENCE = 2  # rounds of a loop after which whatever still changes from round to round is forgotten
_ROUNDS = 12  # after which all is forgotten; every round before forgets something more, so few loops get there


def executes(*kinds: type[ast.stmt]) -> Callable[[StatementHandler], StatementHandler]:
    """Register the handler of syntax forms."""

    def register(handler: StatementHandler) -> StatementHandler:
        for kind in kinds:
            STATEMENTS[kind] = handler
        return handler

    return register


@executes(ast.Expr)
def _expression(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Expr)
    self.eval(node.value, state)
    return state


@executes(ast.Assign)
def _assign(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Assign)
    value = self.eval(node.value, state)
    for target in node.targets:
        self.assign(target, value, state)
    return state


@executes(ast.AnnAssign)
def _annotated(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.AnnAssign)
    if node.value is not None:
        self.assign(node.target, self.eval(node.value, state), state)
    return state


@executes(ast.AugAssign)
def _augmented(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.AugAssign)
    before = self.eval(node.target, state)
    operand = self.eval(node.value, state)
    self.operate((before, operand), node.value, state)
    written(self, node, (before,))
    # On a tensor it works in place: same object, same placement. A list is extended in place.
    value = before if isinstance(before, Tensor) else combine(self, (before, operand), node.value)
    if isinstance(before, Object) and isinstance(value, Object):
        state.havoc(before, self.epoch(node), node.lineno)
        value = before if before.cls == "builtins.list" else value
        state.sharing.alias(value.ident, before.ident)
    self.assign(node.target, value, state)
    return state


@executes(ast.Return)
def _return(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Return)
    value: Value = self.eval(node.value, state) if node.value is not None else NONE
    self.may_raise(state)
    self.returns.append((value, state))
    return None


@executes(ast.Raise)
def _raise(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Raise)
    for part in (node.exc, node.cause):
        if part is not None:
            self.eval(part, state)
    self.may_raise(state)
    return None


@executes(ast.Break)
def _break(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    self.loops[-1].breaks.append(state)
    return None


@executes(ast.Continue)
def _continue(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    self.loops[-1].continues.append(state)
    return None


@executes(ast.Assert)
def _assert(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Assert)
    truth(self, node.test, self.eval(node.test, state))
    return conditions.refine(self, node.test, state)[0]


@executes(ast.Delete)
def _delete(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Delete)
    for target in node.targets:
        if isinstance(target, ast.Name):
            state.locals.pop(target.id, None)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            owner = self.eval(target.value, state)
            state.havoc(owner, self.epoch(target), target.lineno)
    return state


@executes(ast.If)
def _if(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.If)
    truth(self, node.test, self.eval(node.test, state))
    outcome = conditions.surely_tensor(self, node.test, state)
    if outcome is not None:
        return self.block(node.body if outcome else node.orelse, state)
    when_true, when_false = conditions.refine(self, node.test, state)
    first = self.block(node.body, when_true)
    second = self.block(node.orelse, when_false)
    for end in (first, second):
        if end is not None:
            end.forget_garbage()
    merged = self.merge([first, second], node, "if")
    if merged is not None and first is not None and second is not None:
        merged.guards = state.guards
    return merged


@executes(ast.For, ast.AsyncFor)
def _for(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.For | ast.AsyncFor)
    source = self.eval(node.iter, state)
    state.locals[f"<what line {node.lineno} iterates over>"] = source  # it lives as long as the loop
    before, self.heat = self.heat, hotter(self.heat, loop_heat(node, self.module, self.knowledge))

    def enter(here: State) -> State:
        self.operate((source,), node.iter, here)
        if runs_later(self, [source], here):  # a generator runs on
            here.havoc(source, self.epoch(node.iter), node.lineno)
        self.assign(node.target, self.element(source, node.target, here), here)
        return here

    after = _loop(self, node, state, enter, lambda head: head)
    self.heat = before
    return after


@executes(ast.While)
def _while(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.While)

    def enter(here: State) -> State:
        truth(self, node.test, self.eval(node.test, here))
        return conditions.refine(self, node.test, here)[0]

    def leave(here: State) -> State | None:
        if isinstance(node.test, ast.Constant) and node.test.value:
            return None
        self.eval(node.test, here)
        return conditions.refine(self, node.test, here)[1]

    return _loop(self, node, state, enter, leave)


def _loop(
    self: Interpreter,
    node: ast.For | ast.AsyncFor | ast.While,
    state: State,
    enter: Callable[[State], State],
    leave: Callable[[State], State | None],
) -> State | None:
    """Interpret the body until what holds at the loop's head holds after it as well."""
    # A nested loop is met once per round of the loop around it: it starts from what it has been found to hold before.
    known = self.heads.get(node)
    head = state.joined(known, ("loop", id(node)), node.lineno) if known is not None else state.copy()
    loop = Loop()
    forgotten: set[str | Symbol] = set()
    for number in range(_ROUNDS):
        loop = Loop()
        self.loops.append(loop)
        entries = [len(e) for e in self.handlers]
        end = self.block(node.body, enter(head.copy()))
        self.loops.pop()
        back = self.merge([end, *loop.continues], node, "continue")
        if back is None:
            break
        back.forget_garbage()
        _age(self, back, node)
        joined = head.joined(back, ("loop", id(node)), node.lineno)
        if number >= _PATIENCE:
            forgotten |= {name for name, value in joined.locals.items() if head.locals.get(name) != value}
            forgotten |= {ident for ident, record in joined.heap.items() if head.heap.get(ident) != record}
        if number == _ROUNDS - 2:
            forgotten |= {*joined.locals, *joined.heap}
        _forget(self, joined, forgotten, node)
        if joined.locals == head.locals and joined.heap == head.heap:
            break
        head = joined
        for kept, accumulated in zip(entries, self.handlers, strict=True):
            del accumulated[kept:]  # states of a round that was not general enough
    self.heads[node] = head
    after = leave(head.copy())
    if node.orelse:
        after = self.block(node.orelse, after)
    return self.merge([after, *loop.breaks], node, "break")


def _age(self: Interpreter, state: State, node: ast.stmt) -> None:
    """At the end of a round: what was made in it is, in the next, "what the round before made"."""
    first, last = node.lineno, node.end_lineno or node.lineno

    def aged(value: Value, where: tuple[object, ...], label: str) -> Value:
        if not any(symbol.made_within(first, last) for symbol in symbols_of(value)):
            return value
        fresh = self.symbols.make(("aged", id(node), where), label, node.lineno - 1)
        match value:
            case Tensor():
                keep = [
                    k if k is not None and not (k.term.symbol and k.term.symbol.made_within(first, last)) else None
                    for k in (value.device, value.dtype)
                ]
                own = fresh if value.ident.made_within(first, last) else value.ident
                shares = value.shares if own is value.ident else value.memory()
                return replace(value, ident=own, device=keep[0], dtype=keep[1], shares=shares)
            case Object():
                state.sharing.alias(fresh, value.ident)
                return Object(fresh, value.cls, value.why, value.optional)
        return Object(fresh)

    for name, value in state.locals.items():
        state.locals[name] = aged(value, ("local", name), name)
    for ident, record in list(state.heap.items()):
        attributes = {n: aged(v, ("heap", ident, n), f"{ident.label}.{n}") for n, v in record.attributes.items()}
        changed = {n: v for n, v in attributes.items() if v is not record.attributes[n]}
        if changed:
            owner = Object(ident)
            for name, value in changed.items():
                state.write(owner, name, value)


def _forget(self: Interpreter, state: State, forgotten: set[str | Symbol], node: ast.stmt) -> None:
    """Make a loop's head general enough by force: these locals and objects are unknown in every round."""
    for name in forgotten:
        if isinstance(name, str):
            if name in state.locals:
                state.locals[name] = Object(self.symbols.make(("any", id(node), name), name, node.lineno - 1))
        else:
            anchor = self.symbols.make(("any", id(node), name), name.label, node.lineno - 1)
            state.heap[name] = Record(anchor, epoch=f"any {id(node)}", line=node.lineno - 1)


@executes(ast.Match)
def _match(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Match)
    self.eval(node.subject, state)
    ends: list[State | None] = [state.copy()]
    for case in node.cases:
        here = state.copy()
        for part in nodes_of(case.pattern):
            name = getattr(part, "name", None) or getattr(part, "rest", None)
            if isinstance(name, str):
                here.locals[name] = self.unknown(part, name)
        if case.guard is not None:
            self.eval(case.guard, here)
            here, _ = conditions.refine(self, case.guard, here)
        ends.append(self.block(case.body, here))
    return self.merge(ends, node, "match")


@executes(ast.Import, ast.ImportFrom)
def _import(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            state.locals[alias.asname or target] = self.imported(self.module, Import(target, 0, None))
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if alias.name == "*":  # may bind any name; that it takes one of an import or a definition is not expected
                held = [n for n, v in state.locals.items() if not isinstance(v, External | Package | Function | Class)]
                state.locals.update({name: self.unknown(node, name) for name in held})
                continue
            found = Import(node.module or "", node.level, alias.name)
            state.locals[alias.asname or alias.name] = self.imported(self.module, found)
    return state


@executes(ast.Global, ast.Nonlocal)
def _rebinding(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.Global | ast.Nonlocal)
    for name in node.names:
        state.locals[name] = self.unknown(node, name)
    self.volatile.update(node.names)  # whoever else has the name may rebind it in any call
    return state


@executes(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for part in (*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)):
        self.eval(part, state)
    parent = self.function.qualname if self.function else ""
    info = FunctionInfo(self.module, node, f"{parent}.<locals>.{node.name}" if parent else node.name)
    self.summaries.nested(self, info, state)
    self.volatile |= {name for part in nodes_of(node) if isinstance(part, ast.Nonlocal) for name in part.names}
    # Whoever calls it may do to what it captures whatever it does; nothing is known of its result.
    value = self.unknown(node, node.name)
    state.sharing.captured[value.ident] = captures(self, node, state)
    state.locals[node.name] = value
    return state


@executes(ast.ClassDef)
def _class(self: Interpreter, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.ClassDef)
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            info = FunctionInfo(self.module, item, f"{node.name}.{item.name}")
            self.summaries.nested(self, info, state)
    state.locals[node.name] = External(f"{self.module.path}:{node.name}")
    return state
