"""Templates: the attributes of an object, as given by the place where it was made."""

from __future__ import annotations

from dataclasses import replace

from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.values.summary import Summary, Template
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind, merge_why
from transfer_lint.flow.values.values import Constant, Host, Object, Placed, Tensor, Tuple, Value


def as_constructed(frame: Frame, summary: Summary, value: Value, symbol: Symbol) -> Value:
    """A value from a summary's heap, as seen later: its class still holds; its device only if it is spelled out."""
    match value:
        case Tensor():
            device = None if value.weight else ground(value.device)
            frame.symbols.has_weights |= value.weight
            return Tensor(symbol, device, None, value.scalar, value.optional, value.weight, value.uncast, why=value.why)
        case Object() if not summary.rooted(value.ident):
            frame.templates[symbol] = Template(summary, value.ident)
            return Object(symbol, value.cls, value.why, value.optional)
        case Object() if value.cls is not None:
            return Object(symbol, value.cls, value.why, value.optional)
        case Placed() if value.known.term.symbol is None:
            return value
        case Placed():
            return Placed(Known(Term(TermKind.VALUE, symbol=symbol)), value.is_dtype)
        case Constant(value=None):
            return Object(symbol, optional=True)
        case Constant() | Host():
            return Host(symbol)
        case Tuple():
            items = [
                as_constructed(
                    frame,
                    summary,
                    item,
                    frame.symbols.make(("shape", symbol, n), f"{symbol.label}[{n}]", 0, symbol, f"[{n}]"),
                )
                for n, item in enumerate(value.items)
            ]
            return Tuple(tuple(items))
    return Object(symbol)


def because(value: Value, *facts: Fact) -> Value:
    """A value that is what it is only by these facts, too."""
    match value:
        case Tensor() | Object() if facts:
            device = value.device.because(*facts) if isinstance(value, Tensor) and value.device is not None else None
            known = replace(value, why=merge_why(facts, value.why))
            return replace(known, device=device) if isinstance(known, Tensor) else known
        case Placed():
            return Placed(value.known.because(*facts), value.is_dtype)
    return value


def ground(known: Known | None) -> Known | None:
    """The placement if it means the same everywhere (a constant or a stable call), else None."""
    return known if known is not None and known.term.symbol is None else None


def lasting(value: Value) -> Value:
    """The value that a nested function may rely on later: without a placement, which may have changed."""
    match value:
        case Tensor():
            return Tensor(value.ident, optional=value.optional, why=value.why)
        case Placed() if value.known.term.symbol is None:
            return value
        case Tuple():
            return Tuple(tuple(lasting(item) for item in value.items))
    return value
