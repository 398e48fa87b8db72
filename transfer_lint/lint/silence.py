"""Why a transfer is not reported: the reason of each rule that might have."""

from __future__ import annotations

from collections.abc import Iterator

from transfer_lint.findings import Heat
from transfer_lint.flow.ask import Questions, Site


def reasons(site: Site, questions: Questions) -> Iterator[tuple[str, str]]:
    """(code of a rule, why it is silent)."""
    yield "TL101", _not_redundant(site, questions)
    module = site.is_module or (not site.proved and questions.can_only_be_module(site))
    common = _common(site, questions)
    if module:
        yield "TL103", common or _no_repeated_move(site, questions)
    else:
        yield "TL102", common or _no_guard(site, questions)
    if questions.factory(site) is not None:
        yield "TL106", common or "the copy need not be waited for, or its memory is pinned"


def _not_redundant(site: Site, questions: Questions) -> str:
    request, receiver = site.request, questions.receiver(site)
    if request.device is None:
        return "it names no device, it only changes the dtype"
    if not request.plain:
        return "it asks for a copy or a memory format, or unpacks its arguments"
    if not site.proved:
        return f"nothing says what `{receiver}` is"
    if request.ambiguous:
        return "whether its argument is a device, a dtype or a tensor is not known"
    if questions.is_on_device(site):
        return "the device is proved, the dtype is not"
    if site.device is None or not site.device.term.has_name:
        return f"nothing says where `{receiver}` is"
    return f"`{receiver}` is on `{site.device.term}`; that this is {questions.wanted(site)} is not proved"


def _common(site: Site, questions: Questions) -> str:
    """A reason that holds for all rules about repeated moves; "" if there is none."""
    if site.request.device is None:
        return "it names no device"
    if site.heat is Heat.ONCE:
        return "it runs once (a loader, a constructor, or at import)"
    if site.guarded:
        return "a test around it compares the placement"
    if site.in_handler:
        return "it is in an `except` block"
    if questions.boundary(site):
        return "it goes to the host or onto an output, as what follows may need"
    return ""


def _no_repeated_move(site: Site, questions: Questions) -> str:
    if site.moves_result_of_call or site.made_here:
        return "the module was made or fetched just before, and may need the move each time"
    if questions.is_half_of_pair(site) or questions.is_put_back(site):
        return "the function moves the module elsewhere as well: onload and offload"
    if questions.is_placed_on_purpose(site):
        return "the function only places the module, or a test around the move decides about it"
    return "the call asks for a copy, or unpacks its arguments"


def _no_guard(site: Site, questions: Questions) -> str:
    receiver = questions.receiver(site)
    if not site.is_tensor:
        return f"nothing says that `{receiver}` is a tensor"
    if questions.is_inner(site) or site.moves_computed:
        return "the value was just computed: it is no input that may be there already"
    if questions.is_placed_elsewhere(site):
        return f"`{receiver}` has been put somewhere else, so the move is needed"
    if questions.is_memoised(site) or questions.fills_cache(site):
        return "a test around it lets it run only where its result is not kept yet"
    return "no test tells exactly when it does nothing: its device is spelled without an index, or not known as one"
