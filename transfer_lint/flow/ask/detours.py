"""Detours: values that go to the host and back, by numpy or a list, and uploads that are only downloaded again."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence

from transfer_lint.flow.ask.dominance import dominates
from transfer_lint.flow.program.called_functions import called_function
from transfer_lint.flow.program.idioms import innermost_call, is_size
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import bindings, block_with, loops_around, nodes_of, parents, path_to, spelled
from transfer_lint.flow.results.sites import Site

_DOWN = frozenset({"cpu", "numpy", "tolist", "item"})
_FROM_HOST = frozenset({"torch.from_numpy", "torch.tensor", "torch.as_tensor"})
_SIZES = frozenset({"shape", "ndim", "size", "dim"})
_SAME_DATA = frozenset({"half", "float", "double", "bfloat16", "byte", "detach", "squeeze", "unsqueeze", "contiguous"})


def kept_in_list(site: Site, by_node: Mapping[ast.AST, Site]) -> Iterator[Site]:
    """The transfers whose results a loop appends to the list of which it moves the last item: `xs[-1].to(d)`."""
    match site.moved:
        case ast.Subscript(value=ast.Name(id=kept), slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
            loops = loops_around(site.function.node.body, site.statement) if site.function is not None else ()
        case _:
            return
    for node in nodes_of(loops[-1]) if loops else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[ast.Call() as moved]):
                if name == kept and moved in by_node:
                    yield by_node[moved]


def kept_on_object(site: Site, by_node: Mapping[ast.AST, Site]) -> Iterator[Site]:
    """The transfers whose results the function keeps in the attribute that the site moves, or in an item of one.

    `self.x = y.to(a) - z`, where the site is `self.x.to(b)`.
    """
    kept = spelled(site.moved)
    if site.function is None or not kept.startswith("self."):
        return
    for target, value in bindings(site.function.node):
        if value is not None and spelled(target) == kept:
            moves = (by_node[node] for node in nodes_of(value) if node in by_node)
            yield from (move for move in moves if spelled(move.moved) != kept)


def brought_through_numpy(
    site: Site, by_node: Mapping[ast.AST, Site], methods: frozenset[str] | None = None, *, lists: bool = False
) -> Sequence[Site]:
    """The transfers of the function that what is moved here may come from: `torch.from_numpy(x.cpu().numpy()).to(d)`.

    Names are followed backwards through their assignments; if methods are given, only where there is nothing on the way
    but these, functions of numpy, and arithmetic. lists: and through what is added to lists.
    """
    made = _assigned(site) if isinstance(site.moved, ast.Name) and site.function is not None else site.moved
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute):
        if site.module.dotted(made.func).startswith("torch."):
            break
        made = made.func.value
    if site.function is None or not isinstance(made, ast.Call) or site.module.dotted(made.func) != "torch.from_numpy":
        return ()
    bound = [(target, value) for target, value in bindings(site.function.node) if value is not None]
    pending, seen, found = [*made.args], set[tuple[str, int]](), list[Site]()
    while pending:
        value = pending.pop()
        moved = {part for node in nodes_of(value) if node in by_node for part in nodes_of(by_node[node].moved)}
        sizes = {part for node in nodes_of(value) if is_size(node) for part in nodes_of(node)}
        data = [node for node in nodes_of(value) if node not in sizes]
        if methods is not None and not all(p in moved or _is_of_arrays(p, site, methods) for p in data):
            return ()
        for node in data:
            if isinstance(node, ast.Call) and node in by_node:
                found.append(by_node[node])
            if not isinstance(node, ast.Name) or (methods is not None and node in moved):
                continue
            first = _last_bound(node, site)
            if (node.id, first) not in seen:
                seen.add((node.id, first))
                pending += [
                    value
                    for target, value in (*bound, *(_added(site.function.node) if lists else ()))
                    if isinstance(target, ast.Name) and target.id == node.id
                    if first <= target.lineno <= site.node.lineno
                ]
    return found


def _added(function: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Names of lists, and what is added to them, or to their items: `xs.append(x)`, `xs[i].append(x)`, `xs[i] = x`."""
    for node in nodes_of(function):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=(ast.Name() as owner) | ast.Subscript(value=(ast.Name() as owner)), attr="append" | "extend"
                ),
                args=[value],
            ):
                yield owner, value
            case ast.Assign(targets=[ast.Subscript(value=ast.Name() as owner)], value=value):
                yield owner, value


def regrouped(site: Site, by_node: Mapping[ast.AST, Site], methods: frozenset[str]) -> Site | None:
    """The transfer of `x` to the host whose items lists and numpy put together anew, for the site's `.to(x.device)`."""
    target, function = site.device_argument, site.function
    match target:
        case ast.Attribute(value=ast.Name(id=name), attr="device") if function is not None:
            lines = [t.lineno for t, _ in bindings(function.node) if isinstance(t, ast.Name) and t.id == name]
        case _:
            return None
    for left in brought_through_numpy(site, by_node, methods, lists=True):
        rebound = any(left.node.lineno < line < site.statement.lineno for line in lines)
        if not rebound and _begins_with(left.moved, name):
            return left
    return None


