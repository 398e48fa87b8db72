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


def asks_gradient(call: ast.Call, module: Module) -> bool:
    """Whether a call asks for gradients: `loss.backward()`, `torch.autograd.grad(loss, x)`."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "backward":
        return not isinstance(func.value, ast.Call)
    return last_name(func) == "grad" and module.dotted(func) == "torch.autograd.grad"
