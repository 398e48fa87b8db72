"""Expressions: one handler for each form."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from transfer_lint.flow.interpret import conditions, correlation
from transfer_lint.flow.interpret.assignment import assign
from transfer_lint.flow.interpret.assumed import of_output
from transfer_lint.flow.interpret.attributes import attribute
from transfer_lint.flow.interpret.calls import call
from transfer_lint.flow.interpret.captures import capture, iterated
from transfer_lint.flow.interpret.external_calls import AT_ONCE
from transfer_lint.flow.interpret.frame import Frame, evaluates
from transfer_lint.flow.interpret.host_reads import bound, comparison, index, text, truth
from transfer_lint.flow.interpret.implicit_uploads import upload_of_index
from transfer_lint.flow.interpret.items import annotated_item, combined_lists, element, item_at, one_alike, picked
from transfer_lint.flow.interpret.looped_elements import collected_in, elements_of
from transfer_lint.flow.interpret.names import lookup
from transfer_lint.flow.interpret.tensors import combine
from transfer_lint.flow.knowledge import Role, role_of_device
from transfer_lint.flow.knowledge.names import DEVICE
from transfer_lint.flow.program.syntax import nodes_of, parents
from transfer_lint.flow.results.constructions import DeviceComparison
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Known, Term, TermKind
from transfer_lint.flow.values.values import Constant, External, Host, Object, Placed, Tensor, Tuple, Value


@evaluates(ast.Constant)
def _constant(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Constant)
    return Constant(node.value)


@evaluates(ast.Name)
def _name(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Name)
    return lookup(frame, node, state)


@evaluates(ast.Attribute)
def _attribute(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Attribute)
    return attribute(frame, frame.eval(node.value, state), node, state)


@evaluates(ast.Subscript)
def _subscript(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Subscript)
    owner = frame.eval(node.value, state)
    key = frame.eval(node.slice, state)
    frame.run_operators((owner, key), node, state)
    index(frame, node, owner, key)
    upload_of_index(frame, node, owner, key, state)
    value = _item(frame, node, owner, key, state)
    whole = isinstance(node.slice, ast.Slice)
    return annotated_item(frame, owner, value, node, (dict, list)) if isinstance(owner, Object) and not whole else value


def _item(frame: Frame, node: ast.Subscript, owner: Value, key: Value, state: State) -> Value:
    """What a subscript selects."""
    match owner:
        case Tensor():
            # The index may be a tensor on the host: the result is on the device of the indexed tensor.
            n_dim = _keeps_dimension(node.slice)
            return Tensor(
                frame.symbol(node, "an item"),
                owner.device or Known(owner.device_term()),
                owner.dtype,
                False if n_dim else None,
                likely_host=owner.likely_host,
                made=owner.made if n_dim else None,
                shares=owner.memory(),
                moved_from=owner.moved_from,
                why=owner.why,
            )
        case Tuple() | Object() if isinstance(key, Constant) and isinstance(key.value, int) and key.value >= 0:
            return item_at(frame, owner, int(key.value), node, state)
        case Tuple(items) if isinstance(key, Constant) and isinstance(key.value, int) and -key.value <= len(items):
            return items[key.value]
        case Tuple(items) if isinstance(node.slice, ast.Slice) and (cut := _written_slice(node.slice)) is not None:
            return Tuple(items[cut])
        case Object() if isinstance(key, Constant) and isinstance(key.value, int):
            return of_output(owner, "[]", picked(frame, owner, node, state), frame, node)
        case Object() if isinstance(key, Constant) and key.item and not _may_be_any(owner, key.item, state):
            return of_output(owner, "[]", state.read(owner, key.item), frame, node)
        case Object():
            if "[]" in (attributes := state.record(owner.ident).attributes):
                return one_alike(frame, attributes["[]"], node, state)
            return of_output(owner, "[]", picked(frame, owner, node, state), frame, node)
        case Tuple():
            return picked(frame, owner, node, state)
        case Host():
            return Host(frame.symbol(node, "an item"), array=owner.array)
        case External():  # `list[int]`, `Optional[Tensor]` in an expression
            return owner
    return frame.unknown(node, "an item")


def _written_slice(node: ast.Slice) -> slice | None:
    """The slice that is written in whole numbers: `1:`, `::-1`. None if it is not, or fails."""
    try:
        bounds = [None if part is None else ast.literal_eval(part) for part in (node.lower, node.upper, node.step)]
    except (ValueError, TypeError):
        return None
    numbers = all(bound is None or isinstance(bound, int) for bound in bounds)
    return slice(*bounds) if numbers and bounds[2] != 0 else None


def _keeps_dimension(index: ast.expr) -> bool:
    """Whether what an index selects has a dimension: `x[1:]`, `x[:, i]`, `x[None]`."""
    items = index.elts if isinstance(index, ast.Tuple) else [index]
    return any(isinstance(i, ast.Slice) or (isinstance(i, ast.Constant) and i.value is None) for i in items)


def _may_be_any(owner: Object, name: str, state: State) -> bool:
    """Whether an item may be any of the items that a container holds."""
    attributes = state.record(owner.ident).attributes
    return "[]" in attributes and name not in attributes


@evaluates(ast.Slice)
def _slice(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Slice)
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            value = frame.eval(part, state)
            bound(frame, part, value)
            frame.run_operators((value,), node, state)
    return Host(frame.symbol(node, "a slice"))


@evaluates(ast.Call)
def _call(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Call)
    return call(frame, node, state)


@evaluates(ast.Await)
def _await(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Await)
    value = frame.eval(node.value, state)
    # Other tasks run in the meantime and may change every object that this function shares.
    everything = [Object(shared) for shared in state.heap]
    state.havoc_all(everything, frame.epoch(node), node.lineno, module_level=True)
    return value if isinstance(value, Tensor) else frame.unknown(node, "a result")


@evaluates(ast.BinOp)
def _binary(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.BinOp)
    left, right = frame.eval(node.left, state), frame.eval(node.right, state)
    frame.run_operators((left, right), node, state)
    if (made := combined_lists(frame, (left, right), node, state)) is not None:
        return made
    if isinstance(node.op, ast.Mod) and _is_text(node.left):
        text(frame, node, right)
        for part in node.right.elts if isinstance(node.right, ast.Tuple) else ():
            if isinstance(part, ast.Starred):
                text(frame, part, frame.eval(part.value, state.copy()))
    result = combine(frame, (left, right), node, keeps_dtype=not isinstance(node.op, ast.Div | ast.Pow))
    if isinstance(node.op, ast.MatMult) and isinstance(result, Tensor):
        # The product of two vectors is 0-dim.
        return replace(result, dtype=frame.unless_autocast(result.dtype), scalar=None)
    return result


def _is_text(node: ast.expr) -> bool:
    """Whether an expression is text that is written out: `"%s"`, `"%s" * n + "%d"`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@evaluates(ast.UnaryOp)
