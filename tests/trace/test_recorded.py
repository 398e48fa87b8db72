"""What a trace says of a run: counts, bytes, places, categories."""

from __future__ import annotations

import threading
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

import transfer_lint
from tests.support.devices import needs_gpu, outside
from transfer_lint.evidence.lines import by_line, categories
from transfer_lint.evidence.model import Trace
from transfer_lint.tracing import recorder as recording
from transfer_lint.tracing.device_time import DeviceTime, Span
from transfer_lint.tracing.hooks import Hooks, heard, listen
from transfer_lint.tracing.recorder import Recorder
from transfer_lint.tracing.simulate import simulate
from transfer_lint.tracing.uses import Uses, Watch


def traced(action: Any, **options: Any) -> Trace:
    with transfer_lint.trace(simulated="cuda", devices=2, **options) as t:
        action()
    return t.result()  # type: ignore[no-any-return]


def amounts(trace: Trace) -> dict[str, int]:
    found = {each.name: each.count or 0 for each in categories(trace)}
    return {name: count for name, count in found.items() if count}


def h() -> torch.Tensor:
    return torch.arange(6.0).reshape(2, 3)


def again() -> None:
    x = h()
    for _ in range(3):
        x.to("cuda") + 1


def back_unchanged() -> None:
    y = h().to("cuda")
    (y + 0).cpu()


def back_changed() -> None:
    ((h().to("cuda") + 1).cpu() + 1).to("cuda").sum()


def unused() -> None:
    h().to("cuda")
    kept = h().to("cuda") * 2
    torch.ones(3).to("cuda").view(3, 1)
    assert kept.is_cuda


def used_by_a_thread() -> None:
    x = torch.ones(4).to("cuda:0")
    thread = threading.Thread(target=lambda: x + torch.ones(4).to("cuda:0"))
    thread.start()
    thread.join()


def freed() -> None:
    for _ in range(4):
        h().to("cuda")
        torch.ones(2, 3, device="cuda") + 1  # may well lie where the arrival lay


def overwritten() -> None:
    buffer = torch.empty(3, device="cuda")
    buffer.copy_(torch.ones(3))
    buffer.copy_(torch.zeros(3))
    buffer.sum()


def no_ops() -> None:
    y = h().to("cuda")
    y.to("cuda"), y.cuda(), h().cpu()
    torch.ones(1).item()


def reads() -> None:
    y = h().to("cuda")
    for _ in range(2):
        y.sum().item()
    y.nonzero()
    y.tolist()


def asked() -> None:
    torch.cuda.synchronize()
    torch.cuda.Event().synchronize()
    torch.cuda.Stream().synchronize()


CASES: dict[str, tuple[Any, dict[str, int]]] = {
    "again": (again, {"duplicate transfer": 2, "implicit synchronisation": 3}),
    "back unchanged": (back_unchanged, {"round trip": 1, "implicit synchronisation": 2}),
    "back changed": (back_changed, {"implicit synchronisation": 3}),
    "unused": (unused, {"duplicate transfer": 1, "unused transfer": 2, "implicit synchronisation": 3}),
    "used by a thread": (used_by_a_thread, {"duplicate transfer": 1, "implicit synchronisation": 2}),
    "freed": (freed, {"duplicate transfer": 3, "unused transfer": 4, "implicit synchronisation": 4}),
    "overwritten": (overwritten, {"unused transfer": 1, "implicit synchronisation": 2}),
    "no-ops": (no_ops, {"no-op transfer call": 4, "implicit synchronisation": 1, "unused transfer": 1}),
    "asked": (asked, {"explicit synchronisation": 3}),
}


@pytest.mark.parametrize(("action", "expected"), CASES.values(), ids=CASES)
def test_categories(action: Any, expected: dict[str, int]) -> None:
    assert amounts(traced(action)) == expected


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize(("action", "expected"), CASES.values(), ids=CASES)
def test_categories_on_a_gpu(action: Any, expected: dict[str, int]) -> None:
    """What is counted on a real device is what is counted on a simulated one; and it has times."""
    with transfer_lint.trace(follow_uses=True) as t:
        action()
    trace = t.result()
    assert amounts(trace) == expected
    moved = [entry for entry in trace.entries if entry.kind == "transfer"]
    assert all(entry.seconds and entry.device_seconds for entry in moved)
    assert sum(entry.flagged for entry in trace.entries) <= trace.waits


