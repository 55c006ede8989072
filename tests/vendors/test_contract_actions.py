"""The contract that every action of every vendor keeps, each called at its sandbox with inputs made from its schema.

A new vendor with actions is added to `ACCOUNTS`; until it is, the suite fails and says which one is missing.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from hooks.errors import DeliveryError, Permanent, Transient, Unconfigured
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault, Sandbox
from hooks.ports import Action, Call, Vendor
from hooks.registry import VENDORS
from tests.vendors import hello

ALL: tuple[Vendor, ...] = (*VENDORS, hello.vendor)
ACTING = [vendor for vendor in ALL if vendor.actions and vendor.built_in is None]
"""Those with an API outside; what a built-in one keeps of this contract is in `test_event`."""
AT = "http://127.0.0.1"


@dataclass(frozen=True)
class Account:
    """A connection's settings; values in capitals are the sandbox's constants of that name.

    ``inputs`` are for actions whose models want more than their schema says; ``signing`` names actions that are a
    sign-in themselves: what refuses one may have refused the credentials.
    """

    keys: Mapping[str, Any]
    secrets: tuple[str, ...]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    signing: frozenset[str] = frozenset()


MAYA = {"first_name": "Maya", "last_name": "Ortiz", "email": "maya@example.org"}

ACCOUNTS: Mapping[str, Account] = {
    "homebase360": Account(
        {"base_url": f"{AT}/api/v1", "api_key": "API_KEY"},
        ("API_KEY",),
        inputs={
            "create_customer": {"firstName": "Maya", "email": ["maya@example.org"]},
            "create_job": {
                "customerId": "cus_1",
                "start": "2026-05-06T17:30:00Z",
                "end": "2026-05-06T19:30:00Z",
                "lineItems": [{"name": "AC tune-up", "quantity": 1, "unitPrice": "189.00"}],
            },
            "upsert_job": {
                "customerId": "cus_1",
                "job": {"scheduled_start_at": "2026-05-06T17:30:00Z", "scheduled_end_at": "2026-05-06T19:30:00Z"},
            },
        },
    ),
    "servicetitan": Account(
        {
            "base_url": AT,
            "auth_url": f"{AT}/connect/token",
            "tenant": 1,
            "app_key": "APP_KEY",
            "client_id": "CLIENT_ID",
            "client_secret": "CLIENT_SECRET",
            "booking_provider": 2,
        },
        ("APP_KEY", "CLIENT_SECRET"),
        inputs={"raw_request": {"method": "GET", "url_type": "crm", "url": "/customers"}},
    ),
    "jobcloser": Account(
        {"base_url": AT, "key": "KEY", "email": "EMAIL", "password": "PASSWORD"},
        ("KEY", "PASSWORD"),
        signing=frozenset({"sign_in", "zapier_signin"}),
    ),
    "supergood": Account(
        {"base_url": AT, "username": "USERNAME", "password": "PASSWORD"},
        ("PASSWORD",),
        signing=frozenset({"create_session", "refresh_session"}),
    ),
    "housecall_pro": Account(
        {"base_url": AT, "api_key": "API_KEY"},
        ("API_KEY",),
        inputs={"list_checklists": {"job_uuids": ["job_1"]}},
    ),
    "http": Account({"base_url": AT, "auth": {"scheme": "bearer", "token": "TOKEN"}}, ("TOKEN",)),
    "zapier": Account({"hook_url": f"{AT}/hooks/catch/1234567/sandboxhook"}, ("HOOK_PATH",)),
    "hello": Account({"base_url": AT, "key": "KEY"}, ("KEY",)),
}

each_vendor = pytest.mark.parametrize("vendor", ACTING, ids=lambda vendor: vendor.name)


# --- inputs from a schema ---


def least(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """The smallest value that a JSON Schema allows."""
    if "$ref" in schema:
        return least(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            options = [one for one in schema[choice] if one.get("type") != "null"]
            return least(options[0], definitions)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        required = schema.get("required", [])
        return {name: least(schema["properties"][name], definitions) for name in required}
    if kind == "array":
        return [least(schema.get("items", {}), definitions)] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    if kind == "boolean":
        return True
    if kind == "string" or kind is None:
        return _text(schema)
    raise AssertionError(f"a schema of an unforeseen kind: {schema}")


def _text(schema: Mapping[str, Any]) -> str:
    by_format: dict[str, str] = {"date-time": "2026-05-06T17:30:00Z", "date": "2026-05-06", "email": "maya@example.org"}
    by_format |= {
        "uri": "https://example.org/a.png",
        "time": "17:30:00",
        "uuid": "0190c0de-0000-7000-8000-000000000001",
    }
    if "http" in schema.get("pattern", ""):
        return by_format["uri"]
    shortest, longest = int(schema.get("minLength", 1)), int(schema.get("maxLength", 4))
    return by_format.get(schema.get("format", ""), "1" * max(shortest, min(longest, 4)))  # four digits are base64 too


@cache
def schema_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """Made once: nearly every test here goes through all actions."""
    return model.model_json_schema(by_alias=True)


def inputs_of(vendor: Vendor, action: Action) -> Mapping[str, Any]:
    known = ACCOUNTS[vendor.name].inputs.get(action.name)
    if known is not None:
        return known
    schema = schema_of(action.inputs)
    made = least(schema, schema.get("$defs", {}))
    assert isinstance(made, dict)
    if "customer" in schema.get("properties", {}) and not made.get("customer"):
        made["customer"] = MAYA
    return made


# --- calls ---


class Connected:
    """A vendor's sandbox with a client of ours connected to it, without a socket."""

    def __init__(self, vendor: Vendor) -> None:
        package = "tests.vendors" if vendor is hello.vendor else "hooks.vendors"
        module = importlib.import_module(f"{package}.{vendor.name}.sandbox")
        constants = {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}

        def put(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: put(inner) for key, inner in value.items()}
            return constants.get(value, value) if isinstance(value, str) else value

        app = module.sandbox()
        self.vendor = vendor
        self.box: Sandbox = app.state.sandbox
        account = ACCOUNTS[vendor.name]
        self.secrets = [constants[name] for name in account.secrets]
        assert vendor.connection_settings is not None
        assert vendor.connect is not None
        self.settings = vendor.connection_settings.model_validate(put(dict(account.keys)))
        connect: Callable[..., Any] = vendor.connect
        self.client = connect("here", self.settings, transport=httpx.ASGITransport(app))

    async def call(self, action: Action) -> Any:
        """`Done`, or the error: anything else is raised, and is a fault of ours."""
        inputs = inputs_of(self.vendor, action)
        try:
            request = action.render(inputs, self.settings)
            return await action.send(self.client, Call(inputs, "key-1", 5.0, request=request))
        except DeliveryError as error:
            return error


