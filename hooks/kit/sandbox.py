"""A stand-in for a vendor: records in memory, every request kept, and faults on demand.

A vendor's sandbox is a small Starlette application made by `Sandbox.app`. It needs no lifespan, so it runs under any
server, mounted in another application, or behind ``httpx.ASGITransport``. Nothing in it is kept on disk. Every
sandbox answers, beside its vendor's own paths::

    GET    /_sandbox/records    all records, by kind
    GET    /_sandbox/requests   all requests, oldest first
    GET    /_sandbox/faults     faults that are still to happen; POST adds one, DELETE removes all
    POST   /_sandbox/reset      as it was at the start
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/_sandbox/"
HANG_SECONDS = 3600.0
_MAX_REQUESTS = 10_000


class Cut(ConnectionResetError):
    """The sandbox breaks the connection on purpose: the server closes it without a whole answer."""


class Fault(BaseModel):
    """Something that goes wrong, ``count`` times, for requests whose path holds ``path``.

    ``status`` answers so and does nothing; ``rate`` answers 429 with ``retry_after``; ``delay`` waits ``seconds`` and
    goes on; ``hang`` does nothing and never answers; ``cut_before`` does nothing and breaks the connection;
    ``cut_after`` acts and breaks the connection; ``garbage`` acts and answers something unreadable;
    ``token_expired`` makes all access tokens bad.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["status", "rate", "delay", "hang", "cut_before", "cut_after", "garbage", "token_expired"]
    status: int = Field(503, ge=200, le=599)
    retry_after: int | str | None = None
    count: int = Field(1, ge=1)
    path: str = ""
    seconds: float | None = Field(None, ge=0)
    method: str | None = None


@dataclass
class Sandbox:
    """What a stand-in knows: its records, what it was asked, and what is to go wrong.

    ``fresh`` makes the records it begins with. ``expire_tokens`` makes all access tokens bad, where there are any.
    ``wrong`` answers with a status in the vendor's own form of an error.
    """

    fresh: Callable[[], dict[str, list[dict[str, Any]]]] = dict
    expire_tokens: Callable[[], None] = lambda: None
    wrong: Callable[[int], Response] = lambda status: Response(status_code=status)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def app(self, routes: Sequence[BaseRoute]) -> Starlette:
        """The application: the vendor's routes and the controls, with every request kept and faults applied."""
        self.reset()
        controls = [
            Route(PREFIX + "records", self._show(lambda: self.records)),
            Route(PREFIX + "requests", self._show(lambda: self.requests)),
            Route(PREFIX + "faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route(PREFIX + "reset", self._reset, methods=["POST"]),
        ]
        app = Starlette(routes=[*controls, *routes], middleware=[Middleware(_Door, sandbox=self)])
        app.state.sandbox = self
        return app

    def reset(self) -> None:
        """As it was at the start: tokens are bad, faults are gone, ids begin again."""
        self.records = self.fresh()
        self.requests.clear()
        self.faults.clear()
        self._numbers = itertools.count(1)
        self.expire_tokens()

    def number(self) -> int:
        """The next number for an id: 1, 2, 3..."""
        return next(self._numbers)

    def add(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        """Keep a record and return it."""
        self.records.setdefault(kind, []).append(record)
        return record

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind."""
        return self.records.setdefault(kind, [])

    def find(self, kind: str, name: str, value: object) -> dict[str, Any] | None:
        """The first record of a kind whose field has this value."""
        return next((record for record in self.of(kind) if record.get(name) == value), None)

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The next fault that applies to this request, counted down."""
        for fault in self.faults:
            if fault.path in path and fault.method in (None, method):
                fault.count -= 1
                if not fault.count:
                    self.faults.remove(fault)
                return fault
        return None

    def _show(self, value: Callable[[], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(_: Request) -> Response:
            return JSONResponse(value())

        return endpoint

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                self.faults.append(Fault.model_validate_json(await request.body()))
            except ValidationError as error:
                return JSONResponse({"errors": error.errors(include_url=False, include_context=False)}, status_code=422)
        return JSONResponse([fault.model_dump() for fault in self.faults])

    async def _reset(self, _: Request) -> Response:
        self.reset()
        return JSONResponse({"reset": True})


class _Door:
    """Keeps every request that is not a control, and lets faults happen to it."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self.app = app
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))
        if scope["type"] != "http" or path.startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        self._keep(scope, path, body)
        fault = self.sandbox.take_fault(scope["method"], path)
        again = _Again(body, receive)
        if fault is None:
            await self.app(scope, again, send)
        else:
            await self._suffer(fault, scope, again, send)

    def _keep(self, scope: Scope, path: str, body: bytes) -> None:
        if len(self.sandbox.requests) < _MAX_REQUESTS:
            self.sandbox.requests.append(
                {
                    "method": scope["method"],
                    "path": path,
                    "query": scope["query_string"].decode("latin-1"),
                    "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
                    "body": body.decode("utf-8", "replace"),
                }
            )

    async def _suffer(self, fault: Fault, scope: Scope, receive: _Again, send: Send) -> None:
        match fault.kind:
            case "status" | "rate":
                response = self.sandbox.wrong(429 if fault.kind == "rate" else fault.status)
                if fault.retry_after is not None:
                    response.headers["retry-after"] = str(fault.retry_after)
                await response(scope, receive, send)
            case "hang":
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(fault.seconds or HANG_SECONDS):
                        await receive.gone()
                raise Cut("hung, as asked")
            case "cut_before":
                await _cut(send)
            case "cut_after":
                await self.app(scope, receive, _silent)
                await _cut(send)
            case "garbage":
                await self.app(scope, receive, _silent)
                await Response(b'{"success": tru', media_type="application/json")(scope, receive, send)
            case "token_expired":
                self.sandbox.expire_tokens()
                await self.app(scope, receive, send)
            case "delay":
                await asyncio.sleep(fault.seconds or 1.0)
                await self.app(scope, receive, send)


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


class _Again:
    """The body once more for the application, and then whatever the server says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._first: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._first = self._first, None
        return await self._receive() if message is None else message

    async def gone(self) -> None:
        """Return when the caller has hung up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def _silent(_: Message) -> None:
    """Where an answer goes that nobody will see."""


async def _cut(send: Send) -> None:
    """A server closes the connection when an answer has begun and its application fails before the end of it."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    raise Cut("cut, as asked")


def chosen(
    records: Iterable[dict[str, Any]], tests: Iterable[Callable[[dict[str, Any]], bool]]
) -> list[dict[str, Any]]:
    """The records that pass all tests."""
    checks = list(tests)
    return [record for record in records if all(check(record) for check in checks)]


async def fields(request: Request) -> dict[str, Any]:
    """The fields of a request's body, JSON or form; {} when it is empty. Raises ValueError when it is not readable."""
    body = await request.body()
    if not body:
        return {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("the body is not an object")
    return value
