"""`python -m transfer_lint.tracing.examples.worker JOB RESULT`: runs examples of rules' pages, before and after a fix.

JOB is a JSON file with a list of examples: `before`, `after`, `run`, `tolerated` (kinds of difference that are meant).
RESULT is a JSON file with what is wrong with each: a list of sentences.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from transfer_lint.tracing.examples.compare import compare


def main() -> None:
    """Run the examples."""
    job, result = map(Path, sys.argv[1:])
    asked = json.loads(job.read_text(encoding="utf-8"))
    result.write_text(json.dumps([list(_mistakes(**each)) for each in asked]), encoding="utf-8")


def _mistakes(before: str, after: str, run: str, tolerated: list[str]) -> Iterator[str]:
    verdict = compare(before, after, run, frozenset(tolerated))
    if not verdict.ran:
        yield f"`run: {run}` raises with every input"
    elif verdict.kinds:
        yield f"does not do the same, {'fixed' if before != after else 'when it runs twice'}: {verdict.report()}"
    elif before != after and not (verdict.saved > 0 or verdict.moved > 0):
        yield "the fix saves nothing with any input"


if __name__ == "__main__":
    main()
