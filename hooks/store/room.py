"""Room on the disk: intake ends while there is some left, so that what is under way can still be written.

A disk that is full to the last byte takes no results either, and deleting rows does not help, because a deletion is
written first. So deliveries are put off below a mark, and a reserve file lies beside the database: when others fill the
disk all the same, it is given up, results are written into its place, and nothing new is begun until there is room
for it again. No restart is needed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger("hooks.store")

MIB = 1 << 20
SMALLEST_MARK = 256 * MIB
LARGEST_MARK = 4096 * MIB
PART = 0.05
"""Of the disk: the mark, where that is more than the smallest and less than the largest."""

RESERVE = 16 * MIB
"""Bytes of the reserve file at most: what the log of the database takes until it is used again from its beginning."""

LOOK_EVERY = 1.0
"""Seconds for which an answer about the disk holds, unless much was written meanwhile."""


def default_mark(total: int) -> int:
    """Bytes to leave free on a disk of this size: 5 % between 256 MiB and 4 GiB, and never more than a quarter."""
    return int(min(max(SMALLEST_MARK, total * PART), LARGEST_MARK, total / 4))


class Room:
    """The disk under one database file. ``mark`` bytes are left free by intake; 0 looks at nothing."""

    def __init__(self, database: Path, mark: int | None, monotonic: Callable[[], float]) -> None:
        """``mark`` None: the default for the disk."""
        self._folder = database.parent
        self.reserve_file = database.with_name(database.name + ".reserve")
        self._monotonic = monotonic
        self.mark = default_mark(self._space()[1]) if mark is None else mark
        self._reserve = min(RESERVE, self.mark // 4)
        self._looked_at = float("-inf")
        self._since = 0
        self._low = False
        self.given_up = False
        """Whether the reserve is gone, and nothing new may be begun."""
        self.reusable = 0
        """Bytes inside the file that hold nothing: room too, as long as the disk has some for the log."""

    @property
    def free(self) -> int:
        """Bytes on the disk, and those of the file that can be used again."""
        return self._space()[0] + self.reusable

    def low(self, size: int) -> bool:
        """Whether nothing more should be taken in. ``size`` bytes are about to be written if not."""
        if not self.mark:
            return False
        self._since += size
        now = self._monotonic()
        if now - self._looked_at > LOOK_EVERY or self._since > self.mark / 16:
            self._since = 0
            self.look()
        return self.crowded

    @property
    def crowded(self) -> bool:
        """What the last look at the disk found."""
        return self._low or self.given_up

    def look(self) -> None:
        """Look at the disk now."""
        if not self.mark:
            return
        self._looked_at = self._monotonic()
        free = self._space()[0]
        low = free + self.reusable < self.mark or free < self.mark / 8
        if low and not self._low:
            log.error(
                "only %d MiB are free in %s: webhooks are put off until there are %d MiB again; "
                "what is under way goes on",
                free // MIB,
                self._folder,
                self.mark // MIB,
            )
        elif self._low and not low:
            log.warning("there is room on the disk again: webhooks are taken")
        self._low = low

    def _space(self) -> tuple[int, int]:
        """Bytes that are free for us, and bytes of the disk."""
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def give_up(self) -> bool:
        """Let the reserve go, because nothing else is left; False when there was none."""
        self.given_up = self.mark > 0
        try:
            self.reserve_file.unlink()
        except OSError:
            return False
        log.error("the disk is full: the reserve of %d KiB is given up to write results", self._reserve >> 10)
        return True

    def restore(self) -> None:
        """Take the reserve (again), if there is room for it above the mark. Writes a file: not for an event loop."""
        if not self._reserve or self.reserve_file.exists():
            self.given_up = False
            return
        if self._space()[0] < self.mark + self._reserve:
            return
        try:
            with self.reserve_file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve)
                os.fsync(file.fileno())
        except OSError as error:
            self.reserve_file.unlink(missing_ok=True)
            log.warning("no reserve can be kept on the disk: %s", error.strerror)
            self.given_up = False
            return
        if self.given_up:
            log.warning("there is room on the disk again: the reserve is kept, and work goes on")
        self.given_up = False
