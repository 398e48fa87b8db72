"""Pictures of the device flow: what is in them, and that what reads them can."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from tests.support.browser import PHONE, Seen
from tests.support.command import ROOT, lint
from transfer_lint.findings import FixHints
from transfer_lint.graph.before_after import before_after_of
from transfer_lint.graph.diagram import BeforeAfter, Diagram, Judgement, Shape, Side
from transfer_lint.lint.lookup import load
from transfer_lint.settings import Settings

APPLY = "fixtures/instantid_original/nodes_apply.py"
KINDS = """\
import torch


def kinds(model: torch.nn.Module, x: torch.Tensor, flag: float):
    x = x.to("cuda:0")
    y = x.to("cuda:0")
    if model.weight.device != y.device:
        y = y.to(model.weight.device)
    for step in range(10):
        value = y.mean().item()
    return helper(y).cpu(), flag


def helper(y: torch.Tensor):
    return y.to("cuda:0") + 1


def nothing(y):
    return y
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kinds.py").write_text(KINDS)
    return tmp_path


def drawn(function: str | None, path: str = "kinds.py") -> BeforeAfter:
    return before_after_of(path, function, replace(load([path]), fix_hints=FixHints.ALWAYS))


def transfers(diagram: Diagram) -> list[tuple[int, Judgement]]:
    found = {(arrow.line, arrow.judgement) for arrow in diagram.arrows if arrow.judgement is not Judgement.FLOW}
    return sorted(found, key=lambda pair: (pair[0], pair[1].value))


def test_transfers_are_judged_and_followed(folder: Path) -> None:
    before, helper = drawn("kinds").before
    assert transfers(before) == [
        (5, Judgement.PERHAPS),
        (6, Judgement.NEEDLESS),
        (8, Judgement.GUARDED),
        (10, Judgement.BOUNDARY),
        (11, Judgement.BOUNDARY),
    ]
    labels = {box.key: box.label for box in before.boxes}
    assert ("x", "y") in {(labels[a.source], labels[a.target]) for a in before.arrows if a.line == 6}
    (call,) = (box for box in before.boxes if box.shape is Shape.CALL)
    assert (call.link, helper.title) == ("helper", "helper")
    assert "flag" not in labels.values()
    assert Side.ACCELERATOR in {box.side for box in before.boxes if box.label == "y"}
    (needless,) = (arrow for arrow in before.arrows if arrow.judgement is Judgement.NEEDLESS)
    assert needless.code == "TL101"
    assert needless.facts


def test_after_the_fixes_nothing_needless_is_left(folder: Path) -> None:
    pair = drawn("kinds")
    assert sum(d.count(Judgement.NEEDLESS) + d.count(Judgement.PERHAPS) for d in pair.before) >= 2
    assert sum(d.count(Judgement.NEEDLESS) + d.count(Judgement.PERHAPS) for d in pair.after) == 0
    assert pair.after[0].count(Judgement.GUARDED) > pair.before[0].count(Judgement.GUARDED)
    assert (folder / "kinds.py").read_text() == KINDS


def test_a_nodes_whole_call() -> None:
    settings = Settings(root=str(ROOT), unsafe_fixes=True)
    pair = before_after_of(str(ROOT / APPLY), "apply_instantid", settings)
    titles = [diagram.title for diagram in pair.before]
    assert titles[0] == "ApplyInstantID.apply_instantid"
    assert {"face_embeddings", "bgr_pictures"} <= set(titles)
    apply = pair.before[0]
    codes = {arrow.code for arrow in apply.arrows if arrow.code}
    assert {"TL101", "TL102", "TL103", "TL104"} <= codes
    assert pair.after[0].count(Judgement.NEEDLESS) == 0
    assert len(apply.boxes) <= 30


def test_a_file_is_all_its_functions_with_transfers(folder: Path) -> None:
    assert [diagram.title for diagram in drawn(None).before] == ["kinds", "helper"]


def long_function() -> str:
    lines = ["import torch\n\n\ndef long(x: torch.Tensor, y: torch.Tensor):\n"]
    for number in range(98):
        earlier = f"a{number - 1}" if number else "y"
        lines.append(f"    a{number} = x * {number} + {earlier}\n    b{number} = torch.relu(a{number})\n")
        lines.append(f"    c{number} = a{number} - b{number}\n")
        if number % 30 == 10:
            lines.append("    x = x.to('cuda:0')\n    x = x.to('cuda:0')\n")
    return "".join([*lines, "    return c97.cpu()\n"])


