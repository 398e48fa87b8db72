"""Host reads whose value the host needs, as the code around them shows: nothing cheaper would give it."""

from __future__ import annotations

import ast

from transfer_lint.findings import Heat
from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.syntax import (
    LOOPS,
    ancestors,
    bindings,
    block_with,
    blocks_of,
    calls_in,
    loops_around,
    nodes_of,
    path_to,
    spelled,
)
from transfer_lint.flow.program.throttles import steps_optimizer
from transfer_lint.flow.results.reads import Form, HostRead
from transfer_lint.flow.results.sites import Site

_OF_SIZES = frozenset(
    {"range", "arange", "zeros", "ones", "empty", "full", "new_zeros", "new_ones", "new_empty", "new_full", "view",
     "reshape", "expand", "repeat", "narrow", "split", "pad"}
)  # fmt: skip
"""The functions whose arguments are sizes, mostly."""
_WRITING = frozenset({"dump", "imsave", "imwrite", "save", "save_image", "savefig", "write_video"})
_ACTING = frozenset({"act", "action", "actions"})
_DONE = frozenset({"init", "inited", "initialised", "initialized", "initted"})
_LEVELS = frozenset({"sigma", "sigmas", "timestep", "timesteps"})


def is_agreed_on(read: HostRead) -> bool:
    """Whether all processes are told what is read, to go on alike: `dist.broadcast(flag, src=0)`, `flag.item()`.

    Or agree on it: what is reduced over all of them was made of a value of the host.
    """
    if read.function is None:
        return False
    names = {spelled(node) for node in nodes_of(read.node) if isinstance(node, ast.Name | ast.Attribute)}
    made = (value for target, value in bindings(read.scope) if spelled(target) in names)
    flag = any(isinstance(value, ast.Call) and last_name(value.func) in ("tensor", "as_tensor") for value in made)
    calls = ("broadcast", "all_reduce") if flag else ("broadcast",)
    return any(
        isinstance(node, ast.Call)
        and last_name(node.func) in calls
        and node.lineno <= read.anchor[0]
        and any(spelled(value) in names for value in node.args[:1])
        for node in nodes_of(read.function.node)
    )


def decides_on_step(read: HostRead) -> bool:
    """Whether a test reads it, or its local, that decides whether an optimizer steps: that cannot be put off.

    `if math.isnan(norm): print("skipped") else: optimizer.step()`.
    """
    test = read.statement
    match test:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is read.node:
            later = (node for node in nodes_of(read.scope) if isinstance(node, ast.If) and node.lineno > test.lineno)
            asked = (n for n in later if any(isinstance(p, ast.Name) and p.id == name for p in nodes_of(n.test)))
            return any(steps_optimizer(node.body) != steps_optimizer(node.orelse) for node in asked)
    if not isinstance(test, ast.If) or read.node not in nodes_of(test.test):
        return False
    if steps_optimizer(test.body) != steps_optimizer(test.orelse):
        return True
    return isinstance(test.body[-1], ast.Continue | ast.Return) and steps_optimizer(_left_out(read))


def _left_out(read: HostRead) -> list[ast.stmt]:
    """What a `continue` in the statement that reads leaves out: all that stands behind it in the loop around it."""
    path, found = path_to(read.scope.body, read.statement), list[ast.stmt]()
    for around, inner in zip([*reversed(path[:-1]), None], reversed(path), strict=True):
        blocks = list(blocks_of(around)) if around is not None else [read.scope.body]
        block = next(block for block in blocks if any(each is inner for each in block))
        found += [each for each in block if each.lineno > inner.lineno]
        if isinstance(around, LOOPS):
            break
    return found


