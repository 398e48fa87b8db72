"""Write docs/configuration.md from the keys of the configuration: `python scripts/make_config_docs.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "codemods")]

from transfer_lint.lint.configuration import KEYS, OUTPUT_FORMATS, PYTHONS  # noqa: E402
from transfer_lint.settings import DEFAULT_EXCLUDE  # noqa: E402

FILE = ROOT / "docs" / "configuration.md"

HEAD = """\
# Configuration

`[tool.transfer-lint]` in `pyproject.toml`, or the same keys at the top of a `transfer-lint.toml`, in the folder that
is checked or over it: the nearest counts. A wrong key is an error that names the nearest. Options of the command line
go over it; `--config FILE` takes another file.

<!-- config -->
```toml
[tool.transfer-lint]
ignore = ["TL102"]
extend-exclude = ["vendored"]
fail-on = "warning"

[tool.transfer-lint.per-file-ignores]
"tests/**" = ["TL1"]
```

| key | default | meaning |
| --- | --- | --- |
"""

TAIL = """
`exclude` is by default {exclude}.

`output-format` is one of {formats}. `target-version` is one of {pythons}.

## In the source

`# transfer-lint: ignore[TL102] reason` on the first or last line of a statement hides a finding there; several codes
are separated by commas, a bare `ignore` hides all. `# transfer-lint: skip-file` leaves a whole file alone. A comment
that hides nothing is reported (TL901).

## What only you know

`knowledge` says of your own code what the tool knows of torch and ComfyUI; `transfer_lint/flow/knowledge/*.toml` show
all that can be said:

<!-- config -->
```toml
[tool.transfer-lint.knowledge]
devices = {{ "my_pack.device.compute" = {{ stable = true, role = "accelerator" }} }}
per_step = {{ keys = ["my_pack_context"] }}
```
"""


def document() -> str:
    """The page."""
    rows = [f"| `{key.name}` | {_code(key.default)} | {key.doc} |\n" for key in KEYS]
    exclude = ", ".join(f"`{name}`" for name in DEFAULT_EXCLUDE)
    formats = ", ".join(f"`{name}`" for name in OUTPUT_FORMATS)
    pythons = ", ".join(f'`"{name}"`' for name in PYTHONS)
    return HEAD + "".join(rows) + TAIL.format(exclude=exclude, formats=formats, pythons=pythons)


def _code(default: str) -> str:
    """A default: as code if it is a TOML value, else as plain text."""
    is_value = default in ("true", "false") or (default[:1] in '["{' and " on " not in default)
    return f"`{default}`" if is_value else default


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8", newline="\n")
