"""Verify and normalize: Hello's signed greetings."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from hooks.canonical import Customer
from hooks.events import Receipt
from hooks.kit.bodies import objects, parse_json
from hooks.kit.fields import name_text
from hooks.kit.signatures import HmacScheme, secret_bytes
from hooks.ports import Draft, EventKind, Inbound, Outcome, Reading, Reply, Source, SourceSettings
from hooks.values import Secrets

KIND = "greeting.sent"
EVENT_KINDS = (EventKind(KIND, KIND, Customer, "Somebody was greeted."),)


class HelloSourceSettings(SourceSettings):
    """How Hello signs."""

    secret: Secrets = Field(description="The signing secret; two during a rotation.")


class HelloSource:
    """One address that Hello posts to."""

    def __init__(self, _name: str, settings: HelloSourceSettings) -> None:
        self._scheme = HmacScheme(secret_bytes(settings.secret), header="X-Hello-Signature")
        self.paths: Mapping[str, frozenset[str]] = {"": frozenset({"POST"})}
        self.media_types = frozenset({"application/json"})
        self.kept_headers: frozenset[bytes] = frozenset()

    def is_ping(self, request: Inbound) -> bool:
        return False

    def verify(self, request: Inbound) -> None:
        self._scheme.verify(request)

    def read(self, request: Inbound) -> Reading:
        return Reading(events=len(objects(parse_json(request.body))))

    def normalize(self, receipt: Receipt) -> list[Draft]:
        return [self._draft(body) for body in objects(parse_json(receipt.body))]

    def _draft(self, body: dict[str, object]) -> Draft:
        kind = name_text(body.get("kind")) or "hello.unknown"
        if kind != KIND:
            return Draft(kind, kind, data=body, raw=body)
        name = name_text(body.get("to"))
        if name is None:
            return Draft(kind, kind, data=body, raw=body, flag="to: expected a name")
        customer = Customer(display_name=name)
        return Draft(kind, kind, data=customer.model_dump(mode="json", exclude_none=True), raw=body)

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        return None


_: type[Source] = HelloSource
