"""The byte scan: whether a file can hold anything to report. It costs far less than decoding and parsing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MOVES = frozenset({"to", "cuda", "cpu", "xpu", "npu", "mps", "hpu", "ipu"})
"""Methods that may move data to another device."""

READS = frozenset({"item", "tolist", "numpy"})
"""Methods of a tensor that read its values on the host."""


def words(*names: str) -> str:
    """A pattern of these words where none of them is the end of a longer one.

    Like `\\b(?:..)`, but a search need not look for the beginning of a word at every character of a text.
    """
    return "|".join(rf"{name}(?<!\w{name})" for name in names)


PLACES = (
    rf"\.\s*(?:{'|'.join(sorted(MOVES | READS))})\s*\(",
    rf"{words('device')}\s*[!=]=",
    r"\.new_tensor\(",
    r"synchronize\(\)",
    r"empty_cache\(\)",
    r"detect_anomaly\(",
)
"""Patterns of most that rules judge: transfers, host reads, comparisons of a device, a method that uploads, and waits
that the program asks for."""

GIVEN = rf"{words('device')}\s*=(?!=)"
"""What gives a factory, or something else, a device."""

_ACCELERATORS = ("cuda", "xpu", "mps", "npu", "hpu", "get_torch_device", "vae_device")
_HANDED_OVER = ('sigmas"', "sigmas'")
ACCELERATOR = rf"(?:{words(*_ACCELERATORS)})\b|{'|'.join(_HANDED_OVER)}"
"""What a file that puts a value on an accelerator by itself has in its text, or that takes from a dictionary what
ComfyUI's sampler hands over there. Any test may read such a value."""

_WHOLE = ("all", "any", "isfinite", "isinf", "isnan", "max", "mean", "min", "norm", "sigmoid", "sum")
TESTS = rf"(?:if|while|assert)\b[^\n]*\.(?:{'|'.join(_WHOLE)})\("
"""A test of what is made of all elements of a tensor, or an array."""

