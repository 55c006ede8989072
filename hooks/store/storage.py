"""Where a database file lies: whether what is synced there outlives the power."""

from __future__ import annotations

import os
from pathlib import Path

_FLEETING = frozenset({"tmpfs", "ramfs", "devtmpfs"})
_MOUNTS = Path("/proc/self/mountinfo")


def fleeting(folder: Path) -> str | None:
    """The kind of file system under a folder when it lives in memory only, None for any other.

    None too where the system does not tell (only Linux does).
    """
    try:
        device = folder.stat().st_dev
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts:
        fields, _, kind = line.partition(" - ")
        if fields.split()[2] == number:
            name = kind.split()[0]
            return name if name in _FLEETING else None
    return None
