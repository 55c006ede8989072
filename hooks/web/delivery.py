"""One delivery whose body is here, until its sender is answered: in the line, before the store, or refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from hooks.errors import StoreError
from hooks.events import Receipt
from hooks.pipeline.receive import Door, Receiver, judge, log_fault, recorded
from hooks.ports import Inbound, Outcome
from hooks.web.answers import NOW, answer_to
from hooks.web.line import Line
from hooks.web.whole import Answer, Begun, Sender

log = logging.getLogger("hooks.inbox")


class Delivery:
    """A delivery whose body is here: what a connection and a server that stops see of it, and who answers it."""

    __slots__ = (
        "_after",
        "_answer",
        "_door",
        "_inside",
        "_line",
        "_over",
        "_receipt",
        "_receiver",
        "_request",
        "_work",
    )

    def __init__(self, line: Line, receiver: Receiver, door: Door, request: Inbound, answer: Answer) -> None:
        self._line = line
        self._receiver = receiver
        self._door = door
        self._request = request
        self._answer = answer
        self._receipt: Receipt | None = None
        self._work: asyncio.Future[Outcome] | None = None  # what settles it when there is nothing to store
        self._inside = -1  # how many bytes it holds before the store; -1: it does not wait there
        self._over = False
        self._after: Callable[[Any], object] | None = None

    def join(self, sender: Sender) -> None:
        """Wait for a place before the store."""
        request = self._request
        size = len(request.query) + sum(len(name) + len(value) for name, value in request.headers) + len(request.body)
        if not self._line.join(size, self._turn, sender):
            self._request = request._replace(query=b"", headers=(), body=b"", named=None)

    def _turn(self, go: bool) -> None:
        if not self._over:
            reason = self.begin() if go else NOW
            if reason is not None:
                self._end(Outcome("unavailable", reason=reason))

    def begin(self) -> str | None:
        """Hand it to the store. Gives why that cannot be, and nobody has been told so yet; None: it waits there now."""
        try:
            judged = judge(self._door, self._request)
            if judged.receipt is None:
                self._work = asyncio.ensure_future(self._receiver.settle(self._door, self._request, judged))
                self._work.add_done_callback(self._settled)
            else:
                self._receipt = judged.receipt
                self._receiver.hand(self._door, judged, self._heard)
        except StoreError as problem:
            return str(problem)
        except Exception as error:
            log_fault(log, f"receiving at source {self._door.name}", error)
            return type(error).__name__
        self._inside = len(self._request.body)
        self._line.enter(self._inside)
        return None

    def _heard(self, result: str | StoreError | None) -> None:
        """The commit has come to its end."""
        if isinstance(result, StoreError):
            self._end(Outcome("unavailable", reason=str(result)))
        else:
            assert self._receipt is not None
            self._end(recorded(self._receipt, result))

    def _settled(self, work: asyncio.Future[Outcome]) -> None:
        if work.cancelled():
            self._end(Outcome("unavailable", reason=NOW))
        elif (error := work.exception()) is not None:
            log_fault(log, f"receiving at source {self._door.name}", error)
            self._end(Outcome("unavailable", reason=str(error)))
        else:
            self._end(work.result())

    def done(self) -> bool:
        return self._over

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None:
        self._after = callback

    def cancel(self, msg: str | None = None) -> None:
        """The server waits no longer: it may be stored or not, so it is to come again."""
        if self._work is not None:
            self._work.cancel()
        else:
            asyncio.get_running_loop().call_soon(self._end, Outcome("unavailable", reason=NOW))

    def _end(self, outcome: Outcome) -> None:
        if self._over:
            return
        self._over = True
        if self._inside >= 0:
            self._line.leave(self._inside)
        made = answer_to(self._door, self._request, outcome)
        self._answer(made.status, made.wire())
        if self._after is not None:
            self._after(self)


_: type[Begun] = Delivery
