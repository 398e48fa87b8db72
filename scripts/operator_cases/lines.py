"""Lines of code as programs write them, for a device: how tensors are made, moved, indexed and read, and attention.

PyTorch's operator database has none of these: `x.item()`, `x[mask] = 1`, `torch.tensor([1.0], device=d)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import torch

UNITS = ("lines", "attention")

_LINES = """
x.sum().item()
float(scalar)
int(count)
bool(scalar > 0)
count.__index__()
[1, 2, 3, 4][count]
x.tolist()
x.cpu()
x.to("cpu")
x.to(host)
x.to("cpu", non_blocking=True)
x.to("cpu", torch.float16)
x.to(torch.float16)
x.to(x.device)
x.cuda()
x.float()
x.type("torch.FloatTensor")
x.cpu().numpy()
x.numpy()
x.detach().cpu().tolist()
np.asarray(x)
host.to(d)
host.cuda()
host.to(d, non_blocking=True)
host.to(d, torch.float16)
host.to(d, torch.float16, non_blocking=True)
host.t().to(d)
host.to(x)
host.type_as(x)
host.type(x.type())
host_scalar.to(d)
pinned.to(d)
pinned.to(d, non_blocking=True)
pinned.to(d, torch.float16, non_blocking=True)
pinned.copy_(x)
pinned.copy_(x, non_blocking=True)
host.copy_(x)
host.copy_(x, non_blocking=True)
x.copy_(host)
x.copy_(host, non_blocking=True)
x.copy_(pinned, non_blocking=True)
x.copy_(y.t())
x.copy_(host_scalar)
x.fill_(scalar)
x.fill_(host_scalar)
x[0].copy_(host[0])
x.new_tensor([1.0, 2.0])
x.new_tensor(host)
x.new_zeros(3)
x.new_full((3,), 1.0)
torch.tensor(1.0, device=d)
torch.tensor([1.0, 2.0], device=d)
torch.tensor([], device=d)
torch.tensor([scalar, scalar], device=d)
torch.tensor([scalar, scalar])
torch.tensor(scalar)
torch.tensor(x)
torch.as_tensor([1.0, 2.0], device=d)
torch.as_tensor(x, device="cpu")
torch.as_tensor(np.ones(3), device=d)
torch.from_numpy(np.ones(3)).to(d)
torch.asarray([1.0], device=d)
torch.zeros(3, device=d)
torch.full((3,), 2.0, device=d)
torch.full((3,), scalar, device=d)
torch.arange(5, device=d)
torch.arange(count, device=d)
torch.arange(int(count), device=d)
torch.linspace(0, 1, 5, device=d)
torch.linspace(scalar, 2.0, 5, device=d)
torch.eye(3, device=d)
torch.randn(3, device=d)
torch.randperm(5, device=d)
torch.randperm(70000, device=d)
torch.randint(5, (3,), device=d)
torch.randint(count, (3,), device=d)
torch.rand(3, generator=torch.Generator("cuda").manual_seed(0), device=d)
torch.rand(3, generator=torch.Generator().manual_seed(0), device=d)
torch.randn(3, device="cpu").to(d)
torch.scalar_tensor(1.0, device=d)
torch.tril_indices(3, 3, device=d)
torch.combinations(v)
torch.cartesian_prod(v, v)
torch.meshgrid(v, v, indexing="ij")
torch.ones_like(x, device="cpu")
torch.zeros_like(host, device=d)
torch.empty(3, pin_memory=True)
x[0]
x[0, 1]
x[count]
x[host_count]
x[index]
x[host_index]
x[[0, 1]]
x[[0, 1], [1, 0]]
x[np.array([0, 1])]
x[:, index]
x[index, host_index]
x[mask]
x[host_mask]
x[mask[0]]
x[:, mask[0]]
x[x > 0.5]
x[count:]
x[: int(count)]
host[index]
host[mask]
host[host_index]
x[0] = 1
x[0, 0] = 1.0
x[0] = scalar
x[0] = host_scalar
x[0] = host[0]
x[index] = 1
x[index] = scalar
x[index] = host_scalar
x[index] = y[:3]
x[index] = host[:3]
x[host_index] = 1
x[host_index] = y[:3]
x[mask] = 1
x[mask] = 0.5
x[mask] = scalar
x[mask] = host_scalar
x[mask] = x[mask]
x[mask] += 1
x[host_mask] = 1
x[host_mask] = scalar
x[:, mask[0]] = 1
x[count] = 1
x[host_count] = 1
x[[0, 1]] = 2.0
x[:2] = torch.zeros(2, 4)
host[0] = x[0]
host[0] = scalar
host[host_index] = x[:3]
host[index] = 1
host[mask] = 1
x + scalar
x + host_scalar
x + host
x * np.float32(2)
host_scalar + scalar
host_scalar * x
x += host_scalar
x == host_scalar
host + scalar
host.add_(scalar)
x ** host_scalar
x // host_scalar
x % host_scalar
x > host_scalar
torch.add(x, host_scalar, alpha=2)
torch.atan2(x, host_scalar)
torch.maximum(x, host_scalar)
torch.where(mask, x, host_scalar)
torch.where(mask, host_scalar, host_scalar)
torch.where(mask, 1.0, 0.0)
torch.where(mask, x, 0.0)
torch.where(host_mask, x, x)
torch.where(mask, x, host)
torch.where(mask)
torch.where(host_mask, scalar, scalar)
torch.clamp(x, min=scalar)
torch.clamp(x, min=host_scalar)
torch.clamp(x, 0.0, 1.0)
torch.lerp(x, y, scalar)
torch.lerp(x, y, host_scalar)
torch.addcmul(x, y, y)
torch.addcmul(x, y, y, value=2)
torch.addcdiv(x, y, y, value=2)
torch.baddbmm(x[None], x[None], x[None], beta=0.5)
x.masked_fill(mask, 0.0)
x.masked_fill(mask, scalar)
x.masked_fill(mask, host_scalar)
x.masked_fill(host_mask, 0.0)
x.masked_fill_(mask, float("-inf"))
x.masked_scatter(mask, x)
x.masked_select(mask)
x.nonzero()
x.nonzero(as_tuple=True)
x.argwhere()
torch.nonzero_static(x, size=3)
x.count_nonzero()
x.index_select(0, index)
x.index_select(0, host_index)
x.index_fill(0, index, 1.0)
x.index_fill(0, index, scalar)
x.index_fill(0, index, host_scalar)
x.index_add(0, index, y[:3])
x.index_copy(0, index, x[:3])
x.index_put((index,), scalar)
x.index_put((index,), host_scalar)
x.index_put((host_index,), x[:3])
x.index_put((index,), x[:3], accumulate=True)
x.gather(0, index[None])
x.scatter(0, index[None], 1.0)
x.scatter(0, index[None], x)
x.scatter_add(0, index[None], x)
x.scatter_reduce(0, index[None], x, "amax")
x.take(index)
x.take(host_index)
x.put(index, v[:3])
x.unique()
x.unique(return_inverse=True)
x.unique(dim=0)
x.unique_consecutive()
torch.bincount(index)
torch.bincount(index, minlength=8)
torch.histc(x)
torch.histc(x, min=0, max=1)
torch.histogram(x, 4)
v.repeat_interleave(2)
index.repeat_interleave(index)
index.repeat_interleave(index, output_size=5)
torch.repeat_interleave(v, 2, dim=0)
torch.repeat_interleave(v[:3], host_index, dim=0)
torch.multinomial(v, 2)
torch.multinomial(v, 1)
torch.multinomial(v, 2, replacement=True)
torch.bernoulli(v / 10)
torch.bernoulli(host / 2).to(d)
torch.normal(v, v)
torch.normal(0.0, v)
torch.poisson(v)
torch.equal(x, y)
torch.allclose(x, y)
torch.isclose(x, y)
torch.any(mask)
bool(mask.any())
x.max()
x.max(0)
x.argmax()
x.sort()
x.topk(2)
x.median()
x.mode()
x.kthvalue(2)
x.quantile(0.5)
x.quantile(torch.tensor(0.5))
x.std()
x.cumsum(0)
x.histc(4)
x.diff()
torch.searchsorted(v, x)
torch.bucketize(x, v)
torch.isin(index, index)
torch.isin(index, 2)
torch.split(x, 2)
torch.split(x, [1, 3])
torch.tensor_split(x, 2)
torch.tensor_split(x, host_index)
torch.tensor_split(x, index)
torch.chunk(x, 2)
torch.cat([x, host])
torch.cat([x, y])
torch.stack([scalar, host_scalar])
torch.stack([x, y])
torch.block_diag(x, y)
torch.einsum("ij,jk->ik", x, y)
torch.einsum("ij,jk->ik", x, host)
x @ host
x @ y
torch.dot(v, v)
torch.outer(v, v)
torch.bmm(x[None], host[None])
torch.addmm(host_scalar, x, y)
torch.cdist(x, y)
torch.trapezoid(v)
torch.cross(x[:, :3], y[:, :3])
torch.fft.fft(x)
torch.fft.fftfreq(4, device=d)
torch.stft(v.repeat(8), 8, window=torch.hann_window(8, device=d), return_complex=True)
torch.stft(v.repeat(8), 8, window=torch.hann_window(8), return_complex=True)
torch.linalg.inv(square)
torch.linalg.inv_ex(square)
torch.linalg.solve(square, x)
torch.linalg.solve(square, host)
torch.linalg.det(square)
torch.linalg.slogdet(square)
torch.linalg.cholesky(square)
torch.linalg.cholesky_ex(square)
torch.linalg.qr(x)
torch.linalg.svd(x)
torch.linalg.svdvals(x)
torch.linalg.eigh(square)
torch.linalg.eigvalsh(square)
torch.linalg.eig(x)
torch.linalg.lstsq(x, y)
torch.linalg.lu(x)
torch.linalg.lu_factor(x)
torch.linalg.norm(x)
torch.linalg.matrix_rank(x)
torch.linalg.pinv(x)
torch.linalg.matrix_exp(x)
torch.linalg.matrix_power(x, 3)
torch.linalg.matrix_power(x, -1)
torch.inverse(square)
torch.cholesky_inverse(square)
torch.lobpcg(square @ square, 1)
torch.det(square)
torch.lu(x)
torch.geqrf(x)
torch.triangular_solve(x, y)
torch.corrcoef(x)
x.to_sparse()
x.to_sparse().coalesce()
x.to_sparse().to_dense()
x.to_sparse_csr()
torch.sparse_coo_tensor(index[None], v[:3], (8,), device=d)
torch.sparse_coo_tensor(index[None], v[:3])
torch.sparse_coo_tensor(torch.zeros(1, 2, dtype=torch.long), torch.ones(2), (4,), device=d)
torch.sparse_coo_tensor(host_index[None], v[:3], (8,))
torch.sparse.mm(x.to_sparse(), y)
print(x, file=nowhere)
repr(x)
str(scalar)
f"{scalar:.2f}"
f"{scalar}"
"{}".format(scalar)
scalar.item() + scalar.item()
[each for each in v]
[float(each) for each in v]
list(v)
len(x)
x.shape
sum(v)
max(v)
sorted(v)
range(count)
1.0 in v
scalar in v
v.unbind()
if_positive(scalar)
assert_positive(scalar)
round(scalar)
abs(scalar)
math.sqrt(scalar)
np.sqrt(host_scalar)
complex(scalar)
scalar.is_nonzero()
torch.is_nonzero(scalar)
torch.isfinite(x).all()
bool(torch.isfinite(x).all())
torch._assert_async(mask.any())
copy.copy(x)
copy.deepcopy(x)
copy.deepcopy(linear)
pickle.dumps(x)
hash(x)
x.storage().device
x.untyped_storage()[0]
x.data_ptr()
x.is_pinned()
x.pin_memory()
x.share_memory_()
x.record_stream(torch.cuda.current_stream())
x.data = y
linear.to("cpu")
linear.to("cpu").to(d)
linear.half()
nn.Linear(4, 4).to(d)
nn.Linear(4, 4, device=d)
linear(x)
linear(host)
nn.Linear(4, 4)(x)
linear.load_state_dict(nn.Linear(4, 4).state_dict())
linear.state_dict()
linear.weight.data = torch.zeros(4, 4)
linear.weight.data.copy_(torch.zeros(4, 4))
nn.Embedding(8, 4, device=d)(index)
nn.Embedding(8, 4, device=d)(host_index)
nn.Embedding(8, 4, padding_idx=0, max_norm=1.0, device=d)(index)
nn.EmbeddingBag(8, 4, device=d)(index[None])
nn.Dropout()(x)
nn.BatchNorm1d(4, device=d)(x)
nn.LayerNorm(4, device=d)(x)
nn.LayerNorm(4)(x)
nn.GroupNorm(2, 4, device=d)(x)
nn.MultiheadAttention(4, 2, device=d)(x[None], x[None], x[None])
nn.TransformerEncoderLayer(4, 2, 8, device=d, batch_first=True)(x[None])
nn.LSTM(4, 4, device=d)(x[None])
nn.LSTM(4, 4, device=d)(nn.utils.rnn.pack_padded_sequence(x[:, None], torch.tensor([3])))
nn.utils.rnn.pack_padded_sequence(x[:, None], [3])
nn.utils.rnn.pack_padded_sequence(x[:, None], count[None])
nn.utils.rnn.pad_sequence([v, v[:3]])
nn.utils.rnn.pad_packed_sequence(nn.utils.rnn.pack_padded_sequence(x[:, None], [3]))
nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
nn.utils.clip_grad_norm_(trained.parameters(), 1.0, error_if_nonfinite=True)
nn.utils.clip_grad_value_(trained.parameters(), 1.0)
nn.utils.parameters_to_vector(linear.parameters())
F.one_hot(index)
F.one_hot(index, 8)
F.cross_entropy(x, target)
F.cross_entropy(x, host_target)
F.cross_entropy(x, target, weight=v[:4])
F.cross_entropy(x, target, weight=torch.ones(4))
F.cross_entropy(x, target, label_smoothing=0.1)
F.nll_loss(x, target)
F.mse_loss(x, host)
F.binary_cross_entropy(x / 2, y / 2)
F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(2.0))
F.ctc_loss(probabilities, target[None, :2] + 1, torch.tensor([5]), torch.tensor([2]))
F.ctc_loss(probabilities, target[None, :2] + 1, torch.tensor([5], device=d), torch.tensor([2], device=d))
F.kl_div(x, y)
F.cosine_similarity(x, y)
F.softmax(x, 0)
F.gumbel_softmax(x)
F.pad(x, (1, 1))
F.interpolate(x[None, None], scale_factor=2)
F.interpolate(x[None, None], size=(8, 8), mode="bilinear")
F.interpolate(x[None, None], size=(8, 8), mode="bicubic", antialias=True)
F.grid_sample(x[None, None], x[None, :, :2, None].expand(1, 4, 2, 2))
F.affine_grid(x[None, :2, :3], (1, 1, 4, 4))
F.conv2d(x[None, None], x[None, None, :2, :2])
F.conv2d(host[None, None], x[None, None, :2, :2])
F.conv2d(x[None, None], host[None, None, :2, :2])
F.max_pool2d(x[None, None], 2)
F.adaptive_avg_pool2d(x[None, None], 2)
F.unfold(x[None, None], 2)
F.embedding(host_index, x)
F.linear(x, host)
F.normalize(x)
F.dropout(x)
(x * 2).requires_grad_().sum().backward()
trained(x).sum().backward()
loss(trained, x)
torch.autograd.grad(trained(x).sum(), trained.parameters())
optimizer.step()
optimizer.zero_grad()
scaler_step(trained, x)
autocast_step(trained, x)
autocast_step(trained, host)
torch.cuda.synchronize()
torch.cuda.current_stream().synchronize()
torch.cuda.Event().record()
event_pair()
torch.cuda.empty_cache()
torch.cuda.memory_allocated()
torch.cuda.manual_seed(0)
torch.cuda.get_rng_state()
torch.get_rng_state()
torch.manual_seed(0)
torch.cuda.is_available()
torch.cuda.current_device()
torch.save(x, io.BytesIO())
torch.save(linear.state_dict(), io.BytesIO())
saved_and_loaded(x)
saved_and_loaded(x, map_location="cpu")
saved_and_loaded(host, map_location=d)
checkpoint(trained, x, use_reentrant=False)
checkpoint(trained, x.requires_grad_(), use_reentrant=True).sum().backward()
torch.distributions.Normal(v, v + 1).sample()
torch.distributions.Normal(v, v + 1, validate_args=False).sample()
torch.distributions.Categorical(v).sample()
torch.distributions.Categorical(logits=v).log_prob(count)
torch.distributions.Bernoulli(v / 10).sample()
torch.distributions.MultivariateNormal(v[:4], square).sample()
torch.vmap(torch.sin)(x)
torch.func.grad(lambda a: a.sum())(x)
torch.func.functional_call(linear, dict(linear.named_parameters()), (x,))
torch.autograd.functional.jacobian(torch.sin, v)
torch.testing.assert_close(x, y)
torch._foreach_add([x, y], 1.0)
torch._foreach_mul([x, y], scalar)
torch._foreach_mul([x, y], host_scalar)
torch._foreach_add([x, host], 1.0)
torch._foreach_norm([x, y])
torch._foreach_copy_([x, y], [host, host])
torch.nested.nested_tensor([v, v[:3]])
torch.nan_to_num(x)
torch.vander(v)
torch.tensordot(x, y, dims=1)
torch.kron(x, y)
torch.triu(x)
torch.flip(x, [0])
torch.roll(x, 1)
torch.gradient(v)
torch.polar(v, v)
torch.complex(v, v)
torch.view_as_real(torch.complex(v, v))
torch.nn.init.xavier_uniform_(x)
torch.nn.init.trunc_normal_(x)
torch.nn.init.orthogonal_(x)
torch.random.fork_rng().__enter__()
torch.ops.aten._local_scalar_dense(scalar)
torch.ops.aten.nonzero(x)
"""


def _names() -> dict[str, Any]:
    """What the lines use, made anew."""
    import copy
    import io
    import math
    import pickle

    import numpy
    from torch import nn
    from torch.nn import functional
    from torch.utils.checkpoint import checkpoint

    device = torch.device("cuda:0")
    torch.manual_seed(7)
    host = torch.rand(4, 4) + 0.1
    host_v = torch.arange(1.0, 9.0)
    host_index = torch.tensor([0, 2, 3])
    host_target = torch.tensor([0, 1, 2, 3])
    linear, trained = nn.Linear(4, 4).to(device), nn.Linear(4, 4).to(device)
    trained(host.to(device)).sum().backward()

    def if_positive(value: Any) -> int:
        return 1 if value > 0 else 0

    def assert_positive(value: Any) -> None:
        assert value > 0

    def loss(model: Any, data: Any) -> float:
        return float(model(data).pow(2).mean().item())

    def scaler_step(model: Any, data: Any) -> None:
        scaler = torch.amp.GradScaler("cuda")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler.scale(model(data).sum()).backward()
        scaler.step(optimizer)
        scaler.update()

    def autocast_step(model: Any, data: Any) -> Any:
        with torch.autocast("cuda"):
            return model(data)

    def event_pair() -> float:
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)

    def saved_and_loaded(value: Any, **more: Any) -> Any:
        stream = io.BytesIO()
        torch.save(value, stream)
        stream.seek(0)
        return torch.load(stream, **more)

    return {
        "torch": torch,
        "nn": nn,
        "F": functional,
        "np": numpy,
        "math": math,
        "copy": copy,
        "io": io,
        "pickle": pickle,
        "checkpoint": checkpoint,
        "nowhere": io.StringIO(),
        "d": device,
        "host": host,
        "host_scalar": torch.tensor(2.0),
        "host_count": torch.tensor(3),
        "host_index": host_index,
        "host_mask": host > 0.5,
        "host_target": host_target,
        "pinned": (host * 1).pin_memory(),
        "x": host.to(device),
        "y": host.to(device),
        "v": host_v.to(device),
        "mask": (host > 0.5).to(device),
        "index": host_index.to(device),
        "scalar": torch.tensor(2.0).to(device),
        "count": torch.tensor(3).to(device),
        "square": (host @ host.t() + torch.eye(4)).to(device),
        "target": host_target.to(device),
        "probabilities": torch.randn(5, 1, 6).log_softmax(2).to(device),
        "linear": linear,
        "trained": trained,
        "optimizer": torch.optim.Adam(trained.parameters()),
        "if_positive": if_positive,
        "assert_positive": assert_positive,
        "loss": loss,
        "event_pair": event_pair,
        "scaler_step": scaler_step,
        "autocast_step": autocast_step,
        "saved_and_loaded": saved_and_loaded,
    }


def _line(text: str) -> Callable[[], Any]:
    """A line with fresh names: what is returned runs it."""
    names = _names()
    try:
        code = compile(text, "line", "eval")
    except SyntaxError:
        code = compile(text, "line", "exec")
    return lambda: eval(code, names)


def _attention(
    dtype: torch.dtype, mask: str, grad: bool, layout: str, causal: bool, channels: int, length: int
) -> Callable[[], Any]:
    """A call of fused attention. layout: "heads first", or "split" for heads that were split from the channels."""
    torch.manual_seed(7)

    def operand() -> torch.Tensor:
        if layout == "heads first":
            made = torch.randn(2, 3, length, channels)
        elif layout == "split":
            made = torch.randn(2, length, 3, channels).transpose(1, 2)
        else:
            made = torch.randn(2, 3, length, channels)[:, :1].expand(-1, 3, -1, -1)
        return made.to("cuda", dtype).requires_grad_(grad)

    query, key, value = operand(), operand(), operand()
    given: torch.Tensor | None = None
    if mask != "none":
        given = torch.rand(length, length) > 0.2
        given = given if mask.startswith("bool") else given.to(dtype)
        given = given.expand(2, 3, length, length) if mask.endswith("expanded") else given
        given = given if mask.endswith("host") else given.to("cuda")

    def call() -> Any:
        result = torch.nn.functional.scaled_dot_product_attention(query, key, value, given, is_causal=causal)
        return (result, torch.autograd.grad(result.sum(), (query, key, value))) if grad else result

    return call


def cases(unit: str) -> Iterator[tuple[str, Callable[[], Callable[[], Any]]]]:
    """(name, function that prepares it and returns what is to be observed) of all cases of a unit."""
    if unit == "lines":
        for text in filter(None, _LINES.splitlines()):
            yield text, partial(_line, text)
        return
    masks = ("none", "bool", "float", "bool expanded", "float host", "bool host")
    layouts = ("heads first", "split", "one head for all")
    dtypes = (torch.float32, torch.float16, torch.bfloat16)
    for dtype, mask, grad, layout, (channels, length) in product(
        dtypes, masks, (False, True), layouts, ((64, 16), (40, 7), (6, 5), (320, 16))
    ):
        for causal in (False, True) if mask == "none" else (False,):
            words = f"{str(dtype)[6:]}, mask {mask}, {'grad, ' if grad else ''}{layout}, {length} x {channels}"
            yield words + ", causal" * causal, partial(_attention, dtype, mask, grad, layout, causal, channels, length)
