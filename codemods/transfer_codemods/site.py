"""One call to rewrite, and the draft of its file: what the rewrites have decided so far."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import libcst as cst

from .actions import Target, UnreadLocal
from .evaluation import Place
from .held import Held
from .names import Names
from .style import NARROWEST, PEP_8, Style, longest_line
from .syntax import LINE_LENGTH, Refused, Room, dotted, expression, guard_statement

_UNBOUNDED = Room(10**6, "", 0, "")
_MANY = 100  # lines of a file that would have a long one among them, if they were allowed

# Writes a guard's test so that it fits in the given Room.
Test: TypeAlias = Callable[[Room], str]


@dataclass(frozen=True)
class Guard:
    """The guard of a statement. test: the condition of its `if`. after: what follows the statement under the `if`."""

    test: str
    after: Sequence[cst.BaseStatement] = ()


@dataclass
class Draft:
    """What the rewrites of one file have decided so far. Nodes are those of the original tree, except in `gone`.

    width: the columns that a line may have. held: which names are held where.
    residue: calls that are rewritten already, see `evaluation.Residue`.
    rewritten: all calls that are rewritten already -> target if the call became another transfer, else None.
    assigned: expression statement -> target to which its value will be assigned.
    registered: assignment of an attribute in `__init__` -> name of the buffer that it becomes.
    before: statement -> statements to put before it.
    guards: statement -> its guard.
    comments: node -> comments that lost their place and go above it.
    gone: lines of the new tree that do nothing any more and will be deleted.
    at_once: lists of reads of all elements of a tensor, each to become one call.
    spelled: (module, name) -> how the file spells the name, once a rewrite has asked. new_imports: the imports that
        these spellings need.
    imports: imports that go if nothing reads what they bind any more -> whether the rewrites that would leave them so
        are refused instead. missed: those that are missed so.
    locals: names that assignments bind -> what is done if nothing reads them any more. missed_locals: function in which
        one has to stay all the same -> it, and all that nothing in the function reads any more.
    helpers: expression -> (name of the function, statements) to add to the module; the function returns its value.
    """

    module: cst.Module
    parents: Mapping[cst.CSTNode, cst.CSTNode]
    names: Names
    style: Style
    width: int
    held: Held
    residue: dict[cst.Call, cst.BaseExpression | None] = field(default_factory=dict)
    rewritten: dict[cst.CSTNode, Target | None] = field(default_factory=dict)
    assigned: dict[cst.CSTNode, cst.BaseAssignTargetExpression] = field(default_factory=dict)
    registered: dict[cst.CSTNode, str] = field(default_factory=dict)
    before: defaultdict[cst.CSTNode, list[cst.BaseStatement]] = field(default_factory=lambda: defaultdict(list))
    guards: dict[cst.CSTNode, Guard] = field(default_factory=dict)
    comments: defaultdict[cst.CSTNode, list[str]] = field(default_factory=lambda: defaultdict(list))
    gone: set[cst.CSTNode] = field(default_factory=set)
    at_once: set[cst.CSTNode] = field(default_factory=set)
    spelled: dict[tuple[str, str], str] = field(default_factory=dict)
    new_imports: list[cst.SimpleStatementLine] = field(default_factory=list)
    imports: Mapping[cst.ImportAlias, bool] = field(default_factory=dict)
    missed: list[cst.ImportAlias] = field(default_factory=list)
    locals: Mapping[cst.CSTNode, UnreadLocal] = field(default_factory=dict)
    missed_locals: dict[cst.CSTNode, tuple[str, Set[str]]] = field(default_factory=dict)
    helpers: dict[str, tuple[str, Sequence[cst.BaseStatement]]] = field(default_factory=dict)


def width(code: str, style: Style) -> int:
    """The columns of a line: as many as the project says, or the longest line of the file has, within reason.

    Lines with a text or a comment do not count: a formatter leaves them as long as they are. A file of many lines, all
    within the 79 columns of PEP 8, is taken to keep to them.
    """
    if style.line_length:
        return style.line_length
    longest = longest_line(code)
    narrow = longest <= PEP_8 and code.count("\n") >= _MANY
    return PEP_8 if narrow else min(max(longest, NARROWEST), LINE_LENGTH)


@dataclass(frozen=True)
class Site:
    """One call to rewrite. original: the call in the original tree. call: the same with its inner calls rewritten."""

    original: cst.Call
    call: cst.Call
    place: Place
    draft: Draft

    @property
    def receiver(self) -> cst.BaseExpression:
        """`x` in `x.to(d)`."""
        return cst.ensure_type(self.call.func, cst.Attribute).value

    @property
    def assigned_to(self) -> str | None:
        """`y`, or `self.y`, in the statement `y = x.to(d)`; None for any other statement."""
        parent = self.place.parent
        if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
            return dotted(parent.targets[0].target)
        return None

    @property
    def is_whole_statement(self) -> bool:
        """Whether the statement is `x.to(d)`, or `x = x.to(d)` with a plain name.

        Such a statement does nothing if nothing moves. But assigning `self.x` to itself can be observed, and in a class
        body assigning `x` makes an attribute.
        """
        if isinstance(self.place.parent, cst.Expr):
            return True
        same = isinstance(self.receiver, cst.Name) and self.assigned_to == self.receiver.value
        return same and not self.place.in_class

    def guard_own_statement(self, test: Test, after: Sequence[cst.BaseStatement] = ()) -> None:
        """Puts the call's statement under `if test:`."""
        self.draft.guards[self.place.parent] = Guard(test(self._room("if :")), after)

    def guard_before(self, test: Test, body: Sequence[cst.BaseStatement]) -> None:
        """Puts `if test: body` before the call's statement."""
        self.put_before(guard_statement(test(self._room("if :")), body))

    def put_before(self, statement: cst.BaseStatement) -> None:
        """Puts a statement before the call's."""
        assert self.place.statement is not None
        self.draft.before[self.place.statement].append(statement)

    def choose(
        self, body: cst.BaseExpression, test: Test, orelse: cst.BaseExpression, *, one_line: bool = False
    ) -> cst.BaseExpression:
        """`body if test else orelse` in the call's place, with the parentheses that the call had.

        Raises Refused where a reader would have to pick it out of more: it is a whole value, alone. one_line: it has to
        fit on the call's line.
        """
        if not self._whole_value() or self._has_neighbours():
            raise Refused("A conditional would stand inside a larger expression: write the guard by hand.")
        chosen = cst.IfExp(body=_bare(body), test=expression(test(_UNBOUNDED)), orelse=_bare(orelse))
        if self.call.lpar:
            chosen = chosen.with_changes(lpar=self.call.lpar, rpar=self.call.rpar)
        if one_line and not self._fits(chosen):
            raise Refused("A conditional would not fit on its line: write the guard by hand.")
        return chosen if one_line or self.call.lpar else self._spread(chosen, test)

    def _fits(self, chosen: cst.IfExp) -> bool:
        """Whether the statement's line that holds the ternary is short enough."""
        code = self.draft.module.code_for_node
        text = code(chosen)
        lines = code(self._statement()).replace(code(self.original), text, 1).splitlines()
        return any(text in line for line in lines) and all(self._room("").fits(line) for line in lines if text in line)

    def _has_neighbours(self) -> bool:
        """Whether the call is one of several arguments or items."""
        parents, parent = self.draft.parents, self.place.parent
        match parent, parents.get(parent):
            case cst.Arg(), cst.Call(args=items):
                return len(items) > 1
            case (
                (cst.Element() | cst.DictElement()),
                (
                    cst.Tuple(elements=items)
                    | cst.List(elements=items)
                    | cst.Set(elements=items)
                    | cst.Dict(elements=items)
                ),
            ):
                return len(items) > 1
        return False

    def _statement(self) -> cst.CSTNode:
        """The statement, or the head of the compound statement, that holds the call."""
        node: cst.CSTNode = self.original
        while not isinstance(node, (cst.BaseSmallStatement, cst.BaseCompoundStatement, cst.Decorator, cst.Module)):
            node = self.draft.parents[node]
        return node

    def _whole_value(self) -> bool:
        """Whether a ternary can replace the call without parentheses."""
        parent = self.place.parent
        if isinstance(parent, cst.Arg):
            return not parent.star
        if isinstance(parent, (cst.ListComp, cst.SetComp, cst.GeneratorExp)):
            return parent.elt is self.original
        return isinstance(
            parent,
            (cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Return, cst.Expr, cst.Element, cst.DictElement, cst.Index),
        )

    def _spread(self, chosen: cst.IfExp, test: Test) -> cst.BaseExpression:
        """The ternary, on three lines if it is the whole assigned or returned value and too long for one line."""
        statement = self.place.parent
        code = self.draft.module.code_for_node
        line = code(statement).replace(code(self.original), code(chosen), 1)
        room = self._room("")
        if (
            not isinstance(statement, (cst.Assign, cst.AnnAssign, cst.Return))
            or room.fits(line)
            or re.search(r"[\r\n]", line)
        ):
            return chosen
        start = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(room.indent))
        return chosen.with_changes(
            test=expression(test(replace(room, margin=room.indent, taken=len("if ")))),
            whitespace_before_if=start,
            whitespace_before_else=start,
            lpar=[cst.LeftParen(whitespace_after=start)],
            rpar=[cst.RightParen(whitespace_before=cst.ParenthesizedWhitespace(indent=True))],
        )

    def _room(self, around: str) -> Room:
        """The Room at the statement's indentation, on a line that holds `around` in addition to the test."""
        unit = self.draft.module.default_indent
        depth = 0
        node: cst.CSTNode = self.original
        while (parent := self.draft.parents.get(node)) is not None:
            node = parent
            if isinstance(node, cst.IndentedBlock):
                depth += len((node.indent or unit).expandtabs(4))
            elif isinstance(node, cst.SimpleStatementSuite):
                depth += len(unit.expandtabs(4))
        return Room(self.draft.width - depth, "", len(around), unit)


def _bare(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.with_changes(lpar=[], rpar=[])
