"""`transfer-lint graph`: a file's functions, drawn before and after the fixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from transfer_lint.files import disk
from transfer_lint.files.decoding import decode
from transfer_lint.files.paths import shown_path
from transfer_lint.files.tree import DiskSources
from transfer_lint.findings import Changes, Finding, Severity
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.fixing.rewriting import Rewrite
from transfer_lint.fixing.rounds import settle
from transfer_lint.fixing.runner import FixRunner, InProcess
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.text_facts import TextFacts
from transfer_lint.graph.diagram import BeforeAfter, Diagram
from transfer_lint.graph.diagram_builder import DiagramBuilder, named
from transfer_lint.graph.folding import folded
from transfer_lint.graph.pairing import paired
from transfer_lint.lint.check_text import Examined, nesting, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem, nearest, unparsable_as
from transfer_lint.rules.options import RuleOptions
from transfer_lint.settings import Settings

MOST_DIAGRAMS = 12
"""How many functions a report draws at most."""


def before_after_of(path: str, function: str | None, settings: Settings) -> BeforeAfter:
    """The device flow of a function and its callees, or of all functions of a file that hold a transfer or host read.

    A notebook is drawn as one file. Code outside functions is not drawn.

    function: qualified name, or the end of one; None: all. settings: `unsafe_fixes` decides which fixes `after` shows.

    Raises:
        Problem: the file cannot be read or parsed, holds no such function, or none with a transfer or host read.
    """
    shown = shown_path(path)
    text = decode(shown, disk.read(shown)).text
    before = deep(_drawn, shown, function, {shown: text}, settings)
    paths = sorted({diagram.path for diagram in before})
    fixed = fix_paths(paths, settings, in_place=False)
    texts = {shown: text, **fixed.outcome.texts}
    after = deep(_drawn, shown, function, texts, settings)
    return _pair(f"{shown}::{function}" if function else shown, before, after)


def _pair(title: str, before: Sequence[Diagram], after: Sequence[Diagram]) -> BeforeAfter:
    """The diagrams of functions; those of the same function are paired, and folded alike."""
    then = {(diagram.path, diagram.title): diagram for diagram in after}
    first: list[Diagram] = []
    second: list[Diagram] = []
    for diagram in before:
        twin = then.pop((diagram.path, diagram.title), None)
        one, *other = folded([diagram] if twin is None else paired(diagram, twin))
        first.append(one)
        second += other
    return BeforeAfter(title, tuple(first), (*second, *(folded([diagram])[0] for diagram in then.values())))


def before_after_for(
    outcome: Outcome, settings: Settings, facts: TextFacts | None = None, watched: Sequence[Project] = ()
) -> tuple[BeforeAfter, ...]:
    """The diagrams of the functions with errors, warnings or fixes; of at most MOST_DIAGRAMS, those with the most.

    Errors and warnings count more than fixes of hints, which count only if `fix` makes them unasked.

    facts: what is known of texts. watched: projects that have been looked at; one is used if it has these texts.
    """
    found = [f for f in outcome.findings if f.function and not f.about_lint]
    loud = Counter((f.path, f.function) for f in found if f.severity is not Severity.HINT)
    mended = Counter((f.path, f.function) for f in found if f.fix is not None and not f.fix.on_request)
    wanted = sorted(loud.keys() | mended.keys(), key=lambda key: (-loud[key], -mended[key], key))[:MOST_DIAGRAMS]
    if not wanted:
        return ()
    paths = sorted({path for path, _ in wanted})
    same = (project for project in watched if all(project.sources.read(p) == t for p, t in outcome.texts.items()))
    first = next(same, None) or _watched(outcome.texts, settings, facts)
    before = deep(_each, wanted, first, settings)
    runner = _Rounds(settings, first)
    settled = settle({path: outcome.texts[path] for path in paths}, runner, settings, known=_examined(paths, outcome))
    last = runner.project
    if any((module := last.module(path, path)) is None or module.text != settled.texts[path] for path in paths):
        last = _watched({**outcome.texts, **settled.texts}, settings, facts)  # some fixes were taken back
    after = deep(_each, wanted, last, settings)
    return tuple(
        _pair(f"{function} ({path})", [before[path, function]], [after[path, function]])
        for path, function in wanted
        if (path, function) in before and (path, function) in after
    )


class _Rounds(InProcess):
    """Checks in this process, and rewrites as the project of each file wants it."""

    def rewrite(self, jobs: Sequence[tuple[str, str, Changes]]) -> list[Rewrite | Problem]:
        """Carry out plans."""
        return FixRunner.rewrite(self, jobs)


def _examined(paths: Sequence[str], outcome: Outcome) -> dict[str, Examined]:
    """What the outcome says of the files; nothing where it does not say all."""
    if outcome.in_baseline:
        return {}
    found: dict[str, list[Finding]] = {path: [] for path in paths}
    for finding in outcome.findings:
        if finding.path in found:
            found[finding.path].append(finding)
    return {path: Examined(tuple(findings)) for path, findings in found.items()}


def _watched(texts: Mapping[str, str], settings: Settings, facts: TextFacts | None = None) -> Project:
    project = project_over(DiskSources(texts), settings, facts)
    project.watched = True
    return project


def _each(wanted: Sequence[tuple[str, str]], project: Project, settings: Settings) -> dict[tuple[str, str], Diagram]:
    """(path, function) -> its diagram, without callees. What cannot be drawn is left out."""
    builder = DiagramBuilder(project, RuleOptions.of(settings))
    found: dict[tuple[str, str], Diagram] = {}
    modules = {path: project.module(path, path) for path, _ in wanted}
    for path, function in wanted:
        module = modules[path]
        named_so = named(module.functions, function) if module is not None else []
        with suppress(RecursionError):
            found.update(((path, function), diagram) for diagram in builder.build(named_so[:1]))
    return found


def _drawn(path: str, function: str | None, texts: dict[str, str], settings: Settings) -> tuple[Diagram, ...]:
    try:
        with nesting(path):
            project = _watched(texts, settings)
            module = project.add(path, texts[path])
            builder = DiagramBuilder(project, RuleOptions.of(settings))
            if function is None:
                functions = builder.holding(module)
                if not functions:
                    raise Problem(path, "no function of it holds a transfer", "name one: PATH::FUNCTION")
                return builder.build(functions)
            found = named(module.functions, function)
            if not found:
                raise _unknown(path, function, builder.names(module))
            return builder.build(builder.with_callees(found))
    except SyntaxError as error:
        what, line = unparsable_as(error, texts[path])
        raise Problem(path, f"{what} (line {line})", "mend it") from None


def _unknown(path: str, function: str, names: list[str]) -> Problem:
    ends = {name.rpartition(".")[2]: name for name in names}
    near = nearest(function, [*names, *ends])
    hint = f"did you mean {ends.get(near, near)!r}?" if near else f"it has {', '.join(names[:8])}"
    return Problem(path, f"has no function {function!r}", hint if names else "name another file")
