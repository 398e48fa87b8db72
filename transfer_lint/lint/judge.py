"""The pure core: source in, findings out."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from transfer_lint.findings import Evidence, Finding, Fix
from transfer_lint.flow.analysis import Analysis
from transfer_lint.flow.ask.questions import Questions
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Fact, Why
from transfer_lint.rules import RULES, Rule, Verdict
from transfer_lint.rules.options import RuleOptions

_LONGEST_CHAIN = 16  # facts of a proof that are shown

# One analysis per project: what is known of a callee serves every file of the run.
_analyses: WeakKeyDictionary[Project, Analysis] = WeakKeyDictionary()


@dataclass(frozen=True)
class CheckResult:
    """findings: of all rules, in source order, the strongest per site.

    sites: how many transfers and host reads were looked at.
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
            findings.append(finding(place, *judged))
    return CheckResult(tuple(sorted(findings, key=lambda f: (f.line, f.column, f.code))), len(places))


def analysis_of(project: Project) -> Analysis:
    """The project's analysis."""
    if project not in _analyses:
        _analyses[project] = Analysis(project)
    return _analyses[project]


def strongest(place: Site | HostRead, questions: Questions, options: RuleOptions) -> tuple[Rule, Verdict] | None:
    """The most severe verdict; of equals that of the first rule."""
    rules = [rule for rule in RULES.values() if rule.wants == type(place).__name__]
    verdicts = [(rule, verdict) for rule in rules if (verdict := rule.check(place, questions, options))]
    return max(verdicts, key=lambda pair: pair[1].severity.rank, default=None)


def finding(site: Site | HostRead, rule: Rule, verdict: Verdict) -> Finding:
    """A verdict as it is reported."""
    line, column = site.anchor
    end_line, end_column = site.end
    fix = Fix(verdict.safety, verdict.title, verdict.action) if verdict.action is not None else None
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
        text = text.replace("{}", _shortened(module.source_of(node)))
    return Evidence(module.path, line, module.column(line, offset), text)


def _shortened(text: str, limit: int = 70) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
