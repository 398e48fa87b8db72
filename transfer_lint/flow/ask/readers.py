"""Readers: the host reads of what a transfer moves to the host, and the transfer behind a host read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from transfer_lint.findings import Heat
from transfer_lint.flow.ask.dominance import dominates, last_line
from transfer_lint.flow.ask.explicit_waits import shows_purpose
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import (
    block_with,
    loops_around,
    names_in,
    nodes_of,
    parents,
    spelled,
    spelled_in,
)
from transfer_lint.flow.results.reads import Form, HostRead
from transfer_lint.flow.results.sites import Site

_REDUCTIONS = frozenset({"all", "amax", "amin", "any", "max", "mean", "median", "min", "prod", "std", "sum", "var"})
_SAME_VALUES = frozenset(
    {"contiguous", "detach", "double", "flatten", "float", "numpy", "ravel", "reshape", "squeeze", "view"}
)
_WAITS = frozenset({"synchronize", "wait", "wait_stream", "wait_event"})
_MEASURES = frozenset({"synchronize", "elapsed_time", "memory_allocated", "memory_reserved", "max_memory_allocated"})


def read_of_one_item(site: Site, reads: Sequence[HostRead]) -> HostRead | None:
    """The host read of one item of what the site moves: `x.cpu()[0].item()`; None if there is none."""
    for read in reads:
        func = read.node.func if isinstance(read.node, ast.Call) else None
        held = func.value if isinstance(func, ast.Attribute) and func.attr == "item" else None
        if isinstance(held, ast.Subscript) and held.value is site.node and _is_constant_index(held.slice):
            return read
    return None


def reduced_at_once(site: Site, module: Module, *, sure: bool) -> str | None:
    """The reduction of what the site copies, in the same expression: `max` of `x.cpu().numpy().max(axis=1)`.

    sure: it is worth a word whatever is reduced. Else only an array is.
    """
    around = parents(site.statement)
    node: ast.AST = site.node
    while True:
        above = around.get(node)
        call = around.get(above) if above is not None else None
        match above, call:
            case ast.Attribute(attr=name), ast.Call(func=func) if func is above:
                if name in _REDUCTIONS:
                    return name if sure else None
                if name not in _SAME_VALUES:
                    return None
                sure = sure or name == "numpy"
                node = call
            case ast.Call(func=func, args=[first, *_]), _ if first is node:
                owner, _, name = module.dotted(func).rpartition(".")
                return name if sure and owner == "numpy" and name in _REDUCTIONS else None
            case _:
                return None


def read_before_waiting(site: Site, reads: Sequence[HostRead], operation: int | None) -> int | None:
    """The line of the first read of what the site copies to the host, unless the function waits before it; else None.

    operation: the line of the first operation that reads it.
    """
    begin = site.node.lineno
    lines = [
        read.anchor[0]
        for read in reads
        if site.node in read.tensor.moved_from and read.function is site.function and read.anchor[0] >= begin
    ]
    first = min([*lines, *([operation] if operation is not None else ())], default=None)
    return None if first is None or any(begin <= wait <= first for wait in waits_after(site)) else first


def waits_after(site: Site) -> Sequence[int]:
    """The lines, from the site's on, where the function waits for the device."""
    if site.function is None:
        return []
    return [
        node.lineno
        for node in nodes_of(site.function.node)
        if isinstance(node, ast.Attribute) and node.attr in _WAITS and node.lineno >= site.node.lineno
    ]


def is_read_again(read: HostRead, brought: Site, reads: Sequence[HostRead]) -> bool:
    """Whether the transfer that brought what is read runs less often than the read, or another read comes first."""
    if any(node is brought.node for node in nodes_of(read.node)):
        return False
    if brought.heat.rank < Heat.STEP.rank or read.elements:
        return True
    return any(brought.node in other.tensor.moved_from and other.anchor < read.anchor for other in reads)


