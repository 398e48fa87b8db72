"""TL101: the value provably has the placement that the transfer asks for."""

from __future__ import annotations

from transfer_codemods.actions import DeleteTransfer
from transfer_lint.findings import Heat, Safety, Saving
from transfer_lint.flow.ask import Questions, Site
from transfer_lint.rules import Verdict, rule, warning_if
from transfer_lint.rules.options import RuleOptions


@rule(
    "TL101",
    "redundant-transfer",
    "a value is moved to where it provably is",
    fix="delete the call",
    safety=Safety.SAFE,
    saves=Saving.CALLS,
)
def check(site: Site, questions: Questions, options: RuleOptions) -> Verdict | None:
    """The analysis gives the proof; the rule only reports it.

    Loud for a module, whose every weight it looks at. Of a tensor it costs a microsecond, no copy and no wait: a hint,
    which `fix` mends. A hint, too, where it may well be meant. Nothing is said of a move to the host that runs once,
    with a comment.
    """
    why = questions.is_there(site)
    if why is None and site.is_discarded:
        why = questions.has_dtype(site)
    if why is None:
        return None
    receiver = questions.receiver(site)
    # A comment may say why it is there; a local that names the place of several moves is one thing to turn; and where
    # another function decides that the value is on the host already, or has loaded a model, that may change.
    explained = questions.goes_to_host(site) and questions.is_explained(site)
    constructs = site.function is not None and site.function.name == "__init__"
    if explained and (constructs or site.heat is Heat.ONCE):
        return None  # it says where the value is kept
    elsewhere = questions.is_decided_elsewhere(site) and (questions.says_host(site) or not site.is_tensor)
    meant = explained or elsewhere or questions.is_knob(site) or questions.is_in_test(site)
    seldom = site.heat is Heat.ONCE or site.rate.rate.steady is None or site.in_handler
    aside = meant or seldom or questions.is_shut_out(site)
    deletable = not site.in_fstring and not questions.leaves_itself(site)
    state = "is already on" if site.request.device is not None else "already has dtype"
    return Verdict(
        warning_if(site.is_module and not aside, site),
        f"`{receiver}` {state} {questions.wanted(site)}: this `.{site.method}(...)` does nothing",
        why,
        DeleteTransfer(questions.is_plain_attribute(site)) if deletable else None,
        "delete the call",
        simpler=not (aside or questions.is_made_array(site)),
    )
