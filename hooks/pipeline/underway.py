"""Dispatch: which receipt is being read just now, kept where it outlives the process, so that its death has a name.

A few bytes in a file of the data folder, overwritten and not synced: what a process wrote stays when it is killed,
and after a power cut nobody is to blame. Behind them stands who wrote them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from pathlib import Path

_NOTHING = b" " * 36
_RECEIPT = re.compile(rb"rcp_[0-9a-f]{32}")
_OWNER = re.compile(rb"[\w-]{1,100}")


class Underway:
    """The note of one server. Raises OSError when the file cannot be opened or is another's; writing it never fails."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # freed by the kernel when its holder dies
        except OSError:
            os.close(self._file)
            raise
        found = os.pread(self._file, len(_NOTHING) + 100, 0)
        receipt, owner = found[: len(_NOTHING)], found[len(_NOTHING) :]
        self.at_death: str | None = receipt.decode() if _RECEIPT.fullmatch(receipt) else None
        """The receipt that was being read when the process before this one ended in the middle of it."""
        self.before: str | None = owner.decode() if _OWNER.fullmatch(owner) else None
        """Who the process before this one was: None where nothing of it is left."""

    def take_over(self, owner: str) -> None:
        """From now on it is the note of this server."""
        self._write(_NOTHING + owner.encode())
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, len(_NOTHING) + len(owner))

    def begin(self, receipt: str) -> None:
        self._write(receipt.encode())

    def end(self) -> None:
        self._write(_NOTHING)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, what: bytes) -> None:
        try:
            os.pwrite(self._file, what, 0)
        except OSError:
            return  # a full disk: a death is then nobody's
