"""The same function over many jobs: order, processes that die, deep recursion."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from transfer_lint.lint import pool
from transfer_lint.lint.deep_stack import deep
from transfer_lint.lint.pool import Pool, parts


def context() -> str:
    return "context"


def work(given: str, job: str) -> tuple[str, str, int]:
    assert given == "context"
    if job == "die":
        os._exit(9)
    return given, job, os.getpid()


def lost(job: str, code: int) -> tuple[str, str, int]:
    return "lost", job, code


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MIN_WEIGHT", 0)


def test_little_work_stays_in_this_process() -> None:
    results = Pool(context, work, lost, processes=4).run(["a", "b"], len)
    assert results == [("context", "a", os.getpid()), ("context", "b", os.getpid())]


@pytest.mark.usefixtures("eager")
def test_much_work_is_spread_and_comes_back_in_order() -> None:
    done: list[str] = []
    jobs = [str(number) for number in range(20)]
    results = Pool(context, work, lost, processes=2).run(jobs, len, lambda job, result: done.append(job))
    assert [job for _, job, _ in results] == jobs
    assert sorted(done) == sorted(jobs)
    assert os.getpid() not in {process for _, _, process in results}


def test_jobs_side_by_side_stay_together_in_parts_of_about_the_same_weight() -> None:
    assert parts([1, 1, 1, 1, 1, 1], 2) == [[0, 1, 2], [3, 4, 5]]
    assert parts([1, 1, 8, 1, 1], 3) == [[0, 1], [2], [3, 4]]
    assert parts([0, 0], 1) == [[0, 1]]
    many = parts(list(range(100)), 7)
    assert [number for part in many for number in part] == list(range(100))
    assert max(map(sum, many)) <= 2 * min(map(sum, many))


@pytest.mark.usefixtures("eager")
def test_a_process_that_is_done_with_its_part_takes_from_the_others() -> None:
    jobs = ["heavy" * 1000, *map(str, range(20))]  # the first is a part of its own
    results = Pool(context, work, lost, processes=2).run(jobs, len)
    assert [job for _, job, _ in results] == jobs


@pytest.mark.usefixtures("eager")
def test_a_job_that_kills_its_process_is_lost_alone() -> None:
    jobs = ["a", "b", "die", "c", "d"]
    results = Pool(context, work, lost, processes=2).run(jobs, len)
    assert [(given, job) for given, job, _ in results] == [
        ("context", "a"), ("context", "b"), ("lost", "die"), ("context", "c"), ("context", "d"),
    ]  # fmt: skip


def down(depth: int) -> int:
    return down(depth - 1) if depth else threading.get_ident()


def test_deep_has_room_for_recursion_and_puts_everything_back() -> None:
    limit, size = sys.getrecursionlimit(), threading.stack_size()
    assert deep(down, 15_000) != threading.get_ident()
    with pytest.raises(RecursionError):
        deep(down, 10_000_000)
    assert (sys.getrecursionlimit(), threading.stack_size()) == (limit, size)