def test_reads_are_waits() -> None:
    trace = traced(reads)
    assert [(e.how, e.count, e.nbytes) for e in sorted(trace.entries, key=lambda e: e.how) if e.kind == "read"] == [
        ("item", 2, 8), ("nonzero", 1, 8), ("tolist", 1, 24),
    ]  # fmt: skip
    assert trace.waits == 5
    assert trace.nbytes == 24 + 8 + 8 + 24


def test_the_same_value_read_again_is_a_duplicate() -> None:
    def action() -> None:
        sigmas = torch.full((2,), 5.0, device="cuda")
        for _ in range(70):
            sigmas[0].item()
        del sigmas
        for _ in range(70):
            torch.full((2,), 5.0, device="cuda")[1].item()

    same, others = sorted((e for e in traced(action).entries if e.kind == "read"), key=lambda e: e.where.line)
    assert (same.waits, same.again) == (70, 69)
    assert (others.waits, others.again) == (70, 0), "other tensors, if at the same address and with the same value"


def test_directions_dtypes_and_the_waits_of_copies() -> None:
    def action() -> None:
        y = h().half().to("cuda:1", non_blocking=True)
        y.to("cuda:0").cpu()

    found = {e.direction: (e.source, e.target, e.dtype, e.nbytes, e.waits) for e in traced(action).entries}
    assert found == {
        "host-to-device": ("cpu", "cuda:1", "float16", 12, 0),
        "device-to-device": ("cuda:1", "cuda:0", "float16", 12, 0),
        "device-to-host": ("cuda:0", "cpu", "float16", 12, 1),
    }


def test_lines_and_callers() -> None:
    def move(x: torch.Tensor) -> torch.Tensor:
        return x.to("cuda")

    def first() -> None:
        move(h())

    def second() -> None:
        for _ in range(2):
            move(h())

    def action() -> None:
        first()
        second()

    trace = traced(action)
    (line,) = by_line(trace.entries)
    start = move.__code__.co_firstlineno
    assert (line.file, line.number, line.transfers) == (str(Path(__file__).resolve()), start + 1, 3)
    assert line.function.endswith("move")
    callers = [(count, [frame.function.rpartition(".")[2] for frame in way[:2]]) for count, way in line.callers]
    assert callers == [(2, ["second", "action"]), (1, ["first", "action"])]
    assert line.host_to_device == [3, 72]


