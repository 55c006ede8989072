"""Homebase360's ``upsert_job`` against its sandbox: found, created, brought up to date, or left alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.canonical import Job, LineItem
from hooks.errors import DeliveryError, Permanent, Transient
from hooks.events import Done
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.homebase360 import vendor
from hooks.vendors.homebase360.client import Homebase360Settings
from hooks.vendors.homebase360.sandbox import API_KEY, sandbox
from hooks.vendors.homebase360.visits import as_job, money
from tests.vendors.sandboxed import Sandboxed, action_of

action = partial(action_of, vendor)

JOB = Job(
    id="job_41",
    description="AC tune-up",
    total_cents=18900,
    note="Gate code 4",
    scheduled_start_at="2026-05-06T17:30:00Z",
    scheduled_end_at="2026-05-06T19:30:00Z",
)


class Account(Sandboxed):
    """A connection to a sandbox of its own, with one customer in it."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(vendor, sandbox(), {"base_url": "http://127.0.0.1/api/v1", "api_key": API_KEY, **keys})
        self.customer = ""

    async def begin(self) -> Account:
        self.customer = await self.new_customer("Maya")
        self.box.requests.clear()
        return self

    async def new_customer(self, name: str) -> str:
        made = await self.do("create_customer", firstName=name, email=[f"{name.lower()}@example.org"])
        return str(made["customerId"])

    async def upsert(self, job: Job = JOB, **inputs: Any) -> str:
        """What became of it: ``created``, ``updated`` or ``unchanged``."""
        inputs = {"customerId": self.customer, **inputs}
        output = await self.do("upsert_job", job=job.dump(), **inputs)
        [outcome] = [word for word in ("created", "updated", "unchanged") if output[word]]
        assert output["jobId"]
        return outcome

    async def look_for(self, job: Job = JOB, **inputs: Any) -> Done | None:
        return await self.look_up("upsert_job", **{"job": job.dump(), "customerId": self.customer, **inputs})

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return self.box.of("jobs")

    def writes(self) -> list[str]:
        return [request["method"] for request in self.box.requests if request["method"] != "GET"]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    account = await Account().begin()
    yield account
    await account.client.aclose()


def changed(**fields: Any) -> Job:
    return JOB.model_copy(update=fields)


# --- created, updated, unchanged ---


async def test_a_new_job_is_created_with_its_lines_in_the_vendors_money(account: Account) -> None:
    lines = [
        LineItem(name="Tune-up", description="Spring check", quantity=1, unit_price_cents=15000, total_cents=15000),
        LineItem(name="Filter", quantity=1.5, unit_price_cents=2600),
    ]

    assert "created" == await account.upsert(changed(line_items=lines))

    [job] = account.jobs
    assert (JOB.scheduled_start_at, JOB.scheduled_end_at, "Gate code 4") == (job["start"], job["end"], job["note"])
    assert [
        {"name": "Tune-up", "quantity": 1, "unitPrice": "150.00", "description": "Spring check"},
        {"name": "Filter", "quantity": 1.5, "unitPrice": "26.00"},
    ] == job["lineItems"]


async def test_the_same_job_again_writes_nothing(account: Account) -> None:
    assert ["created", "unchanged"] == [await account.upsert(), await account.upsert()]
    assert ["POST"] == account.writes()


async def test_a_time_that_says_that_there_is_none_yet_is_a_time(account: Account) -> None:
    """What .NET writes for no time."""
    none = Job(scheduled_start_at="0001-01-01T00:00:00Z", scheduled_end_at="0001-01-01T01:00:00Z")
    assert ["created", "unchanged"] == [await account.upsert(none), await account.upsert(none)]


async def test_every_search_sends_both_dates(account: Account) -> None:
    await account.upsert()

    searches = [parse_qs(request["query"]) for request in account.box.requests if request["method"] == "GET"]
    assert searches
    assert [] == [query for query in searches if not {"startDate", "endDate"} <= query.keys()]


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"scheduled_end_at": "2026-05-06T20:00:00Z"}, {"end": "2026-05-06T20:00:00Z"}),
        ({"scheduled_start_at": "2026-05-06T17:00:00Z"}, {"start": "2026-05-06T17:00:00Z"}),
        (
            {"scheduled_start_at": "2026-05-06T18:30:00Z", "scheduled_end_at": "2026-05-06T20:30:00Z"},
            {"start": "2026-05-06T18:30:00Z", "end": "2026-05-06T20:30:00Z"},
        ),
        ({"note": "Gate code 4\nDog in the yard"}, {"note": "Gate code 4\nDog in the yard"}),
    ],
)
async def test_only_what_changed_is_written(account: Account, fields: dict[str, Any], sent: dict[str, str]) -> None:
    await account.upsert()

    assert "updated" == await account.upsert(changed(**fields))

    assert sent == json.loads(account.box.requests[-1]["body"])
    assert 1 == len(account.jobs)
    assert "unchanged" == await account.upsert(changed(**fields))


