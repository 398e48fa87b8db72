"""Checkpoints: both forms give the same model, and what is no InstantID model is said so."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

Flat = dict[str, torch.Tensor]


def nested(flat: Flat) -> dict[str, Flat]:
    sections: dict[str, Flat] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in flat.items():
        section, _, inner = name.partition(".")
        sections[section][inner] = tensor
    return sections


@pytest.fixture
def flat(instantid: Any) -> Flat:
    return {name: tensor.clone() for name, tensor in instantid.state_dict().items()}


def load(pack: Any, name: str) -> Any:
    return pack.NODE_CLASS_MAPPINGS["InstantIDModelLoader"]().load_model(name)[0]


@pytest.mark.parametrize("form", ["bin", "flat.bin", "safetensors"])
def test_every_form_gives_the_same_model(pack: Any, tmp_path: Path, instantid: Any, flat: Flat, form: str) -> None:
    path = tmp_path / f"model.{form}"
    if form == "bin":
        torch.save(nested(flat), path)
    elif form == "flat.bin":
        torch.save(flat, path)
    else:
        save_file(flat, path)
    before = torch.get_rng_state()
    loaded = load(pack, path.name)
    assert type(loaded) is pack.model.InstantID
    assert list(loaded.state_dict()) == list(instantid.state_dict())
    assert all(torch.equal(tensor, flat[name]) for name, tensor in loaded.state_dict().items())
    assert all(tensor.device.type == "cpu" for tensor in loaded.state_dict().values())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert torch.equal(torch.get_rng_state(), before), "loading a model drew random numbers"


def test_dtype_is_the_checkpoints(pack: Any, tmp_path: Path, flat: Flat) -> None:
    save_file({name: tensor.half() for name, tensor in flat.items()}, tmp_path / "half.safetensors")
    assert {parameter.dtype for parameter in load(pack, "half.safetensors").parameters()} == {torch.float16}


def test_loader_lists_what_is_there(pack: Any, tmp_path: Path) -> None:
    for name in ("b.safetensors", "a.bin", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.bin").touch()
    sockets = pack.NODE_CLASS_MAPPINGS["InstantIDModelLoader"].INPUT_TYPES()
    assert sockets["required"]["instantid_file"][0] == ["a.bin", "b.safetensors", str(Path("sub", "c.bin"))]


def without(name: str) -> Callable[[Flat], Any]:
    return lambda flat: nested({key: value for key, value in flat.items() if key != name})


def reshaped(name: str, *shape: int) -> Callable[[Flat], Any]:
    return lambda flat: nested({**flat, name: torch.zeros(*shape)})


def half_a_head(flat: Flat) -> Any:
    narrow = {name: tensor[:32] for name, tensor in flat.items() if name.endswith(".to_q.weight")}
    return nested({**flat, **narrow})


def sixteen_layers(flat: Flat) -> Any:
    return nested({n: t for n, t in flat.items() if n.startswith("image_proj") or int(n.split(".")[1]) < 32})


@pytest.mark.parametrize(
    ("damage", "trouble"),
    [
        pytest.param(lambda flat: {"state_dict": flat}, "has no image_proj", id="another kind of model"),
        pytest.param(lambda flat: {"ip_adapter": nested(flat)["ip_adapter"]}, "has no image_proj", id="no resampler"),
        pytest.param(lambda flat: {"image_proj": nested(flat)["image_proj"]}, "has no ip_adapter", id="no projections"),
        pytest.param(lambda flat: list(flat), "holds a list instead of named tensors", id="a list"),
        pytest.param(lambda flat: {**nested(flat), "epoch": 3}, "epoch: not a tensor", id="a number"),
        pytest.param(without("image_proj.latents"), "image_proj.latents is missing", id="no latents"),
        pytest.param(without("image_proj.norm_out.bias"), "image_proj.norm_out.bias: missing", id="no bias"),
        pytest.param(without("ip_adapter.7.to_v_ip.weight"), "ip_adapter.7.to_v_ip.weight: missing", id="no values"),
        pytest.param(without("ip_adapter.7.to_k_ip.weight"), "ip_adapter.7.to_k_ip.weight is missing", id="no keys"),
        pytest.param(sixteen_layers, "made for 16 cross-attention layers, SDXL has 70", id="another UNet's"),
        pytest.param(
            lambda flat: nested({**flat, "image_proj.extra": torch.zeros(1)}), "image_proj.extra: unknown", id="surplus"
        ),
        pytest.param(
            reshaped("image_proj.norm_out.weight", 7),
            r"image_proj.norm_out.weight has shape \[7\] instead of \[48\]",
            id="shape",
        ),
        pytest.param(reshaped("image_proj.latents", 128), "unexpected number of dimensions", id="latents of rank 1"),
        pytest.param(half_a_head, "32 attention channels do not make heads of 64", id="half a head"),
    ],
)
def test_bad_checkpoint_is_said_so(
    pack: Any, tmp_path: Path, flat: Flat, damage: Callable[[Flat], Any], trouble: str
) -> None:
    torch.save(damage(flat), tmp_path / "bad.bin")
    with pytest.raises(pack.checkpoint.CheckpointError, match=trouble) as caught:
        load(pack, "bad.bin")
    assert str(tmp_path / "bad.bin") in str(caught.value)
    assert "choose another file" in str(caught.value)


@pytest.mark.parametrize("name", ["noise.bin", "noise.safetensors", "empty.bin", "empty.safetensors"])
def test_unreadable_file_is_said_so(pack: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"\x00\xff no model here" * 50)
    with pytest.raises(pack.checkpoint.CheckpointError, match="cannot be read"):
        load(pack, name)


def test_pickled_code_is_not_run(pack: Any, tmp_path: Path) -> None:
    torch.save({"image_proj": print, "ip_adapter": {}}, tmp_path / "evil.bin")
    with pytest.raises(pack.checkpoint.CheckpointError, match="something else than tensors") as caught:
        load(pack, "evil.bin")
    told = "".join(traceback.format_exception(caught.value))
    assert "weights_only" not in told, "torch's advice to let the file run code reached the user"
    assert "\x1b" not in told


def test_readers_word_is_one_plain_line(pack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: Any, **__: Any) -> None:
        raise RuntimeError("\x1b[31mno room\x1b[0m on the disk\nand a page of advice")

    (tmp_path / "a.bin").touch()
    monkeypatch.setattr(pack.host.comfy.utils, "load_torch_file", read)
    with pytest.raises(pack.checkpoint.CheckpointError, match=r"cannot be read \(RuntimeError: no room on the disk\)"):
        load(pack, "a.bin")


def test_file_that_is_gone_is_said_so(pack: Any) -> None:
    with pytest.raises(pack.checkpoint.CheckpointError, match=r"gone\.bin: no such file"):
        load(pack, "gone.bin")


def test_many_troubles_are_counted(pack: Any, tmp_path: Path, flat: Flat) -> None:
    torch.save(nested({n: t for n, t in flat.items() if not n.endswith("to_v_ip.weight")}), tmp_path / "bad.bin")
    with pytest.raises(pack.checkpoint.CheckpointError, match="and 67 more: missing"):
        load(pack, "bad.bin")
