"""Write docs/rules/ from the rules' pages: `python scripts/make_rule_docs.py`.

Comments and marks, which only tests need, are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "codemods")]

from transfer_lint.rules import RULES  # noqa: E402
from transfer_lint.rules.pages import plain, read_page  # noqa: E402

FOLDER = ROOT / "docs" / "rules"


def documents() -> dict[str, str]:
    """File name -> text, for all files in docs/rules/."""
    pages = {f"{rule.name}.md": plain(read_page(rule.page)) for rule in RULES.values()}
    return {"index.md": index(), **pages}


def index() -> str:
    """The table of all rules."""
    rows = [
        f"| {code} | [{rule.name}]({rule.name}.md) | {rule.summary} | {rule.fix or '-'} | "
        f"{rule.safety.value if rule.safety else '-'} |"
        for code, rule in RULES.items()
    ]
    head = ["# Rules", "", "| code | name | finds | fix | tier |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


def main() -> None:
    """Write what is missing or out of date, and delete pages of rules that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = documents()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
