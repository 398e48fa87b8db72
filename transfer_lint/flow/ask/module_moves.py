"""Moves of modules: which are repeated for nothing, and which the source around them gives a reason for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from transfer_lint.findings import Heat
from transfer_lint.flow.ask.caches import kept_by
from transfer_lint.flow.ask.detours import last_assigned
from transfer_lint.flow.program.idioms import iterated, last_name
from transfer_lint.flow.program.syntax import (
    LOOPS,
    bindings,
    blocks_of,
    loops_around,
    names_in,
    nodes_of,
    path_to,
    spelled,
)
from transfer_lint.flow.program.throttles import is_optimizer
from transfer_lint.flow.results.sites import Site

_ENDS = (ast.Return, ast.Continue, ast.Break)  # a test that raises asks for a mistake
_PLACES = frozenset({"device", "is_cuda", "is_cpu"})
_LOADING = ("load", "from_pretrained")


def only_moves(site: Site, sites: Sequence[Site]) -> bool:
    """Whether the function does nothing with the module but move it: the move is what it is called for."""
    function, text, root = site.function, spelled(site.moved), _root(site.moved)
    if function is None or (not site.is_discarded and not _is_put_back_in_place(site)):
        return False
    moves = {node for other in sites if other.function is function for node in nodes_of(other.node)}
    moves |= {node for statement in _tests(function.node) for node in nodes_of(statement)}
    for node in nodes_of(function.node):
        if node in moves or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and spelled(node) == text:
            return False
    return root is None or root == text or not _is_worked_with(function.node, root, moves)


def precedes_training(site: Site) -> bool:
    """Whether a training begins further down in the function: a loop that trains, or `optimizer = Adam(parameters)`."""
    return site.function is not None and any(
        getattr(node, "lineno", 0) > site.node.lineno and (_is_training(node) or _makes_optimizer(node))
        for node in nodes_of(site.function.node)
    )


def _is_training(node: ast.AST) -> bool:
    parts = nodes_of(node) if isinstance(node, LOOPS) else ()
    return any(isinstance(part, ast.Attribute) and part.attr == "backward" for part in parts)


def _makes_optimizer(node: ast.AST) -> bool:
    """`self.optimizer = SGD(model.parameters(), lr)`."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and bool(node.value.args or node.value.keywords)
        and any(map(is_optimizer, node.targets))
    )


def is_chosen(site: Site) -> bool:
    """Whether a test chooses between two places for the module: `if b > n: block.to(a) else: block.to(b)`."""
    if site.function is None:
        return False
    text = spelled(site.moved)
    for statement in path_to(site.function.node.body, site.statement):
        if isinstance(statement, ast.If) and statement.orelse:
            branches = [
                any(_moves(node, text) for inner in branch for node in nodes_of(inner))
                for branch in (statement.body, statement.orelse)
            ]
            if all(branches):
                return True
    return False


def is_noted(site: Site) -> bool:
    """Whether the function notes on the module where it has put it, as managers of memory do: `m.device = d`."""
    if site.function is None:
        return False
    text = spelled(site.moved)
    given = {spelled(value) for value in (*site.node.args, *(k.value for k in site.node.keywords))}
    return any(
        isinstance(target, ast.Attribute) and spelled(target.value) == text and spelled(value) in given
        for target, value in bindings(site.function.node)
        if value is not None
    )


def is_looked_up(site: Site) -> bool:
    """Whether the place is looked up under a name: `m.to(state["unet"]["device"])` puts back what was noted before."""
    place = site.device_argument
    return (
        isinstance(place, ast.Subscript)
        and isinstance(place.slice, ast.Constant)
        and isinstance(place.slice.value, str)
    )


def is_just_loaded(site: Site) -> bool:
    """Whether the function has loaded the module at once, or where it last assigned it: its weights are to be moved.

    Not if the call that loaded it was told a device.
    """
    value = site.moved if isinstance(site.moved, ast.Call) else last_assigned(site, spelled(site.moved))
    if not isinstance(value, ast.Call) or any(k.arg in ("device", "device_map") for k in value.keywords):
        return False
    name = last_name(value.func)
    return name.startswith(_LOADING) or (isinstance(site.moved, ast.Subscript) and name[:1].isupper())


