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
from transfer_lint.graph.layout import lay_out
from transfer_lint.graph.svg import stages
from transfer_lint.lint.lookup import load
from transfer_lint.problems import Problem
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


@pytest.fixture(scope="module")
def story() -> BeforeAfter:
    """The node of the pack, with all fixes."""
    settings = Settings(root=str(ROOT), unsafe_fixes=True)
    return before_after_of(str(ROOT / APPLY), "ApplyInstantID.apply_instantid", settings)


def test_a_nodes_whole_call(story: BeforeAfter) -> None:
    pair = story
    titles = [diagram.title for diagram in pair.before]
    assert titles[0] == "ApplyInstantID.apply_instantid"
    assert {"face_embeddings", "bgr_pictures"} <= set(titles)
    apply = pair.before[0]
    codes = {arrow.code for arrow in apply.arrows if arrow.code}
    assert {"TL101", "TL102", "TL103", "TL104"} <= codes
    assert pair.after[0].count(Judgement.NEEDLESS) == 0
    assert len(apply.boxes) <= 24


def walked(diagram: Diagram, start: str) -> list[str]:
    """What the drawing says from the first box with that label down, each arrow and each box in a line."""
    boxes = {box.key: box for box in diagram.boxes}
    at = next(box for box in diagram.boxes if box.label == start)
    found = [" / ".join(at.lines)]
    seen = {at.key}
    while True:
        ways = [arrow for arrow in diagram.arrows if arrow.source == at.key and arrow.target not in seen]
        ways = [arrow for arrow in ways if arrow.label and arrow.label != "patch_attention()"]
        if not ways:
            return found
        at = boxes[ways[0].target]
        seen.add(at.key)
        what = ways[0].judgement.value
        if ways[0].is_decision:
            what = " / ".join(diagram.question(ways[0]))
        found += [f"{ways[0].label} ({what})", f"{at.side.value}: {' / '.join(at.lines)}"]


EMBEDS = "image_prompt_embeds / uncond_image_prompt_embeds"


def test_the_picture_tells_the_story_before(story: BeforeAfter) -> None:
    before = story.before[0]
    assert {box.side for box in before.boxes if box.shape is Shape.INPUT} == {Side.UNKNOWN}
    assert walked(before, "mask")[1:5] == [
        "batch_of_masks() (flow)",
        "unknown: mask / mask.device",
        ".to(self.device) (perhaps needless)",
        "accelerator: mask / get_torch_device()",
    ]
    assert walked(before, "instantid")[1:3] == [
        ".to(self.device) (needless)",
        "accelerator: self.instantid / get_torch_device()",
    ]
    assert walked(before, "clip_embed\nclip_embed_zeroed")[2:] == [
        "accelerator: clip_embed / clip_embed_zeroed / get_torch_device()",
        "self.instantid.get_image_embeds() (flow)",
        f"accelerator: {EMBEDS} / get_torch_device() / already there",
        ".to(self.device) (needless)",
        f"accelerator: {EMBEDS} / get_torch_device()",
        ".to(intermediate_device()) (needless)",
        f"host: {EMBEDS} / intermediate_device()",
        "during sampling: back to the GPU (needless)",
        "accelerator: GPU work / at every sampling step",
    ]


def test_the_picture_tells_the_story_after(story: BeforeAfter) -> None:
    after = story.after[0]
    assert walked(after, "mask")[1:5] == [
        "batch_of_masks() (flow)",
        "unknown: mask / mask.device",
        ".to(self.device) (already there? / yes: use as is / no: move)",
        "accelerator: mask / get_torch_device()",
    ]
    assert walked(after, "instantid")[1:3] == [
        ".to(self.device) (all weights there? / yes: use as is / no: move once)",
        "accelerator: self.instantid / get_torch_device()",
    ]
    assert walked(after, "clip_embed\nclip_embed_zeroed")[2:] == [
        "accelerator: clip_embed / clip_embed_zeroed / get_torch_device()",
        "self.instantid.get_image_embeds() (flow)",
        f"accelerator: {EMBEDS} / get_torch_device()",
        "cast: .to(dtype=face_kps.dtype) (flow)",
        f"accelerator: {EMBEDS} / get_torch_device() / kept on the GPU",
        "during sampling: used where it is (flow)",
        "accelerator: GPU work / at every sampling step",
    ]


