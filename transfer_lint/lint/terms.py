"""The terms of a suppression: who answers for it, and until when it holds: `until 2027-06-01 (infra): reason`."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

from transfer_lint.problems import Problem

_TERMS = re.compile(
    r"(?:(?:until|Until):?\s+(?P<until>\d[^\s:(]*)\s*)?(?:\((?P<owner>[^()]+)\)\s*(?=:|$))?(?P<reason>.*)"
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LIKE_A_DAY = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}")
_ENDS = re.compile(r"[Uu]ntil:?\s+(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Terms:
    """The terms of an ignore comment or of an entry in a baseline.

    until: the last day on which it holds, as written; "": no end. owner: who answers for it; "": nobody is named.
    """

    until: str = ""
    owner: str = ""

    def ended(self, today: str) -> bool:
        """Whether it no longer holds. What has an end that is no day does not hold either."""
        return bool(self.until) and (self.until < today or not is_day(self.until))

    @property
    def spelled(self) -> str:
        """`2027-06-01 (infra)`."""
        return self.until + (f" ({self.owner})" if self.owner else "")


NO_TERMS = Terms()


def read_terms(text: str) -> tuple[Terms, str]:
    """The terms at the beginning of what stands behind a suppression, and the reason after them.

    Words that only begin like terms (`until 2.14 is out`, `(see below) it is small`) are a reason.
    """
    found = _TERMS.fullmatch(text)
    if found is None:  # it has several lines
        return NO_TERMS, text
    until = found["until"] or ""
    if until and not (is_day(until) or _LIKE_A_DAY.fullmatch(until)):
        return NO_TERMS, text
    return Terms(until, (found["owner"] or "").strip()), found["reason"].removeprefix(":").strip()


def written(terms: Terms, reason: str) -> str:
    """What stands behind a suppression: the terms, if there are any, and the reason."""
    owner = f"({terms.owner})" if terms.owner else ""
    named = " ".join(filter(None, (f"until {terms.until}" if terms.until else "", owner)))
    return ": ".join(filter(None, (named, reason)))


def is_day(text: str) -> bool:
    """Whether that is a day, written as 2027-06-01."""
    from datetime import date  # imported where somebody names a day

    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def ends_before(text: str, today: str) -> tuple[str, ...]:
    """The days in a text that may be ends of its comments and have passed: what is found in it rests on these."""
    if "transfer-lint:" not in text:
        return ()
    return tuple(sorted({day for day in _ENDS.findall(text) if day < today}))


def today() -> str:
    """The day, as 2027-06-01, in UTC: it is the same on all machines. SOURCE_DATE_EPOCH replaces it.

    Raises:
        Problem: SOURCE_DATE_EPOCH is no time.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        day = time.gmtime(int(given) if given else time.time())
    except (ValueError, OverflowError, OSError):
        raise Problem("SOURCE_DATE_EPOCH", f"{given!r} is no time", "give seconds since 1970, or nothing") from None
    return time.strftime("%Y-%m-%d", day)
