"""Hidden changes: what unknown code does to objects through ties that the function does not show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

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
    """The records of what code of the tree that is not seen may change besides the objects `touched`.

    It may come from any object that the function has not made to any other. There it assigns the attributes that
    something in the tree assigns, unless no changes are hidden, and moves modules, unless they stay where they are.
    """
    known = [at for at in heap.items() if at[1].attributes or at[1].device or at[1].dtype]
    old = {ident: record for ident, record in known if _is_old(ident, record, sharing)}
    if not old:
        return {}
    for record in old.values():
        for value in record.attributes.values():
            if isinstance(value, Object) and value.cls is not None:
                sharing.know(value)
    leaked = [ident for ident in _held(old, sharing) if ident in sharing.later or _is_made(heap.get(ident))]
    reached = {**old, **{ident: heap[ident] for ident in reachable(*leaked) if ident in heap}} if leaked else old
    found: dict[Symbol, Record] = {}
    for ident, record in reached.items():
        owner = sharing.owners.get(ident)
        cls = owner.cls if owner is not None else None
        kept = {} if cls is None else {n: v for n, v in record.attributes.items() if not sharing.may_assign(cls, n)}
        if ident not in touched and len(kept) < len(record.attributes):
            found[ident] = Record(record.anchor, kept, record.device, record.dtype, where, record.moved, record.made)
    found = found if found and sharing.may_hide() else {}
    placed = [i for i, record in reached.items() if (record.device or record.dtype) and i not in touched]
    if placed and not sharing.settled:
        sharing.unsettled = True
        found.update((ident, found.get(ident, heap[ident]).displaced(where)) for ident in placed)
    return found


def _is_old(ident: Symbol, record: Record, sharing: Sharing) -> bool:
    """Whether other code may have got hold of an object."""
    return not (record.made or (ident is sharing.new and record.epoch is None))


def _is_made(record: Record | None) -> bool:
    return record is not None and record.made


def _held(old: Mapping[Symbol, Record], sharing: Sharing) -> Iterator[Symbol]:
    """What old objects lead to, and what may be the same as one of them."""
    for ident, record in old.items():
        yield from record.leads
        yield from sharing.twins.get(ident, ())
