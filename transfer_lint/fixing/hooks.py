"""The columns of a line that the formatters and linters of a `.pre-commit-config.yaml` keep to."""

from __future__ import annotations

import re

_FORMATTERS = {"black": 88, "black-jupyter": 88, "ruff-format": 88, "ufmt": 88, "yapf": 0, "autopep8": 0}
_DEFAULTS = {**_FORMATTERS, "flake8": 0, "isort": 0}
"""Hook -> its width if its arguments say none; 0: then files of its own say it. Formatters stand before linters."""
_KEY = re.compile(r"\s*(?:-\s+)?(?P<key>[\w-]+):\s*(?P<value>.*)")
_WIDTH = re.compile(r"(?:--(?:max-)?line-(?:length|width)|--line_length|(?<![\w-])-l|column_limit)[\s=:,'\"-]*(\d+)")


def width_of_hooks(text: str) -> int | None:
    """The width that the hooks of a configuration keep to; None if they say nothing.

    No more of YAML is read than pre-commit's own documentation writes: a hook begins with its `id`, and its arguments
    are one list, on a line or on several.
    """
    given: dict[str, str] = {}
    hook = key = ""
    for line in text.splitlines():
        start = line.lstrip()
        if start.startswith("#"):
            continue
        found = _KEY.match(line) if not start.startswith(("- -", "--")) else None
        value = line if found is None else found["value"]
        key = found["key"] if found is not None else key
        if key == "id":
            hook = value.partition("#")[0].strip(" '\"")
            given.setdefault(hook, "")
        elif key == "args" and hook:
            given[hook] += f" {value}"
        elif key in ("repo", "repos"):
            hook = ""
    for name, default in _DEFAULTS.items():
        if name in given:
            widths = [int(number) for number in _WIDTH.findall(given[name]) if int(number) > 0]
            if widths or default:
                return widths[-1] if widths else default
    return None