def ends_loop(read: HostRead) -> bool:
    """Whether a test reads it that ends the loop around it: nothing is known of the next round before.

    `if token == end: break`. Or what a local is then that such a test asks for: `last = loss.item()`.
    """
    match read.statement:
        case ast.If(test=test, body=[*_, ast.Break()]) if read.node in nodes_of(test):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is read.node:
            loops = loops_around(read.scope.body, read.statement)
            tests = [node for node in nodes_of(loops[-1]) if isinstance(node, ast.If)] if loops else []
            ends = (node.test for node in tests if isinstance(node.body[-1], ast.Break))
            return any(isinstance(part, ast.Name) and part.id == name for test in ends for part in nodes_of(test))
    return False


def is_of_level(read: HostRead) -> bool:
    """Whether a test asks for the noise level of a step, or its time: `sigma[0] > start`. Steps take far longer."""
    names = (node.id for node in nodes_of(read.node) if isinstance(node, ast.Name))
    return read.form is Form.TEST and not _LEVELS.isdisjoint(names)


def is_of_first_call(read: HostRead) -> bool:
    """Whether it asks whether a first call has been made: `self.initialized.item()`. The flag stays what it is then."""
    attributes = (node.attr for node in nodes_of(read.node) if isinstance(node, ast.Attribute))
    return any(attribute.lower().removeprefix("_").removeprefix("is_") in _DONE for attribute in attributes)


def is_chosen(read: HostRead) -> bool:
    """Whether it reads which of several is the largest, which is mostly what the host asks for: `x.argmax().item()`."""
    node = read.node if read.form is Form.CALL else None
    while isinstance(node, ast.Call):
        func = node.func
        if last_name(func) == "argmax":
            return True
        plain = isinstance(func, ast.Attribute) and not node.args
        node = func.value if isinstance(func, ast.Attribute) and plain else next(iter(node.args), None)
    return False


def is_given_to_environment(read: HostRead) -> bool:
    """Whether all that is done with what is read is to act with it, which the host does: `env.step(action)`.

    So it is with what a function returns whole that chooses an action, by its name.
    """
    match read.statement:
        case ast.Return(value=ast.expr() as value) if _gives(value, read.node) and read.function is not None:
            return not _ACTING.isdisjoint(read.function.name.lower().split("_"))
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _gives(value, read.node):
            block = block_with(read.scope.body, read.statement)
            later = [part for each in block if each.lineno > read.statement.lineno for part in nodes_of(each)]
            uses = [part for part in later if isinstance(part, ast.Name) and part.id == name]
            acted = {value for part in later if isinstance(part, ast.Call) and _acts(part) for value in part.args}
            return bool(uses) and acted.issuperset(uses)
    return any(isinstance(node, ast.Call) and _acts(node) for node in ancestors(read.statement, read.node))


def _acts(call: ast.Call) -> bool:
    """`env.step(..)`, `self.envs.step(..)`."""
    func = call.func
    return isinstance(func, ast.Attribute) and func.attr == "step" and last_name(func.value).startswith("env")


def is_for_mps(site: Site) -> bool:
    """Whether a test around the copy asks for `mps`, which lacks some operations: what follows needs the host."""
    if site.function is None:
        return False
    around = path_to(site.function.node.body, site.statement)
    tests = (part for statement in around if isinstance(statement, ast.If) for part in nodes_of(statement.test))
    return any(isinstance(part, ast.Constant) and part.value == "mps" for part in tests)


def is_needed_size(read: HostRead) -> bool:
    """Whether a number is read once a call, outside of loops, and all that is done with it is to use it as a size.

    `length = int(lengths.max())`, `x[:, :length]`.
    """
    if read.function is None or read.elements:
        return False
    path = path_to(read.function.node.body, read.statement)
    if any(isinstance(statement, LOOPS) for statement in path):
        return False
    if _is_size(read.statement, read.node):
        return True
    match read.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _gives(value, read.node):
            uses = [
                node
                for node in nodes_of(read.function.node)
                if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            ]
            return bool(uses) and all(_is_size(read.function.node, use) for use in uses)
    return False


def is_for_file(read: HostRead) -> bool:
    """Whether a file is written in the same statement, which takes far longer: `image.save(f"{label.item()}.png")`."""
    around = ancestors(read.statement, read.node)
    return any(isinstance(node, ast.Call) and last_name(node.func) in _WRITING for node in around)