_SAMPLERS = ("Bernoulli", "Beta", "Categorical", "Dirichlet", "Gamma", "Laplace", "Normal", "Uniform")
_SCATTERED = ("add", "logsumexp", "max", "mean", "min", "mul", "softmax", "std", "sum")
_COUNTED = (
    "scatter",
    *(f"scatter_{how}" for how in _SCATTERED),
    *(f"global_{how}_pool" for how in ("add", "max", "mean")),
    "one_hot",
    "to_dense_batch",
)
_KEYS = r"(?:\[[^\n]* for [^\n]*\]|[^\n]* (?:[!=<>]=|[<>])[ \n])"  # a list, or truth values, that may pick items
SIZES: Mapping[str, Sequence[str]] = {
    r"\.(?<!np\.)(?<!numpy\.)(?:argwhere|masked_select|nonzero|unique)\(": (
        "argwhere(", "masked_select(", "nonzero(", "unique(",
    ),
    r"torch\.where\((?:[^\n(),\[]|\([^\n()]*\)|\[[^\n\]]*\])*\)": ("torch.where(",),
    r"torch\.(?:linalg\.\w+|cholesky|ctc_loss|histc|inverse|isin|matrix_exp|normal|pinverse|svd)\(": ("torch.",),
    r"error_if_nonfinite=True": ("error_if_nonfinite=True",),
    rf"(?:{words(*_SAMPLERS)})\(": tuple(f"{name}(" for name in _SAMPLERS),
    rf"(?:{words(*_COUNTED)}|multinomial)\((?<!\.scatter\()(?<!\.scatter_add\()": (
        "multinomial(", "one_hot(", "_pool(", "scatter", "to_dense_batch(",
    ),
    r"(?:float|int)\([\w.\[\]]+\.(?:max|mean|min|norm|sum)\(": ("max(", "mean(", "min(", "norm(", "sum("),
    r"float\([\w.]*loss\d?\)": ("float(",),
    r"(?:if|while|assert)\b[^\n]*loss\d? ?(?:[<>]|[!=]=)": ("loss",),
    r"(?:float|int)\((?:sigmas?|t|timesteps?)\[": ("(sigma", "(t[", "(timestep"),
    r"sqrt\((?<![.\w]sqrt\()": ("sqrt(",),
    r"\.repeat_interleave\((?![^\n]*repeats=\d|\d)": (".repeat_interleave(",),
    r"\.get_scale\(\)": (".get_scale()",),
    r"\.grad\.(?:data\.|detach\(\)\.)?(?:abs|norm|pow|square|sum)\(": (".grad.",),
    r"\[(?<=\w\[)(\w+)\]\s+for \1 in ": ("[",),
    r"\[(?<!shape\[)-?\d\] (?:[!=]=|[<>]) ": ("[",),
    r"torch\.(?:allclose|equal)\(": ("torch.allclose(", "torch.equal("),
    r"torch\.(?:arange|randperm|tril_indices|triu_indices)\((?![^\n]*device)": ("torch.",),
    r"\[(?:np\.a)?range\(": ("range(",),
    r"\[(?<=[\w\])]\[)(?:[^\[\]\n]*(?:, ?|\* ))?\[-?\d": (",[", ", [", "* [", "[["),
    r"\.type_as\(": (".type_as(",),
    rf"(?:{words('max', 'min')})\(\w+\)": ("max(", "min("),
    r"\[: ?\w+\[\w+\] *[\],]": ("[:",),
    r"for \w+, (\w+) in zip\([^\n]*\):\n(?:[^\n]*\n){0,2}[^\n]*\[: ?\1\b": (" in zip(",),
    r"for [^\n]{0,40}?\b(\w+)\b[^\n]{0,40} in enumerate\(zip\([^\n]*\n(?:[^\n]*\n){0,2}?[^\n]*, ?\1(?: [-+] \w+)? ?:": (
        "enumerate(zip(",
    ),
    r"\n +(\w+) = \w+\[\w+\]\n(?:[^\n]*\n){0,4}?[^\n]*[\[,] ?\1(?: [-+] \w+)? ?:": (" = ",),
    r"\[(?<=[\w)\]]\[)\s*(?:[^\[\]\n]|\[[^\[\]\n]{0,40}\]){0,80}(?:[!=<>]=|[<>]|ma?sk\w*\s*[,.\]])": ("[",),
    r"\[(?<=\w\[)~\w+\]": ("[~",),
    r"(?:_np|numpy|2np|2n)\((?<!torch\.from_numpy\()(?<!\.numpy\()": ("_np(", "numpy(", "2np(", "2n("),
    rf"\n +(\w+) = {_KEYS}[^\n]*\n(?:[^\n]*\n){{0,9}}?[^\n]*[\[,] ?\1[\],]": (" = ",),
    r"\n +(\w+) = [^\n]*\.sum\([^\n]*\n(?:[^\n]*\n){0,9}? *(?:el)?if \1 (?:[!=]=|[<>])": (".sum(",),
}  # fmt: skip
"""What reads, in a file that uses torch, how many elements a result has, or one number of a tensor; also by a mask;
and what makes an index on the host. Each pattern with texts of which all that it matches holds one."""

BUFFERS = r"register_buffer\("
"""What registers a tensor that a test may read."""

_SITES: Mapping[str, Sequence[str]] = {
    PLACES[0]: (".",),
    PLACES[1]: ("device",),
    PLACES[2]: (".new_tensor(",),
    PLACES[3]: ("synchronize()",),
    PLACES[4]: ("empty_cache()",),
    PLACES[5]: ("detect_anomaly(",),
    GIVEN: ("device",),
    ACCELERATOR: (*_ACCELERATORS, *_HANDED_OVER),
    TESTS: tuple(f".{name}(" for name in _WHOLE),
    BUFFERS: ("register_buffer(",),
}


def _searches(patterns: Mapping[str, Sequence[str]]) -> list[tuple[bytes, list[bytes]]]:
    return [(pattern.encode(), [text.encode() for text in texts]) for pattern, texts in patterns.items()]


_OF_SITES, _OF_SIZES = _searches(_SITES), _searches(SIZES)


def _any_in(data: bytes, searches: Sequence[tuple[bytes, Sequence[bytes]]]) -> bool:
    """Whether a pattern matches. One is compiled and searched only where one of its texts is: these are found fast."""
    return any(
        any(text in data for text in texts) and re.search(pattern, data) is not None for pattern, texts in searches
    )


def may_have_site(data: bytes) -> bool:
    """Whether `data` may hold anything that rules judge. False is near certain, True is not."""
    return _any_in(data, _OF_SITES) or (b"torch" in data and _any_in(data, _OF_SIZES))


def may_concern(data: bytes) -> bool:
    """Whether `data` may hold anything to report, or a comment for this tool. False is certain, True is not."""
    return b"transfer-lint:" in data or may_have_site(data)
