"""Holds the simulated accelerator against PyTorch's own operator database, and makes the table of the docs.

    python scripts/operator_database.py                   # all operators, the table goes to stdout
    python scripts/operator_database.py add index_select  # these, with every difference
    python scripts/operator_database.py --write docs/simulator.md [--torch oldest]
    python scripts/operator_database.py --samples 8 --dtypes 4      # deeper than the table

Per operator and dtype a number of PyTorch's sample inputs are run on the host and on the simulated accelerator:

- `values`: results, in all variants (function, method, in place, `out=`), equal the host's in bits, dtype, shape and
  strides, and are on the device; the random streams of both are made equal;
- `gradients`: so do the gradients of the inputs;
- `operands`: with one operand left on the host the call is refused, or its result lies where PyTorch's FakeTensorMode
  says. FakeTensorMode takes every 0-dim host operand; where a card does not, the refusal must be in torch's words;
- `out`: an `out=` on the host is refused, as PyTorch's test_ops.py asks of every operator;
- `errors`: PyTorch's own samples of wrong inputs raise the class and the words that PyTorch expects on a card;
- `generator`: a host generator is refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from scripts.operator_cases.comparisons import DTYPES, SAMPLES, check, names
from scripts.operator_cases.pages import write
from scripts.operator_cases.reports import EXPLAINED, KINDS, Report, unexplained

BEGIN = "<!-- operators, {} torch: scripts/operator_database.py --write -->"


def table(reports: Sequence[Report]) -> str:
    """The table of the docs, and what differs."""
    lines = ["| | operators | cases | as on a card | explained | not |", "| --- | --: | --: | --: | --: | --: |"]
    for kind in KINDS:
        cases = sum(report.cases[kind] for report in reports)
        differ = sum(what == kind for report in reports for what, *_ in report.differences)
        wrong = sum(what == kind for report in reports for what, *_ in unexplained(report))
        having = sum(bool(report.cases[kind]) for report in reports)
        lines.append(f"| {kind} | {having} | {cases:,} | {cases - differ:,} | {differ - wrong} | {wrong} |")
    found = {(what, report.name) for report in reports for what, *_ in report.differences}
    rounded = [report.name for report in reports if report.rounded]
    lines += ["", "Explained:", ""]
    lines += [f"- {kind} of `{name}`: {why}." for (kind, name), why in EXPLAINED.items() if (kind, name) in found]
    if rounded:
        names_ = ", ".join(f"`{name}`" for name in rounded)
        lines.append(f"- Equal up to rounding, not in every bit: {names_}.")
    return "\n".join(lines)


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operators", nargs="*", help="names, as in PyTorch's database; all if none is given")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of each dtype (%(default)s)")
    parser.add_argument("--dtypes", type=int, default=DTYPES, help="of each operator, at most (%(default)s)")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    parser.add_argument("--torch", choices=("newest", "oldest"), default="newest", help="which of its tables")
    options = parser.parse_args()
    reports = []
    for name in options.operators or names():
        print(f"\r\033[K{name}", end="", file=sys.stderr, flush=True)
        reports.append(check(name, samples=options.samples, dtypes=options.dtypes))
    print(file=sys.stderr)
    print(table(reports), "", sep="\n")
    for report in reports:
        for each in unexplained(report):
            print(report.name, *each, sep=": ")
    if options.write:
        version = torch.__version__.partition("+")[0]
        what = f"torch {version}, {len(reports)} operators, up to {options.samples} samples a dtype:"
        write(options.write, BEGIN.format(options.torch), f"{what}\n\n{table(reports)}")


if __name__ == "__main__":
    main()
