"""All scenarios of InstantID in one run."""

from instantid import *  # noqa: F403
from instantid_own import *  # noqa: F403