def is_brought_later(read: HostRead, brought: Sequence[Site], reads: Sequence[HostRead]) -> bool:
    """Whether one of the transfers to the host takes what is read, as a whole, whenever and after it is read.

    Not a transfer for the sake of one number, which is a wait to be spared like the read itself.
    """
    names = {node.id for node in nodes_of(read.node) if isinstance(node, ast.Name)}
    for site in brought:
        root = _root(site.moved)
        if site.function is not read.function or site.anchor <= read.anchor or root not in names:
            continue
        numbers = (r for r in reads if r.statement is site.statement and r.method not in ("numpy", "tolist"))
        one = any(node is site.node for number in numbers for node in nodes_of(number.node))
        if not one and site.rate.rate == read.rate.rate and not _is_bound_between(read, site, root):
            return True
    return False


def statements_after(read: HostRead) -> list[ast.stmt]:
    """The statements of the same block that stand behind the one that reads."""
    block = block_with(read.scope.body, read.statement)
    return [each for each in block if each.lineno > read.statement.lineno]


def _is_bound_between(read: HostRead, site: Site, name: str) -> bool:
    lines = range(read.node.lineno, site.node.lineno)
    nodes = nodes_of(read.scope)
    stores = (node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))
    return any(node.id == name and node.lineno in lines for node in stores)


def _root(node: ast.expr) -> str:
    """`x` of `x.y[0].z(1)`; "" for anything else."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def has_same_cause(first: HostRead, second: HostRead) -> bool:
    """Whether two reads in a statement are mended as one: of one item, of one element in tests, or with one mask."""
    if first.statement is not second.statement or first.form is not second.form:
        return False
    if first.indexed is not None and first.indexed is second.indexed:
        return first.tensor.device is not None or second.tensor.device is None  # else the second one tells more
    elements = bool(first.elements) and first.elements == second.elements and first.form is Form.TEST
    return elements or (mask_of(first) != "" and mask_of(first) == mask_of(second))


def mask_of(read: HostRead) -> str:
    """The mask that an index selects with; "" for another read."""
    masked = read.form is Form.SIZE and isinstance(read.node, ast.Subscript)
    return spelled(read.node.slice) if masked and isinstance(read.node, ast.Subscript) else ""


def is_read_of_all(read: HostRead) -> bool:
    """Whether a list of such reads holds all elements of a tensor, which its last method makes one-dimensional."""
    if not read.elements or read.method != "item":
        return False
    for node in nodes_of(read.statement):
        match node:
            case ast.ListComp(
                elt=ast.Call(func=ast.Attribute(value=ast.Name(id=name)), args=[], keywords=[]) as element,
                generators=[ast.comprehension(target=ast.Name(id=bound), iter=source, ifs=[], is_async=0)],
            ) if element is read.node:
                return name == bound and _is_flat(source)
    return False


def _is_flat(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="flatten" | "ravel"), args=[], keywords=[]):
            return True
        case ast.Call(
            func=ast.Attribute(attr="reshape" | "view"),
            args=[ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))],
            keywords=[],
        ):
            return True
    return False


def moved_at_once(read: HostRead, by_node: Mapping[ast.AST, Site]) -> Site | None:
    """The transfer in the expression that is read: `x.cpu().item()`; None if there is none."""
    held: ast.AST | None = read.node
    while isinstance(held, ast.Call | ast.Attribute | ast.Subscript) and held not in by_node:
        held = held.func if isinstance(held, ast.Call) else held.value
    return by_node.get(held) if isinstance(held, ast.Call) and held is not read.node else None


def _is_constant_index(node: ast.expr) -> bool:
    """Whether an index is made of constants only. A tensor as an index may have to be on the same device."""
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    return all(
        isinstance(item.operand if isinstance(item, ast.UnaryOp) else item, ast.Constant)
        and not isinstance(getattr(item, "value", 0), str)
        for item in items
    )


def reads_the_same(first: HostRead, second: HostRead) -> bool:
    """Whether two reads of one function are of the same locals, which nothing in between binds again."""
    names = [names_in(read.node).difference(read.module.bindings) for read in (first, second)]
    return bool(names[0]) and names[0] == names[1] and is_kept_between(first, second, names[0])


def tests_the_same(first: HostRead, second: HostRead) -> bool:
    """Whether two reads of one function test the same local, unchanged in between, and the second no more often."""
    names = [read.node.id if isinstance(read.node, ast.Name) else "" for read in (first, second)]
    same = names[0] != "" and names[0] == names[1] and first.function is second.function
    if not same or first.in_handler or first.heat.rank < second.heat.rank:
        return False
    return first.form is second.form is Form.TEST and is_kept_between(first, second, frozenset(names))


def is_the_same_size(first: HostRead, second: HostRead) -> bool:
    """Whether a function takes for a size what it has read before, or another element of that in the same loop."""
    if second.form is not Form.NUMBER or first.function is not second.function:
        return False
    return first.tensor.ident is second.tensor.ident or (second.elements != "" and first.elements == second.elements)


def is_computed_before(place: Site | HostRead, wait: Site | HostRead, methods: frozenset[str]) -> bool:
    """Whether a wait that dominates another was for all that the other needs, save for light methods and operators.

    So nothing in between binds or writes to what the other reads.
    """
    if wait.function is not place.function or not dominates(wait, place):
        return False
    needed = nodes_of(place.node)
    if wait.node in needed or not all(_is_light(node, methods) for node in needed if node is not place.node):
        return False
    last = last_line(wait, place)
    between = range(wait.node.end_lineno or wait.node.lineno, last + 1)
    own = set(nodes_of(place.statement) if last == place.node.lineno else ())  # `x = x.cpu()` binds after it has read
    nodes = (node for node in nodes_of(place.scope) if node not in own)
    written = {spelled(n) for node in nodes for n in _written(node) if n.lineno in between}
    return written.isdisjoint(spelled_in(place.node))


def _is_light(node: ast.AST, methods: frozenset[str]) -> bool:
    """Whether a part of what is read costs the device little: no call but of tensor methods, no matrix product."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in methods
        case ast.Call() | ast.MatMult():
            return False
    return True