async def test_the_same_instant_in_another_zone_is_no_change(account: Account) -> None:
    await account.upsert()
    account.jobs[0].update(start="2026-05-06T11:30:00-06:00", end="2026-05-06T19:30:00+00:00")

    assert "unchanged" == await account.upsert()


async def test_what_the_office_wrote_into_the_note_stays(account: Account) -> None:
    await account.upsert()
    account.jobs[0]["note"] = "Call first"

    assert "updated" == await account.upsert()
    assert "Call first\nGate code 4" == account.jobs[0]["note"]
    assert "unchanged" == await account.upsert()
    assert "updated" == await account.upsert(note="Only this")
    assert "Only this" == account.jobs[0]["note"]


async def test_lines_are_never_changed_later(account: Account) -> None:
    await account.upsert()

    assert "unchanged" == await account.upsert(changed(description="AC repair", total_cents=30000))
    assert "AC tune-up" == account.jobs[0]["lineItems"][0]["name"]


async def test_an_update_goes_out_as_the_connection_is_configured() -> None:
    account = await Account(update_method="PUT", id_in="query").begin()
    await account.upsert()
    await account.upsert(changed(note="Gate code 5"))

    request = account.box.requests[-1]
    assert ("PUT", f"jobId={account.jobs[0]['jobId']}") == (request["method"], request["query"])


# --- which one ---


async def test_another_customers_job_at_the_same_time_is_another_job(account: Account) -> None:
    await account.upsert()
    theo = await account.new_customer("Theo")

    assert "created" == await account.upsert(customerId=theo)
    assert 2 == len(account.jobs)


async def test_another_job_of_the_same_customer_on_the_same_day_is_another_job(account: Account) -> None:
    later = changed(scheduled_start_at="2026-05-06T20:00:00Z", scheduled_end_at="2026-05-06T21:00:00Z")
    overlapping = changed(
        description="Water heater", scheduled_start_at="2026-05-06T18:00:00Z", scheduled_end_at="2026-05-06T20:30:00Z"
    )

    assert ["created"] * 3 == [await account.upsert(), await account.upsert(later), await account.upsert(overlapping)]
    assert ["unchanged"] * 3 == [await account.upsert(), await account.upsert(later), await account.upsert(overlapping)]


async def test_a_job_that_was_moved_far_is_found_by_its_id(account: Account) -> None:
    await account.upsert()
    moved = changed(scheduled_start_at="2026-06-01T17:30:00Z", scheduled_end_at="2026-06-01T19:30:00Z")
    known = account.jobs[0]["jobId"]

    assert "updated" == await account.upsert(moved, jobId=known)
    assert ["2026-06-01T17:30:00Z"] == [job["start"] for job in account.jobs]
    with pytest.raises(Permanent, match="no job job_nobody"):
        await account.upsert(moved, jobId="job_nobody")


async def test_a_job_that_began_the_evening_before_is_found(account: Account) -> None:
    night = changed(scheduled_start_at="2026-05-06T23:00:00Z", scheduled_end_at="2026-05-07T05:00:00Z")
    await account.upsert(night)

    later = night.model_copy(update={"scheduled_start_at": "2026-05-07T01:00:00Z"})
    assert "updated" == await account.upsert(later)


# --- what the canonical job gives ---


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        ([], [{"name": "AC tune-up", "quantity": 1, "unitPrice": "189.00"}]),
        ([LineItem(description="Labor", total_cents=5)], [{"name": "Labor", "quantity": 1, "unitPrice": "0.05"}]),
        (
            [LineItem(name="Labor", quantity=3, total_cents=900)],
            [{"name": "Labor", "quantity": 1, "unitPrice": "9.00"}],
        ),
        ([LineItem(quantity=2)], [{"name": "Service", "quantity": 2, "unitPrice": "0.00"}]),
        (
            [LineItem(name="Off", quantity=1, unit_price_cents=-1000)],
            [{"name": "Off", "quantity": 1, "unitPrice": "-10.00"}],
        ),
    ],
)
def test_lines_are_those_of_the_job_or_one_of_its_total(lines: list[LineItem], made: list[dict[str, Any]]) -> None:
    assert made == as_job(changed(line_items=lines).dump())["lineItems"]


