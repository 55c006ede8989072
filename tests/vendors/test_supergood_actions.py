"""Supergood's actions against its sandbox: sessions that are kept fresh, keys, and inputs nobody has published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hooks.errors import Permanent, Transient, Unconfigured
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.supergood import vendor
from hooks.vendors.supergood.client import SupergoodClient, SupergoodSettings, one_time_code
from hooks.vendors.supergood.sandbox import PASSWORD, USERNAME, sandbox
from tests.vendors.sandboxed import Sandboxed, action_of

action = partial(action_of, vendor)

KEYS = {"base_url": "http://127.0.0.1", "username": USERNAME, "password": PASSWORD}
JOB = {"customerId": "cus_1", "service": "AC tune-up"}


class Account(Sandboxed):
    """A connection to a sandbox of its own, with a clock that is moved by hand."""

    def __init__(self, *, token_seconds: float = 900.0, **keys: Any) -> None:
        self.seconds = 0.0
        app = sandbox(token_seconds=token_seconds)
        super().__init__(vendor, app, {**KEYS, **keys}, monotonic=lambda: self.seconds)

    def asked(self) -> list[str]:
        return [request["path"] for request in self.box.requests]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    account = Account()
    yield account
    await account.client.aclose()


def answering(*answers: httpx.Response) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A transport that gives these answers in turn, the last one again and again."""
    left, seen = list(answers), list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(given.status_code, content=given.content, headers={"content-type": "application/json"})

    return httpx.MockTransport(answer), seen


# --- sessions ---


async def test_one_sign_in_serves_all_calls_that_wait(account: Account) -> None:
    await asyncio.gather(*(account.do("list_customers") for _ in range(5)))
    assert ["/sessions", *["/customers"] * 5] == account.asked()


async def test_a_session_is_prolonged_before_it_ends(account: Account) -> None:
    await account.do("list_customers")
    account.seconds = 860
    await account.do("list_customers")
    assert ["/sessions", "/customers", "/sessions/refresh", "/customers"] == account.asked()


async def test_a_session_that_has_ended_is_followed_by_a_full_sign_in(account: Account) -> None:
    await account.do("list_customers")
    account.seconds = 901
    await account.do("list_customers")
    assert ["/sessions", "/customers", "/sessions", "/customers"] == account.asked()


async def test_a_session_that_cannot_be_prolonged_is_followed_by_a_full_sign_in(account: Account) -> None:
    await account.do("list_customers")
    account.box.expire_tokens()
    account.seconds = 860
    await account.do("list_customers")
    assert ["/sessions/refresh", "/sessions", "/customers"] == account.asked()[2:]


async def test_a_refused_session_is_replaced_and_the_call_sent_once_more(account: Account) -> None:
    await account.do("list_customers")
    account.box.faults.append(Fault(kind="token_expired", path="/jobs"))
    assert "scheduled" != (await account.do("create_job", **JOB))["id"]
    assert ["/jobs", "/sessions", "/jobs"] == account.asked()[2:]
    assert 1 == len(account.box.of("jobs"))


async def test_a_refresh_that_finds_nobody_is_tried_again_later(account: Account) -> None:
    await account.do("list_customers")
    account.seconds = 860
    account.box.faults.append(Fault(kind="status", status=503, path="/sessions/refresh"))
    with pytest.raises(Transient) as caught:
        await account.do("create_job", **JOB)
    assert not caught.value.unknown
    assert [] == account.box.of("jobs")
    assert (await account.do("create_job", **JOB))["id"]


async def test_wrong_credentials_wait_for_an_operator() -> None:
    account = Account(password="wrong and long")
    with pytest.raises(Unconfigured) as caught:
        await account.do("list_customers")
    assert "signing in" in caught.value.message
    assert "wrong and long" not in caught.value.message
    await account.client.aclose()


async def test_the_two_session_actions_say_how_long_and_never_the_token(account: Account) -> None:
    with record_exchanges() as exchanges:
        made = await account.do("create_session")
        prolonged = await account.do("refresh_session")
        anew = await account.do("create_session")
    assert [{"expires_in": 900}] * 3 == [made, prolonged, anew]
    assert ["/sessions", "/sessions/refresh", "/sessions"] == account.asked()
    assert PASSWORD not in repr(exchanges)
    assert '"token"' not in repr(exchanges)