def test_every_acting_vendor_has_an_account_here() -> None:
    assert {vendor.name for vendor in ACTING} == set(ACCOUNTS)


@each_vendor
def test_names_are_snake_case_and_unique_with_their_aliases(vendor: Vendor) -> None:
    names = [name for action in vendor.actions for name in (action.name, *action.aliases)]
    assert len(names) == len(set(names))
    assert [] == [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)]


@each_vendor
def test_every_input_and_action_is_described(vendor: Vendor) -> None:
    silent: list[str] = []
    for action in vendor.actions:
        schema = schema_of(action.inputs)
        json.dumps(schema)
        for model in (schema, *schema.get("$defs", {}).values()):
            silent += [
                f"{action.name}: {model.get('title')}.{name}"
                for name, one in model.get("properties", {}).items()
                if not one.get("description")
            ]
        if not action.summary or not action.operation or not action.path.startswith("/"):
            silent.append(action.name)
    assert [] == silent


@each_vendor
async def test_every_action_renders_the_same_request_every_time(vendor: Vendor) -> None:
    connected = Connected(vendor)
    for action in vendor.actions:
        inputs = inputs_of(vendor, action)
        assert action.render(inputs, connected.settings) == action.render(inputs, connected.settings), action.name
    assert [] == connected.box.requests, "rendering sends nothing"


@each_vendor
async def test_every_action_is_let_in_at_the_sandbox(vendor: Vendor) -> None:
    """Done, or refused for what the least of inputs says: never for credentials, and never an unknown outcome."""
    connected = Connected(vendor)
    done = 0
    for action in vendor.actions:
        connected.box.requests.clear()
        outcome = await connected.call(action)
        assert not isinstance(outcome, (Unconfigured, Transient)), (action.name, outcome)
        assert connected.box.requests, f"{action.name} made no call"
        done += not isinstance(outcome, DeliveryError)
    assert done > 0


