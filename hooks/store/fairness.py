"""Fair share: live runs go first, but of a connection's turns one in four belongs to older work while that waits.

Older work is what is tried again, what was held and let go, replays, and what may have ended the program. What it has
not to do with its part others have, and it has theirs. Each server keeps to that in what it claims itself, so all of
them together do.
"""

from __future__ import annotations

from dataclasses import dataclass

from hooks.ports import OLDER_PART

LIVE, AGAIN, REPLAY, SUSPECT = 0, 1, 2, 3
"""Priorities of runs, lower ones first: live; tried again, or held before; repeated by a replay; those that were in
progress in two crashes, of which one is carried out at a time, so that the innocent get away."""

LIVE_FIRST = (LIVE, AGAIN, REPLAY, SUSPECT)
_OLDER = ((AGAIN, REPLAY, SUSPECT), (REPLAY, SUSPECT, AGAIN), (SUSPECT, AGAIN, REPLAY))


@dataclass(slots=True)
class Share:
    """How the turns of one connection have been given out lately."""

    passed: int = 0
    """Turns given out one after the other while more was waiting, less those that older work was given for them."""
    _turn: int = 0

    def owed(self, room: int) -> int:
        """How many of the next turns belong to older work."""
        return min(room, self.passed // OLDER_PART)

    def order(self) -> tuple[int, ...]:
        """Which kind of older work goes first with the turns that belong to it: each in its turn."""
        self._turn = (self._turn + 1) % len(_OLDER)
        return _OLDER[self._turn - 1]

    def gave(self, room: int, taken: int, owed: int, older: int) -> None:
        """Of ``room`` turns so many were taken; of those that were owed to older work, so many by it."""
        if taken < room or older < owed:
            self.passed = 0  # nothing waits any more, or nothing older
        else:
            self.passed += taken - OLDER_PART * owed
