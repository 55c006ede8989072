"""``http.request`` against a stand-in for any API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hooks.errors import Permanent, Transient, Unconfigured, Undecided
from hooks.events import Done
from hooks.kit.http import record_exchanges
from hooks.kit.sandbox import Fault, Sandbox
from hooks.ports import Call
from hooks.vendors.http import vendor
from hooks.vendors.http.client import HttpClient, HttpSettings
from hooks.vendors.http.sandbox import TOKEN, sandbox

SECRET = "a-secret-of-some-length"
[REQUEST] = vendor.actions


class Account:
    """A connection to a sandbox of its own."""

    def __init__(self, **keys: Any) -> None:
        app = sandbox()
        self.box: Sandbox = app.state.sandbox
        self.settings = HttpSettings.model_validate({"base_url": "http://127.0.0.1/api", **keys})
        self.client = HttpClient("api", self.settings, transport=httpx.ASGITransport(app))

    async def do(self, *, key: str = "key-1", **inputs: Any) -> Any:
        return (await REQUEST.send(self.client, Call(inputs, key, 5.0))).output

    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = self.box.requests[-1]["headers"]
        return headers


async def test_an_answer_that_is_too_long_fails_a_read_for_good_and_leaves_a_write_unknown() -> None:
    account = Account()
    long = b'"%s"' % (b"x" * 1024 * 1024)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(long)))
    client = HttpClient("api", account.settings, transport=transport)
    with pytest.raises(Permanent, match="ask for less"):
        await REQUEST.send(client, Call({"method": "GET", "path": "/a"}, "k", 5.0))
    with pytest.raises(Transient) as caught:
        await REQUEST.send(client, Call({"method": "POST", "path": "/a"}, "k", 5.0))
    assert caught.value.unknown
    await client.aclose()


# --- requests ---


async def test_json_goes_out_as_it_is_given_nulls_included() -> None:
    account = Account()
    answer = await account.do(
        method="POST", path="/things/1", json={"a": None, "b": [1, None]}, query={"q": ["a", "b"], "n": None}
    )
    assert ("/api/things/1", [["q", "a"], ["q", "b"]], {"a": None, "b": [1, None]}) == (
        answer["path"],
        answer["query"],
        answer["json"],
    )
    assert '{"a":null,"b":[1,null]}' == account.box.requests[0]["body"]


@pytest.mark.parametrize(
    ("inputs", "content_type", "body"),
    [
        ({"form": {"a": "b c", "n": 1}}, "application/x-www-form-urlencoded", "a=b+c&n=1"),
        ({"text": "é"}, "text/plain; charset=utf-8", "é"),
        ({"text": "<a/>", "headers": {"Content-Type": "application/xml"}}, "application/xml", "<a/>"),
        ({"json": []}, "application/json", "[]"),
    ],
)
async def test_each_kind_of_body_has_its_content_type(inputs: dict[str, Any], content_type: str, body: str) -> None:
    account = Account()
    await account.do(method="PUT", path="/x", **inputs)
    assert (content_type, body) == (account.headers()["content-type"], account.box.requests[0]["body"])


@pytest.mark.parametrize(
    ("method", "sent"), [("POST", True), ("PATCH", True), ("PUT", False), ("GET", False), ("DELETE", False)]
)
async def test_posts_and_patches_carry_the_idempotency_key(method: str, sent: bool) -> None:
    account = Account()
    await account.do(method=method, path="/x")
    await account.do(method=method, path="/x")
    assert ("key-1" if sent else None) == account.headers().get("idempotency-key")
    assert (1 if sent else 2) == len(account.box.of("requests"))


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"method": "TRACE"}, "method"),
        ({"json": 1, "text": "x"}, "only one of json, form and text"),
        ({"method": "GET", "json": 1}, "no body"),
        ({"headers": {"Host": "evil.example.org"}}, "headers.host: is set by the connection"),
        ({"headers": {"X-A": "a\r\nb: c"}}, "header x-a"),
        ({"headers": {"a b": "c"}}, "token"),
        ({"query": {"a": {"b": 1}}}, "query"),
        ({"url": "https://evil.example.org"}, "url: Extra inputs"),
        ({"json": {"a": "\ud800"}}, "json: holds half of a character"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Permanent) as caught:
        REQUEST.render({"method": "POST", "path": "/x", **inputs}, Account().settings)
    assert told in caught.value.message


@pytest.mark.parametrize(
    "path", ["/../secret", "/a/%2e%2e/b", "//evil.example.org/x", "https://evil.example.org/", "/a?b=c", "x"]
)
async def test_a_path_from_an_event_cannot_leave_the_connection(path: str) -> None:
    account = Account()
    with pytest.raises(Permanent, match="path"):
        REQUEST.render({"method": "GET", "path": path}, account.settings)
    with pytest.raises(Permanent, match="path"):
        await account.do(method="GET", path=path)
    assert [] == account.box.requests


# --- answers ---


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"success": False, "error": "no such room"}, "refused: no such room"),
        ({"Success": False, "Message": "no such room"}, "refused: no such room"),
        ({"success": False}, "refused without a reason"),
        ({"success": False, "message": f"bad token {SECRET}"}, "refused: bad token ***"),
    ],
)
async def test_an_answer_that_says_no_is_refused_unless_its_status_was_said_to_be_done(
    said: dict[str, Any], message: str
) -> None:
    settings = Account(auth={"scheme": "bearer", "token": SECRET}).settings
    client = HttpClient("api", settings, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=said)))
    with pytest.raises(Permanent) as caught:
        await REQUEST.send(client, Call({"json": {}}, "k", 5.0))
    assert message == caught.value.message
    assert said == (await REQUEST.send(client, Call({"json": {}, "success": [200]}, "k", 5.0))).output


@pytest.mark.parametrize(
    "said", [{"success": True}, {"success": None}, {"success": 0}, {"a": {"success": False}}, [], "no"]
)
async def test_an_answer_that_does_not_say_no_is_done(said: Any) -> None:
    client = HttpClient(
        "api", Account().settings, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=said))
    )
    assert said == (await REQUEST.send(client, Call({"json": {}}, "k", 5.0))).output


async def test_further_statuses_can_count_as_done() -> None:
    account = Account(base_url="http://127.0.0.1")
    assert {"message": "as asked"} == await account.do(method="DELETE", path="/status/404", success=[404])
    with pytest.raises(Permanent, match="answered 404: as asked"):
        await account.do(method="DELETE", path="/status/404")


async def test_text_is_given_as_text() -> None:
    assert {"text": "OK"} == await Account(base_url="http://127.0.0.1").do(method="GET", path="/text")


async def test_a_redirect_is_refused() -> None:
    account = Account(base_url="http://127.0.0.1")
    with pytest.raises(Permanent, match="redirects are not followed"):
        await account.do(method="GET", path="/redirect")
    assert 1 == len(account.box.requests)


async def test_an_unknown_outcome_is_held_for_posts_and_repeated_for_others() -> None:
    account = Account()
    for method, unknown in (("POST", True), ("PATCH", True), ("GET", False), ("PUT", False), ("DELETE", False)):
        account.box.faults.append(Fault(kind="cut_before"))
        with pytest.raises(Transient) as caught:
            await account.do(method=method, path="/x")
        assert unknown == caught.value.unknown
        call = Call({"method": method, "path": "/x"}, "k", 1.0, again=True)
        if unknown:
            with pytest.raises(Undecided):
                await REQUEST.lookup(account.client, call)
        else:
            assert await REQUEST.lookup(account.client, call) is None


# --- credentials ---


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"scheme": "bearer", "token": SECRET}, "authorization", f"Bearer {SECRET}"),
        (
            {"scheme": "basic", "username": "me", "password": SECRET},
            "authorization",
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        ({"scheme": "header", "header": "X-Key", "value": SECRET}, "x-key", SECRET),
        ({"scheme": "header", "value": SECRET}, "x-api-key", SECRET),
        (
            {
                "scheme": "oauth2_client_credentials",
                "token_url": "http://127.0.0.1/token",
                "client_id": "id-1",
                "client_secret": SECRET,
            },
            "authorization",
            f"Bearer {TOKEN}",
        ),
    ],
)
async def test_each_scheme_authorizes_and_shows_nothing(auth: dict[str, str], header: str, value: str) -> None:
    account = Account(auth=auth, headers={"X-Account": "account-secret"})
    with record_exchanges() as exchanges:
        await account.do(method="POST", path="/x", headers={header: "from the rule"}, json={"echo": SECRET})
    assert (value, "account-secret") == (account.headers()[header], account.headers()["x-account"])
    shown = repr((exchanges, account.settings, account.client))
    assert not any(secret in shown for secret in (SECRET, TOKEN, "account-secret", value.rpartition(" ")[2]))
    await account.client.aclose()


async def test_standard_webhooks_are_signed_as_their_specification_says() -> None:
    key = base64.b64encode(b"0123456789abcdef01234567").decode()
    account = Account(auth={"scheme": "standard_webhooks", "secret": f"whsec_{key}"})
    await account.do(method="POST", path="/x", json={"a": 1}, key="msg_1")
    headers = account.headers()
    signed = f"msg_1.{headers['webhook-timestamp']}.".encode() + b'{"a":1}'
    expected = base64.b64encode(hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()).decode()
    assert ("msg_1", f"v1,{expected}") == (headers["webhook-id"], headers["webhook-signature"])
    with pytest.raises(Permanent, match="webhook-id"):
        await account.client.send(REQUEST.render({"method": "POST", "path": "/x"}, account.settings), timeout=1.0)


@pytest.mark.parametrize(
    "auth",
    [
        {"scheme": "digest"},
        {"scheme": "bearer"},
        {"scheme": "bearer", "token": "t", "extra": 1},
        {"scheme": "standard_webhooks", "secret": "not base64!"},
        {
            "scheme": "oauth2_client_credentials",
            "token_url": "http://a.example.org",
            "client_id": "a",
            "client_secret": "b",
        },
    ],
)
def test_a_scheme_that_is_not_complete_is_refused(auth: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpSettings.model_validate({"base_url": "https://a.example.org", "auth": auth})


async def test_refused_credentials_wait_for_an_operator() -> None:
    with pytest.raises(Unconfigured):
        await Account(base_url="http://127.0.0.1").do(method="GET", path="/status/401")


async def test_the_frozen_request_is_the_one_that_is_sent() -> None:
    account = Account()
    inputs = {"method": "POST", "path": "/first", "json": {"n": 1}}
    frozen = REQUEST.render(inputs, account.settings)
    done = await REQUEST.send(account.client, Call({**inputs, "path": "/second"}, "k", 5.0, request=frozen))
    assert "/api/first" == done.output["path"]
    assert isinstance(done, Done)


def test_the_schema_of_the_inputs_is_described() -> None:
    schema = REQUEST.inputs.model_json_schema()
    assert {"method", "path", "query", "headers", "json", "form", "text", "success"} == set(schema["properties"])
    assert all("description" in described for described in schema["properties"].values())
    json.dumps(schema)
