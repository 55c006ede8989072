"""A small catalogue for the tests of the rules: three invented vendors with sources, accounts and a few actions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from hooks.errors import Permanent
from hooks.events import Done, Event, Request
from hooks.ports import (
    Action,
    Call,
    Catalogue,
    ConnectionSettings,
    EventKind,
    OnUnknown,
    SourceSettings,
    Vendor,
)
from hooks.rules import RuleSet, RulesInvalid, load_text
from hooks.values import Secret, Secrets


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Customer(Closed):
    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    phone: str | None = None


class LineItem(Closed):
    name: str | None = None
    kind: Literal["labor", "materials"] | None = None
    total_cents: int | None = None


class Job(Closed):
    id: str | None = None
    description: str | None = None
    customer: Customer | None = None
    tags: list[str] = Field(default_factory=list)
    line_items: list[LineItem] = Field(default_factory=list)
    total_cents: int | None = None
    scheduled_start_at: str | None = None


class Lead(Closed):
    id: str | None = None
    customer: Customer | None = None
    note: str | None = None
    lead_source: str | None = None
    total_cents: int | None = None


class Inputs(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Line(Inputs):
    name: str = Field(min_length=1)
    quantity: int | float
    unitPrice: str


class Place(Inputs):
    street: str
    city: str | None = None


def _instant(text: str) -> str:
    if not text.endswith("Z"):
        raise ValueError("write an instant that ends in Z")
    return text


Instant = Annotated[str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]


class UpsertCustomer(Inputs):
    customer: dict[str, Any] = Field(description="A canonical customer.")


class CreateJob(Inputs):
    customerId: int = Field(description="The id of the customer.")
    title: str | None = Field(None, description="What is to be done.")
    start: Instant | None = None
    priority: Literal["low", "high"] = "low"
    urgent: bool | None = None
    lineItems: list[Line] | None = None
    address: Place | None = None


class CreateLead(Inputs):
    first_name: str | None = None
    last_name: str
    phone: str | None = None
    source: str = "web"


class PostAnything(Inputs):
    path: str
    headers: dict[str, str] | None = None
    json_: Any = Field(None, alias="json")


class GetNothing(Inputs):
    pass


@dataclass(frozen=True)
class Row:
    """An action that posts its inputs as JSON."""

    name: str
    inputs: type[BaseModel]
    path: str
    aliases: tuple[str, ...] = ()
    method: str = "POST"
    summary: str = "Does a thing."
    repeatable: bool = False
    on_unknown: OnUnknown = "hold"

    @property
    def operation(self) -> str:
        return self.name

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        if inputs.get("title") == "unsendable":
            raise Permanent("'title' cannot be sent")
        path = self.path.replace("{customerId}", str(inputs.get("customerId", "")))
        return Request(self.method, path, body=json.dumps(inputs).encode(), headers=dict(inputs.get("headers") or {}))

    async def send(self, client: Any, call: Call) -> Done:
        return Done(None)

    async def lookup(self, client: Any, call: Call) -> Done | None:
        return None


_: type[Action] = Row


class PlumbSource(SourceSettings):
    signing_secret: Secrets = Field(description="The secret that plumb signs with.")
    tolerance: int = 300


class FormSource(SourceSettings):
    key: Secret


class OpenSource(SourceSettings):
    unverified: str


class HomeConnection(ConnectionSettings):
    base_url: str = "https://home.example.org/api"
    api_key: Secret
    tenant: int | None = None


class HttpConnection(ConnectionSettings):
    headers: dict[str, str] = Field(default_factory=dict)


CATALOGUE: Catalogue = {
    "plumb": Vendor(
        "plumb",
        "Plumb",
        source_settings=PlumbSource,
        kinds=(
            EventKind("job.completed", "job.completed", Job),
            EventKind("job.canceled", "job.canceled", Job),
            EventKind("lead.created", "lead.created", Lead),
            EventKind("weather.changed", "weather", None),
        ),
    ),
    "form": Vendor("form", "Form", source_settings=FormSource, kinds=(EventKind("lead.created", "lead", Lead),)),
    "anyone": Vendor("anyone", "Anyone", source_settings=OpenSource),
    "home": Vendor(
        "home",
        "Home",
        connection_settings=HomeConnection,
        actions=(
            Row("upsert_customer", UpsertCustomer, "/customers"),
            Row("create_job", CreateJob, "/customers/{customerId}/jobs", aliases=("add_job",)),
            Row("create_lead", CreateLead, "/leads"),
            Row("ping", GetNothing, "/ping", method="GET"),
        ),
    ),
    "http": Vendor("http", "HTTP", connection_settings=HttpConnection, actions=(Row("request", PostAnything, "/"),)),
}

SECRETS = {
    "PLUMB_SECRET": "plumb-secret-0123456789",
    "FORM_KEY": "form-key-0123456789abcdef",
    "HOME_KEY": "home-key-0123456789abcdef",
    "SHORT": "tiny-one",
}

HEAD = """\
version: 1
sources:
  plumb: {vendor: plumb, signing_secret: "${secret.PLUMB_SECRET}"}
  leads: {vendor: form, key: "${secret.FORM_KEY}"}
