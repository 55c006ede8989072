"""Deliveries as bytes, whole requests as Housecall Pro sends them, and where they go."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from tests.journeys.world import SIGNING_SECRET, World


def delivery(
    job: Any, *, secret: str = SIGNING_SECRET, stamp: int | None = None, event: str = "job.completed"
) -> bytes:
    """A whole request as Housecall Pro sends it, signed now or at another time."""
    body = json.dumps({"event": event, "job": {"id": f"job_{job}", "description": "AC tune-up"}}).encode()
    at = str(int(time.time()) if stamp is None else stamp)
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return restamped(body, at, signature)


def restamped(body: bytes, at: str, signature: str) -> bytes:
    head = (
        "POST /in/hcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Api-Timestamp: {at}\r\nApi-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def others(name: str, **keys: Any) -> Iterator[bytes]:
    """Deliveries without end, another job each time."""
    for number in itertools.count():
        yield delivery(f"{name}_{number}", **keys)


def port_of(world: World) -> int:
    """The port of its public door."""
    return int(str(world.inbox).rpartition(":")[2])
