"""What every vendor that is written to keeps: verdicts, unknown outcomes, secrets, descriptions. Against sandboxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from hooks.errors import DeliveryError, Permanent, Transient, Unconfigured
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault, Sandbox
from hooks.ports import Action, Call, Vendor
from hooks.vendors import homebase360, http, jobcloser, servicetitan, supergood, zapier
from hooks.vendors.homebase360.sandbox import API_KEY
from hooks.vendors.homebase360.sandbox import sandbox as homebase360_sandbox
from hooks.vendors.http.sandbox import sandbox as http_sandbox
from hooks.vendors.jobcloser.sandbox import KEY
from hooks.vendors.jobcloser.sandbox import sandbox as jobcloser_sandbox
from hooks.vendors.servicetitan.sandbox import APP_KEY, CLIENT_ID, CLIENT_SECRET
from hooks.vendors.servicetitan.sandbox import sandbox as servicetitan_sandbox
from hooks.vendors.supergood.sandbox import PASSWORD, USERNAME
from hooks.vendors.supergood.sandbox import sandbox as supergood_sandbox
from hooks.vendors.zapier.sandbox import HOOK_PATH
from hooks.vendors.zapier.sandbox import sandbox as zapier_sandbox


@dataclass(frozen=True)
class Case:
    """A vendor, its sandbox, a connection to it, and a call that creates something there."""

    vendor: Vendor
    sandbox: Callable[[], Starlette]
    keys: dict[str, Any]
    action: str
    inputs: dict[str, Any]
    kind: str
    secrets: tuple[str, ...]
    path: str


CASES = (
    Case(
        homebase360.vendor,
        homebase360_sandbox,
        {"base_url": "http://127.0.0.1/api/v1", "api_key": API_KEY},
        "create_customer",
        {"firstName": "Maya", "email": ["maya@example.org"]},
        "customers",
        (API_KEY,),
        "/customers",
    ),
    Case(
        servicetitan.vendor,
        servicetitan_sandbox,
        {
            "base_url": "http://127.0.0.1",
            "auth_url": "http://127.0.0.1/connect/token",
            "tenant": 1,
            "app_key": APP_KEY,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "booking_provider": 2,
        },
        "create_booking_by_provider",
        {"source": "Web", "name": "Maya", "summary": "AC", "isFirstTimeClient": True, "externalId": "evt_1"},
        "bookings",
        (APP_KEY, CLIENT_ID, CLIENT_SECRET),
        "/bookings",
    ),
    Case(
        jobcloser.vendor,
        jobcloser_sandbox,
        {"base_url": "http://127.0.0.1", "key": KEY},
        "create_lead",
        {"Name": "Maya Ortiz"},
        "leads",
        (KEY,),
        "/createlead",
    ),
    Case(
        http.vendor,
        http_sandbox,
        {"base_url": "http://127.0.0.1", "auth": {"scheme": "bearer", "token": "sandbox-bearer-token"}},
        "request",
        {"method": "POST", "path": "/things", "json": {"a": 1}},
        "requests",
        ("sandbox-bearer-token",),
        "/things",
    ),
    Case(
        zapier.vendor,
        zapier_sandbox,
        {"hook_url": f"http://127.0.0.1{HOOK_PATH}/"},
        "send",
        {"data": {"name": "Maya Ortiz"}},
        "caught",
        (HOOK_PATH,),
        "/hooks/catch",
    ),
    Case(
        supergood.vendor,
        supergood_sandbox,
        {"base_url": "http://127.0.0.1", "username": USERNAME, "password": PASSWORD},
        "create_job",
        {"customerId": "cus_1", "service": "AC tune-up"},
        "jobs",
        (PASSWORD,),
        "/jobs",
    ),
)
ACTIONS = [(case.vendor, action) for case in CASES for action in case.vendor.actions]

each_vendor = pytest.mark.parametrize("case", CASES, ids=lambda case: case.vendor.name)
each_action = pytest.mark.parametrize(
    ("vendor", "action"), ACTIONS, ids=[f"{vendor.name}.{action.name}" for vendor, action in ACTIONS]
)


class Connected:
    """A case with its sandbox running and its client connected."""

    def __init__(self, case: Case) -> None:
        app = case.sandbox()
        self.case = case
        self.box: Sandbox = app.state.sandbox
        assert case.vendor.connection_settings is not None
        assert case.vendor.connect is not None
        self.settings = case.vendor.connection_settings.model_validate(case.keys)
        # A vendor's client class takes a transport beside what the engine gives it.
        connect: Callable[..., Any] = case.vendor.connect
        self.client = connect("here", self.settings, transport=httpx.ASGITransport(app))
        action = case.vendor.action(case.action)
        assert action is not None
        self.action: Action = action

    async def call(self, timeout: float = 5.0) -> Any:
        request = self.action.render(self.case.inputs, self.settings)
        return await self.action.send(self.client, Call(self.case.inputs, "key-1", timeout, request=request))

    async def error(self, timeout: float = 5.0) -> DeliveryError:
        with pytest.raises(DeliveryError) as caught:
            await self.call(timeout)
        return caught.value

    def made(self) -> int:
        return len(self.box.of(self.case.kind))


def fault(case: Case, **keys: Any) -> Fault:
    return Fault.model_validate({"path": case.path, **keys})


@each_vendor
async def test_an_action_succeeds(case: Case) -> None:
    connected = Connected(case)
    assert (await connected.call()).output
    assert 1 == connected.made()
    await connected.client.aclose()


@each_vendor
@pytest.mark.parametrize("status", [408, 409, 500, 502, 504])
async def test_an_outcome_that_may_have_acted_is_unknown(case: Case, status: int) -> None:
    connected = Connected(case)
    connected.box.faults.append(fault(case, kind="status", status=status))
    error = await connected.error()
    assert isinstance(error, Transient)
    assert (True, status) == (error.unknown, error.status)


@each_vendor
@pytest.mark.parametrize(("kind", "status"), [("rate", 429), ("status", 503)])
async def test_a_call_that_was_turned_away_waits_as_asked(case: Case, kind: str, status: int) -> None:
    connected = Connected(case)
    connected.box.faults.append(fault(case, kind=kind, retry_after=7))
    error = await connected.error()
    assert isinstance(error, Transient)
    assert (False, status, 7.0) == (error.unknown, error.status, error.retry_after)
    assert (await connected.call()).output


@each_vendor
@pytest.mark.parametrize("status", [401, 403])
async def test_refused_rights_wait_for_an_operator(case: Case, status: int) -> None:
    connected = Connected(case)
    connected.box.faults.append(fault(case, kind="status", status=status, count=2))
    assert isinstance(await connected.error(), Unconfigured)


@each_vendor
@pytest.mark.parametrize("status", [301, 302, 400, 404, 405, 410, 422])
async def test_any_other_refusal_is_for_good(case: Case, status: int) -> None:
    connected = Connected(case)
    connected.box.faults.append(fault(case, kind="status", status=status))
    assert isinstance(await connected.error(), Permanent)


@each_vendor
async def test_a_2xx_that_says_no_is_a_refusal_in_its_own_words(case: Case) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if case.path in request.url.path:
            return httpx.Response(200, json={"success": False, "Success": False, "message": "the visit is in the past"})
        return httpx.Response(200, json={"Success": True, "token": "t", "access_token": "t"})

    connected = Connected(case)
    connect: Callable[..., Any] = case.vendor.connect  # type: ignore[assignment]  # as in Connected
    connected.client = connect("here", connected.settings, transport=httpx.MockTransport(answer))
    error = await connected.error()
    assert isinstance(error, Permanent)
    assert 200 == error.status
    assert "refused" in error.message


@each_vendor
@pytest.mark.parametrize(("kind", "made"), [("cut_before", 0), ("cut_after", 1), ("garbage", 1), ("hang", 0)])
async def test_an_answer_that_is_missing_or_unreadable_leaves_the_outcome_unknown(
    case: Case, kind: str, made: int
) -> None:
    connected = Connected(case)
    connected.box.faults.append(fault(case, kind=kind))
    error = await connected.error(timeout=0.3)
    assert isinstance(error, Transient)
    assert (True, made) == (error.unknown, connected.made())


@each_vendor
async def test_no_secret_shows_in_exchanges_errors_or_reprs(case: Case) -> None:
    connected = Connected(case)
    connected.box.faults.append(fault(case, kind="status", status=400))
    with record_exchanges() as exchanges:
        error = await connected.error()
        await connected.call()
    shown = repr((exchanges, error, error.message, connected.client, connected.settings)) + connected.client.url(
        connected.action.render(case.inputs, connected.settings)
    )
    assert exchanges
    assert not any(secret in shown for secret in case.secrets)


@each_vendor
def test_connecting_opens_nothing(case: Case) -> None:
    assert [] == Connected(case).box.requests


# --- descriptions ---


def described(schema: dict[str, Any]) -> list[str]:
    """Fields of a JSON schema without a description."""
    models = [schema, *schema.get("$defs", {}).values()]
    return [
        f"{model.get('title')}.{name}"
        for model in models
        for name, field in model.get("properties", {}).items()
        if "description" not in field
    ]


@each_action
def test_every_input_is_described_and_unknown_ones_are_refused(vendor: Vendor, action: Action) -> None:
    schema = action.inputs.model_json_schema()
    json.dumps(schema)
    assert [] == described(schema)
    assert schema["additionalProperties"] is False
    with pytest.raises(Permanent, match="nobodyKnowsThis"):
        action.render({"nobodyKnowsThis": 1}, Connected(next(c for c in CASES if c.vendor is vendor)).settings)


@each_action
def test_every_action_says_what_it_is(vendor: Vendor, action: Action) -> None:
    assert action.summary.endswith(".") or action.summary.endswith("`.")
    assert action.operation
    assert action.path.startswith("/")
    assert action.method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    assert action.on_unknown in ("repeat", "lookup", "hold")
    assert (action.on_unknown == "repeat") == action.repeatable
    assert vendor.action(action.name) is action


@each_vendor
def test_every_key_of_a_connection_is_described(case: Case) -> None:
    assert case.vendor.connection_settings is not None
    own = set(case.vendor.connection_settings.model_fields) - {
        "rate",
        "concurrency",
        "timeout",
        "paused",
        "lookup_wait",
    }
    fields = case.vendor.connection_settings.model_fields
    assert [] == [name for name in own if not fields[name].description]


@each_vendor
def test_names_and_aliases_are_unique(case: Case) -> None:
    names = [name for action in case.vendor.actions for name in (action.name, *action.aliases)]
    assert len(names) == len(set(names))
