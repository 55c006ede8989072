from __future__ import annotations

import json
from urllib.parse import quote_plus, urlencode
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.kit.bodies import parse_body, parse_json
from hooks.kit.masking import mask

KEY = 'k&y<"ü'
SECRETS = frozenset({KEY.encode()})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps({"key": KEY, "name": "Maya"})),
        ("application/json", json.dumps([{"name": "Maya", "key": KEY}], ensure_ascii=False)),
        ("text/plain", "  " + json.dumps({"key": KEY})),
        ("", json.dumps({"k\u0065y": KEY})),
        ("application/x-www-form-urlencoded", urlencode({"name": "Maya", "key": KEY})),
        ("application/x-www-form-urlencoded", "key=" + "".join(f"%{byte:02x}" for byte in KEY.encode())),
        ("text/xml", f"<r><key> {escape(KEY)}\n</key><n>1</n></r>"),
        ("application/xml", f"<r><key><![CDATA[{KEY}]]></key></r>"),
        ("text/xml", "<r><key>" + "".join(f"&#{ord(letter)};" for letter in KEY) + "</key></r>"),
        ("multipart/form-data; boundary=x", f'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n{KEY}\r\n--x--'),
    ],
)
def test_a_key_is_masked_however_it_is_written_and_the_body_stays_readable(content_type: str, body: str) -> None:
    masked = mask(body.encode(), content_type, SECRETS)
    assert len(body.encode()) == len(masked)
    for spelled in (KEY, json.dumps(KEY)[1:-1], quote_plus(KEY), escape(KEY)):
        assert spelled.encode() not in masked
    parsed = parse_body(masked, content_type)
    shown = parsed[0]["key"] if isinstance(parsed, list) else parsed["key"]
    assert set("*") == set(shown)


def test_text_that_only_contains_a_key_stays() -> None:
    body = b'{"name":"monkey","note":"key=zap","key":"key"}'
    assert b'{"name":"monkey","note":"key=zap","***":"***"}' == mask(body, "application/json", frozenset({b"key"}))
    assert b"name=monkey&key=***" == mask(
        b"name=monkey&key=key", "application/x-www-form-urlencoded", frozenset({b"key"})
    )


def test_a_body_that_cannot_be_parsed_is_masked_too() -> None:
    assert b'{"key":"***", oops' == mask(b'{"key":"zap", oops', "application/json", frozenset({b"zap"}))
    assert b'{"key":"\\ud800", "*' + b"**" + b'"' == mask(b'{"key":"\\ud800", "zap"', "", frozenset({b"zap"}))


@given(
    st.binary(max_size=100), st.sampled_from(["application/json", "text/xml", "", "multipart/form-data; boundary=x"])
)
def test_masking_never_fails_and_keeps_the_length(body: bytes, content_type: str) -> None:
    assert len(body) == len(mask(body, content_type, frozenset({b"a", b"0"})))


@given(st.text(min_size=4), st.dictionaries(st.text("ab", min_size=2), st.text(), max_size=4), st.booleans())
def test_no_value_of_a_json_body_is_the_key_after_masking(key: str, others: dict[str, str], ascii_only: bool) -> None:
    try:
        body = json.dumps({**others, "key": key}, ensure_ascii=ascii_only).encode()
        parse_json(body)
        secrets = frozenset({key.encode()})
    except (UnicodeEncodeError, ValueError):
        return
    masked = parse_json(mask(body, "application/json", secrets))
    assert len(others) + 1 == len(masked)
    assert all(value != key or set(value) == {"*"} for value in masked.values())
