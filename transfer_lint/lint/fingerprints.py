"""Fingerprints of findings, stable under line shifts and reformatting."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from transfer_lint.files.parsing import parse
from transfer_lint.files.text import lines_of
from transfer_lint.findings import Finding
from transfer_lint.lint.deep_stack import deep


def fingerprints(findings: Iterable[Finding], texts: Mapping[str, str]) -> dict[Finding, str]:
    """The fingerprint of each finding, 32 hex digits.

    It is a hash of the finding's path, rule, function and expression, and of how many earlier findings share these.

    texts: path -> the text that the findings are about.
    """
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    found: dict[Finding, str] = {}
    seen: Counter[tuple[str, ...]] = Counter()
    for path, group in by_path.items():
        for finding, expression in zip(group, expressions(texts.get(path, ""), group), strict=True):
            key = (path, finding.code, finding.function, expression)
            digest = hashlib.sha256("\0".join((*key, str(seen[key]))).encode("utf-8", "surrogatepass"))
            found[finding] = digest.hexdigest()[:32]
            seen[key] += 1
    return found


def expressions(text: str, findings: Sequence[Finding]) -> list[str]:
    """What each finding of a text is about: its expression as `ast.unparse` writes it, or its comment; "" for a
    finding about the whole file."""
    lines = lines_of(text)
    wanted = [finding for finding in findings if not finding.about_lint]
    found = deep(_unparsed, text, lines, wanted) if wanted else {}
    return [found.get(finding) or ("" if finding.code == "TL902" else _written(lines, finding)) for finding in findings]


def _unparsed(text: str, lines: list[str], findings: Iterable[Finding]) -> dict[Finding, str]:
    """Finding -> the innermost expression that ends where it ends and contains its start, written by `ast.unparse`."""
    ends: dict[tuple[int, int], list[ast.expr]] = {}
    for node in ast.walk(parse(text)):
        if isinstance(node, ast.expr) and node.end_lineno is not None and node.end_col_offset is not None:
            ends.setdefault((node.end_lineno, node.end_col_offset), []).append(node)
    found: dict[Finding, str] = {}
    for finding in findings:
        start = finding.line, _bytes(lines, finding.line, finding.column)
        end = finding.end_line, _bytes(lines, finding.end_line, finding.end_column)
        holding = [node for node in ends.get(end, ()) if (node.lineno, node.col_offset) <= start]
        if holding:
            found[finding] = ast.unparse(max(holding, key=lambda node: (node.lineno, node.col_offset)))
    return found


def _bytes(lines: list[str], line: int, column: int) -> int:
    """The offset that `ast` uses, in bytes from 0, of a 1-based column in characters."""
    return len(lines[line - 1][: column - 1].encode(errors="replace"))


def _written(lines: list[str], finding: Finding) -> str:
    """The text from the finding's start to its end, whitespace collapsed: for findings that match no expression."""
    part = lines[finding.line - 1 : finding.end_line]
    if not part:
        return ""
    part[-1] = part[-1][: finding.end_column - 1]
    part[0] = part[0][finding.column - 1 :]
    return " ".join("".join(part).split())
