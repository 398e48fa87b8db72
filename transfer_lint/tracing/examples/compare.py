"""Checks that fixed code is as good as the original, with every placement of the inputs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from transfer_lint.tracing.examples.inputs import combinations
from transfer_lint.tracing.examples.outcome import differences, observe
from transfer_lint.tracing.simulate import simulate


@dataclass
class Verdict:
    """The result for all combinations of the inputs.

    kinds: how often each kind of difference was seen. texts: the first difference of each kind, with its inputs.
    tried: how many combinations were run. ran: in how many of them the original raised nothing. saved: how many
    transfers, waits and no-op calls the fix saves. moved: the same without no-op calls.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    ran: int = 0
    tried: int = 0
    saved: int = 0
    moved: int = 0

    def report(self) -> str:
        """All texts, one per line."""
        return "\n".join(self.texts)


def compare(before: str, after: str, expression: str, tolerated: frozenset[str] = frozenset()) -> Verdict:
    """Run both sources on every combination of the inputs that `expression` names.

    tolerated: kinds of difference that are the purpose of the fix.
    """
    old, new = compile(before, "<before>", "exec"), compile(after, "<after>", "exec")
    call = compile(expression, "<run>", "eval")
    verdict = Verdict()
    with simulate("cuda", devices=2) as machine:
        for inputs in combinations(expression):
            first = observe(machine, old, call, {name: choice.make() for name, choice in inputs.items()})
            second = observe(machine, new, call, {name: choice.make() for name, choice in inputs.items()})
            verdict.tried += 1
            verdict.ran += first.error is None
            verdict.moved += first.transfers + first.waits - second.transfers - second.waits
            verdict.saved += (first.transfers + first.waits + first.no_op_calls) - (
                second.transfers + second.waits + second.no_op_calls
            )
            for kind, text in differences(first, second):
                if kind in tolerated:
                    continue
                verdict.kinds[kind] += 1
                if verdict.kinds[kind] == 1:
                    given = ", ".join(f"{name}: {choice.text}" for name, choice in inputs.items())
                    verdict.texts.append(f"{kind}: {text} (with {given or 'no inputs'})")
    return verdict
