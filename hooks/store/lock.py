"""One process writes a SQLite file: an advisory lock beside it that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from hooks.errors import StoreRefused


class WriterLock:
    """The right to write one database file, held from `acquire` to `release` or to the end of the process."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """Take the lock. Raises StoreRefused naming the process that has it."""
        file = self.path.open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
            file.close()
            raise StoreRefused(
                f"another server (process {holder}) is using {self.path.with_suffix('').name}: "
                "one process writes a SQLite file; stop that one, or give this one another --data folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
