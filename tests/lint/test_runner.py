"""What a process shares with those that it forks, and what it forgets in between, changes no result."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from transfer_lint.lint import pool, runner
from transfer_lint.lint.check_text import Examined
from transfer_lint.lint.runner import Runner
from transfer_lint.settings import Settings

PACK = Path(__file__).parents[2] / "fixtures" / "instantid_original"


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(PACK)
    return {str(path): path.read_text() for path in sorted(Path().rglob("*.py"))}


def examined(texts: dict[str, str]) -> dict[str, object]:
    return dict(Runner(Settings(root=str(PACK), cache=False)).examine(texts, {}))


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The projects that are begun in this process."""
    projects: list[object] = []
    known = runner.project_over

    def counted(*arguments: object) -> object:
        projects.append(known(*arguments))  # type: ignore[arg-type]
        return projects[-1]

    monkeypatch.setattr(runner, "project_over", counted)
    return projects


def test_a_process_that_forgets_finds_the_same(
    tmp_path: Path, begun: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    twice = "import torch\n\ndef move{}(n):\n    return torch.zeros(n, device='cuda').to('cuda')\n"
    apart = {f"part{number}.py": twice.format(number) + "#\n" * 2_000 for number in range(12)}
    once = examined(apart)
    assert len(begun) == 1
    monkeypatch.setattr(runner, "MOST_HELD", 8_000)
    assert examined(apart) == once
    assert len(begun) > 3
    assert all(isinstance(result, Examined) and result.findings for result in once.values())


def test_what_is_asked_for_again_at_once_is_not_forgotten(
    texts: dict[str, str], begun: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MOST_HELD", 8_000)
    examined(texts)  # the files of one pack ask about one another
    assert len(begun) == 1


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="nothing is shared")
def test_what_is_prepared_for_several_processes(
    texts: dict[str, str], begun: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts["broken.py"] = "x.to('cuda'\n"
    texts["deep.py"] = "x.to('cuda')\n" + "(" * 3000 + ")" * 3000
    alone = examined(texts)
    for module in (pool, runner):
        monkeypatch.setattr(module, "MIN_WEIGHT", 0)
    prepared: list[str] = []
    known = runner.prepare

    def noted(path: str, *rest: object) -> None:
        prepared.append(path)
        known(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "prepare", noted)
    assert examined(texts) == alone
    assert prepared == list(texts)
    assert len(begun) == 2  # one project for each run: the processes have begun none of their own, and share it
