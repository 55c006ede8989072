"""Answers that are made once and sent often, and problem details (RFC 9457) that tell a stranger nothing.

`Prepared` is an ASGI answer as two ready messages. `problem` makes one of the kind ``application/problem+json``: the
status, its name and at most one fixed sentence, never a text that came from a request or an exception.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

Headers = Sequence[tuple[bytes, bytes]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
PROBLEM = b"application/problem+json"

_GUARDS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_BODILESS = frozenset({204, 304})
_WIRE = b"".join(b"%s: %s\r\n" % guard for guard in _GUARDS) + b"content-length: %d\r\ncontent-type: %s\r\n\r\n%s"


class Prepared(NamedTuple):
    """An answer ready to send, any number of times."""

    status: int
    body: bytes
    media_type: bytes
    headers: Headers = ()

    async def __call__(self, send: Send) -> None:
        """Send it as the whole answer to one request; the server leaves the body out for HEAD."""
        head, body = self._parts()
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def wire(self) -> bytes:
        """The headers and the body as they stand on the wire, without a status line: see `hooks.web.whole.WHOLE`."""
        if not self.headers and self.status not in _BODILESS and self.body:
            return _WIRE % (len(self.body), self.media_type, self.body)
        head, body = self._parts()
        return b"".join([part for name, value in head for part in (name, b": ", value, b"\r\n")]) + b"\r\n" + body

    def _parts(self) -> tuple[list[tuple[bytes, bytes]], bytes]:
        head = [*_GUARDS, *self.headers]
        body = b"" if self.status in _BODILESS else self.body
        if self.status not in _BODILESS:
            head.append((b"content-length", b"%d" % len(body)))
        if body:
            head.append((b"content-type", self.media_type))
        return head, body


def as_json(value: Any) -> bytes:
    """Compact JSON in UTF-8. Lone surrogates, which UTF-8 cannot carry, are left escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def problem_body(status: int, detail: str | None = None, **members: Any) -> dict[str, Any]:
    """The members of a problem; ``type`` is ``about:blank``, so ``title`` is the status's own name."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail is not None:
        body["detail"] = detail
    return body | members


def problem(status: int, detail: str | None = None, headers: Headers = ()) -> Prepared:
    """A problem answer of this status with one fixed sentence for people."""
    return Prepared(status, as_json(problem_body(status, detail)), PROBLEM, headers)


def raw_problem(status: int, detail: str) -> bytes:
    """The same as bytes on the wire, for requests that never became one; the connection ends after it."""
    body = as_json(problem_body(status, detail))
    head: Mapping[str, str] = {
        "content-type": PROBLEM.decode(),
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body
