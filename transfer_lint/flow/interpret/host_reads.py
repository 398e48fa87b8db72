"""Host reads: recording where the host waits for the value of a tensor."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from transfer_lint.files.scan import MOVES
from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.checks import read_while_computing
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.items import element
from transfer_lint.flow.interpret.looped_elements import (
    collected,
    element_source,
    given_to_layers,
    holds_items,
    listed,
)
from transfer_lint.flow.interpret.seeming import (
    seems_default_number,
    seems_loss,
    seems_mask,
    seems_number,
    seems_tensor,
)
from transfer_lint.flow.interpret.sizes import PAD, TAKE_NUMBERS, read_as_number, repeats_by_tensor, takes_numbers
from transfer_lint.flow.program.modules import FunctionNode
from transfer_lint.flow.program.reading_functions import reads_argument, stays_the_same, uploads_argument
from transfer_lint.flow.program.syntax import calls_in, nodes_of, spelled, written
from transfer_lint.flow.results.reads import Form, HostRead
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.values import Host, Object, Tensor, Tuple, Value

_NUMBERS = frozenset({"builtins.float", "builtins.int", "builtins.bool", "builtins.complex", "builtins.range"})
_TEXTS = frozenset({"builtins.str", "builtins.repr", "builtins.format", "builtins.print"})
_COMPARING = frozenset({"builtins.max", "builtins.min", "builtins.any", "builtins.all", "builtins.sorted"})
_SIZES = frozenset(
    {"argwhere", "bincount", "combinations", "masked_select", "nonzero", "unique", "unique_consecutive"}
)  # fmt: skip
_LEVELS = frozenset({"sigma", "sigmas", "t", "timestep", "timesteps"})
_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "log"})
_SHOWS = frozenset(
    {"add_scalar", "add_scalars", "log_dict", "log_metrics", "set_description", "set_postfix", "set_postfix_str"}
)  # fmt: skip
_FROM_HOST = frozenset({"torch.tensor", "torch.as_tensor", "torch.asarray"})


# ---- where values are read -------------------------------------------------------------------------------------------


def truth(frame: Frame, node: ast.expr, value: Value) -> None:
    """Record a host read if the value that decides a test is a tensor; of `a and b`, that of its last operand."""
    while isinstance(node, ast.BoolOp | ast.NamedExpr):
        if isinstance(node, ast.NamedExpr):
            node = node.value
        else:
            value = frame.last_operands.get(node, value)
            node = node.values[-1]
    if _is_read(value) or _is_test_of_tensor(frame, node, value):
        note(frame, node, value, form=Form.TEST)


def comparison(frame: Frame, node: ast.Compare, values: Sequence[Value]) -> None:
    """`x in xs` asks for the truth of `x == item`, and `a < b < c` for that of `a < b`."""
    read = next((value for value in values if isinstance(value, Tensor) and not value.optional), None)
    if read is None:
        return
    chained = len(node.ops) > 1 and not any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
    listed = isinstance(values[-1], Tensor | Tuple) or isinstance(node.comparators[-1], ast.List | ast.Set)
    if chained or (isinstance(node.ops[0], ast.In | ast.NotIn) and listed):
        note(frame, node, read, form=Form.TEST)


def bound(frame: Frame, node: ast.expr, value: Value) -> None:
    """Record a host read if a bound of a slice is a tensor, or seems to be one."""
    if isinstance(node, ast.Name | ast.BinOp) and seems_number(frame, node, value):
        note(frame, node, value, form=Form.TEST)
    else:
        truth(frame, node, value)


def text(frame: Frame, node: ast.expr, value: Value) -> None:
    """Record a host read if a tensor, or an item of a tuple, becomes text."""
    for part in value.items if isinstance(value, Tuple) else (value,):
        if isinstance(part, Tensor) and not part.optional:
            note(frame, node, part, form=Form.TEXT)


def index(frame: Frame, node: ast.Subscript, owner: Value, key: Value, assigned: Value | None = None) -> None:
    """A mask as an index selects as many items as it has true values; a 0-dim index is read as a number.

    So is the index of a list, and each element of a tensor, if a loop over them indexes with it.
    assigned: what the items become: a number fills them without a look at the mask.
    """
    counts = assigned is None or holds_items(frame, assigned)
    one = isinstance(key, Tensor) and isinstance(node.slice, ast.Name) and frame.around.elements.get(node.slice.id)
    if isinstance(owner, Tensor) and not one:
        for part in key.items if isinstance(key, Tuple) else (key,):
            if isinstance(part, Tensor) and part.scalar and not is_mask(part):
                note(frame, node.slice, part, form=Form.TEST)
    elif isinstance(key, Tensor) and (one or (isinstance(owner, Object) and owner.cls == "builtins.list")):
        note(frame, node.slice, key, form=Form.TEST)
    if counts and isinstance(owner, Tensor | Object) and _selects(frame, node, owner, key):
        note(frame, node, owner, form=Form.SIZE)


def _selects(frame: Frame, node: ast.Subscript, owner: Tensor | Object, key: Value) -> bool:
    """Whether an index, or a part of it, is a mask, or seems to be one of what seems to be a tensor."""
    keys = key.items if isinstance(key, Tuple) else (key,)
    if isinstance(owner, Tensor) and any(map(is_mask, keys)):
        return True
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if len(parts) != len(keys):
        return False
    unknown = [(part, value) for part, value in zip(parts, keys, strict=True) if isinstance(value, Tensor | Object)]
    masks = [(part, value) for part, value in unknown if seems_mask(frame, part)]
    if not masks or isinstance(owner, Tensor) or seems_tensor(frame, node.value, owner):
        return bool(masks)
    return any(isinstance(value, Tensor) or seems_tensor(frame, part, value) for part, value in masks)


def is_mask(value: Value) -> bool:
    """Whether a value is a tensor of truth values."""
    return isinstance(value, Tensor) and value.dtype_term().name == "torch.bool"


def called(frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State) -> None:
    """Record a host read if a function from outside the tree reads a tensor."""
    operands = [value for key, value in arguments.items() if key not in ("out", "file", "key")]
    tensors = [value for value in operands if isinstance(value, Tensor)]
    perhaps = next((value for value in operands if _is_read(value)), None) or _number_of_tensor(frame, node, operands)
    short = name.rpartition(".")[2]
    sized = name == "torch.where" and len(operands) == 1
    if name in _TEXTS and tensors:
        note(frame, node, tensors[0], form=Form.CALL if name == "builtins.print" else Form.TEXT)
    elif name == "builtins.print" and (shown := _first_seeming(frame, node, operands)) is not None:
        note(frame, node, shown)
    elif (name in _NUMBERS or name.startswith("math.")) and perhaps is not None:
        note(frame, node, perhaps)
    elif name in _COMPARING and operands:
        _compared(frame, name, tensors, operands, node, state)
    elif name in frame.knowledge.function_reads and tensors:
        note(frame, node, tensors[0], form=Form.SIZE if short in _SIZES else Form.CALL)
    elif name in _FROM_HOST and node.args and (item := collected(frame, node.args[0], operands[0], state)):
        note(frame, node, item, elements=f"torch.stack({written(node.args[0])})")
    elif name in _FROM_HOST and operands and (item := listed(frame, operands[0], state)):
        note(frame, node, item)
    elif (checked := read_while_computing(frame, name, arguments, node)) is not None:
        note(frame, node, checked, form=Form.CHECK)
    elif tensors and (sized or (name == "torch.repeat_interleave" and repeats_by_tensor(frame, arguments, node, 1))):
        note(frame, node, tensors[0], form=Form.SIZE)


def method(
    frame: Frame, owner: Tensor, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> None:
    """Record a host read if a method of a tensor reads it. `numpy()` fails on a device, so it never waits for one."""
    if name == "numpy" and "force" not in arguments and not (owner.moved_from or _is_moved(node)):
        return
    if name in frame.knowledge.tensor_reads:
        note(frame, node, owner, state, Form.SIZE if name in _SIZES else Form.CALL)
    elif name == "multinomial" or f"torch.{name}" in frame.knowledge.function_checks:
        note(frame, node, owner, form=Form.CHECK)
    elif name == "repeat_interleave" and repeats_by_tensor(frame, arguments, node, 0):
        note(frame, node, owner, form=Form.SIZE)
    elif name in TAKE_NUMBERS:
        _numbers(frame, arguments, node, state)


def _numbers(frame: Frame, arguments: Mapping[str, Value], node: ast.Call, state: State) -> None:
    """Record a host read if a method of a tensor takes another one for a number: `x.topk(k)`, `x.repeat(t, 1)`."""
    read = read_as_number(frame, arguments, node, state, seeming=True)
    if read is not None:
        note(frame, node, read, form=Form.NUMBER)


def _is_moved(node: ast.Call) -> bool:
    """Whether what a method is called on is moved in the same expression: `x.cpu()[0].numpy()`."""
    return any(isinstance(part, ast.Attribute) and part.attr in MOVES for part in nodes_of(node.func))


def unknown_method(
    frame: Frame, owner: Object, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State
) -> None:
    """Record a host read if a method that tensors have reads what seems to be one."""
    if owner.cls is not None or not isinstance(node.func, ast.Attribute):
        return
    bare = not node.args and not node.keywords
    scale = name == "get_scale" and "scaler" in spelled(node.func.value).lower()  # a scaler of gradients keeps a tensor
    if bare and (name == "item" or scale):
        note(frame, node, owner)
    elif (name in _SIZES or (name == "tolist" and bare)) and seems_tensor(frame, node.func.value, owner):
        note(frame, node, owner, form=Form.SIZE if name in _SIZES else Form.CALL)
    elif name in TAKE_NUMBERS and seems_tensor(frame, node.func.value, owner, by_use=True):
        _numbers(frame, arguments, node, state)
    elif name == "repeat_interleave" and repeats_by_tensor(frame, arguments, node, 0):
        note(frame, node, owner, form=Form.SIZE)


def sizes(frame: Frame, name: str, arguments: Mapping[str, Value], node: ast.Call, state: State) -> None:
    """`torch.arange(n)`, `torch.zeros(n, 4)`, `torch.topk(x, k)`: a number of a call that is a tensor is read."""
    counts = takes_numbers(name)
    if counts or name == PAD or name in frame.knowledge.factories:
        read = read_as_number(frame, arguments, node, state, after_tensor=counts or name == PAD, seeming=counts)
        if read is not None:
            note(frame, node, read, form=Form.NUMBER if counts else Form.CALL)


def by_function(
    frame: Frame, function: FunctionNode | ast.Lambda, arguments: Mapping[str, Value], node: ast.Call
) -> None:
    """Record a host read if a short function of the tree does nothing but read its first argument.

    Or if it uploads that, and is given what is the same at every call.
    """
    if node.args and uploads_argument(function) and stays_the_same(frame.module, frame.function, node.args[0]):
        note(frame, node, Tensor(frame.symbol(node, "a tensor")), form=Form.UPLOAD)
        return
    given, method = arguments.get("0"), reads_argument(function)
    if not method or not isinstance(given, Tensor | Object) or (isinstance(given, Object) and given.cls is not None):
        return
    note(frame, node, given, form=Form.SIZE if method in _SIZES else Form.CALL, by=method)


def upload(frame: Frame, name: str, arguments: Mapping[str, Value], made: Tensor, node: ast.Call) -> None:
    """`torch.tensor(number, device=d)`: the number is copied from pageable memory, and the host waits for that."""
    given = arguments.get("0", arguments.get("data"))
    number = bool(node.args) and seems_default_number(frame, node.args[0])
    if name != "torch.tensor" and isinstance(given, Object) and given.cls is None and not number:
        return  # it may be a tensor that is there
    if name in _FROM_HOST and isinstance(given, Host | Object | Tuple) and "device" in arguments and _varies(node):
        note(frame, node, made, form=Form.UPLOAD)


def logged(frame: Frame, node: ast.Call, operands: Sequence[Value]) -> None:
    """Record a host read if a call that logs is given a tensor."""
    for operand in operands:
        text(frame, node, operand)


def is_logging(func: ast.expr) -> bool:
    """Whether a call logs: `logger.info(..)`, `self.log.debug(..)`, `bar.set_postfix(..)`."""
    if not isinstance(func, ast.Attribute) or func.attr not in _LOGS:
        return isinstance(func, ast.Attribute) and func.attr in _SHOWS
    owner = func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return "log" in name.lower()


def _is_for_log(frame: Frame, statement: ast.stmt) -> bool:
    """Whether a statement assigns a local that the function only logs: `logs = {"loss": loss.item()}`."""
    if frame.function is None or not isinstance(statement, ast.Assign):
        return False
    name, function = spelled(statement.targets[0]), frame.function.node
    if len(statement.targets) > 1 or not isinstance(statement.targets[0], ast.Name) or name in frame.volatile:
        return False
    logged = {part for call in calls_in(function) if shows(call) for part in nodes_of(call)}
    reads = [n for n in nodes_of(function) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
    return bool(reads) and all(read in logged for read in reads)


def shows(node: ast.Call) -> bool:
    """Whether a call logs, or is one like `run.log({"loss": loss}, step=n)`."""
    named = isinstance(node.func, ast.Attribute) and node.func.attr == "log"
    numbered = any(keyword.arg == "step" for keyword in node.keywords)
    listed = bool(node.args) and isinstance(node.args[0], ast.Dict)
    return is_logging(node.func) or (named and (numbered or listed))


def _is_read(value: Value) -> bool:
    """Whether something that only numbers allow, such as a test, reads a value: a tensor, perhaps a number at first."""
    if isinstance(value, Tensor):
        return not value.optional
    return isinstance(value, Object) and value.or_host and _is_surely_placed(value)


def _is_surely_placed(value: Object) -> bool:
    """Whether a value is on a device, and not only because the call that made it was given one."""
    device = value.placed[0]
    return device is not None and not any(fact.assumption is Assumption.DEVICE_ARGUMENT for fact in device.why)


def _compared(
    frame: Frame, name: str, tensors: Sequence[Tensor], operands: Sequence[Value], node: ast.Call, state: State
) -> None:
    """`max(1, t)`, `max(t)`, `any(t > 0 for t in ts)`: comparisons whose truth is asked for."""
    if len(operands) > 1 and name in ("builtins.max", "builtins.min"):
        if tensors:
            note(frame, node, tensors[0], form=Form.TEST)
        elif (seeming := _first_seeming(frame, node, operands)) is not None:
            note(frame, node, seeming, form=Form.TEST)
    elif isinstance(operands[0], Tensor) or _is_name_of_tensor(frame, node, operands):
        note(frame, node, operands[0], elements=written(node.args[0]) if node.args else "")
    elif isinstance(operands[0], Object) and operands[0].cls == "builtins.list":
        item = element(frame, operands[0], node, state)
        if isinstance(item, Tensor) and not item.optional:
            note(frame, node, item)


def _first_seeming(frame: Frame, node: ast.Call, operands: Sequence[Value]) -> Value | None:
    """The first argument that seems to be a tensor, by its uses."""
    pairs = zip(node.args, operands, strict=False)
    return next((value for part, value in pairs if seems_number(frame, part, value)), None)


def _is_name_of_tensor(frame: Frame, node: ast.Call, operands: Sequence[Value]) -> bool:
    """Whether a function is given nothing but a name of what seems to be a tensor."""
    alone = len(operands) == 1 and len(node.args) == 1 and isinstance(node.args[0], ast.Name)
    return alone and seems_tensor(frame, node.args[0], operands[0], by_use=True)


def _varies(node: ast.Call) -> bool:
    """Whether the first argument of a call is not made of literals alone."""
    given = node.args[0] if node.args else node.keywords[0].value
    return any(isinstance(part, ast.Name) for part in nodes_of(given))


def _is_test_of_tensor(frame: Frame, node: ast.expr, value: Value) -> bool:
    """Whether a test of something unknown seems to be one of a tensor, by what the function does with its parts."""
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _is_test_of_tensor(frame, inner, value)
        case ast.Call(func=ast.Attribute(attr="all" | "any"), args=[], keywords=[]):
            return seems_tensor(frame, node, value)
        case ast.Compare(left=left, comparators=[right]):
            sides = (part for part in (left, right) if not isinstance(part, ast.Subscript) or _is_one_item(part))
            return any(seems_number(frame, part, value) for part in sides)
        case ast.Subscript(slice=key) if not isinstance(key, ast.Slice):
            return seems_tensor(frame, node, value, by_use=not seems_mask(frame, node.value))
    return False


def _is_one_item(node: ast.expr) -> TypeGuard[ast.Subscript]:
    """Whether it is an item under a number: `x[0]`, `x[-1]`."""
    key = node.slice if isinstance(node, ast.Subscript) else None
    key = key.operand if isinstance(key, ast.UnaryOp) else key
    return isinstance(key, ast.Constant) and isinstance(key.value, int)


def _number_of_tensor(frame: Frame, node: ast.Call, operands: Sequence[Value]) -> Object | None:
    """The operand of `float(loss)`, `int(lengths[i])`, where it seems to be a tensor."""
    if len(node.args) != 1 or len(operands) != 1 or not isinstance(operands[0], Object):
        return None
    given, value = node.args[0], operands[0]
    if value.placed[0] is not None:
        return value if _is_surely_placed(value) else None
    if _is_level(frame, given):
        return value
    return value if seems_loss(frame, given, value) or seems_number(frame, given, value) else None


def _is_level(frame: Frame, node: ast.expr) -> bool:
    """Whether it is an item of the noise levels or times that a method of a model is given: `timestep[0]`."""
    info = frame.function
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int())) if name in _LEVELS:
            return (
                info is not None
                and info.name in frame.knowledge.model_methods
                and any(argument.arg == name and argument.annotation is None for argument in info.parameters)
            )
    return False


# ---- recording -------------------------------------------------------------------------------------------------------


def note(
    frame: Frame,
    node: ast.expr,
    value: Value,
    state: State | None = None,
    form: Form = Form.CALL,
    elements: str = "",
    by: str = "",
) -> None:
    """Record a host read of a tensor, or of a value that may be one; see `HostRead`."""
    around, proved = frame.around, isinstance(value, Tensor)
    if around.traced:
        return
    assert isinstance(value, Tensor | Object)
    tensor = value if isinstance(value, Tensor) else Tensor(value.ident, *value.placed)
    given = given_to_layers(frame, node, state) if state is not None and proved else ""
    elements = elements or ("" if form in (Form.UPLOAD, Form.ITEMS) else element_source(frame, node))
    frame.reads[node] = HostRead(
        frame.module,
        node,
        tensor,
        frame.function,
        frame.rate,
        around.statement,
        around.in_handler,
        form,
        around.logging or _is_for_log(frame, around.statement),
        elements,
        given,
        by,
    )
