"""One configured source behind the real inbox, with an intake in memory and a clock that stands still."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from hooks.errors import VerificationError
from hooks.events import Event, Receipt, new_id
from hooks.pipeline.normalize import normalize
from hooks.pipeline.receive import Door
from hooks.ports import Draft, Inbound, Source, Vendor
from hooks.web.inbox import Inbox
from tests.web.doors import NOW, MemoryIntake, StillClock

STAMP = int(NOW.timestamp())


class House:
    """An inbox whose only source is ``/in/here``."""

    def __init__(self, vendor: Vendor, **settings: Any) -> None:
        assert vendor.source_settings is not None
        assert vendor.make_source is not None
        checked = vendor.source_settings.model_validate(settings)
        self.source: Source = vendor.make_source("here", checked)
        self.intake = MemoryIntake()
        door = Door("here", vendor.name, checked, self.source)
        inbox = Inbox(lambda: {"here": door}, self.intake, StillClock(), lambda: True)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(inbox), base_url="http://hooks.example.org")

    async def ask(
        self, method: str, body: bytes = b"", headers: Mapping[str, str] | None = None, query: str = ""
    ) -> httpx.Response:
        return await self._client.request(method, f"/in/here{query}", content=body, headers=dict(headers or {}))

    async def post(
        self,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        *,
        content_type: str = "application/json",
    ) -> httpx.Response:
        return await self.ask("POST", body, {"content-type": content_type, **(headers or {})}, query)

    def verdicts(self) -> list[tuple[str, str | None]]:
        return [(receipt.verdict, receipt.reason) for receipt in self.intake.receipts]

    def events(self) -> list[Event]:
        """The events of what was accepted and is no duplicate, as the engine makes them."""
        kept = [receipt for receipt in self.intake.receipts if receipt.id in self.intake.keys.values()]
        return [event for receipt in kept for event in normalize(receipt, self.source)]


def hmac_hex(secret: str | bytes, message: bytes, algorithm: str = "sha256") -> str:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, message, getattr(hashlib, algorithm)).hexdigest()


def inbound(
    body: bytes, *headers: tuple[str, str], query: bytes = b"", at: float = STAMP, content_type: str | None = None
) -> Inbound:
    """A request as a source sees it, which came at this Unix time."""
    typed = [(b"content-type", ("application/json" if content_type is None else content_type).encode())]
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Inbound("POST", "", query, [*typed, *pairs], body, datetime.fromtimestamp(at, UTC))


def refusal(source: Source, request: Inbound) -> str:
    """Why a request is refused; an error of the test when it is not."""
    try:
        source.verify(request)
    except VerificationError as error:
        return error.reason
    raise AssertionError("it was let in")


def drafts(source: Source, request: Inbound) -> list[Draft]:
    """What the source makes of a request, stored as the engine would store it."""
    reading = source.read(request)
    kept = {b"content-type", *source.kept_headers}
    receipt = Receipt(
        id=new_id("rcp"),
        source="here",
        vendor="any",
        received_at=request.received_at,
        verdict="accepted",
        headers={name.decode(): value.decode("latin-1") for name, value in request.headers if name in kept},
        body=request.body,
        events=reading.events,
    )
    found = source.normalize(receipt)
    assert reading.events == len(found)
    assert found == source.normalize(receipt._replace(id=new_id("rcp")))
    return found
