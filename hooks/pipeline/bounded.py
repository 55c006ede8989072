"""The longest that one event may keep the processor: reading it, matching it or rendering a step of it ends by then.

Expressions have a budget and bodies a size, so nothing of ours comes near it. It is there for what nobody has thought
of: a reader that goes round in circles on one body must not keep every other event from being acted on. Python code is
interrupted where it is; time in which other processes have the processor does not count.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

LONGEST = 3.0
"""Seconds of the processor, or a sixtieth less. The worst bodies of a mebibyte that were found take one."""


_MAIN = threading.main_thread()


class TookTooLong(BaseException):
    """What was begun has not come to an end in its time. Not an Exception, which what is interrupted might catch."""

    def __init__(self) -> None:
        super().__init__(f"it took more than {LONGEST:g} s of the processor")


class _Alarm:
    """Whether the alarm is set: what rings too late is not heard."""

    armed = False
    heard = False
    """Whether the process listens to it."""
    good_until = 0.0
    """Until when, by the monotonic clock, it need not be set again: most of what it is set for takes far less."""


class bounded:  # noqa: N801  # read as `with bounded():`, several times for each event
    """Raise TookTooLong inside when it takes longer than `LONGEST`. For code that waits for nothing and holds nothing.

    Only the main thread can be interrupted; in others it changes nothing. The alarm goes on when it is left, and is
    not heard then: asking the system twice each time would take longer than what most events need.
    """

    __slots__ = ("_main",)

    def __enter__(self) -> None:
        self._main = threading.get_ident() == _MAIN.ident
        if self._main:
            if time.monotonic() > _Alarm.good_until:
                _set()
            _Alarm.armed = True

    def __exit__(self, *_: object) -> None:
        if self._main:
            _Alarm.armed = False


def _set() -> None:
    if not _Alarm.heard:
        signal.signal(signal.SIGVTALRM, _ring)
        _Alarm.heard = True
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    _Alarm.good_until = time.monotonic() + LONGEST / 60


def _ring(number: int, frame: FrameType | None) -> None:
    _Alarm.good_until = 0.0
    if _Alarm.armed:
        raise TookTooLong