def _last_bound(name: ast.Name, site: Site) -> int:
    """The line above a name that binds it whatever happens, in the block that holds the site; 0 if there is none."""
    assert site.function is not None
    block = (each for each in block_with(site.function.node.body, site.statement) if isinstance(each, ast.Assign))
    lines = (each.lineno for each in block if any(isinstance(t, ast.Name) and t.id == name.id for t in each.targets))
    return max((line for line in lines if line < name.lineno), default=0)


def brought_for_call(site: Site, by_node: Mapping[ast.AST, Site]) -> Iterator[Site]:
    """The transfers of what a call is given whose result the site moves at once: `look_up(t.cpu()).float().to(d)`.

    Or, bound to a name before, of what is joined there: `torch.cat([x.cpu() for x in xs])`. Not where an exception, or
    a test of a device, has led: not every device can do everything.
    """
    around = path_to(site.function.node.body, site.statement) if site.function is not None else []
    if site.in_handler or any(isinstance(part, ast.If) and "device" in spelled(part.test) for part in around):
        return
    made = innermost_call(site.moved)
    value = last_assigned(site, made.id) if isinstance(made, ast.Name) and site.function is not None else None
    match value.body if isinstance(value, ast.IfExp) else value:
        case ast.Call(func=func, args=[parts, *_]) if site.module.dotted(func) in ("torch.cat", "torch.stack"):
            listed = parts.elt if isinstance(parts, ast.ListComp | ast.GeneratorExp) else parts
            given = listed.elts if isinstance(listed, ast.List | ast.Tuple) else [listed]
        case _:
            given = made.args if isinstance(made, ast.Call) else []
    yield from (by_node[part] for part in given if part in by_node)


def _is_of_arrays(node: ast.AST, site: Site, methods: frozenset[str]) -> bool:
    """Whether a node is no call, or one that torch could do as well, perhaps in a function of the tree."""
    if not isinstance(node, ast.Call) or _is_call_of_arrays(node, site.module, methods):
        return True
    owner = site.function.owner if site.function is not None else None
    called = called_function(site.module, owner, node.func, {})
    inside = [part for part in nodes_of(called.node) if isinstance(part, ast.Call)] if called is not None else []
    return called is not None and all(_is_call_of_arrays(part, called.module, methods) for part in inside)


def _is_call_of_arrays(call: ast.Call, module: Module, methods: frozenset[str]) -> bool:
    name = module.dotted(call.func)
    if name.startswith(("numpy.", "torch.")):
        return not name.startswith("numpy.random.")
    if isinstance(call.func, ast.Name):
        return hasattr(builtins, call.func.id)
    return isinstance(call.func, ast.Attribute) and (call.func.attr in methods or call.func.attr in ("astype", "copy"))


def _assigned(site: Site) -> ast.expr:
    """What was last assigned to the name that is moved, in the lines above."""
    return (last_assigned(site, site.moved.id) if isinstance(site.moved, ast.Name) else None) or site.moved


def last_assigned(site: Site, text: str) -> ast.expr | None:
    """What was last assigned in the lines above to a name, attribute or item that is written so."""
    bound = bindings(site.function.node) if site.function is not None else ()
    values = [
        (target.lineno, value)
        for target, value in bound
        if value is not None and target.lineno < site.node.lineno and spelled(target) == text
    ]
    return max(values, key=lambda pair: pair[0])[1] if values else None


def looked_up_on_host(site: Site, by_node: Mapping[ast.AST, Site]) -> Site | None:
    """The transfer of an index to the host, if what it picks there is moved to where the index was; else None.

    `table[t.cpu()].float().to(t.device)`.
    """
    node, target = site.moved, site.device_argument
    if not isinstance(target, ast.Attribute) or target.attr != "device":
        return None
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript):
            moved = (by_node[part] for part in nodes_of(node.slice) if part in by_node)
            return next((left for left in moved if _begins_with(left.moved, spelled(target.value))), None)
        node = node.func if isinstance(node, ast.Call) else node.value
    return None