def test_no_guard_is_passed_by_an_arrow_without_a_label(story: BeforeAfter) -> None:
    """What comes behind a decision comes from it alone, not also from what was asked about."""
    after = story.after[0]
    for decision in (arrow for arrow in after.arrows if arrow.is_decision):
        behind = {arrow.target for arrow in after.arrows if arrow.source == decision.target}
        passed = [a for a in after.arrows if a.source == decision.source and a.target in behind]
        assert passed == []


def test_a_cast_is_no_transfer(folder: Path) -> None:
    (folder / "cast.py").write_text("def cast(x):\n    y = x.to('cuda:0')\n    return y.to(dtype=y.dtype), y.half()\n")
    (diagram,) = drawn("cast", "cast.py").before
    assert {line for line, _ in transfers(diagram)} == {2}
    (folder / "only.py").write_text("import torch\n\n\ndef only(x: torch.Tensor):\n    return x.to(torch.float16)\n")
    with pytest.raises(Problem, match="no function of it holds a transfer"):
        drawn(None, "only.py")


def test_what_is_the_same_before_and_after_has_the_same_place(story: BeforeAfter) -> None:
    before, after = lay_out(story.before[0], story.after[0])
    assert (before.width, before.height) == (after.width, after.height)
    places = {item.key: (item.x, item.y) for item in before.items}
    same = [item for item in after.items if item.key in places]
    assert all((item.x, item.y) == places[item.key] for item in same)
    assert len(same) >= len(after.items) - 1
    labels = {item.key: item.box.label for item in before.items if item.box is not None}
    assert all(item.box is None or labels[item.key] == item.box.label for item in same)


def test_a_picture_is_half_a_page_wide_and_nothing_is_outside(story: BeforeAfter) -> None:
    for before, after in story.pairs:
        for layout in lay_out(before, after) if after is not None else lay_out(before):
            assert layout.width <= 570
            for item in layout.items:
                assert 0 <= item.x - item.width / 2 <= item.x + item.width / 2 <= layout.width
                assert 0 <= item.y - item.height / 2 <= item.y + item.height / 2 <= layout.height
            for line in layout.lines:
                assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in line.points)


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


def test_a_fold_leads_down_not_up_again(folder: Path) -> None:
    (folder / "long.py").write_text(long_function())
    (diagram,) = drawn("long", "long.py").before
    assert diagram.arrows
    (layout,) = lay_out(diagram)
    for line in layout.lines:
        assert line.points[0][1] < line.points[-1][1]


def many_calls(findings: int) -> str:
    """A function of 300 lines in which nearly everything is moved; some of it for nothing."""
    lines = ["import torch\n\n\ndef much(x: torch.Tensor, d):\n"]
    for number in range(74):
        lines.append(f"    a{number} = torch.rand(3) * {number}\n    b{number} = a{number}.to(d)\n")
        lines.append(f"    c{number} = b{number} + {f'c{number - 1}' if number else 'x'}\n    print(number)\n")
        if number < findings:
            lines.append(f"    x = c{number}.to('cuda:0')\n    y{number} = x.to('cuda:0')\n")
    return "".join([*lines, "    return c73\n"])


@pytest.mark.parametrize("findings", [0, 2])
def test_of_a_long_function_the_first_screen_shows_what_matters(findings: int, browser: Browser, folder: Path) -> None:
    (folder / "much.py").write_text(many_calls(findings))
    lint("graph", "much.py::much", "--format", "html", "--output-file", "g.html", cwd=folder, expect=0)
    (diagram,) = drawn("much", "much.py").before
    assert diagram.count(Judgement.NEEDLESS) == findings
    seen = Seen(browser, folder / "g.html", (1200, 900))
    for call in seen.page.locator("svg.picture >> nth=0 >> g.call.needless").all():
        box = call.bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= 900 - box["height"]
        assert 0 <= box["x"] <= 1200 - box["width"]
    seen.fits()
    seen.page.close()


