"""Tables in pages of the docs."""

from __future__ import annotations

from pathlib import Path

END = "<!-- end -->"


def write(page: Path, begin: str, text: str) -> None:
    """Replace what stands between the line `begin` and the next END in a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{begin}\n{text}\n{END}{after}", encoding="utf-8")
