"""Whose files count: what somebody else has put over or beside a folder has no say in how it is checked."""

from __future__ import annotations

import os
from contextlib import suppress


def trusted(path: str, folder: str) -> bool:
    """Whether a file that speaks about `folder` is yours, the administrator's, or of who owns the folder.

    Git's `safe.directory` is the model. Of a symbolic link, both the link and its target count. Systems without owners
    trust every file.
    """
    if not hasattr(os, "geteuid"):
        return True
    good = {os.geteuid(), 0}
    with suppress(OSError):  # the folder need not be there: standard input has a name, too
        good.add(os.stat(folder).st_uid)
    try:
        return {os.lstat(path).st_uid, os.stat(path).st_uid} <= good
    except OSError:
        return False
