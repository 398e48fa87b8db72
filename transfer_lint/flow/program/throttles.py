"""Throttles: branches that few iterations take, such as `if step % 100 == 0`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.rates import Change
from transfer_lint.flow.program.syntax import loops_around, nodes_of, spelled

_TROUBLE = re.compile(r"overflow|\bnan\b|\binf\b|finite|fail|error|invalid|warn|skip|diverge", re.IGNORECASE)
_OFTEN = 4  # `i % 4 == 0` is a quarter of all iterations: not rare
_LEAVES = (ast.Continue, ast.Return)
_WARNS = frozenset({"warn", "warning", "error", "exception", "critical"})
_TRAINS = (".backward(", "training_step")
_INVERSE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


class Throttles:
    """The throttled branches of one function, whose assignments are told as they come."""

    def __init__(self, module: Module, body: Sequence[ast.stmt], parameters: Iterable[str]) -> None:
        self._module = module
        self._body = body
        self._seldom = module.project.knowledge.seldom_words.exact
        self._parameters = frozenset(parameters)
        self._fresh = set(self._parameters)  # names that every call gives a value anew, so that nothing is kept in them
        self._rare: set[str] = set()  # names that are seldom true
        self._training: set[str] = set()  # names that are true only while a model is trained
        self._of_steps: set[str] = set()  # tests of branches that step an optimizer, as written

    def assigned(self, node: ast.Assign) -> None:
        """A name that is assigned a test, `log_now = step % 100 == 0`, or a constant, `done = False`."""
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant()):
                self._fresh.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Compare() | ast.BoolOp() | ast.UnaryOp() as test):
                if self._is_rare(test, (), None):
                    self._rare.add(name)
                if self.is_for_training(test):
                    self._training.add(name)

    def of(self, node: ast.If, loop: Sequence[str] | None) -> tuple[Change | None, Change | None]:
        """How the body, and how the `else`, of an `if` changes the rate.

        loop: the names that the innermost loop around it binds; None outside of loops.
        """
        body = self._is_rare(node.test, node.body, loop)
        if body and steps_optimizer(node.body) and not self._steps_besides(node):
            self._of_steps.add(ast.unparse(node.test))
        body = body and ast.unparse(node.test) not in self._of_steps
        if not body and loop is not None:
            body = isinstance(node.body[-1], ast.Return | ast.Raise)
        body = body or (_asks_few(node.test) and all(map(_is_placeholder, node.body)))
        other = self._is_rare(ast.UnaryOp(ast.Not(), node.test), node.orelse, loop)
        body = body or isinstance(node.body[-1], ast.Raise) or _is_for_failures(node)
        perhaps = _asks_rank_and_more(node.test) or self._is_default(node) or self.is_for_training(node.test)
        likely = Change.UNSURE if perhaps else None
        return Change.RARELY if body else likely, Change.RARELY if other else None

    def is_for_training(self, test: ast.expr) -> bool:
        """Whether a test is true only while a model is trained, in a node pack that trains none: `self.training`."""
        match test:
            case ast.BoolOp(op=ast.And(), values=values):
                return any(map(self.is_for_training, values))
            case ast.Attribute(value=ast.Name(id="self"), attr="training"):
                mentioning = self._module.project.mentioning
                held = [bool(mentioning(text, self._module.path)) for text in ("NODE_CLASS_MAPPINGS", *_TRAINS)]
                return held[0] and not any(held[1:])
            case ast.Name(id=name):
                return name in self._training
        return False

    def ends(self, node: ast.If, rest: Sequence[ast.stmt], loop: Sequence[str] | None) -> bool:
        """Whether the rest of its block runs rarely after an `if`: `if step % 100: continue`.

        Also where a test in one of its branches returns so, and where the `if` returns what the rest then keeps.
        """
        if loop is None and _returns_kept(node, rest):
            return True
        return self._ends(node, loop) and not steps_optimizer(rest) and not (loop is None and _takes_batch(rest))

    def _ends(self, node: ast.If, loop: Sequence[str] | None) -> bool:
        inner = [part for part in (*node.body, *node.orelse) if isinstance(part, ast.If)]
        if any(isinstance(part.body[-1], ast.Return) and self._ends(part, loop) for part in inner):
            return True
        if not isinstance(node.body[-1], _LEAVES) or node.orelse:
            return False
        return self._is_rare(ast.UnaryOp(ast.Not(), node.test), (), loop)

    def _steps_besides(self, branch: ast.If) -> bool:
        """Whether the loop around a branch that steps an optimizer does so outside of it, too."""
        inside, loops = set(nodes_of(branch)), loops_around(self._body, branch)
        around = loops[-1:] or self._body
        return any(node not in inside and _is_step(node) for statement in around for node in nodes_of(statement))

    def _is_default(self, node: ast.If) -> bool:
        """Whether a branch gives a parameter a value that the caller has left out: `if mask is None: mask = ..`."""
        match node.test:
            case ast.Compare(left=ast.Name(id=name) as asked, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                return name in self._parameters and _is_assigned(asked, node.body)
        return False

    def _is_filled(self, node: ast.expr, body: Sequence[ast.stmt], loop: Sequence[str] | None) -> bool:
        """Whether a body assigns what the test asks for, and the next round, or the next call, finds it there."""
        lost = loop is None and isinstance(node, ast.Name) and node.id in self._fresh
        return not lost and _is_assigned(node, body)

    def _is_rare(self, test: ast.expr, body: Sequence[ast.stmt], loop: Sequence[str] | None) -> bool:
        """Whether a test is seldom true."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=inner)):
                return self._is_rare(inner, body, loop)
            case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(left=left, ops=[op], comparators=[right])):
                inverse = _INVERSE.get(type(op))
                return inverse is not None and self._is_rare(ast.Compare(left, [inverse()], [right]), body, loop)
            case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(op=ast.Or(), values=values)):
                return any(self._is_rare(ast.UnaryOp(ast.Not(), value), body, loop) for value in values)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self._is_counted(inner) or self._is_filled(inner, body, loop) or _is_kept(inner)
            case ast.BoolOp(op=ast.Or(), values=values):
                return all(self._is_rare(value, body, loop) or _is_one_number(value) for value in values)
            case ast.BoolOp(op=ast.And(), values=values):
                return any(self._is_rare(value, body, loop) for value in values)
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                once = _is_one_iteration(left, right, loop or ())
                counted = self._is_counted(left) or self._is_counted(right)
                return once or counted or _is_emptiness(left, right) or _is_filled_by_call(left, right, body)
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[ast.Constant(value=float() as share)]):
                return share <= 1 / _OFTEN and _is_drawn(left)
            case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None) as none]):
                return self._is_filled(left, body, loop) or _is_filled_by_call(left, none, body)
            case ast.Compare(left=one, ops=[ast.NotEq() | ast.IsNot()], comparators=[two]) if body:
                return _is_for_last_shape(one, two, body) or _is_for_last_shape(two, one, body)
            case ast.Compare(ops=[ast.Lt() | ast.LtE()], comparators=[end]) if "warm" in last_name(end).lower():
                return True  # `step < warmup_steps`
            case ast.Compare(left=ast.Call(func=func, args=[]), ops=[ast.Lt() | ast.LtE()], comparators=[chance]):
                return last_name(func) in ("random", "rand") and _is_small(chance)
            case ast.Compare(left=key, ops=[ast.NotIn()], comparators=[held]):
                filled = self._is_filled(held, body, loop) and not _fills_others(key, held, body)
                return filled or _is_made_then(key, held, body)
            case ast.Compare(left=ast.Name() | ast.Attribute() as level, ops=[ast.Gt() | ast.GtE()]):
                return self._is_named_seldom(level)  # `verbose_level > 0`
            case ast.Name() | ast.Attribute():
                return last_name(test) in self._rare or self._is_named_seldom(test)
            case ast.Call(func=func):
                return last_name(func) in ("isEnabledFor", "is_in_onnx_export", "divisible_by")
        return False

    def _is_named_seldom(self, node: ast.expr) -> bool:
        """Whether a name says that it is seldom true: `debug`, `args.verbose_level`."""
        name = last_name(node)
        return not self._seldom.isdisjoint((name, *name.lower().split("_")))

    def _is_counted(self, node: ast.expr) -> bool:
        """`step % every`, where `step` is a counter, and `every` is no small number."""
        match node:
            case ast.BinOp(op=ast.Mod(), left=left, right=right):
                sums = isinstance(left, ast.BinOp)  # `(epoch * len(loader) + step) % n` counts, `len(xs) % n` does not
                sizes = (ast.Subscript, ast.JoinedStr) if sums else (ast.Call, ast.Subscript, ast.JoinedStr)
                counts = any(isinstance(part, ast.Name) for part in nodes_of(left))
                return counts and not self._is_often(right) and not any(isinstance(p, sizes) for p in nodes_of(left))
        return False

    def _is_often(self, every: ast.expr) -> bool:
        """Whether it is a small number, written out or as a constant of the file: `i % 4 == 0` is no rare case."""
        if isinstance(every, ast.Name) and every.id not in self._parameters:
            bound = self._module.binding(every.id)
            every = bound if isinstance(bound, ast.Constant) else every
        return isinstance(every, ast.Constant) and isinstance(every.value, int) and every.value <= _OFTEN


