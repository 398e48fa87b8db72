"""What seems to be a tensor, or a mask, where nothing proves it: good for hints, and never for a proof."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.program.idioms import is_size, last_name
from transfer_lint.flow.program.libraries import works_on_tensors
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.syntax import bindings, nodes_of, spelled
from transfer_lint.flow.program.tensor_uses import TESTS, no_tensors, tensor_uses
from transfer_lint.flow.values.values import Object, Value

_OF_TENSORS = frozenset(
    {"chunk", "clamp", "clamp_max", "clamp_min", "expand", "flip", "gather", "int", "log_softmax", "long",
     "masked_fill", "relu", "scatter", "sigmoid", "size", "softmax", "tanh", "topk", "tril", "triu", "unbind", "unfold",
     "view"}
)  # fmt: skip
"""Methods of tensors that neither arrays nor containers nor modules have, or that are called otherwise there. All that
work in place, `x.mul_(2)`, are, too."""
_OF_HOST = frozenset({"item", "numpy", "tolist"})
_MASKING = frozenset(
    {"bool", "eq", "ge", "gt", "isfinite", "isin", "isinf", "isnan", "le", "logical_and", "logical_not", "logical_or",
     "logical_xor", "lt", "ne"}
)  # fmt: skip
_MASKS = frozenset({"mask", "masks", "msk"})
_INDICES = frozenset(
    {"arange", "argmax", "argmin", "argsort", "argwhere", "flatnonzero", "int", "long", "nonzero", "randint",
     "randperm", "tolist", "topk", "where"}
)  # fmt: skip
_SHAPING = frozenset(
    {"T", "clone", "contiguous", "detach", "expand", "expand_as", "flatten", "permute", "repeat", "reshape", "squeeze",
     "to", "transpose", "unsqueeze", "view"}
)  # fmt: skip
"""What leaves a mask one."""
_LEVELS = frozenset({"sigma", "timestep"})
_OF_SAMPLERS = ("model_options", "model_sampling", "transformer_options")
_DEPTH = 4  # names that stand for one another
_ROUNDS = 3  # in which names are found that are made of others


def is_among_tensors(frame: Frame) -> bool:
    """Whether the code works on tensors: its file knows torch and no arrays, or it is a method of a module."""
    if frame.module.holds("torch") and not frame.module.knows_arrays:
        return True
    info = frame.function
    return info is not None and info.owner is not None and info.owner.is_module and info.name != "__init__"


def seems_tensor(frame: Frame, node: ast.expr, value: Value, *, by_use: bool = False) -> bool:
    """Whether an unknown value seems to be a tensor: by its placement, its uses, or the code around it.

    by_use: the code around it does not count.
    """
    if not (isinstance(value, Object) and value.cls is None):
        return False
    if value.placed[0] is not None or frame.function is None:
        return value.placed[0] is not None
    function, name = frame.function.node, _root(node)
    if name in no_tensors(function):
        return False
    if _is_made(node, _seeming(frame.module, function), frame.module):
        return True
    return not by_use and (is_among_tensors(frame) or works_on_tensors(frame.module, function))


def seems_mask(frame: Frame, node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an index seems to be truth values: comparisons, or something that is called a mask."""
    match node:
        case ast.Compare(ops=ops):
            return not any(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops)
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return seems_mask(frame, inner, depth)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return seems_mask(frame, left, depth) and seems_mask(frame, right, depth)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor(), left=left, right=right):
            return seems_mask(frame, left, depth) or seems_mask(frame, right, depth)
        case ast.Call(func=ast.Attribute(attr="any" | "all"), args=args, keywords=keywords):
            return bool(args or keywords)
        case ast.Call(func=ast.Attribute(value=inner, attr=name)):
            return name in _MASKING or (name in _SHAPING and seems_mask(frame, inner, depth))
        case ast.Subscript(value=inner):
            return seems_mask(frame, inner, depth)
        case ast.Name(id=name) if frame.function is not None:
            values = [v for t, v in bindings(frame.function.node) if isinstance(t, ast.Name) and t.id == name]
            others = [value for value in values if value is None or _root(value) != name]  # `mask = mask.squeeze(-1)`
            if others and depth and all(value is not None and seems_mask(frame, value, depth - 1) for value in others):
                return True
            return _names_mask(name) and not any(map(_is_numbers, values))
        case ast.Attribute(attr=name):
            return _names_mask(name)
    return False


