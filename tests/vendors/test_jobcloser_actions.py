"""JobCloser's actions against its sandbox."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from hooks.errors import DeliveryError, Permanent, Transient, Unconfigured
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault
from hooks.ports import Call
from hooks.vendors.jobcloser import vendor
from hooks.vendors.jobcloser.client import JobCloserClient
from hooks.vendors.jobcloser.sandbox import COMPANY_ID, EMAIL, KEY, PASSWORD, sandbox
from tests.vendors.sandboxed import Sandboxed, action_of

action = partial(action_of, vendor)

LEAD = {"Name": "Maya Ortiz", "Email": "maya@example.org", "Phone": "(303) 555-0142", "JobCity": "Golden"}
APPLICATION = {
    "EventId": "e1",
    "JobId": "j1",
    "ApplicationDate": "2026-05-02T10:16:42-05:00",
    "Latitude": "33.5",
    "Longitude": "-86.8",
    "MeterSerialNumber": "AF1",
    "MeterRawCount": 2,
    "MeterCurrentRate": 4,
    "MeterCalculatedFlowTotal": 5,
    "MeterRawCountsToZero": 0,
    "TemperatureOfFluid": 76.8,
    "AmbientTemperature": 71.55,
    "BatteryStatusInPercent": 86,
    "BatteryStatusInEstimatedRunTime": 1350,
    "Note": "n",
    "DeviceName": "d",
    "CalibrationFactor": 1.5,
}


class Account(Sandboxed):
    """A connection to a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(vendor, sandbox(), {"base_url": "http://127.0.0.1", "key": KEY, **keys})


@pytest.mark.parametrize("where", ["query", "body", "header"])
@pytest.mark.parametrize("form", ["form", "json"])
async def test_a_lead_is_made_wherever_the_key_goes(where: str, form: str) -> None:
    account = Account(key_location=where, body_format=form)
    with record_exchanges() as exchanges:
        made = await account.do("create_lead", **LEAD)
    [lead] = account.box.of("leads")
    assert (lead["Id"], "Golden") == (made["Id"], lead["JobCity"])
    [request] = account.box.requests
    body = dict(parse_qsl(request["body"])) if form == "form" else json.loads(request["body"])
    assert {
        "query": ("query" == where) == (f"key={KEY}" == request["query"]),
        "body": ("body" == where) == (body.get("key") == KEY),
        "header": ("header" == where) == (request["headers"].get("x-api-key") == KEY),
    } == {"query": True, "body": True, "header": True}
    assert KEY not in repr((exchanges, account.client, account.settings))
    assert "http://127.0.0.1/api/zapier/createlead" == exchanges[0].url


async def test_a_200_that_says_no_is_a_refusal() -> None:
    async def refusing(request: httpx.Request) -> httpx.Response:
        good = request.url.path.endswith("/signin")
        return httpx.Response(200, json={"Success": good, "Message": "Name is too long", "Result": None})

    client = JobCloserClient("jc", Account().settings, transport=httpx.MockTransport(refusing))
    with pytest.raises(Permanent, match="refused: Name is too long"):
        await action("create_lead").send(client, Call(LEAD, "k", 5.0))


@pytest.mark.parametrize("name", ["create_lead", "create_customer", "zapier_signin"])
async def test_a_wrong_key_is_for_the_operator_and_no_reason_to_give_up(name: str) -> None:
    account = Account(key="not-the-key-at-all")
    with pytest.raises(Unconfigured, match="refused: The specified key does not exist"):
        await account.do(name, **({} if name == "zapier_signin" else LEAD))
    assert [] == account.box.of("leads")


async def test_wrong_sign_in_data_are_for_the_operator() -> None:
    account = Account(email=EMAIL, password="another-password-than-that")
    with pytest.raises(Unconfigured, match="refused: The specified email and password"):
        await account.do("sign_in")


@pytest.mark.parametrize(
    ("test", "kind"),
    [
        (httpx.Response(200, json={"Success": True, "Result": {}}), Permanent),
        (httpx.Response(400, json={"Success": False, "Message": "no such key"}), Unconfigured),
        (httpx.Response(200, json={"Success": False, "Message": "An error has occurred."}), Permanent),
        (httpx.Response(404, text="<html>"), Permanent),
        (httpx.Response(403), Unconfigured),
        (httpx.Response(503), Permanent),
        (httpx.Response(200, text="<html>"), Permanent),
    ],
)
async def test_what_refused_a_lead_is_found_out_by_a_test_of_the_key(
    test: httpx.Response, kind: type[DeliveryError]
) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/signin"):
            return test
        return httpx.Response(400, json={"Success": False, "Message": "no", "Result": None})

    client = JobCloserClient("jc", Account().settings, transport=httpx.MockTransport(answer))
    with pytest.raises(kind):
        await action("create_lead").send(client, Call(LEAD, "k", 5.0))


@pytest.mark.parametrize("signin", [True, False])
async def test_a_refusal_that_quotes_the_key_is_masked(signin: bool) -> None:
    async def quoting(request: httpx.Request) -> httpx.Response:
        good = signin and request.url.path.endswith("/signin")
        return httpx.Response(200, json={"Success": good, "Message": f"bad key {KEY}", "Result": None})

    client = JobCloserClient("jc", Account().settings, transport=httpx.MockTransport(quoting))
    with pytest.raises(DeliveryError, match=r"refused: bad key \*\*\*"):
        await action("create_lead").send(client, Call(LEAD, "k", 5.0))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"Result":{}}'])
