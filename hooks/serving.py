"""A server as a process: its event loop, its signals, its files, and what it says at its start."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from hooks.app import App
from hooks.settings import Settings, unread
from hooks.whereabouts import TOKEN_FILE

log = logging.getLogger("hooks.app")

OVERHEARD_EVERY = 10.0
"""Seconds between two lines about the same trouble of the event loop."""

SAID_EVERY = 60.0
"""Seconds between two lines of one warning, in the same words."""

SAID_MOST = 1_000
"""Warnings that are remembered."""

HANDLES = 16_384
"""Files and connections that this process wants to be allowed."""

YOUNG = 20_000
"""Objects after which the collector looks for what holds itself alive. With Python's own 700 it took a twentieth of the
time of an event, and found nothing; a batch of events in progress is some ten thousand of them."""

MUCH = 300_000
"""Objects, twice what a start with few rules makes: a twentieth or more of what is there may be rubbish then."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which the interpreter may pass from the event loop to the writing thread and back. With Python's own
5 ms a commit that is ready to go waits for the loop so long that the batches, and everybody's answer, get late."""


LARGE = 128 * 1024
"""Bytes from which memory goes back to the system when it is freed. It is the C library's own first value, which it
raises to that of each larger block that it frees: after a few bodies of a megabyte the holes between them stay, and a
burst of those left a third more behind than it needed."""

_M_MMAP_THRESHOLD = -3  # from glibc's malloc.h


def run(settings: Settings) -> int:
    """Serve in an event loop of its own until told to stop; gives the exit code.

    The loop is uvloop's: with Python's own the sockets cost twice as much. There is none for Windows.
    """
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(serve(settings))


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; SIGHUP loads the rules again. Gives the exit code."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    _give_memory_back()
    _take_file_handles()
    asyncio.get_running_loop().set_exception_handler(_Overheard())
    app = App(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)  # before the start: a stop that comes meanwhile is one in order too
    await app.start()
    for sentence in unread():
        log.warning("%s", sentence)
    keep_calm()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(app.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    _announce(app)
    told = asyncio.create_task(stop.wait())
    broken = asyncio.create_task(app.wait())
    await asyncio.wait([told, broken], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    broken.cancel()
    await app.stop()
    return 0 if stop.is_set() else 1


def _announce(app: App) -> None:
    if app.new_token is not None:
        # Not through the log: logs are kept and sent around, and a token must not be.
        sys.stderr.write(
            f"\nAdmin token, to sign in to the console with (shown once; kept for the command line in "
            f"{app.settings.data / TOKEN_FILE}):\n  {app.new_token}\n\n"
        )
    if app.inbox_url:
        log.info("receiving webhooks at %s/in/<source>", app.inbox_url)
    log.info("console at %s/, admin API at %s/api/v1", app.admin_url, app.admin_url)


def keep_calm() -> None:
    """Once all is loaded: what is in memory now stays, so the collector need not go through it again and again.

    Going through everything stops the event loop for a tenth of a second, and loading rules makes it due. What is made
    for an event goes by itself when the event is over, so it is gone through only now and then.
    """
    if gc.get_count()[0] > MUCH:
        gc.collect()  # thousands of rules leave something behind; else nobody should wait for it
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    gc.enable()


class Repeated(logging.Filter):
    """Leaves out a warning that was said within the last minute; the next one says how often it was left out.

    While a database is away every loop that asks it finds so each second, and each run whose result waits to be
    written: over a weekend that would be some hundred megabytes of the same few lines. Other levels go through: a
    rules file that was saved with the same mistake again is told each time.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], tuple[float, int]] = {}
        """When it was said last, and how often it was left out since."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        message, now = record.getMessage(), self._monotonic()
        key = record.name, message
        said_at, left_out = self._said.pop(key, (float("-inf"), 0))
        if now - said_at < SAID_EVERY:
            self._said[key] = said_at, left_out + 1
            return False
        if left_out:
            record.msg, record.args = f"{message} ({left_out} times more since this was said last)", ()
        if len(self._said) >= SAID_MOST:
            del self._said[next(iter(self._said))]
        self._said[key] = now, 0
        return True


class _Overheard:
    """What the event loop meets outside of any task: a line by kind and place, now and then, and never a traceback."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        task = context.get("future")
        whose = f" in {task.get_name()}" if isinstance(task, asyncio.Task) else ""
        what = f"{context.get('message', 'something')} ({type(error).__name__}{whose})"
        if loop.time() - self._said.get(what, float("-inf")) > OVERHEARD_EVERY:
            self._said[what] = loop.time()
            log.error("the event loop reports: %s", what)


def _take_file_handles() -> None:
    """As many as this process may have: many systems give it fewer until it asks."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = HANDLES if most == resource.RLIM_INFINITY else min(HANDLES, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), most))


def _give_memory_back() -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other C libraries than GNU's have no such thing
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