def test_money_is_exact_decimal_text() -> None:
    assert ["0.01", "0.10", "189.00", "-0.05", "10000000000000.01"] == [
        money(cents) for cents in (1, 10, 18900, -5, 10**15 + 1)
    ]


async def test_a_job_without_a_schedule_took_place_when_it_was_worked_on(account: Account) -> None:
    job = Job(description="Leak", started_at="2026-05-06T17:31:00Z", completed_at="2026-05-06T18:02:00Z")

    assert "created" == await account.upsert(job)
    assert ("2026-05-06T17:31:00Z", "2026-05-06T18:02:00Z") == (account.jobs[0]["start"], account.jobs[0]["end"])


async def test_the_step_may_say_what_the_job_does_not(account: Account) -> None:
    line = {"name": "Visit", "quantity": 1, "unitPrice": "50.00"}
    times = {"start": "2026-05-06T11:30:00-06:00", "end": "2026-05-06T18:00:00Z"}

    assert "created" == await account.upsert(Job(), **times, lineItems=[line], leadSource={"online": True})

    [job] = account.jobs
    assert ("2026-05-06T17:30:00Z", [line]) == (job["start"], job["lineItems"])
    assert {"online": True} == job["leadSource"]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"job": {}, "customerId": "c"}, "neither scheduled_start_at nor started_at; give the step's `start`"),
        ({"job": {"started_at": "2026-05-06T17:31:00Z"}, "customerId": "c"}, "give the step's `end`"),
        ({"job": JOB.dump()}, "customerId"),
        ({"job": JOB.dump(), "customerId": "c", "end": JOB.scheduled_start_at}, "end must be after start"),
        ({"job": {**JOB.dump(), "scheduled_end_at": "soon"}, "customerId": "c"}, "end"),
        ({"job": JOB.dump(), "customerId": "c", "lineItems": []}, "lineItems"),
    ],
)
async def test_what_the_document_forbids_is_never_sent(account: Account, inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Permanent, match=told):
        await account.do("upsert_job", **inputs)
    assert [] == account.box.requests


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
LINE = st.dictionaries(st.sampled_from([*LineItem.model_fields]), ANYTHING, max_size=4)


@given(st.dictionaries(st.sampled_from([*Job.model_fields]), ANYTHING | st.lists(LINE, max_size=3), max_size=6))
def test_any_object_gives_a_request_or_a_refusal(job: dict[str, Any]) -> None:
    settings = Homebase360Settings.model_validate({"api_key": API_KEY})
    inputs = {"job": {**JOB.dump(), **job}, "customerId": "cus_1"}
    try:
        action("upsert_job").render(inputs, settings)
    except DeliveryError as error:
        assert isinstance(error, Permanent)


# --- unknown outcomes ---


async def test_a_job_whose_answer_was_lost_is_found_again(account: Account) -> None:
    account.box.faults.append(Fault(kind="cut_after", method="POST"))
    with pytest.raises(Transient) as caught:
        await account.upsert()

    found = await account.look_for()

    assert caught.value.unknown
    assert found is not None
    assert (True, account.jobs[0]["jobId"]) == (found.adopted, found.output["jobId"])


async def test_a_job_that_never_arrived_is_not_found(account: Account) -> None:
    account.box.faults.append(Fault(kind="cut_before", method="POST"))
    with pytest.raises(Transient):
        await account.upsert()

    assert None is await account.look_for()
    assert "created" == await account.upsert()


async def test_a_change_that_never_arrived_is_not_found(account: Account) -> None:
    await account.upsert()
    moved = changed(scheduled_end_at="2026-05-06T20:00:00Z")
    account.box.faults.append(Fault(kind="cut_before", method="PATCH"))
    with pytest.raises(Transient):
        await account.upsert(moved)

    assert None is await account.look_for(moved)
    assert "updated" == await account.upsert(moved)
    assert None is not await account.look_for(moved)


async def test_a_search_that_fails_leaves_no_doubt(account: Account) -> None:
    account.box.faults.append(Fault(kind="hang"))
    with pytest.raises(Transient) as caught:
        await action("upsert_job").send(
            account.client, Call({"job": JOB.dump(), "customerId": account.customer}, "key-1", 0.2)
        )
    assert (False, []) == (caught.value.unknown, account.writes())


def test_the_request_that_is_shown_is_the_creation() -> None:
    settings = Homebase360Settings.model_validate({"api_key": API_KEY})
    request = action("upsert_job").render({"job": JOB.dump(), "customerId": "cus_1"}, settings)

    assert ("POST", "/jobs") == (request.method, request.path)
    assert "cus_1" == json.loads(request.body or b"")["customerId"]
