"""Small queries on libcst trees, and small pieces of new code."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeGuard

import libcst as cst

LINE_LENGTH = 100
_ANYWHERE = cst.Module(body=())
_ATOMS = (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.BaseNumber, cst.BaseString, cst.Ellipsis)


class Refused(Exception):
    """A rewrite cannot be carried out soundly at this call. The message is one sentence for the user."""


_LAYOUT = frozenset(
    ["lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace", "comma", "semicolon", "colon", "dot", "equal",
     "operator", "header", "footer", "indent", "leading_lines", "lines_after_decorators", "trailing_whitespace"]
)  # fmt: skip
"""Fields of nodes that hold spaces, comments and punctuation: five of six nodes of a tree."""


@cache
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    names = (field.name for field in dataclasses.fields(kind))
    return tuple(name for name in names if name not in _LAYOUT and not name.startswith("whitespace"))


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The direct children, not in source order, without spaces, comments and punctuation. No node is copied."""
    found: list[cst.CSTNode] = []
    for name in _fields(type(node)):
        value = getattr(node, name)
        if _is_node(value):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += filter(_is_node, value)
    return found


def _is_node(value: object) -> TypeGuard[cst.CSTNode]:
    """Whether something is a node. `isinstance` takes long: these classes are abstract ones."""
    kind = type(value)
    if kind not in _KINDS:
        _KINDS[kind] = issubclass(kind, cst.CSTNode)
    return _KINDS[kind]


_KINDS: dict[type, bool] = {}  # whether the instances of a class are nodes


def descendants(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and all nodes below it, without spaces, comments and punctuation."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending += children(node)


def parents_of(module: cst.Module) -> dict[cst.CSTNode, cst.CSTNode]:
    """The parent of every node but spaces, comments and punctuation."""
    parents: dict[cst.CSTNode, cst.CSTNode] = {}
    pending: list[cst.CSTNode] = [module]
    while pending:
        node = pending.pop()
        below = children(node)
        parents.update(dict.fromkeys(below, node))
        pending += below
    return parents


def layout(node: cst.CSTNode) -> Iterator[cst.Comment | cst.ParenthesizedWhitespace]:
    """All comments and line breaks in a node, in source order."""
    if isinstance(node, (cst.Comment, cst.ParenthesizedWhitespace)):
        yield node
    for child in node.children:
        yield from layout(child)


def comments(node: cst.CSTNode) -> list[str]:
    """All comments in a node, in source order, each with its `#`."""
    return [part.value for part in layout(node) if isinstance(part, cst.Comment)]


def lost_comments(before: cst.CSTNode, after: Sequence[cst.CSTNode]) -> list[str]:
    """The comments of `before` that no node in `after` has."""
    kept = Counter(comment for node in after for comment in comments(node))
    lost = []
    for comment in comments(before):
        if kept[comment]:
            kept[comment] -= 1
        else:
            lost.append(comment)
    return lost


def leading_lines(node: cst.CSTNode) -> Sequence[cst.EmptyLine] | None:
    """The blank and comment lines above a statement or decorator; None for a node that cannot have any."""
    lines: Sequence[cst.EmptyLine] | None = getattr(node, "leading_lines", None)
    return lines


def comment_line(text: str) -> cst.EmptyLine:
    """A line with nothing but a comment."""
    return cst.EmptyLine(comment=cst.Comment(text))


def dotted(node: cst.CSTNode) -> str | None:
    """`a.b.c` for a name or attributes of a name, whatever its spacing; None for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr.value}"
    return None


def source(node: cst.BaseExpression) -> str:
    """The expression on one line, without comments."""
    code = _ANYWHERE.code_for_node(node)
    if "\n" in code or "\r" in code:
        return ast.unparse(ast.parse(f"({code}\n)", mode="eval"))
    return code


def receiver_of(call: cst.Call) -> cst.BaseExpression:
    """`x` of `x.to(d)`, with the parentheses that were around it and around the call."""
    func = cst.ensure_type(call.func, cst.Attribute)
    bare = func.value
    # The parentheses of `(x.to)(d)` are not needed for `x`, unless it spans lines.
    around = func if re.search(r"[\r\n]", _ANYWHERE.code_for_node(bare)) else func.with_changes(lpar=(), rpar=())
    return bare.with_changes(lpar=[*call.lpar, *around.lpar, *bare.lpar], rpar=[*bare.rpar, *around.rpar, *call.rpar])


def bare(node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression, where it is a whole value, without the parentheses that only its `.to` needed."""
    needs_some = (cst.Tuple, cst.GeneratorExp, cst.Yield, cst.NamedExpr)
    if isinstance(node, needs_some) or re.search(r"[\r\n]", _ANYWHERE.code_for_node(node)):
        return node
    return node.with_changes(lpar=[], rpar=[])


def operand(node: cst.BaseExpression) -> str:
    """The expression on one line, in parentheses if it needs them beside an operator or before a dot."""
    code = source(node)
    return code if node.lpar or isinstance(node, _ATOMS) else f"({code})"


def expression(code: str) -> cst.BaseExpression:
    """Parses code that this package wrote; its line breaks take the indentation of the block that it is put in."""
    return cst.parse_expression(code)


def parenthesised(node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression in one more pair of parentheses."""
    return node.with_changes(
        lpar=[cst.LeftParen(), *node.lpar],
        rpar=[*node.rpar, cst.RightParen()],
    )


def standalone(node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression as a statement's value.

    If it spans lines it gets parentheses, because it may have relied on parentheses around it; a call on one line
    needs none.
    """
    if re.search(r"[\r\n]", _ANYWHERE.code_for_node(node)):
        return node if node.lpar else parenthesised(node)
    return node.with_changes(lpar=[], rpar=[]) if isinstance(node, cst.Call) else node


def assign(name: str, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """The statement `name = value`; `name` may be dotted."""
    target = expression(name)
    assert isinstance(target, (cst.Name, cst.Attribute))
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(target)], standalone(value))])


def guard_statement(test: str, body: Sequence[cst.BaseStatement]) -> cst.If:
    """The statement `if test:` with the given body."""
    return cst.If(test=expression(test), body=cst.IndentedBlock(list(body)))


@dataclass(frozen=True)
class Room:
    """The space in which a guard's test is written.

    width: columns from the statement's indentation to the end of the line. margin: the further indentation of the
    test's line. taken: columns of that line that other code needs. indent: one more indentation.
    """

    width: int
    margin: str
    taken: int
    indent: str

    def fits(self, line: str) -> bool:
        """Whether the text fits on the test's own line."""
        return len(self.margin) + self.taken + len(line) <= self.width

    def fits_inside(self, line: str) -> bool:
        """Whether the text fits on a line of its own inside the test's brackets."""
        return len(self.margin) + len(self.indent) + len(line) <= self.width

    def bracketed(self, opening: str, lines: Sequence[str], closing: str) -> str:
        """`opening`, each line on its own, `closing`."""
        return "\n".join([opening, *(f"{self.margin}{self.indent}{line}" for line in lines), f"{self.margin}{closing}"])

    def joined(self, terms: Sequence[str], word: str) -> str:
        """Terms joined by `and` or `or`: on one line if they fit, else each on its own in parentheses."""
        line = f" {word} ".join(terms)
        if self.fits(line) or len(terms) == 1:
            return line
        return self.bracketed("(", lines_joined(terms, word), ")")


def lines_joined(terms: Sequence[str], word: str) -> list[str]:
    """One line per term, all but the first beginning with `and` or `or`."""
    return [terms[0], *(f"{word} {term}" for term in terms[1:])]
