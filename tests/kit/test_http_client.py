"""The HTTP client against answers that vendors should not give: over real sockets, and over a stand-in application."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import resource
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hooks.errors import DeliveryError, Permanent, SettingsError, Transient, Unconfigured
from hooks.events import Answer, Request
from hooks.kit.answers import retry_after, vendor_words
from hooks.kit.http import (
    MAX_BODY,
    Http,
    Mask,
    check_address,
    check_header,
    read_json,
    record_exchanges,
    verdict,
)
from hooks.kit.recording import MAX_RECORDED

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GET = Request("GET", "/x")
SECRET = "a-secret-of-some-length"


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A raw server on loopback: its address."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@contextlib.asynccontextmanager
async def client(address: str, *, secrets: tuple[str, ...] = ()) -> AsyncIterator[Http]:
    http = Http(address, timeout=5.0, secrets=secrets)
    try:
        yield http
    finally:
        await http.aclose()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def says(answer: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)
        await writer.drain()

    return handler


async def failure(address: str, timeout: float = 5.0) -> Transient:
    async with client(address) as http:
        with pytest.raises(Transient) as caught:
            await http.send(GET, timeout=timeout)
    return caught.value


# --- broken answers ---


async def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(drip) as address:
        began = asyncio.get_running_loop().time()
        error = await failure(address, timeout=0.3)
        assert asyncio.get_running_loop().time() - began < 2
    assert error.unknown


async def test_a_server_that_never_answers_leaves_the_outcome_unknown() -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await head(reader)
        await reader.read()

    async with serving(hang) as address:
        error = await failure(address, timeout=0.2)
        left = await failure(address, timeout=0.1234)
    assert error.unknown
    assert error.message.endswith("within 0.2 s")
    assert left.message.endswith("within the 0.1 s that were left")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"this is not HTTP\r\n\r\n",
    ],
    ids=["closed", "cut in a header", "cut in the body", "cut in a chunk", "no chunk", "not HTTP"],
)
async def test_a_broken_answer_leaves_the_outcome_unknown(answer: bytes) -> None:
    async with serving(says(answer)) as address:
        assert (await failure(address)).unknown


async def test_a_refused_connection_is_certain_to_have_sent_nothing() -> None:
    async with serving(says(b"")) as address:
        pass
    error = await failure(address)
    assert not error.unknown
    assert "no connection to 127.0.0.1" in error.message


async def test_a_name_that_does_not_exist_is_certain_to_have_sent_nothing() -> None:
    assert not (await failure("http://nobody-here.localhost.:9".replace(".localhost.", ".localhost"))).unknown


async def test_a_failed_tls_handshake_is_certain_to_have_sent_nothing() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with serving(plain) as address:
        assert not (await failure(address.replace("http:", "https:"))).unknown


async def test_a_tls_handshake_that_hangs_is_certain_to_have_sent_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        await reader.read()

    async with serving(silent) as address:
        error = await failure(address.replace("http:", "https:"), timeout=0.4)
    assert not error.unknown
    assert error.message.endswith(": timed out"), "and why is said"


async def test_an_answer_of_a_gigabyte_is_cut_at_a_mebibyte() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
        for _ in range(1024):
            writer.write(b"x" * 1024 * 1024)
            await writer.drain()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(flood) as address, client(address) as http:
        answer = await http.send(GET)
    assert (True, MAX_BODY) == (answer.truncated, len(answer.body))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    with pytest.raises(Transient) as caught:
        read_json(answer)
    assert caught.value.unknown


async def test_a_decompression_bomb_does_not_grow_beyond_the_limit() -> None:
    packed = gzip.compress(b"0" * 300 * 1024 * 1024, compresslevel=1)
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    async with serving(says(answer + packed)) as address, client(address) as http:
        got = await http.send(GET)
    assert (True, MAX_BODY) == (got.truncated, len(got.body))


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_an_answer_compressed_against_our_wish_is_read(coding: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b'{"a":1}')
    answer = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(packed)}\r\n\r\n".encode()
    async with serving(says(answer + packed)) as address, client(address) as http:
        assert {"a": 1} == read_json(await http.send(GET))


async def test_a_compression_that_is_a_lie_is_an_unreadable_answer() -> None:
    answer = b'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\n"abc"'
    async with serving(says(answer)) as address, client(address) as http:
        assert b'"abc"' == (await http.send(GET)).body


async def test_a_redirect_is_not_followed() -> None:
    asked: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await head(reader)).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/other\r\ncontent-length: 0\r\n\r\n")

    async with serving(redirect) as address, client(address) as http:
        answer = await http.send(GET)
    assert [b"GET /x HTTP/1.1"] == asked
    with pytest.raises(Permanent, match="redirects are not followed"):
        verdict(answer)


async def test_a_connection_closed_while_idle_does_not_fail_the_next_call() -> None:
    closed = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()
        closed.set()

    async with serving(once) as address, client(address) as http:
        for _ in range(3):
            closed.clear()
            assert 200 == (await http.send(GET)).status
            await closed.wait()


async def test_connections_are_kept_and_cookies_are_not() -> None:
    heads: list[bytes] = []
    connections = 0

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            heads.append(await head(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: a=b; path=/\r\ncontent-length: 0\r\n\r\n")

    async with serving(keep) as address, client(address) as http:
        for _ in range(3):
            assert "set-cookie" not in (await http.send(GET)).headers
    assert 1 == connections
    assert not any(b"cookie" in one.lower() for one in heads)
    assert all(b"accept-encoding: identity" in one.lower() for one in heads)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with serving(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as address, client(address) as http:
        assert 204 == (await http.send(GET)).status


async def test_a_cancelled_call_is_recorded() -> None:
    arrived = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await head(reader)
        arrived.set()
        await reader.read()

    async with serving(hang) as address, client(address) as http:
        with record_exchanges() as exchanges:
            call = asyncio.create_task(http.send(GET))
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    assert ["ended from our side"] == [exchange.error for exchange in exchanges]


# --- verdicts ---


@pytest.mark.parametrize(
    ("status", "kind", "unknown"),
    [
        *((status, Transient, True) for status in (408, 409, 500, 501, 502, 504, 522)),
        *((status, Transient, False) for status in (425, 429, 503)),
        *((status, Unconfigured, None) for status in (401, 403)),
        *((status, Permanent, None) for status in (301, 304, 400, 404, 405, 410, 415, 422, 451)),
    ],
)
def test_each_status_has_its_verdict(status: int, kind: type[DeliveryError], unknown: bool | None) -> None:
    with pytest.raises(kind) as caught:
        verdict(Answer(status, {}, b'{"message":"told"}'))
    assert status == caught.value.status
    if isinstance(caught.value, Transient):
        assert unknown == caught.value.unknown


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_fine(status: int) -> None:
    verdict(Answer(status, {}, b""))


def test_a_message_is_cut_and_keeps_to_one_line() -> None:
    with pytest.raises(Permanent) as caught:
        verdict(Answer(400, {}, b""), "a\r\nb " + "x" * 10_000)
    assert caught.value.message.startswith("answered 400: a b xxx")
    assert len(caught.value.message) < 530


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999", 86400.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Fri, 31 Dec 2125 23:59:59 GMT", 86400.0),
        ("Fri, 99 Dec 2025 23:59:59 GMT", None),
        ("9" * 5000, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_junk_is_ignored(text: str, seconds: float | None) -> None:
    assert seconds == retry_after({"retry-after": text})


def test_a_retry_date_is_measured_by_the_vendors_own_clock() -> None:
    slow = datetime(2020, 1, 1, tzinfo=UTC)
    headers = {"date": format_datetime(slow, True), "retry-after": format_datetime(slow + timedelta(seconds=90), True)}
    assert 90.0 == retry_after(headers)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"success":false,"error":"no such customer"}', "no such customer"),
        (b'{"Success":false,"Message":"Name is required","Result":null}', "Name is required"),
        (
            b'{"title":"Invalid.","errors":{"summary":["is required.","is short."]}}',
            "Invalid. (summary: is required.; is short.)",
        ),
        (b'{"error":{"message":"inner"}}', "inner"),
        (b'["a","b"]', "a; b"),
        (b"plain  text\n", "plain text"),
        (b"<html><body>Bad gateway</body></html>", ""),
        (b"\xff\xfe", "��"),
        (b"", ""),
        (b"{}", ""),
    ],
)
def test_the_vendors_words_are_found(body: bytes, words: str) -> None:
    assert words == vendor_words(body)


@given(st.binary(max_size=2000))
def test_any_error_body_gives_a_short_line(body: bytes) -> None:
    words = vendor_words(body)
    assert len(words) <= 500
    assert "\n" not in words


@pytest.mark.parametrize("body", [b"{", b"<html>", b'{"a":NaN}', b'"\\ud800"', b"[" * 100_000, b"\xff"])
def test_a_success_that_is_not_json_leaves_the_outcome_unknown(body: bytes) -> None:
    with pytest.raises(Transient) as caught:
        read_json(Answer(200, {}, body))
    assert caught.value.unknown


# --- requests that are not made ---


@pytest.mark.parametrize(
    "url", ["https://a.example.org/api/v1/", "http://127.0.0.1:8000", "http://[::1]:1/x", "http://localhost"]
)
def test_https_is_taken_and_http_to_loopback(url: str) -> None:
    assert url.rstrip("/") == check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example.org",
        "http://10.0.0.1",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "ftp://a.example.org",
        "https://",
        "a.example.org",
        "https://user:pass@a.example.org",
        "https://a.example.org?x=1",
        "https://a.example.org/#x",
        "https://a.example.org:99999",
        "https://a b.example.org",
        "https://[",
        "",
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        check_address(url)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/..",
            "/a/../b",
            "/a/./b",
            "/a//b",
            "/%2e%2e/b",
            "/a/%2E%2e",
            "/a%2fb",
            "/a%5Cb",
            "/a%00b",
            "//evil.example.org",
        ),
        *(
            "a",
            "/a?b=c",
            "/a#b",
            "/a b",
            "/é",
            "/a\r\nb",
            "/a\\b",
            "/%zz",
            "https://evil.example.org/",
            "@evil.example.org",
        ),
    ],
)
async def test_a_path_cannot_leave_the_base_address(path: str) -> None:
    http = Http("https://a.example.org/api")
    with pytest.raises(Permanent, match="path"):
        http.url(Request("GET", path))
    with pytest.raises(Permanent, match="path"):
        await http.send(Request("GET", path))


@given(st.text(max_size=60))
def test_whatever_the_path_is_the_address_stays_below_the_base(path: str) -> None:
    http = Http("https://a.example.org/api")
    try:
        url = httpx.URL(http.url(Request("GET", path)))
    except Permanent:
        return
    assert ("https", "a.example.org") == (url.scheme, url.host)
    assert url.path == "/api" or url.path.startswith("/api/")


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\x00b", "é", "漢", "a\x7f"])
def test_a_header_that_cannot_be_sent_is_named_and_its_value_is_not(value: str) -> None:
    with pytest.raises(Permanent) as caught:
        check_header("X-Note", value)
    assert "X-Note" in caught.value.message
    assert value not in caught.value.message


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n"])
def test_a_header_name_is_a_token(name: str) -> None:
    with pytest.raises(Permanent):
        check_header(name, "x")


async def test_a_method_that_is_not_one_is_refused() -> None:
    async with serving(says(b"")) as address, client(address) as http:
        with pytest.raises(Permanent, match="cannot be made"):
            await http.send(Request("GE T", "/x"))


# --- what is recorded ---


async def _echo(request: Incoming) -> Response:
    return JSONResponse(
        {"query": str(request.url.query), "key": request.headers.get("x-key"), "body": (await request.body()).decode()}
    )


async def _denied(request: Incoming) -> Response:
    return JSONResponse({"message": f"bad key {request.headers.get('x-key')}"}, status_code=400)


async def _text(_: Incoming) -> Response:
    return PlainTextResponse("x" * 200_000)


APP = Starlette(
    routes=[
        Route("/echo", _echo, methods=["GET", "POST"]),
        Route("/denied", _denied),
        Route("/text", _text),
    ]
)


def standing_in(*secrets: str) -> Http:
    return Http("http://127.0.0.1", transport=httpx.ASGITransport(APP), secrets=secrets)


async def test_an_exchange_is_recorded_without_its_credentials() -> None:
    http = standing_in(SECRET)
    with record_exchanges() as exchanges:
        answer = await http.send(
            Request("POST", "/echo", (("a", "1 +"),), {}, f"note={SECRET}".encode()),
            secret_headers={"x-key": "Bearer header-secret"},
            secret_query=[("key", "query-secret")],
            secret_body=b"note=x&key=body",
        )
    assert {
        "query": "a=1%20%2B&key=query-secret",
        "key": "Bearer header-secret",
        "body": "note=x&key=body",
    } == read_json(answer)
    [exchange] = exchanges
    assert "http://127.0.0.1/echo?a=1%20%2B" == exchange.url
    assert b"note=***" == exchange.request_body
    assert (200, None) == (exchange.status, exchange.error)
    shown = repr(exchange)
    assert not any(secret in shown for secret in (SECRET, "header-secret", "query-secret"))
    assert SECRET not in repr(http)


async def test_an_error_that_quotes_the_key_is_masked() -> None:
    answer = await standing_in().send(Request("GET", "/denied"), secret_headers={"x-key": SECRET})
    with pytest.raises(Permanent, match=r"bad key \*\*\*"):
        verdict(answer)


async def test_a_private_exchange_is_recorded_without_bodies() -> None:
    with record_exchanges() as exchanges:
        await standing_in().send(Request("POST", "/echo", body=b"who=me"), private=True)
    assert b"who" not in (exchanges[0].request_body or b"") + (exchanges[0].answer_body or b"")


async def test_recorded_bodies_are_capped_and_answers_are_not() -> None:
    with record_exchanges() as exchanges:
        answer = await standing_in().send(Request("GET", "/text"))
    assert 200_000 == len(answer.body)
    assert MAX_RECORDED == len(exchanges[0].answer_body or b"")


async def test_nothing_is_recorded_outside_the_block() -> None:
    with record_exchanges() as exchanges:
        pass
    await standing_in().send(Request("GET", "/echo"))
    assert [] == exchanges


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_masked_text_does_not_hold_the_secret(secret: str, before: str, after: str) -> None:
    assert secret not in Mask([secret]).text(before + secret + after) or secret in "***" * 20


async def test_a_closed_client_opens_again() -> None:
    async with serving(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as address, client(address) as http:
        await http.send(GET)
        await http.aclose()
        assert 204 == (await http.send(GET)).status