def _asks_rank_and_more(test: ast.expr) -> bool:
    """Whether a branch is for one process, and only under another condition: `if rank == 0 and ..`."""
    return isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) and any(map(_asks_rank, test.values))


def _is_for_failures(node: ast.If) -> bool:
    """Whether a branch is for what went wrong: it warns, or asks for numbers that are none: `if x.isnan().any():`."""
    calls = [part.value for part in node.body if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call)]
    if any(isinstance(call.func, ast.Attribute) and call.func.attr in _WARNS for call in calls):
        return True
    if any(_tells_of_trouble(call) for call in calls):
        return True
    asked = {last_name(part.func) for part in nodes_of(node.test) if isinstance(part, ast.Call)}
    negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
    return not asked.isdisjoint(("isnan", "isinf")) if not negated else "isfinite" in asked


def _tells_of_trouble(call: ast.Call) -> bool:
    """Whether a call prints a text of what went wrong: `print("overflow: step is skipped")`."""
    said = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return last_name(call.func) == "print" and any(_TROUBLE.search(text) for text in said)


def is_optimizer(node: ast.expr) -> bool:
    """Whether something is named like an optimizer: `self.optimizer_G`, `optimizers[0]`, `scaler`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return any(word.startswith("optim") or word in ("opt", "scaler") for word in last_name(node).lower().split("_"))


def steps_optimizer(body: Sequence[ast.stmt]) -> bool:
    """Whether a branch steps an optimizer: each step of training gets there, after the batches that it is made of."""
    return any(_is_step(node) for statement in body for node in nodes_of(statement))


def _is_step(node: ast.AST) -> bool:
    func = node.func if isinstance(node, ast.Call) else None
    return isinstance(func, ast.Attribute) and func.attr == "step" and is_optimizer(func.value)


def _takes_batch(body: Sequence[ast.stmt]) -> bool:
    """Whether a body takes a batch of what the function was given, `next(batches)`: a step, however often it comes."""
    calls = (part for statement in body for part in nodes_of(statement) if isinstance(part, ast.Call))
    return any(isinstance(call.func, ast.Name) and call.func.id == "next" and len(call.args) == 1 for call in calls)


def _is_small(chance: ast.expr) -> bool:
    """Whether a number that is written out is a probability below a quarter."""
    return isinstance(chance, ast.Constant) and isinstance(chance.value, float) and chance.value < 1 / _OFTEN


def _is_drawn(node: ast.expr) -> bool:
    """`random.random()`: below a small number, few iterations get there."""
    return any(
        isinstance(part, ast.Call) and last_name(part.func) in ("random", "rand", "uniform") for part in nodes_of(node)
    )


def _is_one_number(test: ast.expr) -> bool:
    """`step == 1`: beside a throttle, one more iteration."""
    match test:
        case ast.Compare(left=ast.Name() | ast.Attribute(), ops=[ast.Eq()], comparators=[ast.Constant(value=int())]):
            return True
    return False


def _is_one_iteration(left: ast.expr, right: ast.expr, loop: Iterable[str]) -> bool:
    """`i == 0`, `i == len(x) - 1`, where `i` is bound by the loop."""
    return any(isinstance(side, ast.Name) and side.id in loop for side in (left, right))


def _is_emptiness(left: ast.expr, right: ast.expr) -> bool:
    """`len(state) == 0`: what is empty at first is filled then."""
    match left, right:
        case ast.Call(func=ast.Name(id="len"), args=[held]), ast.Constant(value=0):
            return last_name(held) != "shape"  # that is a test of dimensions
    return False


def _is_filled_by_call(kept: ast.expr, nothing: ast.expr, body: Sequence[ast.stmt]) -> bool:
    """Whether a body calls a method for what `self` does not have yet: `if self.table is None: self.make_table(x)`."""
    match kept, nothing, body:
        case (
            ast.Attribute(value=ast.Name(id="self")),
            ast.Constant(value=None) | ast.Dict(keys=[]) | ast.List(elts=[]),
            [ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="self"))))],
        ):
            return True
    return False


def _is_assigned(node: ast.expr, body: Sequence[ast.stmt]) -> bool:
    """Whether a body assigns what the test asks for, or an item of it: it is filled once."""
    asked = spelled(node) if body else ""
    return any(
        isinstance(getattr(part, "ctx", None), ast.Store)
        and asked == spelled(part.value if isinstance(part, ast.Subscript) else part)
        for statement in body
        for part in nodes_of(statement)
        if isinstance(part, ast.Name | ast.Attribute | ast.Subscript)
    )


def _fills_others(key: ast.expr, held: ast.expr, body: Sequence[ast.stmt]) -> bool:
    """Whether a body assigns items of a container under other keys that are written out, and none under this one."""
    asked = spelled(held)
    stored = (part for statement in body for part in nodes_of(statement) if isinstance(part, ast.Subscript))
    keys = [part.slice for part in stored if isinstance(part.ctx, ast.Store) and spelled(part.value) == asked]
    if not isinstance(key, ast.Constant) or not all(isinstance(each, ast.Constant) for each in keys):
        return False
    return bool(keys) and all(spelled(each) != spelled(key) for each in keys)


def _returns_kept(node: ast.If, rest: Sequence[ast.stmt]) -> bool:
    """Whether a branch returns what is kept, and the rest keeps it: `if key in cache: return cache[key]`."""
    match node.body[-1]:
        case ast.Return(value=ast.Attribute() | ast.Subscript() as kept) if not node.orelse:
            text = spelled(kept)
            stored = (part for statement in rest for part in nodes_of(statement) if isinstance(part, type(kept)))
            return any(isinstance(part.ctx, ast.Store) and spelled(part) == text for part in stored)
    return False


def _asks_few(test: ast.expr) -> bool:
    """Whether a test compares something with 0 or 1, or with less than a number: `n == 0`, `len(x) < 2`."""
    match test:
        case ast.Compare(ops=[ast.Eq()], comparators=[ast.Constant(value=0 | 1 as number)]):
            return not isinstance(number, bool)
        case ast.Compare(ops=[ast.Lt() | ast.LtE()], comparators=[ast.Constant(value=int())]):
            return True
    return False


def _is_placeholder(statement: ast.stmt) -> bool:
    """Whether a statement returns or assigns what says nothing but where something is: `zeros(1, n).to(x.device)`."""
    match statement:
        case ast.Return(value=ast.Call() as value) | ast.Assign(value=ast.Call() as value):
            known = {part for node in nodes_of(value) for part in _sizes_and_places(node)}
            return all(part in known for part in nodes_of(value) if isinstance(part, ast.Name))
    return False


def _sizes_and_places(node: ast.AST) -> Sequence[ast.AST]:
    match node:
        case ast.Attribute(value=ast.Name(id="torch" | "np")) | ast.Attribute(attr="device" | "dtype" | "shape"):
            return nodes_of(node)
        case ast.Call(func=ast.Attribute(attr="zeros" | "ones" | "full" | "empty"), args=sizes):
            return sizes
    return ()


def _is_made_then(key: ast.expr, held: ast.expr, body: Sequence[ast.stmt]) -> bool:
    """Whether a body only calls what makes what a state, or a cache, does not have yet: `if "step" not in state`."""
    kept = isinstance(key, ast.Constant) and not {"state", "cache"}.isdisjoint(last_name(held).lower().split("_"))
    return kept and len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Call)


def _is_for_last_shape(kept: ast.expr, seen: ast.expr, body: Sequence[ast.stmt]) -> bool:
    """Whether an attribute keeps what a tensor has that was seen last: `if self.size != x.shape: self.size = ..`."""
    words = {part.attr for part in nodes_of(seen) if isinstance(part, ast.Attribute)}
    return isinstance(kept, ast.Attribute) and _is_assigned(kept, body) and bool(words & {"shape", "device", "dtype"})


def _is_kept(node: ast.expr) -> bool:
    """`hasattr(self, "cache")`, `os.path.exists(path)`: what is there, in memory or on a disk, is not made again."""
    match node:
        case ast.Call(func=ast.Name(id="hasattr") | ast.Attribute(attr="exists" | "isfile" | "is_file")):
            return True
    return False


def _asks_rank(node: ast.expr) -> bool:
    """`rank == 0`, `accelerator.is_main_process`."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In | ast.LtE):
        return "rank" in last_name(node.left).lower().split("_")
    return "main" in last_name(node.func if isinstance(node, ast.Call) else node).lower().split("_")