@each_vendor
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, Transient),
        (503, Transient),
        (500, Transient),
        (401, Unconfigured),
        (403, Unconfigured),
        (400, Permanent),
        (404, Permanent),
        (422, Permanent),
    ],
)
async def test_every_action_reads_a_refusal_the_same_way(
    vendor: Vendor, status: int, kind: type[DeliveryError]
) -> None:
    connected = Connected(vendor)
    signing = ACCOUNTS[vendor.name].signing
    for action in vendor.actions:
        connected.box.faults.clear()
        await connected.call(vendor.actions[-1])  # signed in: a sign-in has words of its own for a refusal
        connected.box.faults[:] = [Fault(kind="status", status=status, count=50, retry_after=7)]
        outcome = await connected.call(action)
        either = (kind, Unconfigured) if kind is Permanent and action.name in signing else kind
        assert isinstance(outcome, either), (action.name, outcome)
        if status in (429, 503):
            assert (False, 7) == (outcome.unknown, outcome.retry_after), action.name  # type: ignore[attr-defined]  # Transient


@each_vendor
async def test_no_secret_is_in_what_is_kept_of_a_call(vendor: Vendor) -> None:
    connected = Connected(vendor)
    kept: list[str] = [repr(connected.settings), repr(connected.client)]
    for action in vendor.actions:
        for status in (None, 400):
            if status is not None:
                connected.box.faults[:] = [Fault(kind="status", status=status)]
            with record_exchanges() as exchanges:
                outcome = await connected.call(action)
            connected.box.faults.clear()
            kept.append(repr(exchanges))
            if isinstance(outcome, DeliveryError):
                kept += [repr(outcome), outcome.message]
        kept.append(connected.client.url(action.render(inputs_of(vendor, action), connected.settings)))
    everything = "\n".join(kept)
    assert [] == [secret for secret in connected.secrets if secret in everything]


# --- look-ups ---

SAYING_NOTHING = {
    "homebase360": [b'{"success": true}', b'{"success": true, "data": null}', b'{"success": true, "data": {}}'],
    "servicetitan": [b"", b"null", b"[]", b"{}", b'{"data": null}', b'"ok"'],
    "housecall_pro": [b"", b"null", b"{}", b'{"message": "ok"}', b'"ok"'],
}
"""Answers 200 that are none to a search."""

WELL_FILLED = {
    "externalData": {"applicationGuid": "g", "externalData": [{"key": "k", "value": "v"}]},
    "serialNumber": "s1",
    "memo": "m",
    "invoice_number": "1300",
    "estimate_number": "88",
    "number": "n1",
    "email": "maya@example.org",
    "exportId": "e1",
}


@pytest.mark.parametrize(
    "vendor", [one for one in ACTING if one.name in SAYING_NOTHING], ids=lambda vendor: vendor.name
)
async def test_a_look_up_that_was_answered_with_nothing_does_not_say_that_there_is_nothing(vendor: Vendor) -> None:
    """Else what is there would be made once more."""
    connected = Connected(vendor)
    connect: Callable[..., Any] = vendor.connect  # type: ignore[assignment]  # as in Connected
    trusting: list[str] = []
    asked: list[str] = []
    for body in SAYING_NOTHING[vendor.name]:

        async def answer(request: httpx.Request, body: bytes = body) -> httpx.Response:
            if request.url.path.endswith("/connect/token"):
                return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
            asked.append(f"{request.method} {request.url.path}")
            return httpx.Response(200, content=body)

        client = connect("here", connected.settings, transport=httpx.MockTransport(answer))
        for action in vendor.actions:
            if action.on_unknown != "lookup":
                continue
            properties = schema_of(action.inputs)["properties"]
            more = {name: value for name, value in WELL_FILLED.items() if name in properties}
            call = Call({**inputs_of(vendor, action), **more}, "key-1", 5.0, again=True)
            asked.clear()
            try:
                found = await action.lookup(client, call)
            except DeliveryError:
                continue
            if found is None and asked:
                trusting.append(f"{action.name} {body!r}")
        await client.aclose()
    assert [] == trusting