def _is_numbers(value: ast.expr | None) -> bool:
    """Whether a value is written as numbers: literals, or what gives indices."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Attribute) and value.func.attr in _INDICES
    return isinstance(value, ast.Constant | ast.List | ast.ListComp)


def _names_mask(name: str) -> bool:
    """Whether something is called a mask: `mask`, `box_mask`, `mask1`."""
    words = [part.rstrip("0123456789") for part in name.lower().split("_")]
    return not _MASKS.isdisjoint(words) and words[-1] not in ("id", "ids", "idx", "index")


def seems_loss(frame: Frame, node: ast.expr, value: Value) -> bool:
    """Whether an unknown value seems to be a tensor of one number: it is called a loss, or goes backward.

    Or it is an item of what is called losses, or a noise level that a function of a node pack is given.
    """
    if not (isinstance(value, Object) and value.cls is None and frame.module.holds("torch")):
        return False
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name and frame.function is not None and name in _numbers(frame.function.node):
        return False
    if "loss" in name.lower().rstrip("0123456789").split("_"):
        return True
    if not isinstance(node, ast.Name):
        return False
    used = seems_tensor(frame, node, value, by_use=True)
    return used or _is_one_of_losses(frame, name) or _is_level(frame, name)


def _is_level(frame: Frame, name: str) -> bool:
    """Whether it is a parameter, without a default or annotation, that is called like what ComfyUI's samplers give."""
    if name not in _LEVELS or frame.function is None or not any(map(frame.module.holds, _OF_SAMPLERS)):
        return False
    given = next((each for each in frame.function.parameters if each.arg == name), None)
    plain = given is not None and given.annotation is None and name not in frame.function.defaults
    return plain and name not in _asked(frame.function.node)


def _is_one_of_losses(frame: Frame, name: str) -> bool:
    """Whether a loop takes the name out of what is called losses: `for key, value in loss_dict.items()`."""
    for node in nodes_of(frame.function.node) if frame.function is not None else ():
        match node:
            case (
                ast.For(target=target, iter=ast.Call(func=ast.Attribute(value=source, attr="items" | "values")))
                | ast.comprehension(
                    target=target, iter=ast.Call(func=ast.Attribute(value=source, attr="items" | "values"))
                )
            ):
                taken = target.elts[-1] if isinstance(target, ast.Tuple) else target
                words = {word.rstrip("0123456789") for word in last_name(source).lower().split("_")}
                if isinstance(taken, ast.Name) and taken.id == name and not words.isdisjoint({"loss", "losses"}):
                    return True
    return False


def seems_number(frame: Frame, node: ast.expr, value: Value) -> bool:
    """Whether what is read as a number seems to be a tensor, by its uses, and nothing asks whether it is one."""
    if not seems_tensor(frame, node, value, by_use=True) or frame.function is None:
        return False
    return _asked(frame.function.node).isdisjoint(part.id for part in nodes_of(node) if isinstance(part, ast.Name))


def seems_default_number(frame: Frame, node: ast.expr) -> bool:
    """Whether it is a parameter that is a number by default, and that the function neither assigns nor tests."""
    info = frame.function
    if not isinstance(node, ast.Name) or info is None or node.id in _asked(info.node):
        return False
    default = info.defaults.get(node.id)
    assigned = any(isinstance(target, ast.Name) and target.id == node.id for target, _ in bindings(info.node))
    return isinstance(default, ast.Constant) and isinstance(default.value, int | float) and not assigned


def _asked(function: ast.AST) -> frozenset[str]:
    """The names of which a function asks what they are, `isinstance(x, int)`, or that are sizes somewhere in it.

    Memoised on the function.
    """
    known: frozenset[str] | None = getattr(function, "_transfer_lint_asked", None)
    if known is None:
        known = frozenset(
            node.args[0].id
            for node in nodes_of(function)
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name)
            if getattr(node.func, "attr", getattr(node.func, "id", "")) in TESTS
        )
        sized = ((target, value) for target, value in bindings(function) if value is not None and is_size(value))
        known |= {target.id for target, _ in sized if isinstance(target, ast.Name)}
        function._transfer_lint_asked = known  # type: ignore[attr-defined]
    return known


