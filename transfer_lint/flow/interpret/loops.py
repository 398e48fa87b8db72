"""Loops: the body is interpreted until the state at the head reaches a fixpoint."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from transfer_lint.flow.interpret import conditions
from transfer_lint.flow.interpret.assignment import assign
from transfer_lint.flow.interpret.captures import iterated
from transfer_lint.flow.interpret.frame import Frame, Loop, executes
from transfer_lint.flow.interpret.host_reads import truth
from transfer_lint.flow.interpret.items import element
from transfer_lint.flow.interpret.looped_elements import elements_of
from transfer_lint.flow.values.records import AT_ENTRY, Epoch, Record, is_as_at_entry
from transfer_lint.flow.values.state import State, where_met
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Known
from transfer_lint.flow.values.values import Host, Object, Tensor, Tuple, Value, objects_of, symbols_of

_PATIENCE = 2  # iterations after which widening begins: whatever still changes is forgotten
_ROUNDS = 12  # iterations at most; the last but one forgets everything. Few loops get there: each widening forgets more


@executes(ast.For, ast.AsyncFor)
def _for(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.For | ast.AsyncFor)
    source = frame.eval(node.iter, state)
    held = f"<what line {node.lineno} iterates over>"
    state.locals[held] = source  # keeps the value during the loop

    before = frame.around.elements
    elements = elements_of(frame, node.target, node.iter, state, source, node.body)
    if elements and not frame.steps(node.body[0]):
        frame.around.elements = before | elements

    def enter(here: State) -> State:
        iterated(frame, source, node.iter, here)
        assign(frame, node.target, element(frame, source, node.target, here), here)
        return here

    after = _loop(frame, node, state, enter, lambda head: head)
    frame.around.elements = before
    if after is not None:
        after.locals.pop(held, None)
    return after


@executes(ast.While)
def _while(frame: Frame, node: ast.stmt, state: State) -> State | None:
    assert isinstance(node, ast.While)

    def enter(here: State) -> State:
        truth(frame, node.test, frame.eval(node.test, here))
        return conditions.refine(frame, node.test, here)[0]

    def leave(here: State) -> State | None:
        if isinstance(node.test, ast.Constant) and node.test.value:
            return None
        frame.eval(node.test, here)
        return conditions.refine(frame, node.test, here)[1]

    return _loop(frame, node, state, enter, leave)


def _loop(
    frame: Frame,
    node: ast.For | ast.AsyncFor | ast.While,
    state: State,
    enter: Callable[[State], State],
    leave: Callable[[State], State | None],
) -> State | None:
    """Interpret the body until the state at the loop's head reaches a fixpoint."""
    # A nested loop is interpreted once per iteration of the outer loop. It starts from the head state found before.
    known = frame.heads.get(node)
    head = state.joined(known, ("loop", id(node)), node.lineno) if known is not None else state.copy()
    loop = Loop()
    forgotten: set[str | Symbol] = set()
    for number in range(_ROUNDS):
        loop = Loop()
        frame.loops.append(loop)
        entries = [len(e) for e in frame.handlers]
        end = frame.block(node.body, enter(head.copy()))
        frame.loops.pop()
        back = frame.merge([end, *loop.continues], node, "continue")
        if back is None:
            break
        _age(frame, back, node, state)
        back.forget_garbage(all_of_it=True)  # only its new symbol leads to what an iteration has made
        joined = head.joined(back, ("loop", id(node)), node.lineno)
        if number == 0 and known is None:
            _foresee(joined, head, node)
        if number >= _PATIENCE:
            forgotten |= {name for name, value in joined.locals.items() if head.locals.get(name) != value}
            forgotten |= {ident for ident, record in joined.heap.items() if head.heap.get(ident) != record}
        if number == _ROUNDS - 2:
            forgotten |= {*joined.locals, *joined.heap}
        _forget(frame, joined, forgotten, node)
        if joined.locals == head.locals and joined.same_heap(head):
            break
        head = joined
        for kept, accumulated in zip(entries, frame.handlers, strict=True):
            del accumulated[kept:]  # the exception states of an iteration before the fixpoint
    frame.heads[node] = head
    after = leave(head.copy())
    if node.orelse:
        after = frame.block(node.orelse, after)
    return frame.merge([after, *loop.breaks], node, "break")


