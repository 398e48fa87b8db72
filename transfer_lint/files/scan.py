"""The byte scan: whether a file can hold anything to report. It costs far less than decoding and parsing."""

from __future__ import annotations

import re

MOVES = frozenset({"to", "cuda", "cpu", "xpu", "npu", "mps", "hpu", "ipu"})
"""Methods that may move data to another device."""

READS = frozenset({"item", "tolist", "numpy"})
"""Methods of a tensor that read its values on the host."""


def words(*names: str) -> str:
    """A pattern of these words where none of them is the end of a longer one.

    Like `\\b(?:..)`, but a search need not look for the beginning of a word at every character of a text.
    """
    return "|".join(rf"{name}(?<!\w{name})" for name in names)


PLACES = (rf"\.\s*(?:{'|'.join(sorted(MOVES | READS))})\s*\(", rf"{words('device')}\s*[!=]=")
"""Patterns of most that rules judge: transfers, host reads, and comparisons of a device."""

GIVEN = rf"{words('device')}\s*=(?!=)"
"""What gives a factory, or something else, a device."""

ACCELERATOR = rf"(?:{words('cuda', 'xpu', 'mps', 'npu', 'hpu', 'get_torch_device', 'vae_device')})\b"
"""What a file that puts a value on an accelerator by itself has in its text. Any test may read such a value."""

TESTS = r"(?:if|while|assert)\b[^\n]*\.(?:all|any|isfinite|isinf|isnan|max|mean|min|norm|sigmoid|sum)\("
"""A test of what is made of all elements of a tensor, or an array."""

SIZES = (
    r"(?<!np)(?<!numpy)\.(?:argwhere|masked_select|nonzero|unique)\(",
    r"torch\.where\((?:[^\n(),\[]|\([^\n()]*\)|\[[^\n\]]*\])*\)",
    r"torch\.(?:linalg\.\w+|cholesky|ctc_loss|histc|inverse|isin|matrix_exp|normal|pinverse|svd)\(",
    r"error_if_nonfinite=True",
    rf"(?:{words('Bernoulli', 'Beta', 'Categorical', 'Dirichlet', 'Gamma', 'Laplace', 'Normal', 'Uniform')})\(",
    r"(?:float|int)\([\w.\[\]]+\.(?:max|mean|min|sum)\(",
    r"float\([\w.]*loss\d?\)",
    r"(?:float|int)\((?:sigmas?|t|timesteps?)\[",
    r"sqrt\((?<![.\w]sqrt\()",
    r"\.get_scale\(\)",
    r"\[(?<=\w\[)(\w+)\]\s+for \1 in ",
    r"\[(?<!shape\[)-?\d\] (?:[!=]=|[<>]) ",
    r"torch\.(?:allclose|equal)\(",
    r"torch\.(?:arange|randperm|tril_indices|triu_indices)\((?![^\n]*device)",
    r"\[(?:np\.a)?range\(",
    r"\.type_as\(",
    r"\[(?<=[\w)]\[)(?:[^\[\]\n]|\[[^\[\]\n]{0,40}\]){0,80}(?:[!=<>]=|[<>]|ma?sk\w*\s*[,\]])",
    r"\[(?<=\w\[)~\w+\]",
)
"""What reads, in a file that uses torch, how many elements a result has, or one number of a tensor; also by a mask;
and what makes an index on the host."""

BUFFERS = r"register_buffer\("
"""What registers a tensor that a test may read."""

_SITES = tuple(re.compile(pattern.encode()) for pattern in (*PLACES, GIVEN, ACCELERATOR, TESTS, BUFFERS))
_SIZES = tuple(re.compile(pattern.encode()) for pattern in SIZES)


def may_have_site(data: bytes) -> bool:
    """Whether `data` may hold anything that rules judge. False is near certain, True is not."""
    if any(pattern.search(data) for pattern in _SITES):
        return True
    return b"torch" in data and any(pattern.search(data) for pattern in _SIZES)


def may_concern(data: bytes) -> bool:
    """Whether `data` may hold anything to report, or a comment for this tool. False is certain, True is not."""
    return b"transfer-lint:" in data or may_have_site(data)
