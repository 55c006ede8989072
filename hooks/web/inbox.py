"""The public door: ``/in/{source}``, ``/healthz`` and ``/readyz``, as one plain ASGI application.

Every answer to a sender is made here and nowhere else. A 2xx to a delivery leaves after the commit of its receipt; an
answer carries no text that came from a request, a secret or an exception; there are no redirects. The path of a
delivery uses no framework's request, response or router: they cost as much as all the rest of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import partial
from typing import Any

from hooks.errors import ReceiveError, StoreError, TooLarge
from hooks.events import Receipt
from hooks.pipeline.receive import Door, Receiver, judge, log_fault, recorded
from hooks.ports import Clock, Inbound, Intake, Outcome, Reply
from hooks.web.health import HEALTHY, health_answer
from hooks.web.problem import JSON, Prepared, Send, as_json, problem
from hooks.web.whole import WHOLE, Answer, Begun, Direct

log = logging.getLogger("hooks.inbox")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_PREFIX = "/in/"
_NONE: Mapping[str, Any] = {}
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_SMALL = 16 * 1024
_MAX_MEDIA_TYPE = 500  # it is stored whole, because a multipart body cannot be read again without its boundary
_NOW = "too much at once, or stopping"

_NOT_FOUND = problem(404)
_BAD_LENGTH = problem(400, "The Content-Length is not a number.")
_UNREADABLE = problem(400, "The body cannot be read.")
_REFUSED = problem(401, "The signature or key is missing, wrong or too old.", [(b"www-authenticate", b"Webhook")])
_TOO_LARGE = problem(413, "The body is larger than this source takes.")
_MEDIA_TYPE = problem(415, "This source does not take this content type.")
_CODING = problem(415, "Compressed bodies are not taken.", [(b"accept-encoding", b"identity")])
_UNAVAILABLE = {
    (status, seconds): problem(status, "This cannot be taken now. Send it again.", [(b"retry-after", b"%d" % seconds)])
    for status in (429, 503)
    for seconds in (5, 30)
}
_PROBED = Prepared(200, as_json({"status": "ok"}), JSON)
_DROPPED = Prepared(200, as_json({"events": [], "duplicate": False}), JSON)


class _Busy(ReceiveError):
    """The bodies that are arriving together are too much for the memory they may take."""


class _Gone(ReceiveError):
    """The sender went away, or was too slow and has been told so."""


class Inbox:
    """The application behind the public listener.

    ``doors`` gives the sources as they are configured now: a reload swaps the mapping, and a request keeps the door it
    came in by. ``ready`` is what ``/readyz`` says. At most ``capacity`` requests wait for the store at once, and
    bodies in memory take at most ``held`` bytes together: past that only small ones (16 KiB) are read on.
    """

    def __init__(
        self,
        doors: Callable[[], Mapping[str, Door]],
        intake: Intake,
        clock: Clock,
        ready: Callable[[], bool],
        *,
        capacity: int = 1_000,
        held: int = 8 * 1024 * 1024,
    ) -> None:
        self._doors = doors
        self._receiver = Receiver(intake, clock)
        self._clock = clock
        self._ready = ready
        self._capacity = capacity
        self._waiting = 0
        self._held_limit = held
        self._held = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many requests wait for the store now."""
        return self._waiting

    @property
    def held(self) -> int:
        """How many bytes of bodies are in memory now."""
        return self._held

    def close(self) -> None:
        """Take no more: from now on deliveries are answered as unavailable, and ``/readyz`` is red."""
        self._closed = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        method: str = scope["method"]
        if path.startswith(_PREFIX):
            name, slash, rest = path[len(_PREFIX) :].partition("/")
            door = self._doors().get(name)
            if door is None:
                await _NOT_FOUND(send)
                return
            below = slash + rest
            methods = door.source.paths.get(below)
            if methods is None and door.hooks is not None:
                methods = door.hooks.methods(below)
            if methods is None:
                await _NOT_FOUND(send)
            elif below == "" and method in ("GET", "HEAD"):
                await _PROBED(send)
            elif method not in methods:
                await _not_allowed(methods if below else methods | {"GET", "HEAD"})(send)
            else:
                await self._enter(door, below, scope, receive, send)
        elif path in ("/healthz", "/readyz"):
            if method not in ("GET", "HEAD"):
                await _not_allowed({"GET", "HEAD"})(send)
            else:
                await (HEALTHY if path == "/healthz" else health_answer(self._ready() and not self._closed))(send)
        else:
            await _NOT_FOUND(send)

    # --- a request that has come whole ---

    prefix = _PREFIX.encode()

    def take(
        self, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes, answer: Answer
    ) -> Begun | None:
        """Begin a delivery whose body is here: `hooks.web.whole.Direct`. What is out of order goes the ASGI way."""
        name, slash, rest = path[len(_PREFIX) :].partition("/")
        below = slash + rest
        door = self._doors().get(name)
        if door is None or "POST" not in door.source.paths.get(below, ()) or self._full:
            return None
        size = len(body)
        if size > door.settings.max_bytes or (size > _SMALL and self._held + size > self._held_limit):
            return None
        if _refusal_by_head(door, headers) is not None:
            return None
        request = Inbound("POST", below, query, headers, body, self._clock.now())
        try:
            judged = judge(door, request)
            if judged.receipt is None:
                work = asyncio.ensure_future(self._receiver.settle(door, request, judged))
                work.add_done_callback(partial(self._settled, door, request, answer))
                begun: Begun = work
            else:
                begun = delivery = _Delivery(self, door, request, judged.receipt, answer)
                self._receiver.hand(door, judged, delivery.heard)
        except StoreError:
            return None  # it is refused there again, and answered
        except Exception as error:
            log_fault(log, f"receiving at source {door.name}", error)
            return None
        self._waiting += 1
        self._held += size
        return begun

    def _settled(self, door: Door, request: Inbound, answer: Answer, work: asyncio.Future[Outcome]) -> None:
        if work.cancelled():
            outcome = Outcome("unavailable", reason=_NOW)
        elif (error := work.exception()) is not None:
            log_fault(log, f"receiving at source {door.name}", error)
            outcome = Outcome("unavailable", reason=str(error))
        else:
            outcome = work.result()
        self.finish(door, request, outcome, answer)

    def finish(self, door: Door, request: Inbound, outcome: Outcome, answer: Answer) -> None:
        """Answer a request that was taken whole, once."""
        self._waiting -= 1
        self._held -= len(request.body)
        made = self._answer_to(door, request, outcome)
        answer(made.status, made.wire())

    # --- any other request ---

    async def _enter(self, door: Door, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """One request that found its door: look at its head, read its body, receive it, answer."""
        method: str = scope["method"]
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        query: bytes = scope["query_string"]
        if self._full:
            request = Inbound(method, path, query, headers, b"", self._clock.now())
            await self._answer(door, request, Outcome("unavailable", reason=_NOW), scope, send)
            return
        body = b""
        try:
            if method not in _BODILESS:
                refusal = _refusal_by_head(door, headers)
                if refusal is not None:
                    await refusal(send)
                    return
                body = await self._body(door.settings.max_bytes, receive)
            request = Inbound(method, path, query, headers, body, self._clock.now())
            outcome = await self._received(door, request)
        except TooLarge:
            await _TOO_LARGE(send)
            return
        except _Gone:
            return
        except (_Busy, asyncio.CancelledError):
            # cancelled by the server when the grace of a stop is over: it may be stored or not, so it is to come again
            request = Inbound(method, path, query, headers, body, self._clock.now())
            outcome = Outcome("unavailable", reason=_NOW)
        finally:
            self._held -= len(body)
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
                    self._held += len(part)
                    if size > limit:
                        raise TooLarge(f"more than {limit} bytes")
                    if self._held > self._held_limit and size > _SMALL:
                        raise _Busy("too many bytes at once")
                    parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except BaseException:
            self._held -= size
            raise

    async def _received(self, door: Door, request: Inbound) -> Outcome:
        if self._full:
            return Outcome("unavailable", reason=_NOW)
        self._waiting += 1
        try:
            return await self._receiver.receive(door, request)
        except Exception as error:
            log_fault(log, f"receiving at source {door.name}", error)
            return Outcome("unavailable", reason=type(error).__name__)
        finally:
            self._waiting -= 1

    @property
    def _full(self) -> bool:
        return self._closed or self._waiting >= self._capacity

    async def _answer(self, door: Door, request: Inbound, outcome: Outcome, scope: Scope, send: Send) -> None:
        answer = self._answer_to(door, request, outcome)
        whole = scope.get("extensions", _NONE).get(WHOLE)
        if whole is None:
            await answer(send)
        else:
            whole(answer.status, answer.wire())

    def _answer_to(self, door: Door, request: Inbound, outcome: Outcome) -> Prepared:
        if outcome.kind == "refused" and door.drops_bad_signatures:
            return _DROPPED
        try:
            reply = outcome.reply or door.source.answer(request, outcome)
            return _usual(door, outcome) if reply is None else _own(reply)
        except Exception as error:
            log_fault(log, f"answer of source {door.name}", error)
            return _usual(door, outcome)


class _Delivery:
    """An ordinary delivery that waits for its commit: what a server that stops sees of it, and who answers it then."""

    __slots__ = ("_after", "_answer", "_door", "_inbox", "_over", "_receipt", "_request")

    def __init__(self, inbox: Inbox, door: Door, request: Inbound, receipt: Receipt, answer: Answer) -> None:
        self._inbox = inbox
        self._door = door
        self._request = request
        self._receipt = receipt
        self._answer = answer
        self._over = False
        self._after: Callable[[Any], object] | None = None

    def heard(self, result: str | StoreError | None) -> None:
        """The commit has come to its end."""
        if isinstance(result, StoreError):
            self._end(Outcome("unavailable", reason=str(result)))
        else:
            self._end(recorded(self._receipt, result))

    def done(self) -> bool:
        return self._over

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None:
        self._after = callback

    def cancel(self, msg: str | None = None) -> None:
        """The server waits no longer: it may be stored or not, so it is to come again."""
        asyncio.get_running_loop().call_soon(self._end, Outcome("unavailable", reason=_NOW))

    def _end(self, outcome: Outcome) -> None:
        if self._over:
            return
        self._over = True
        self._inbox.finish(self._door, self._request, outcome, self._answer)
        if self._after is not None:
            self._after(self)


def _refusal_by_head(door: Door, headers: Iterable[tuple[bytes, bytes]]) -> Prepared | None:
    """What the headers alone make impossible, before a byte of the body is read."""
    media_type = ""
    seen = False
    for name, value in headers:
        if name == b"content-type":
            if seen or len(value) > _MAX_MEDIA_TYPE:
                return _MEDIA_TYPE
            seen = True
            media_type = value.split(b";", 1)[0].strip().lower().decode("latin-1")
        elif name == b"content-length":
            length = value.strip()
            if not length.isdigit() or len(length) > 18:
                return _BAD_LENGTH
            if int(length) > door.settings.max_bytes:
                return _TOO_LARGE
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return _CODING
    return None if media_type in door.source.media_types else _MEDIA_TYPE


def _usual(door: Door, outcome: Outcome) -> Prepared:
    """The table of answers for sources without words of their own."""
    kind, receipt = outcome.kind, outcome.receipt
    if kind == "accepted" and receipt is not None:
        ids = '","'.join(receipt.event_ids)
        text = f'{{"receipt":"{receipt.id}","events":["{ids}"],"duplicate":false}}'
        return Prepared(door.settings.respond_status, text.encode(), JSON)
    if kind == "duplicate" and receipt is not None:
        text = f'{{"receipt":"{receipt.id}","events":[],"duplicate":true,"duplicate_of":"{receipt.duplicate_of}"}}'
        return Prepared(door.settings.respond_status, text.encode(), JSON)
    if kind == "ping":
        body: dict[str, Any] = {"events": [], "duplicate": False, "ping": True}
        return Prepared(200, as_json(body if receipt is None else {"receipt": receipt.id, **body}), JSON)
    if kind == "probe":
        return _PROBED
    if kind == "refused":
        return _REFUSED
    if kind == "unreadable":
        return _UNREADABLE
    return _UNAVAILABLE[door.settings.unavailable_status, 5 if outcome.reason == _NOW else 30]


def _own(reply: Reply) -> Prepared:
    """A source's own answer. One that puts the sender off names the time, because senders act on that."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    media_type = headers.pop("content-type", JSON.decode())
    if reply.status in (429, 503):
        headers.setdefault("retry-after", "30")
    body = b"" if reply.body is None else as_json(reply.body)
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return Prepared(reply.status, body, media_type.encode("latin-1"), pairs)


def _not_allowed(methods: Iterable[str]) -> Prepared:
    return problem(405, headers=[(b"allow", ", ".join(sorted(methods)).encode())])


_: type[Direct] = Inbox
