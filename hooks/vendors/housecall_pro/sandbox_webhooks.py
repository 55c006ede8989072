"""Webhooks that the stand-in for Housecall Pro sends: the vendor's envelope, signed, to addresses on this machine.

Its signature is its own few lines, so that our check is measured against something else than itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import ipaddress
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

COMPANY_ID = "0b7d2a6e-51c4-4d3f-9f0e-6a1d3c8e2b11"
_SECONDS = 5.0


@dataclass(frozen=True)
class Subscription:
    """Where events go. ``events`` empty: all of them."""

    url: str
    secret: str = field(repr=False)
    events: frozenset[str] = frozenset()

    def wants(self, event: str) -> bool:
        return not self.events or event in self.events


def check_loopback(url: object) -> str:
    """The address, when it is plain http to this machine. Raises ValueError otherwise."""
    parts = urlsplit(url) if isinstance(url, str) else None
    host = parts.hostname if parts is not None else None
    try:
        local = host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        local = False
    if parts is None or parts.scheme != "http" or not local:
        raise ValueError("url: write an http:// address of this machine, such as http://127.0.0.1:8080/in/hcp")
    return parts.geturl()


def sign(secret: str, body: bytes, at: int) -> dict[str, str]:
    """The vendor's two headers."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return {"Api-Signature": mac.hexdigest(), "Api-Timestamp": str(at)}


def post(url: str, body: bytes, headers: dict[str, str]) -> int | None:
    """The status of the answer, None when nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@dataclass
class Outbox:
    """What has been subscribed and what has been delivered. Events go out one after the other, in order."""

    subscriptions: list[Subscription] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)

    def clear(self) -> None:
        self.subscriptions.clear()
        self.deliveries.clear()

    async def deliver(self, events: list[tuple[str, str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Post events (name, key of the entity, entity) to all who want them; gives the deliveries that were made."""
        made: list[dict[str, Any]] = []
        for name, key, entity in events:
            occurred = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            envelope = {"event": name, "event_occurred_at": occurred, "company_id": COMPANY_ID, key: entity}
            body = json.dumps(envelope, separators=(",", ":")).encode()
            for one in [one for one in self.subscriptions if one.wants(name)]:
                status = await asyncio.to_thread(post, one.url, body, sign(one.secret, body, int(time.time())))
                made.append({"event": name, "url": one.url, "status": status, "body": body.decode()})
        self.deliveries += made
        return made

    async def ping(self, url: str) -> bool:
        """Whether the address takes the vendor's unsigned test."""
        status = await asyncio.to_thread(post, url, b'{"foo":"bar"}', {})
        return status is not None and 200 <= status < 300
