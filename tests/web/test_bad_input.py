"""Bad input over a real socket: each gets its exact answer, and the next good request is served."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hooks.web.inbox import Inbox
from hooks.web.listener import Listener
from hooks.web.protocol import Limits
from tests.web.doors import (
    NOW,
    SECRET,
    SMALL_LIMIT,
    MemoryIntake,
    StillClock,
    Wire,
    ask,
    post,
    signed_headers,
    some_doors,
)

BODY = b'{"private":"Maya Ortiz"}'
GOOD = signed_headers(BODY)
STAMP, SIGNATURE = GOOD["x-timestamp"], GOOD["x-signature"]
HEAD = b"POST /in/open HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def signed(stamp: str | None = STAMP, signature: str | None = SIGNATURE, *more: str, body: bytes = BODY) -> bytes:
    lines = [] if stamp is None else [f"X-Timestamp: {stamp}"]
    if signature is not None:
        lines.append(f"X-Signature: {signature}")
    return post("/in/signed", body, *lines, *more)


def stale(seconds: int) -> bytes:
    headers = signed_headers(BODY, at=NOW.timestamp() + seconds)
    return signed(headers["x-timestamp"], headers["x-signature"])


def typed(value: str, body: bytes = b"{}") -> bytes:
    return post("/in/open", body).replace(b"Content-Type: application/json", f"Content-Type: {value}".encode())


SIGNATURES = {
    "no signature at all": signed(None, None),
    "no signature": signed(STAMP, None),
    "no timestamp": signed(None),
    "an empty signature": signed(STAMP, ""),
    "an empty timestamp": signed(""),
    "a cut signature": signed(STAMP, SIGNATURE[:-1]),
    "a longer signature": signed(STAMP, SIGNATURE + "0"),
    "another signature": signed(STAMP, "0" * 64),
    "letters that are no hex": signed(STAMP, "z" * 64),
    "bytes above 127": signed(STAMP, "\xff" * 64),
    "a signature of 8 KiB": signed(STAMP, "a" * 8192),
    "a prefix nobody asked for": signed(STAMP, "sha256=" + SIGNATURE),
    "two signatures in one": signed(STAMP, f"{SIGNATURE},{SIGNATURE}"),
    "the signature twice": signed(STAMP, SIGNATURE, f"X-Signature: {SIGNATURE}"),
    "a good and a bad signature": signed(STAMP, SIGNATURE, "X-Signature: 0"),
    "the timestamp twice": signed(STAMP, SIGNATURE, f"X-Timestamp: {STAMP}"),
    "a changed body": signed(body=BODY + b"\n"),
    "an empty body": signed(body=b""),
    "another secret": signed(signature=signed_headers(BODY, secret=b"guess")["x-signature"]),
    "an empty secret": signed(signature=signed_headers(BODY, secret=b"")["x-signature"]),
    "a timestamp of another time": signed(str(int(STAMP) + 1)),
    "too old": stale(-301),
    "too far ahead": stale(301),
    "a negative timestamp": signed("-" + STAMP),
    "a timestamp with a sign": signed("+" + STAMP),
    "a timestamp with a fraction": signed(STAMP + ".0"),
    "a timestamp in milliseconds": signed(STAMP + "000"),
    "an exponent": signed("1e9"),
    "a date": signed("Mon, 04 May 2026 14:02:11 GMT"),
    "digits that are not ASCII": signed("\xb2" * 10),
    "an endless timestamp": signed("9" * 5000),
    "the signature in the query": post(f"/in/signed?x-signature={SIGNATURE}&x-timestamp={STAMP}", BODY),
    "the signature in a trailer": (
        b"POST /in/signed HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        b"Trailer: X-Signature\r\nX-Timestamp: %b\r\n\r\n%x\r\n%b\r\n0\r\nX-Signature: %b\r\n\r\n"
        % (STAMP.encode(), len(BODY), BODY, SIGNATURE.encode())
    ),
}

BODIES = {
    "nothing": b"",
    "blanks": b"  \r\n",
    "text": b"hello",
    "a cut object": b'{"a":',
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a comment": b'{"a":1}//x',
    "two objects": b'{"a":1}{"b":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "a number beyond a double": b'{"a":1e999}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "broken UTF-8": b'{"a":"\xff"}',
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "a raw surrogate": b'{"a":"\xed\xa0\x80"}',
    "an escaped lone surrogate": b'{"a":"\\ud800"}',
    "a control character in a string": b'{"a":"\x01"}',
    "a key twice": b'{"a":1,"a":2}',
    "a key twice, deep": b'{"x":[{"a":1,"\\u0061":2}]}',
    "lists too deep": b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
    "objects too deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "a number": b"5",
    "a string": b'"a"',
    "null": b"null",
    "true": b"true",
    "an empty list": b"[]",
    "a list of numbers": b"[1,2]",
    "a list with a hole": b'[{"a":1},null]',
    "a list too long": b"[" + b"{}," * 1000 + b"{}]",
    "a form": b"a=1&b=2",
    "XML": b"<a/>",
    "gzip unannounced": gzip.compress(b"{}"),
}

HEADS = {
    "HTML": (typed("text/html"), 415),
    "an octet stream": (typed("application/octet-stream"), 415),
    "an empty type": (typed(""), 415),
    "two types in one": (typed("application/json, text/plain"), 415),
    "an endless type": (typed("application/json; x=" + "y" * 600), 415),
    "two types": (post("/in/open", b"{}", "Content-Type: application/json"), 415),
    "no type": (b"POST /in/open HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 415),
    "multipart": (typed("multipart/form-data; boundary=x"), 415),
    "gzip": (post("/in/open", gzip.compress(b"{}"), "Content-Encoding: gzip"), 415),
    "a bomb": (post("/in/open", gzip.compress(b"0" * 10**6), "Content-Encoding: gzip"), 415),
    "brotli": (post("/in/open", b"{}", "Content-Encoding: br"), 415),
    "an unknown coding": (post("/in/open", b"{}", "Content-Encoding: rot13"), 415),
    "a coding after identity": (post("/in/open", b"{}", "Content-Encoding: identity, gzip"), 415),
    "a body over the limit": (post("/in/open", b"0" * (SMALL_LIMIT + 1)), 413),
    "a length of ten gigabytes": (HEAD + b"Content-Length: 10737418240\r\n\r\n{}", 413),
    "chunks over the limit": (CHUNKED + b"400\r\n" + b"0" * 1024 + b"\r\n" + b"fff\r\n" + b"0" * 4095 + b"\r\n", 413),
    "an unknown source": (post("/in/nobody"), 404),
    "a slash at the end": (post("/in/open/"), 404),
    "capital letters": (post("/in/Open"), 404),
    "dots": (post("/in/x/../open"), 404),
    "an encoded slash": (post("/in%2Fopen/x"), 404),
    "an encoded NUL": (post("/in/open%00"), 404),
    "broken percent signs": (post("/in/%zz%"), 404),
    "a parameter in the path": (post("/in/open;x=1"), 404),
    "two slashes": (post("//in/open"), 404),
    "the admin's path": (post("/api/v1/rules/reload"), 404),
    "metrics": (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "another site's address": (post("http://example.net/in/nobody"), 404),
    "PUT": (post("/in/open").replace(b"POST", b"PUT", 1), 405),
    "DELETE": (b"DELETE /in/open HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "OPTIONS": (b"OPTIONS /in/open HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "TRACE": (b"TRACE /in/open HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "a method override": (b"DELETE /in/open HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: POST\r\n\r\n", 405),
}

FRAMES = {
    "an unknown method": (b"FOO /in/open HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a method in small letters": (post("/in/open").replace(b"POST", b"post", 1), 400),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /in/open\r\n\r\n", 400),
    "HTTP/1.2": (post("/in/open").replace(b"HTTP/1.1", b"HTTP/1.2"), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (bytes.fromhex("160301020001000" + "1fc0303") + b"\0" * 32, 400),
    "noise": (b"\x00\xff\x00\xff\r\n\r\n", 400),
    "no host": (b"GET /in/open HTTP/1.1\r\n\r\n", 400),
    "two hosts": (post("/in/open", b"{}", "Host: example.net"), 400),
    "a host with a path": (post("/in/open", host="Host: example.org/x"), 400),
    "a host with a user": (post("/in/open", host="Host: a@example.org"), 400),
    "a host with a blank": (post("/in/open", host="Host: example .org"), 400),
    "two lengths": (post("/in/open", b"{}", "Content-Length: 2"), 400),
    "two lengths that differ": (post("/in/open", b"{}", "Content-Length: 3"), 400),
    "lengths in a list": (HEAD + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "a signed length": (HEAD + b"Content-Length: +2\r\n\r\n{}", 400),
    "a negative length": (HEAD + b"Content-Length: -2\r\n\r\n{}", 400),
    "a length in hex": (HEAD + b"Content-Length: 0x2\r\n\r\n{}", 400),
    "an endless length": (HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}", 400),
    "no length in the length": (HEAD + b"Content-Length:\r\n\r\n{}", 400),
    "a length, then chunks": (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks, then a length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 400),
    "gzip, then chunks": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "gzip as transfer": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),
    "identity as transfer": (HEAD + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    "nearly chunked": (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (
        b"POST /in/open HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a chunk size that is none": (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", 400),
    "an endless chunk size": (CHUNKED + b"f" * 20 + b"\r\n{}\r\n", 400),
    "a negative chunk size": (CHUNKED + b"-2\r\n{}\r\n", 400),
    "a chunk longer than it says": (CHUNKED + b"2\r\n{}xx\r\n0\r\n\r\n", 400),
    "a folded header": (post("/in/open", b"{}", "X-A: b\r\n c"), 400),
    "a folded signature": (signed(STAMP, SIGNATURE[:32] + "\r\n\t" + SIGNATURE[32:]), 400),
    "a blank before the colon": (post("/in/open", b"{}", "X-A : b"), 400),
    "a header without a name": (post("/in/open", b"{}", ": b"), 400),
    "a header without a colon": (post("/in/open", b"{}", "nothing"), 400),
    "NUL in a header": (post("/in/open", b"{}", "X-A: b\0c"), 400),
    "a bare return in a header": (post("/in/open", b"{}", "X-A: b\rX-B: c"), 400),
    "bare line feeds": (post("/in/open").replace(b"\r\n", b"\n"), 400),
    "a blank in the address": (post("/in/open x"), 400),
    "bytes above 127 in the address": (post("/in/\xe9"), 400),
    "a name without a path": (b"GET http://example.org HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "h2c": (post("/in/open", b"{}", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAA"), 400),
    "a web socket": (
        b"GET /in/open HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
        400,
    ),
    "an upgrade without a connection": (post("/in/open", b"{}", "Upgrade: h2c"), 400),
    "101 headers": (post("/in/open", b"{}", *(f"X-{number}: 1" for number in range(98))), 431),
    "a header of 33 KiB": (post("/in/open", b"{}", "X-A: " + "b" * 33 * 1024), 431),
    "an address of 33 KiB": (post("/in/" + "b" * 33 * 1024), 431),
    "many trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n" + b"X-A: b\r\n" * 100 + b"\r\n", 431),
}

CASES: dict[str, tuple[bytes, int]] = {
    **{f"signature: {name}": (sent, 401) for name, sent in SIGNATURES.items()},
    **{f"body: {name}": (post("/in/open", body), 400) for name, body in BODIES.items()},
    **{f"head: {name}": case for name, case in HEADS.items()},
    **{f"frame: {name}": case for name, case in FRAMES.items()},
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house() -> AsyncIterator[tuple[int, MemoryIntake]]:
    intake, doors = MemoryIntake(), some_doors()
    listener = Listener(Inbox(lambda: doors, intake, StillClock(), lambda: True), port=0, limits=Limits(linger=0.2))
    await listener.start()
    yield listener.port, intake
    await listener.stop(1)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", CASES)
async def test_bad_input_gets_its_answer_and_the_next_good_request_is_served(
    name: str, house: tuple[int, MemoryIntake]
) -> None:
    port, intake = house
    sent, expected = CASES[name]
    before = len(intake.receipts)
    heard = await ask(port, sent)
    assert expected == heard.status
    assert "application/problem+json" == heard.headers["content-type"]
    assert expected == heard.json()["status"]
    shown = heard.body + json.dumps(heard.headers).encode()
    for private in (b"Maya", SECRET, SIGNATURE.encode(), b"hooks/", b"Traceback", b"Error"):
        assert private not in shown
    assert [] == [kept.id for kept in intake.receipts[before:] if kept.verdict in ("accepted", "duplicate")]
    again = await ask(port, signed(body=BODY))
    assert 202 == again.status


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [name for name, (_, status) in CASES.items() if status in (401, 404, 405)])
async def test_an_ordinary_refusal_leaves_the_connection_usable(name: str, house: tuple[int, MemoryIntake]) -> None:
    port, _ = house
    async with await Wire.to(port) as wire:
        await wire.say(CASES[name][0])
        assert CASES[name][1] == (await wire.hear()).status
        await wire.say(signed(body=BODY))
        assert 202 == (await wire.hear()).status


def test_the_table_is_long() -> None:
    assert len(CASES) >= 140
