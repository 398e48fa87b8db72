"""Make ready what a package index shows: `python scripts/prepare_release.py OWNER/NAME TAG`, before the build.

An index shows the README by itself, so its links into the repository become absolute, to the files of the tag; and the
metadata gets the addresses of the project. The tag has to be that of the version in `transfer_lint/version.py`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"(?<=\]\()(?!https?://|mailto:|#)([^)\s]+)(?=\))")
_HOST = "https://github.com"


def version() -> str:
    """The version, from the one place where it stands."""
    (found,) = re.findall(r'"(\d[^"]*)"', (ROOT / "transfer_lint" / "version.py").read_text(encoding="utf-8"))
    return found


def readme(text: str, repository: str, tag: str) -> str:
    """The README with links that work anywhere."""
    text = text.replace("OWNER/transfer-lint", repository)
    return _LINK.sub(lambda link: f"{_HOST}/{repository}/blob/{tag}/{link[1]}", text)


def metadata(text: str, repository: str) -> str:
    """pyproject.toml with the addresses of the project."""
    home = f"{_HOST}/{repository}"
    urls = (
        f'[project.urls]\nHomepage = "{home}"\nDocumentation = "{home}/tree/main/docs"\n'
        f'Changelog = "{home}/blob/main/CHANGELOG.md"\nIssues = "{home}/issues"\n\n'
    )
    return text.replace("[project.scripts]\n", f"{urls}[project.scripts]\n", 1)


def main(repository: str, tag: str) -> None:
    """Rewrite README.md and pyproject.toml."""
    if tag != f"v{version()}":
        sys.exit(f"the tag is {tag}, but transfer_lint/version.py says {version()}")
    for name, new in (
        ("README.md", lambda text: readme(text, repository, tag)),
        ("pyproject.toml", lambda text: metadata(text, repository)),
    ):
        path = ROOT / name
        path.write_text(new(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
