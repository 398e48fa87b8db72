"""What a card has no kernel for is refused, with torch's words; what the host has none for is its own affair."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from transfer_lint.tracing.simulate import simulate

# expression on whole numbers: class and words of the error on a card
REFUSED = {
    "n @ n": (NotImplementedError, "\"addmm_cuda\" not implemented for 'Long'"),
    "n[0] @ n[0]": (NotImplementedError, "\"dot\" not implemented for 'Long'"),
    "n.int() @ n.int()": (NotImplementedError, "\"addmm_cuda\" not implemented for 'Int'"),
    "torch.bmm(n[None], n[None])": (NotImplementedError, "\"baddbmm_cuda\" not implemented for 'Long'"),
    "torch.addmm(n, n, n)": (NotImplementedError, "\"addmm_cuda\" not implemented for 'Long'"),
    "nn.functional.conv2d(n[None, None], n[None, None])": (RuntimeError, "not supported for Long"),
    "nn.functional.max_pool2d(n[None], 2)": (NotImplementedError, "max_pool2d_with_indices_out_cuda_frame"),
    "torch.histogram(n.float(), 3)": (
        NotImplementedError,
        "Could not run 'aten::histogram.bin_ct' with arguments from the 'CUDA' backend",
    ),
    "torch.linalg.lstsq(n.float(), n.float(), driver='gelsd')": (RuntimeError, "not supported on CUDA"),
    "torch.addcmul(torch.tensor(1.0), n.float(), n.float())": (
        RuntimeError,
        "CPU Scalar support for self argument|same device",
    ),
    "torch.lerp(torch.tensor(1.0), n.float(), 0.5)": (RuntimeError, "expected a CUDA device but found cpu|same device"),
    "nn.utils.rnn.pack_padded_sequence(n[:, None], n[:1, 0])": (RuntimeError, "should be a 1D CPU int64 tensor"),
    "torch.sum(n.float(), 0, out=torch.empty(3))": (
        RuntimeError,
        "same device|Expected out tensor to have device cuda:0",
    ),
    "nn.functional.conv2d(n.float().cpu()[None, None], n.float()[None, None])": (
        RuntimeError,
        "wrapper_CUDA___slow_conv2d_forward|should be the same",
    ),
    "nn.functional.conv2d(n.float()[None, None], torch.tensor(1.0))": (RuntimeError, "at least three dimensions"),
    "torch.cumsum(n, 0, out=torch.empty(3, 3).long())": (RuntimeError, "Expected out tensor to have device cuda:0"),
}
TAKEN = ["n + n", "n.float() @ n.float()", "torch.mm(n[:0], n)", "n.cpu() @ n.cpu()", "torch.rsub(torch.tensor(2), n)"]


@pytest.mark.parametrize(("expression", "expected"), REFUSED.items(), ids=REFUSED)
def test_refused(expression: str, expected: tuple[type[Exception], str]) -> None:
    with simulate():
        n = torch.arange(1, 10, device="cuda").reshape(3, 3)
        with pytest.raises(expected[0], match=expected[1]):
            eval(expression, {"torch": torch, "nn": nn, "n": n})


@pytest.mark.parametrize("expression", TAKEN)
def test_taken(expression: str) -> None:
    with simulate():
        n = torch.arange(1, 10, device="cuda").reshape(3, 3)
        eval(expression, {"torch": torch, "nn": nn, "n": n})


def test_another_kind_of_card_is_not_known() -> None:
    with simulate("xpu"):
        n = torch.arange(1, 10, device="xpu").reshape(3, 3)
        assert (n @ n).tolist() == (n.cpu() @ n.cpu()).tolist()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_layer_has_no_gradients_in_evaluation(kind: type[nn.Module]) -> None:
    with simulate():
        layer, data = kind(4, 4).cuda(), torch.ones(3, 2, 4, device="cuda", requires_grad=True)  # type: ignore[call-arg]
        layer(data)[0].sum().backward()
        layer.eval()
        result = layer(data)[0]
        with pytest.raises(RuntimeError, match="cudnn RNN backward can only be called in training mode"):
            result.sum().backward()


def test_what_was_refused_for_its_shape_is_not_taken_for_good() -> None:
    with simulate():
        device, host = torch.ones(5, 5, device="cuda"), torch.ones(5, 5)
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            device[:, :1].div_(host)
        with pytest.raises(RuntimeError, match="same device"):
            device.div_(host)
