"""Kernels for `torch.autocast` on the simulated machine.

torch's own autocast kernels look at the C++ device type, so they do not serve simulated tensors. The kernels here run
above autograd, like torch's, and do the same for the operators that inference and training use. They are registered
on a dispatch key that only builds with a driver for it use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from transfer_lint.tracing.machine import device_type
from transfer_lint.tracing.traits import replace

_KEY = "AutocastPrivateUse1"
_EXCLUDED = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)  # type: ignore[attr-defined]

_set_autocast_enabled = torch.set_autocast_enabled

LOWER = (  # noqa: SIM905
    "_convolution conv1d conv2d conv3d conv_transpose1d conv_transpose2d.input conv_transpose3d.input convolution "
    "prelu addmm addmv addr matmul mm mv linear addbmm baddbmm bmm chain_matmul linalg_multi_dot "
    "scaled_dot_product_attention"
).split()
"""Operators that run in the lower precision."""

FLOAT32 = (  # noqa: SIM905
    "acos asin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow.Tensor_Scalar "
    "pow.Tensor_Tensor pow.Scalar softplus layer_norm group_norm norm.Scalar nuclear_norm cosine_similarity "
    "poisson_nll_loss cosine_embedding_loss nll_loss hinge_embedding_loss kl_div l1_loss smooth_l1_loss huber_loss "
    "mse_loss margin_ranking_loss multilabel_margin_loss soft_margin_loss triplet_margin_loss multi_margin_loss "
    "binary_cross_entropy_with_logits dist pdist cdist renorm logsumexp"
).split()
"""Operators that run in float32."""

FLOAT32_UNLESS_ASKED = "prod softmax.int log_softmax.int cumprod cumsum sum sum.dim_IntList prod.dim_int".split()  # noqa: SIM905
"""Operators that run in float32 unless the call gives a dtype."""

WIDEST = "addcdiv addcmul atan2 bilinear cross dot grid_sampler index_put tensordot scatter_add cat stack".split()  # noqa: SIM905
"""Operators that run in the widest dtype among their operands."""


@cache
def register() -> tuple[torch.library.Library, ...]:
    """Register the kernels, once. They are called while `follow` says so.

    Returns the library objects. The registrations last as long as these objects exist.
    """
    rest = torch.library.Library("_", "IMPL", _KEY)  # type: ignore[no-untyped-call]
    assert rest.m is not None
    rest.m.fallback_fallthrough()
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    for names, pick in (
        (LOWER, _lower),
        (FLOAT32, _float32),
        (FLOAT32_UNLESS_ASKED, _float32_unless_asked),
        (WIDEST, _widest),
    ):
        for name in names:
            packet, _, overload = name.partition(".")
            operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
            library.impl(operator, _kernel(operator, pick), _KEY)  # type: ignore[no-untyped-call]
    return rest, library


def follow(*enabled: Any) -> None:
    """Replaces `torch.set_autocast_enabled`: the kernels are called while autocast is on for the device.

    It holds for the thread, as autocast does. enabled: what to set first; nothing to set no more than that.
    """
    if enabled:
        _set_autocast_enabled(*enabled)
    _set_autocast_enabled("privateuseone", torch.is_autocast_enabled(device_type()))


def _kernel(operator: Any, pick: Callable[[Any, Any], torch.dtype | None]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(_EXCLUDED):
            wanted = pick(args, kwargs)
            if wanted is None:
                return operator(*args, **kwargs)

            def cast(tensor: Tensor) -> Tensor:
                there = tensor.is_cuda or tensor.is_xpu
                fits = there and tensor.is_floating_point() and tensor.dtype not in (wanted, torch.float64)
                return tensor.to(wanted) if fits else tensor

            return operator(*replace(args, cast), **{name: replace(value, cast) for name, value in kwargs.items()})

    return run


def _lower(args: Any, kwargs: Any) -> torch.dtype | None:
    return torch.get_autocast_dtype(device_type())


def _float32(args: Any, kwargs: Any) -> torch.dtype | None:
    return torch.float32


def _float32_unless_asked(args: Any, kwargs: Any) -> torch.dtype | None:
    return None if kwargs.get("dtype") is not None else torch.float32


def _widest(args: Any, kwargs: Any) -> torch.dtype | None:
    dtypes: list[torch.dtype] = []
    replace((*args, *kwargs.values()), lambda tensor: dtypes.append(tensor.dtype))
    return torch.float32 if torch.float32 in dtypes else None
