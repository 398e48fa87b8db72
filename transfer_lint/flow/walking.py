"""Walking over syntax trees, each only once."""

from __future__ import annotations

import ast


def nodes_of(root: ast.AST) -> tuple[ast.AST, ...]:
    """The node and all below it, as `ast.walk` gives them; remembered on the node, for most are asked for often."""
    known: tuple[ast.AST, ...] | None = getattr(root, "_transfer_lint_nodes", None)
    if known is None:
        found: list[ast.AST] = [root]
        for node in found:  # grows as it goes
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, ast.AST):
                    found.append(value)
                elif isinstance(value, list):
                    found += [item for item in value if isinstance(item, ast.AST)]
        known = tuple(found)
        root._transfer_lint_nodes = known  # type: ignore[attr-defined]
    return known
