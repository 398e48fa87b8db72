"""Attributes that are assigned under names which the assignment does not write out: `setattr(x, name, value)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from transfer_lint.files.parsing import parse
from transfer_lint.files.scan import words
from transfer_lint.flow.program.syntax import ancestors, bindings, children, nodes_of, parents, spelled

ANY = ""
"""Stands for a name that is not known."""

MAY_SET = re.compile(
    rf"""{words("setattr")}\b(?<!def setattr)(?!\(\s*sys\.modules\[__name__\],)(?!\(\s*[\w.]+,\s*["']\w+["'],)"""
    rf"|{words('__setattr__')}\b(?<!def __setattr__)"
    r"|__dict__(?!\[[^]]*\](?!\s*=)|\.(?:get|copy|items|keys|values)\()"
    rf"|{words('vars')}\(\s*[^)\s]"
)
GETS_UNNAMED = (
    rf"""(?:{words("getattr", "methodcaller", "attrgetter", "__getattribute__")})\b"""
    r"""(?!\(\s*[\w.()\[\]]+,\s*["']\w+["'])"""
    rf"|{words('getmembers')}\b|__dict__|{words('vars')}\(\s*[^)\s]"
    r"|eval(?<![\w.]eval)\(|exec(?<![\w.]exec)\("
)
"""What may get an attribute of an object under a name that is not written out."""
_WRITES = frozenset({"update", "setdefault", "clear", "pop", "popitem", "__setitem__", "__delitem__"})
_RECORDS = frozenset({"argparse.Namespace", "Namespace", "types.SimpleNamespace", "SimpleNamespace"})
_PARSERS = frozenset({"argparse.ArgumentParser", "ArgumentParser"})
_COPIES = frozenset({"copy.copy", "copy.deepcopy", "copy", "deepcopy"})
_LISTS = frozenset({"list", "tuple"})
_LOOKS = frozenset({"items", "keys", "values", "get"})
_READERS = frozenset(
    {"dict", "list", "tuple", "set", "frozenset", "sorted", "len", "str", "repr", "print", "bool", "iter"}
)
_READERS |= frozenset({"enumerate", "json.dump", "json.dumps", "pprint.pprint", "pprint.pformat"}) | _COPIES


def names_set(text: str) -> Iterable[str]:
    """The attributes that a text may so assign on anything but `self`, modules and the options of a program."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (ANY,)
    modules = _modules(tree)
    sets = (names for target, names in unnamed_sets(tree) if spelled(target) not in modules)
    return dict.fromkeys(name for names in sets for name in names)


def unnamed_sets(tree: ast.Module) -> Iterator[tuple[ast.expr, Iterable[str]]]:
    """What a file so assigns attributes of, and which; not the options of a program.

    What a file does to `globals()` counts as well: these are the attributes of its module.
    """
    pending: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while pending:
        node, scope = pending.pop()
        for target, key in () if _puts_back(node, scope) else _set_by(node, scope):
            if not _is_record(scope, target):
                yield target, _names(scope, key)
        scope = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else scope
        pending += [(child, scope) for child in children(node)]


def sets_own(method: ast.AST, owner: str) -> bool:
    """Whether a method so assigns attributes of its object, `owner`, under names that are not known."""
    return any(
        spelled(target) in (owner, "super()") and ANY in _names(method, key)
        for node in nodes_of(method)
        for target, key in _set_by(node, method)
    )


def _set_by(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """What a node may so assign attributes of: the object, and the name; None if there is none, or more than one."""
    match node:
        case (
            ast.Call(func=ast.Name(id="setattr"), args=[target, key, *_])
            | ast.Call(func=ast.Attribute(value=ast.Name(id="object"), attr="__setattr__"), args=[target, key, *_])
            | ast.Call(func=ast.Attribute(value=target, attr="__setattr__"), args=[key, *_])
        ):
            yield target, key
        case ast.Call(func=ast.Attribute(value=space, attr=name)) if name in _WRITES:
            yield from ((target, None) for target in _spaces(space, scope))
        case ast.Subscript(value=space, slice=key, ctx=ast.Store() | ast.Del()):
            yield from ((target, key) for target in _spaces(space, scope))
        case ast.Attribute(value=target, attr="__dict__", ctx=ast.Store()):
            yield target, None
        case ast.Attribute(value=target, attr="__dict__") | ast.Call(func=ast.Name(id="vars"), args=[target]):
            if _is_handed_on(node, scope):
                yield target, None
        case ast.Call(func=ast.Name(id="globals"), args=[]) if _is_handed_on(node, scope):
            yield node, None
        case ast.Name(id="setattr") | ast.Attribute(attr="__setattr__"):
            holder = parents(scope).get(node)
            if not (isinstance(holder, ast.Call) and holder.func is node):
                yield node, None


def _is_handed_on(space: ast.AST, scope: ast.AST) -> bool:
    """Whether a namespace, or a local that one is bound to, gets to where it may be written to."""
    holder = parents(scope).get(space)
    match holder:
        case ast.Attribute(attr=name):
            return name not in _LOOKS | _WRITES | {"copy"}
        case ast.Subscript(value=value):
            return value is not space
        case ast.Call(func=func):
            return spelled(func) not in _READERS
        case ast.For(iter=value) | ast.comprehension(iter=value):
            return value is not space
        case ast.keyword(arg=None) | ast.Compare() | ast.FormattedValue() | ast.BinOp() | ast.Expr():
            return False
        case ast.Dict(values=values, keys=keys):
            return any(key is not None and value is space for key, value in zip(keys, values, strict=True))
        case ast.Assign(targets=[ast.Name(id=name)]) if not isinstance(space, ast.Name):
            uses = [use for use in nodes_of(scope) if isinstance(use, ast.Name) and use.id == name]
            loads = [use for use in uses if isinstance(use.ctx, ast.Load)]
            inner = any(isinstance(at, _FUNCTIONS) for use in uses for at in ancestors(scope, use) if at is not scope)
            return inner or any(_is_handed_on(use, scope) for use in loads)
    return True


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _puts_back(node: ast.AST, scope: ast.AST) -> bool:
    """Whether an object gets its own values, as they are or copied: `for k, v in vars(x).items(): setattr(x, k, v)`.

    Whatever held for its attributes before holds then, too.
    """
    match node:
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=owner), ast.Name(id=key), given]):
            if isinstance(given, ast.Call) and len(given.args) == 1 and spelled(given.func) in _COPIES:
                given = given.args[0]
            value, places = spelled(given), [spelled(at) for at, _ in bindings(scope)]
            loops = [loop for loop in nodes_of(scope) if isinstance(loop, ast.For)]
            own = [loop for loop in loops if spelled(loop.target) == f"({key}, {value})"]
            places += [argument.arg for argument in nodes_of(scope) if isinstance(argument, ast.arg)]
            once = places.count(owner) <= 1 and places.count(key) == places.count(value) == len(own) > 0
            return once and all(_gives_own(loop.iter, owner, scope) for loop in own)
    return False


def _gives_own(items: ast.expr, owner: str, scope: ast.AST) -> bool:
    """Whether what a loop goes through are attributes of an object, each with its value."""
    match items:
        case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _LISTS:
            return _gives_own(inner, owner, scope)
        case ast.Call(func=ast.Attribute(value=space, attr="items"), args=[]):
            if any(spelled(target) == owner for target in _spaces(space, scope)):
                return True
            return isinstance(space, ast.Name) and _notes_own(space.id, owner, scope)
    return False


def _notes_own(notes: str, owner: str, scope: ast.AST) -> bool:
    """Whether a local is only `{name: getattr(owner, name) for name in ...}`, and is only looked at."""
    values = [value for target, value in bindings(scope) if spelled(target) == notes]
    for value in values:
        match value:
            case ast.DictComp(
                key=ast.Name(id=name),
                value=ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id=one), ast.Name(id=other)]),
            ) if one == owner and other == name:
                continue
        return False
    uses = [holder for node, holder in parents(scope).items() if isinstance(node, ast.Name) and node.id == notes]
    looks = (
        use.attr in _LOOKS if isinstance(use, ast.Attribute) else isinstance(use, ast.Compare | ast.Assign)
        for use in uses
    )
    return bool(values) and all(looks)


def _spaces(node: ast.expr, scope: ast.AST) -> Iterator[ast.expr]:
    """`x` of `x.__dict__` and `vars(x)`, `globals()` itself, and that of a local that one of these is bound to."""
    match node:
        case ast.Attribute(value=target, attr="__dict__") | ast.Call(func=ast.Name(id="vars"), args=[target]):
            yield target
        case ast.Call(func=ast.Name(id="globals"), args=[]):
            yield node
        case ast.Name(id=name):
            for target, value in bindings(scope):
                if isinstance(target, ast.Name) and target.id == name and value is not None:
                    yield from () if isinstance(value, ast.Name) else _spaces(value, scope)


def _names(scope: ast.AST, key: ast.expr | None) -> Iterable[str]:
    """What a name may be: one that is written out, or one of a list that is."""
    match key:
        case ast.Constant(value=str(name)):
            return (name,)
        case ast.Name(id=variable):
            values = [value for target, value in bindings(scope) if spelled(target) == variable]
            listed = [_listed(scope, value) for value in values]
            if values and all(listed):
                return [name for names in listed for name in names]
    return (ANY,)


def _listed(scope: ast.AST, value: ast.expr | None) -> list[str]:
    """The texts of a list that is written out, or of the local that it is bound to; empty if it is not known."""
    if isinstance(value, ast.Name):
        values = [bound for target, bound in bindings(scope) if spelled(target) == value.id]
        value = values[0] if len(values) == 1 else None
    items = value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []
    names = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return names if len(names) == len(items) else []


def _is_record(scope: ast.AST, target: ast.expr) -> bool:
    """Whether it is a local that only options of the program are bound to: `parser.parse_args()`."""
    values = [value for name, value in bindings(scope) if spelled(name) == spelled(target)]
    return isinstance(target, ast.Name) and bool(values) and all(_makes_record(scope, value) for value in values)


def _makes_record(scope: ast.AST, value: ast.expr | None) -> bool:
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=parser), attr="parse_args")):
            made = [value for name, value in bindings(scope) if spelled(name) == parser]
            return bool(made) and all(isinstance(one, ast.Call) and spelled(one.func) in _PARSERS for one in made)
        case ast.Call(func=func):
            return spelled(func) in _RECORDS
    return False


def _modules(tree: ast.Module) -> frozenset[str]:
    """What a file sets attributes of that is no object of another class: modules that it imports, and `self`."""
    imports = (node for node in nodes_of(tree) if isinstance(node, ast.Import))
    named = {alias.asname or alias.name for node in imports for alias in node.names}
    return frozenset(named | {"self", "sys.modules[__name__]", "globals()"})