def _numbers(function: ast.AST) -> frozenset[str]:
    """The names that a function assigns numbers of Python: `value = float(loss)`, `total = 0.0`."""
    made = (ast.Constant, ast.Call)
    return frozenset(
        target.id
        for target, value in bindings(function)
        if isinstance(target, ast.Name) and isinstance(value, made) and _is_number(value)
    )


def _is_number(value: ast.Constant | ast.Call) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float)
    func = value.func
    return (isinstance(func, ast.Name) and func.id in ("float", "int")) or getattr(func, "attr", "") == "item"


def _seeming(module: Module, function: ast.AST) -> frozenset[str]:
    """The names of a function that seem to be tensors, by a use, or by what is made of them. Memoised on the function.

    So are those that only such names, or parts of them, are assigned to, or are added to a number; and what a mask, or
    several indices, select such a name from. Not those that the function makes lists in the end.
    """
    known: frozenset[str] | None = getattr(function, "_transfer_lint_seeming", None)
    if known is None:
        items = _items_of_loops(function)
        bound = [(t.id, items.get(t, value)) for t, value in bindings(function) if isinstance(t, ast.Name)]
        lists = _lists(function)
        found = {*tensor_uses(module, function), *_shown(function, arrays=module.knows_arrays)} - lists
        added_to = [
            (node.target.id, node.value)
            for node in nodes_of(function)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
        ]
        for _ in range(_ROUNDS):
            before = len(found)
            made = frozenset(found)
            sums = {name for name, added in added_to if _is_made(added, made, module)}
            others = ((name, value) for name, value in bound if not (name in sums and isinstance(value, ast.Constant)))
            other = {name for name, value in others if value is None or not _is_made(value, made, module)}
            found |= {name for name, _ in bound} - other
            found |= {_picked_from(value, bound) for name, value in bound if name in found} - {"", *lists}
            if len(found) == before:
                break
        known = frozenset(found) - _noted_as_lists(function)
        function._transfer_lint_seeming = known  # type: ignore[attr-defined]
    return known


def _noted_as_lists(function: ast.AST) -> frozenset[str]:
    """The parameters of which the annotation says that they are lists."""
    arguments = function.args if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else None
    placed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs] if arguments is not None else []
    noted = ((a.arg, a.annotation.value if isinstance(a.annotation, ast.Subscript) else a.annotation) for a in placed)
    return frozenset(name for name, of in noted if of is not None and spelled(of) in ("list", "List"))


def _lists(function: ast.AST) -> frozenset[str]:
    """The names whose last assignment in the text makes them lists."""
    assigned = sorted((n for n in nodes_of(function) if isinstance(n, ast.Assign)), key=lambda node: node.lineno)
    last = {target.id: node.value for node in assigned for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(name for name, value in last.items() if _is_list(value))


def _is_list(node: ast.expr) -> bool:
    """Whether an expression is a list of Python: `[0, *ends]`, `[0] + ends`, `x.tolist()`."""
    match node:
        case ast.List() | ast.ListComp() | ast.Call(func=ast.Name(id="list" | "sorted") | ast.Attribute(attr="tolist")):
            return True
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _is_list(left) or _is_list(right)
    return False


def _items_of_loops(function: ast.AST) -> Mapping[ast.expr, ast.expr]:
    """The targets of loops over several things at once -> of what they are items: `for x, y in zip(xs, ys)`."""
    found: dict[ast.expr, ast.expr] = {}
    loops = [(node.target, node.iter) for node in nodes_of(function) if isinstance(node, ast.For | ast.AsyncFor)]
    while loops:
        match loops.pop():
            case ast.Tuple(elts=[_, item]), ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
                loops.append((item, inner))
            case ast.Tuple(elts=items), ast.Call(func=ast.Name(id="zip"), args=parts) if len(items) == len(parts):
                loops += zip(items, parts, strict=True)
            case target, source:
                found[target] = source
    return found


def _shown(function: ast.AST, *, arrays: bool) -> Iterator[str]:
    """Names with a use that shows a tensor. arrays: the file knows arrays, too."""
    placed, picked = set[str](), set[str]()  # modules have a device, and arrays have items; tensors have both
    for node in nodes_of(function):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="device"):
                placed.add(name)
            case ast.Subscript(value=ast.Name(id=name)) | ast.Attribute(value=ast.Name(id=name), attr="tolist"):
                picked.add(name)
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="tolist"), args=[]) if not arrays:
                yield name
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id=name)
                    | ast.Subscript(value=ast.Name(id=name), slice=ast.Slice() | ast.Tuple() | ast.Compare())
                )
            ) if _is_of_tensors(node):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.BinOp() as made, attr="to"),
                args=[ast.Attribute(value=ast.Name(id="torch"))],
            ):  # `((points[:, 1] - low) / size).to(torch.int64)`
                parts = (part.value for part in ast.walk(made) if isinstance(part, ast.Subscript))
                yield from (part.id for part in parts if isinstance(part, ast.Name))
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="torch"), attr="cat" | "stack"), args=[ast.List(elts=parts), *_]
            ):
                joined = (part.value for part in parts if isinstance(part, ast.Subscript))
                yield from (owner.id for owner in joined if isinstance(owner, ast.Name))
    yield from placed & picked