async def test_refreshing_without_a_session_signs_in(account: Account) -> None:
    await account.do("refresh_session")
    assert ["/sessions"] == account.asked()


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        ({"token": "t1", "expires_in": 100}, {}),
        ({"data": {"access_token": "t1", "expiresIn": 100}}, {}),
        ({"session": {"sessionToken": "t1"}, "expires_at": "2100-01-01T00:00:00Z"}, {}),
        ({"ticket": "t1", "token": "other"}, {"token_field": "ticket"}),
        ({"token": "t1", "expires_at": "soon", "expiry": None, "expires_in": True}, {}),
    ],
)
async def test_the_token_is_found_in_any_likely_shape(answer: dict[str, Any], keys: dict[str, str]) -> None:
    transport, seen = answering(httpx.Response(201, json=answer), httpx.Response(200, json={}))
    settings = SupergoodSettings.model_validate({**KEYS, "token_header": "X-Session", "token_prefix": "T ", **keys})
    client = SupergoodClient("good", settings, transport=transport)
    await action("list_customers").send(client, Call({}, "k", 5.0))
    assert "T t1" == seen[1].headers["x-session"]
    await client.aclose()


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"token":""}', b'{"token":5}', b'{"data":{}}'])
async def test_an_answer_without_a_token_is_tried_again(answer: bytes) -> None:
    transport, _ = answering(httpx.Response(200, content=answer))
    client = SupergoodClient("good", SupergoodSettings.model_validate(KEYS), transport=transport)
    with pytest.raises(Transient, match="no token") as caught:
        await action("create_job").send(client, Call(JOB, "k", 5.0))
    assert not caught.value.unknown
    await client.aclose()


async def test_a_refresh_may_keep_its_token_and_a_refused_sign_in_is_the_operators() -> None:
    seconds = [0.0]
    answers = [{"token": "t1", "expires_in": 100}, {}, {"expires_in": 100}, {}]
    transport, seen = answering(*(httpx.Response(200, json=one) for one in answers))
    settings = SupergoodSettings.model_validate(KEYS)
    client = SupergoodClient("good", settings, transport=transport, monotonic=lambda: seconds[0])
    for seconds[0] in (0.0, 90.0):
        await action("list_customers").send(client, Call({}, "k", 5.0))
    assert ["Bearer t1"] * 3 == [request.headers["authorization"] for request in seen[1:]]
    await client.aclose()
    transport, _ = answering(httpx.Response(422, json={"error": "no such user"}))
    client = SupergoodClient("good", settings, transport=transport)
    with pytest.raises(Unconfigured, match="signing in"):
        await action("list_customers").send(client, Call({}, "k", 5.0))
    await client.aclose()


@pytest.mark.parametrize("status", [302, 404, 405])
async def test_a_sign_in_that_is_not_there_is_the_operators_too(status: int) -> None:
    transport, _ = answering(httpx.Response(status))
    client = SupergoodClient("good", SupergoodSettings.model_validate(KEYS), transport=transport)
    with pytest.raises(Unconfigured, match=f"signing in: answered {status}"):
        await action("list_customers").send(client, Call({}, "k", 5.0))
    await client.aclose()


@pytest.mark.parametrize("answer", ["<html>", '{"token": "two\\r\\nlines"}', '{"token": "t\\u00f6k"}'])
async def test_an_answer_that_is_no_session_is_asked_for_again(answer: str) -> None:
    transport, seen = answering(httpx.Response(200, text=answer))
    client = SupergoodClient("good", SupergoodSettings.model_validate(KEYS), transport=transport)
    with pytest.raises(Transient, match="signing in") as caught:
        await action("list_customers").send(client, Call({}, "k", 5.0))
    assert (False, 1) == (caught.value.unknown, len(seen))
    await client.aclose()


# --- the second factor ---


