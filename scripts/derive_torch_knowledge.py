"""Finds out what transfer-lint knows of torch, by running the installed torch, and writes it to a file.

    python scripts/derive_torch_knowledge.py            write transfer_lint/flow/knowledge/torch_derived.toml
    python scripts/derive_torch_knowledge.py --check    only say whether that file is up to date (exit code 1 if not)

Every entry is tested: with real values on the CPU, over dtypes, numbers, shapes and flags; and without values on an
accelerator, which need not be present. What cannot be tested, or does not always hold, is left out. It takes a few
minutes; the sums at the head of the file say at once whether the file and what makes it are those of the last time.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import logging
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
OUTPUT = Path(__file__).resolve().parents[1] / "transfer_lint" / "flow" / "knowledge" / "torch_derived.toml"


def main() -> int:
    """Derive the text of the file, then write it or compare it with the file. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Derive what is known of torch by running it.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is not current")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE", help="where to write")
    options = parser.parse_args()
    text = derived()
    if not options.check:
        options.output.write_text(text, encoding="utf-8", newline="\n")
        return 0
    written = options.output.read_text(encoding="utf-8")
    for line in difflib.unified_diff(written.splitlines(), text.splitlines(), "written", "derived", lineterm="", n=0):
        print(line)
    return int(written != text)


def sums(body: str) -> str:
    """The line that names the sums of what makes the file, and of the file below its head."""
    folder = Path(__file__).parent
    makers = b"".join(
        path.read_bytes() for path in (Path(__file__), *sorted((folder / "torch_knowledge").glob("*.py")))
    )
    return f"# Sums: {_sum(makers)} of the scripts, {_sum(body.encode())} of what follows."


def _sum(data: bytes) -> str:
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:16]


def derived() -> str:
    """The text of the file."""
    import torch

    warnings.simplefilter("ignore")
    logging.getLogger("torch").setLevel(logging.CRITICAL)  # calls that torch refuses are expected here
    torch.set_num_threads(1)
    from torch_knowledge.document import document
    from torch_knowledge.tables import derive

    heading = (
        f"What torch {torch.__version__.partition('+')[0]} does with devices, dtypes and memory. Made by",
        "    python scripts/derive_torch_knowledge.py",
        "which tries every entry. Not to be edited: what cannot be derived is in torch.toml.",
    )
    with torch.no_grad():
        head, _, body = document(heading, derive()).partition("\n\n")
    return f"{head}\n{sums(body)}\n\n{body}"


if __name__ == "__main__":
    sys.exit(main())
