"""The rounds of `fix`: check all, rewrite some, check all again, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from transfer_codemods.actions import Plan
from transfer_lint.config import Settings
from transfer_lint.findings import Finding, Safety
from transfer_lint.outcome import Problem
from transfer_lint.runner import Examined, Runner

MAX_ROUNDS = 10
"""So often a file is checked and rewritten again before its fixes count as not settling."""


@dataclass
class Settled:
    """Texts after all rounds. texts, examined and applied are by path; what met a problem kept its first text."""

    texts: dict[str, str]
    examined: dict[str, Examined]
    applied: dict[str, list[Finding]] = field(default_factory=dict)
    refused: dict[Finding, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def settle(
    texts: Mapping[str, str], runner: Runner, settings: Settings, locked: frozenset[str] = frozenset()
) -> Settled:
    """Check and rewrite all texts, round by round, until no fix that may be applied is left in any of them.

    Unsafe fixes go first, alone, and everything is checked again before the safe ones: they change where values
    live, which the proofs of the safe ones rest on. The same across files, hence all files in each round.

    locked: paths that are checked only.
    """
    now = dict(texts)
    state = Settled(now, {})
    out: set[str] = set(locked)  # files that are not rewritten (any more)
    dead: set[str] = set()  # files that cannot be checked

    def leave(path: str, problem: Problem) -> None:
        state.problems.append(problem)
        out.add(path)
        now[path] = texts[path]
        state.applied.pop(path, None)

    rounds = 0
    while True:
        overlay = {path: text for path, text in now.items() if text != texts[path]}
        results = runner.examine({path: text for path, text in now.items() if path not in dead}, overlay)
        for path, result in results.items():
            if isinstance(result, Examined):
                state.examined[path] = result
                continue
            leave(path, result)
            if path not in overlay:
                dead.add(path)
        if any(isinstance(results.get(path), Problem) for path in overlay):
            continue  # others may have been rewritten on the strength of a text that was taken back
        changed = _one_round(state, out, runner, settings, leave)
        if not changed:
            return state
        rounds += 1
        if rounds > MAX_ROUNDS:
            for path in changed:
                leave(path, Problem(path, f"its fixes do not settle in {MAX_ROUNDS} rounds, left as it was",
                                    "report this as a bug"))  # fmt: skip


def _one_round(
    state: Settled,
    out: set[str],
    runner: Runner,
    settings: Settings,
    leave: Callable[[str, Problem], None],
) -> list[str]:
    """Apply the fixes of one tier; the paths that changed."""
    state.refused.clear()
    for safety in (Safety.UNSAFE, Safety.SAFE) if settings.unsafe_fixes else (Safety.SAFE,):
        jobs = [
            (path, state.texts[path], plan)
            for path, examined in state.examined.items()
            if path not in out and (plan := plan_of(examined.findings, safety))
        ]
        changed: list[str] = []
        for path, result in runner.rewrite(jobs).items() if jobs else ():
            if isinstance(result, Problem):
                leave(path, result)
                continue
            for finding in state.examined[path].findings:
                if finding.anchor in result.refused:
                    state.refused[finding] = result.refused[finding.anchor]
                elif result.text != state.texts[path] and finding.fix and finding.fix.safety is safety:
                    state.applied.setdefault(path, []).append(finding)
            if result.text != state.texts[path]:
                state.texts[path] = result.text
                changed.append(path)
        if changed:
            return changed
    return []


def plan_of(findings: Iterable[Finding], safety: Safety) -> Plan:
    """Anchor -> action for the fixes of one tier; where two want the same site the lower code is heard."""
    fixable = [finding for finding in findings if finding.fix and finding.fix.safety is safety]
    return {f.anchor: f.fix.action for f in sorted(fixable, key=lambda f: f.code, reverse=True) if f.fix}