def test_a_long_function_is_folded(folder: Path) -> None:
    (folder / "long.py").write_text(long_function())
    (diagram,) = drawn("long", "long.py").before
    assert len(diagram.boxes) <= 30
    folds = [box for box in diagram.boxes if box.shape is Shape.FOLD]
    assert folds
    assert "b50" in {name for box in folds for name in box.hidden}
    assert diagram.count(Judgement.NEEDLESS) >= 4


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg", "html"])
def test_the_same_from_run_to_run(form: str, folder: Path) -> None:
    runs = {lint("graph", "kinds.py::kinds", "--format", form, cwd=folder, expect=0, PYTHONHASHSEED=seed).out
            for seed in ("1", "2")}  # fmt: skip
    assert len(runs) == 1


def test_svg_is_xml_with_evidence_and_without_scripts(folder: Path) -> None:
    out = lint("graph", "kinds.py::kinds", "--format", "svg", cwd=folder, expect=0).out
    root = ElementTree.fromstring(out)
    titles = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any("kinds.py:5" in title and "puts it there" in title for title in titles)
    assert "<script" not in out
    assert "http" not in out.replace("http://www.w3.org/2000/svg", "")


def boxes_apart(out: str) -> bool:
    """No box of a diagram lies over another."""
    places = [
        tuple(float(value) for value in found)
        for found in re.findall(r'<rect x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)"/>', out)
    ]
    return not any(
        a is not b and a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
        for a in places
        for b in places
    )


def test_boxes_do_not_lie_over_each_other() -> None:
    from transfer_lint.graph.svg import inline

    settings = Settings(root=str(ROOT), unsafe_fixes=True)
    pair = before_after_of(str(ROOT / APPLY), "apply_instantid", settings)
    for diagram in (*pair.before, *pair.after):
        assert boxes_apart(inline(diagram, "x")), diagram.title


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz here (on Debian: apt-get install graphviz)")
def test_graphviz_reads_the_dot(folder: Path) -> None:
    out = lint("graph", "kinds.py::kinds", "--format", "dot", cwd=folder, expect=0).out
    drawn = subprocess.run(["dot", "-Tsvg"], input=out, text=True, capture_output=True, check=True)
    assert drawn.stderr == ""
    assert "TL101" in drawn.stdout


def test_mermaid_has_every_box_and_colours_every_judgement(folder: Path) -> None:
    out = lint("graph", "kinds.py::kinds", "--format", "mermaid", cwd=folder, expect=0).out
    links = [line for line in out.splitlines() if " -->" in line]
    styled = {int(number): style for number, style in re.findall(r"linkStyle (\d+) (.*)", out)}
    assert all(number < len(links) for number in styled)
    needless = [number for number, line in enumerate(links) if "needless: TL101" in line]
    assert needless
    assert all("#c62828" in styled[number] for number in needless)
    assert not re.search(r'"[^"\n]*[\[\]{}()|`<>](?!br/>|small>|/small>)[^"\n]*"\]', re.sub(r"<[^>]*>", "", out))


def test_the_page_in_a_browser(browser: Browser, folder: Path) -> None:
    lint("graph", "kinds.py::kinds", "--format", "html", "--output-file", "g.html", cwd=folder, expect=0)
    for size in ((1280, 900), PHONE):
        seen = Seen(browser, folder / "g.html", size)
        seen.fits()
        seen.accessible()
        seen.calm()
        assert seen.page.locator("svg g.call.guarded").count() >= 1
        seen.page.close()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("kinds.py::kindz", "did you mean 'kinds'?"),
        ("missing.py::f", "cannot be read"),
        ("empty.py", "no function of it holds a transfer"),
        ("bad.py::f", "does not parse"),
    ],
)
def test_what_cannot_be_drawn_is_told(place: str, said: str, folder: Path) -> None:
    (folder / "empty.py").write_text("def f():\n    pass\n")
    (folder / "bad.py").write_text("def f(:\n")
    assert said in lint("graph", place, cwd=folder, expect=2).err
