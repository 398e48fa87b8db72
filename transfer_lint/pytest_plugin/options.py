"""What the command line asks for. Values are checked while it is parsed; nothing else is imported for that."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import Any

FORMATS = {".html": "html", ".json": "json", ".md": "markdown"}
"""How the name of a report ends -> its format."""

KINDS = ("cuda", "xpu")
MOST_DEVICES = 64


@dataclass(frozen=True)
class Simulated:
    """The machine to simulate."""

    kind: str
    devices: int

    def __str__(self) -> str:
        return f"simulated {self.kind}:{self.devices}"


def machine(text: str) -> Simulated:
    """The machine that `cuda`, `xpu` or `cuda:2` means."""
    kind, _, number = text.partition(":")
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(f"cannot simulate {kind!r}: give cuda or xpu, or cuda:N for N devices")
    if not number and text != kind:
        raise argparse.ArgumentTypeError(f"{text!r} names no number of devices: give {kind}, or {kind}:N")
    if number and not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_DEVICES):
        raise argparse.ArgumentTypeError(f"{number!r} is no number of devices: give 1 to {MOST_DEVICES}")
    return Simulated(kind, int(number or 1))


def report(text: str) -> str:
    """The path of a report, whose ending says the format."""
    if os.path.splitext(text)[1].lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} ends in none of {', '.join(FORMATS)}, which say the format")
    return in_folder(text)


def in_folder(text: str) -> str:
    """The path of a file in a folder that is there, absolute."""
    path = os.path.abspath(text)
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder")
    if not os.path.isdir(os.path.dirname(path)):
        raise argparse.ArgumentTypeError(f"there is no folder {os.path.dirname(text)!r}")
    return path


@dataclass(frozen=True)
class Asked:
    """The options. simulated: None for the real machine. report, baseline: absolute paths, "" for none."""

    simulated: Simulated | None = None
    report: str = ""
    baseline: str = ""
    write_baseline: bool = False

    @property
    def device(self) -> str:
        """The machine that is measured, in words."""
        return str(self.simulated or "cuda")

    @property
    def form(self) -> str:
        """The format of the report; "" without one."""
        return FORMATS.get(os.path.splitext(self.report)[1].lower(), "")

    @property
    def anything(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.simulated or self.report or self.baseline or self.write_baseline)


def add(group: Any) -> None:
    """Add the options to a group of pytest's parser."""
    group.addoption(
        "--simulate", dest="transfer_lint_simulate", type=machine, metavar="cuda[:N]|xpu[:N]",
        help="run the tests on N accelerators that are not there (one by default): values are real, host tensors meet "
        "device tensors with torch's errors, copies and waits are counted",
    )  # fmt: skip
    group.addoption(
        "--transfers", dest="transfer_lint_report", type=report, metavar="FILE",
        help="write what each test moved, by line and beside the lint's findings: FILE.html, FILE.json or FILE.md",
    )  # fmt: skip
    group.addoption(
        "--transfer-baseline", dest="transfer_lint_baseline", type=in_folder, metavar="FILE",
        help="fail tests that wait, copy or move bytes more than FILE says",
    )  # fmt: skip
    group.addoption(
        "--write-transfer-baseline", dest="transfer_lint_write", action="store_true",
        help="write the counts of the tests that pass to the file of --transfer-baseline instead of comparing",
    )  # fmt: skip


def asked(namespace: Any) -> Asked:
    """The options in a namespace of argparse."""
    return Asked(
        namespace.transfer_lint_simulate,
        namespace.transfer_lint_report or "",
        namespace.transfer_lint_baseline or "",
        namespace.transfer_lint_write,
    )
