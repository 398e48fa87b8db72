"""What a file has besides its content: owner, permission bits, access control lists and extended attributes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

_SYSTEM = ("security.", "trusted.")
"""Prefixes of extended attributes that the system sets by its own rules, and that users may not set."""


def give(path: str, origin: str) -> None:
    """Give the file `path` what `origin` has: the owner if that is allowed, the mode, ACLs and extended attributes.

    Raises:
        OSError: an attribute cannot be kept.
    """
    status = os.stat(origin)
    if hasattr(os, "chown") and (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
    if hasattr(os, "listxattr"):  # Linux, where access control lists are extended attributes
        _give_extended(path, origin)
    os.chmod(path, stat.S_IMODE(status.st_mode))  # last: changes of owner and of access control lists clear bits


def _give_extended(path: str, origin: str) -> None:
    wanted = _extended(origin)
    there = _extended(path)  # a folder may have a default access control list for new files
    for name in there.keys() - wanted.keys():
        if not name.startswith(_SYSTEM):
            os.removexattr(path, name)
    for name, value in wanted.items():
        if there.get(name) == value:
            continue
        try:
            os.setxattr(path, name, value)
        except PermissionError:
            if not name.startswith(_SYSTEM):
                raise


def _extended(path: str) -> dict[str, bytes]:
    try:
        names = os.listxattr(path)
    except OSError:  # the file system has none
        return {}
    return {name: os.getxattr(path, name) for name in names}
