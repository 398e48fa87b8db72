"""The rounds of `fix`: check all files, rewrite some, check all again, until a fixpoint is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import partial

from transfer_lint.findings import Finding, Safety
from transfer_lint.fixing.choice import Candidate, Choice
from transfer_lint.fixing.lineage import Known, Lineage
from transfer_lint.fixing.planning import comments_of, plan_of
from transfer_lint.fixing.runner import FixRunner
from transfer_lint.lint.check_text import Examined
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

MAX_ROUNDS = 10
"""How many rounds may change files before the fixes of the files that still change count as reaching no fixpoint."""


@dataclass
class Settled:
    """The state after the rounds. texts, examined, applied: by path. A file with a problem keeps its first text.

    latest: what the last round applied, by path. lineage: which finding is which of the first texts.
    """

    texts: dict[str, str]
    examined: dict[str, Examined] = field(default_factory=dict)
    applied: dict[str, list[Finding]] = field(default_factory=dict)
    latest: dict[str, list[Finding]] = field(default_factory=dict)
    refused: dict[Finding, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lineage: Lineage = field(default_factory=Lineage)


def settle(
    texts: Mapping[str, str],
    runner: FixRunner,
    settings: Settings,
    locked: frozenset[str] = frozenset(),
    choice: Choice | None = None,
    known: Mapping[str, Examined] | None = None,
) -> Settled:
    """Check and rewrite all texts, round by round, until no fix that may be applied is left in any of them.

    Unsafe fixes come first, alone, and everything is checked again before the safe fixes: unsafe fixes change
    placements, which the proofs of the safe fixes rest on. Comments come last, when it is known what they suppress.
    Proofs also rest on other files, so each round takes all files. If a file that was rewritten has a problem later, it
    keeps its first text, and the rounds start again without rewriting it, because the other files were rewritten on
    the basis of its new text. They also start again, without the fixes to blame, if safe fixes alone leave something
    that is worth acting on and was not before.

    locked: paths that are only checked, not rewritten. choice: which of the fixes are applied; None for all.
    known: what is found in the texts as they are; None if that is to be found out.
    """
    state = Settled(dict(texts))
    checked, rewritten = set(texts), set(texts) - locked
    barred: set[Known] = set()

    def note(problems: Iterable[Problem]) -> None:
        for problem in problems:
            state.problems.append(problem)
            rewritten.discard(problem.path)

    def begin_again() -> None:
        state.texts.update(texts)
        state.applied.clear()
        if choice is not None:
            choice.begin()

    rounds = 0
    while True:
        changed_so_far = {path: text for path, text in state.texts.items() if text != texts[path]}
        looked_at = {path: text for path, text in state.texts.items() if path in checked}
        results: Mapping[str, Examined | Problem]
        if known and not changed_so_far and known.keys() >= looked_at.keys():
            results = {path: known[path] for path in looked_at}
        else:
            results = runner.examine(looked_at, changed_so_far)
        state.examined.update((path, r) for path, r in results.items() if isinstance(r, Examined))
        troubles = [result for result in results.values() if isinstance(result, Problem)]
        note(troubles)
        if troubles and changed_so_far:
            checked -= {problem.path for problem in troubles} - changed_so_far.keys()  # its own text is not to blame
            begin_again()
            continue
        checked -= {problem.path for problem in troubles}
        _follow(state, checked, first=not changed_so_far)
        changed, failed = _one_round(state, rewritten, runner, settings, choice, barred)
        rounds += bool(changed)
        if rounds > MAX_ROUNDS:
            failed = [_unsettled(path) for path in changed]
            rounds = 0
        note(failed)
        if failed and (changed or changed_so_far):
            begin_again()
        elif not failed and not changed:
            culprits = frozenset() if settings.unsafe_fixes else state.lineage.culprits() - barred
            if not culprits:
                return state
            barred |= culprits
            begin_again()


def _follow(state: Settled, checked: Iterable[str], *, first: bool) -> None:
    for path in checked:
        findings = state.examined[path].findings
        if first:
            state.lineage.begin(path, state.texts[path], findings)
        else:
            state.lineage.follow(path, state.texts[path], findings, state.latest.get(path, ()))


def _unsettled(path: str) -> Problem:
    return Problem(path, f"its fixes do not settle in {MAX_ROUNDS} rounds, left as it was", "report this as a bug")


def _one_round(
    state: Settled,
    rewritten: Set[str],
    runner: FixRunner,
    settings: Settings,
    choice: Choice | None,
    barred: Set[Known],
) -> tuple[list[str], list[Problem]]:
    """Apply the fixes of one tier. Returns the paths that changed, and what could not be rewritten."""
    state.refused.clear()
    state.latest.clear()
    changed: list[str] = []
    troubles: list[Problem] = []
    found = {path: state.examined[path].findings for path in state.texts if path in rewritten & state.examined.keys()}
    for path in {fix.path for fix in barred} & found.keys():
        known = state.lineage.known(path)
        found[path] = tuple(finding for finding in found[path] if known[finding] not in barred)
    chosen: dict[Finding, Candidate] = {}
    if choice is not None:
        for path, findings in found.items():
            chosen.update(choice.of(path, state.texts[path], findings))
        found = {path: tuple(filter(chosen.__contains__, findings)) for path, findings in found.items()}
    tiers = (partial(plan_of, safety=Safety.SAFE, unsafe=settings.unsafe_fixes), comments_of)
    for tier in (partial(plan_of, safety=Safety.UNSAFE), *tiers) if settings.unsafe_fixes else tiers:
        jobs = [(path, state.texts[path], plan) for path, findings in found.items() if (plan := tier(findings))]
        for (path, text, plan), result in zip(jobs, runner.rewrite(jobs), strict=True):
            if isinstance(result, Problem):
                troubles.append(result)
                continue
            planned = [f for f in found[path] if f.fix and f.anchor in plan and f.fix.action == plan[f.anchor]]
            state.refused.update((f, result.refused[f.anchor]) for f in planned if f.anchor in result.refused)
            if result.text != text:
                state.texts[path] = result.text
                done = [finding for finding in planned if finding.anchor not in result.refused]
                state.applied.setdefault(path, []).extend(done)
                state.latest.setdefault(path, []).extend(done)
                if choice is not None:
                    choice.took(chosen[finding] for finding in done)
                changed.append(path)
        if changed or troubles:
            break
    return changed, troubles