def is_picked(site: Site) -> bool:
    """Whether the function has picked the module, with others, to move it: `for m in chosen: m.to(d)`."""
    root, function = _root(site.moved), site.function
    if function is None or root is None:
        return False
    over = {
        spelled(node.iter)
        for node in nodes_of(function.node)
        if isinstance(node, ast.For) and any(isinstance(n, ast.Name) and n.id == root for n in nodes_of(node.target))
    }
    listed = {
        spelled(target) for target, value in bindings(function.node) if isinstance(value, ast.List) and not value.elts
    }
    return bool(over & listed)


def is_guarded_by_hand(site: Site) -> bool:
    """Whether a test around or before the move asks where the module is, or for what is noted after such a move.

    Noted: the test reads what the function, after the test, assigns (`if self.at != d: self.m.to(d); self.at = d`).
    """
    if site.function is None:
        return False
    body, text = site.function.node.body, spelled(site.moved)
    path = path_to(body, site.statement)
    around = [statement for statement in path if isinstance(statement, ast.If)]
    before = [s for s in _leaving(body) if s.lineno < site.statement.lineno and s not in around]
    for statement in (*around, *before):
        if statement in around and not any(_holds(inner, site.statement) for inner in statement.body):
            continue
        if _asks_where(statement.test, text):
            return True
        within = statement.body if statement in around else body
        noted = {
            spelled(target)
            for inner in within
            if inner.lineno >= statement.lineno
            for part in nodes_of(inner)
            if isinstance(part, ast.stmt) and part is not site.statement
            for target in kept_by(part)
        }
        places = (n for n in nodes_of(statement.test) if isinstance(n, ast.Name | ast.Attribute | ast.Subscript))
        if noted & set(map(ast.unparse, places)):
            return True
    return False


def outlives_call(site: Site) -> bool:
    """Whether the module is still there in a later call.

    Not if the function has it from a call, made or fetched, or loads its weights, or what holds it.
    """
    function = site.function
    if function is None or _is_loaded(function.node, spelled(site.moved)):
        return False
    loaded = {_loads_into(node) for node in nodes_of(function.node)} - {"self", None}
    bound: dict[str, list[ast.expr | None]] = {}
    for target, value in bindings(function.node):
        if target.lineno <= site.statement.lineno:
            bound.setdefault(spelled(target), []).append(value)
    pending, seen = [site.moved], set[str]()
    while pending:
        for place in _prefixes(pending.pop()):
            name = spelled(place)
            if name in seen:
                continue
            seen.add(name)
            if name in loaded:
                return False
            for value in bound.get(name, ()):
                if value is None or _is_made(value, name):
                    return False
                pending.append(value)
    return True


def is_taken_away(site: Site, sites: Sequence[Site]) -> bool:
    """Whether another move in the class, or in the function, takes the module, or a part of it, to another place.

    Or another item of what the module is an item of: where one layer is loaded, the one before it is offloaded.
    """
    text, wanted, held_by = spelled(site.moved), site.request.device, _collections(site)
    owner = site.function.owner if site.function is not None else None
    return any(
        other.request.device is not None
        and wanted is not None
        and other.request.device.known.term != wanted.known.term
        and (_is_in(spelled(other.moved), text) or not held_by.isdisjoint(_collections(other)))
        and (
            other.function is site.function
            or (owner is not None and other.function is not None and other.function.owner is owner)
        )
        for other in sites
        if other is not site
    )


def _collections(site: Site) -> frozenset[str]:
    """What the module is an item of, in a loop or by an index."""
    name, function = spelled(site.moved), site.function
    values = [value for target, value in bindings(function.node) if spelled(target) == name] if function else []
    found = {spelled(iterated(value)) for value in values if isinstance(value, ast.Call) and value.args}
    found |= {spelled(value.value) for value in (site.moved, *values) if isinstance(value, ast.Subscript)}
    return frozenset(found)


def is_given(site: Site) -> bool:
    """Whether what is moved is a parameter, or a part or item of one, in no loop over steps.

    The caller knows how often.
    """
    root, function = site.moved, site.function
    while isinstance(root, ast.Attribute):
        root = root.value
    if function is None or not isinstance(root, ast.Name):
        return False
    loops = loops_around(function.node.body, site.statement)
    if loops and site.heat.rank >= Heat.STEP.rank:
        return False
    sources = [loop.iter for loop in loops if isinstance(loop, ast.For) and root.id in names_in(loop.target)]
    names = {source.id for source in sources if isinstance(source, ast.Name)}
    if root is site.moved or root.id not in ("self", "cls"):
        names.add(root.id)
    return not names.isdisjoint(parameter.arg for parameter in function.parameters)


