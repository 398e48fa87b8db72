"""TL105: two transfers in a row where one would do."""

from __future__ import annotations

from transfer_codemods.actions import MergeTransfer
from transfer_lint.findings import Heat, Safety, Saving
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions

# Wide dtypes: a conversion to one of them seldom makes a value smaller.
_WIDE = frozenset(f"torch.{name}" for name in ("float32", "float64", "int32", "int64", "complex64", "complex128"))


@rule(
    "TL105",
    "chained-transfer",
    "a value is moved and converted in two calls where one would do",
    fix="one call",
    safety=Safety.SAFE,
    saves=Saving.WAITS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """A warning only where a copy is saved: where an accelerator's value goes through the host.

    One call converts on the host before it copies, as two calls do, so nothing else saves more than a call. Not
    reported: a chain that ends on the host, whose two steps may be meant to release a memory map, and a conversion
    beside a non-blocking copy, because one non-blocking call converts on the device and would send other bytes.
    """
    inner = questions.inner(site)
    if inner is None or not inner.request.plain or not site.request.plain:
        return None
    one, two = inner.request, site.request
    device = two.device or one.device
    if device is None or questions.boundary(site) or (two.device is None and questions.boundary(inner)):
        return None
    if (
        (one.dtype and two.dtype)
        or (one.device is None and two.device is None)
        or not (one.dtype or two.dtype or one.device)
    ):
        return None
    made = questions.is_made_converted(inner)  # the factory takes both: TL106 mends what this one makes of it
    if not made and two.device is None and two.dtype is not None and two.dtype.known.term.name in _WIDE:
        return None  # right as it is: the value travels in the narrow dtype and is widened there
    source = questions.receiver(inner)
    both = one.device is not None and two.device is not None
    if both and not (questions.boundary(inner) and questions.goes_to_accelerator(site)):
        return None  # two transfers may be intended, unless the value goes through the host
    if not both and not (site.is_blocking and inner.is_blocking):
        return None
    if inner.moves_result_of_call and questions.is_just_loaded(inner):
        return None
    if not inner.proved and inner.moves_result_of_call and (both or questions.may_make_batch(inner)):
        return None  # an unknown call may return a batch that has its own `.to`
    # The merged call converts on the host, in both directions. It surely moves no more bytes only if the conversion
    # came first already, on the way to the accelerator.
    exact = one.device is None and questions.goes_to_accelerator(site)
    # `Module.half` does not convert complex weights, `Module.to(dtype=...)` does.
    converts_alike = _cast(site) is None or not inner.is_module
    mergeable = (
        converts_alike and not both and inner.proved and not one.ambiguous and not two.ambiguous and not site.in_fstring
    )
    once = site.heat is Heat.ONCE
    return Verdict(
        warning_if(both and not once and not questions.is_on_host(inner), site),
        f"`{source}` is moved on its way: the copy that `.{inner.method}(...)` makes is moved on at once"
        if both
        else f"`{source}` is moved and converted in two calls where one would do",
        inner.receiver.why,
        MergeTransfer(questions.spelled_target(one), questions.spelled_target(two), _cast(site))
        if mergeable and (made or not once)
        else None,
        "do it in one call",
        Safety.SAFE if exact or made else Safety.UNSAFE,
        simpler=made and not once and not questions.is_in_test(site),
    )


def _cast(site: Site) -> str | None:
    half = site.request.dtype
    return half.known.term.name if half is not None and half.argument is None else None
