"""Entries that were looked at by hand, the traps among them."""

from __future__ import annotations

import pytest

from transfer_lint.flow.knowledge import Knowledge, KnowledgeError, Names, default_knowledge

KNOWN = default_knowledge()


@pytest.mark.parametrize(
    ("table", "inside", "outside"),
    [
        pytest.param(
            "tensor_same", "view sum add_ max gather copy_", "to cpu cuda type type_as item new_zeros", id="same"
        ),
        pytest.param(
            "tensor_own_device", "sum expand_as view matmul", "add masked_fill type_as where", id="own device"
        ),
        pytest.param(
            "tensor_own_dtype", "view gather masked_fill amax", "sum div add clamp exp argmax", id="own dtype"
        ),
        pytest.param("tensor_keeps_dtype", "maximum where", "add div eq sub", id="keeps dtype"),
        pytest.param("tensor_autocast", "matmul bmm softmax", "view relu amax", id="autocast"),
        pytest.param("tensor_n_dim", "add exp unsqueeze", "sum squeeze view select matmul gather", id="n-dim"),
        pytest.param("tensor_itself", "add_ copy_ requires_grad_", "contiguous resolve_conj add detach", id="itself"),
        pytest.param("tensor_views", "view detach reshape contiguous", "clone add sum", id="views"),
        pytest.param("tensor_changes", "add_ copy_ zero_ squeeze_", "add requires_grad_ detach_", id="changes"),
        pytest.param("tensor_reads", "item tolist numpy nonzero equal", "size data_ptr sum is_contiguous", id="reads"),
        pytest.param("tensor_attributes", "T mT data grad", "shape device dtype real imag", id="attributes"),
        pytest.param("tensor_host", "item shape size is_cuda tolist", "sum T device dtype type storage", id="host"),
        pytest.param("tensor_tuples", "chunk split topk sort unbind", "max min sum unique nonzero", id="tuples"),
        pytest.param("tensor_factories", "new_zeros new_tensor new_full", "zero_ clone new type_as", id="new"),
        pytest.param(
            "combine",
            "torch.where torch.cat torch.max torch.nn.functional.embedding torch.linalg.norm torch.fft.fft",
            "torch.tensor torch.zeros_like torch.broadcast_tensors torch.split torch.zeros torch.equal",
            id="combine",
        ),
        pytest.param(
            "take_sequences", "torch.cat torch.pow torch.einsum", "torch.where torch.sum", id="take sequences"
        ),
        pytest.param(
            "tuples",
            "torch.split torch.topk torch.linalg.svd",
            "torch.broadcast_tensors torch.max torch.meshgrid",
            id="tuples of the first",
        ),
        pytest.param(
            "function_own_device",
            "torch.sum torch.nn.functional.interpolate",
            "torch.add torch.where torch.cat",
            id="functions: own device",
        ),
        pytest.param(
            "exact_factories",
            "torch.zeros torch.full torch.eye torch.tensor",
            "torch.linspace torch.rand torch.arange torch.as_tensor torch.zeros_like",
            id="exact factories",
        ),
        pytest.param(
            "exact_in_any_dtype", "torch.zeros torch.ones torch.empty", "torch.full torch.tensor", id="any dtype"
        ),
        pytest.param(
            "inexact_factories",
            "torch.arange torch.linspace torch.logspace torch.hann_window",
            "torch.zeros torch.full torch.rand",
            id="inexact factories",
        ),
        pytest.param("exact_if_whole", "torch.arange", "torch.linspace", id="whole numbers"),
        pytest.param(
            "random_factories", "torch.rand torch.randn torch.randperm", "torch.zeros torch.normal", id="random"
        ),
        pytest.param("like_factories", "torch.zeros_like torch.rand_like", "torch.zeros torch.clone", id="like"),
        pytest.param(
            "from_values", "torch.tensor torch.as_tensor torch.asarray", "torch.full torch.from_numpy", id="values"
        ),
        pytest.param(
            "host_tensors", "torch.from_numpy torch.frombuffer", "torch.as_tensor torch.tensor", id="host memory"
        ),
        pytest.param(
            "layers_weights", "Linear Embedding Conv2d PReLU", "LayerNorm ReLU LSTM MultiheadAttention", id="weights"
        ),
        pytest.param("layers_norm", "LayerNorm BatchNorm2d GroupNorm", "Linear Dropout", id="norm"),
        pytest.param(
            "layers_like", "ReLU Softmax Dropout Identity MaxPool2d", "MSELoss Linear Embedding", id="like layers"
        ),
        pytest.param("layers_like_device", "MSELoss CrossEntropyLoss", "ReLU CTCLoss", id="losses"),
        pytest.param("layers_containers", "ModuleList ModuleDict", "Sequential Linear", id="containers"),
    ],
)
def test_table(table: str, inside: str, outside: str) -> None:
    names: Names = getattr(KNOWN, table)
    assert [name for name in inside.split() if name not in names] == []
    assert [name for name in outside.split() if name in names] == []


