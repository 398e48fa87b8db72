"""The baseline of a suite: a file with the counts of each test, which later runs may not exceed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from transfer_lint.evidence.limits import NAMES, Counts
from transfer_lint.evidence.suite import CALL, SETUP, Record
from transfer_lint.files import disk
from transfer_lint.problems import Problem

VERSION = 1
KEPT = (CALL, SETUP)
"""The phases whose counts are kept: a test, and its set-up with the fixtures that are its own."""


@dataclass(frozen=True)
class Baseline:
    """device: the machine that was measured: `simulated cuda:2`, or `cuda`. tests: title of a record -> counts."""

    device: str
    tests: Mapping[str, Counts]

    def of(self, record: Record) -> Counts | None:
        """The counts that a record may have; None for a test that is new. A set-up that is not listed moved nothing."""
        known = self.tests.get(record.title)
        return Counts() if known is None and record.name in self.tests else known

    def updated(self, device: str, records: Iterable[Record], folder: str) -> Baseline:
        """The baseline with what was measured. Tests that did not run stay, unless their file is gone."""
        tests = {title: counts for title, counts in self.tests.items() if _exists(title, folder)}
        for record in records:
            if record.phase == CALL or record.counts != Counts():
                tests[record.title] = record.counts
            else:
                tests.pop(record.title, None)
        return Baseline(device, tests)


def _exists(title: str, folder: str) -> bool:
    return os.path.exists(os.path.join(folder, title.partition("::")[0]))


@dataclass(frozen=True)
class Difference:
    """A test whose counts are others than those of the baseline."""

    title: str
    before: Counts
    now: Counts

    @property
    def grew(self) -> bool:
        """Whether one of the figures is larger."""
        return any(self.now.of(name) > self.before.of(name) for name in NAMES)


def differences(baseline: Baseline, records: Iterable[Record]) -> list[Difference]:
    """The tests of the baseline that moved something else than it says, by name."""
    found = []
    for record in records:
        before = baseline.of(record)
        if before is not None and before != record.counts:
            found.append(Difference(record.title, before, record.counts))
    return sorted(found, key=lambda each: each.title)


def read(path: str) -> Baseline:
    """The baseline in a file.

    Raises:
        Problem: the file cannot be read, or is no baseline.
    """
    mend = "write it anew with --write-transfer-baseline"
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except FileNotFoundError:
        raise Problem(path, "does not exist", "write it with --write-transfer-baseline") from None
    except OSError as error:
        raise Problem(path, f"cannot be read: {disk.reason(error)}") from None
    except ValueError:
        raise Problem(path, "is no JSON, perhaps because of a merge", mend) from None
    try:
        if value["version"] != VERSION:
            raise Problem(path, f"is a baseline of version {value['version']}, not {VERSION}", mend)
        tests = {
            str(title): Counts(**{name: int(one[name]) for name in NAMES}) for title, one in value["tests"].items()
        }
        return Baseline(str(value["device"]), tests)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Problem(path, "is no baseline of transfers", mend) from None


def text_of(baseline: Baseline) -> str:
    """The file's text: JSON, sorted, one line for each test, so that a change is one line of a diff."""
    tests = [
        f"  {json.dumps(title)}: {json.dumps(counts._asdict(), sort_keys=True)}"
        for title, counts in sorted(baseline.tests.items())
    ]
    inside = "{\n" + ",\n".join(tests) + "\n }" if tests else "{}"
    return f'{{\n "version": {VERSION},\n "device": {json.dumps(baseline.device)},\n "tests": {inside}\n}}\n'