def _unary(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.UnaryOp)
    value = frame.eval(node.operand, state)
    frame.run_operators((value,), node, state)
    if isinstance(node.op, ast.Not):
        truth(frame, node.operand, value)
        return Host(frame.symbol(node, "a truth value"))
    if isinstance(node.op, ast.USub) and isinstance(value, Constant) and isinstance(value.value, int | float):
        return Constant(-value.value)
    return combine(frame, (value,), node)


@evaluates(ast.Compare)
def _compare(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Compare)
    values = [frame.eval(part, state) for part in (node.left, *node.comparators)]
    frame.run_operators(values, node, state)
    comparison(frame, node, values)
    if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
        for value in values[1:]:
            iterated(frame, value, node, state)
    spelled = any(isinstance(value, Constant) and isinstance(value.value, str | None) for value in values)
    if spelled or any(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in node.ops):
        return Host(frame.symbol(node, "a truth value"))
    _note_comparison(frame, node, values)
    result = combine(frame, tuple(values), node)
    if isinstance(result, Tensor):
        dtype = Known(Term(TermKind.CONSTANT, "torch.bool"))
        return replace(result, dtype=dtype, made=None)
    return result


def _note_comparison(frame: Frame, node: ast.Compare, values: Sequence[Value]) -> None:
    """Record the comparison of a device with a tensor."""
    if len(values) != 2 or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return
    for device, tensor, part in zip(values, values[::-1], (node.comparators[0], node.left), strict=True):
        if isinstance(device, Placed) and not device.is_dtype and isinstance(tensor, Tensor | Object):
            around = frame.around
            frame.comparisons[node] = DeviceComparison(
                frame.module,
                node,
                part,
                isinstance(tensor, Tensor),
                tensor.why,
                frame.function,
                frame.rate,
                around.statement,
            )


