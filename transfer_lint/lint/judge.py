"""The pure core of the lint: source in, findings out."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from transfer_codemods.actions import GuardModule, GuardTensor
from transfer_lint.findings import Evidence, Finding, Fix, FixHints, Severity
from transfer_lint.flow.analysis import Analysis
from transfer_lint.flow.ask.questions import Questions
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import written
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Fact, Why
from transfer_lint.rules import RULES, Rule, Verdict
from transfer_lint.rules.options import RuleOptions

_LONGEST_CHAIN = 16  # how many evidence lines of a proof are kept
_LONGEST_SOURCE = 70  # characters of code in a fact

# One analysis per project, so that what it finds out about a callee is used for every file of the run.
_analyses: WeakKeyDictionary[Project, Analysis] = WeakKeyDictionary()


@dataclass(frozen=True)
class CheckResult:
    """The result for one file.

    findings: in source order; of each site only the most severe one. sites: the number of transfers and host reads.
    """

    findings: tuple[Finding, ...]
    sites: int


def check(path: str, text: str, project: Project, options: RuleOptions) -> CheckResult:
    """Check one file of a project.

    Raises SyntaxError, ValueError (NUL bytes), RecursionError and MemoryError where `ast.parse` does.
    """
    module = project.add(path, text)
    analysis = analysis_of(project)
    examined = analysis.examine(module)
    questions = Questions(project, module, examined)
    findings: list[Finding] = []
    places: list[Site | HostRead] = [*examined.sites, *examined.reads]
    for place in places:
        judged = strongest(place, questions, options)
        if judged is not None:
            findings.append(finding(place, *judged, on_request=_on_request(place, judged[1], questions, options)))
    return CheckResult(tuple(sorted(findings, key=lambda f: (f.line, f.column, f.code))), len(places))


def analysis_of(project: Project) -> Analysis:
    """The project's analysis."""
    if project not in _analyses:
        _analyses[project] = Analysis(project)
    return _analyses[project]


def strongest(place: Site | HostRead, questions: Questions, options: RuleOptions) -> tuple[Rule, Verdict] | None:
    """The most severe verdict on a transfer or host read, with its rule; of equally severe ones that of the first rule.

    None if no rule gives a verdict.
    """
    rules = [rule for rule in RULES.values() if rule.wants == type(place).__name__]
    verdicts = [(rule, verdict) for rule in rules if (verdict := rule.check(place, questions, options))]
    return max(verdicts, key=lambda pair: pair[1].severity.rank, default=None)


def _on_request(place: Site | HostRead, verdict: Verdict, questions: Questions, options: RuleOptions) -> bool:
    """Whether the fix of a verdict is one that `fix` applies only where it is asked to mend hints."""
    if verdict.severity is not Severity.HINT or options.fix_hints is FixHints.ALWAYS:
        return False
    guards = isinstance(verdict.action, GuardTensor | GuardModule)
    return options.fix_hints is FixHints.NEVER or not (guards and questions.is_in_node_of_pack(place))


def finding(site: Site | HostRead, rule: Rule, verdict: Verdict, *, on_request: bool = False) -> Finding:
    """The finding that reports a verdict. on_request: `fix` does not apply its fix by itself."""
    line, column = site.anchor
    end_line, end_column = site.end
    fix = Fix(verdict.safety, verdict.title, verdict.action, on_request) if verdict.action is not None else None
    return Finding(
        site.module.path,
        line,
        column,
        end_line,
        end_column,
        rule.code,
        rule.name,
        verdict.severity,
        site.heat,
        site.function.qualname if site.function else "",
        verdict.message,
        evidence_lines(verdict.why),
        fix,
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
    return Evidence(module.path, line, module.column(line, offset), text)
