"""Documented tensors: parameters of which a docstring says that they are tensors, in any of the usual styles."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from transfer_lint.flow.program.modules import FunctionInfo

_TYPE = r"[~:`]*(?:class:)?[~`]*(?:torch\.)?(?:cuda\.)?(?:Bool|Byte|Double|Float|Half|Int|Long)?Tensor\b"
_STYLES = (
    re.compile(rf"^[ \t*-]*`{{0,2}}(?P<name>\w+)`{{0,2}}[ ]?:?[ ]?\((?P<type>{_TYPE}[^()\n]*)", re.MULTILINE),
    re.compile(rf"^[ \t]*(?::type )?(?P<name>\w+)[ ]?:[ ]?(?P<type>{_TYPE}[^\n]*)", re.MULTILINE),
    re.compile(rf"^[ \t]*:param (?P<type>{_TYPE}) (?P<name>\w+):", re.MULTILINE),
)
"""`x (torch.Tensor): ..`, `x : torch.Tensor`, `:type x: torch.Tensor`, `:param torch.Tensor x: ..`."""
_OR_ELSE = re.compile(r"\bor\b(?! None)|\||/|\b(?:int|float|str|bool|list|tuple|array|ndarray)\b")


def documented_tensors(info: FunctionInfo) -> Mapping[str, ast.AST]:
    """Name -> the docstring that says of it that it is a tensor, and nothing else. Memoised on the function."""
    function: ast.AST = info.node
    known: dict[str, ast.AST] | None = getattr(function, "_transfer_lint_documented", None)
    if known is None:
        known = {}
        match info.node.body[0]:
            case ast.Expr(value=ast.Constant(value=str() as text) as node) if "Tensor" in text:
                found = (each for style in _STYLES for each in style.finditer(text))
                known = {each["name"]: node for each in found if not _OR_ELSE.search(each["type"])}
        function._transfer_lint_documented = known  # type: ignore[attr-defined]
    return known