@evaluates(ast.BoolOp)
def _bool(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.BoolOp)
    result = value = frame.eval(node.values[0], state)
    here = state
    for before, part in pairwise(node.values):
        truth(frame, before, value)
        when_true, when_false = conditions.refine(frame, before, here)
        after = when_true if isinstance(node.op, ast.And) else when_false
        value = frame.last_operands[node] = frame.eval(part, after)
        result = _either(frame, result, value, node, after)
        here = after
    if here is not state:
        _settle(frame, state, here, node)
    if isinstance(result, Object) and result.or_host and isinstance(value, Host | Constant):
        return Object(result.ident)  # what tested the tensor has read it
    return result


@evaluates(ast.IfExp)
def _conditional(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.IfExp)
    truth(frame, node.test, frame.eval(node.test, state))
    outcome = conditions.outcome_for_tensor(frame, node.test, state)
    if outcome is not None:
        return frame.eval(node.body if outcome else node.orelse, state)
    when_true, when_false = conditions.refine(frame, node.test, state)
    correlation.recall(correlation.test_key(frame, node.test, state), when_true, when_false)
    first = frame.eval(node.body, when_true)
    second = frame.eval(node.orelse, when_false)
    merged = when_true.joined(when_false, ("conditional", id(node)), node.lineno)
    state.become(merged)
    return _accelerated(node, _either(frame, first, second, node, state))


def _accelerated(node: ast.IfExp, value: Value) -> Value:
    """The device `"cuda" if torch.cuda.is_available() else "cpu"` is used as an accelerator wherever it matters."""
    if isinstance(value, Placed) and value.known.term.role is Role.EITHER and "is_available" in ast.unparse(node.test):
        term = replace(value.known.term, role=Role.ACCELERATOR)
        return replace(value, known=replace(value.known, term=term))
    return value


def _either(frame: Frame, a: Value, b: Value, node: ast.AST, state: State) -> Value:
    """The join of two values."""
    return state.merge_values(a, b, lambda path: frame.symbol(node, "one of two values", path))


def _settle(frame: Frame, state: State, after: State, node: ast.AST) -> None:
    """Join the state with the one after code that may not have run."""
    merged = state.joined(after, ("perhaps", id(node)), getattr(node, "lineno", 0))
    state.become(merged)


@evaluates(ast.NamedExpr)
def _walrus(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.NamedExpr)
    value = frame.eval(node.value, state)
    state.locals[node.target.id] = value
    return value