connections:
  home: {vendor: home, api_key: "${secret.HOME_KEY}"}
"""


def load(text: str, catalogue: Catalogue = CATALOGUE) -> RuleSet:
    return load_text(text, catalogue, SECRETS.get)


def load_after_head(rules: str) -> RuleSet:
    return load(HEAD + rules)


def messages(text: str) -> list[str]:
    """``line:column severity message = hint`` of everything found in a text."""
    try:
        findings = load(text).warnings
    except RulesInvalid as invalid:
        findings = invalid.findings
    shown = []
    for found in findings:
        hint = f" = {found.hint}" if found.hint else ""
        mark = "" if found.severity == "error" else " (warning)"
        shown.append(f"{found.line}:{found.column} {found.message}{mark}{hint}")
    return shown


def marked(text: str) -> list[str]:
    """What every finding of a text points at, and what it says: ``part | message = hint``."""
    try:
        findings = load(text).warnings
    except RulesInvalid as invalid:
        findings = invalid.findings
    shown = []
    for found in findings:
        part = found.source[found.column - 1 : found.column - 1 + found.length]
        mark = "" if found.severity == "error" else " (warning)"
        hint = f" = {found.hint}" if found.hint else ""
        shown.append(f"{part} | {found.message}{mark}{hint}")
    return shown


def messages_after_head(rules: str) -> list[str]:
    """The same, with the lines counted from the first one after the usual sources and connections."""
    shown = []
    for message in messages(HEAD + rules):
        line, colon, rest = message.partition(":")
        shown.append(f"{int(line) - HEAD.count(chr(10))}{colon}{rest}")
    return shown


def rule(body: str) -> str:
    """One rule for completed jobs that pings, with further lines."""
    return f"rules:\n  - id: one\n    event: job.completed\n{body}"


PING = "    do: [{action: home.ping}]\n"

MOMENT = datetime(2026, 5, 4, 14, 2, 11, tzinfo=UTC)

EVENT = Event(
    id="evt_0190c0de000070008000000000000001",
    type="job.completed",
    source="plumb",
    vendor="plumb",
    vendor_type="job.completed",
    receipt="rcp_0190c0de000070008000000000000001",
    time=MOMENT,
    received_at=MOMENT,
    subject="job/job_41",
    data={
        "id": "job_41",
        "description": "Drain",
        "customer": {"id": "cus_1", "first_name": "Maya", "last_name": "Ortiz", "phone": "+15135550142"},
        "tags": ["vip", "plan"],
        "line_items": [
            {"name": "Labor", "kind": "labor", "total_cents": 9000},
            {"name": "Pipe", "kind": "materials", "total_cents": 6000},
        ],
        "total_cents": 15000,
    },
    raw={"company_name": "Example Plumbing", "total": "150.00"},
)


def event(**changes: Any) -> Event:
    return EVENT._replace(**changes)
