"""Factories: torch calls that make a tensor, and whether they would make the same tensor on another device."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeGuard

from transfer_lint.flow.ask.makers import calls_maker
from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.idioms import innermost_call, is_size
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import bindings, is_literal, nodes_of, path_to, span, spelled, written
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.values import Tensor

# Arguments of a factory that say the device already, or whose meaning depends on the device.
_BINDING = frozenset({"device", "out", "requires_grad", "pin_memory", None})

# Factories whose arguments are sizes; of `full`, the first one.
_SIZED = frozenset({"torch.zeros", "torch.ones", "torch.empty", "torch.full"})

# What draws where the tensor is that says how.
_DRAWN = frozenset({"torch.bernoulli", "torch.normal", "torch.poisson"})

_FEW = 16  # numbers


@dataclass(frozen=True)
class Factory:
    """What makes a tensor on the host: one call, or an expression of nothing but such calls and numbers.

    written: how it is written, without the arguments. line: where it begins.
    copies: it copies values of the host, so making it on a device copies them there, too.
    pinned: its memory is pinned, for a copy that the host need not wait for.
    exact: making it on the target device gives the same bits.
    any_dtype: making it in the target dtype gives the same bits, too.
    helper: it is a call of a function of the tree that makes the tensor; `line` is where it does.
    few: it makes so few numbers, as their count is written, that nothing but the call itself costs anything.
    by_tensors: tensors have a method that makes it, and is told nothing but sizes: `x.new_zeros(2, 4)`.
    legacy: the dtype that a legacy constructor's name says (`torch.FloatTensor`), "" for the default one; else None.
    """

    written: str
    line: int
    copies: bool
    pinned: bool
    exact: bool = False
    any_dtype: bool = False
    legacy: str | None = None
    helper: bool = False
    few: bool = False
    by_tensors: bool = False


class Factories:
    """The factories that one file calls."""

    def __init__(self, module: Module, knowledge: Knowledge, sites: Sequence[Site]) -> None:
        self._module = module
        self._knowledge = knowledge
        self._casts = {site.node for site in sites if site.request.device is None and site.request.dtype is not None}

    def moved_by(self, site: Site, on_host: bool) -> Factory | None:
        """The deterministic factory whose result a site moves; None if there is none.

        The site moves the result itself, or a value that is computed from such results alone in the same expression
        (then not exact). on_host: the receiver is known to be on the host.
        """
        made = site.moved
        if isinstance(made, ast.Name):
            return None
        if isinstance(made, ast.Call) and self._makes_tensor(made):
            return self._direct(made) if not self._is_empty(made) else None
        if on_host and (helper := self._by_helper(site, made)) is not None:
            return helper
        calls = list(self._calls_of(made) or ())
        if not calls and on_host and isinstance(made, ast.Call | ast.BinOp):
            calls = [node for node in nodes_of(made) if isinstance(node, ast.Call) and self._makes_tensor(node)]
        if not calls:
            calls = list(self._calls_beside_numbers(made))
        if not calls or any(_names_device(call) for call in calls):
            return None
        return self._factory(made, calls)

    def _calls_beside_numbers(self, node: ast.expr) -> Iterator[ast.Call]:
        """The factory in arithmetic with a name, which has to be a number, or on the host: `torch.ones(n) * scale`."""
        match node:
            case ast.BinOp(left=left, right=right):
                for made, other in ((left, right), (right, left)):
                    plain = isinstance(other, ast.Name | ast.Attribute | ast.Subscript) or is_size(other)
                    if plain and isinstance(made, ast.Call) and made.args and self._module.dotted(made.func) in _SIZED:
                        yield made
            case ast.Call(func=ast.Attribute(value=value)) if not self._is_function(node):
                yield from self._calls_beside_numbers(value)

    def _is_empty(self, call: ast.Call) -> bool:
        """Whether a size is 0: there is nothing to copy."""
        name = self._module.dotted(call.func)
        sizes = [*call.args[:1], *(() if name == "torch.full" else call.args[1:])] if name in _SIZED else []
        each = [item for size in sizes for item in (size.elts if isinstance(size, ast.Tuple | ast.List) else [size])]
        return any(isinstance(size, ast.Constant) and size.value == 0 for size in each)

    def _makes_few(self, call: ast.Call) -> bool:
        """Whether all sizes of a factory are written out, and small."""
        name = self._module.dotted(call.func)
        if name not in _SIZED:
            return False
        sizes = [item for size in (call.args[:1] if name == "torch.full" else call.args) for item in _items(size)]
        numbers = [size.value for size in sizes if isinstance(size, ast.Constant) and isinstance(size.value, int)]
        return bool(sizes) and len(numbers) == len(sizes) and prod(numbers) <= _FEW

    def makes(self, node: ast.expr) -> bool:
        """Whether an expression is computed from factories alone."""
        return bool(list(self._calls_of(node) or ()))

    def makes_on_host(self, node: ast.expr) -> bool:
        """Whether an expression is computed from factories alone, none of which asks for a device."""
        calls = list(self._calls_of(node) or ())
        return bool(calls) and not any(_names_device(call) for call in calls)

    def made_by(self, site: Site) -> Factory | None:
        """The call of a deterministic factory that made the receiver; None if there is none.

        The receiver is a local name, or method calls on one, and the value of that name is read nowhere else.
        """
        name, receiver, function = _root(site.moved), site.receiver, site.function
        if name is None or function is None or not isinstance(receiver, Tensor) or receiver.made is None:
            return None
        outside = _is_outside(receiver.made, function.node)
        if not outside and not self._makes_tensor(receiver.made):
            return None
        same = [node for node in nodes_of(function.node) if isinstance(node, ast.Name) and node.id == name.id]
        stores = sorted(node.lineno for node in same if isinstance(node.ctx, ast.Store) and node.lineno < name.lineno)
        rebound = any(isinstance(node.ctx, ast.Store) and node.lineno == site.statement.lineno for node in same)
        end = site.statement.end_lineno if rebound else None  # reads further down get the moved value
        reads = [
            node
            for node in same
            if isinstance(node.ctx, ast.Load)
            and stores
            and stores[-1] < node.lineno
            and (not end or node.lineno <= end)
            and not _is_elsewhere(site, node, stores[-1])
        ]
        if not stores or reads != [name]:
            return None
        if not outside:
            return self._factory(receiver.made, [receiver.made])
        bound = [
            v
            for t, v in bindings(function.node)
            if isinstance(t, ast.Name) and (t.id, t.lineno) == (name.id, stores[-1])
        ]
        return self._by_helper(site, bound[0]) if bound else None

    def made_like(self, site: Site) -> str | None:
        """What the result that a site moves is made like, without a device: `x` of `torch.zeros_like(x).to(d)`.

        The result may have been computed with a number, joined with others, and bound to a name just before.
        """
        made = site.moved
        if isinstance(made, ast.Name):
            made = _assigned_before(site, made.id) or made
        return next(self._likes(made), None)

    def _likes(self, made: ast.expr) -> Iterator[str]:
        """What the parts of an expression that decide where its result is are made like."""
        match made:
            case ast.BinOp(left=left, right=right):
                sides = [side for side in (left, right) if isinstance(side, ast.Call)]
                other = right if left in sides else left
                if len(sides) == 1 and isinstance(other, ast.Constant | ast.Name | ast.Attribute):
                    yield from self._likes(sides[0])
            case ast.UnaryOp(operand=inner):
                yield from self._likes(inner)
            case ast.Call(func=func, args=[first, *_]) if (name := self._module.dotted(func)).startswith("torch."):
                like = name in self._knowledge.like_factories and not _names_device(made)
                if like or (name in _DRAWN and not made.keywords and not isinstance(first, ast.Constant)):
                    yield spelled(first)
                elif name in self._knowledge.take_sequences and isinstance(first, ast.List | ast.Tuple):
                    for part in first.elts:
                        yield from self._likes(part)
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in self._knowledge.tensor_same:
                yield from self._likes(inner)

    def behind(self, site: Site) -> Factory | None:
        """A deterministic factory of which the receiver was computed, and of nothing else.

        Here, or where the object was made.
        """
        if not isinstance(site.receiver, Tensor) or site.function is None or site.receiver.moved_from:
            return None
        calls = [fact.node for fact in (site.device.why if site.device else ()) if isinstance(fact.node, ast.Call)]
        if not calls or not all(self._makes_tensor(call) for call in calls):
            return None
        owner = site.function.owner
        start = owner.methods.get("__init__", site.function) if owner is not None else site.function
        if any(_is_outside(call, site.function.node) and _is_outside(call, start.node) for call in calls):
            return None
        found = self._factory(calls[0], calls)
        if any(self._is_empty(call) for call in calls):
            return None
        return None if found.copies or found.pinned else found

    def _by_helper(self, site: Site, call: ast.expr | None) -> Factory | None:
        """A function of the tree that is called here, and that returns what it has made on the host."""
        function = site.function
        made = site.receiver.made if isinstance(site.receiver, Tensor) else None
        call = innermost_call(call) if call is not None else None
        if function is None or not isinstance(call, ast.Call) or not isinstance(site.receiver, Tensor):
            return None
        if not (calls_maker(call, function, self._knowledge) if made is None else _is_outside(made, function.node)):
            return None
        func = call.func
        if isinstance(func, ast.Attribute) and not (
            isinstance(func.value, ast.Name) and (func.value.id == "self" or func.value.id in self._module.bindings)
        ):
            return None  # a method of a value
        line, copies = (made.lineno, self._copies(made)) if made is not None else (call.lineno, False)
        return Factory(_spelled(call), line, copies=copies, pinned=False, helper=True)

    def _direct(self, made: ast.Call) -> Factory | None:
        """A factory whose result is moved at once."""
        keywords = {keyword.arg for keyword in made.keywords}
        if _names_device(made):
            return None
        name = self._module.dotted(made.func)
        legacy = self._knowledge.legacy_factories.get(name)
        if legacy is not None:
            exact = _holds_numbers(made, legacy)
        else:
            exact = not keywords & _BINDING and (name in self._knowledge.exact_factories or self._is_integral(made))
        any_dtype = name in self._knowledge.exact_in_any_dtype and "dtype" not in keywords
        by_tensors = name in _SIZED and name != "torch.full" and not made.keywords
        return replace(self._factory(made, [made], exact, any_dtype, legacy), by_tensors=by_tensors)

    def _factory(
        self,
        made: ast.expr,
        calls: Sequence[ast.Call],
        exact: bool = False,
        any_dtype: bool = False,
        legacy: str | None = None,
    ) -> Factory:
        copies = any(self._copies(call) for call in calls)
        pinned = any(_is_pinning(node) for node in nodes_of(made))
        few = all(map(self._makes_few, calls))
        return Factory(_spelled(made), made.lineno, copies, pinned, exact, any_dtype, legacy, few=few)

    def _makes_tensor(self, node: ast.Call) -> bool:
        """Whether a node is a call of a deterministic factory."""
        name, known = self._module.dotted(node.func), self._knowledge
        return (
            name in known.exact_factories
            or name in known.inexact_factories
            or name in known.from_values
            or name in known.legacy_factories
        )

    def _copies(self, call: ast.Call) -> bool:
        """Whether a factory copies values of the host. `torch.Tensor(3, 4)` only takes memory."""
        name = self._module.dotted(call.func)
        sizes = len(call.args) > 1 or any(isinstance(arg, ast.Constant | ast.Starred) for arg in call.args)
        return name in self._knowledge.from_values or (name in self._knowledge.legacy_factories and not sizes)

    def _calls_of(self, node: ast.expr) -> Iterator[ast.Call] | None:
        """The factory calls that an expression is computed from; None if it may be computed from anything else, too."""
        match node:
            case ast.Call() if self._makes_tensor(node):
                return iter([node])
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if not self._is_function(node):
                known, cast = self._knowledge, name == "type" or node in self._casts
                kept = cast or name in known.tensor_same or name in known.tensor_casts
                plain = cast or name in known.tensor_views or all(map(is_literal, node.args))
                return self._calls_of(value) if kept and plain else None
            case ast.Call(args=args, keywords=keywords) if self._is_function(node):
                plain = all(is_literal(keyword.value) for keyword in keywords)
                return self._of_all(args) if plain else None
            case ast.BinOp(left=left, right=right):
                return self._of_all([left, right])
            case ast.UnaryOp(operand=value):
                return self._calls_of(value)
            case ast.Subscript(value=value, slice=index):
                sliced = all(isinstance(item, ast.Slice | ast.Constant) for item in _items(index))
                return self._calls_of(value) if sliced else None
        return None

    def _of_all(self, operands: Sequence[ast.expr]) -> Iterator[ast.Call] | None:
        found: list[ast.Call] = []
        for operand in operands:
            for part in _items(operand):
                calls = None if is_literal(part) else self._calls_of(part)
                if calls is None and not is_literal(part):
                    return None
                found += calls or ()
        return iter(found)

    def _is_function(self, call: ast.Call) -> bool:
        """Whether a call with a dotted name is one of a function of torch, not a method of a value."""
        name, known = self._module.dotted(call.func), self._knowledge
        return any(name in names for names in (known.combine, known.tuples, known.take_sequences))

    def _is_integral(self, call: ast.Call) -> bool:
        """Whether `arange(...)` counts in integers: then it gives the same result on every device."""
        dtype = next((k.value for k in call.keywords if k.arg == "dtype"), None)
        if dtype is not None:
            return self._module.dotted(dtype) in ("torch.long", "torch.int", "torch.int64", "torch.int32")
        return self._module.dotted(call.func) in self._knowledge.exact_if_whole and all(
            self._is_whole(part) for part in call.args
        )

    def _is_whole(self, node: ast.expr) -> bool:
        """Whether an expression is a literal whole number, or a length."""
        if isinstance(node, ast.Call):
            return self._module.dotted(node.func) == "builtins.len"
        return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _is_elsewhere(site: Site, read: ast.AST, store: int) -> bool:
    """Whether a read stands in the other branch of an `if` that holds the site and the line of the store."""
    assert site.function is not None
    for around in path_to(site.function.node.body, site.statement):
        if isinstance(around, ast.If) and span(around)[0] < store:
            one, other = around.body, around.orelse
            if not span(one[0])[0] <= site.statement.lineno <= span(one[-1])[1]:
                one, other = other, one
            same = span(one[0])[0] <= store <= span(one[-1])[1] if one else False
            if same and any(read in nodes_of(statement) for statement in other):
                return True
    return False


def _assigned_before(site: Site, name: str) -> ast.expr | None:
    """What the statement before the site's, in the same block, assigns to a name; None if it does no such thing."""
    blocks = () if site.function is None else nodes_of(site.function.node)
    for node in blocks:
        body = next((b for b in (getattr(node, "body", ()), getattr(node, "orelse", ())) if _holds(b, site)), None)
        if body is None:
            continue
        match body[body.index(site.statement) - 1]:
            case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                return value
    return None