def _age(frame: Frame, state: State, node: ast.stmt, before: State) -> None:
    """End an iteration: give new symbols, for "made in an earlier iteration", to the values that it made.

    before: the loop. What was there already, such as what is iterated over, no iteration has made, whatever its line.
    """
    age = _Age(frame, state, node)
    for name, value in state.locals.items():
        if before.locals.get(name) != value:
            state.locals[name] = age.aged(value, ("local", name), name)
    older = {ident for value in before.locals.values() for ident in objects_of(value)}
    for ident, record in list(state.heap.items()):
        if not record.attributes or not any(age.first <= line <= age.last for line in record.lines):
            continue
        attributes, then = dict(record.attributes), before.record(ident).attributes
        for name, value in record.attributes.items():
            if then.get(name) != value and not (ident in older and is_as_at_entry(ident, name, value)):
                attributes[name] = age.aged(value, ("heap", ident, name), f"{ident.label}.{name}")
        if any(value is not record.attributes[name] for name, value in attributes.items()):
            state.heap[ident] = record.holding(attributes)  # nothing is assigned: what is held only gets another name


class _Age:
    """What the end of an iteration makes of values. A function in a function would keep the state until a collection.

    first, last: the lines of the loop.
    """

    def __init__(self, frame: Frame, state: State, node: ast.stmt) -> None:
        self.first, self.last = node.lineno, node.end_lineno or node.lineno
        self._symbols = frame.symbols
        self._heap, self._sharing = state.heap, state.sharing
        self._loop = id(node)

    def aged(self, value: Value, where: tuple[object, ...], label: str) -> Value:
        """The value with a new symbol, if it was made in the loop."""
        first, last = self.first, self.last
        if not any(symbol.made_within(first, last) for symbol in symbols_of(value)):
            return value
        fresh = self._symbols.make(("aged", self._loop, where), label, first - 1)
        match value:
            case Tensor():
                own = fresh if value.ident.made_within(first, last) else value.ident
                shares = value.shares if own is value.ident else value.memory()
                device, dtype = self._lasting(value.device), self._lasting(value.dtype)
                return replace(value, ident=own, device=device, dtype=dtype, shares=shares)
            case Object():
                self._sharing.alias(fresh, value.ident)
                self._sharing.twin(fresh, value.ident)
                record = self._heap.get(value.ident)
                if record is not None and record.says_nothing():
                    self._heap.setdefault(fresh, record)
                placed = self._lasting(value.placed[0]), self._lasting(value.placed[1])
                return Object(fresh, value.cls, value.why, value.optional, placed, value.or_host)
            case Host():
                return replace(value, ident=fresh)
            case Tuple():
                return Tuple(tuple(self.aged(v, (*where, n), f"{label}[{n}]") for n, v in enumerate(value.items)))
        return Object(fresh)

    def _lasting(self, known: Known | None) -> Known | None:
        term = known.term if known is not None else None
        made = term.symbol if term is not None else None
        return None if made and made.made_within(self.first, self.last) else known


def _foresee(joined: State, head: State, node: ast.stmt) -> None:
    """Forget at once what a second iteration would: of most loops, that is then the last one.

    What the first iteration leaves to the second is a value of its kind, to which the same happens once more.
    """
    where = where_met(("loop", id(node)), node.lineno)
    unknown = Record(where, epoch=where, moved=where)
    for ident, record in joined.heap.items():
        if record.epoch == where and record.says_nothing():
            joined.heap[ident] = unknown
    for value in joined.locals.values():
        if not isinstance(value, Object) or value.cls is not None or not value.ident.renames:
            continue
        if value.ident not in head.heap and joined.record(value.ident) == AT_ENTRY:
            joined.heap[value.ident] = unknown


def _forget(frame: Frame, state: State, forgotten: set[str | Symbol], node: ast.stmt) -> None:
    """Widening: make these locals and objects unknown at the loop's head."""
    where = Epoch(f"any {id(node)}", node.lineno - 1)
    unknown = Record(where, epoch=where)
    for name in forgotten:
        if isinstance(name, str):
            if name in state.locals:
                state.locals[name] = Object(frame.symbols.make(("any", id(node), name), name, node.lineno - 1))
        else:
            state.heap[name] = unknown
