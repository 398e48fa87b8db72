"""Files of other owners."""

from __future__ import annotations

import os

import pytest

NOBODY = 65534
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make files of other owners"
)