@evaluates(ast.JoinedStr)
def _fstring(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.JoinedStr)
    before, frame.around.in_fstring = frame.around.in_fstring, True
    values = {
        child: frame.eval(child.value, state) for child in nodes_of(node) if isinstance(child, ast.FormattedValue)
    }
    frame.around.in_fstring = before
    frame.run_operators(tuple(values.values()), node, state)
    for value in values.values():
        text(frame, node, value)
    symbol = frame.symbol(node, "a string")
    match node.values:
        case [ast.Constant(value=str(spelled)), *rest] if DEVICE.fullmatch(spelled.removesuffix(":")):
            term = Term(TermKind.VALUE, symbol=symbol, role=role_of_device(spelled))
            if spelled == "cuda:" and len(rest) == 1:  # the device of that index, as in `.to(index)`
                number = values.get(rest[0])  # type: ignore[call-overload]
                term = frame.placed_by(number) or term if isinstance(number, Object | Host | Constant) else term
                term = replace(term, role=Role.ACCELERATOR)
            return Placed(Known(term), is_dtype=False)
    return Host(symbol)


@evaluates(ast.Lambda)
def _lambda(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Lambda)
    inner = frame.later(state, node)
    for argument in nodes_of(node.args):
        if isinstance(argument, ast.arg):
            inner.locals[argument.arg] = frame.unknown(argument, argument.arg)
    with frame.inlined():
        frame.eval(node.body, inner)
    made = frame.unknown(node, "a lambda")
    capture(frame, made.ident, node, state)
    return made


@evaluates(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
def _comprehension(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp)
    inner = state.copy()
    if isinstance(node, ast.GeneratorExp) and not _is_used_at_once(frame, node):
        for name in frame.rebound_after(node).intersection(inner.locals):
            inner.locals[name] = Object(frame.symbol(node, name, name))
    attempts = state.sharing.attempts
    before, attempts.data = attempts.data, False
    with frame.inlined(), frame.repeated(node) as enter:
        for generator in node.generators:
            source = frame.eval(generator.iter, inner)
            iterated(frame, source, generator.iter, inner)
            elements = elements_of(frame, generator.target, generator.iter, inner, source)
            elements |= collected_in(frame, generator.target, generator.iter, source, inner)
            enter({} if elements and frame.steps(node) else elements)
            assign(frame, generator.target, element(frame, source, generator.target, inner), inner)
            for test in generator.ifs:
                truth(frame, test, frame.eval(test, inner))
                inner, _ = conditions.refine(frame, test, inner)
        if isinstance(node, ast.DictComp):
            frame.eval(node.key, inner)
            item = frame.eval(node.value, inner)
            made = Object(frame.symbol(node, "a dict"), "builtins.dict")
        else:
            item = frame.eval(node.elt, inner)
            made = Object(frame.symbol(node, "a list"), "builtins.list")
        inner.create(made)
        inner.write(made, "[]", item)
    merged = state.joined(inner, ("comprehension", id(node)), node.lineno)
    state.become_heap(merged)
    for part in nodes_of(node):  # the only names that are still bound after a comprehension
        if isinstance(part, ast.NamedExpr):
            state.locals[part.target.id] = frame.unknown(part, part.target.id)
    if isinstance(node, ast.GeneratorExp):
        capture(frame, made.ident, node, state)
    state.heap[made.ident] = inner.record(made.ident)
    if attempts.data:
        state.replace_data(frame.epoch(node), node.lineno)
    attempts.data |= before
    return made


def _is_used_at_once(frame: Frame, node: ast.GeneratorExp) -> bool:
    """Whether what takes a generator goes through it before anything else runs: unpacking, a method, `any(..)`."""
    holder = parents(frame.around.statement).get(node)
    if not isinstance(holder, ast.Call) or node not in holder.args:
        return isinstance(holder, ast.Starred)
    return isinstance(holder.func, ast.Attribute) or frame.module.dotted(holder.func) in AT_ONCE


@evaluates(ast.Yield, ast.YieldFrom)
def _yield(frame: Frame, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Yield | ast.YieldFrom)
    if node.value is not None:
        frame.eval(node.value, state)
    # The caller runs in the meantime and may change every object that it shares.
    everything = [Object(shared) for shared in state.heap]
    state.havoc_all(everything, frame.epoch(node), node.lineno, module_level=True)
    return frame.unknown(node, "what the caller sends")