def test_a_long_function_is_folded(folder: Path) -> None:
    (folder / "long.py").write_text(long_function())
    (diagram,) = drawn("long", "long.py").before
    assert len(diagram.boxes) <= 24
    folds = [box for box in diagram.boxes if box.shape is Shape.FOLD]
    assert folds
    assert "b50" in {name for box in folds for name in box.hidden}
    assert all(arrow.source != arrow.target for arrow in diagram.arrows)
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
    """No box or question of a diagram lies over another."""
    places = [
        tuple(float(value) for value in found)
        for found in re.findall(r'<rect x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)"/>', out)
    ]
    for corners in re.findall(r'<polygon points="([^"]+)"', out):
        xs, ys = zip(*(map(float, corner.split(",")) for corner in corners.split()), strict=True)
        places.append((min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)))
    return not any(
        a is not b and a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
        for a in places
        for b in places
    )


def test_boxes_do_not_lie_over_each_other(story: BeforeAfter) -> None:
    for before, after in story.pairs:
        for _, diagram, picture in stages(before, after):
            assert boxes_apart(picture), diagram.title


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


def test_mermaid_draws_before_first_and_decisions_as_questions(folder: Path) -> None:
    out = lint("graph", "kinds.py::kinds", "--format", "mermaid", cwd=folder, expect=0).out
    assert out.index('subgraph b0["before: kinds') < out.index('subgraph a0["after the fixes: kinds')
    assert "b0 ~~~ a0" in out  # so it stands below, and the chart is one function wide
    assert out.count("direction TB") == out.count("subgraph")
    assert re.search(r'b0cn\d+\{"already there\?', out)
    assert '|"yes: use as is"|' in out
    assert '|"no: move"|' in out


def test_zoom_pan_and_fit(browser: Browser, tmp_path: Path) -> None:
    place = f"{APPLY}::ApplyInstantID.apply_instantid"
    file = tmp_path / "g.html"
    lint("graph", place, "--unsafe-fixes", "--format", "html", "--output-file", file, cwd=ROOT, expect=0)
    for size in ((1200, 900), PHONE):
        seen = Seen(browser, file, size)
        page = seen.page
        boxes = [picture.bounding_box() for picture in page.locator("section:first-of-type svg.picture").all()]
        before, after = (box for box in boxes if box is not None)
        assert before["width"] == after["width"]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= size[0] for box in (before, after))
        assert (before["y"] == after["y"]) is (size[0] == 1200)  # side by side, on a phone one below the other
        if size[0] == 1200:
            assert before["width"] > 500
            assert before["y"] < 320
        shown = "document.querySelectorAll('svg.picture')[{}].getAttribute('viewBox')"
        whole = page.evaluate(shown.format(0))
        page.click("section:first-of-type [data-zoom=in]")
        near = page.evaluate(shown.format(0))
        assert float(near.split()[2]) < float(whole.split()[2])
        assert page.evaluate(shown.format(1)) == near  # the eye can compare
        x, y = before["x"] + before["width"] / 2, before["y"] + 200
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 60, y - 40, steps=3)
        page.mouse.up()
        moved = page.evaluate(shown.format(0))
        assert float(moved.split()[0]) > float(near.split()[0])
        assert page.evaluate(shown.format(1)) == moved
        page.click("section:first-of-type [data-zoom=fit]")
        assert page.evaluate(shown.format(1)) == page.evaluate(shown.format(0)) == whole
        page.focus("svg.picture >> nth=0")
        page.keyboard.press("+")
        assert page.evaluate(shown.format(0)) == near
        seen.fits()
        seen.accessible()
        seen.calm()
        page.close()


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
