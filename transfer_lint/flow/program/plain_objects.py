"""Names that hold objects of classes of the tree which are no modules, and no tensors."""

from __future__ import annotations

import ast

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.syntax import bindings, spelled


def holds_plain_object(function: FunctionInfo | None, place: ast.expr, knowledge: Knowledge) -> bool:
    """Whether all that the class (for `self.x`), or the function, makes for a name are objects of plain classes.

    Such a class of the tree moves in its own way, or has no module among its bases, all of which are known.
    """
    if function is None:
        return False
    methods = [function]
    own = isinstance(place, ast.Attribute) and isinstance(place.value, ast.Name) and place.value.id == "self"
    if own and function.owner is not None:
        classes = (base for base in function.owner.lineage if isinstance(base, ClassInfo))
        methods = [method for cls in classes for method in cls.methods.values()]
    text = spelled(place)
    made = [
        method.module.project.class_named(method.module, value.func)
        for method in methods
        for target, value in bindings(method.node)
        if isinstance(value, ast.Call) and spelled(target) == text
    ]
    return bool(made) and all(cls is not None and _is_plain(cls, knowledge) for cls in made)


def _is_plain(cls: ClassInfo, knowledge: Knowledge) -> bool:
    """Whether a class has a move of its own, or only bases that are known and are no modules."""
    if any("to" in base.methods for base in cls.lineage if isinstance(base, ClassInfo)):
        return True
    outside = [base for base in cls.lineage if isinstance(base, str)]
    return all(knowledge.is_transparent_base(base) and not knowledge.is_module_class(base) for base in outside)