def _written(node: ast.AST) -> Iterator[ast.expr]:
    """What a node binds, or writes to in place: `x` of `x = 1`, `x[0] = 1` and `x.add_(1)`."""
    match node:
        case ast.Subscript(value=value, ctx=ast.Store()):
            yield value
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name.endswith("_"):
            yield value
        case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
            yield node


def selects_with_the_same(first: HostRead, second: HostRead) -> bool:
    """Whether two reads of one function select with one mask, which nothing in between binds again."""
    masks = [read.node.slice for read in (first, second) if mask_of(read) and isinstance(read.node, ast.Subscript)]
    same = len(masks) == 2 and spelled(masks[0]) == spelled(masks[1])
    return same and is_kept_between(first, second, names_in(masks[0]))


def guards_selection(read: HostRead, reads: Sequence[HostRead]) -> bool:
    """Whether a test asks for a mask with which the function selects later, so that the host waits anyway.

    `if mask.any(): y = x[mask]`.
    """
    asked = spelled_in(read.node) if read.form in (Form.TEST, Form.CALL) and not read.elements else frozenset()
    later = (other for other in reads if other.function is read.function and other.order > read.order)
    return any(
        mask_of(other) in asked
        and isinstance(other.node, ast.Subscript)
        and is_kept_between(read, other, names_in(other.node.slice))
        for other in later
    )


def is_timed(read: HostRead) -> bool:
    """Whether the loop, or the function, around a read measures time or memory, and waits for the device for that."""
    loops = loops_around(read.scope.body, read.statement)
    return shows_purpose(read) and any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MEASURES
        for node in nodes_of(loops[-1] if loops else read.scope)
    )


def is_kept_between(first: HostRead, second: HostRead, names: frozenset[str]) -> bool:
    """Whether nothing between two reads of a function binds one of these names again."""
    between = range(first.node.lineno, second.node.lineno + 1)
    stores = (n for n in nodes_of(first.scope) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load))
    return not any(node.id in names and node.lineno in between for node in stores)
