"""The public door: ``/in/{source}``, ``/healthz`` and ``/readyz``, as one plain ASGI application.

Every answer to a sender is made here and nowhere else. A 2xx to a delivery leaves after the commit of its receipt; an
answer carries no text that came from a request, a secret or an exception; there are no redirects. The path of a
delivery uses no framework's request, response or router: they cost as much as all the rest of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from hooks.errors import ReceiveError, TooLarge
from hooks.pipeline.receive import Door, Receiver, log_fault
from hooks.ports import Clock, Inbound, Intake, Outcome
from hooks.ports.inbound import Named, by_name
from hooks.web.answers import NOT_FOUND, NOW, PROBED, TOO_LARGE, answer_to, not_allowed, put_off, refusal_by_head
from hooks.web.delivery import Delivery
from hooks.web.health import HEALTHY, health_answer
from hooks.web.line import Line
from hooks.web.problem import Send
from hooks.web.whole import SENDER, WHOLE, Answer, Begun, Direct, Sender

log = logging.getLogger("hooks.inbox")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_PREFIX = "/in/"
_NONE: Mapping[str, Any] = {}
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_SMALL = 16 * 1024


class _Busy(ReceiveError):
    """The bodies that are arriving together are too much for the memory they may take."""


class _Gone(ReceiveError):
    """The sender went away, or was too slow and has been told so."""


class Inbox:
    """The application behind the public listener.

    ``doors`` gives the sources as they are configured now: a reload swaps the mapping, and a request keeps the door it
    came in by. ``ready`` is what ``/readyz`` says. At most ``capacity`` requests wait for the store at once; who comes
    then waits in `Line` for up to ``patience`` seconds, and is put off after that. Bodies in memory take at most
    ``held`` bytes together (past that only small ones, of up to 16 KiB, are read on), and what waits in the line
    ``lined``. ``put_off`` is called for each that found no room in that time.
    ``unknown`` says of a name that is no source whether it may be one when the rules file is mended: then with which
    status who asks for it is put off.
    """

    def __init__(
        self,
        doors: Callable[[], Mapping[str, Door]],
        intake: Intake,
        clock: Clock,
        ready: Callable[[], bool],
        *,
        capacity: int = 1_000,
        patience: float = 2.0,
        held: int = 8 * 1024 * 1024,
        lined: int = 32 * 1024 * 1024,
        put_off: Callable[[], None] = lambda: None,
        unknown: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self._doors = doors
        self._unknown = unknown
        self._receiver = Receiver(intake, clock)
        self._clock = clock
        self._ready = ready
        self._line = Line(capacity, patience=patience, limit=lined, put_off=put_off)
        self._held_limit = held
        self._closed = False

    @property
    def line(self) -> Line:
        """Who waits for the store, and who waits until fewer do."""
        return self._line

    def close(self) -> None:
        """Take no more: from now on deliveries are answered as unavailable, and ``/readyz`` is red."""
        self._closed = True
        self._line.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        method: str = scope["method"]
        if path.startswith(_PREFIX):
            name, slash, rest = path[len(_PREFIX) :].partition("/")
            door = self._doors().get(name)
            if door is None:
                status = self._unknown(name)
                await (NOT_FOUND if status is None else put_off(status))(send)
                return
            below = slash + rest
            methods = door.source.paths.get(below)
            if methods is None and door.hooks is not None:
                methods = door.hooks.methods(below)
            if methods is None:
                await NOT_FOUND(send)
            elif below == "" and method in ("GET", "HEAD"):
                await PROBED(send)
            elif method not in methods:
                await not_allowed(methods if below else methods | {"GET", "HEAD"})(send)
            else:
                await self._enter(door, below, scope, receive, send)
        elif path in ("/healthz", "/readyz"):
            if method not in ("GET", "HEAD"):
                await not_allowed({"GET", "HEAD"})(send)
            else:
                await (HEALTHY if path == "/healthz" else health_answer(self._ready() and not self._closed))(send)
        else:
            await NOT_FOUND(send)

    # --- a request that has come whole ---

    prefix = _PREFIX.encode()

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
        """Begin a delivery whose body is here: `hooks.web.whole.Direct`. What is out of order goes the ASGI way."""
        name, slash, rest = path[len(_PREFIX) :].partition("/")
        below = slash + rest
        door = self._doors().get(name)
        if door is None or "POST" not in door.source.paths.get(below, ()) or self._closed:
            return None
        size = len(body)
        if size > door.settings.max_bytes or (size > _SMALL and self._line.held + size > self._held_limit):
            return None
        if refusal_by_head(door, named) is not None:
            return None
        request = Inbound("POST", below, query, headers, body, self._clock.now(), named)
        delivery = Delivery(self._line, self._receiver, door, request, answer)
        if self._line.shut:
            delivery.join(sender)
        elif delivery.begin() is not None:
            return None  # it is refused there again, and answered
        return delivery

    # --- any other request ---

    async def _enter(self, door: Door, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """One request that found its door: look at its head, read its body, receive it, answer."""
        method: str = scope["method"]
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        query: bytes = scope["query_string"]
        if self._closed:
            request = Inbound(method, path, query, headers, b"", self._clock.now())
            await self._answer(door, request, Outcome("unavailable", reason=NOW), scope, send)
            return
        body = b""
        try:
            if method not in _BODILESS:
                refusal = refusal_by_head(door, by_name(headers))
                if refusal is not None:
                    await refusal(send)
                    return
                body = await self._body(door.settings.max_bytes, receive)
            request = Inbound(method, path, query, headers, body, self._clock.now())
            outcome = await self._received(door, request, scope.get("extensions", _NONE).get(SENDER))
        except TooLarge:
            await TOO_LARGE(send)
            return
        except _Gone:
            return
        except (_Busy, asyncio.CancelledError):
            # cancelled by the server when the grace of a stop is over: it may be stored or not, so it is to come again
            request = Inbound(method, path, query, headers, body, self._clock.now())
            outcome = Outcome("unavailable", reason=NOW)
        finally:
            self._line.held -= len(body)
        await self._answer(door, request, outcome, scope, send)

    async def _body(self, limit: int, receive: Receive) -> bytes:
        """The whole body. What it returns still counts as held; what it does not return no longer does."""
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Gone("the sender went away")
                part: bytes = message.get("body", b"")
                if part:
                    size += len(part)
                    self._line.held += len(part)
                    if size > limit:
                        raise TooLarge(f"more than {limit} bytes")
                    if self._line.held > self._held_limit and size > _SMALL:
                        raise _Busy("too many bytes at once")
                    parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except BaseException:
            self._line.held -= size
            raise

    async def _received(self, door: Door, request: Inbound, sender: Sender | None) -> Outcome:
        if self._closed or not await self._line.turn(sender):
            return Outcome("unavailable", reason=NOW)
        try:
            return await self._receiver.receive(door, request)
        except Exception as error:
            log_fault(log, f"receiving at source {door.name}", error)
            return Outcome("unavailable", reason=type(error).__name__)
        finally:
            self._line.leave(0)

    async def _answer(self, door: Door, request: Inbound, outcome: Outcome, scope: Scope, send: Send) -> None:
        answer = answer_to(door, request, outcome)
        whole = scope.get("extensions", _NONE).get(WHOLE)
        if whole is None:
            await answer(send)
        else:
            whole(answer.status, answer.wire())


_: type[Direct] = Inbox
