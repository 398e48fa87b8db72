"""Compares the runs of the original and the fixed program in one table: is the fixed one as good?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

from transfer_lint.evidence.runs import Call, Comparison, Distance, Row, Run

MAX_SHOWN = 12


@dataclass(frozen=True)
class Rules:
    """What counts as the same, and what as worse.

    devices: whether the devices of outputs must agree. memory_slack: bytes by which peak device memory may grow.
    """

    devices: bool = True
    memory_slack: int = 2**20


def compare(original: Run, fixed: Run, distances: Mapping[str, Distance], rules: Rules) -> Comparison:
    """Compare two runs. distances: path -> distance, for outputs that are not bit-identical."""
    could = original.ending.good and bool(original.calls)
    differences = list(_output_differences(original, fixed, distances, rules)) if could else []
    rows: list[Row] = []
    if could:
        rows.extend(_nodes(original, fixed))
        rows.extend(_endings(fixed))
    if could and fixed.calls:
        rows.append(_outputs(original, fixed, differences, distances))
        rows.append(_calls(original, fixed, tolerant=any(each.within for each in distances.values())))
        rows.append(_random(original, fixed))
        rows.extend(_figures(original, fixed, rules))
        rows.append(_time(original, fixed))
    return Comparison(
        original, fixed, tuple(rows), tuple(differences), tuple(_notes(original, fixed)), distances, could
    )


def _nodes(original: Run, fixed: Run) -> Iterator[Row]:
    if original.nodes is None and fixed.nodes is None:
        return
    mine, theirs = set(original.nodes or ()), set(fixed.nodes or ())
    parts = []
    if mine - theirs:
        parts.append(f"only in the original: {', '.join(sorted(mine - theirs))}")
    if theirs - mine:
        parts.append(f"only in the fixed one: {', '.join(sorted(theirs - mine))}")
    yield Row("node names", str(len(mine)), str(len(theirs)), "; ".join(parts) or "the same", not parts)


def _endings(fixed: Run) -> Iterator[Row]:
    if not fixed.ending.good:
        why = (fixed.ending.text or f"exited with {fixed.ending.code}").splitlines()[0]
        yield Row("runs to the end", "yes", "no", why, False)


def _outputs(original: Run, fixed: Run, differences: list[str], distances: Mapping[str, Distance]) -> Row:
    close = [each for each in distances.values() if each.within]
    if differences:
        verdict = f"{len(differences)} differ"
    elif close:
        verdict = f"{len(close)} within the tolerances, the others bit for bit"
    else:
        verdict = "the same, bit for bit"
    return Row("outputs", str(len(original.outputs)), str(len(fixed.outputs)), verdict, not differences)


def _output_differences(original: Run, fixed: Run, distances: Mapping[str, Distance], rules: Rules) -> Iterator[str]:
    if not fixed.calls:
        return
    others = {each.path: each for each in fixed.outputs}
    for each in original.outputs:
        twin = others.pop(each.path, None)
        if twin is None:
            yield f"{each.path}: only in the original"
            continue
        parts = [part for part in each.differs_from(twin) if rules.devices or not part.startswith("device:")]
        distance = distances.get(each.path)
        if distance is not None and "other bits" in parts:
            parts.remove("other bits")
            parts += [] if distance.within else [distance.text]
        if parts:
            yield f"{each.path}: {', '.join(parts)}"
    for path, left in others.items():
        if not left.own_attribute:
            yield f"{path}: only in the fixed program"


def _calls(original: Run, fixed: Run, *, tolerant: bool) -> Row:
    """The row that says whether the calls after the first returned the same. The first call has its own row."""

    def plain(call: Call, like: Mapping[str, str]) -> dict[str, str]:
        return {path: digest for path, digest in call.outputs.items() if path in like}

    pairs = list(zip(original.calls, fixed.calls, strict=False))
    wrong = [n + 1 for n, (a, b) in enumerate(pairs) if n and dict(a.outputs) != plain(b, a.outputs)]
    count = (str(len(original.calls)), str(len(fixed.calls)))
    if len(original.calls) != len(fixed.calls):
        return Row("calls", *count, "not as many", False)
    if wrong and tolerant:
        return Row("calls", *count, "later calls differ in bits too: tolerances are tried on the first", None)
    return Row("calls", *count, f"call {wrong[0]} differs" if wrong else "every call returns the same", not wrong)


def _random(original: Run, fixed: Run) -> Row:
    names: set[str] = set()
    for a, b in zip(original.calls, fixed.calls, strict=False):
        names.update(name for name in {*a.random, *b.random} if a.random.get(name) != b.random.get(name))
    verdict = f"left elsewhere: {', '.join(sorted(names))}" if names else "left in the same state"
    return Row("random numbers", "", "", verdict, not names)


def _figures(original: Run, fixed: Run, rules: Rules) -> Iterator[Row]:
    for label, name in (("transfers", "transfers"), ("bytes moved", "nbytes"), ("waits", "waits"),
                        ("no-op calls", "idle")):  # fmt: skip
        before, after = original.per_call(name), fixed.per_call(name)
        judged = name != "idle"  # no-op calls are not judged: fixes replace them by guards, and they do no harm
        show = size if name == "nbytes" else number
        yield _less(f"{label} per call", before, after, 0 if judged else None, show)
    yield _less("peak device memory", original.most("peak_memory"), fixed.most("peak_memory"), rules.memory_slack, size)
    leaks = (original.leak, fixed.leak)
    if None in leaks:
        why = "no device to look at" if original.most("left_memory") is None else "takes 3 calls"
        yield Row("leaks", "-", "-", why, None, cost=True)
    else:
        worse = (leaks[1] or 0) > max(leaks[0] or 0, 0)
        verdict = f"{size(leaks[1] or 0)} more after the last call than after the second" if worse else "none new"
        yield Row("leaks", size(leaks[0] or 0), size(leaks[1] or 0), verdict, not worse, cost=True)


def _less(name: str, before: float | None, after: float | None, slack: int | None, show: Callable[[float], str]) -> Row:
    if before is None or after is None:
        return Row(name, "-", "-", "not measured", None, cost=True)
    if after == before:
        verdict = "the same"
    else:
        factor = f", {before / after:.1f} times less" if after > 0 and before / after >= 1.5 else ""
        verdict = f"{show(abs(after - before))} {'less' if after < before else 'more'}{factor}"
    good = None if slack is None else after <= before + slack
    return Row(name, show(before), show(after), verdict, good, cost=True)


def _time(original: Run, fixed: Run) -> Row:
    before, after = original.median_seconds, fixed.median_seconds
    if before is None or after is None:
        return Row("median time", "-", "-", "not timed", None, cost=True)
    verdict = f"{(after - before) / before:+.1%}; not judged" if before else "not judged"
    return Row("median time", _spread(original.seconds), _spread(fixed.seconds), verdict, None, cost=True)


def _spread(seconds: list[float]) -> str:
    middle = f"{median(seconds) * 1000:.2f} ms"
    if len(seconds) < 3:
        return middle
    low, _, high = quantiles(seconds, n=4, method="inclusive")
    return f"{middle} ({low * 1000:.2f} to {high * 1000:.2f})"


def _notes(original: Run, fixed: Run) -> Iterator[str]:
    unlike = sorted({*original.not_compared, *fixed.not_compared})
    if unlike:
        more = f" and {len(unlike) - MAX_SHOWN} more" if len(unlike) > MAX_SHOWN else ""
        yield f"not compared: {', '.join(unlike[:MAX_SHOWN])}{more}"
    if original.calls and not original.outputs:
        yield "the scenario returns nothing: only random numbers and figures were compared"
    for run in (original, fixed):
        if run.trace is not None and not run.trace.has_device:
            yield "there was no accelerator, so nothing could move: --simulate cuda stands in for one"
            break


def size(value: float) -> str:
    """A number of bytes with its unit: `12 B`, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.2f} GiB"


def number(value: float) -> str:
    """A number, with one decimal if it is not whole: `70`, `70.5`."""
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
