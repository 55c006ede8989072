"""One HTTP request from the command line: synchronous, no redirects, bounded.

Used for the admin interface of a running server, for `hooks send` and for the demo's invented senders. It is made of
the standard library, so that a command that only asks a question starts fast.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hooks.errors import HooksError

_MOST = 64 * 1024 * 1024


class Unreachable(HooksError):
    """Nothing answers at an address."""


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
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable(f"{url.split('?')[0]!r} is not an address: write http://HOST:PORT/PATH")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    except ValueError as error:
        raise Unreachable(f"{shown} is not an address: {error}") from None
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return WireAnswer(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(_MOST)
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{shown} does not answer: {error or type(error).__name__}") from None
    finally:
        connection.close()
