"""Takes what a scenario returned apart into leaves: hashes to compare, values to keep, pictures to show."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import io
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor

from transfer_lint.evidence.runs import Output
from transfer_lint.tracing import contents
from transfer_lint.tracing.device_tensor import values_of
from transfer_lint.tracing.machine import plain

MAX_DEPTH = 40
PREVIEWS, PREVIEW_SIDE = 4, 512
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.device, torch.dtype, torch.Size)
_OPAQUE = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, type, functools.partial)


class Collected:
    """The leaves of what a scenario returned.

    previews: whether to make pictures. leaves: path -> output. tensors: path -> values on the host, for tensors and
    numeric arrays. opaque: paths and types of what cannot be compared.
    """

    def __init__(self, *, previews: bool) -> None:
        self.leaves: dict[str, Output] = {}
        self.tensors: dict[str, Tensor] = {}
        self.opaque: list[str] = []
        self._previews = previews
        self._seen: dict[int, str] = {}
        self._met: dict[int, tuple[Tensor, str, list[str] | None]] = {}
        self._alive: list[Any] = []  # keeps objects alive, so that no id is used twice

    def add(self, path: str, value: Any, *, depth: int = 0, attribute: bool = False) -> None:
        """Add a value and all that it holds. For an object that was added before, only its first path is noted.

        depth: how deep the value is nested. attribute: it was reached through an attribute of an object.
        """
        if isinstance(value, _PLAIN):
            self._leaf(Output(path, "value", repr(value), own_attribute=attribute))
            return
        if isinstance(value, Tensor):  # at every path: it is no difference if a fix makes two names share a tensor
            self._alive.append(value)
            self._tensor(path, value, attribute)
            return
        if id(value) in self._seen:
            self._leaf(Output(path, "value", f"the same object as {self._seen[id(value)]}", own_attribute=attribute))
            return
        if not isinstance(value, (tuple, frozenset)):  # it is no difference if immutable containers are shared
            self._seen[id(value)] = path
        self._alive.append(value)
        if depth > MAX_DEPTH:
            self.opaque.append(f"{path} (nested too deep)")
        elif _is_array(value):
            self._array(path, value, attribute)
        elif _is_picture(value):
            self._picture(path, value, attribute)
        elif isinstance(value, _OPAQUE):
            self.opaque.append(f"{path} (a {type(value).__name__})")
        else:
            for name, item, own in self._inside(value):
                self.add(f"{path}{name}", item, depth=depth + 1, attribute=attribute or own)

    def _inside(self, value: Any) -> Iterator[tuple[str, Any, bool]]:
        if isinstance(value, Mapping):
            yield from ((f"[{key!r}]", item, False) for key, item in value.items())
        elif isinstance(value, (list, tuple)):
            yield from ((f"[{number}]", item, False) for number, item in enumerate(value))
        elif isinstance(value, (set, frozenset)):
            yield from ((f"[{number}]", item, False) for number, item in enumerate(sorted(value, key=repr)))
        elif isinstance(value, torch.nn.Module):
            yield from ((f".{name}", item, True) for name, item in value.state_dict(keep_vars=True).items())
        elif dataclasses.is_dataclass(value) or hasattr(value, "__dict__"):
            yield ".__class__", type(value).__qualname__, False
            yield from ((f".{name}", item, True) for name, item in vars(value).items())
        else:
            yield ".__class__", type(value).__qualname__, False

    def _leaf(self, output: Output) -> None:
        self.leaves[output.path] = output

    def _tensor(self, path: str, tensor: Tensor, attribute: bool) -> None:
        if id(tensor) not in self._met:
            values = host_values(tensor)
            self._met[id(tensor)] = (values, _hash(values), self._shown(values))
        values, digest, pictures = self._met[id(tensor)]
        self.tensors[path] = values
        self._leaf(
            Output(
                path,
                "image" if pictures is not None else "tensor",
                digest,
                device=str(tensor.device),
                dtype=plain(tensor.dtype),
                shape=tuple(tensor.shape),
                flags="requires grad" if tensor.requires_grad else "",
                previews=tuple(pictures or ()),
                own_attribute=attribute,
            )
        )

    def _array(self, path: str, array: Any, attribute: bool) -> None:
        digest = hashlib.blake2b(array.tobytes() if array.dtype != object else repr(array).encode(), digest_size=16)
        if array.dtype.kind in "biuf":
            self.tensors[path] = torch.from_numpy(array.copy())
        self._leaf(
            Output(
                path,
                "array",
                digest.hexdigest(),
                dtype=str(array.dtype),
                shape=tuple(array.shape),
                own_attribute=attribute,
            )
        )

    def _picture(self, path: str, picture: Any, attribute: bool) -> None:
        digest = hashlib.blake2b(picture.tobytes(), digest_size=16).hexdigest()
        shown = (_png(picture),) if self._previews else ()
        shape = (picture.height, picture.width)
        self._leaf(Output(path, "image", digest, dtype=picture.mode, shape=shape, previews=shown,
                          own_attribute=attribute))  # fmt: skip

    def _shown(self, values: Tensor) -> list[str] | None:
        if not looks_like_pictures(values):
            return None
        return pictures_of(values) if self._previews else []


def host_values(tensor: Tensor) -> Tensor:
    """A copy of a tensor's values on the host. The copy is not recorded."""
    from transfer_lint.tracing.hooks import deaf

    with deaf(), torch.no_grad():
        held = values_of(tensor)
        if held is not tensor:  # simulated: copy below all modes, which would count it
            from torch.utils._mode_utils import no_dispatch

            with no_dispatch(), torch._C.DisableTorchFunction():
                return held.detach().clone().contiguous()
        return tensor.detach().to("cpu", copy=True).resolve_conj().resolve_neg().contiguous()


def _hash(values: Tensor) -> str:
    found = contents.digest(values, sys.maxsize)
    return found.hex() if found is not None else f"unreadable {values.layout}"


def looks_like_pictures(values: Tensor) -> bool:
    """Whether a tensor looks like an IMAGE: [B, H, W, C] or [H, W, C], C 1, 3 or 4, floats in 0..1 or uint8.

    H and W must be at least 8.
    """
    if values.dim() not in (3, 4) or values.shape[-1] not in (1, 3, 4) or min(values.shape[-3:-1]) < 8:
        return False
    if values.dtype == torch.uint8:
        return True
    if not values.is_floating_point() or not values.numel():
        return False
    low, high = float(values.min()), float(values.max())
    return low >= 0.0 and high <= 1.0


def pictures_of(values: Tensor, gain: float = 1.0) -> list[str]:
    """The first PREVIEWS pictures of an IMAGE as base64 PNG, at most PREVIEW_SIDE pixels wide and high. Needs pillow.

    gain: a factor for the brightness.
    """
    from PIL import Image

    batch = values if values.dim() == 4 else values.unsqueeze(0)
    made = []
    for picture in batch[:PREVIEWS]:
        scaled = picture.float() * (gain if picture.dtype == torch.uint8 else 255.0 * gain)
        pixels = scaled.clamp(0, 255).to(torch.uint8).contiguous()
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[pixels.shape[-1]]
        size = (pixels.shape[1], pixels.shape[0])
        made.append(_png(Image.frombytes(mode, size, bytes(pixels.flatten().tolist()))))
    return made


def _png(picture: Any) -> str:
    small = picture.copy()
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    stream = io.BytesIO()
    small.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))


def _is_picture(value: Any) -> bool:
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(value, pil.Image)
