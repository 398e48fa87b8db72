"""What holds of any source, configuration, notebook and pattern file."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import signal
import tokenize
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import assume, event

from tests.support.command import WASTE
from transfer_lint.files.discovery import collect
from transfer_lint.findings import FixHints
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.lint import lookup
from transfer_lint.lint.check import check_paths
from transfer_lint.lint.forms import OUTPUT_FORMATS
from transfer_lint.lint.outcome import Outcome
from transfer_lint.problems import Problem
from transfer_lint.report import DOCUMENTS, View, report
from transfer_lint.report.terminal import document, printed
from transfer_lint.settings import Settings

CPU_SECONDS = 60
"""What one example may take at most. It is the process's own time, so a busy machine does not count."""


@contextlib.contextmanager
def in_time(seconds: int = CPU_SECONDS) -> Iterator[None]:
    """Fails when its body takes more of this process's time than that."""

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def no_bug(problems: tuple[Problem, ...]) -> None:
    bugs = [str(problem) for problem in problems if "report this as a bug" in problem.mend]
    assert not bugs, bugs


def hold_source(folder: Path, text: str, *, unsafe: bool) -> None:
    """Check and fix a text: positions lie in it, reports can be written, the fix compiles and is the last one."""
    path = folder / "source.py"
    try:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        assume(False)
    settings = Settings(root=str(folder), fix_hints=FixHints.ALWAYS, unsafe_fixes=unsafe)
    outcome = check_paths([str(path)], settings)
    no_bug(outcome.problems)
    _positions(outcome)
    _reports(outcome)
    assert check_paths([str(path)], settings).findings == outcome.findings
    fixed = fix_paths([str(path)], settings)
    no_bug(fixed.outcome.problems)
    event(f"{len(fixed.files)} file fixed")
    for file in fixed.files:
        _compiles_as_before(file.source.text, file.text)
        assert _comments(file.text) >= _comments(file.source.text) - {""}
        path.write_bytes(file.new)
        again = fix_paths([str(path)], settings)
        assert not again.files
        assert again.outcome.findings == fixed.outcome.findings


def _positions(outcome: Outcome) -> None:
    for finding in outcome.findings:
        lines = re.split(r"\r\n|\r|\n", outcome.texts[finding.path])
        assert 1 <= finding.line <= finding.end_line <= len(lines)
        assert 1 <= finding.column <= len(lines[finding.line - 1]) + 1
        assert 1 <= finding.end_column <= len(lines[finding.end_line - 1]) + 1


def _reports(outcome: Outcome) -> None:
    for form in OUTPUT_FORMATS:
        if form == "html":  # slow, and tested in a browser
            continue
        for line in report(form)(outcome, View()):
            sent = document(line) if form in DOCUMENTS else printed(line, commands=form == "github")
            unseen = {char for char in sent if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
            assert unseen <= ({"\t", "\n"} if form in DOCUMENTS else {"\t"})
            if form in ("json", "sarif", "gitlab"):
                json.loads(sent)


def _compiles_as_before(before: str, after: str) -> None:
    try:
        ast.parse(before)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # only comments of such a file may change
    compile(after, "<fixed>", "exec", dont_inherit=True, flags=ast.PyCF_ONLY_AST)


def _comments(text: str) -> set[str]:
    """The comments, but for those that speak to the lint."""
    found: set[str] = set()
    with contextlib.suppress(tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and "transfer-lint" not in token.string:
                found.add(token.string)
    return found


def hold_configuration(folder: Path, text: str) -> None:
    """A configuration is refused with a Problem, or a file can be checked and fixed with it."""
    (folder / "transfer-lint.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    source = folder / "waste.py"
    source.write_text(WASTE)
    try:
        settings = lookup.load([str(source)])
    except Problem as problem:
        event("refused")
        no_bug((problem,))
        return
    event("taken")
    found = collect([str(folder)], settings, force_exclude=True)
    no_bug(check_paths(found.files, settings).problems)
    no_bug(fix_paths(found.files, settings).outcome.problems)


def hold_notebook(folder: Path, text: str) -> None:
    """A notebook is refused with a Problem, or the fix changes the source of code cells alone, and is the last one."""
    path = folder / "book.ipynb"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    settings = Settings(root=str(folder), fix_hints=FixHints.ALWAYS)
    outcome = check_paths([str(path)], settings)
    no_bug(outcome.problems)
    _reports(outcome)
    fixed = fix_paths([str(path)], settings)
    no_bug(fixed.outcome.problems)
    event(f"{len(fixed.files)} notebook fixed")
    for file in fixed.files:
        assert _without_code(json.loads(file.new)) == _without_code(json.loads(file.old))
        path.write_bytes(file.new)
        assert not fix_paths([str(path)], settings).files


def _without_code(content: dict[str, object]) -> dict[str, object]:
    cells = content["cells"]
    assert isinstance(cells, list)
    return {**content, "cells": [{**cell, "source": ""} if cell.get("cell_type") == "code" else cell for cell in cells]}


def hold_patterns(folder: Path, data: bytes) -> None:
    """Whatever a .gitignore and the configuration hold, files are collected and checked, and others stay."""
    (folder / "sub").mkdir(exist_ok=True)
    for name in ("a.py", "sub/a.py", "sub/" + "a" * 200 + ".py"):
        (folder / name).touch()
    (folder / "sub" / ".gitignore").write_bytes(data)
    lines = tuple(data.decode("latin-1").splitlines())
    top = str(folder / "a.py")
    settings = Settings(root=str(folder))
    assert collect([str(folder)], settings).files[0] == top
    ignoring = replace(settings, per_file_ignores=tuple((line, ("ALL",)) for line in lines[:20]))
    no_bug(check_paths([top], ignoring).problems)
    excluding = replace(settings, extend_exclude=lines)
    named = collect([top], excluding, force_exclude=True).files
    assert named == collect([str(folder)], excluding).files[: len(named)]
