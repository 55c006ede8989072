"""What may be subscribed and where it may be told: total on any bytes, and closed to all that is not listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import NormalizationError, Permanent
from hooks.events import Request, new_id
from hooks.kit.http import record_exchanges
from hooks.ports import Asked, Call, Inbound, Subscriber
from hooks.registry import CATALOGUE
from hooks.rules.findings import RulesInvalid
from hooks.rules.load import load_text
from hooks.vendors.zapier.hooks import (
    HOST,
    MAX_URL,
    TELL,
    ZapierHookClient,
    ZapierHooks,
    ZapierHooksSettings,
    check_hook,
)
from hooks.vendors.zapier.sandbox import sandbox

NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)
URL = f"https://{HOST}/hooks/standard/77/maya/"


def hooks(**more: Any) -> ZapierHooks:
    return ZapierHooks("zaps", ZapierHooksSettings.model_validate({"events": ["job.*"], **more}))


def inbound(body: bytes = b"", path: str = "/hooks", method: str = "POST", query: bytes = b"") -> Inbound:
    return Inbound(method, path, query, [(b"content-type", b"application/json")], body, NOW)


@given(body=st.binary(max_size=200), path=st.sampled_from(["/hooks", "/hooks/types", "/hooks/samples", "/hooks/x"]))
def test_reading_never_raises_anything_else(body: bytes, path: str) -> None:
    for method in ("POST", "GET", "DELETE"):
        try:
            assert isinstance(hooks().read(inbound(body, path, method, query=body)), Asked)
        except NormalizationError as problem:
            assert problem.reason


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z.\[\]:@0-9%/\\?#-]{0,40}", fullmatch=True))
def test_whatever_passes_is_an_address_of_a_listed_host(url: str) -> None:
    for candidate in (url, f"https://{HOST}{url}", f"https://{url}@{HOST}/x", f"https://{HOST}\\@{url}/x"):
        try:
            passed = check_hook(candidate, (HOST,))
        except NormalizationError:
            continue
        parts = urlsplit(passed)
        assert ("https", HOST) == (parts.scheme, parts.netloc.removesuffix(":443"))
        assert httpx.URL(passed).host == HOST, "our HTTP client sees the same host"


@pytest.mark.parametrize("name", ["hookUrl", "hook_url", "target_url", "targetUrl", "url"])
def test_the_usual_names_of_the_address_are_known(name: str) -> None:
    found = hooks().read(inbound(b'{"%s": "%s", "event": "job.paid"}' % (name.encode(), URL.encode())))

    assert ("subscribe", "job.paid", URL) == (found.verb, found.event, found.url)
    assert URL not in repr(found)


@pytest.mark.parametrize(
    ("hosts", "url", "good"),
    [
        ([HOST], URL, True),
        ([HOST], f"https://{HOST.upper()}/x", True),
        ([HOST], f"https://{HOST}:443/x", True),
        ([HOST], f"https://{HOST}:8443/x", False),
        ([HOST], f"https://{HOST}.evil.example/x", False),
        ([HOST], f"https://evil.example/{HOST}/x", False),
        ([HOST], f"https://{HOST}", False),
        ([HOST], f"https://{HOST}/" + "x" * MAX_URL, False),
        (["n8n.example:8443"], "https://n8n.example:8443/hook", True),
        (["n8n.example"], "http://n8n.example/hook", False),
        (["127.0.0.1:9"], "http://127.0.0.1:9/hook", True),
    ],
)
def test_only_listed_hosts_are_told(hosts: list[str], url: str, good: bool) -> None:
    try:
        check_hook(url, tuple(hosts))
    except NormalizationError:
        assert not good
    else:
        assert good


@pytest.mark.parametrize(
    "host", ["https://hooks.zapier.com", "hooks.zapier.com/hooks", "10.0.0.5", "169.254.169.254", "*", ""]
)
def test_a_host_that_cannot_be_one_is_refused_when_the_file_is_loaded(host: str) -> None:
    with pytest.raises(ValueError, match=r"host|private network|never called"):
        hooks(hosts=[host])


def test_hosts_are_compared_without_case() -> None:
    assert ("n8n.example:8443",) == hooks(hosts=["N8N.example:8443"]).settings.hosts


class Known:
    """Subscribers as the engine keeps them."""

    def __init__(self, *subscribers: Subscriber) -> None:
        self.by_id = {one.id: one for one in subscribers}

    async def find(self, id: str) -> Subscriber | None:
        return self.by_id.get(id)

    async def gone(self, id: str) -> None:
        del self.by_id[id]


def subscriber(url: str = URL) -> Subscriber:
    return Subscriber(new_id("sub"), "zaps", "job.*", url, NOW)


async def tell(known: Known, id: str, event: dict[str, Any], **more: Any) -> Any:
    app = sandbox()
    client = ZapierHookClient(hooks(**more).settings, known, transport=httpx.ASGITransport(app))
    inputs = {"subscriber": id, "event": event}
    try:
        request = TELL.render(inputs, client.settings)
        return await TELL.send(client, Call(inputs, "key", 5.0, request=request)), app.state.sandbox
    finally:
        await client.aclose()


async def test_the_address_is_in_no_request_that_is_kept_and_in_no_exchange() -> None:
    one = subscriber()
    with record_exchanges() as exchanges:
        done, box = await tell(Known(one), one.id, {"id": "evt_1"})

    assert done.output["told"]
    assert [{"id": "evt_1"}] == [caught["data"] for caught in box.of("caught")]
    assert "maya" not in repr(exchanges) and exchanges
    assert f"/{one.id}" == TELL.render({"subscriber": one.id, "event": {}}, None).path  # type: ignore[arg-type]


async def test_an_address_of_a_host_that_is_no_longer_listed_is_not_told() -> None:
    one = subscriber("https://old.example/hooks/1")
    with pytest.raises(Permanent, match="do not let events be told to this host"):
        await tell(Known(one), one.id, {"id": "evt_1"})


async def test_more_than_a_hook_takes_is_not_sent() -> None:
    one = subscriber()
    with pytest.raises(Permanent, match="a hook takes 10000000"):
        await tell(Known(one), one.id, {"text": "x" * 10_000_001})


def test_a_request_to_nobody_is_a_request_of_the_path() -> None:
    client = ZapierHookClient(hooks().settings, Known())

    assert f"https://{HOST}/***" == client.url(Request("POST", "/sub_1"))


@pytest.mark.parametrize(
    ("hooks_of_source", "line", "told"),
    [
        ("{events: ['job.*'], sources: [zasp]}", "sources: [zasp]", "unknown source 'zasp'"),
        ("{events: ['job.*'], hosts: ['https://hooks.zapier.com']}", "hosts", "without https://"),
        ("{events: []}", "events", "this is empty"),
        ("{}", "hooks: {}", "events"),
        ("{event: [x]}", "event: [x]", "did you mean 'events'?"),
    ],
)
def test_what_a_source_opens_is_checked_when_the_file_is_loaded(hooks_of_source: str, line: str, told: str) -> None:
    source = f"{{vendor: zapier, key: '${{secret.KEY}}', hooks: {hooks_of_source}}}"
    text = f"version: 1\nsources:\n  zaps: {source}\nrules: []\n"

    with pytest.raises(RulesInvalid) as caught:
        load_text(text, CATALOGUE, lambda name: "a-key-of-sixteen-bytes")

    [*found] = [one for one in caught.value.findings if told in one.message + one.hint]
    assert [3] == [one.line for one in found][:1], caught.value.render()
    assert line in found[0].source