@pytest.mark.parametrize(("at", "expected"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_a_code_is_that_of_the_authenticators_standard(at: int, expected: str) -> None:
    """The SHA-1 rows of RFC 6238, appendix B, whose eight digits end in these six."""
    assert expected == one_time_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at)
    assert expected == one_time_code("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", at)


async def test_a_code_goes_with_the_sign_in() -> None:
    transport, seen = answering(httpx.Response(200, json={"token": "t1"}), httpx.Response(200, json={}))
    names = {"username_field": "user", "password_field": "pass", "otp_field": "code"}
    settings = SupergoodSettings.model_validate({**KEYS, **names, "otp_secret": "GEZDGNBVGY3TQOJQ"})
    client = SupergoodClient("good", settings, transport=transport)
    await action("list_customers").send(client, Call({}, "k", 5.0))
    sent = json.loads(seen[0].content)
    assert (USERNAME, PASSWORD, {"user", "pass", "code"}) == (sent["user"], sent["pass"], set(sent))
    assert 6 == len(sent["code"])
    await client.aclose()


def test_no_second_factor_is_no_code() -> None:
    assert SupergoodSettings.model_validate({**KEYS, "otp_secret": None}).otp_secret is None


def test_the_address_is_shown_without_credentials() -> None:
    account = Account()
    request = action("create_job").render(JOB, account.settings)
    assert "http://127.0.0.1/jobs" == account.client.url(request)


async def test_the_sandbox_may_demand_a_code() -> None:
    app = sandbox(otp="123456")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        pair = {"username": USERNAME, "password": PASSWORD}
        assert 401 == (await client.post("/sessions", json=pair)).status_code
        assert 201 == (await client.post("/sessions", json={**pair, "otp": "123456"})).status_code


@pytest.mark.parametrize(
    "keys",
    [
        {"base_url": "http://example.org"},
        {"base_url": None},
        {"username": ""},
        {"password": None},
        {"otp_secret": "123!"},
        {"otp_secret": ""},
        {"token_header": "no header"},
        {"idempotency_header": ""},
        {"nonsense": 1},
    ],
)
def test_keys_that_cannot_work_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SupergoodSettings.model_validate({**KEYS, **keys})


def test_the_address_has_no_default() -> None:
    with pytest.raises(ValidationError, match="base_url"):
        SupergoodSettings.model_validate({"username": USERNAME, "password": PASSWORD})


# --- the operations ---


async def test_a_job_an_invoice_and_its_payment_are_created(account: Account) -> None:
    job = await account.do("create_job", key="k1", **JOB, scheduledStart="2026-05-06T17:30:00Z")
    line = {"name": "AC tune-up", "quantity": 2, "unitPrice": 9450}
    invoice = await account.do("create_invoice", key="k2", jobId=job["id"], lineItems=[line])
    payment = await account.do("record_payment", key="k3", invoiceId=invoice["id"], amount=18900, method="card")
    assert ("scheduled", 18900, invoice["id"]) == (job["status"], invoice["total"], payment["invoiceId"])
    assert "jobId" not in json.loads(account.box.requests[2]["body"])


async def test_the_same_key_does_not_act_twice(account: Account) -> None:
    first, again = [await account.do("create_job", key="run-1", **JOB) for _ in range(2)]
    other = await account.do("create_job", key="run-2", **JOB)
    assert first == again != other
    assert 2 == len(account.box.of("jobs"))


async def test_the_keys_header_is_a_setting_and_reads_carry_none() -> None:
    account = Account(idempotency_header="X-Once")
    await account.do("create_job", key="run-1", **JOB)
    await account.do("list_customers", key="run-2")
    _, created, listed = account.box.requests
    assert "run-1" == created["headers"]["x-once"]
    assert "idempotency-key" not in created["headers"]
    assert "run-2" not in repr(listed)
    await account.client.aclose()


async def test_customers_are_searched_with_any_filter(account: Account) -> None:
    found = await account.do("list_customers", search="maya", page=1, filters={"tag": "new", "page": 5})
    assert ["cus_1"] == [one["id"] for one in found["customers"]]
    assert "tag=new&page=1&search=maya" == account.box.requests[-1]["query"]


def test_further_fields_go_beside_the_known_ones_and_never_over_them() -> None:
    settings = SupergoodSettings.model_validate(KEYS)
    request = action("create_job").render({**JOB, "more": {"priority": "high", "service": "other"}}, settings)
    assert {"priority": "high", "service": "AC tune-up", "customerId": "cus_1"} == json.loads(request.body or b"")
    plain = action("create_job").render(JOB, settings)
    assert JOB == json.loads(plain.body or b"")


@pytest.mark.parametrize(
    ("name", "inputs", "field"),
    [
        ("create_job", {"customerId": "cus_1"}, "service"),
        ("create_invoice", {"jobId": "job_1", "lineItems": []}, "lineItems"),
        ("create_invoice", {"jobId": "a/b", "lineItems": [{"name": "x"}]}, "jobId"),
        ("record_payment", {"invoiceId": "i", "amount": 0, "method": "card"}, "amount"),
        ("record_payment", {"invoiceId": "i", "amount": "12", "method": "card"}, "amount"),
        ("list_customers", {"filters": {"a": [1]}}, "filters"),
    ],
)
def test_inputs_that_cannot_be_sent_are_named(name: str, inputs: dict[str, Any], field: str) -> None:
    with pytest.raises(Permanent, match=field):
        action(name).render(inputs, SupergoodSettings.model_validate(KEYS))


async def test_what_the_deployment_refuses_is_refused_for_good(account: Account) -> None:
    for name, inputs in (
        ("create_job", {"service": "AC"}),
        ("create_job", {"service": "AC", "customerId": "cus_9"}),
        ("create_invoice", {"jobId": "job_9", "lineItems": [{"name": "x"}]}),
        ("record_payment", {"invoiceId": "inv_9", "amount": 1, "method": "card"}),
    ):
        with pytest.raises(Permanent):
            await account.do(name, **inputs)


def test_a_creating_call_of_unknown_outcome_waits_for_a_person() -> None:
    assert {
        "create_session": "repeat",
        "refresh_session": "repeat",
        "list_customers": "repeat",
        "create_job": "hold",
        "create_invoice": "hold",
        "record_payment": "hold",
    } == {one.name: one.on_unknown for one in vendor.actions}