async def test_a_success_without_the_envelope_leaves_the_outcome_unknown(body: bytes) -> None:
    async def strange(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body)

    client = JobCloserClient("jc", Account().settings, transport=httpx.MockTransport(strange))
    with pytest.raises(Transient) as caught:
        await action("create_lead").send(client, Call(LEAD, "k", 5.0))
    assert caught.value.unknown


async def test_nothing_that_creates_is_repeated_by_itself() -> None:
    for name in ("create_lead", "create_customer", "create_chemical_application", "create_chemical_applications"):
        assert (False, "hold") == (action(name).repeatable, action(name).on_unknown)
    for name in ("delete_chemical_application", "upload_chemical_image_via_url"):
        assert ("GET", False, "hold") == (action(name).method, action(name).repeatable, action(name).on_unknown)
    assert action("update_chemical_application").repeatable


async def test_a_lost_answer_leaves_one_lead_and_an_unknown_outcome() -> None:
    account = Account()
    account.box.faults.append(Fault(kind="cut_after"))
    with pytest.raises(Transient) as caught:
        await account.do("create_lead", **LEAD)
    assert (True, 1) == (caught.value.unknown, len(account.box.of("leads")))


async def test_a_lead_needs_a_name() -> None:
    account = Account()
    for inputs in ({}, {"Name": ""}, {"Name": None}, {"Name": "A", "Fax": "1"}):
        with pytest.raises(Permanent, match=r"Name|Fax"):
            await account.do("create_lead", **inputs)
    assert [] == account.box.requests


async def test_signing_in_shows_no_password_anywhere() -> None:
    account = Account(email=EMAIL, password=PASSWORD)
    with record_exchanges() as exchanges:
        user = await account.do("sign_in")
    assert (COMPANY_ID, None) == (user["CompanyId"], user.get("Password"))
    assert PASSWORD not in repr((exchanges, account.settings, account.client))
    assert "http://127.0.0.1/api/account/signin" == exchanges[0].url
    with pytest.raises(Permanent, match="email"):
        await Account().do("sign_in")


async def test_the_key_is_tested_by_zapier_signin() -> None:
    assert COMPANY_ID == (await Account(key_location="body").do("zapier_signin"))["Id"]


async def test_a_company_id_of_the_connection_is_used_for_lists() -> None:
    account = Account(company_id=COMPANY_ID)
    assert [] == await account.do("list_jobs", status="Open")
    assert f"companyId={COMPANY_ID}&status=Open" == account.box.requests[0]["query"]
    with pytest.raises(Permanent, match="companyId"):
        await Account().do("list_jobs")


async def test_chemical_applications_are_made_changed_read_and_deleted() -> None:
    account = Account()
    made = await account.do("create_chemical_application", **APPLICATION)
    batch = await account.do("create_chemical_applications", items=[APPLICATION, APPLICATION])
    assert 2 == len(batch)
    changed = {
        key: value
        for key, value in APPLICATION.items()
        if key not in ("ApplicationDate", "Note", "DeviceName", "CalibrationFactor")
    }
    await account.do("update_chemical_application", **{**changed, "Id": made["Id"], "MeterSerialNumber": "AF2"})
    assert "AF2" == (await account.do("get_chemical_application", id=made["Id"]))["MeterSerialNumber"]
    await account.do("delete_chemical_application", id=made["Id"])
    assert 2 == len(await account.do("list_chemical_applications", jobId="j1"))
    with pytest.raises(Permanent, match="does not exist"):
        await account.do("get_chemical_application", id=made["Id"])


async def test_images_go_by_address_or_as_bytes() -> None:
    account = Account()
    await account.do("upload_chemical_image_via_url", eventId="e1", url="https://a.example.org/a.png", caption="A & B")
    file = {"name": "a.png", "content_type": "image/png", "content_base64": "iVBORw=="}
    await account.do("upload_chemical_image_via_byte_array", eventId="e1", content=file)
    assert ["A & B", None] == [image.get("caption") for image in account.box.of("images")]
    assert {"fileName": "a.png", "eventId": "e1", "content": "iVBORw=="} == account.box.of("images")[1]


async def test_all_36_operations_are_there_and_the_readers_answer() -> None:
    assert 36 == len([one for one in vendor.actions if one.name != "send_lead"])
    account = Account(company_id=COMPANY_ID)
    account.box.add("crews", {"Id": "crew1"})
    for reader in vendor.actions:
        needed = reader.inputs.model_json_schema().get("required", [])
        if reader.name.startswith("list_"):
            assert isinstance(await account.do(reader.name, **dict.fromkeys(needed, "x")), list)
    assert {"Id": "crew1"} == await account.do("get_crew", id="crew1")


# --- the sandbox demands what the page demands ---


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "events/getall?companyId=c", "jobId is required"),
        ("GET", "jobs/getlineitems?companyId=c", "jobId is required"),
        ("GET", "jobs/getall?jobId=j", "companyId is required"),
        ("POST", "chemicalapplicationlocations/create", "ApplicationDate is required"),
        ("PUT", "chemicalapplicationlocations/create", "Id is required"),
    ],
)
async def test_the_sandbox_refuses_what_lacks_a_required_field(method: str, path: str, told: str) -> None:
    body = None if method == "GET" else {"EventId": "e", "JobId": "j"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox()), base_url="http://127.0.0.1") as client:
        answer = (await client.request(method, f"/api/{path}", json=body)).json()
    assert {"Success": False, "Message": told, "Result": None} == answer
