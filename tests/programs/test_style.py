"""Random programs that ruff's import sorter, pyflakes and formatter find clean are clean after a fix."""

from __future__ import annotations

from pathlib import Path

from hypothesis import Phase, given, settings

from tests.programs.test_random_programs import common
from tests.programs.writer import programs
from tests.support.ruff import complaints, tidy
from transfer_lint.findings import FixHints
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.settings import Settings

SETTINGS = [
    "",
    "line-length = 100\n",
    "line-length = 60\n",
    "line-length = 72\n",
    "[lint.isort]\nforce-single-line = true\n",
]


def drawn(count: int) -> list[dict[str, str]]:
    """So many programs, the same in each run."""
    found: list[dict[str, str]] = []

    @settings(common, max_examples=count, phases=[Phase.generate])
    @given(programs())
    def keep(program: dict[str, str]) -> None:
        found.append(program)

    keep()
    return found


def test_a_fixed_program_stays_clean(tmp_path: Path) -> None:
    """Under five settings, each second one with unsafe fixes too."""
    for number, program in enumerate(drawn(36)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "ruff.toml").write_text(SETTINGS[number % len(SETTINGS)])
        for name, text in program.items():
            (folder / name).write_text(text)
    tidy(tmp_path)
    changed = 0
    for folder in tmp_path.iterdir():
        files = sorted(str(path) for path in folder.glob("*.py"))
        unsafe = int(folder.name) % 2 == 1
        fixed = fix_paths(files, Settings(root=str(folder), fix_hints=FixHints.ALWAYS, unsafe_fixes=unsafe))
        changed += len(fixed.files)
        for file in fixed.files:
            Path(file.path).write_bytes(file.new)
    assert changed > 20
    assert complaints(tmp_path) == ""
