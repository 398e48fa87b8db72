"""Hidden changes: what unknown code does to objects through ties that the function does not show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from transfer_lint.flow.values.aliasing import Later, Sharing
from transfer_lint.flow.values.records import Epoch, Record, contents_of
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Tensor, Value


def shared_parts(
    heap: Mapping[Symbol, Record],
    sharing: Sharing,
    reachable: Callable[..., Iterable[Symbol]],
    idents: Iterable[Symbol],
) -> list[Symbol]:
    """What objects that were made here may hold, and was not made here: others may hold it, too.

    `nn.Sequential(net.first)` shares a part with `net`.
    """
    found: dict[Symbol, None] = {}
    pending = [ident for ident in idents if _is_made(heap.get(ident))]
    while pending:
        ident = pending.pop()
        for part in (*reachable(ident), *sharing.parts.get(ident, ())):
            if part not in found and part is not ident:
                found[part] = None
                pending.append(part)
    return [part for part in found if not _is_made(heap.get(part))]


def named_wholes(
    heap: Mapping[Symbol, Record], sharing: Sharing, reachable: Callable[..., Iterable[Symbol]], moved: Symbol
) -> list[Symbol]:
    """What an object that is moved, or a part that it shares, belongs to by name: `net` of `net.first.to("cpu")`."""
    parts = (moved, *shared_parts(heap, sharing, reachable, (moved,)))
    wholes = dict.fromkeys(whole for part in parts for whole in part.lineage())
    return [whole for whole in wholes if whole in heap and whole is not moved]


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
    if sharing.open and sharing.settled:
        return {}
    later, twins, new = sharing.later, sharing.twins, sharing.new
    old: dict[Symbol, Record] = {}
    leaked: list[Symbol] = []  # of what old objects lead to, or may be: what is made here
    for ident, record in heap.items():
        if record.made or not (record.attributes or record.device or record.dtype):
            continue
        if ident is new and record.epoch is None:
            continue
        old[ident] = record
        contents = record.contents
        for value in contents.classed:
            sharing.know(value)
        for part in (*contents.leads, *twins.get(ident, ())):
            if part in later or _is_made(heap.get(part)):
                leaked.append(part)
    if not old:
        return {}
    reached = {**old, **{ident: heap[ident] for ident in reachable(*leaked) if ident in heap}} if leaked else old
    found: dict[Symbol, Record] = {}
    for ident, record in reached.items():
        if not record.attributes or ident in touched:
            continue
        owner = sharing.owners.get(ident)
        cls = owner.cls if owner is not None else None
        kept = {} if cls is None else {n: v for n, v in record.attributes.items() if not sharing.may_assign(cls, n)}
        if len(kept) < len(record.attributes):
            found[ident] = Record(record.anchor, kept, record.device, record.dtype, where, record.moved, record.made)
    found = found if found and sharing.may_hide() else {}
    if sharing.settled:
        return found
    placed = [i for i, record in reached.items() if (record.device or record.dtype) and i not in touched]
    if placed:
        sharing.unsettled = True
        found.update((ident, found.get(ident, heap[ident]).displaced(where)) for ident in placed)
    return found


def gives_tensors(
    heap: Mapping[Symbol, Record],
    known: Mapping[str, Value],
    values: Iterable[Value],
    idents: Iterable[Symbol],
    code: Iterable[Later],
) -> bool:
    """Whether code of the tree may get tensors of this function, with the values or objects, or in `code`.

    known: the locals.
    """
    given = contents_of(values)
    tensors, runs = given.tensors, given.code
    for record in map(heap.get, idents):
        if record is not None and record.attributes:
            tensors, runs = tensors or record.contents.tensors, runs or record.contents.code
    if tensors and (runs or any(each.runs_tree for each in code)):
        return True
    names = (name for each in code if each.certain and each.runs_tree for name in each.changes)
    return any(isinstance(name, str) and isinstance(known.get(name), Tensor) for name in names)


def hold_tensor(heap: Mapping[Symbol, Record], idents: Iterable[Symbol]) -> bool:
    """Whether an attribute of one of the objects is known to hold a tensor."""
    records = map(heap.get, idents)
    return any(record is not None and record.attributes and record.contents.tensors for record in records)


def _is_made(record: Record | None) -> bool:
    return record is not None and record.made