def _holds(block: object, site: Site) -> TypeGuard[list[ast.stmt]]:
    return isinstance(block, list) and site.statement in block[1:]


def _is_outside(call: ast.Call, function: ast.AST) -> bool:
    return not any(node is call for node in nodes_of(function))


def _names_device(call: ast.Call) -> bool:
    """Whether a call says where it makes its result, or may say so: `**m`."""
    return any(keyword.arg in ("device", None) for keyword in call.keywords)


def _holds_numbers(made: ast.Call, dtype: str) -> bool:
    """Whether a legacy constructor is given one list of literals of which `torch.tensor` makes the same.

    It takes whole numbers for integers and truth values for `bool`, and needs a fraction to make the default dtype.
    """
    if len(made.args) != 1 or made.keywords or not isinstance(made.args[0], ast.List) or not is_literal(made.args[0]):
        return False
    kinds = {type(node.value) for node in nodes_of(made.args[0]) if isinstance(node, ast.Constant)}
    if not dtype:
        return float in kinds and kinds <= {int, float}
    return kinds <= ({int, float} if "float" in dtype else {bool} if dtype == "torch.bool" else {int})


def _is_pinning(node: ast.AST) -> bool:
    match node:
        case ast.keyword(arg="pin_memory", value=value):
            return not (isinstance(value, ast.Constant) and value.value is False)
        case ast.Attribute(attr="pin_memory"):
            return True
    return False


def _items(node: ast.expr) -> Sequence[ast.expr]:
    """The items of a list or tuple that is written out; else the node itself."""
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def _root(node: ast.expr) -> ast.Name | None:
    """`x` of `x`, `x.unsqueeze(0)`, `x.view(-1).t()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node if isinstance(node, ast.Name) else None


def _spelled(made: ast.expr) -> str:
    """How what makes a tensor is written; a call without its arguments: `torch.zeros(...)`."""
    return f"{written(made.func)}(...)" if isinstance(made, ast.Call) else written(made)
