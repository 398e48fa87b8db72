"""The pure core of the lint: source in, findings out."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transfer_codemods.actions import DeleteTransfer, GuardModule, GuardTensor, ReuseTransfer
from transfer_lint.findings import (
    Assumption,
    Evidence,
    Finding,
    Fix,
    FixHints,
    Heat,
    Safety,
    Severity,
    SpareImport,
    SpareLocal,
)
from transfer_lint.flow.analysis import Analysis, parts_of
from transfer_lint.flow.ask.questions import Questions
from transfer_lint.flow.ask.spare_imports import SpareImports
from transfer_lint.flow.ask.spare_locals import SpareLocals
from transfer_lint.flow.knowledge.names import TORCHSCRIPT
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import spelled, written
from transfer_lint.flow.results.examination import Examination, Place
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Fact, Why
from transfer_lint.lint.halves import halves
from transfer_lint.rules import RULES, Rule, Verdict
from transfer_lint.rules.options import RuleOptions
from transfer_lint.settings import ANALYSIS_BUDGET

_LONGEST_CHAIN = 16  # how many evidence lines of a proof are kept
_OF_THE_HEAP = frozenset({Assumption.STAYS_WHERE_PUT, Assumption.NO_HIDDEN_CHANGES})
_GUARDS = (GuardTensor, GuardModule)
_LONGEST_SOURCE = 70  # characters of code in a fact


@dataclass(frozen=True)
class CheckResult:
    """The result for one file.

    findings: in source order; of each site only the most severe one. sites: the number of transfers and host reads.
    given_up: what took too many steps to be followed.
    """

    findings: tuple[Finding, ...]
    sites: int
    given_up: tuple[GivenUp, ...] = ()


@dataclass(frozen=True)
class GivenUp:
    """A function that took too many steps to be followed.

    name: empty for the top level. column, end_column: 1-based.
    """

    name: str
    line: int
    column: int
    end_column: int


@dataclass(frozen=True)
class Judgement:
    """The strongest verdict on a place, with its rule.

    assumptions: what it rests on; empty if it is proved. trusted: the user takes all of them as facts.
    """

    place: Place
    rule: Rule
    verdict: Verdict
    assumptions: frozenset[Assumption] = frozenset()
    trusted: bool = False

    @property
    def severity(self) -> Severity:
        """At most a warning if it rests on an assumption."""
        most = self.verdict.severity
        return Severity.WARNING if self.assumptions and most is Severity.ERROR else most

    @property
    def safety(self) -> Safety:
        """Of its fix: no safe fix rests on an assumption, not even on a trusted one."""
        return Safety.UNSAFE if self.assumptions else self.verdict.safety

    @property
    def message(self) -> str:
        """What is wrong, with the assumptions, unless they are trusted."""
        names = ", ".join(sorted(assumption.value for assumption in self.assumptions))
        return self.verdict.message + (f" (assuming {names})" if names and not self.trusted else "")


def check(path: str, text: str, project: Project, options: RuleOptions) -> CheckResult:
    """Check one file of a project.

    Raises SyntaxError, ValueError (NUL bytes), RecursionError and MemoryError where `ast.parse` does.
    """
    module = project.add(path, text)
    judged = judge(module, project, options)
    applied = [each for each in judged.judgements if not _on_request(each, judged.questions, options)]
    left = {id(each) for each in applied} - {id(each) for each in _halves(applied, options)}
    findings = [finding(judgement, on_request=id(judgement) not in left) for judgement in judged.judgements]
    findings = with_spare(findings, project, module)
    return CheckResult(
        tuple(sorted(findings, key=lambda f: (f.line, f.column, f.code))),
        judged.sites,
        tuple(_given_up(module, node) for node in judged.given_up),
    )


def with_spare(findings: Sequence[Finding], project: Project, module: Module) -> list[Finding]:
    """The findings of a file, each fix with the imports and the locals that it may leave without a reader."""
    lines = {finding.line for finding in findings if finding.fix}
    if not lines:
        return list(findings)
    imports, locals_ = SpareImports(project, module, lines), SpareLocals(project, module, lines)
    spare_imports = {line: tuple(SpareImport(*at, removal) for at, removal in imports.of(line)) for line in lines}
    spare_locals = {line: tuple(SpareLocal(*at, idle) for at, idle in locals_.of(line)) for line in lines}
    return [
        replace(f, fix=replace(f.fix, imports=spare_imports[f.line], locals=spare_locals[f.line])) if f.fix else f
        for f in findings
    ]


def prepare(path: str, text: str, project: Project, options: RuleOptions) -> None:
    """Parse one file of a project and find out what of it has to be followed. Raises what `ast.parse` raises."""
    analysis_of(project, budget=options.analysis_budget).prepare(project.add(path, text))


def _given_up(module: Module, node: ast.AST) -> GivenUp:
    name, line, offset = getattr(node, "name", ""), getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    column = module.column(line, offset)
    return GivenUp(name, line, column, column + len(f"def {name}") if name else column)


@dataclass(frozen=True)
class Judged:
    """What is judged of a file.

    questions: those without assumptions, if any rule has a verdict. sites: the number of transfers and host reads.
    given_up: what took too many steps to be followed.
    """

    questions: Questions
    judgements: Sequence[Judgement]
    sites: int
    given_up: Sequence[ast.AST]


def judge(module: Module, project: Project, options: RuleOptions) -> Judged:
    """The judgements on a file: what is proved, and on other places what follows from assumptions.

    What can be proved can also be found where something is assumed. So that is done first, and proofs are looked for
    only where it gives a verdict, and one that a proof can change.
    """
    examined = analysis_of(project, options.assumptions, options.analysis_budget).examine(module)
    questions = Questions(project, module, examined, options.assumptions)
    verdicts = [(place, judged) for place in questions.places if (judged := strongest(place, questions, options))]
    sites = len(questions.sites) + len(questions.reads)
    if not options.assumptions or not verdicts:
        judgements = [Judgement(place, *judged) for place, judged in verdicts]
        return Judged(questions, judgements, sites, examined.given_up)
    asking = [place for place, (_, said) in verdicts if _asks_proof(place, said)]
    certain = _certain(project, questions, asking, options)
    proofs = Questions(project, module, certain)
    proved = {_key(place): place for place in proofs.places}
    assumed = options.assumptions & (proofs.assumable | questions.assumable)
    found: list[Judgement] = []
    for place, judged in verdicts:
        asks = _asks_proof(place, judged[1])
        there = proved.get(_key(place)) if asks else None
        proof = strongest(there, proofs, options) if there is not None else None
        if proof is not None and there is not None and _is_enough(there, proof[1], judged[1]):
            found.append(Judgement(there, *proof))
        elif judged[1].severity is not Severity.HINT or judged[1].simpler or judged[1].repeated or _is_hot(place):
            # What is neither proved nor loud nor hot, would read no simpler and is done once a call is not worth a
            # line. A fact may be missing where a proof is not complete: what is assumed of the heap has none.
            rests_on = frozenset(fact.assumption for fact in judged[1].why if fact.assumption is not None)
            if asks and not rests_on:
                rests_on = assumed & _OF_THE_HEAP or assumed or options.assumptions
            if any(map(_may_be_kept, judged[1].why)):
                judged = judged[0], replace(judged[1], action=None)
            found.append(Judgement(place, *judged, rests_on, rests_on <= options.trusted))
    return Judged(proofs, found, sites, tuple(dict.fromkeys((*examined.given_up, *certain.given_up))))


def _asks_proof(place: Place, verdict: Verdict) -> bool:
    """Whether a proof can change what is reported.

    A fix may be safe, and a loud one an error; what is cooler than a step is reported only if it is proved. Any other
    hint says itself what it does not know, and is reported as it is; so is what is loud and names what it assumes.
    """
    sure = verdict.severity is not Severity.HINT and not any(fact.assumption is not None for fact in verdict.why)
    return verdict.action is not None or sure or not _is_hot(place)


def _may_be_kept(fact: Fact) -> bool:
    """Whether a value is supposed to be where a part of the object was asked to make it: it may be kept from before."""
    asked = fact.node.func if isinstance(fact.node, ast.Call) else None
    return fact.assumption is Assumption.DEVICE_ARGUMENT and asked is not None and spelled(asked).startswith("self.")


def _is_hot(place: Place) -> bool:
    """Whether it runs at every step or more often, in a loop that is likely one over steps, too."""
    return place.rate.rate.heat.rank >= Heat.STEP.rank


def _certain(project: Project, questions: Questions, places: Sequence[Place], options: RuleOptions) -> Examination:
    """The examination without assumptions of the parts of a file that hold these places.

    Where a module may be moved, the other methods of the class that move something are examined, too: they may take it
    away again. Of other parts it says what holds with the assumptions: that something else is done there, too, speaks
    against a proof.
    """
    module = questions.module
    of_modules = parts_of(module, (place for place in places if isinstance(place, Site) and not place.is_tensor))
    classes = {part.owner for part in of_modules if part is not None and part.owner is not None}
    beside = {part for part in parts_of(module, questions.sites) if part is not None and part.owner in classes}
    parts = parts_of(module, places) | beside
    wide = analysis_of(project, options.assumptions, options.analysis_budget)
    return analysis_of(project, budget=options.analysis_budget).examine(module, parts, wide)


def _key(place: Place) -> tuple[object, ...]:
    return type(place), place.node


def _is_enough(place: Place, proved: Verdict, assumed: Verdict) -> bool:
    """Whether a proved verdict says as much as one that follows from assumptions.

    That of a wait gives way to one with a fix; a hint without a fix gives way to one that is loud.
    """
    if proved.action:
        return True
    if proved.severity is Severity.HINT:
        return assumed.severity is Severity.HINT
    less = assumed.action is None or assumed.severity.rank < proved.severity.rank
    return less or not isinstance(place, HostRead)


def analysis_of(
    project: Project, assumptions: frozenset[Assumption] = frozenset(), budget: int = ANALYSIS_BUDGET
) -> Analysis:
    """The project's analysis under some assumptions. What it finds out about a callee is used for every file."""
    known: dict[tuple[frozenset[Assumption], int], Analysis] = project.memo.setdefault(Analysis, {})
    key = (assumptions, budget)
    if key not in known:
        beside = next((analysis for (_, steps), analysis in known.items() if steps == budget), None)
        watching = project.watched and not assumptions
        known[key] = Analysis(project, assumptions=assumptions, beside=beside, budget=budget, watching=watching)
    return known[key]


