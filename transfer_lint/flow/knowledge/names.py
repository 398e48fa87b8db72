"""How torch spells its devices and dtypes."""

from __future__ import annotations

import re

ACCELERATORS = frozenset({"cuda", "xpu", "mps", "hpu", "npu", "privateuseone"})

DEVICE = re.compile(rf"(cpu|{'|'.join(sorted(ACCELERATORS))})(:[0-9]+)?")
"""What the whole of a device string matches: `cpu`, `cuda`, `cuda:0`."""

_DTYPES = """float16 float32 float64 bfloat16 uint8 uint16 uint32 uint64 int8 int16 int32 int64 bool complex64
complex128 float8_e4m3fn float8_e5m2"""
_ALIASES = {"half": "float16", "float": "float32", "double": "float64", "short": "int16", "int": "int32"}

DTYPES = {f"torch.{name}": f"torch.{name}" for name in _DTYPES.split()}
"""Dotted name of a dtype, aliases (`torch.half`) included -> its canonical name."""
DTYPES |= {f"torch.{alias}": f"torch.{name}" for alias, name in {**_ALIASES, "long": "int64"}.items()}

ONE_NUMBER = frozenset({"all", "amax", "amin", "any", "item", "max", "mean", "min", "norm", "sum"})
"""Methods that make one number of a tensor, or of an array."""

TORCHSCRIPT = "torch.jit.script"
"""The decorator of a function that TorchScript compiles."""
