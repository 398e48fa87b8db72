"""The rewrites as libcst codemod commands.

    python -m libcst.tool codemod -x --no-format transfer_codemods.FixTransfers PATH ...

With `-x`, libcst imports the name as it is written. Without it, libcst looks a command up in the `modules` of a
`.libcst.codemod.yaml` in the current folder or one above, as `MODULE.FILE.CLASS`. With `transfer_codemods` listed there

    modules: [transfer_codemods]

the command is `commands.FixTransfers`. `--no-format` is needed where no `formatter` is configured and `black`,
libcst's default, is not installed. `-u` shows a diff and writes nothing; `--unsafe` allows rewrites that are not
proved to keep what the program computes.

The commands only carry out a plan. The plan comes from the one planner that is installed under the entry point group
"transfer_codemods.planner": a callable `plan(path: str, source: str, unsafe: bool) -> Plan`.
"""

from __future__ import annotations

from argparse import ArgumentParser
from importlib.metadata import entry_points
from typing import Protocol, cast

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from .actions import (
    Action,
    AssignResult,
    ConstructOnDevice,
    DeleteTransfer,
    GuardModule,
    GuardTensor,
    HoistTransfer,
    KeepOnDevice,
    MergeTransfer,
    Plan,
    ReadAtOnce,
    RememberRead,
    ReuseTransfer,
    UnreadImport,
    UnreadLocal,
)
from .fix_transfers import rewrite

GROUP = "transfer_codemods.planner"


class Planner(Protocol):
    """Makes the plan for a file."""

    def __call__(self, path: str, source: str, unsafe: bool) -> Plan:
        """path: the file's path, "-" for standard input; source: its text; unsafe: plan unsafe rewrites too."""


def installed_planner() -> Planner:
    """The planner that is installed. Raises SkipFile, which libcst shows to the user, if there is none or several."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    if len(found) == 1:
        return cast(Planner, next(iter(found.values())).load())
    if found:
        raise SkipFile(f"several planners are installed ({', '.join(sorted(found))}); keep one of them.")
    raise SkipFile("no planner is installed to say which transfers to rewrite; `pip install transfer-lint` brings one.")


class FixTransfers(CodemodCommand):
    """All rewrites."""

    DESCRIPTION = "Rewrite device transfers that move nothing, or need not move anything."
    ACTIONS: tuple[type[Action], ...] = (
        DeleteTransfer,
        GuardTensor,
        GuardModule,
        KeepOnDevice,
        MergeTransfer,
        ConstructOnDevice,
        AssignResult,
        HoistTransfer,
        ReuseTransfer,
        RememberRead,
        ReadAtOnce,
    )

    def __init__(self, context: CodemodContext, unsafe: bool = False) -> None:
        super().__init__(context)
        self.unsafe = unsafe

    @staticmethod
    def add_args(arg_parser: ArgumentParser) -> None:
        """Adds `--unsafe`."""
        arg_parser.add_argument("--unsafe", action="store_true", help="Also apply rewrites that are not proved safe.")

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """Plans and rewrites one file; what is refused becomes a warning."""
        path = self.context.filename or "-"
        plan = installed_planner()(path, tree.code, self.unsafe)
        rewritten = rewrite(
            tree,
            {
                at: action
                for at, action in plan.items()
                if isinstance(action, (*self.ACTIONS, UnreadImport, UnreadLocal))
            },
        )
        for anchor, reason in rewritten.refused.items():
            self.warn(f"{path}:{anchor.line}:{anchor.column}: not rewritten: {reason}")
        return rewritten.module


class DeleteTransfers(FixTransfers):
    """Deletions alone."""

    DESCRIPTION = "Delete device transfers of values that are there already."
    ACTIONS = (DeleteTransfer,)


class GuardTensors(FixTransfers):
    """Tensor guards alone."""

    DESCRIPTION = "Move tensors only where they are somewhere else."
    ACTIONS = (GuardTensor,)


class GuardModules(FixTransfers):
    """Module guards alone."""

    DESCRIPTION = "Move modules only where one of their tensors is somewhere else."
    ACTIONS = (GuardModule,)


class KeepOnDevices(FixTransfers):
    """Device halves dropped, alone."""

    DESCRIPTION = "Keep tensors on their device and convert their dtype alone."
    ACTIONS = (KeepOnDevice,)


class MergeTransfers(FixTransfers):
    """Merged chains alone."""

    DESCRIPTION = "Move and convert tensors in one call instead of two."
    ACTIONS = (MergeTransfer,)


class ConstructOnDevices(FixTransfers):
    """Construction in place alone."""

    DESCRIPTION = "Make tensors on the device that they are moved to."
    ACTIONS = (ConstructOnDevice,)


class AssignResults(FixTransfers):
    """Assigned results alone."""

    DESCRIPTION = "Assign the results of tensor moves that nobody takes."
    ACTIONS = (AssignResult,)


class HoistTransfers(FixTransfers):
    """Moves that a loop repeats, alone."""

    DESCRIPTION = "Move in the first round of a loop what every round moves."
    ACTIONS = (HoistTransfer,)


class ReuseTransfers(FixTransfers):
    """Moves done twice, alone."""

    DESCRIPTION = "Use the first copy of a value that is moved twice."
    ACTIONS = (ReuseTransfer,)


class RememberReads(FixTransfers):
    """Host reads remembered for a step, alone."""

    DESCRIPTION = "Read once per step what every layer reads."
    ACTIONS = (RememberRead,)


class ReadsAtOnce(FixTransfers):
    """Reads of every element, alone."""

    DESCRIPTION = "Read all elements of a tensor in one call."
    ACTIONS = (ReadAtOnce,)
