"""Write docs/configuration.md and its JSON schema from the keys: `python scripts/make_config_docs.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "codemods")]

from transfer_lint.lint.configuration import KEYS, schema  # noqa: E402
from transfer_lint.lint.forms import OUTPUT_FORMATS, PYTHONS  # noqa: E402
from transfer_lint.settings import DEFAULT_EXCLUDE  # noqa: E402

FILE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "docs" / "configuration.schema.json"

HEAD = """\
# Configuration

`[tool.transfer-lint]` in `pyproject.toml`, or the same keys at the top of a `transfer-lint.toml`. For each file the
nearest counts, in its folder or over it, up to the root of its git repository or your home folder; files of
[other owners](security.md) do not. `fail-on`, `unsafe-fixes` and `output-format` are about a whole run: they are read
from the configuration nearest to the folder that holds all that is checked. Patterns, and `baseline`, are relative to
the folder of the configuration.

A wrong key is an error that names the nearest. Options of the command line go over every configuration; `--config FILE`
takes that file for everything, `--isolated` none. `-v` names the files that were read, `--show-settings` prints what
holds, `--show-files` what is looked at.

<!-- config -->
```toml
[tool.transfer-lint]
ignore = ["TL102"]            # codes, prefixes of codes, or names; also select, extend-select
extend-exclude = ["vendored"] # patterns as in .gitignore, which is obeyed
fail-on = "warning"           # or "hint", "error"
min-heat = "call"             # leave out what runs "once"; or "step", "layer", "element"
unsafe-fixes = false          # whether fix applies these as well
fix-hints = "node-packs"      # which hints fix mends: guards in node functions; or "always", "never"
module-guard = "exact"        # or "first-tensor", "cached": cheaper and unsafe, see `transfer-lint rules TL103`
target-version = "3.10"       # the oldest Python that fixed code must run on

[tool.transfer-lint.per-file-ignores]
"tests/**" = ["TL1"]
```

| key | default | meaning |
| --- | --- | --- |
"""

TAIL = """
`exclude` is by default {exclude}.

`output-format` is one of {formats}. `target-version` is one of {pythons}.

[The JSON schema](configuration.schema.json) of all keys is for editors that check and complete TOML: Taplo and its
extensions take a first line `#:schema PATH` in a `transfer-lint.toml`.

## On the command line

Most keys are options as well: `transfer-lint check --help`. Lists are separated by commas. A shell completes commands,
options and codes of rules after

```sh
eval "$(_TRANSFER_LINT_COMPLETE=bash_source transfer-lint)"   # zsh_source in zsh
_TRANSFER_LINT_COMPLETE=fish_source transfer-lint | source    # in fish
```

## In the source

`# transfer-lint: ignore[TL102] reason` on the first or last line of a statement hides a finding there; several codes
are separated by commas, a bare `ignore` hides all. `# transfer-lint: skip-file` leaves a whole file alone. A comment
that hides nothing is reported (TL901).

A reason may begin with an end, an owner, or both: `# transfer-lint: ignore[TL301] until 2027-06-01 (infra): reason`.
After that day (in UTC; `SOURCE_DATE_EPOCH` replaces today) the comment hides nothing: the finding is back, and TL901
says why. The entries of a baseline take the same as `"until"`, `"owner"` and `"reason"`. `--until`, `--owner` and
`--reason` write them, with `--add-ignores` and with `--write-baseline`.

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


def schema_document() -> str:
    """The JSON schema of the configuration."""
    return json.dumps(schema(), indent=2) + "\n"


def _code(default: str) -> str:
    """A default: as code if it is a TOML value, else as plain text."""
    is_value = default in ("true", "false") or (default[:1] in '["{' and " on " not in default)
    return f"`{default}`" if is_value else default


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8", newline="\n")
    SCHEMA.write_text(schema_document(), encoding="utf-8", newline="\n")