def _picked_from(value: ast.expr | None, bound: Sequence[tuple[str, ast.expr | None]]) -> str:
    """The name of what something is selected from as from no list: `x[mask]`, `x[:, 0]`; "" for anything else."""
    match value:
        case ast.Subscript(value=ast.Name(id=owner), slice=ast.Compare() | ast.Tuple()):
            return owner
        case ast.Subscript(value=ast.Name(id=owner), slice=ast.Name(id=key)):
            return owner if any(name == key and isinstance(made, ast.Compare) for name, made in bound) else ""
    return ""


def _is_made(node: ast.expr, names: frozenset[str], module: Module) -> bool:
    """Whether an expression seems to be a tensor: one of these names, or a part of it, or arithmetic with one.

    Or a gradient, or a chain of calls and items in which something is called as only tensors are.
    """
    knowledge = module.project.knowledge
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)):
                if attr in _OF_HOST or attr == "size" or attr in knowledge.tensor_host:
                    return False
                if _is_of_tensors(node):
                    return True
                if attr not in knowledge.tensor_methods and isinstance(inner, ast.Name):
                    return False
                node = inner
            case ast.Subscript(value=inner, slice=key):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    return False
                node = inner
            case ast.BinOp(left=left, right=right):
                return _is_made(left, names, module) or _is_made(right, names, module)
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() | ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
                return any(_is_made(side, names, module) for side in (left, *node.comparators))
            case ast.UnaryOp(operand=inner) | ast.Attribute(value=inner, attr="data" | "T"):
                node = inner
            case ast.Attribute(value=owner, attr="grad"):
                return not (isinstance(owner, ast.Name) and owner.id == "self")
            case ast.Name(id=name):
                return name in names
            case _:
                return False


def _is_of_tensors(node: ast.Call) -> bool:
    """Whether a call is one of a method that only tensors have, or has arguments that only their methods take."""
    if any(k.arg in ("dim", "keepdim") and not _is_text(k.value) for k in node.keywords):
        return True
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    in_place = name.endswith("_") and not name.startswith("_") and name != "requires_grad_"
    return in_place or (name in _OF_TENSORS and (bool(node.args) or name not in ("size", "view")))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _root(node: ast.expr) -> str:
    """`x` of `x`, `x[0].abs()`, `x > 1`; "" for anything else, and for an item of a dictionary."""
    while True:
        match node:
            case ast.Subscript(slice=ast.Constant(value=str())):
                return ""
            case ast.Call(func=ast.Attribute(value=inner)) | ast.Subscript(value=inner):
                node = inner
            case ast.Attribute(value=inner, attr="data" | "T"):
                node = inner
            case ast.Compare(left=inner) | ast.UnaryOp(operand=inner):
                node = inner
            case ast.Name(id=name):
                return name
            case _:
                return ""