def is_part_like(site: Site, other: Site) -> bool:
    """Whether both move an attribute of the same name, perhaps of objects that are spelled otherwise."""
    match site.moved, other.moved:
        case ast.Attribute(attr=name), ast.Attribute(attr=also):
            return name == also and other is not site
    return False


def _is_in(part: str, whole: str) -> bool:
    """Whether one spelling is the other, or leads on from it: `self.unets` of `self`."""
    return part == whole or part.startswith((f"{whole}.", f"{whole}["))


def _is_loaded(function: ast.AST, text: str) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("load_state_dict", "to_empty") and spelled(node.value) == text
        for node in nodes_of(function)
    )


def _is_put_back_in_place(site: Site) -> bool:
    """`self.m = self.m.to(d)`."""
    match site.statement:
        case ast.Assign(targets=[target], value=value) if value is site.node:
            return spelled(target) == spelled(site.moved)
    return False


def _loads_into(node: ast.AST) -> str | None:
    """What a call of a method such as `load_model` loads into: `self.sd` of `self.sd.load_model()`."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name.split("_")[0] == "load":
            return spelled(value)
    return None


def _is_worked_with(function: ast.AST, root: str, moves: set[ast.AST]) -> bool:
    """Whether the function calls a method of what holds the module (not to move it), or hands that on."""
    for node in nodes_of(function):
        if not isinstance(node, ast.Call) or node in moves:
            continue
        if isinstance(node.func, ast.Attribute | ast.Name) and _root(node.func) == root:
            return True
        given = (*node.args, *(keyword.value for keyword in node.keywords))
        handed = [value for value in given if not isinstance(value, ast.JoinedStr)]  # text is for people
        if any(isinstance(part, ast.Name) and part.id == root for value in handed for part in nodes_of(value)):
            return True
    return any(
        isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Name) and node.value.id == root
        for node in nodes_of(function)
    )


def _moves(node: ast.AST, text: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="to" | "cuda" | "cpu")):
            return spelled(value) == text
    return False


def _asks_where(test: ast.expr, text: str) -> bool:
    """Whether a test reads `.device` or the like of the module, or of something in it."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in _PLACES
        and any(isinstance(part, ast.expr) and spelled(part) == text for part in nodes_of(node.value))
        for node in nodes_of(test)
    )


def _leaving(body: Sequence[ast.stmt]) -> Iterator[ast.If]:
    """The tests of a block that end it early: `if self.at == d: return`."""
    for statement in body:
        if isinstance(statement, ast.If) and not statement.orelse and isinstance(statement.body[-1], _ENDS):
            yield statement
        for block in blocks_of(statement):
            yield from _leaving(block)


def _tests(function: ast.AST) -> Iterator[ast.expr]:
    for node in nodes_of(function):
        if isinstance(node, ast.If | ast.IfExp | ast.Assert):
            yield node.test


def _holds(outer: ast.AST, inner: ast.AST) -> bool:
    return any(node is inner for node in nodes_of(outer))


def _is_made(value: ast.expr, name: str) -> bool:
    """Whether a value comes from a call: made or fetched; not if the call is of the name itself (`m = m.to(d)`)."""
    while isinstance(value, ast.Attribute | ast.Subscript):
        value = value.value
    if not isinstance(value, ast.Call):
        return False
    func = value.func
    if isinstance(func, ast.Attribute) and spelled(func.value) == name:
        return False
    return _root(func) not in ("zip", "enumerate", "reversed", "list", "tuple", "iter", "next", "getattr")


def _prefixes(node: ast.expr) -> Iterator[ast.expr]:
    """`a.b[0]`, `a.b` and `a` of `a.b[0]`; the arguments of a call."""
    if isinstance(node, ast.Call):
        for argument in node.args:
            yield from _prefixes(argument)
        return
    while isinstance(node, ast.Attribute | ast.Subscript):
        yield node
        node = node.value
    if isinstance(node, ast.Name):
        yield node


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