def strongest(place: Place, questions: Questions, options: RuleOptions) -> tuple[Rule, Verdict] | None:
    """The verdict on a transfer or host read that counts most, with its rule; of equal ones that of the first rule.

    None if no rule gives a verdict.
    """
    on = options.plugins | {""}
    rules = [rule for rule in RULES.values() if rule.plugin in on and type(place).__name__ in rule.wants]
    verdicts = [(rule, verdict) for rule in rules if (verdict := rule.check(place, questions, options))]
    found = max(verdicts, key=lambda pair: pair[1].weight, default=None)
    loud = found is not None and found[1].severity is Severity.WARNING
    if found is not None and loud and questions.is_aside(place):
        found = found[0], replace(found[1], severity=Severity.HINT)
    if found is not None and place.function is not None and TORCHSCRIPT in place.function.decorators:
        return found[0], replace(found[1], action=None)  # TorchScript knows only a part of Python
    if found is not None and isinstance(place, Site) and questions.loses_effect(place, found[1].action):
        return found[0], replace(found[1], safety=Safety.UNSAFE)
    return found


def _on_request(judgement: Judgement, questions: Questions, options: RuleOptions) -> bool:
    """Whether it has a fix that `fix` applies only where it is asked to mend hints."""
    place, action = judgement.place, judgement.verdict.action
    if action is None or judgement.severity is not Severity.HINT or options.fix_hints is FixHints.ALWAYS:
        return False
    if options.fix_hints is FixHints.NEVER:
        return True
    guards = isinstance(action, _GUARDS)
    beside = isinstance(place, Site) and questions.follows_tensor(place)  # one input is moved to where another one is
    wanted = judgement.verdict.simpler or (guards and not beside and questions.is_in_node_of_pack(place))
    return not wanted or questions.is_aside(place)


