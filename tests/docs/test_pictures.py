"""The pictures of the README and the site show what the tool draws and says today."""

from __future__ import annotations

import runpy
from pathlib import Path

from PIL import Image

from tests.support.command import ROOT
from tests.support.documents import read

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "make_pictures.py"))
MEND = "python -m tests.support.documents makes them again"


def test_the_flow_is_what_the_tool_draws() -> None:
    assert SCRIPT["FLOW"].read_text(encoding="utf-8") == SCRIPT["flow"](), MEND
    assert SCRIPT["FLOW"].stat().st_size < 40_000


def test_the_report_says_what_the_tool_says(tmp_path: Path) -> None:
    with Image.open(SCRIPT["REPORT"]) as picture:
        picture.load()
        assert picture.info[SCRIPT["KEY"]] == SCRIPT["digest"](SCRIPT["page"](tmp_path)), MEND
        assert picture.width >= 1000
    assert SCRIPT["REPORT"].stat().st_size < 120_000


def test_both_are_shown_in_the_readme_and_on_the_site() -> None:
    for name in ("flow.svg", "report.png"):
        assert f"](docs/pictures/{name})" in read("README.md")
        assert f"](pictures/{name})" in read("docs/reports.md")
