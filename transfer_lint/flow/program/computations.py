"""Which calls compute with tensors, by what they are called."""

from __future__ import annotations

import ast

from transfer_lint.flow.knowledge.names import ONE_NUMBER
from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.modules import Module


def asks_tensor(module: Module, node: ast.AST) -> bool:
    """Whether it is a call of a function of torch, or of a method that makes one number of a tensor."""
    if not isinstance(node, ast.Call) or not module.holds("torch"):
        return False
    owner = module.dotted(node.func).partition(".")[0]
    return owner == "torch" or (owner != "numpy" and getattr(node.func, "attr", "") in ONE_NUMBER)


def computes(module: Module, node: ast.AST) -> bool:
    """Whether it is a call of a function of torch that computes with the tensors it is given: `torch.clamp(x, 0)`."""
    if not isinstance(node, ast.Call) or not module.holds("torch"):
        return False
    owner, _, name = module.dotted(node.func).rpartition(".")
    known = module.project.knowledge
    return owner.startswith("torch.nn.functional") or (owner == "torch" and name in known.tensor_same)


_PLAIN = frozenset(
    {"add", "append", "apply", "child", "children", "close", "compile", "configure", "copy", "cpu", "cuda", "double",
     "enable", "eval", "extend", "export", "float", "freeze", "from", "fuse", "get", "half", "has", "init", "insert",
     "items", "keys", "load", "log", "module", "named", "pop", "print", "push", "register", "remove", "requires",
     "reset", "save", "set", "setup", "share", "split", "state", "step", "summary", "to", "train", "unfreeze",
     "update", "values", "write", "zero"}
)  # fmt: skip
"""First words of the names of methods that change a model or tell of it, and compute nothing."""


def computed_by(call: ast.Call) -> ast.expr | None:
    """The object whose method a call runs with arguments, unless the name says that it computes nothing; else None."""
    match call.func:
        case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=name) if call.args or call.keywords:
            words = name.strip("_").split("_")
            plain = words[0] in _PLAIN and not (words[0] == "get" and len(call.args) > 1)
            return None if plain or getattr(owner, "id", "") == "self" else owner
    return None


def asks_gradient(call: ast.Call, module: Module) -> bool:
    """Whether a call asks for gradients: `loss.backward()`, `torch.autograd.grad(loss, x)`."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "backward":
        return not isinstance(func.value, ast.Call)
    return last_name(func) == "grad" and module.dotted(func) == "torch.autograd.grad"
