"""host.py: ComfyUI where it is there, the stand-in where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.runtime.conftest import ORIGINAL, load_original

COMFY = {
    "comfy/__init__.py": "",
    "comfy/model_management.py": """
        import torch
        def get_torch_device(): return torch.device("meta")
        def intermediate_device(): return torch.device("cpu")
        def unet_offload_device(): return torch.device("cpu")
        def unet_dtype(): return torch.bfloat16
        def should_use_fp16(): return True
        loaded = []
        def load_models_gpu(models): loaded.extend(models)
    """,
    "comfy/utils.py": "def load_torch_file(path, safe_load=False): return {'read': path, 'safe': safe_load}",
    "comfy/ldm/__init__.py": "",
    "comfy/ldm/modules/__init__.py": "",
    "comfy/ldm/modules/attention.py": "def optimized_attention(q, k, v, heads): return 'attention of ComfyUI'",
    "comfy/model_patcher.py": """
        class ModelPatcher:
            def __init__(self, model, load_device, offload_device):
                self.model, self.load_device, self.offload_device = model, load_device, offload_device
            def detach(self): pass
            def loaded_size(self): return 4
            def model_size(self): return 4
    """,
    "folder_paths.py": """
        models_dir = "/models"
        folder_names_and_paths = {"instantid": (["/elsewhere"], {".gguf"})}
        supported_pt_extensions = {".bin", ".safetensors"}
    """,
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def run(code: str, *places: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with the pack's parent folder and `places` on the path."""
    path = os.pathsep.join(map(str, [*places, ORIGINAL.parent]))
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def said(result: subprocess.CompletedProcess[str]) -> list[str]:
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_comfyui_is_used_where_it_is_there(tmp_path: Path) -> None:
    write(tmp_path, COMFY)
    code = """
        import comfy, folder_paths, torch, instantid_original
        from instantid_original import host
        assert host.comfy is comfy and host.folder_paths is folder_paths
        print(host.comfy.model_management.get_torch_device())
        print(host.working_dtype(), host.fast_dtype())
        print(host.optimized_attention(None, None, None, 1))
        print(host.comfy.utils.load_torch_file("x.bin", safe_load=True))
        print(host.insightface_root())
        module = torch.nn.Linear(1, 1)
        patcher = host.model_patcher(module)
        with host.room_for(module, torch.float16):
            pass
        print(patcher.model is module, patcher.load_device, patcher.offload_device)
        print(comfy.model_management.loaded == [patcher], module.weight.dtype)
        folders, extensions = folder_paths.folder_names_and_paths["instantid"]
        print(folders, sorted(extensions))
    """
    assert said(run(code, tmp_path)) == [
        "meta",
        "torch.bfloat16 torch.float16",
        "attention of ComfyUI",
        "{'read': 'x.bin', 'safe': True}",
        os.path.join("/models", "insightface"),
        "True meta cpu",
        "True torch.float16",
        f"['/elsewhere', {os.path.join('/models', 'instantid')!r}] ['.bin', '.gguf', '.safetensors']",
    ]


def test_comfyui_without_model_patchers(tmp_path: Path) -> None:
    write(tmp_path, {name: text for name, text in COMFY.items() if name != "comfy/model_patcher.py"})
    code = "from instantid_original import host; print(host.model_patcher('module'), host.comfy.__name__)"
    assert said(run(code, tmp_path)) == ["None comfy"]


def test_broken_comfyui_says_what_it_lacks(tmp_path: Path) -> None:
    write(tmp_path, {**COMFY, "comfy/utils.py": "import a_module_that_is_missing"})
    result = run("import instantid_original", tmp_path)
    assert result.returncode == 1
    assert "No module named 'a_module_that_is_missing'" in result.stderr


def test_stranger_called_comfy_is_not_comfyui(tmp_path: Path) -> None:
    write(tmp_path, {"comfy/__init__.py": ""})
    code = "from instantid_original import host; print(host.comfy.model_management.intermediate_device())"
    assert said(run(code, tmp_path)) == ["cpu"]


def test_stand_in_needs_torch_alone(tmp_path: Path) -> None:
    code = """
        import sys
        for name in ("insightface", "onnxruntime", "cv2", "safetensors", "transfer_lint", "transfer_codemods"):
            sys.modules[name] = None
        import instantid_original
        print(len(instantid_original.NODE_CLASS_MAPPINGS))
        print(instantid_original.host.comfy.__class__.__name__)
        print(instantid_original.host.folder_paths.folder_names_and_paths["instantid"][0])
    """
    folder = tmp_path / "my models"
    assert said(run(code, INSTANTID_MODELS=str(folder))) == [
        "7",
        "SimpleNamespace",
        str([str(folder / "instantid")]),
    ]


def test_pack_loads_under_any_name_from_any_folder(tmp_path: Path) -> None:
    """ComfyUI imports packs by path, and their folders have hyphens in their names."""
    folder = tmp_path / "custom_nodes" / "instant-id pack"
    folder.parent.mkdir()
    folder.symlink_to(ORIGINAL, target_is_directory=True)
    code = f"""
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("a.b-c", {str(folder / "__init__.py")!r},
                                                      submodule_search_locations=[{str(folder)!r}])
        module = sys.modules["a.b-c"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        print(sorted(module.NODE_CLASS_MAPPINGS) == sorted(module.NODE_DISPLAY_NAME_MAPPINGS))
    """
    assert said(run(code)) == ["True"]


def test_models_are_looked_for_in_the_working_directory(tmp_path: Path) -> None:
    code = """
        import os; os.chdir(os.environ["PLACE"])
        from instantid_original.host import folder_paths
        print(folder_paths.models_dir == os.path.join(os.getcwd(), "models"))
    """
    assert said(run(code, PLACE=str(tmp_path), INSTANTID_MODELS="")) == ["True"]


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    module = load_original().standin
    monkeypatch.setitem(module.folder_names_and_paths, "kind", ([str(tmp_path / "a"), str(tmp_path / "b")], {".bin"}))
    return module


def test_device_policy(standin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert standin.get_torch_device() == standin.intermediate_device() == torch.device("cpu")
    assert (standin.unet_dtype(), standin.should_use_fp16()) == (torch.float32, False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert standin.get_torch_device() == torch.device("cuda", 1)
    assert standin.intermediate_device() == torch.device("cpu")
    assert (standin.unet_dtype(), standin.should_use_fp16()) == (torch.float16, True)


def test_model_files(standin: Any, tmp_path: Path) -> None:
    write(tmp_path, {"a/x.bin": "", "a/sub/y.BIN": "", "a/notes.md": "", "b/x.bin": "", "b/z.bin": ""})
    assert standin.get_filename_list("kind") == [os.path.join("sub", "y.BIN"), "x.bin", "z.bin"]
    assert standin.get_full_path("kind", "x.bin") == str(tmp_path / "a" / "x.bin")
    assert standin.get_full_path("kind", "z.bin") == str(tmp_path / "b" / "z.bin")
    assert standin.get_full_path("kind", "none.bin") is None


def test_attention_is_that_of_the_formula(standin: Any) -> None:
    from tests.support.stand_in_comfy import attention

    torch.manual_seed(0)
    q, k, v = torch.randn(3, 5, 32), torch.randn(3, 9, 32), torch.randn(3, 9, 32)
    torch.testing.assert_close(standin.optimized_attention(q, k, v, 2), attention(q, k, v))