def test_only_casts_are_casts() -> None:
    assert KNOWN.tensor_casts["half"] == "torch.float16"
    assert KNOWN.tensor_casts["long"] == "torch.int64"
    assert not KNOWN.tensor_casts.keys() & {"isnan", "logical_not", "argmax", "to", "type", "real", "ceil", "view"}


@pytest.mark.parametrize(
    ("method", "arguments", "known"),
    [
        pytest.param("max", [], True, id="max: a tensor"),
        pytest.param("max", ["dim"], False, id="max(dim=): a tuple"),
        pytest.param("max", ["axis"], False, id="max(axis=): a tuple"),
        pytest.param("max", ["0"], False, id="max(y) or max(1)"),
        pytest.param("max", ["**"], False, id="max(**kwargs)"),
        pytest.param("amax", ["0"], True, id="amax(1)"),
        pytest.param("unique", ["sorted"], True, id="unique(sorted=)"),
        pytest.param("unique", ["return_counts"], False, id="unique(return_counts=)"),
        pytest.param("nonzero", ["as_tuple"], False, id="nonzero(as_tuple=)"),
    ],
)
def test_methods_that_hang_on_their_arguments(method: str, arguments: list[str], known: bool) -> None:
    assert (KNOWN.method(method, arguments) is not None) is known


@pytest.mark.parametrize(
    ("function", "arguments", "known"),
    [
        pytest.param("torch.where", ["0", "1", "2"], True, id="where with values"),
        pytest.param("torch.where", ["0"], False, id="where alone: a tuple"),
        pytest.param("torch.min", ["0", "1"], False, id="min with dim"),
        pytest.param("torch.nn.functional.max_pool2d", ["0", "1", "stride"], True, id="pool"),
        pytest.param("torch.nn.functional.max_pool2d", ["0", "1", "return_indices"], False, id="pool with indices"),
        pytest.param("torch.nn.functional.max_pool2d", [str(n) for n in range(7)], False, id="the same by position"),
    ],
)
def test_functions_that_hang_on_their_arguments(function: str, arguments: list[str], known: bool) -> None:
    assert (KNOWN.function(function, arguments) is not None) is known


@pytest.mark.parametrize(
    ("name", "arguments", "usual"),
    [
        pytest.param("torch.nn.MaxPool2d", ["0"], True, id="pool"),
        pytest.param("torch.nn.MaxPool2d", ["0", "return_indices"], False, id="pool with indices"),
        pytest.param("torch.nn.Linear", ["0", "1", "bias"], True, id="linear"),
        pytest.param("lightning.MaxPool2d", ["return_indices"], True, id="no layer of torch"),
    ],
)
def test_layers_that_hang_on_their_arguments(name: str, arguments: list[str], usual: bool) -> None:
    assert KNOWN.is_usual_layer(name, arguments) is usual


def test_where_a_dtype_may_stand() -> None:
    view, softmax = KNOWN.method("view", ["0"]), KNOWN.method("softmax", ["0"])
    assert view is not None
    assert view.dtype_arguments == {"0", "dtype"}
    assert softmax is not None
    assert softmax.dtype_arguments == {"1", "dtype"}


def test_names_as_a_list_or_as_a_string() -> None:
    listed = Knowledge().extended({"tensor": {"same": ["a", "b"]}})
    assert Knowledge().extended({"tensor": {"same": "a b"}}) == listed


def test_arguments_are_added_to_what_is_known() -> None:
    mine = KNOWN.extended({"functions": {"unless": {"mine.largest": ["1", "dim"]}}})
    assert mine.function("mine.largest", ["0"]) is not None
    assert mine.function("mine.largest", ["0", "dim"]) is None
    assert mine.function("torch.max", ["0", "dim"]) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        pytest.param({"functions": {"unless": ["torch.max"]}}, "functions.unless", id="no table"),
        pytest.param({"functions": {"unless": {"torch.max": 1}}}, "functions.unless.torch.max", id="no names"),
        pytest.param({"tensor": {"same": 1}}, "tensor.same", id="no list"),
        pytest.param({"tensor": {"some": ["a"]}}, "did you mean tensor.same", id="no such table"),
    ],
)
def test_what_is_of_another_form_is_named(table: dict[str, object], said: str) -> None:
    with pytest.raises(KnowledgeError, match=said):
        Knowledge().extended(table)


def test_names_under_a_key_are_added() -> None:
    known = KNOWN.extended({"functions": {"explicit_waits": {"work": ["mylib.wait"], "other": ["a.b"]}}})
    assert "mylib.wait" in known.explicit_waits["work"]
    assert "torch.cuda.synchronize" in known.explicit_waits["work"]
    assert "a.b" in known.explicit_waits["other"]
