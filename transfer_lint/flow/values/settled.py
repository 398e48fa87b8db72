"""Settled modules: under the assumption stays-where-put, unknown code leaves modules where they were moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transfer_lint.flow.values.aliasing import Sharing
from transfer_lint.flow.values.records import Epoch, Record
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.values import Object, Value, objects_of


def settled_records(
    heap: Mapping[Symbol, Record], sharing: Sharing, given: Iterable[Value], touched: Iterable[Symbol]
) -> dict[Symbol, Record]:
    """The records that stay while unknown code is given some values, and with them may touch some objects.

    A module stays where it is, unless it is itself given, alone or in a list. An object keeps the attributes that hold
    such modules.
    """
    handed = {part for value in given for part in objects_of(value)}
    for ident in [ident for ident in handed if ident in heap]:
        owner = sharing.owners.get(ident)
        if owner is not None and owner.cls == "builtins.list":
            handed.update(part for held in heap[ident].attributes.values() for part in objects_of(held))
    records = {ident: heap[ident] for ident in touched if ident in heap}
    stay = {ident: r for ident, r in records.items() if ident not in handed and r.device is not None}
    kept = dict(stay)
    for ident, record in records.items() if stay else ():
        leads = {name: v for name, v in record.attributes.items() if isinstance(v, Object) and v.ident in stay}
        if leads and ident not in stay:
            before = record.epoch or Epoch("", 0)
            kept[ident] = Record(record.anchor, leads, epoch=Epoch(f"{before.name} kept", before.line))
    return kept
