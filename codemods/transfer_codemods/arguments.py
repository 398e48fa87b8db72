"""Arguments of calls: writes a target's halves as arguments of `.to` and factories, and inserts arguments."""

from __future__ import annotations

import libcst as cst

from .actions import Half, Target
from .binding import compared_with, halves_of
from .imports import demand_module
from .site import Site
from .syntax import Refused, layout

_NOTHING = cst.SimpleWhitespace("")
_CASTS = {
    "bfloat16": "torch.bfloat16",
    "bool": "torch.bool",
    "double": "torch.float64",
    "float": "torch.float32",
    "half": "torch.float16",
    "int": "torch.int32",
    "long": "torch.int64",
}


def method(call: cst.Call) -> str:
    """The name of the call's method: `to` in `x.to(d)`."""
    return cst.ensure_type(call.func, cst.Attribute).attr.value


def spelled(site: Site, call: cst.Call, target: Target) -> Target:
    """The target with halves whose `wrap` gives an argument for `.to` and factories. Raises Refused.

    A `wrap` that only a comparison needs is removed; `.cuda(1)` gives "cuda:1", `.half()` gives `torch.float16`.
    """
    bare = [half.argument for _, half in halves_of(target) if half.wrap == "{}" and half.argument is not None]
    if len(bare) > len(set(bare)):
        raise Refused("One argument cannot be both a device and a dtype.")
    device = target.device and _device(call, target.device)
    dtype = target.dtype and _dtype(call, target.dtype)
    spelled = Target(device, dtype)
    for _, half in halves_of(spelled):
        if half.argument is None and "{}" in half.wrap:
            raise Refused("What the call moves to cannot be spelled as an argument.")
        if "{}" not in half.wrap and half.wrap.split(".")[0].isidentifier():
            demand_module(site, half.wrap.split(".")[0])
    return spelled


def _device(call: cst.Call, half: Half) -> Half:
    name = method(call)
    if name in ("to", "type"):
        # `torch.device({})` makes a string comparable; as an argument the string itself is enough.
        return Half(half.argument, half.repeatable, "{}") if half.wrap.endswith("({})") else half
    if half.argument is None:
        return Half(None, half.repeatable, f'"{name}"')
    value = call.args[half.argument].value if half.argument < len(call.args) else None
    if isinstance(value, cst.Integer):
        return Half(half.argument, half.repeatable, f'"{name}:{value.evaluated_value}"')
    if isinstance(value, cst.SimpleString):
        return Half(half.argument, half.repeatable, "{}")
    raise Refused(f"The argument of `.{name}` may be None, which means another device elsewhere.")


def _dtype(call: cst.Call, half: Half) -> Half:
    if half.argument is None and "{}" in half.wrap and method(call) in _CASTS:
        return Half(None, half.repeatable, _CASTS[method(call)])
    return half


def value_of(half: Half, call: cst.Call) -> cst.BaseExpression:
    """The argument that a spelled half gives; the call's own argument if it needs no `wrap`."""
    if half.argument is None or half.wrap != "{}":
        return cst.parse_expression(compared_with(half, call.args))
    return call.args[half.argument].value


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    """The argument `name=value`."""
    return cst.Arg(_closed(value), cst.Name(name), equal=cst.AssignEqual(_NOTHING, _NOTHING))


def _closed(value: cst.BaseExpression) -> cst.BaseExpression:
    """The value, with the parentheses that it needs beside other arguments or after a keyword."""
    if isinstance(value, (cst.GeneratorExp, cst.NamedExpr)) and not value.lpar:
        return value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return value


def inserted(call: cst.Call, index: int, arg: cst.Arg) -> cst.Call:
    """The call with one more argument at `index`, on its own line if the others are. Comments stay beside their
    arguments."""
    args = [item.with_changes(value=_closed(item.value)) for item in call.args]
    if index == len(args):
        return call.with_changes(args=_appended(call, args, arg))
    lead = call.whitespace_before_args if index == 0 else args[index - 1].comma
    space = lead.whitespace_after if isinstance(lead, cst.Comma) else lead
    if isinstance(space, cst.ParenthesizedWhitespace):
        comma = cst.Comma(whitespace_after=_line_break(space))
    else:
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return call.with_changes(args=[*args[:index], arg.with_changes(comma=comma), *args[index:]])


def _appended(call: cst.Call, args: list[cst.Arg], arg: cst.Arg) -> list[cst.Arg]:
    if not args:
        return [arg]
    *others, last = args
    trailing = isinstance(last.comma, cst.Comma)
    spans = any(isinstance(part, cst.ParenthesizedWhitespace) for part in layout(last.value))
    closing = last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else last.whitespace_after_arg
    lead = call.whitespace_before_args
    space: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
    if (
        isinstance(lead, cst.ParenthesizedWhitespace)
        and isinstance(closing, cst.ParenthesizedWhitespace)
        and (trailing or spans or closing.first_line.comment or any(map(_ends_line, others)))
    ):
        space = closing.with_changes(indent=lead.indent, last_line=lead.last_line)
        closing = _line_break(closing)
    if trailing:
        last = last.with_changes(comma=cst.ensure_type(last.comma, cst.Comma).with_changes(whitespace_after=space))
        return [*others, last, arg.with_changes(comma=cst.Comma(whitespace_after=closing))]
    last = last.with_changes(comma=cst.Comma(whitespace_after=space), whitespace_after_arg=_NOTHING)
    if spans and isinstance(space, cst.ParenthesizedWhitespace):  # what stays on several lines has a comma at the end
        return [*others, last, arg.with_changes(comma=cst.Comma(whitespace_after=closing))]
    return [*others, last, arg.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=closing)]


def _ends_line(arg: cst.Arg) -> bool:
    """Whether the next argument stands on another line."""
    return isinstance(arg.comma, cst.Comma) and isinstance(arg.comma.whitespace_after, cst.ParenthesizedWhitespace)


def _line_break(space: cst.ParenthesizedWhitespace) -> cst.ParenthesizedWhitespace:
    """A line break to the same column, without comments."""
    return cst.ParenthesizedWhitespace(indent=space.indent, last_line=space.last_line)
