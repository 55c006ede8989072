"""The inbox: which answer every outcome gets, through the application alone."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks.pipeline.receive import Door
from hooks.web.inbox import Inbox
from tests.web.doors import (
    NOW,
    SECRET,
    SMALL_LIMIT,
    BrokenSource,
    MemoryIntake,
    OpenSettings,
    OpenSource,
    StillClock,
    signed_headers,
    some_doors,
)

Answer = tuple[int, dict[str, str], Any]


class House:
    """An inbox with its intake, asked through httpx."""

    def __init__(self, *, ready: Callable[[], bool] = lambda: True, **limits: Any) -> None:
        self.intake = MemoryIntake()
        self.doors = some_doors()
        self.inbox = Inbox(lambda: self.doors, self.intake, StillClock(), ready, **limits)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(self.inbox), base_url="http://hooks.example.org")

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterator[bytes] = b"",
        headers: dict[str, str] | None = None,
        *,
        media_type: str | None = "application/json",
    ) -> httpx.Response:
        sent = dict(headers or {})
        if media_type is not None and method == "POST":
            sent.setdefault("content-type", media_type)
        return await self._client.request(method, path, content=body, headers=sent)

    async def post(self, path: str = "/in/open", body: bytes = b'{"a":1}', **more: Any) -> httpx.Response:
        return await self.ask("POST", path, body, **more)


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert status == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    body = answer.json()
    assert {"about:blank", status} == {body["type"], body["status"]}
    assert set(body) <= {"type", "title", "status", "detail"}
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "no-store" == answer.headers["cache-control"]


async def test_a_good_delivery_gets_its_ids() -> None:
    house = House()
    answer = await house.post(body=b'[{"a":1},{"b":2}]')
    kept = house.intake.last()
    assert 202 == answer.status_code
    assert "application/json" == answer.headers["content-type"]
    assert {"receipt": kept.id, "events": kept.event_ids, "duplicate": False} == answer.json()


async def test_a_duplicate_names_the_first_receipt() -> None:
    house = House()
    first, second = await house.post(), await house.post()
    assert 202 == second.status_code
    assert (True, first.json()["receipt"], []) == (
        second.json()["duplicate"],
        second.json()["duplicate_of"],
        second.json()["events"],
    )
    assert first.json()["receipt"] != second.json()["receipt"]


async def test_a_source_may_set_its_status() -> None:
    house = House()
    house.doors["open"] = Door("open", "webhook", OpenSettings(respond_status=200), OpenSource())
    assert [200, 200] == [(await house.post()).status_code for _ in range(2)]


async def test_nothing_is_answered_before_the_commit() -> None:
    house = House()
    house.intake.gate = asyncio.Event()
    asking = asyncio.create_task(house.post())
    await house.intake.entered.wait()
    assert not asking.done()
    house.intake.gate.set()
    assert 202 == (await asking).status_code


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_vendor_may_probe_an_address(method: str) -> None:
    house = House()
    assert 200 == (await house.ask(method, "/in/signed")).status_code
    assert [] == house.intake.receipts


@pytest.mark.parametrize("signed", [True, False])
async def test_a_ping_is_welcome_and_makes_no_event(signed: bool) -> None:
    house = House()
    body = b'{"foo":"bar"}'
    answer = await house.post("/in/signed", body, headers=signed_headers(body) if signed else {})
    assert (200, [], True) == (answer.status_code, answer.json()["events"], answer.json()["ping"])
    assert "ping" == house.intake.last().verdict


async def test_all_refusals_are_one_answer() -> None:
    house = House()
    body = b'{"a":1}'
    good = signed_headers(body)
    tries = [
        {},
        {**good, "x-signature": "0" * 64},
        {**good, "x-timestamp": "soon"},
        signed_headers(body, at=NOW.timestamp() - 301),
        signed_headers(body, secret=b"another"),
    ]
    answers = [await house.post("/in/signed", body, headers=headers) for headers in tries]
    assert {answers[0].content} == {answer.content for answer in answers}
    assert {answers[0].headers["www-authenticate"]} == {answer.headers["www-authenticate"] for answer in answers}
    for answer in answers:
        assert_problem(answer, 401)
    assert ["missing", "mismatch", "malformed", "stale", "mismatch"] == [kept.reason for kept in house.intake.receipts]


async def test_a_source_may_drop_bad_signatures_with_a_200() -> None:
    house = House()
    answer = await house.post("/in/dropping", b'{"a":1}')
    assert (200, {"events": [], "duplicate": False}) == (answer.status_code, answer.json())
    assert ("refused", "missing", b"") == (
        house.intake.last().verdict,
        house.intake.last().reason,
        house.intake.last().body,
    )


async def test_what_cannot_be_read_is_400_and_kept() -> None:
    house = House()
    assert_problem(await house.post(body=b"{nope"), 400)
    assert ("quarantined", b"{nope") == (house.intake.last().verdict, house.intake.last().body)


@pytest.mark.parametrize(
    "path",
    [
        "/in/nobody",
        "/in/open/",
        "/in/open/more",
        "/in/",
        "/in",
        "/",
        "/IN/open",
        "/in//open",
        "/in/open%2F",
        "/healthz/",
    ],
)
async def test_unknown_places_are_one_404_without_redirects(path: str) -> None:
    house = House()
    reference = await house.post("/in/unknown")
    answer = await house.post(path)
    assert_problem(answer, 404)
    assert reference.content == answer.content
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_405_with_what_is_allowed(method: str) -> None:
    answer = await House().ask(method, "/in/open")
    assert_problem(answer, 405)
    assert "GET, HEAD, POST" == answer.headers["allow"]


async def test_paths_below_allow_exactly_their_methods() -> None:
    house = House()
    answer = await house.ask("GET", "/in/envelope/api/lead")
    assert (405, "POST") == (answer.status_code, answer.headers["allow"])
    answer = await house.post("/in/envelope/api/signin")
    assert (405, "GET") == (answer.status_code, answer.headers["allow"])


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "x"])
async def test_compressed_bodies_are_415(coding: str) -> None:
    assert_problem(await House().post(headers={"content-encoding": coding}), 415)


async def test_the_identity_coding_is_none() -> None:
    assert 202 == (await House().post(headers={"content-encoding": "Identity"})).status_code


@pytest.mark.parametrize("media_type", ["text/html", "", "application/jsonx", "application/json, text/html", None])
async def test_other_media_types_are_415(media_type: str | None) -> None:
    assert_problem(await House().post(media_type=media_type), 415)


async def test_parameters_and_case_of_the_media_type_do_not_matter() -> None:
    assert 202 == (await House().post(media_type="Application/JSON ; charset=utf-8")).status_code


async def test_the_limit_is_exact() -> None:
    house = House()
    body = b'{"a":"' + b"x" * (SMALL_LIMIT - 8) + b'"}'
    assert SMALL_LIMIT == len(body)
    assert 202 == (await house.post(body=body)).status_code
    assert_problem(await house.post(body=body + b" "), 413)


async def test_a_length_over_the_limit_is_refused_before_the_body_is_read() -> None:
    house = House()
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"x"

    assert_problem(await house.ask("POST", "/in/open", body(), {"content-length": str(SMALL_LIMIT + 1)}), 413)
    assert not read


async def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    house = House()
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000

    assert_problem(await house.ask("POST", "/in/open", body()), 413)
    assert 5 == sent


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "9" * 30, "1 1"])
async def test_a_length_that_is_none_is_400(length: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{}"

    assert_problem(await House().ask("POST", "/in/open", body(), {"content-length": length}), 400)


@pytest.mark.parametrize("body", [b'{"a":1}', b"{nope", b'{"foo":"bar"}'])
async def test_what_cannot_be_stored_now_is_503_with_a_time(body: bytes) -> None:
    house = House()
    house.intake.broken = True
    answer = await house.post(body=body)
    assert_problem(answer, 503)
    assert "30" == answer.headers["retry-after"]
    assert "canary-path" not in answer.text


async def test_a_source_may_be_unavailable_by_429() -> None:
    house = House()
    house.intake.broken = True
    answer = await house.post("/in/envelope?key=" + SECRET.decode())
    assert_problem(answer, 429)
    assert "30" == answer.headers["retry-after"]


async def test_more_than_the_capacity_is_put_off() -> None:
    house = House(capacity=2, patience=0.01)
    house.intake.gate = asyncio.Event()
    waiting = [asyncio.create_task(house.post(body=b"{}")), asyncio.create_task(house.post(body=b'{"b":1}'))]
    while house.inbox.line.waiting < 2:
        await asyncio.sleep(0)
    late = await house.post(body=b'{"c":1}')
    assert_problem(late, 503)
    assert "5" == late.headers["retry-after"]
    house.intake.gate.set()
    assert [202, 202] == [(await task).status_code for task in waiting]
    assert 202 == (await house.post(body=b'{"c":1}')).status_code


async def test_the_capacity_counts_again_when_a_slow_body_has_come() -> None:
    house = House(capacity=1, patience=0.01)
    house.intake.gate = asyncio.Event()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        begun.set()
        await go_on.wait()
        yield b"}"

    late = asyncio.create_task(house.ask("POST", "/in/open", slow()))
    await begun.wait()
    first = asyncio.create_task(house.post())
    await house.intake.entered.wait()
    go_on.set()
    assert_problem(await late, 503)
    house.intake.gate.set()
    assert 202 == (await first).status_code
    assert (0, 0) == (house.inbox.line.held, house.inbox.line.waiting)


async def test_many_large_bodies_at_once_are_put_off_and_small_ones_are_not() -> None:
    house = House(held=20_000)
    house.doors["open"] = Door("open", "webhook", OpenSettings(max_bytes=100_000), OpenSource())
    house.intake.gate = asyncio.Event()
    large = b'{"a":"' + b"x" * 18_000 + b'"}'
    first = asyncio.create_task(house.post(body=large))
    await house.intake.entered.wait()
    assert_problem(await house.post(body=large + b" "), 503)
    small = asyncio.create_task(house.post(body=b'{"b":1}'))
    house.intake.gate.set()
    assert [202, 202] == [(await first).status_code, (await small).status_code]
    assert 202 == (await house.post(body=large + b"  ")).status_code
    assert 0 == house.inbox.line.held


async def test_a_closed_inbox_takes_nothing_and_is_not_ready() -> None:
    house = House()
    house.inbox.close()
    answer = await house.post()
    assert_problem(answer, 503)
    assert "5" == answer.headers["retry-after"]
    assert [200, 503] == [(await house.ask("GET", path)).status_code for path in ("/healthz", "/readyz")]
    assert [] == house.intake.receipts


async def test_health_is_a_word() -> None:
    house = House()
    for path in ("/healthz", "/readyz"):
        answer = await house.ask("GET", path)
        assert (200, "ok") == (answer.status_code, answer.text)
        assert 200 == (await house.ask("HEAD", path)).status_code
        assert_problem(await house.post(path), 405)
    answer = await House(ready=lambda: False).ask("GET", "/readyz")
    assert (503, "not ready") == (answer.status_code, answer.text)


async def test_a_source_answers_in_its_own_words() -> None:
    house = House()
    good = "?key=" + SECRET.decode()
    asked = [
        await house.post("/in/envelope/api/lead" + good),
        await house.post("/in/envelope/api/lead" + good),
        await house.post("/in/envelope/api/lead?key=wrong"),
        await house.post("/in/envelope/api/lead" + good, b"{nope"),
        await house.ask("GET", "/in/envelope/api/signin" + good),
        await house.ask("GET", "/in/envelope/api/signin"),
    ]
    assert [200, 200, 401, 400, 200, 401] == [answer.status_code for answer in asked]
    assert [True, True, False, False, True, False] == [answer.json()["Success"] for answer in asked]
    house.intake.broken = True
    late = await house.post("/in/envelope/api/lead" + good, b'{"b":1}')
    assert (429, False, "30") == (late.status_code, late.json()["Success"], late.headers["retry-after"])


async def test_a_handshake_that_the_source_knows_is_let_in() -> None:
    answer = await House().ask("OPTIONS", "/in/envelope")
    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize("where", ["answer", "words"])
async def test_a_source_without_words_gets_the_usual_ones(where: str, caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.doors["open"] = Door("open", "webhook", OpenSettings(), BrokenSource(where))
    with caplog.at_level(logging.DEBUG):
        assert 202 == (await house.post(body=b'{"private":"Maya Ortiz"}')).status_code
    assert "answer of source open failed with" in caplog.text
    assert "Maya" not in caplog.text


async def test_a_fault_of_ours_promises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(MemoryIntake):
        async def record(self, receipt: object, key: bytes | None, window: float) -> str | None:
            raise RuntimeError("canary text")

    house = House()
    inbox = Inbox(lambda: house.doors, Faulty(), StillClock(), lambda: True)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(inbox), base_url="http://hooks.example.org")
    answer = await client.post("/in/open", json={})
    assert_problem(answer, 503)
    assert "canary" not in answer.text + caplog.text


async def test_a_reload_swaps_the_doors() -> None:
    house = House()
    house.doors = {"new": house.doors["open"]}
    assert [404, 202] == [(await house.post(path)).status_code for path in ("/in/open", "/in/new")]


async def test_a_sender_that_leaves_in_the_middle_leaves_nothing() -> None:
    house = House()
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b'{"a":', "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/in/open",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await house.inbox(scope, receive, send)
    assert ([], [], 0) == (sent, house.intake.receipts, house.inbox.line.held)


async def test_a_socket_is_not_answered() -> None:
    async def never(*_: object) -> Any:
        raise AssertionError("nothing may be read or sent")

    await House().inbox({"type": "websocket"}, never, never)


async def test_no_answer_carries_a_secret_a_digest_or_what_was_sent() -> None:
    house = House()
    body = b'{"canary-body":1}'
    digest = signed_headers(body)["x-signature"]
    answers = [
        await house.post("/in/signed", body, headers={**signed_headers(body), "x-signature": "canary-header"}),
        await house.post("/in/open", b"canary-body"),
        await house.post("/in/canary-path", body),
        await house.post("/in/open", body, media_type="canary/type"),
        await house.post("/in/envelope/api/lead?key=canary-query", body),
    ]
    for answer in answers:
        shown = answer.text + json.dumps(dict(answer.headers))
        assert "canary" not in shown
        assert SECRET.decode() not in shown
        assert digest not in shown


header_names = st.sampled_from(
    ["content-type", "content-encoding", "x-signature", "x-timestamp", "x-delivery", "user-agent", "x-any"]
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40) | st.sampled_from(
    ["application/json", "gzip", "1777903331", "0" * 64]
)


@given(
    path=st.sampled_from(["/in/open", "/in/signed", "/in/dropping", "/in/envelope/api/lead", "/in/envelope", "/in/x"]),
    query=st.binary(max_size=30),
    pairs=st.lists(st.tuples(header_names, header_values), max_size=6),
    body=st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_garbage_is_never_our_fault(path: str, query: bytes, pairs: list[tuple[str, str]], body: bytes) -> None:
    house = House()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in pairs]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": headers}
    await house.inbox(scope, receive, send)
    assert sent[0]["status"] in {200, 202, 400, 401, 404, 415}
    assert len(sent) == 2
