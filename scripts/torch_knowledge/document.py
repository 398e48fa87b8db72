"""Writes tables as a TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from torch_knowledge.tables import Table

_WIDTH = 118


def document(heading: Sequence[str], tables: Iterable[Table]) -> str:
    """The file's text. heading: comment lines. Lists are written as strings of names, which load ten times faster."""
    lines = [f"# {line}".rstrip() for line in heading]
    group = ""
    nested: list[Table] = []
    for table in tables:
        prefix, _, name = table.path.rpartition(".")
        if isinstance(table.names, Mapping):
            nested.append(table)
            continue
        if prefix != group:
            lines += [*_mappings(nested), "", f"[{prefix}]"]
            group, nested = prefix, []
        lines += [*_comment(table.about), f"{name} = '''", *_filled(table.names), "'''"]
    return "\n".join([*lines, *_mappings(nested)]) + "\n"


def _mappings(tables: Iterable[Table]) -> list[str]:
    lines: list[str] = []
    for table in tables:
        assert isinstance(table.names, Mapping)
        lines += ["", *_comment(table.about), f"[{table.path}]"]
        lines += [f'{_key(name)} = "{" ".join(sorted(names))}"' for name, names in sorted(table.names.items())]
    return lines


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in text.splitlines()]


def _filled(names: Iterable[str]) -> list[str]:
    return wrap(" ".join(sorted(set(names))), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _key(name: str) -> str:
    return f'"{name}"' if "." in name else name
