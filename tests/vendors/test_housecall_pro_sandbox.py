"""Webhooks that Housecall Pro's sandbox sends: signed so that our source believes them, and read as events."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from hooks.errors import VerificationError
from hooks.events import Receipt
from hooks.ports import Inbound
from hooks.vendors.housecall_pro.sandbox import API_KEY, sandbox
from hooks.vendors.housecall_pro.source import HousecallProSource, HousecallProSourceSettings

SECRET = "hcp-test-secret-0001"
PLACE = {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401", "country": "US"}


class Receiver(ThreadingHTTPServer):
    """An address of this machine that keeps what is posted to it."""

    status = 202

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[Inbound] = []
        self.url = f"http://127.0.0.1:{self.server_port}/in/hcp"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        self.server.got.append(Inbound("POST", "", b"", headers, body, datetime.now(UTC)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def vendor() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(sandbox())
    headers = {"authorization": f"Token {API_KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        yield client


async def subscribe(vendor: httpx.AsyncClient, receiver: Receiver, **more: Any) -> httpx.Response:
    return await vendor.post("/_sandbox/webhooks", json={"url": receiver.url, "secret": SECRET, **more})


async def make(vendor: httpx.AsyncClient, path: str, method: str = "POST", /, **body: Any) -> Any:
    answer = await vendor.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def make_job(vendor: httpx.AsyncClient) -> dict[str, Any]:
    person = await make(vendor, "/customers", first_name="Maya", mobile_number="3035550142", addresses=[PLACE])
    lines = [{"name": "AC tune-up", "unit_price": 18900, "quantity": 1}]
    made: dict[str, Any] = await make(
        vendor,
        "/jobs",
        customer_id=person["id"],
        address_id=person["addresses"][0]["id"],
        line_items=lines,
        notes="Gate code 4",
    )
    return made


def read(receiver: Receiver, secret: str = SECRET) -> list[tuple[str, Any]]:
    """The events as our source makes them of what was posted."""
    settings = HousecallProSourceSettings.model_validate({"signing_secret": secret})
    source = HousecallProSource("hcp", settings)
    found: list[tuple[str, Any]] = []
    for inbound in receiver.got:
        source.verify(inbound)
        assert 1 == source.read(inbound).events
        receipt = Receipt(
            "rcp_0190c0de000070008000000000000001",
            "hcp",
            "housecall_pro",
            inbound.received_at,
            "accepted",
            body=inbound.body,
            events=1,
        )
        [draft] = source.normalize(receipt)
        assert draft.flag is None
        found.append((draft.type, draft.data))
    return found


async def test_what_happens_at_the_vendor_arrives_signed_and_readable(
    vendor: httpx.AsyncClient, receiver: Receiver
) -> None:
    await subscribe(vendor, receiver)
    job = await make_job(vendor)
    await make(vendor, f"/jobs/{job['id']}", "PUT", work_status="complete")
    events = read(receiver)
    assert ["customer.created", "job.created", "job.updated", "job.completed"] == [name for name, _ in events]
    data = events[-1][1]
    assert (job["id"], "complete_unrated", 18900, "Gate code 4", "+13035550142") == (
        data["id"],
        data["status"],
        data["total_cents"],
        data["note"],
        data["customer"]["phone"],
    )
    assert data["completed_at"].endswith("Z")


async def test_a_whole_story_sends_its_events_in_order(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    job = await make_job(vendor)
    await subscribe(vendor, receiver)
    visit: dict[str, Any] = {"start_time": "2026-05-06T17:30:00Z", "end_time": "2026-05-06T19:30:00Z"}
    sent = {**visit, "dispatched_employees_ids": ["pro_2"]}
    lead = await make(vendor, "/leads", customer={"first_name": "Ben", "email": "ben@example.org"}, address=PLACE)
    await make(vendor, f"/leads/{lead['id']}/convert", type="job")
    await make(vendor, f"/jobs/{job['id']}/schedule", "PUT", **visit)
    appointment = await make(vendor, f"/jobs/{job['id']}/appointments", **sent)
    await make(vendor, f"/jobs/{job['id']}/appointments/{appointment['id']}", "PUT", **sent)
    await make(vendor, f"/jobs/{job['id']}/appointments/{appointment['id']}", "DELETE")
    estimate = await make(vendor, "/estimates", customer_id=lead["customer"]["id"], options=[{"name": "Good"}])
    await make(vendor, "/estimates/options/approve", option_ids=[estimate["options"][0]["id"]])
    await make(vendor, "/invoices", job_id=job["id"])
    await make(vendor, f"/jobs/{job['id']}", "PUT", work_status="user_canceled")
    await make(vendor, f"/jobs/{job['id']}", "DELETE")
    assert [
        *("customer.created", "lead.created", "lead.converted", "job.created", "job.scheduled"),
        *("appointment.scheduled", "appointment.rescheduled", "appointment.discarded"),
        *("estimate.created", "estimate.option.approval_status_changed", "invoice.created"),
        *("job.updated", "job.canceled", "job.deleted"),
    ] == [name for name, _ in read(receiver)]


@pytest.mark.parametrize(
    "event",
    [
        *("job.scheduled", "job.on_my_way", "job.started", "job.completed", "job.paid", "job.canceled", "job.deleted"),
        *("lead.lost", "lead.converted", "lead.updated", "customer.updated", "employee.created"),
        *("estimate.sent", "estimate.completed", "estimate.on_my_way", "invoice.sent", "invoice.paid"),
        *("invoice.payment.succeeded", "invoice.canceled", "invoice.voided"),
    ],
)
async def test_an_event_happens_on_demand(vendor: httpx.AsyncClient, receiver: Receiver, event: str) -> None:
    job = await make_job(vendor)
    await make(vendor, "/leads", customer_id=job["customer"]["id"])
    await make(vendor, "/estimates", customer_id=job["customer"]["id"])
    await make(vendor, "/invoices", job_id=job["id"])
    await subscribe(vendor, receiver)
    answer = await vendor.post("/_sandbox/events", json={"event": event})
    assert (202, [202]) == (answer.status_code, [one["status"] for one in answer.json()["deliveries"]])
    assert [event] == [name for name, _ in read(receiver)]


async def test_an_event_on_demand_changes_the_record_that_is_named(
    vendor: httpx.AsyncClient, receiver: Receiver
) -> None:
    first = await make_job(vendor)
    await make_job(vendor)
    await subscribe(vendor, receiver)
    await vendor.post("/_sandbox/events", json={"event": "job.completed", "id": first["id"]})
    [(_, data)] = read(receiver)
    assert first["id"] == data["id"]
    assert "complete unrated" == (await vendor.get(f"/jobs/{first['id']}")).json()["work_status"]


async def test_an_appointment_happens_on_demand(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    job = await make_job(vendor)
    visit = {"start_time": "2026-05-06T17:30:00Z", "end_time": "2026-05-06T19:30:00Z"}
    made = await make(vendor, f"/jobs/{job['id']}/appointments", **visit, dispatched_employees_ids=["pro_2"])
    await subscribe(vendor, receiver)
    await vendor.post("/_sandbox/events", json={"event": "job.appointment.rescheduled", "id": made["id"]})
    [(name, data)] = read(receiver)
    assert ("appointment.rescheduled", made["id"], job["id"], "Lee Park") == (
        name,
        data["id"],
        data["job_id"],
        data["employees"][0]["display_name"],
    )


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"event": "job.completed"}, 404),
        ({"event": "job.completed", "id": "job_0"}, 404),
        ({"event": "job.appointment.scheduled"}, 404),
        ({"event": "weather.changed"}, 422),
        ({}, 422),
        ([], 400),
    ],
)
async def test_an_event_that_cannot_happen_is_refused(vendor: httpx.AsyncClient, asked: Any, status: int) -> None:
    assert status == (await vendor.post("/_sandbox/events", json=asked)).status_code


async def test_curl_may_leave_the_content_type_as_it_is(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    told = {"content-type": "application/x-www-form-urlencoded"}
    hook = json.dumps({"url": receiver.url, "secret": SECRET})
    assert [receiver.url] == (await vendor.post("/_sandbox/webhooks", content=hook, headers=told)).json()["webhooks"]
    await make(vendor, "/customers", first_name="Maya")
    answer = await vendor.post("/_sandbox/events", content='{"event": "customer.updated"}', headers=told)
    assert 202 == answer.status_code
    assert ["customer.created", "customer.updated"] == [name for name, _ in read(receiver)]


async def test_another_secret_does_not_verify(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    await subscribe(vendor, receiver)
    await make(vendor, "/customers", first_name="Maya")
    assert 1 == len(receiver.got)
    with pytest.raises(VerificationError):
        read(receiver, secret="another-secret")


async def test_only_the_events_that_were_asked_for_are_sent(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    await subscribe(vendor, receiver, events=["job.created"])
    await make_job(vendor)
    assert ["job.created"] == [name for name, _ in read(receiver)]


async def test_a_ping_comes_first_and_an_address_that_refuses_it_is_not_taken(
    vendor: httpx.AsyncClient, receiver: Receiver
) -> None:
    answer = await subscribe(vendor, receiver, ping=True)
    assert (200, [receiver.url]) == (answer.status_code, answer.json()["webhooks"])
    [ping] = receiver.got
    assert b'{"foo":"bar"}' == ping.body
    assert ping.header(b"api-signature") is None
    receiver.status = 500
    assert 422 == (await subscribe(vendor, receiver, ping=True)).status_code


@pytest.mark.parametrize(
    "asked",
    [
        {"url": "https://example.org/in/hcp", "secret": SECRET},
        {"url": "http://example.org/in/hcp", "secret": SECRET},
        {"url": "http://192.0.2.1/in/hcp", "secret": SECRET},
        {"url": 7, "secret": SECRET},
        {"url": "http://127.0.0.1/in/hcp"},
        {"url": "http://localhost:1/in/hcp", "secret": SECRET, "ping": True},
        [],
    ],
)
async def test_webhooks_go_to_this_machine_only(vendor: httpx.AsyncClient, asked: Any) -> None:
    assert 422 == (await vendor.post("/_sandbox/webhooks", json=asked)).status_code
    assert [] == (await vendor.get("/_sandbox/webhooks")).json()["webhooks"]


async def test_deliveries_are_shown_also_those_that_nobody_took(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    await subscribe(vendor, receiver)
    await vendor.post("/_sandbox/webhooks", json={"url": "http://127.0.0.1:1/x?y=1", "secret": SECRET})
    await make(vendor, "/customers", first_name="Maya")
    shown = await vendor.get("/_sandbox/webhooks")
    assert [(receiver.url, 202), ("http://127.0.0.1:1/x?y=1", None)] == [
        (one["url"], one["status"]) for one in shown.json()["deliveries"]
    ]
    assert SECRET not in shown.text
    assert {"webhooks": [], "deliveries": []} == (await vendor.delete("/_sandbox/webhooks")).json()


async def test_a_reset_ends_the_subscriptions(vendor: httpx.AsyncClient, receiver: Receiver) -> None:
    await subscribe(vendor, receiver)
    await vendor.post("/_sandbox/reset")
    await make(vendor, "/customers", first_name="Maya")
    assert [] == receiver.got


@pytest.mark.parametrize("authorization", ["", "Token", "Token wrong", f"Basic {API_KEY}"])
async def test_a_wrong_key_is_refused(vendor: httpx.AsyncClient, authorization: str) -> None:
    answer = await vendor.get("/customers", headers={"authorization": authorization})
    assert (401, {"message": "Unauthorized"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=3035550142", 1),
        ("q=MAYA", 1),
        ("q=birch", 1),
        ("q=nobody", 0),
        ("page_size=0", None),
        ("page=x", None),
    ],
)
async def test_customers_are_searched_as_at_the_vendor(
    vendor: httpx.AsyncClient, query: str, found: int | None
) -> None:
    await make_job(vendor)
    answer = await vendor.get(f"/customers?{query}")
    assert (400 if found is None else 200) == answer.status_code
    if found is not None:
        assert found == len(answer.json()["customers"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("work_status=scheduled", 1),
        ("work_status=canceled&work_status=scheduled", 1),
        ("work_status=completed", 0),
        ("scheduled_start_min=2026-05-06T17:30:00Z&scheduled_start_max=2026-05-06T17:30:00Z", 1),
        ("scheduled_start_min=2026-05-06T17:31:00Z", 0),
        ("scheduled_end_max=2026-05-06T17:30:00Z", 0),
        ("employee_ids=pro_2", 0),
        ("customer_id=cus_0", 0),
    ],
)
async def test_jobs_are_filtered_as_at_the_vendor(vendor: httpx.AsyncClient, query: str, found: int) -> None:
    job = await make_job(vendor)
    await make(
        vendor,
        f"/jobs/{job['id']}/schedule",
        "PUT",
        start_time="2026-05-06T17:30:00Z",
        end_time="2026-05-06T19:30:00Z",
    )
    assert found == len((await vendor.get(f"/jobs?{query}")).json()["jobs"])
