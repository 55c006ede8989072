"""Whole requests and whole answers: what a POST that has come in one piece goes by instead of ASGI's messages.

`hooks.web.protocol` hands such a request to an application that is `Direct`, and sends what it answers in one write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from hooks.ports.inbound import Named

WHOLE = "hooks.whole_answer"
"""The ASGI extension of POST requests: a call ``(status, rest)`` that sends a whole answer at once."""

Answer = Callable[[int, bytes], None]
"""Sends a whole answer: its status, and the rest as `hooks.web.problem.Prepared.wire` makes it."""


SENDER = "hooks.sender"
"""The ASGI extension of requests to a `Direct` application: the `Sender`."""


class Sender(Protocol):
    """The connection that a request came by, as an application sees it that has too many of them."""

    turn_at: float
    """When a request of it last had its turn after waiting: let in or put off. By the clock of the loop."""


class Begun(Protocol):
    """A request that waits for its answer: the part of a future that a connection and a server that stops need."""

    def done(self) -> bool: ...

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None: ...

    def cancel(self, msg: str | None = None) -> object: ...


@runtime_checkable
class Direct(Protocol):
    """An ASGI application that takes whole requests too."""

    prefix: bytes
    """What the paths of such requests begin with."""

    def take(
        self,
        path: str,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        named: Named,
        body: bytes,
        answer: Answer,
        sender: Sender,
    ) -> Begun | None:
        """Begin a POST, and say ``answer`` once; or give None, and it comes again the ASGI way.

        What is given ends when it is answered; a server that stops cancels it when it waits no longer.
        """
        ...


class _Silent:
    """The event of a request that nobody waits for."""

    def set(self) -> None:
        return


_SILENT = _Silent()


class Whole:
    """A request that was handed over whole, as its connection sees it: the part of a cycle that is used there."""

    __slots__ = (
        "default_headers",
        "disconnected",
        "keep_alive",
        "message_event",
        "on_response",
        "response_complete",
        "response_started",
        "transport",
        "waiting_for_100_continue",
    )

    def __init__(
        self, server_state: ServerState, transport: Any, keep_alive: bool, on_response: Callable[[], None]
    ) -> None:
        self.default_headers = server_state.default_headers
        self.disconnected = self.response_started = self.response_complete = self.waiting_for_100_continue = False
        self.keep_alive = keep_alive
        self.message_event = _SILENT
        self.on_response = on_response
        self.transport = transport


class _Lines:
    """Headers as they stand on the wire. They are the very same in every answer of a second."""

    def __init__(self) -> None:
        self._made: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")

    def of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        known, lines = self._made
        if headers is not known:
            lines = b"".join([b"%s: %s\r\n" % header for header in headers])
            self._made = (headers, lines)
        return lines


_lines = _Lines()


def answer_whole(cycle: RequestResponseCycle | Whole, status: int, rest: bytes) -> None:
    """Everything that `RequestResponseCycle.send` does for a whole answer, in one write.

    ``rest`` is what `hooks.web.problem.Prepared.wire` made. Two writes per answer, and headers looked at one by one,
    cost as much as reading the request did.
    """
    if cycle.disconnected or cycle.response_started:
        return
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    head = STATUS_LINE[status] + _lines.of(cycle.default_headers)
    if not cycle.keep_alive:
        head += b"connection: close\r\n"
    cycle.transport.write(head + rest)
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