def _halves(applied: Sequence[Judgement], options: RuleOptions) -> Sequence[Judgement]:
    """Those whose fix would take away one of several moves that are written alike, unless they are loud at a step."""
    fixes = {
        each.place.node: each
        for each in applied
        if isinstance(each.place, Site) and each.verdict.action and not isinstance(each.verdict.action, _GUARDS)
    }
    sites = {node: each.place for node, each in fixes.items() if isinstance(each.place, Site)}
    kept = {
        node
        for node, each in fixes.items()
        if options.fix_hints is FixHints.ALWAYS
        or not isinstance(each.verdict.action, DeleteTransfer | ReuseTransfer)
        or (each.severity is not Severity.HINT and each.place.heat.rank >= Heat.STEP.rank)
    }
    unsafe = {node for node, each in fixes.items() if each.safety is Safety.UNSAFE}
    return [fixes[node] for node in halves(sites, kept, unsafe)]


def finding(judgement: Judgement, *, on_request: bool = False) -> Finding:
    """The finding that reports a judgement. on_request: `fix` does not apply its fix by itself."""
    site, rule, verdict = judgement.place, judgement.rule, judgement.verdict
    line, column = verdict.start or site.anchor
    end_line, end_column = site.end
    fix = None
    if verdict.action is not None:
        fix = Fix(judgement.safety, verdict.title, verdict.action, on_request, saves=rule.saves)
    return Finding(
        site.module.path,
        line,
        column,
        end_line,
        end_column,
        rule.code,
        rule.name,
        judgement.severity,
        site.heat,
        site.function.qualname if site.function else "",
        judgement.message,
        evidence_lines(verdict.why),
        fix,
        tuple(sorted(assumption.value for assumption in judgement.assumptions)),
    )


def evidence_lines(why: Why) -> tuple[Evidence, ...]:
    """A proof as evidence lines, without duplicates."""
    return tuple(dict.fromkeys(map(_evidence, why)))[:_LONGEST_CHAIN]


def _evidence(fact: Fact) -> Evidence:
    module: Module = fact.module
    node = fact.node
    line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    text = fact.text
    if "{}" in text:
        text = text.replace("{}", written(node, _LONGEST_SOURCE))
    if fact.assumption is not None:
        text += f" (assumption {fact.assumption.value})"
    return Evidence(module.path, line, module.column(line, offset), text)
