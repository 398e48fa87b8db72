"""Constant arrays: tensors that are made of arrays of literals, and then moved."""

from __future__ import annotations

import ast

from transfer_lint.flow.program.idioms import innermost_call
from transfer_lint.flow.program.syntax import is_literal, written
from transfer_lint.flow.results.sites import Site

_TENSORS = frozenset({"torch.from_numpy", "torch.tensor", "torch.as_tensor"})
_ARRAYS = frozenset({"numpy.array", "numpy.asarray"})


def constant_array(site: Site) -> str | None:
    """How the call that makes what is moved is written: `torch.from_numpy(np.array([1, -1]))`. None of others."""
    match innermost_call(site.moved):
        case ast.Call(func=func, args=[ast.Call(func=array, args=[values, *_])]) as made:
            named = site.module.dotted(func) in _TENSORS and site.module.dotted(array) in _ARRAYS
            return written(made) if named and is_literal(values) else None
    return None
