"""The role of a move's argument: what shows that it is a device."""

from __future__ import annotations

import textwrap

import pytest

from transfer_lint.fixing.examples import PATH, OneFile
from transfer_lint.flow.program.project import Project
from transfer_lint.lint.check_text import examine
from transfer_lint.settings import Settings


def _redundant(text: str) -> bool:
    findings = examine(PATH, text, Project(OneFile(text)), Settings(root="/", trust=())).findings
    return "TL101" in {finding.code for finding in findings}


TWICE = "\n    return x.to({0}).abs().to({0})\n"


@pytest.mark.parametrize(
    ("body", "argument"),
    [
        pytest.param("def f(x: torch.Tensor, where: str):", "where", id="annotated as a string"),
        pytest.param("def f(x: torch.Tensor, gpu: int):", "gpu", id="annotated as a number"),
        pytest.param("def f(x: torch.Tensor, d: 'torch.device | None' = None):", "d", id="annotated with a union"),
        pytest.param("def f(x: torch.Tensor, n: int):", 'f"cuda:{n}"', id="f-string"),
        pytest.param("PLACE = os.getenv('PLACE', 'cuda')\ndef f(x: torch.Tensor):", "PLACE", id="environment variable"),
        pytest.param(
            "PLACE = 'cuda' if torch.cuda.is_available() else 'cpu'\ndef f(x: torch.Tensor):", "PLACE", id="conditional"
        ),
        pytest.param("def f(x: torch.Tensor, p):\n    m = torch.zeros(3, device=p)", "p", id="given as device="),
        pytest.param("def f(x: torch.Tensor, p):\n    torch.load('a', map_location=p)", "p", id="map_location="),
        pytest.param("def f(x: torch.Tensor, p):\n    d = torch.device(p)", "p", id="made a device"),
        pytest.param("def f(x: torch.Tensor, p):\n    if p == 'cuda': print(1)", "p", id="compared with a device"),
        pytest.param("def f(x: torch.Tensor, p):\n    if p.type == 'cuda': print(1)", "p", id="its type is compared"),
        pytest.param("def f(x: torch.Tensor, p):\n    if p.startswith('cuda'): print(1)", "p", id="begins with cuda"),
        pytest.param("def f(x: torch.Tensor, p='cuda'):", "p", id="default"),
        pytest.param("def f(x: torch.Tensor, a):\n    torch.device(a.gpu)", "a.gpu", id="attribute of anything"),
        pytest.param(
            "p = ArgumentParser()\np.add_argument('--my-gpu', default='cuda')\ndef f(x: torch.Tensor, a):",
            "a.my_gpu",
            id="option of a parser",
        ),
        pytest.param("class C:\n    place: str = 'cuda'\ndef f(x: torch.Tensor, c):", "c.place", id="field of a class"),
        pytest.param("AI_DEVICE = pick()\ndef f(x: torch.Tensor):", "AI_DEVICE", id="a word of the name"),
        pytest.param(
            "def g(y: torch.Tensor):\n    return f(y, 'cuda:0')\ndef f(x: torch.Tensor, p):",
            "p",
            id="given",
        ),
    ],
)
def test_shown_to_be_a_device(body: str, argument: str) -> None:
    imports = "import os\nfrom argparse import ArgumentParser\n\nimport torch\nfrom elsewhere import pick\n"
    assert _redundant(imports + body + TWICE.format(argument))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(x: torch.Tensor, p):" + TWICE.format("p"), id="nothing shows what it is"),
        pytest.param(
            "def f(x: torch.Tensor, p):\n    torch.zeros(2, device=p)\n    torch.zeros(2, dtype=p)" + TWICE.format("p"),
            id="shown to be both",
        ),
        pytest.param("def f(x: torch.Tensor, p: torch.dtype):" + TWICE.format("p"), id="a dtype"),
    ],
)
def test_not_shown_to_be_a_device(text: str) -> None:
    findings = examine(
        PATH, source := "import torch\n" + text, Project(OneFile(source)), Settings(root="/", trust=())
    ).findings
    assert not [finding for finding in findings if finding.code == "TL101"]


def test_an_attribute_gets_the_role_of_what_is_assigned_to_it() -> None:
    assert _redundant(
        textwrap.dedent("""\
            import torch


            class Runner:
                def __init__(self, where):
                    torch.zeros(1, device=where)
                    self.place = where

                def run(self, x: torch.Tensor):
                    return x.to(self.place).abs().to(self.place)
            """)
    )


def test_the_reason_names_the_place_that_shows_it() -> None:
    text = "import torch\n\n\ndef f(x: torch.Tensor, p):\n    torch.zeros(2, device=p)" + TWICE.format("p")
    (finding,) = [
        finding for finding in examine(PATH, text, Project(OneFile(text)), Settings(root="/")).findings
        if finding.code == "TL101"
    ]  # fmt: skip
    assert (5, "`p` is a device, as `torch.zeros(2, device=p)` shows") in {
        (evidence.line, evidence.text) for evidence in finding.evidence
    }
