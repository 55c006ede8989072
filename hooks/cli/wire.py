"""One HTTP request from the command line: synchronous, no redirects, bounded; and a stream of lines that is read on.

Used for the admin interface of a running server, for `hooks send` and for the demo's invented senders. It is made of
the standard library, so that a command that only asks a question starts fast.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hooks.addresses import http_parts
from hooks.errors import HooksError

_MOST = 64 * 1024 * 1024
_LONGEST_LINE = 16 * 1024 * 1024


class Unreachable(HooksError):
    """Nothing answers at an address."""


class WrongStatus(HooksError):
    """A stream was answered with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON values, None when it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 30.0,
) -> WireAnswer:
    """Send one request and give the answer, whatever its status. Raises Unreachable, naming the address without its
    query (keys travel there)."""
    connection, target, shown = _connection(url, timeout)
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return WireAnswer(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(_MOST)
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{shown} does not answer: {_why(error)}") from None
    finally:
        connection.close()


def _why(error: Exception) -> str:
    """What went wrong in words, without the number that the system gives it."""
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__


def lines(url: str, *, headers: Mapping[str, str] | None = None, silence: float = 45.0) -> Iterator[str]:
    """The lines of an answer of status 200 as they come, without an end of their own.

    Raises Unreachable when nothing answers, when the answer ends, and when nothing came for ``silence`` seconds;
    WrongStatus for another status.
    """
    connection, target, shown = _connection(url, silence)
    try:
        connection.request("GET", target, headers=dict(headers or {}))
        answer = connection.getresponse()
        if answer.status != 200:
            raise WrongStatus(answer.status)
        while line := answer.readline(_LONGEST_LINE):
            yield line.decode("utf-8", "replace").rstrip("\r\n")
        raise Unreachable(f"{shown} has ended")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{shown} does not answer: {_why(error)}") from None
    finally:
        connection.close()


def _connection(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str, str]:
    """A connection for an address, what to ask it for, and the address as it may be shown."""
    parts = http_parts(url)
    if parts is None or (host := parts.hostname) is None:
        raise Unreachable(f"{url.split('?')[0]!r} is not an address: write http://HOST:PORT/PATH")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "https":
        safe = ssl.create_default_context()
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=safe), target, shown
    return http.client.HTTPConnection(host, parts.port, timeout=timeout), target, shown
