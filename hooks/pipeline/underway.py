"""Dispatch: which receipt is being read just now, kept where it outlives the process, so that its death has a name.

A few bytes in a file of the data folder, overwritten and not synced: what a process wrote stays when it is killed,
and after a power cut nobody is to blame.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_NOTHING = b" " * 36
_RECEIPT = re.compile(rb"rcp_[0-9a-f]{32}")


class Underway:
    """The note of one server. Raises OSError when the file cannot be opened; writing it never fails."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        found = os.pread(self._file, len(_NOTHING), 0)
        self.at_death: str | None = found.decode() if _RECEIPT.fullmatch(found) else None
        """The receipt that was being read when the process before this one ended in the middle of it."""

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
