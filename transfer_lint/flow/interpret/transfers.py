"""Transfers, `.to(...)` and the like: what they request, what they do, and the sites for the rules."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.assumed import as_operand
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.unpacked import PLACEMENT, unpacked
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.knowledge.names import DEVICE
from transfer_lint.flow.program.plain_objects import holds_plain_object
from transfer_lint.flow.program.roles import ArgumentRole
from transfer_lint.flow.program.tensor_uses import no_tensors
from transfer_lint.flow.results.sites import Request, RequestedHalf, Site
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind, role_of
from transfer_lint.flow.values.values import Constant, External, Host, Object, Placed, Tensor, Value

_IMPORTS_TORCH = re.compile(r"^\s*(?:import|from) torch\b", re.MULTILINE)


def transfer(
    frame: Frame, node: ast.Call, receiver: Tensor | Object, arguments: dict[str, Value], state: State
) -> Value:
    """Interpret a call of one of MOVES on a tensor, a module, or something unknown."""
    request = replace(_request(frame, node, arguments), open=any(key.startswith("*") for key in arguments))
    if request.device is None and request.dtype is None and not node.args:
        request = _unpacked_request(frame, node, arguments, request, state)
    is_module = frame.is_module(receiver)
    judged = isinstance(receiver, Tensor) or is_module or _is_torch(frame, node, arguments, request)
    if judged and not frame.around.traced:
        statement = frame.around.statement
        is_discarded = isinstance(statement, ast.Expr) and statement.value is node
        seen: Value = _by_use(frame, node, receiver)
        if not (is_discarded or _is_no_tensor(frame, node)):
            seen = as_operand(frame, seen, node)
        assert isinstance(seen, Tensor | Object)
        site = _site(frame, node, seen, is_module, request, state)
        settled = not (site.guarded or site.inline or site.proved) and frame.function is not None
        if is_discarded and settled and site.device is not None:
            fact = frame.assume(Assumption.MOVED_IS_TENSOR, node, "`{}` moves again what was moved to a device")
            site = site if fact is None else replace(site, supposed=(fact,))
        frame.sites[node] = site
    if isinstance(receiver, Tensor):
        return _moved_tensor(frame, node, receiver, request)
    return _moved_object(frame, node, receiver, is_module, request, state)


def _is_no_tensor(frame: Frame, node: ast.Call) -> bool:
    """Whether what is moved is a name that the function uses as no tensor can be used."""
    match node.func:
        case ast.Attribute(value=ast.Name(id=name)) if frame.function is not None:
            return name in no_tensors(frame.function.node)
    return False


def _by_use(frame: Frame, node: ast.Call, receiver: Tensor | Object) -> Tensor | Object:
    """What is moved; as a tensor if the program uses it elsewhere as nothing but tensors are used."""
    if not isinstance(receiver, Object) or receiver.cls is not None or not isinstance(node.func, ast.Attribute):
        return receiver
    shown = frame.callees.roles.shown(frame.module, frame.function, node.func.value)
    if shown is None or shown.role is not ArgumentRole.TENSOR:
        return receiver
    if holds_plain_object(frame.function, node.func.value, frame.knowledge):
        return receiver
    fact = frame.assume(Assumption.MOVED_IS_TENSOR, shown.node, "`{}` uses it as a tensor")
    return receiver if fact is None else Tensor(receiver.ident, *receiver.placed, why=(fact,))


def cast(frame: Frame, node: ast.Call, receiver: Tensor | Object, dtype: str, state: State) -> None:
    """Record a site for `x.to(d).half()`: a cast directly after a move, where one call could do both."""
    inner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(inner, ast.Call) and inner in frame.sites:
        half = RequestedHalf(Known(Term(TermKind.CONSTANT, dtype)), None, comparable=False)
        frame.sites[node] = _site(frame, node, receiver, frame.is_module(receiver), Request(dtype=half), state)


def type_as(frame: Frame, node: ast.Call, receiver: Tensor, other: Value, state: State) -> None:
    """Record a site for `torch.eye(3).type_as(x)`: it moves a tensor that was made on the host to where `x` is."""
    known = receiver.device
    if frame.around.traced or receiver.made is None or not node.args or not isinstance(other, Tensor) or known is None:
        return
    if role_of(known.term, frame.knowledge) is Role.HOST:
        request = _first_argument(frame, node, 0, other, None, Request(plain=False), surely_tensor=True)
        frame.sites[node] = _site(frame, node, receiver, False, request, state)


def _is_torch(frame: Frame, node: ast.Call, arguments: dict[str, Value], request: Request) -> bool:
    """Whether the call is almost certainly one of torch.

    It names a device or dtype, or is `.cpu()` or `.cuda()`, or has one argument or mapping, in a file with torch.
    """
    assert isinstance(node.func, ast.Attribute)
    if node.func.attr != "to":
        return not arguments or request.device is not None
    if arguments.keys() & {"device", "dtype"}:
        return True
    if request.ambiguous:
        alone = list(arguments) == ["0"] or request.unpacked
        alone = alone and not isinstance(arguments.get("0"), External | Constant)  # `quantity.to(units.metre)`
        return alone and _IMPORTS_TORCH.search(frame.module.text) is not None
    return bool(request.device or request.dtype)


def _site(
    frame: Frame, node: ast.Call, receiver: Tensor | Object, is_module: bool, request: Request, state: State
) -> Site:
    assert isinstance(node.func, ast.Attribute)
    made_here = False
    if isinstance(receiver, Tensor):
        device: Known | None = receiver.device or Known(receiver.device_term())
        dtype: Known | None = receiver.dtype or Known(receiver.dtype_term())
    else:
        record = state.record(receiver.ident)
        device, dtype = record.device or receiver.placed[0], record.dtype or receiver.placed[1]
        made_here = record.made and device is None
    around = frame.around
    return Site(
        frame.module,
        node,
        node.func.attr,
        receiver,
        is_module,
        device,
        dtype,
        request,
        frame.function,
        frame.rate,
        around.statement,
        guarded=receiver.ident in state.guards,
        in_handler=around.in_handler,
        inline=around.inline,
        in_fstring=around.in_fstring,
        made_here=made_here,
        result=frame.symbol(node, receiver.ident.label),
    )


def _moved_tensor(frame: Frame, node: ast.Call, receiver: Tensor, request: Request) -> Tensor:
    moved = frame.fact(node, "`{}` puts it there")
    device = receiver.device or Known(receiver.device_term())
    dtype = receiver.dtype or Known(receiver.dtype_term())
    moved_from = receiver.moved_from
    if request.device is not None:
        goes_to = role_of(request.device.known.term, frame.knowledge)
        if goes_to is Role.HOST and role_of(device.term, frame.knowledge) is Role.ACCELERATOR:
            moved_from = moved_from | {node}
        elif moved_from and goes_to is Role.ACCELERATOR:
            for move in moved_from:
                frame.round_trips.setdefault(move, (frame.fact(node, "`{}` brings it back to the accelerator"),))
            moved_from = frozenset()
        device = request.device.known.because(moved)
    if request.dtype is not None:
        dtype = request.dtype.known.because(moved)
    unknown = request.open or (request.ambiguous and request.dtype is None)  # perhaps a dtype or another tensor
    lost = unknown and (request.device is None or request.ambiguous)
    return Tensor(
        frame.symbol(node, receiver.ident.label),
        None if lost else device,
        None if unknown and request.dtype is None else dtype,
        receiver.scalar,
        weight=receiver.weight,  # if nothing moves, the result is the parameter itself
        shares=receiver.memory(),
        moved_from=moved_from,
        why=receiver.why,
    )


def _moved_object(
    frame: Frame, node: ast.Call, receiver: Object, is_module: bool, request: Request, state: State
) -> Value:
    """A module moves in place and is its own result. Anything else is treated as a value that may be a module."""
    moved = frame.fact(node, "`{}` moves it there")
    device = request.device.known.because(moved) if request.device else None
    dtype = request.dtype.known.because(moved) if request.dtype else None
    unknown = request.ambiguous or request.open
    if unknown:
        state.displace(receiver, frame.epoch(node), node.lineno)
    if not request.ambiguous and (device or dtype or not unknown):
        state.place(receiver, device, dtype, frame.epoch(node), node.lineno)
    frame.may_raise(state)
    if is_module:
        return receiver
    before = (None, None) if unknown else receiver.placed
    placed = (None, None) if request.ambiguous else (device or before[0], dtype or before[1])
    result = Object(frame.symbol(node, receiver.ident.label), receiver.cls, receiver.why, placed=placed)
    state.sharing.alias(result.ident, receiver.ident)
    return result


def _request(frame: Frame, node: ast.Call, arguments: dict[str, Value]) -> Request:
    assert isinstance(node.func, ast.Attribute)
    method = node.func.attr
    index = {str(n): n for n in range(len(node.args))}
    index.update({k.arg: len(node.args) + n for n, k in enumerate(node.keywords) if k.arg})
    plain = not any(key.startswith("*") for key in arguments)
    plain = plain and not arguments.keys() & {"copy", "memory_format"} and "3" not in arguments
    last = arguments.get("2", arguments.get("1", arguments.get("0"))) if method == "to" else arguments.get("1")
    non_blocking = Constant(True) in (arguments.get("non_blocking"), last)
    if method != "to":
        return _named_method(frame, method, arguments, node, index, plain, non_blocking)
    request = Request(plain=plain, surely_non_blocking=non_blocking)
    for key, value in arguments.items():
        half = _half(frame, node, index.get(key), value)
        if key == "device":
            request = replace(request, device=half)
        elif key == "dtype":
            request = replace(request, dtype=half)
        elif key in ("0", "other"):
            request = _first_argument(frame, node, index[key], value, half, request, key == "other")
        elif key == "1" and half is not None and not isinstance(value, Constant | Host):
            # After a device comes a dtype. After a tensor or a dtype comes `non_blocking`.
            request = replace(request, dtype=half, ambiguous=request.ambiguous and not isinstance(value, Placed))
    return request


def _unpacked_request(
    frame: Frame, node: ast.Call, arguments: dict[str, Value], request: Request, state: State
) -> Request:
    """The request of `x.to(**m)`. Nothing but a device, a dtype and how to copy can be in `m`.

    Not if callers say what: `def to(self, **kwargs)` only hands it on.
    """
    found = unpacked(frame, node, arguments, state)
    if found is None or _is_handed_on(frame, node.keywords[found.argument - len(node.args)].value):
        return request
    halves: dict[str, RequestedHalf] = {}
    for key, value in found.items.items():
        term = frame.placed_by(value, node.keywords[found.argument - len(node.args)].value)
        if term is not None:
            known = value.known if isinstance(value, Placed) else Known(term)
            repeatable = _repeatable(frame, node, found.argument)
            halves[key] = RequestedHalf(known.because(*found.assumed), found.argument, False, repeatable)
    known_keys = found.settled or bool(found.assumed)
    return replace(
        request,
        device=halves.get("device"),
        dtype=halves.get("dtype") if known_keys else None,
        plain=False,
        ambiguous=not known_keys,  # perhaps a device, perhaps a dtype
        open=not known_keys,
        unpacked=True,
        only_placed=found.keys is not None and found.keys <= set(PLACEMENT),
        settled=found.settled,
    )


def _is_handed_on(frame: Frame, node: ast.expr) -> bool:
    """Whether a mapping is what the function itself is given as `**kwargs`."""
    named = frame.function.node.args.kwarg if frame.function is not None else None
    return named is not None and isinstance(node, ast.Name) and node.id == named.arg


def _first_argument(
    frame: Frame,
    node: ast.Call,
    argument: int,
    value: Value,
    half: RequestedHalf | None,
    request: Request,
    surely_tensor: bool,
) -> Request:
    spelled = _argument(node, argument)
    unknown = isinstance(value, External) or (isinstance(value, Object) and value.cls is None)
    shown = frame.callees.roles.of(frame.module, frame.function, spelled) if unknown else None
    if isinstance(value, Object) and shown is not None and shown.role is ArgumentRole.TENSOR:
        value = Tensor(value.ident, *value.placed)
    if isinstance(value, Tensor):
        device = value.device or Known(value.device_term())
        dtype = value.dtype or Known(value.dtype_term())
        repeatable = _plain(frame, spelled)
        return replace(
            request,
            device=RequestedHalf(device, argument, repeatable=repeatable, wrap="{}.device", spelling="{}.device"),
            dtype=RequestedHalf(dtype, argument, repeatable=repeatable, wrap="{}.dtype", spelling="{}.dtype"),
        )
    if half is None:
        return request
    if isinstance(value, Constant) and isinstance(value.value, str) and not _is_device_name(value):
        return replace(request, device=half, ambiguous=True)  # a device that is not known here
    if isinstance(value, Placed):
        return replace(request, dtype=half) if value.is_dtype else replace(request, device=half)
    if isinstance(value, Constant | Host):  # neither a string nor a number can be a dtype
        return replace(request, device=half)
    if shown is not None:
        kind = shown.role.value
        fact = Fact(shown.module, shown.node, f"`{ast.unparse(spelled)}` is a {kind}, as `{{}}` shows")
        half = replace(half, known=half.known.because(fact) if shown.node is not spelled else half.known)
        if shown.role is ArgumentRole.DTYPE:
            return replace(request, dtype=replace(half, comparable=True))
        return replace(request, device=half)
    return replace(request, device=half, ambiguous=True, plain=request.plain and not surely_tensor)


def _argument(node: ast.Call, argument: int) -> ast.expr:
    """The argument of this number, of which the keywords are the last."""
    return [*node.args, *(keyword.value for keyword in node.keywords)][argument]


def _is_device_name(value: Constant) -> bool:
    return DEVICE.fullmatch(str(value.value)) is not None


def _half(frame: Frame, node: ast.Call, argument: int | None, value: Value) -> RequestedHalf | None:
    """One half of the target, from its argument; None if the argument is not a device or dtype (`None`, say)."""
    if argument is None:
        return None
    term = frame.placed_by(value, _argument(node, argument))
    if term is None:
        return None
    known = value.known if isinstance(value, Placed) else Known(term)
    comparable, wrap = _comparable(frame, term, value)
    return RequestedHalf(known, argument, comparable, _repeatable(frame, node, argument), wrap)


def _comparable(frame: Frame, term: Term, value: Value) -> tuple[bool, str]:
    """Whether `tensor.device != argument` is false exactly if the move does nothing, and how to write the argument."""
    if isinstance(value, Constant):
        # A `torch.device` never equals a string. To convert the string, the file must have torch under its own name.
        complete = term.name == "cpu" or (":" in term.name and isinstance(value.value, str))
        return complete and _knows_torch(frame), "torch.device({})"
    if isinstance(value, Placed):
        if value.is_dtype or term.kind is not TermKind.CONSTANT:
            # A device of unknown value may lack its index; devices from ComfyUI's functions and from tensors have one.
            return value.is_dtype or term.kind is not TermKind.VALUE, "{}"
        return term.name == "cpu" or ":" in term.name, "{}"
    return False, "{}"


def _knows_torch(frame: Frame) -> bool:
    return frame.module.dotted(ast.Name("torch", ast.Load())) == "torch"


def _repeatable(frame: Frame, node: ast.Call, argument: int) -> bool:
    return _plain(frame, [*node.args, *(k.value for k in node.keywords)][argument])


def _plain(frame: Frame, node: ast.expr) -> bool:
    """Whether evaluating an argument a second time costs nothing, has no side effect and gives the same value."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Attribute():
            return _plain(frame, node.value)
        case ast.Call(args=[], keywords=[]):
            known = frame.knowledge.devices.get(frame.module.dotted(node.func))
            return known is not None and known.stable
    return False


def _named_method(
    frame: Frame,
    method: str,
    arguments: dict[str, Value],
    node: ast.Call,
    index: dict[str, int],
    plain: bool,
    non_blocking: bool,
) -> Request:
    """The request of `.cpu()`, `.cuda()`, `.cuda(1)`: the method says the device, an argument may say its index."""
    if method == "cuda" and any(part.startswith("*") for part in arguments):
        return Request(plain=False)  # perhaps with an index
    value = arguments.get("0", arguments.get("device"))
    key = "0" if "0" in arguments else "device"
    if method == "cpu" or value is None or value == Constant(None):
        known = Known(Term(TermKind.CONSTANT, method), ())
        complete = method == "cpu" and _knows_torch(frame)
        half = RequestedHalf(known, None, complete, wrap='torch.device("cpu")' if complete else "{}")
        return Request(half, None, plain, surely_non_blocking=non_blocking)
    return Request(_half(frame, node, index.get(key), value), None, plain, surely_non_blocking=non_blocking)
