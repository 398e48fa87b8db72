"""What each form of expression evaluates to."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from transfer_lint.flow import conditions
from transfer_lint.flow.attributes import attribute
from transfer_lint.flow.calls import call
from transfer_lint.flow.captures import captures
from transfer_lint.flow.interpreter import EXPRESSIONS, ExpressionHandler, Interpreter
from transfer_lint.flow.reads import truth
from transfer_lint.flow.state import State
from transfer_lint.flow.tensors import combine
from transfer_lint.flow.values import (
    Constant,
    External,
    Host,
    Known,
    Object,
    Tensor,
    Term,
    TermKind,
    Tuple,
    Value,
)
from transfer_lint.flow.walking import nodes_of


def evaluates(*kinds: type[ast.expr]) -> Callable[[ExpressionHandler], ExpressionHandler]:
    """Register the handler of syntax forms."""

    def register(handler: ExpressionHandler) -> ExpressionHandler:
        for kind in kinds:
            EXPRESSIONS[kind] = handler
        return handler

    return register


@evaluates(ast.Constant)
def _constant(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Constant)
    return Constant(node.value)


@evaluates(ast.Name)
def _name(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Name)
    return self.name(node, state)


@evaluates(ast.Attribute)
def _attribute(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Attribute)
    return attribute(self, self.eval(node.value, state), node, state)


@evaluates(ast.Subscript)
def _subscript(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Subscript)
    owner = self.eval(node.value, state)
    key = self.eval(node.slice, state)
    self.operate((owner,), node, state)
    match owner:
        case Tensor():
            # Indexing with a tensor on the host is allowed: the result is where the indexed tensor is.
            scalar = None if not isinstance(node.slice, ast.Slice) else False
            symbol = self.symbol(node, "an item")
            device = owner.device or Known(owner.device_term())
            shares = owner.memory()
            return Tensor(
                symbol, device, owner.dtype, scalar, shares=shares, moved_from=owner.moved_from, why=owner.why
            )
        case Tuple() | Object() if isinstance(key, Constant) and isinstance(key.value, int):
            return self.item(owner, key.value, node, state) if key.value >= 0 else self.unknown(node, "an item")
        case Object() if isinstance(key, Constant):
            return state.read(owner, f"[{key.value!r}]")
        case Object():
            attributes = state.record(owner.ident).attributes
            if "[]" in attributes:
                return self.some(attributes["[]"], node, state)
            value = self.unknown(node, "an item")
            state.sharing.alias(value.ident, owner.ident)
            return value
        case Host() if owner.array:
            return Host(self.symbol(node, "an item"), array=True)
        case External():  # `list[int]`, `Optional[Tensor]` in an expression
            return owner
    return self.unknown(node, "an item")


@evaluates(ast.Slice)
def _slice(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Slice)
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            self.eval(part, state)
    return Host(self.symbol(node, "a slice"))


@evaluates(ast.Call)
def _call(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Call)
    return call(self, node, state)


@evaluates(ast.Await)
def _await(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Await)
    value = self.eval(node.value, state)
    # Other tasks run meanwhile: whatever this function shares may have changed.
    state.havoc_all([Object(shared) for shared in state.heap], self.epoch(node), node.lineno)
    return value if isinstance(value, Tensor) else self.unknown(node, "a result")


@evaluates(ast.BinOp)
def _binary(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.BinOp)
    left, right = self.eval(node.left, state), self.eval(node.right, state)
    self.operate((left, right), node, state)
    result = combine(self, (left, right), node, keeps_dtype=not isinstance(node.op, ast.Div | ast.Pow))
    if isinstance(node.op, ast.MatMult) and isinstance(result, Tensor):
        # The product of two vectors is 0-dim.
        return replace(result, dtype=self.unless_autocast(result.dtype), scalar=None)
    return result


@evaluates(ast.UnaryOp)
def _unary(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.UnaryOp)
    value = self.eval(node.operand, state)
    self.operate((value,), node, state)
    if isinstance(node.op, ast.Not):
        truth(self, node.operand, value)
        return Host(self.symbol(node, "a truth value"))
    if isinstance(node.op, ast.USub) and isinstance(value, Constant) and isinstance(value.value, int | float):
        return Constant(-value.value)
    return combine(self, (value,), node)


@evaluates(ast.Compare)
def _compare(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Compare)
    values = [self.eval(part, state) for part in (node.left, *node.comparators)]
    self.operate(values, node, state)
    if any(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in node.ops):
        return Host(self.symbol(node, "a truth value"))
    result = combine(self, tuple(values), node)
    if isinstance(result, Tensor):
        dtype = Known(Term(TermKind.CONSTANT, "torch.bool"))
        return Tensor(result.ident, result.device, dtype, result.scalar, why=result.why)
    return result


@evaluates(ast.BoolOp)
def _bool(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.BoolOp)
    result = value = self.eval(node.values[0], state)
    here = state
    for before, part in pairwise(node.values):
        truth(self, before, value)
        when_true, when_false = conditions.refine(self, before, here)
        after = when_true if isinstance(node.op, ast.And) else when_false
        value = self.eval(part, after)
        result = _either(self, result, value, node, after)
        here = after
    if here is not state:
        _settle(self, state, here, node)
    return result


@evaluates(ast.IfExp)
def _conditional(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.IfExp)
    truth(self, node.test, self.eval(node.test, state))
    when_true, when_false = conditions.refine(self, node.test, state)
    first = self.eval(node.body, when_true)
    second = self.eval(node.orelse, when_false)
    merged = when_true.joined(when_false, ("conditional", id(node)), node.lineno)
    state.locals, state.heap = merged.locals, merged.heap
    return _either(self, first, second, node, state)


def _either(self: Interpreter, a: Value, b: Value, node: ast.AST, state: State) -> Value:
    """One of two values."""
    return state.merge_values(a, b, lambda path: self.symbol(node, "one of two values", path))


def _settle(self: Interpreter, state: State, after: State, node: ast.AST) -> None:
    """What may or may not have run has or has not had its effects."""
    merged = state.joined(after, ("perhaps", id(node)), getattr(node, "lineno", 0))
    state.locals, state.heap = merged.locals, merged.heap


@evaluates(ast.NamedExpr)
def _walrus(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.NamedExpr)
    value = self.eval(node.value, state)
    state.locals[node.target.id] = value
    return value


@evaluates(ast.Tuple)
def _tuple(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Tuple)
    items = [self.eval(item, state) for item in node.elts]
    if any(isinstance(item, ast.Starred) for item in node.elts):
        return self.unknown(node, "a tuple")
    return Tuple(tuple(items))


@evaluates(ast.List, ast.Set)
def _list(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.List | ast.Set)
    made = Object(self.symbol(node, "a list"), "builtins.list")
    state.create(made)
    for number, item in enumerate(node.elts):
        value = self.eval(item, state)
        if isinstance(item, ast.Starred):
            return self.unknown(node, "a list")
        state.write(made, f"[{number}]", value)
    return made


@evaluates(ast.Dict)
def _dict(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Dict)
    made = Object(self.symbol(node, "a dict"), "builtins.dict")
    state.create(made)
    whole = True
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        key = self.eval(key_node, state) if key_node is not None else None
        value = self.eval(value_node, state)
        if isinstance(key, Constant):
            state.write(made, f"[{key.value!r}]", value)
        else:
            whole = False
    return made if whole else self.unknown(node, "a dict")


@evaluates(ast.Starred)
def _starred(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Starred)
    self.eval(node.value, state)
    return self.unknown(node)


@evaluates(ast.JoinedStr)
def _fstring(self: Interpreter, node: ast.expr, state: State) -> Value:
    before, self.around.in_fstring = self.around.in_fstring, True
    for child in nodes_of(node):
        if isinstance(child, ast.FormattedValue):
            self.eval(child.value, state)
    self.around.in_fstring = before
    return Host(self.symbol(node, "a string"))


@evaluates(ast.Lambda)
def _lambda(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Lambda)
    inner = self.later(state, node)
    for argument in nodes_of(node.args):
        if isinstance(argument, ast.arg):
            inner.locals[argument.arg] = self.unknown(argument, argument.arg)
    with self.inlined():
        self.eval(node.body, inner)
    made = self.unknown(node, "a lambda")
    state.sharing.captured[made.ident] = captures(self, node, state)
    return made


@evaluates(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
def _comprehension(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp)
    inner = state.copy()
    with self.inlined():
        for generator in node.generators:
            source = self.eval(generator.iter, inner)
            self.assign(generator.target, self.element(source, generator.target, inner), inner)
            for test in generator.ifs:
                truth(self, test, self.eval(test, inner))
                inner, _ = conditions.refine(self, test, inner)
        if isinstance(node, ast.DictComp):
            self.eval(node.key, inner)
            self.eval(node.value, inner)
            made = self.unknown(node, "a dict")
        else:
            item = self.eval(node.elt, inner)
            made = Object(self.symbol(node, "a list"), "builtins.list")
            inner.create(made)
            inner.write(made, "[]", item)
    merged = state.joined(inner, ("comprehension", id(node)), node.lineno)
    state.heap = merged.heap
    for part in nodes_of(node):  # the only names that outlive a comprehension
        if isinstance(part, ast.NamedExpr):
            state.locals[part.target.id] = self.unknown(part, part.target.id)
    if isinstance(node, ast.GeneratorExp):
        state.sharing.captured[made.ident] = captures(self, node, state)
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        state.heap[made.ident] = inner.record(made.ident)
    return made


@evaluates(ast.Yield, ast.YieldFrom)
def _yield(self: Interpreter, node: ast.expr, state: State) -> Value:
    assert isinstance(node, ast.Yield | ast.YieldFrom)
    if node.value is not None:
        self.eval(node.value, state)
    # The caller runs meanwhile, with all that it shares.
    state.havoc_all([Object(shared) for shared in state.heap], self.epoch(node), node.lineno)
    return self.unknown(node, "what the caller sends")
