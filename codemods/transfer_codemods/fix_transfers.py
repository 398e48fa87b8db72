"""Carries out a plan on one module: finds each call by its anchor and runs the rewrite of its action.

    rewritten = rewrite(cst.parse_module(source), {Anchor(12, 9): DeleteTransfer()})
    rewritten.module.code; rewritten.refused

Calls are rewritten from the innermost outwards, in source order. A rewrite returns the expression that replaces the
call. Through its `Draft` it may request statements before the call's statement, or a guard around that. This module
puts them in place, and keeps all comments and line breaks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import is_
from typing import TypeAlias

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from .actions import (
    Action,
    Anchor,
    AssignResult,
    ConstructOnDevice,
    DeleteTransfer,
    GuardModule,
    GuardTensor,
    HoistTransfer,
    KeepOnDevice,
    MergeTransfer,
    Plan,
    ReadAtOnce,
    RegisterBuffer,
    RememberRead,
    ReuseTransfer,
    UnreadImport,
    UnreadLocal,
)
from .assign_result import assign_result
from .blocks import rebuilt, settled, under
from .construct_on_device import construct_on_device
from .delete_transfer import delete_transfer
from .evaluation import Place, locate
from .guard_module import guard_module
from .guard_tensor import guard_tensor
from .held import Held
from .hoist_transfer import hoist_transfer
from .import_order import with_helpers, with_import
from .keep_on_device import keep_on_device
from .merge_transfer import merge_transfer
from .names import Names
from .quotes import in_quotes_of
from .read_at_once import read_at_once, read_of_all
from .register_buffer import assignment_of, registered
from .remember_read import remember_read
from .reuse_transfer import reuse_transfer
from .site import Draft, Site, width
from .style import Style
from .syntax import Refused, comment_line, descendants, dotted, leading_lines, lost_comments, parents_of
from .unread_imports import bound_name, unread, without
from .unused import bound_in, without_unused

_Placed: TypeAlias = "cst.Call | cst.ImportAlias | cst.Name"


@dataclass(frozen=True)
class Rewritten:
    """The rewritten module. refused: anchor -> why its action was not carried out, as a sentence for the user."""

    module: cst.Module
    refused: Mapping[Anchor, str]


def rewrite(module: cst.Module, plan: Plan) -> Rewritten:
    """Carries out the plan. An action that cannot be carried out soundly is refused, and its call stays unchanged."""
    return Rewriter(module.deep_clone()).rewrite(plan) if plan else Rewritten(module, {})


class Rewriter:
    """Carries out plans, each on the same module, which is looked through once for all of them.

    style: how new code is written. module: a tree in which no node stands twice.
    """

    def __init__(self, module: cst.Module, style: Style | None = None) -> None:
        self._style = style or Style()
        self._parents = parents_of(module)
        self.module = module
        self._nodes: dict[int, dict[Anchor, _Placed]] = {}
        self._names = Names(self._parents)
        self._held = Held()

    def rewrite(self, plan: Plan) -> Rewritten:
        """Carries out the plan, as the function `rewrite` does."""
        parents = self._parents
        imports = {at: action.stays for at, action in plan.items() if isinstance(action, UnreadImport)}
        names = {at: action for at, action in plan.items() if isinstance(action, UnreadLocal)}
        actions = {at: action for at, action in plan.items() if not isinstance(action, (UnreadImport, UnreadLocal))}
        calls = {call: at for at in actions if isinstance(call := self._node(at), cst.Call)}
        refused = dict.fromkeys(actions.keys() - calls.values(), "No method call stands at this position.")
        places: dict[cst.Call, Place] = {}
        for call, anchor in calls.items():
            try:
                places[call] = locate(call, parents)
            except Refused as refusal:
                refused[anchor] = str(refusal)
        draft = Draft(self.module, parents, self._names.with_none_given(), self._style, self.width, self._held)
        draft.imports = {n: stays for at, stays in imports.items() if isinstance(n := self._node(at), cst.ImportAlias)}
        draft.locals = {name: action for at, action in names.items() if isinstance(name := self._node(at), cst.Name)}
        for call, anchor in calls.items():
            action = actions[anchor]
            if isinstance(action, RegisterBuffer) and call in places:
                try:  # before the call is met, for `__init__` may come first
                    draft.registered[assignment_of(call, action.name, parents)] = action.name
                except Refused as refusal:
                    refused[anchor] = str(refusal)
                    del places[call]
        changed = _with_parents([*places, *draft.registered], parents)
        fixer = _Fixer(draft, {call: (places[call], actions[calls[call]]) for call in places}, changed)
        fixed = in_quotes_of(self.text, cst.ensure_type(self.module.visit(fixer), cst.Module), parents)
        refused.update({calls[call]: reason for call, reason in fixer.refused.items()})
        if draft.missed or draft.missed_locals:
            missing = self._missing(draft, [call for call in calls if calls[call] not in refused])
            refused.update({calls[call]: reason for call, reason in missing.items()})
            others = self.rewrite({at: action for at, action in plan.items() if at not in refused})
            fixed, refused = others.module, {**others.refused, **refused}
        return Rewritten(fixed, dict(sorted(refused.items())))

    def _missing(self, draft: Draft, calls: Sequence[cst.Call]) -> dict[cst.Call, str]:
        """The calls that must stay so that imports and locals keep a reader, each with the reason.

        These are the calls with an argument that reads one, or else those in whose function, or statement of the top
        level, something does.
        """
        found: dict[cst.Call, str] = {}
        for name in map(bound_name, draft.missed):
            reading = [call for call in calls if name in self._held.by([call])]
            reading = reading or [call for call in calls if name in self._held.by([self._top(call)])]
            reason = (
                f"The import of `{name}` would be left without use, and it is not shown that nothing else needs it."
            )
            found.update(dict.fromkeys(reading or calls, reason))
        for function, (name, names) in draft.missed_locals.items():
            inside = [call for call in calls if function in self._around(call)]
            reading = [call for call in inside if not names.isdisjoint(self._held.by([call]))]
            reason = f"The local `{name}` would be left without use, and it is not shown that its assignment can go."
            found.update(dict.fromkeys(reading or inside, reason))
        return found

    def _around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        while node is not self.module:
            node = self._parents[node]
            yield node

    def _top(self, node: cst.CSTNode) -> cst.CSTNode:
        while self._parents[node] is not self.module:
            node = self._parents[node]
        return node

    @cached_property
    def width(self) -> int:
        """The columns that a line of new code may have."""
        return width(self.text, self._style)

    def code(self, module: cst.Module) -> tuple[int, int, str]:
        """Where a rewritten module's code differs: the start and the end of the old part, and the new part.

        These are whole statements of the top level: of what did not change, no code is generated again.
        """
        old, new = self.module.body, module.body
        before = after = 0
        shorter = min(len(old), len(new))
        while before < shorter and old[before] is new[before]:
            before += 1
        while after < shorter - before and old[-1 - after] is new[-1 - after]:
            after += 1
        same = _identical(self.module.header, module.header) and _identical(self.module.footer, module.footer)
        if not same or (not after and not module.has_trailing_newline):
            return 0, len(self.text), module.code
        part = "".join(module.code_for_node(statement) for statement in new[before : len(new) - after])
        starts = self._starts
        return starts[before], starts[len(old) - after], part

    @cached_property
    def text(self) -> str:
        """The code of the module as it was given."""
        plain = self._parts and self.module.has_trailing_newline
        return "".join((self._header, *self._parts, self._footer)) if plain else self.module.code

    @cached_property
    def _header(self) -> str:
        return "".join(map(self.module.code_for_node, self.module.header))

    @cached_property
    def _parts(self) -> list[str]:
        """The code of each statement of the top level."""
        return list(map(self.module.code_for_node, self.module.body))

    @cached_property
    def _footer(self) -> str:
        return "".join(map(self.module.code_for_node, self.module.footer))

    @property
    def _starts(self) -> list[int]:
        """Where the statements of the top level start in the code, and where the last one ends."""
        return list(accumulate(map(len, self._parts), initial=len(self._header)))

    @cached_property
    def _first_lines(self) -> list[int]:
        """The lines that the statements of the top level start on, with what stands above them, and the line after."""
        return list(accumulate(map(_lines, self._parts), initial=1 + _lines(self._header)))

    def _node(self, anchor: Anchor) -> _Placed | None:
        """The call of a method, the import, or the name that is assigned, that stands at a place."""
        index = bisect_right(self._first_lines, anchor.line) - 1
        if not 0 <= index < len(self.module.body):
            return None
        if index not in self._nodes:
            self._nodes[index] = self._nodes_in(index)
        return self._nodes[index].get(anchor)

    def _nodes_in(self, index: int) -> dict[Anchor, _Placed]:
        """What stands where in a statement of the top level. Only those asked for take time."""
        statement = self.module.body[index]
        alone = self.module.with_changes(header=(), body=(statement,), footer=())
        positions = MetadataWrapper(alone, unsafe_skip_copy=True).resolve(PositionProvider)
        above = self._first_lines[index] - 1
        inside = list(descendants(statement))
        placed: list[tuple[cst.CSTNode, _Placed]] = [(name, name) for name in bound_in(inside)]
        placed += [(node, node) for node in inside if type(node) is cst.ImportAlias]
        calls = (node for node in inside if type(node) is cst.Call)
        placed += [(call.func.attr, call) for call in calls if isinstance(call.func, cst.Attribute)]
        starts = ((positions[at].start, node) for at, node in placed)
        return {Anchor(start.line + above, start.column + 1): node for start, node in starts}


def _lines(code: str) -> int:
    return len(_LINE_END.findall(code))


_LINE_END = re.compile(r"\r\n?|\n")


def _identical(one: Sequence[cst.CSTNode], other: Sequence[cst.CSTNode]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


def _with_parents(nodes: Iterable[cst.CSTNode], parents: Mapping[cst.CSTNode, cst.CSTNode]) -> set[cst.CSTNode]:
    """The nodes, and all nodes that they stand in."""
    found: set[cst.CSTNode] = set()
    for node in nodes:
        around: cst.CSTNode | None = node
        while around is not None and around not in found:
            found.add(around)
            around = parents.get(around)
    return found


def _carry_out(site: Site, action: Action) -> cst.BaseExpression:
    match action:
        case DeleteTransfer():
            return delete_transfer(site)
        case GuardTensor():
            return guard_tensor(site, action)
        case GuardModule():
            return guard_module(site, action)
        case KeepOnDevice():
            return keep_on_device(site, action)
        case MergeTransfer():
            return merge_transfer(site, action)
        case ConstructOnDevice():
            return construct_on_device(site, action)
        case AssignResult():
            return assign_result(site)
        case RegisterBuffer():
            return site.call
        case HoistTransfer():
            return hoist_transfer(site, action)
        case ReuseTransfer():
            return reuse_transfer(site, action)
        case RememberRead():
            return remember_read(site, action)
        case ReadAtOnce():
            return read_at_once(site)


class _Fixer(cst.CSTTransformer):
    """Replaces the calls and then, going outwards, the statements and blocks around them.

    changed: these calls, and all nodes that they stand in. No other node is looked into.
    """

    def __init__(self, draft: Draft, sites: Mapping[cst.Call, tuple[Place, Action]], changed: Set[cst.CSTNode]) -> None:
        super().__init__()
        self._draft = draft
        self._changed = changed
        self._sites = sites
        self.refused: dict[cst.Call, str] = {}

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Goes on to the calls, and nowhere else."""
        return node in self._changed and super().on_visit(node)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        if original_node not in self._sites:
            return updated_node
        place, action = self._sites[original_node]
        waiting = self._draft.before[place.statement] if place.statement else []
        known, imports, spelled = len(waiting), len(self._draft.new_imports), dict(self._draft.spelled)
        try:
            new = _carry_out(Site(original_node, updated_node, place, self._draft), action)
        except Refused as refusal:
            self.refused[original_node] = str(refusal)
            del waiting[known:], self._draft.new_imports[imports:]
            self._draft.spelled = spelled
            return updated_node
        self._draft.rewritten.setdefault(original_node, None)
        self._draft.comments[place.anchor_line] += lost_comments(updated_node, [new, *waiting[known:]])
        return new

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]:
        """Puts comments that lost their place above the line, and the requested statements before their statement."""
        node = super().on_leave(original_node, updated_node)
        if not isinstance(node, cst.CSTNode):
            return node
        if original_node in self._draft.at_once and isinstance(node, cst.ListComp):
            return read_of_all(node)
        if (target := self._draft.assigned.get(original_node)) and isinstance(node, cst.Expr):
            return cst.Assign([cst.AssignTarget(target)], node.value, node.semicolon)
        if (name := self._draft.registered.get(original_node)) and isinstance(node, cst.Assign):
            return registered(node, name)
        if comments := self._draft.comments.get(original_node):
            node = node.with_changes(leading_lines=(*(leading_lines(node) or ()), *map(comment_line, comments)))
        if isinstance(original_node, cst.SimpleStatementLine) and isinstance(node, cst.SimpleStatementLine):
            return cst.FlattenSentinel(self._rebuilt(original_node, node))
        if (before := self._draft.before.get(original_node)) and isinstance(node, cst.BaseCompoundStatement):
            return cst.FlattenSentinel(under(leading_lines(node) or (), [*before, node], len(before)))
        return node

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.BaseSuite:
        line = cst.SimpleStatementLine(updated_node.body, trailing_whitespace=updated_node.trailing_whitespace)
        body, footer = settled(self._rebuilt(original_node, line), (), self._draft)
        if len(body) == 1 and isinstance(body[0], cst.SimpleStatementLine) and not body[0].leading_lines:
            return updated_node.with_changes(body=body[0].body)
        return cst.IndentedBlock(body, footer=footer)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.BaseStatement:
        return (
            without_unused(original_node, updated_node, self._draft) if original_node in self._changed else updated_node
        )

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> cst.BaseSuite:
        body, footer = settled(updated_node.body, updated_node.footer, self._draft)
        return updated_node.with_changes(body=body, footer=footer)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        body, footer = settled(updated_node.body, updated_node.footer, self._draft, empty=True)
        module = updated_node.with_changes(body=body, footer=footer)
        if gone := unread(module, self._draft) if self._draft.imports else ():
            self._draft.missed = [alias for alias in gone if self._draft.imports[alias]]
            module = without(module, gone, self._draft)
        body = module.body
        for line in self._draft.new_imports:
            body = with_import(body, line, self._draft.style)
        if self._draft.helpers:
            body = with_helpers(body, [statements for _, statements in self._draft.helpers.values()], self._draft.style)
        return module.with_changes(body=body)

    def _rebuilt(
        self, original: cst.SimpleStatementLine | cst.SimpleStatementSuite, line: cst.SimpleStatementLine
    ) -> list[cst.BaseStatement]:
        pairs = zip(original.body, line.body, strict=True)
        return rebuilt(line, original.body, [new for old, new in pairs if self._is_idle(old, new)], self._draft)

    def _is_idle(self, old: cst.BaseSmallStatement, new: cst.BaseSmallStatement) -> bool:
        """Whether the removal of a transfer has left `x` or `x = x`, which does nothing.

        `x = x` in a class body is not idle, because it makes an attribute; nor is `self.x = self.x`, which can be
        observed, unless the action says otherwise.
        """
        if not isinstance(old, (cst.Expr, cst.Assign)) or old.value not in self._draft.residue:
            return False
        if isinstance(new, cst.Assign):
            target, value = new.targets[0].target, new.value
            place, action = self._sites[cst.ensure_type(old.value, cst.Call)]
            if len(new.targets) != 1 or place.in_class:
                return False
            if isinstance(action, DeleteTransfer) and action.own_attribute:
                return dotted(target) is not None and dotted(target) == dotted(value)
            return isinstance(target, cst.Name) and isinstance(value, cst.Name) and target.value == value.value
        return dotted(cst.ensure_type(new, cst.Expr).value) is not None