def is_made_an_image(read: HostRead) -> bool:
    """Whether an array becomes an image, of which a library takes one at a time: `Image.fromarray(x.cpu().numpy())`."""
    return read.method == "numpy" and any(
        isinstance(node, ast.Call) and last_name(node.func) == "fromarray"
        for node in ancestors(read.statement, read.node)
    )


def is_recorded(read: HostRead) -> bool:
    """Whether a function returns the number, and its file only puts that under names: `log["top"] = top(x, y)`.

    Or adds it to what stands there: `seen["top"].append(top(x, y))`.
    """
    if read.function is None or not isinstance(read.statement, ast.Return) or read.statement.value is not read.node:
        return False
    name, tree = read.function.name, read.module.tree
    calls = [call for call in calls_in(tree) if last_name(call.func) == name]
    recorded = [value for node in nodes_of(tree) if (value := _put_under_name(node)) is not None]
    return bool(calls) and all(any(call is value for value in recorded) for call in calls)


def is_logged_as_list(read: HostRead) -> bool:
    """Whether a function puts several lists of values under names of a record: `metrics["loss"] = loss.tolist()`."""
    if read.function is None:
        return False
    values = [value for node in nodes_of(read.function.node) if (value := _put_under_name(node)) is not None]
    lists = [value for value in values if isinstance(value, ast.Call) and last_name(value.func) == "tolist"]
    return len(lists) > 1 and any(read.node in nodes_of(value) for value in lists)


def is_in_layer(read: HostRead) -> bool:
    """Whether a method of a model reads it at every step: results are what callers take to the host."""
    owner, steady = read.function.owner if read.function is not None else None, read.rate.rate.steady
    return owner is not None and owner.is_module and steady is not None and steady.rank >= Heat.STEP.rank


def is_gathered(read: HostRead) -> bool:
    """Whether a loop only appends to a list what is read, under a name or none, or makes it items of an array."""
    loops = loops_around(read.function.node.body, read.statement) if read.function is not None else ()
    nodes = nodes_of(loops[-1]) if loops else ()
    gathered = [value for node in nodes if (value := _gathered(node)) is not None]
    match read.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is read.node and loops:
            own = nodes_of(value)
            uses = [node for node in nodes if isinstance(node, ast.Name) and node.id == name and node not in own]
            return all(isinstance(n.ctx, ast.Store) or any(n is value for value in gathered) for n in uses)
    return any(value is read.node for value in gathered)


def _gathered(node: ast.AST) -> ast.expr | None:
    """`x` of `found.append(x)` and `grid[i:, j] = x`."""
    match node:
        case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
            return value
        case ast.Assign(targets=[ast.Subscript(slice=ast.Slice() | ast.Tuple())], value=value):
            return value
    return None


def _put_under_name(node: ast.AST) -> ast.expr | None:
    """`x` of `log["x"] = x` and `log["x"].append(x)`."""
    match node:
        case ast.Assign(targets=[ast.Subscript()], value=value):
            return value
        case ast.Call(func=ast.Attribute(value=ast.Subscript(), attr="append"), args=[value]):
            return value
    return None


def _gives(value: ast.expr, read: ast.expr) -> bool:
    """Whether a value is what is read, perhaps made a whole number."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "int" and value.args:
        return value is read or value.args[0] is read
    return value is read


def _is_size(root: ast.AST, node: ast.expr) -> bool:
    """Whether an expression is a bound of a slice, or an argument of what takes sizes; perhaps with others added."""
    for around in ancestors(root, node):
        if isinstance(around, ast.Slice):
            return True
        if isinstance(around, ast.Call):
            return last_name(around.func) in _OF_SIZES
        if not isinstance(around, ast.BinOp | ast.Tuple | ast.List | ast.keyword | ast.UnaryOp):
            return False
    return False
