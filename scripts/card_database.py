"""Holds the simulated accelerator against a real card: PyTorch's operators, modules, optimizers, and lines of code.

    python scripts/card_database.py record card.json.gz --processes 14 --deadline 270     # on a machine with a card
    python scripts/card_database.py record simulated.json.gz --simulated                  # anywhere
    python scripts/card_database.py compare card.json.gz simulated.json.gz

Both records should be made with the same release of torch. Recording needs torch, numpy and expecttest, and nothing of
this project's but the folder `scripts`. A record says of every call where its results lie, their dtypes, shapes and
strides, or the class and the words of the error; and how often the host waited, which a card tells by the warnings of
`torch.cuda.set_sync_debug_mode`. `compare` counts, by kind, how many calls the simulated accelerator answers as the
card does, and shows the others.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from scripts.operator_cases.card_cases import units
from scripts.operator_cases.card_comparison import compare, listing, table
from scripts.operator_cases.pages import write
from scripts.operator_cases.pool import Depth, run_units

BEGIN = "<!-- card: scripts/card_database.py compare --write -->"

Record = dict[str, Any]


def save(path: Path, record: Record) -> None:
    """Write a record, compressed if the name ends in `.gz`; what was there stays until the new one is complete."""
    text = json.dumps(record, separators=(",", ":"), sort_keys=True).encode()
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    part.replace(path)


def load(path: Path) -> Record:
    """Read a record."""
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)  # type: ignore[no-any-return]


def record(options: argparse.Namespace) -> None:
    """Record what the device of this machine, or the simulated one, does."""
    chosen = options.units or units()
    made: Record = {
        "torch": torch.__version__,
        "device": "simulated" if options.simulated else torch.cuda.get_device_name(0),
        "samples": options.samples,
        "dtypes": options.dtypes,
        "units": {},
    }
    if options.go_on and options.file.exists():
        made = load(options.file)
    begin = saved = time.monotonic()
    for unit, cases in run_units(
        [unit for unit in chosen if unit not in made["units"]],
        simulated=options.simulated,
        depth=Depth(options.samples, options.dtypes),
        processes=options.processes,
        limit=options.limit,
        deadline=options.deadline,
    ):
        made["units"][unit] = cases
        if time.monotonic() - saved > 20:
            saved = time.monotonic()
            save(options.file, made)
            print(f"{saved - begin:.0f} s: {len(made['units'])} of {len(chosen)}", file=sys.stderr, flush=True)
    save(options.file, made)
    total = sum(map(len, made["units"].values()))
    seconds = time.monotonic() - begin
    print(f"{len(made['units'])} of {len(chosen)} units, {total} cases, {seconds:.0f} s, on {made['device']}")


def show(options: argparse.Namespace) -> None:
    """Print how the record of a card and that of the simulated one differ."""
    card, simulated = load(options.card), load(options.simulated)
    made = compare(card, simulated)
    release = card["torch"].partition("+")[0]
    total = sum(made.cases.values()) - made.cases["waits"]
    print(
        what := f"{card['device']}, torch {release}, {len(made.units_compared)} units, {total:,} calls:",
        table(made),
        sep="\n\n",
    )
    if simulated["torch"] != card["torch"]:
        print(f"The simulated card was another torch's: {simulated['torch']}")
    if options.write:
        write(options.write, BEGIN, f"{what}\n\n{table(made)}")
    for why, count in made.left_out.most_common():
        print(f"not compared, {count}: {why}")
    for line in listing([each for each in made.differences if each.reason is None], options.shown):
        print(line)


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    recording = commands.add_parser("record", help="run all calls, and write down what they did")
    recording.set_defaults(run=record)
    recording.add_argument("file", type=Path)
    recording.add_argument("units", nargs="*", help="such as `add`, `lines`, `module nn.LSTM`; all if none is given")
    recording.add_argument("--simulated", action="store_true", help="on the simulated accelerator")
    recording.add_argument("--go-on", action="store_true", help="leave out the units that the file has already")
    recording.add_argument("--samples", type=int, default=2, help="of each dtype (%(default)s)")
    recording.add_argument("--dtypes", type=int, default=2, help="of each operator, at most (%(default)s)")
    recording.add_argument("--processes", type=int, default=2, help="how many run at once (%(default)s)")
    recording.add_argument("--limit", type=float, default=60, help="seconds for one call (%(default)s)")
    recording.add_argument("--deadline", type=float, default=86400, help="seconds after which no unit is begun")
    comparing = commands.add_parser("compare", help="show how two records differ")
    comparing.set_defaults(run=show)
    comparing.add_argument("card", type=Path)
    comparing.add_argument("simulated", type=Path)
    comparing.add_argument("--write", type=Path, help="the page whose table is replaced")
    comparing.add_argument("--shown", type=int, default=2, help="examples of each kind and unit (%(default)s)")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
