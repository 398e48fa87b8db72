"""Hidden changes: what unknown code does to objects through ties that the function does not show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from transfer_lint.flow.values.aliasing import Sharing
from transfer_lint.flow.values.records import Epoch, Record
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Object


def hidden_records(
    heap: Mapping[Symbol, Record],
    sharing: Sharing,
    reachable: Callable[..., Iterable[Symbol]],
    touched: Collection[Symbol],
    where: Epoch,
) -> dict[Symbol, Record]:
    """The records of what unknown code may change that gets other objects, `touched`, or that is code of the tree.

    It may come from any object that the function has not made to any other, and assigns there the attributes that
    something in the tree assigns. Where modules are does not change: `Memory` looks for modules with common parts.
    None under the assumption that there are no hidden changes.
    """
    reached = list(reachable(*(ident for ident, record in heap.items() if _is_old(ident, record, sharing))))
    known = {ident: heap[ident] for ident in reached if ident in heap}
    for record in known.values():
        for value in record.attributes.values():
            if isinstance(value, Object):
                sharing.know(value)
    found: dict[Symbol, Record] = {}
    for ident, record in known.items():
        owner = sharing.owners.get(ident)
        kept = {name: v for name, v in record.attributes.items() if owner and not sharing.may_assign(owner, name)}
        if ident not in touched and len(kept) < len(record.attributes):
            found[ident] = Record(record.anchor, kept, record.device, record.dtype, where, record.moved, record.made)
    return found if found and sharing.may_hide() else {}


def _is_old(ident: Symbol, record: Record, sharing: Sharing) -> bool:
    """Whether other code may have got hold of an object of which something is known."""
    new = record.made or (ident is sharing.new and record.epoch is None)
    return bool(record.attributes) and not new