def test_threads_take_part() -> None:
    def action() -> None:
        threads = [threading.Thread(target=lambda: h().to("cuda").to("cuda").sum()) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    trace = traced(action)
    assert (trace.transfers, trace.total("count", "idle")) == (3, 3)


def test_only_the_program_s_own_calls_have_nothing_to_do() -> None:
    def action() -> None:
        d = h().to("cuda")
        torch.softmax(d, -1, dtype=torch.float32)
        torch.nn.functional.cross_entropy(d, torch.tensor([0, 1], device="cuda"))
        d.to(torch.float32), d.float(), d.to(dtype=torch.float32)
        d.cuda(), d.to(device="cuda"), d.to(d), d.type_as(d), d.type("torch.cuda.FloatTensor")
        torch.nn.Linear(2, 2, device="cuda").to("cuda")

    assert traced(action).total("count", "idle") == 7


def test_hooks_and_simulated_machine_count_the_same() -> None:
    """Two ways to see the same program: kernels over torch's dispatcher, and the simulated machine's own books."""

    def program() -> None:
        net = torch.nn.Linear(3, 2).to("cuda")
        net.to("cuda")
        y = net(h().to("cuda", torch.float32))
        z = y.cpu().double().to("cuda:0", torch.float16)
        z.copy_(y)
        h()[:, :2].copy_(y.detach())
        torch.tensor([1.0, 2.0], device="cuda")
        y.sum().backward()
        for value in (y.sum(), z[0, 0]):
            value.item()
        z.nonzero(), z.masked_select(z > 0), torch.equal(z, z), torch.unique(z)
        net.cpu()

    with simulate("cuda", devices=2) as machine:
        recorder = Recorder(by_order=True)
        with listen(Hooks(recorder, whole=True)):
            program()
    entries = recorder.result()
    names = {"_unique2": "unique"}
    heard, booked = (Counter[Any]() for _ in range(2))
    for e in entries:
        if e.kind != "idle":
            heard[e.source, e.target, e.dtype, e.how if e.kind == "read" else ""] += e.count
            heard["bytes", e.source, e.target, e.dtype, e.how if e.kind == "read" else ""] += e.nbytes
    for t in machine.transfers:
        booked[t.source, t.target, t.dtype, ""] += 1
        booked["bytes", t.source, t.target, t.dtype, ""] += t.nbytes
    for w in machine.waits:
        booked[w.device, "cpu", w.dtype, names.get(w.how, w.how)] += 1
        booked["bytes", w.device, "cpu", w.dtype, names.get(w.how, w.how)] += w.nbytes
    assert len(booked) >= 16
    assert heard == booked
    assert sum(e.count for e in entries if e.kind == "idle") >= 2


def test_the_tracer_s_own_waits_are_not_recorded() -> None:
    recorder = Recorder(by_order=True)
    with simulate("cuda"), listen(Hooks(recorder, whole=True)):
        times = DeviceTime(recorder)
        times._pending.append(Span(torch.cuda.Event(), torch.cuda.Event()))
        times.finish()
        torch.cuda.Event().synchronize()
    assert [(entry.kind, entry.count) for entry in recorder.result()] == [("sync", 1)]


def test_the_time_of_a_copy_that_has_ended_at_once() -> None:
    """A copy gets its entry after its events have been recorded; they may have happened by then."""
    recorder = Recorder(by_order=True)
    with simulate("cuda"), listen(Hooks(recorder, whole=True)):
        times, x = DeviceTime(recorder), torch.ones(2)
        entries = []
        for number in range(3):
            with times.span(x, (x,), {"device": torch.device("cuda")}) as span:
                pass
            entries.append(recorder.transfer("cpu", "cuda:0", how=str(number), dtype="float32", nbytes=8, shape=(2,),
                                             blocking=True, content=None))  # fmt: skip
            span.belongs_to(entries[-1])
        times.finish()
    assert [entry.device_seconds is not None for entry in entries] == [True] * 3


@pytest.mark.parametrize("inference", [False, True], ids=["eager", "inference mode"])
def test_uses_are_followed_and_nothing_is_missed(inference: bool) -> None:
    """In inference mode torch gives a dispatch mode `.to` whole."""

    recorder = Recorder(by_order=True)
    with simulate("cuda"), torch.inference_mode(inference), listen(Hooks(recorder, whole=True)), Watch(Uses(), heard):
        x = torch.ones(3).to("cuda") + 1
        x.to("cuda:0"), x.to("cpu", torch.float64)
    assert sorted((e.kind, e.how, e.source, e.target, e.count) for e in recorder.result()) == [
        ("idle", "to", "cuda:0", "cuda:0", 1),
        ("transfer", "to", "cpu", "cuda:0", 1),
        ("transfer", "to", "cuda:0", "cpu", 1),
    ]


@pytest.mark.parametrize("follow_uses", [False, True])
def test_inference_mode_changes_no_count(follow_uses: bool) -> None:
    def program() -> None:
        x = h().to("cuda")
        torch.ones(1).item(), x[0, 0].item(), h().to("cpu"), x.cpu(), x.to("cuda")

    counts = []
    for inference in (False, True):
        with transfer_lint.trace(simulated="cuda", follow_uses=follow_uses) as t, torch.inference_mode(inference):
            program()
        counts.append(sorted((e.kind, e.how, e.source, e.target, e.count) for e in t.result().entries))
    assert counts[0] == counts[1]
    assert ("idle", "item", "cpu", "cpu", 1) in counts[1]


def test_other_operators_are_not_heard() -> None:
    with transfer_lint.trace() as t:
        x = torch.randn(4, 4)
        (x @ x + x).relu().sum()
    assert t.result().entries == []
    assert t.transfers == t.waits == t.nbytes == 0


def test_a_trace_in_a_trace_records_its_part() -> None:
    with transfer_lint.trace(simulated="cuda") as whole:
        h().to("cuda")
        with transfer_lint.trace() as inner, transfer_lint.trace() as innermost:
            assert h().to("cuda").sum().item() == 15
        h().to("cuda")
    assert (whole.transfers, whole.waits) == (3, 4)
    assert (inner.transfers, inner.waits) == (innermost.transfers, innermost.waits) == (1, 2)
    assert inner.result().simulated == "cuda"
    assert [each.where for each in inner.result().entries] == [each.where for each in innermost.result().entries]


def test_a_trace_with_a_machine_of_its_own_stands_alone() -> None:
    with transfer_lint.trace(simulated="cuda") as outer:
        x = h().to("cuda")
        with transfer_lint.trace(simulated="cuda", devices=2) as inner:
            threading.Thread(target=lambda: h().to("cuda:1").sum().item()).run()
            thread = threading.Thread(target=lambda: h().to("cuda:1"))
            thread.start()
            thread.join()
            assert torch.cuda.device_count() == 2
        assert torch.cuda.device_count() == 1
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            h().to("cuda:1")
        assert (x + x).sum().item() == 30
        with pytest.raises(RuntimeError, match="same device"):
            x + h()
    assert (outer.transfers, outer.waits) == (1, 2)
    assert (inner.transfers, inner.waits) == (2, 3)


@outside
def test_a_trace_cleans_up_after_itself() -> None:
    run, synchronize = threading.Thread.run, torch.cuda.synchronize
    with pytest.raises(ValueError, match="mine"), transfer_lint.trace(simulated="cuda") as t:
        raise ValueError("mine")
    assert (t.result().ending.how, t.result().ending.text) == ("raised", "ValueError: mine")
    assert threading.Thread.run is run
    before = t.transfers
    h().to("cpu")
    assert t.transfers == before
    assert torch.cuda.synchronize is synchronize


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_PLACES", 50)
    monkeypatch.setattr(recording, "MAX_CONTENTS", 100)
    code = "\n".join(f"torch.full((1,), {n}.0).to('cuda')" for n in range(400))
    program = compile(code, "<made>", "exec")
    with transfer_lint.trace(simulated="cuda", follow_uses=False) as t:
        for _ in range(3):
            exec(program, {"torch": torch})
    recorder, trace = t.recorder, t.result()
    assert trace.transfers == 1200
    assert trace.nbytes == 4800
    assert len(trace.entries) <= 52
    assert len(recorder._contents) <= 100
    assert all(len(entry.bins) <= recording.BINS for entry in trace.entries)
    assert sum(bins[0] for entry in trace.entries for bins in entry.bins.values()) == 1200
    assert any("more places" in note for note in trace.notes)


def test_long_runs_cost_no_memory() -> None:
    x = torch.ones(1)
    with transfer_lint.trace() as t:
        for _ in range(1000):
            x.to("cpu")
        tracemalloc.start()
        for _ in range(30_000):
            x.to("cpu")
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert t.result().total("count", "idle") == 31_000
    assert grown < 200_000


def test_memory_is_that_of_live_tensors() -> None:
    with simulate("cuda"):
        assert torch.cuda.memory_allocated() == 0
        x = torch.zeros(1000, device="cuda")
        y = x.view(10, 100)[2:]
        assert torch.cuda.memory_allocated() == 4000
        z = x + 1
        del x, z
        assert torch.cuda.memory_allocated() == 4000, "a view keeps it"
        assert torch.cuda.max_memory_allocated() == 8000
        del y
        assert torch.cuda.memory_allocated() == 0
        torch.cuda.reset_peak_memory_stats()
        assert torch.cuda.max_memory_allocated() == 0


def test_contents_too_large_to_compare_are_said_so() -> None:
    trace = traced(again, hash_limit=8)
    assert "duplicate transfer" not in amounts(trace)
    assert any("3 transfers of 72 bytes" in note for note in trace.notes)


def test_uses_are_not_followed_unless_asked_for() -> None:
    trace = traced(unused, follow_uses=False)
    (unknown,) = (each for each in categories(trace) if each.name == "unused transfer")
    assert unknown.count is None
    assert any("--follow-uses" in note for note in trace.notes)


def test_the_report_of_the_context_manager() -> None:
    with transfer_lint.trace(simulated="cuda") as t:
        again()
    text = t.report(top=1)
    assert "3 transfers, 72 B, 3 waits" in text
    assert "duplicate transfer" in text
    assert "test_recorded.py" in text


@outside
def test_waits_that_only_torch_knows_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """What set_sync_debug_mode warns of is a wait, and it is not counted twice. The warnings stand for a GPU's."""
    modes: list[object] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    recorder = Recorder(by_order=True)
    hooks = Hooks(recorder, whole=True)
    with listen(hooks):
        for _ in range(2):
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
        with hooks.sync_debug.silent(), hooks.sync_debug.silent():
            assert modes == ["warn", "default"]
        with pytest.warns(UserWarning, match="of another kind"):
            warnings.warn("of another kind", stacklevel=1)
    (entry,) = recorder.result()
    assert (entry.kind, entry.count, entry.flagged) == ("sync", 2, 2)
    assert modes == ["warn", "default", "warn", 0], "on, off where the wait is recorded, as it was before"
