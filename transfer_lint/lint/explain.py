"""`transfer-lint explain`: the placements of a line's values with their proofs, and what is reported there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.paths import shown_path
from transfer_lint.files.text import lines_of
from transfer_lint.files.tree import DiskSources
from transfer_lint.flow.analysis import Analysis
from transfer_lint.flow.ask.questions import Questions
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import written
from transfer_lint.flow.results.examination import Interpretation
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Known, Why
from transfer_lint.flow.values.values import (
    Class,
    Constant,
    External,
    Function,
    Host,
    Object,
    Package,
    Placed,
    Tensor,
    Tuple,
    Value,
)
from transfer_lint.lint.check_text import nesting, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.judge import Judgement, analysis_of, evidence_lines, judge
from transfer_lint.lint.lookup import load
from transfer_lint.lint.silence import reasons
from transfer_lint.problems import Problem, unparsable_as
from transfer_lint.rules.options import RuleOptions


def explain(path: str, text: str, line: int, column: int | None, project: Project, options: RuleOptions) -> list[str]:
    """What is known about the values and transfers on a line, as lines.

    line, column: 1-based, column in characters. With a column: only values whose expression covers it, and only what
    begins there of all that is judged.

    Raises what `judge.check` raises for source that does not parse.
    """
    module = project.add(path, text)
    if not 1 <= line <= len(module.lines):
        return [f"{path} has {len(module.lines)} lines; there is no line {line}"]
    analysis = Analysis(project, assumptions=options.assumptions, watching=True)
    around = analysis.interpretations(module, range(line, line + 1))
    chosen = max(around, key=lambda i: i.function.node.lineno if i.function else 0)
    lines = [f"{path}:{line}  {module.lines[line - 1].strip()}"]
    lines.extend(_values(module, chosen, line, column))
    questions = Questions(project, module, analysis_of(project).examine(module))
    found = judge(module, project, options).judgements
    # A host read may be at the same call.
    judged = {each.place.node: each for each in found if isinstance(each.place, Site)}
    lines.extend(_judgements(questions, judged, line, column))
    for each in found:
        if not isinstance(each.place, Site) and _is_asked_for(each, line, column):
            lines.extend(_reported(each))
    if len(lines) == 1:
        lines.append("no value of this line is followed: it holds no expression that runs, or runs in no function")
    return lines


def _is_asked_for(found: Judgement, line: int, column: int | None) -> bool:
    """Whether a judgement is about a place on a line: where the place is, or where the finding says that it begins."""
    begins = (found.place.anchor, found.verdict.start or found.place.anchor)
    return any(at == (line, column or at[1]) for at in begins)


def _values(module: Module, interpretation: Interpretation, line: int, column: int | None) -> Iterator[str]:
    said: set[str] = set()
    nodes = (
        n for n in interpretation.values if isinstance(n, ast.expr) and n.lineno <= line <= (n.end_lineno or n.lineno)
    )
    for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset, -(n.end_col_offset or 0))):
        start, end = (
            module.column(node.lineno, node.col_offset),
            module.column(node.end_lineno or line, node.end_col_offset or 0),
        )
        if column is not None and not start <= column <= end:
            continue
        described = _described(interpretation, interpretation.values[node])
        source = written(node)
        if described is None or source in said or (not described[1] and any(source in other for other in said)):
            continue
        said.add(source)
        what, why = described
        yield ""
        yield f"`{source}` is {what}"
        yield from (f"  {fact.path}:{fact.line}  {fact.text}" for fact in evidence_lines(why))


def _described(interpretation: Interpretation, value: Value) -> tuple[str, Why] | None:
    """A value in words, with the facts that prove it; None for a value that has no placement."""
    match value:
        case Tensor():
            device = _half(value.device, "its own device: where it comes from is not known")
            dtype = _half(value.dtype, "its own dtype")
            why = value.why + (value.device.why if value.device else ()) + (value.dtype.why if value.dtype else ())
            return f"a tensor on {device}, {dtype}" + (", or None" if value.optional else ""), why
        case Object() if interpretation.is_module(value):
            name = value.cls if isinstance(value.cls, str) else value.cls.name if value.cls else "?"
            return f"a module ({name})", value.why
        case Object() if value.cls is not None:
            name = value.cls if isinstance(value.cls, str) else value.cls.name
            return f"a `{name.removeprefix('builtins.')}`", value.why
        case Object() if value.placed[0] is not None:
            return f"on {_half(value.placed[0], 'a device that is not known')}, if it is a tensor", value.placed[0].why
        case Object():
            return "not known: nothing says what it is", ()
        case Placed():
            return f"a {'dtype' if value.is_dtype else 'device'}, {value.known.term}", value.known.why
        case Host():
            return "on the host: " + ("an array" if value.array else "no tensor"), ()
        case Tuple():
            return f"a tuple of {len(value.items)}", ()
        case Constant() | Class() | External() | Function() | Package():
            return None
    return None


def _half(known: Known | None, unknown: str) -> str:
    return str(known.term) if known is not None and known.term.has_name else unknown


def _judgements(
    questions: Questions, judged: Mapping[ast.Call, Judgement], line: int, column: int | None
) -> Iterator[str]:
    for site in questions.sites:
        first, last = site.node.lineno, site.node.end_lineno or site.node.lineno
        if not first <= line <= last or (column is not None and site.anchor[1] != column):
            continue
        source = written(site.node)
        found = judged.get(site.node)
        if found is not None:
            yield from _reported(found)
        else:
            yield ""
            yield f"`{source}` is not reported:"
            yield from (f"  {code}: {reason}" for code, reason in reasons(site, questions))


def _reported(found: Judgement) -> Iterator[str]:
    rule, verdict = found.rule, found.verdict
    fix = f"; fix: {verdict.title} ({found.safety.value})" if verdict.action else "; no fix"
    yield ""
    yield f"{rule.code} {rule.name} ({found.severity.value}{fix})"
    yield f"  {found.message}"
    yield from (f"  {fact.path}:{fact.line}  {fact.text}" for fact in evidence_lines(verdict.why))


def explain_place(path: str, line: int, column: int | None) -> list[str]:
    """The placements of a line's values with their proofs, as lines.

    line, column: 1-based, column in characters; column None: the whole line.

    Raises:
        Problem: the file cannot be read or parsed, nests too deep, or has no such line.
    """
    settings = load([path])
    shown = shown_path(path)
    text = decode(shown, disk.read(shown)).text
    count = len(lines_of(text))
    if line > count:
        raise Problem(shown, f"has no line {line}, only {count}", "count from 1")
    project = project_over(DiskSources(), settings)
    try:
        with nesting(shown):
            return deep(explain, shown, text, line, column, project, RuleOptions.of(settings))
    except SyntaxError as error:
        what, at = unparsable_as(error, text)
        raise Problem(shown, f"{what} (line {at})", "mend it, or exclude it") from None
