"""Make the pictures of docs/pictures/: the device flow of InstantID's node, and an HTML report.

    python scripts/make_pictures.py [--all]

`python -m tests.support.documents` does it, too. The picture of the report needs playwright and Chromium. It has a
digest of the text that it shows, by which a test sees whether it is out of date; `--all` makes it again in
any case, for a new style.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import sys
import tempfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "codemods")]

from transfer_lint.graph import svg  # noqa: E402
from transfer_lint.graph.before_after import before_after_of  # noqa: E402
from transfer_lint.graph.diagram import BeforeAfter, Diagram  # noqa: E402
from transfer_lint.settings import Settings  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
FLOW, REPORT = FOLDER / "flow.svg", FOLDER / "report.png"
NODE = "fixtures/instantid_original/nodes_apply.py", "ApplyInstantID.apply_instantid"
KEY = "digest of the text"


def flow() -> str:
    """The picture of the node's flow, without tooltips: none are shown where it is embedded."""
    path, function = NODE
    os.chdir(ROOT)
    pair = before_after_of(path, function, Settings(root=str(ROOT), unsafe_fixes=True))
    one = BeforeAfter(pair.title, (_bare(pair.before[0]),), (_bare(pair.after[0]),))
    return "".join(svg.render(one)) + "\n"


def _bare(diagram: Diagram) -> Diagram:
    return replace(
        diagram,
        boxes=tuple(replace(box, facts=()) for box in diagram.boxes),
        arrows=tuple(
            replace(arrow, facts=(), message="", twins=tuple(replace(t, facts=(), message="") for t in arrow.twins))
            for arrow in diagram.arrows
        ),
    )


def page(folder: Path) -> str:
    """The report of the README's first example."""
    from tests.support.command import lint
    from tests.support.documents import blocks, read

    (example,) = (block for block in blocks(read("README.md")) if block.argument == "embed.py")
    (folder / "embed.py").write_text(example.text, encoding="utf-8")
    lint("check", "--output-format", "html", "--output-file", "report.html", "embed.py", cwd=folder, hints=False)
    return (folder / "report.html").read_text(encoding="utf-8")


class _Text(HTMLParser):
    """The text of a page's findings."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside += tag == "table"

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "table"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.parts.append(data)


def digest(text: str) -> str:
    """A digest of what a report says."""
    reader = _Text()
    reader.feed(text)
    return hashlib.sha256(re.sub(r"\s+", " ", "".join(reader.parts)).encode()).hexdigest()


def shot(file: Path) -> bytes:
    """What a browser shows of the report, with the proof of TL101 opened, as PNG in few colours."""
    from PIL import Image, PngImagePlugin

    from tests.support.browser import chromium

    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1200, "height": 1500})
        opened.goto(file.as_uri())
        opened.locator("tbody[data-rule=TL101] .open").click()
        taken = opened.locator(".findings").screenshot()
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(160)
    known = PngImagePlugin.PngInfo()
    known.add_text(KEY, digest(file.read_text(encoding="utf-8")))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True, pnginfo=known)
    return out.getvalue()


def main() -> None:
    """Write both pictures; that of the report only where it says something else than the one that is there."""
    from PIL import Image

    FOLDER.mkdir(exist_ok=True)
    FLOW.write_text(flow(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        says = digest(page(Path(folder)))
        if "--all" not in sys.argv and REPORT.exists():
            with Image.open(REPORT) as picture:
                picture.load()
                if picture.info.get(KEY) == says:
                    return
        REPORT.write_bytes(shot(Path(folder) / "report.html"))


if __name__ == "__main__":
    main()