def _begins_with(node: ast.expr, owner: str) -> bool:
    """Whether an expression is `owner`, or methods called on it."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return spelled(node) == owner


def may_be_kept(site: Site) -> bool:
    """Whether an attribute of unknown value is moved, which may hold a table on the host."""
    return isinstance(site.moved, ast.Attribute) and not site.is_tensor


def is_picked_from(site: Site) -> bool:
    """Whether only some items of what is moved are used: `table.to(t.device)[t]`, with the index that is there.

    If it is an attribute, an index by another name will do.
    """
    above = parents(site.statement).get(site.node)
    if not isinstance(above, ast.Subscript) or above.value is not site.node:
        return False
    if isinstance(site.moved, ast.Attribute):
        return isinstance(above.slice, ast.Name | ast.Attribute | ast.Call)
    arguments = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    return any(
        isinstance(argument, ast.Attribute)
        and argument.attr == "device"
        and isinstance(above.slice, ast.Name | ast.Attribute)
        and spelled(argument.value) == spelled(above.slice)
        for argument in arguments
    )


def is_only_downloaded(site: Site) -> bool:
    """Whether all that the function does with what it moves is to bring it, or its items, to the host again."""
    function = site.function
    if function is None:
        return False
    match site.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_cast_of(value, site.node):
            uses = [
                node
                for node in nodes_of(function.node)
                if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
                if node.lineno > (site.statement.end_lineno or 0)
            ]
            return _only_download(uses, parents(function.node))
    return False


def _is_cast_of(value: ast.expr, moved: ast.expr) -> bool:
    """Whether a value is what is moved, or a cast of that."""
    while isinstance(value, ast.Call) and value is not moved and isinstance(value.func, ast.Attribute):
        if value.func.attr not in _SAME_DATA:
            return False
        value = value.func.value
    return value is moved


def uploaded_unchanged(site: Site, by_node: Mapping[ast.AST, Site]) -> Site | None:
    """The transfer to a device that made the local of which the site brings a view back, and nothing has written to it.

    What is uploaded must not be computed in the same expression: it may be on the device already.
    """
    name, function = _viewed(site.moved, frozenset()), site.function
    if function is None or not isinstance(name, ast.Name):
        return None
    asked = ((node, move.request) for node, move in by_node.items())
    moves = {node for node, request in asked if request.device is not None and not request.unpacked}
    made = [
        (target.lineno, _viewed(value, moves) if value is not None else None)
        for target, value in bindings(function.node)
        if isinstance(target, ast.Name) and target.id == name.id and target.lineno < site.node.lineno
    ]
    others = [(line, node) for line, node in made if not (isinstance(node, ast.Name) and node.id == name.id)]
    line, node = max(others, key=lambda pair: pair[0], default=(0, None))
    upload = by_node[node] if node in moves else None
    between = (n for n in nodes_of(function.node) if line < getattr(n, "lineno", 0) < site.node.lineno)
    if upload is None or upload.function is not function or not dominates(upload, site):
        return None
    if any(_writes_to(node, name.id) for node in between):
        return None
    source = _viewed(upload.moved, frozenset())
    if isinstance(source, ast.Call) and site.module.dotted(source.func) not in _FROM_HOST:
        return None
    return upload if isinstance(source, ast.Name | ast.Call) else None


def _viewed(node: ast.expr, until: Collection[ast.AST]) -> ast.expr:
    """What an expression is a view, or a cast, of; or one of these nodes."""
    while node not in until:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _SAME_DATA:
                node = inner
            case ast.Subscript(value=inner) | ast.Attribute(value=inner, attr="data"):
                node = inner
            case _:
                break
    return node


def _writes_to(node: ast.AST, name: str) -> bool:
    """Whether a node writes to the tensor of a name in place: `x[0] = 1`, `x += 1`, `x.add_(1)`."""
    match node:
        case ast.Subscript(value=ast.Name(id=written), ctx=ast.Store()) | ast.AugAssign(target=ast.Name(id=written)):
            return written == name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=written), attr=attr)):
            return written == name and attr.endswith("_")
    return False


def _is_cast(call: ast.Call) -> bool:
    """`x.to(torch.uint8)`."""
    match call:
        case ast.Call(func=ast.Attribute(attr="to"), args=[ast.Attribute(value=ast.Name(id="torch"))], keywords=[]):
            return True
    return False


def _only_download(uses: Sequence[ast.AST], parents: Mapping[ast.AST, ast.AST]) -> bool:
    found = [_is_download(use, parents) for use in uses]
    return True in found and False not in found


def _is_download(use: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool | None:
    """Whether a use of a tensor is `x.cpu()`, `x[i].numpy()`, or a loop whose items are all used so.

    None if it asks only for what the host knows: `len(x)`.
    """
    above = parents.get(use)
    match above:
        case ast.Attribute(attr=name):
            call = parents.get(above)
            if isinstance(call, ast.Call) and call.func is above and (name in _SAME_DATA or _is_cast(call)):
                return _is_download(call, parents)
            return name in _DOWN or (None if name in _SIZES else False)
        case ast.Call(func=ast.Name(id="len")):
            return None
        case ast.Subscript(value=value) if value is use:
            return _is_download(above, parents)
        case ast.For(target=ast.Name(id=item)) | ast.comprehension(target=ast.Name(id=item)):
            if above.iter is not use:
                return False
            scope = parents.get(above) if isinstance(above, ast.comprehension) else above
            read = [
                node
                for node in nodes_of(scope or above)
                if isinstance(node, ast.Name) and node.id == item and isinstance(node.ctx, ast.Load)
            ]
            return _only_download(read, parents)
    return False
