"""What the demo's senders put on the wire: bodies as Housecall Pro and Zapier make them, and what each must lead to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from hooks.events import Verdict, utc_text

Signed = Literal["housecall_pro", "key", "wrong", "no"]
"""How a delivery proves itself: by a signature, by the source's key, by a wrong one of either, or not at all."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook. ``makes`` names each record that must exist at a vendor afterwards: the same name twice is one.

    ``runs`` is how many runs end as done because of it, ``skipped`` how many are skipped.
    """

    source: str
    kind: str
    title: str
    body: bytes
    content_type: str = "application/json"
    path: str = ""
    signed: Signed = "housecall_pro"
    status: int = 202
    verdict: Verdict = "accepted"
    events: int = 1
    runs: int = 0
    skipped: int = 0
    makes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outage:
    """From here on a vendor answers 503, to as many ``calls`` as this; or it works again."""

    vendor: str
    begins: bool
    calls: int = 2


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """The vendor carries the next call out, but its answer never arrives."""

    vendor: str
    path: str


Scene = Delivery | Outage | LostAnswer


@dataclass(frozen=True, slots=True)
class Business:
    """A business on Housecall Pro: how its bodies look."""

    source: str
    company: str
    now: datetime
    address: Mapping[str, Any]

    def at(self, minutes: int) -> str:
        return utc_text((self.now + timedelta(minutes=minutes)).astimezone(UTC).replace(microsecond=0))

    def send(self, kind: str, title: str, *, runs: int = 0, makes: tuple[str, ...] = (), **entity: Any) -> Delivery:
        envelope = {"event": kind, "event_occurred_at": self.at(0), "company_id": self.company, **entity}
        return Delivery(self.source, kind, title, as_json(envelope), runs=runs, makes=makes)

    def customer(self, kind: str, person: Mapping[str, Any]) -> Delivery:
        name = f"{person['first_name']} {person['last_name']}"
        return self.send(kind, name, customer={**person, "addresses": [self.address], "tags": []})

    def job(
        self,
        kind: str,
        number: str,
        person: Mapping[str, Any],
        what: str,
        cents: int,
        work_status: str,
        *,
        tags: list[str] | None = None,
        runs: int = 0,
        makes: tuple[str, ...] = (),
        signed: Signed = "housecall_pro",
        **expected: Any,
    ) -> Delivery:
        job = {
            "id": number,
            "description": what,
            "customer": person,
            "address": self.address,
            "work_status": work_status,
            "schedule": {"scheduled_start": self.at(-120), "scheduled_end": self.at(-30), "arrival_window": 60},
            "total_amount": cents,
            "outstanding_balance": cents,
            "tags": tags or [],
        }
        envelope = {"event": kind, "event_occurred_at": self.at(0), "company_id": self.company, "job": job}
        title = f"{person['first_name']} {person['last_name']}: {what}, ${cents / 100:.2f}"
        return Delivery(self.source, kind, title, as_json(envelope), runs=runs, makes=makes, signed=signed, **expected)


def zap(
    source: str, title: str, fields: Any, *, form: bool = False, kind: str = "lead.created", **expected: Any
) -> Delivery:
    """A request as Zapier sends it: form or JSON, a shared key instead of a signature."""
    expected = {"signed": "key", "events": len(fields) if isinstance(fields, list) else 1, **expected}
    if form:
        body, content_type = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    else:
        body, content_type = as_json(fields), "application/json"
    if expected.get("path") and "status" not in expected:
        expected["status"] = 200
    return Delivery(source, kind, title, body, content_type, **expected)


def again(delivery: Delivery) -> Delivery:
    """The same webhook once more, byte for byte, as senders do when an answer was lost."""
    return Delivery(delivery.source, delivery.kind, "the same once more", delivery.body, verdict="duplicate", events=0)


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
