"""TL301: the host waits for a device value at every step or layer."""

from __future__ import annotations

from transfer_codemods.actions import ReadAtOnce
from transfer_lint.findings import Heat, Safety, Saving, Severity
from transfer_lint.flow.ask import Form, HostRead, Questions, Site
from transfer_lint.rules import Verdict, rule
from transfer_lint.rules.options import RuleOptions

_NUMBERS = ("item", "float", "int", "bool", "range", "get_scale")
_COMPARING = ("max", "min", "any", "all", "sorted")  # of Python: they take the elements of a tensor one by one
_READ_SINGLY = (*_NUMBERS, "tensor", "as_tensor", "asarray")  # of a list of tensors


@rule(
    "TL301",
    "host-read-in-hot-path",
    "the host waits for a device value at every step or layer",
    fix="read all elements with one `.tolist()`",
    safety=Safety.SAFE,
    saves=Saving.WAITS,
)
def check(place: HostRead | Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """What reads a value, and what copies a whole one to the host at every step."""
    return _copied(place, questions) if isinstance(place, Site) else _read(place, questions)


def _copied(site: Site, questions: Questions) -> Verdict | None:
    """A hint: what is collected can be copied at once, and a copy into pinned memory need not be waited for."""
    if site.copy_heat.rank < Heat.STEP.rank or site.in_handler or site.guarded:
        return None
    if questions.can_only_be_module(site) or not questions.is_waited_for(site) or questions.is_in_test(site):
        return None
    if questions.is_shut_out(site) or questions.is_copied_with_another(site):
        return None
    text = f"`{questions.receiver(site)}` is copied to the host {site.quiet_heat.often}, and the host waits for that"
    return Verdict(Severity.HINT, text, questions.proof(site))


def _read(read: HostRead, questions: Questions) -> Verdict | None:
    """A warning if the value provably is on an accelerator, or was just brought from one; a hint if that is unknown.

    Of a value of unknown placement only the calls are reported that nobody makes of anything but tensors, because the
    value is often a plain number. It is a hint where few steps get to the read, or it is logged, or the function has
    just read the same values, or brings them to the host right after; where another wait stands close by; where an
    array or a size is read, which may well be what is wanted; and what processes agree on.
    """
    if read.heat.rank < Heat.STEP.rank or read.in_handler or questions.is_remembered(read):
        return None
    brought = questions.brought_by(read)
    if brought is not None and questions.is_read_again(read, brought):
        return None  # one wait, one finding
    if questions.is_one_with_another(read) or questions.is_unvalidated(read) or questions.copies_constant(read):
        return None
    if read.given and read.heat is Heat.LAYER:
        return None  # TL303 reports it, with a fix
    proved = questions.reads_accelerator(read)
    if not proved and (proved is False or not _is_likely(read)):
        return None
    number = bool(read.elements) or read.tensor.scalar or questions.is_trained_on(read)
    array = read.method in ("numpy", "tolist") and not number
    sure = not read.throttled and (brought is None or brought.proved)
    if (
        array
        and brought is not None
        and (questions.uploaded_before(brought) is not None or questions.uploaded_for_arithmetic(brought) is not None)
    ):
        return None  # TL104 reports it
    if array and brought is not None and questions.copied_alike(brought) is not None:
        return None  # TL108 reports it
    if array and not sure and not questions.need_not_be_array(read, brought):
        return None  # an array may well be what is wanted
    if read.is_collected and read.method not in (_READ_SINGLY if read.in_step else _NUMBERS):
        return None
    if not proved and (questions.is_for_record(read) or questions.is_in_test(read)):
        return None
    all_at_once = questions.is_read_of_all(read)
    boundary = bool(read.elements) and read.method == "numpy"  # whole arrays, one for each element
    # What a script reads element by element, it prints or compares at its end.
    rare = read.rate.is_rare or read.throttled or (bool(read.elements) and read.function is None)
    aside = read.is_set_up or read.logged or read.is_collected or questions.is_in_test(read)
    aside = aside or questions.is_for_file(read) or (bool(read.elements) and questions.follows_steps(read))
    waited_for = questions.is_read_before(read) or questions.is_brought_later(read) or questions.is_waited_before(read)
    # What is brought as a whole, or picked, is mostly a result, and a size that depends on values has to be known.
    needed = array or ((read.method == "print" or read.form is Form.ITEMS) and not number)
    needed = needed or read.form in (Form.SIZE, Form.NUMBER, Form.CHECK, Form.UPLOAD) or questions.is_needed_size(read)
    needed = needed or questions.is_agreed_on(read) or questions.is_waited_anyway(read)
    quiet = not proved or boundary or rare or aside or waited_for or needed or questions.is_waited_nearby(read)
    return Verdict(
        Severity.HINT if quiet else Severity.WARNING,
        _message(read, questions, bool(proved)),
        questions.read_proof(read) if proved or read.form is Form.UPLOAD else read.tensor.why,
        ReadAtOnce() if all_at_once else None,
        "read all at once",
        start=brought.anchor
        if brought is not None and not all_at_once and questions.is_within(brought, read)
        else None,
        repeated=bool(read.elements),
    )


def _is_likely(read: HostRead) -> bool:
    """Whether it reads what is a tensor, and likely one of the device: code that runs once a call also reads others."""
    numbers = (*_NUMBERS, "tolist") if read.in_step else _NUMBERS
    methods = numbers if read.elements else (*_NUMBERS, "tolist", "numpy", "print")
    by_python = read.in_step and bool(read.elements) and read.method in _COMPARING
    called = read.method in methods or read.is_math or read.is_of_torch or by_python
    spelled = read.form is Form.CALL and (called or read.is_collected)
    often = read.in_step or (bool(read.elements) and (bool(read.tensor.why) or read.method == "item"))
    return often and (spelled or read.form is not Form.CALL)


def _message(read: HostRead, questions: Questions, proved: bool) -> str:
    shown, often = f"`{questions.read(read)}`", read.heat.often
    if read.form is Form.UPLOAD:
        return f"{shown} copies a value of the host to the device {often}, and the host waits for that"
    waits = "makes the host wait for the device" if proved else "makes the host wait if the value is on a device,"
    if read.form is Form.ITEMS:
        whole, advice = questions.filled(read), "make it on the device, and copy it at the end"
        return f"{shown} becomes items of `{whole}`, which is on the host, and {waits} {often}: {advice}"
    if read.is_collected and read.method not in _NUMBERS:
        return f"{shown} {waits} once for every tensor of the list: `{read.elements}` keeps them there"
    if read.elements and read.form is Form.SIZE:
        return f"{shown} {waits} once for every element of `{read.elements}`: the size of each result has to be read"
    if read.elements:
        numbers = read.method in _NUMBERS
        advice = "`.tolist()` reads them all at once" if numbers else "`.cpu()` before the loop brings them all at once"
        return f"{shown} {waits} once for every element of `{read.elements}`: {advice}"
    if read.form is Form.CHECK:
        return f"{shown} {waits} {often}: {_reader(read)}"
    if read.form is not Form.SIZE:
        return f"{shown} {waits} {often}"
    line = questions.selected_before(read)
    advice = f", as on line {line}: index both with one `.nonzero()`" if line is not None else ""
    return f"{shown} {waits} {often}: the size of the result has to be read{advice}"


def _reader(read: HostRead) -> str:
    """What reads while something is computed."""
    if read.is_distribution:
        return "a distribution tests its parameters, unless it has `validate_args=False`"
    if read.left_out:
        return f"without `{read.left_out}`, the largest index is read"
    if read.method == "multinomial":
        return "torch before 2.11 checks the probabilities"
    return "the computation itself reads from it"
