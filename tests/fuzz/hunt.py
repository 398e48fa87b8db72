"""The long hunt: `python -m tests.fuzz.hunt KIND SECONDS [SEED]`, for so many seconds of CPU time.

KIND: source, configuration, notebook, patterns. What is found is made small by Hypothesis and printed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import properties, writers

KINDS: dict[str, tuple[st.SearchStrategy[Any], Callable[..., None]]] = {
    "source": (
        st.tuples(writers.sources(), st.booleans()),
        lambda folder, drawn: properties.hold_source(folder, drawn[0], unsafe=drawn[1]),
    ),
    "configuration": (writers.configurations, properties.hold_configuration),
    "notebook": (writers.notebooks(), properties.hold_notebook),
    "patterns": (writers.pattern_files, properties.hold_patterns),
}
BATCH = 100


def hunt(kind: str, seconds: float, first: int) -> tuple[int, int]:
    """(examples tried, batches that failed)."""
    strategy, hold = KINDS[kind]
    tried = failed = 0
    number = first
    end = time.process_time() + seconds
    while time.process_time() < end:

        def example(drawn: object) -> None:
            nonlocal tried
            tried += 1
            if time.process_time() < end:
                with tempfile.TemporaryDirectory() as folder, properties.in_time():
                    hold(Path(folder), drawn)

        check = settings(
            max_examples=BATCH, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
        )(seed(number)(given(strategy)(example)))
        try:
            check()
        except BaseException as error:  # a group of them, if there are several
            if isinstance(error, KeyboardInterrupt):
                raise
            failed += 1
            print(
                f"--- {kind}, seed {number}: {type(error).__name__}: {error}",
                *getattr(error, "__notes__", ()),
                sep="\n",
            )
            for inner in getattr(error, "exceptions", ()):
                print(f"{type(inner).__name__}: {inner}", *getattr(inner, "__notes__", ()), sep="\n")
            sys.stdout.flush()
        number += 1
    return tried, failed


def main() -> int:
    """0 if nothing was found."""
    kind, seconds = sys.argv[1], float(sys.argv[2])
    tried, failed = hunt(kind, seconds, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    print(f"{kind}: {tried} examples in {time.process_time():.0f} s of CPU time, {failed} batches failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
