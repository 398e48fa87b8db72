"""TL106: a tensor is made on the host and moved at once."""

from __future__ import annotations

from transfer_codemods.actions import ConstructOnDevice
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Factory, ImplicitUpload, Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL106",
    "transfer-after-construct",
    "a tensor is made on the host and moved at once",
    fix="make it there: `device=`",
    safety=Safety.SAFE,
    saves=Saving.WAITS,
)
def check(site: Site | ImplicitUpload, questions: Questions, options: RuleOptions) -> Verdict | None:
    """Only factories that give the same bits on every device; random ones draw from the device's own generator.

    A warning in layers and for each element. Once a step, or for a few numbers, it is a hint: beside all that a step
    does, one copy is little. So it is if the
    factory copies values of the host, since with `device=` it makes the same copy; and if it gives other bits on
    another device, since then it is for the user to say whether these will do. Not reported: such a copy that the host
    does not wait for, and pinned memory, which is made for that.
    """
    if isinstance(site, ImplicitUpload):
        return _implicit(site, questions)
    if site.request.device is None or questions.boundary(site):
        return None
    direct = questions.factory(site)
    made = direct or questions.made_by(site)
    if made is None:
        return (
            _like(site, questions)
            or _computed(site, questions)
            or _missing(site, questions)
            or _constant(site, questions)
        )
    if made.pinned or (made.copies and not site.is_blocking):
        return None
    cold = site.heat.rank < Heat.LAYER.rank or questions.fills_cache(site)
    unknown = site.request.unpacked and site.request.ambiguous and not site.request.only_placed
    quiet = cold or made.few or made.copies or made.helper or unknown or not made.exact
    severity = warning_if(not quiet, site)
    if direct is None:
        return _named(site, questions, made, severity)
    if direct.helper:
        text = f"`{direct.written}` makes its result on the host, which is moved to {questions.wanted(site)} at once"
        return Verdict(severity, f"{text}: give it the device", questions.proof(site))
    request = site.request
    plain = request.plain and not request.ambiguous and not site.in_fstring
    if questions.is_made_converted(site):
        plain = False  # TL105 makes one call of both first
    # A dtype that the factory cannot take stays behind: the copy would be of the wider values.
    exact = direct.exact and (direct.any_dtype or request.dtype is None or not direct.copies)
    whole = questions.asks_for_placement_of(request) and not request.unpacked  # `.to(x)`
    if whole and not direct.any_dtype:
        plain = False  # both halves, and the dtype would stay behind: a longer line with a call more
    like = direct.by_tensors and whole  # `x.new_zeros(...)` is shorter
    if request.unpacked:
        plain = request.only_placed and direct.any_dtype and not site.in_fstring
    return Verdict(
        severity,
        f"`{direct.written}` makes a tensor on the host that is moved to {questions.wanted(site)} at once",
        (),
        ConstructOnDevice(questions.spelled_target(request), direct.any_dtype, direct.legacy, like, request.unpacked)
        if exact and plain
        else None,
        "make it there",
        Safety.UNSAFE if like or (request.unpacked and not request.settled) else Safety.SAFE,
        simpler=not made.copies and site.heat is not Heat.ONCE and not questions.is_in_test(site),
    )


def _named(site: Site, questions: Questions, made: Factory, severity: Severity) -> Verdict | None:
    """A tensor is made, bound to a name, and moved at the only read of that name: a user can make it on the device."""
    if not questions.is_on_host(site) or site.heat is Heat.ONCE or site.guarded:
        return None
    if questions.is_loop_invariant(site):
        return None  # TL107 reports it: it is made once and moved in every iteration
    text = f"`{made.written}` makes it on the host (line {made.line}) and nothing else uses it there"
    name = questions.receiver(site)
    if made.helper:
        text = f"`{made.written}` makes it on the host and nothing else uses it there: give it the device"
    return Verdict(severity, f"`{name}` is moved to {questions.wanted(site)}: {text}", site.receiver.why)


def _like(site: Site, questions: Questions) -> Verdict | None:
    """What is made like a tensor is moved at once: it is there already, or can be made there."""
    like = questions.made_like(site) if site.quiet_heat is not Heat.ONCE and not site.guarded else None
    if like is None or questions.is_on_device(site):
        return None
    text = f"is made where `{like}` is, and moved to {questions.wanted(site)}: make it there"
    return Verdict(Severity.HINT, f"`{questions.receiver(site)}` {text}", site.receiver.why)


def _computed(site: Site, questions: Questions) -> Verdict | None:
    """A tensor is computed on the host, in several statements, and moved at every step or to where a tensor is."""
    often = site.quiet_heat.rank >= Heat.STEP.rank or (site.heat is Heat.CALL and questions.follows_tensor(site))
    made = questions.computed_from(site) if often and not site.guarded else None
    if made is None or questions.is_loop_invariant(site) or questions.fills_cache(site):
        return None
    text = f"`{questions.receiver(site)}` is computed on the host from `{made.written}` (line {made.line})"
    return Verdict(Severity.HINT, f"{text} and moved to {questions.wanted(site)}: make it there", questions.proof(site))


def _missing(site: Site, questions: Questions) -> Verdict | None:
    """A tensor is made on the host at every step where the function is not given one, and moved later."""
    often = site.quiet_heat.rank >= Heat.STEP.rank and not site.guarded
    made = questions.made_if_missing(site) if often else None
    if made is None:
        return None
    text = f"`{questions.receiver(site)}` is moved to {questions.wanted(site)}: where none is given, `{made}` makes it"
    return Verdict(Severity.HINT, f"{text} on the host: make it there", questions.proof(site))


def _constant(site: Site, questions: Questions) -> Verdict | None:
    """The same array of literals becomes a tensor at every step, and is moved."""
    made = questions.constant_array(site) if site.quiet_heat.rank >= Heat.STEP.rank and not site.guarded else None
    if made is None or questions.fills_cache(site) or questions.is_in_test(site):
        return None
    text = (
        f"`{made}` makes the same tensor on the host {site.quiet_heat.often}, to be moved to {questions.wanted(site)}"
    )
    return Verdict(Severity.HINT, f"{text}: keep it there, as a buffer or one per device", site.receiver.why)


def _implicit(upload: ImplicitUpload, questions: Questions) -> Verdict | None:
    """What is made on the host is an index of a tensor on a device, or becomes some of its items."""
    if not upload.in_step or questions.is_unregistered_constant(upload, upload.brought):
        return None  # TL110 reports constants that a module keeps
    if questions.is_uploaded_before(upload):
        return None
    proved = questions.is_for_accelerator(upload)
    tensor, often = questions.indexed(upload), upload.often
    does = f"is an index of `{tensor}`" if upload.is_index else f"becomes items of `{tensor}`"
    text = f"`{questions.brought(upload)}` is made on the host and {does}"
    waits = "the host copies it to the device" if proved else "if that is on a device, the host copies it there"
    loud = proved and upload.heat.rank >= Heat.LAYER.rank and not questions.is_in_test(upload)
    return Verdict(warning_if(loud, upload), f"{text}: {waits} {often}, and waits. Make it there", upload.why)
