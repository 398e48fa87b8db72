"""Source with marks: `x.⟦to|tensor rebind d0 t1⟧(d, dtype=t)` says what to do at that call.

⟦METHOD|ACTION OPTION ...⟧
ACTION  delete, tensor, module, keep, assign
        merge               the inner call's halves, `>`, the outer call's
        construct
        hoist 2             out of two loops
        reuse NAME          of what came of the first move
        remember SOURCE     what stays the same for a step; index-first: one item of what is brought to the host
        goes stays runs     an assignment that may be left unread, `⟦d|goes⟧ = f()`: it goes; it stays; `f()` is left
OPTION  rebind              of a tensor guard
        first-tensor cached the form of a module guard
        with-dtype          the factory takes the dtype too
        like                the argument's own method makes it
        cast=torch.half     the outer call of a merge is a cast
        d0 t1 d t           the device / dtype half is argument 0 / 1 / said by the method's name
        d0*                 ... and must be evaluated once
        d0@torch.device({}) ... and is compared so
Without a half: d0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import dedent

import libcst as cst

from transfer_codemods import (
    Action,
    Anchor,
    AssignResult,
    ConstructOnDevice,
    DeleteTransfer,
    GuardForm,
    GuardModule,
    GuardTensor,
    Half,
    HoistTransfer,
    KeepOnDevice,
    MergeTransfer,
    Plan,
    ReadAtOnce,
    RememberRead,
    ReuseTransfer,
    Rewritten,
    Target,
    UnreadLocal,
    rewrite,
)

MARK = re.compile(r"⟦(\w+)\|([^⟧]*)⟧")
HALF = re.compile(r"([dt])(\d*)(\*?)(?:@(.*))?")


def target(options: Iterable[str]) -> Target:
    halves = {}
    for option in options:
        match = HALF.fullmatch(option)
        assert match, option
        half, index, once, wrap = match.groups()
        halves[half] = Half(int(index) if index else None, not once, wrap or "{}")
    return Target(halves.get("d"), halves.get("t"))


UNREAD = {"goes": UnreadLocal(False, False), "stays": UnreadLocal(True, True), "runs": UnreadLocal(False, True)}


def action(text: str) -> Action | UnreadLocal:
    name, *options = text.split()
    if name in UNREAD:
        return UNREAD[name]
    forms = {form.value: form for form in GuardForm}
    if name == "merge":
        casts = [option.removeprefix("cast=") for option in options if option.startswith("cast=")]
        inner, _, outer = " ".join(option for option in options if "=" not in option).partition(">")
        return MergeTransfer(target(inner.split()), target(outer.split()), *casts)
    if name == "assign":
        return AssignResult()
    if name == "hoist":
        return HoistTransfer(int(options[0]))
    if name == "reuse":
        return ReuseTransfer(options[0])
    if name == "at-once":
        return ReadAtOnce()
    if name == "remember":
        source = " ".join(option for option in options if option != "index-first")
        return RememberRead(source, index_first="index-first" in options)
    wanted = target(
        [option for option in options if option not in (*forms, "rebind", "with-dtype", "like", "unpacked")] or ["d0"]
    )
    if name == "delete":
        return DeleteTransfer()
    if name == "tensor":
        return GuardTensor(wanted, rebind="rebind" in options)
    if name == "module":
        return GuardModule(wanted, next((forms[option] for option in options if option in forms), GuardForm.EXACT))
    if name == "construct":
        forms_of_making = {name: name in options for name in ("like", "unpacked")}
        return ConstructOnDevice(wanted, with_dtype="with-dtype" in options, **forms_of_making)
    assert name == "keep", name
    return KeepOnDevice(wanted)


def unmark(text: str) -> tuple[str, Plan]:
    """The source without its marks, and the plan that they spell."""
    plan: dict[Anchor, Action | UnreadLocal] = {}
    source = ""
    end = 0
    for match in MARK.finditer(text):
        source += text[end : match.start()]
        lines = re.split(r"\r\n?|\n", source)
        plan[Anchor(len(lines), len(lines[-1]) + 1)] = action(match[2])
        source += match[1]
        end = match.end()
    return source + text[end:], plan


def fix(text: str) -> Rewritten:
    """Rewrites marked source."""
    source, plan = unmark(text)
    return rewrite(cst.parse_module(source), plan)


@dataclass(frozen=True)
class Case:
    """before: marked source; after: what it must become; refused: a part of each reason that must be given."""

    id: str
    before: str
    after: str
    refused: tuple[str, ...] = ()

    def check(self) -> None:
        """The result is exactly `after`, it compiles, and what was refused is what should be."""
        rewritten = fix(self.before)
        assert rewritten.module.code == self.after, "\n" + rewritten.module.code
        compile(rewritten.module.code, "<after>", "exec")
        reasons = list(rewritten.refused.values())
        assert len(reasons) == len(self.refused), reasons
        for reason, part in zip(reasons, self.refused, strict=True):
            assert part in reason
            assert reason[0].isupper()
            assert reason.endswith(".")


def case(id: str, before: str, after: str, *refused: str) -> Case:
    """A case from indented text."""
    return Case(id, dedent(before).lstrip("\n"), dedent(after).lstrip("\n"), refused)


def refusal(id: str, before: str, *parts: str) -> Case:
    """A case in which nothing changes and every mark is refused."""
    text = dedent(before).lstrip("\n")
    return Case(id, text, unmark(text)[0], parts)
