from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hooks.errors import NormalizationError
from hooks.kit.bodies import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_NUMBER,
    MEDIA_TYPES,
    count_objects,
    objects,
    parse_body,
    parse_form,
    parse_json,
    parse_multipart,
    parse_text,
    parse_xml,
    unflatten,
)

BOUNDARY = "multipart/form-data; boundary=xx"


def refused(body: bytes, content_type: str = "application/json") -> str:
    with pytest.raises(NormalizationError) as caught:
        parse_body(body, content_type)
    return caught.value.reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[1",
        b"NaN",
        b'{"a": Infinity}',
        b'"\\ud800"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'{"a":1}x',
        b"{'a':1}",
        b'{"a":01}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refused(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a" :1,"a":1}',
        b'{"a"\n\t:1, "b": {"c":1,"c":2}}',
        b'[{"a":1},{"b":1,"b":1}]',
        b'{"a":1,"\\u0061":2}',
        b'{"x":"\\":","a":1,"a":1}',
    ],
)
def test_an_object_that_names_a_key_twice_is_refused(body: bytes) -> None:
    assert "an object that names a key twice" == refused(body)


@pytest.mark.parametrize("text", ['"a":1', '\\":', ':"', 'say "x": y'])
def test_text_that_looks_like_a_key_is_no_repeated_key(text: str) -> None:
    value = {"a": text, "b": [text, {"a": text}]}
    assert value == parse_json(json.dumps(value).encode())


@pytest.mark.parametrize(
    "number", ["1e400", "-1e999", "9" * 400, "9" * 5000, '{"a":[1e400]}', '{"a":-' + "9" * 310 + "}"]
)
def test_a_number_beyond_a_double_is_refused(number: str) -> None:
    assert refused(number.encode())


def test_nesting_is_allowed_up_to_the_limit_and_not_beyond() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert [] != parse_json(deep)
    assert f"nested deeper than {MAX_DEPTH}" == refused(b"[" + deep + b"]")
    assert refused(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def test_a_reason_never_quotes_the_body() -> None:
    for content_type in MEDIA_TYPES:
        body = b'{"secret-content" secret-content;<secret-content'
        with pytest.raises(NormalizationError) as caught:
            parse_body(body, content_type)
        assert "secret-content" not in caught.value.reason


def test_objects_takes_an_object_or_a_list_of_them() -> None:
    assert [{"a": 1}] == objects({"a": 1})
    assert [{}, {"a": 1}] == objects([{}, {"a": 1}])
    assert MAX_ITEMS == len(objects([{}] * MAX_ITEMS))


@pytest.mark.parametrize("parsed", [None, 1, "text", [], [1], [{}, None], [[]], [{}] * (MAX_ITEMS + 1)])
def test_objects_refuses_everything_else(parsed: object) -> None:
    with pytest.raises(NormalizationError):
        objects(parsed)


def test_a_form_is_read_with_its_repeats_and_blanks() -> None:
    body = b"name=Maya+Ortiz&email=maya%40example.org&tag=a&tag=b&note=&city=Z%C3%BCrich&"
    expected = {"name": "Maya Ortiz", "email": "maya@example.org", "tag": ["a", "b"], "note": "", "city": "Zürich"}
    assert expected == parse_form(body)


@pytest.mark.parametrize("body", [b"", b"&", b"just text", b"a=%ff", b"\xff=1", b"&".join(b"a=1" for _ in range(1001))])
def test_what_is_not_a_form_is_refused(body: bytes) -> None:
    assert refused(body, "application/x-www-form-urlencoded")


def test_unflatten_nests_names_with_two_underscores() -> None:
    flat = {"a": 1, "customer__name": "Maya", "customer__home__zip": "80401", "b_c": 2}
    assert {"a": 1, "b_c": 2, "customer": {"name": "Maya", "home": {"zip": "80401"}}} == unflatten(flat)


@pytest.mark.parametrize(
    "flat",
    [
        {"customer": "Maya", "customer__name": "Ortiz"},
        {"customer": {"name": "Maya"}, "customer__name": "Ortiz"},
        {"__name": 1, "name__": 2, "a____b": 3},
        {"__".join("a" * 40): 1},
    ],
)
def test_unflatten_leaves_a_name_whose_place_is_taken_or_that_is_no_path(flat: dict[str, Any]) -> None:
    assert flat == unflatten(flat)


def test_unflatten_loses_nothing_when_a_value_stands_where_a_branch_would() -> None:
    assert {"a": {"b": 1}, "a__b__c": 2} == unflatten({"a__b": 1, "a__b__c": 2})


def part(head: str, content: bytes) -> bytes:
    return b"--xx\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def test_a_multipart_body_gives_texts_and_the_outside_of_files() -> None:
    body = (
        part('Content-Disposition: form-data; name="name"', "Zoë".encode())
        + part('content-disposition: form-data; name="f"; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG\xff")
        + part("Content-Disposition: form-data; filename*=UTF-8''b.txt; name=\"g\"", b"12")
        + b"--xx--\r\n"
    )
    expected = {
        "name": "Zoë",
        "f": {"name": "a.png", "content_type": "image/png", "size": 5},
        "g": {"name": "", "content_type": "application/octet-stream", "size": 2},
    }
    assert expected == parse_multipart(body, 'multipart/form-data; charset=utf-8; boundary="xx"')


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", BOUNDARY),
        (b"--xx--", "multipart/form-data"),
        (b"--xx--\r\n", BOUNDARY),
        (b"preamble\r\n" + part('Content-Disposition: form-data; name="a"', b"1") + b"--xx--", BOUNDARY),
        (part('Content-Disposition: form-data; name="a"', b"1"), BOUNDARY),
        (part('Content-Disposition: form-data; name="a"', b"1") + b"--xx--\r\nmore", BOUNDARY),
        (part('Content-Disposition: attachment; name="a"', b"1") + b"--xx--", BOUNDARY),
        (part("Content-Disposition: form-data", b"1") + b"--xx--", BOUNDARY),
        (part('Content-Disposition: form-data; name="a"', b"\xff") + b"--xx--", BOUNDARY),
        (part("X-Long: " + "x" * 9000 + '\r\nContent-Disposition: form-data; name="a"', b"1") + b"--xx--", BOUNDARY),
        (b'--xx\nContent-Disposition: form-data; name="a"\n\n1\n--xx--\n', BOUNDARY),
        (part('Content-Disposition: form-data; name="a"', b"1") * 1002 + b"--xx--", BOUNDARY),
    ],
)
def test_a_multipart_body_that_is_not_well_formed_is_refused(body: bytes, content_type: str) -> None:
    assert refused(body, content_type)


def test_xml_elements_become_fields_and_repeats_a_list() -> None:
    body = (
        '<?xml version="1.0"?><!-- c --><r xmlns="urn:x"><Name a="1"> Zoë O&apos;Neil </Name><empty/>'
        "<tag>a</tag><tag><![CDATA[b<]]></tag><address>text<city>Golden</city></address></r>"
    ).encode()
    expected = {"Name": "Zoë O'Neil", "empty": "", "tag": ["a", "b<"], "address": {"city": "Golden"}}
    assert expected == parse_xml(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"<a>text</a>",
        b"<a/>",
        b"<a></b>",
        b"<a><b>1</b></a><c/>",
        b'<!DOCTYPE a [<!ENTITY x "xx">]><a><b>&x;</b></a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a><b>1</b></a>',
        b'<?xml version="1.0" encoding="no-such"?><a><b>1</b></a>',
        b"<a>" * 65 + b"</a>" * 65,
        b"<a>" * 200_000,
        b"<a><b>\xff</b></a>",
    ],
)
def test_xml_that_is_broken_deep_or_declares_types_is_refused(body: bytes) -> None:
    assert refused(body, "text/xml")


def test_plain_text_is_told_by_its_first_character() -> None:
    assert {"a": 1} == parse_text(b' {"a":1}')
    assert [{"a": 1}] == parse_text(b'[{"a":1}]')
    assert {"a": "1"} == parse_text(b"<r><a>1</a></r>")
    assert {"a": "1"} == parse_text(b"a=1")
    with pytest.raises(NormalizationError):
        parse_text(b"hello")


def test_the_content_type_chooses_the_parser_whatever_its_case_and_parameters() -> None:
    assert {"a": 1} == parse_body(b'{"a":1}', "Application/JSON; charset=utf-8")
    assert {"a": "1"} == parse_body(b"a=1", "application/x-www-form-urlencoded;charset=UTF-8")
    assert refused(b"{}", "image/png")


@given(
    st.one_of(st.binary(max_size=200), st.text('{}[]":,=&<>/-x1\\\r\n ', max_size=80).map(str.encode)),
    st.sampled_from([*sorted(MEDIA_TYPES), BOUNDARY]),
)
@example(b"<a>\x00</a>", "text/xml")
@example(b"--xx\r\n\r\n\r\n--xx--", BOUNDARY)
@example(b"a=%ED%A0%80", "application/x-www-form-urlencoded")
def test_a_parser_raises_nothing_but_normalization_error(body: bytes, content_type: str) -> None:
    try:
        parsed = parse_body(body, content_type)
    except NormalizationError:
        return
    json.dumps(parsed, allow_nan=False).encode()


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_json_that_another_writer_wrote_is_read_back(value: Any, indent: int | None, ascii_only: bool) -> None:
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    if "\\ud" in text.decode() or "\\uD" in text.decode():
        return
    assert value == parse_json(text)


_TEXTS = st.sampled_from(
    [
        '"a"',
        '"b"',
        '"\\u0061"',
        '"\\""',
        '"\\u0022"',
        '"\\\\"',
        '"\\":"',
        '"{["',
        '":"',
        '"\\n"',
        '"\\ud800"',
        '"é"',
        '"\x01"',
    ]
)
_SCALARS = _TEXTS | st.sampled_from(
    ["1", "1e400", "NaN", "true", "01", "-0.0", "9" * 20, "9" * 310, "1.7976931348623159e308"]
)
_BLANKS = st.sampled_from(["", " ", "\n\t"])


def _object(pairs: list[tuple[str, str, str]]) -> str:
    return "{" + ",".join(f"{key}{blank}:{value}" for key, blank, value in pairs) + "}"


_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(_TEXTS, _BLANKS, inner), max_size=4).map(_object)
    ),
    max_leaves=12,
)


def _read_slowly(document: str) -> Any:
    """As the standard's own reader has it, with what I-JSON and we refuse. Raises ValueError."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError
        return found

    def depth(value: Any) -> int:
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + max(map(depth, below), default=0) if isinstance(value, (dict, list)) else 0

    def numbers(value: Any) -> list[Any]:
        if isinstance(value, (dict, list)):
            below = value.values() if isinstance(value, dict) else value
            return [number for inner in below for number in numbers(inner)]
        return [value] if isinstance(value, (int, float)) else []

    def constant(name: str) -> Any:
        raise ValueError(name)

    found = json.loads(document, object_pairs_hook=unique, parse_constant=constant)
    json.dumps(found, ensure_ascii=False).encode()  # no half of a character
    if depth(found) > MAX_DEPTH or not all(-MAX_NUMBER < number < MAX_NUMBER for number in numbers(found)):
        raise ValueError
    return found


@given(_DOCUMENTS)
@example('{"a":1,"a":2}')
@example('{"a":{"b":1,"b":"x"}}')
@example('{"a":123456789012345678901234567890}')
@example("[9223372036854775808, -9223372036854775809, 0.10000000000000000000001, 1E5, -0]")
@example('{"a":"12345678901234567890"}')
@example("[" * MAX_DEPTH + "{}" + "]" * MAX_DEPTH)
def test_json_is_read_as_the_standard_has_it_or_refused(document: str) -> None:
    try:
        expected = repr(_read_slowly(document))
    except ValueError:
        expected = "refused"
    try:
        found = repr(parse_json(document.encode()))
    except NormalizationError:
        found = "refused"
    assert expected == found


@given(_DOCUMENTS)
@example('{"a":1,"a":2}')
@example('{"a":"\\u0022","a":"\\u0022"}')
@example('{"a":{"b":1,"b":"\\u0022"}}')
@example('{"a":"x\\\\","a":1}')
@example("[" * MAX_DEPTH + "{}" + "]" * MAX_DEPTH)
@example("[" + "[]," * MAX_DEPTH + "[" * 70 + "]" * 70 + "]")
@example("[" + ",".join(["{}"] * (MAX_ITEMS + 1)) + "]")
@example("[" * 2000 + "]" * 2000)
@example("")
def test_objects_are_counted_as_if_they_were_read(document: str) -> None:
    body = document.encode()
    try:
        expected: int | str = len(objects(parse_json(body)))
    except NormalizationError as problem:
        expected = problem.reason
    try:
        found: int | str = count_objects(body)
    except NormalizationError as problem:
        found = problem.reason
    assert expected == found


@given(st.dictionaries(st.text("ab_", max_size=12), st.integers(), max_size=8))
def test_unflatten_keeps_every_value(flat: dict[str, int]) -> None:
    def leaves(value: Any) -> list[int]:
        return [leaf for inner in value.values() for leaf in leaves(inner)] if isinstance(value, dict) else [value]

    assert sorted(flat.values()) == sorted(leaves(unflatten(flat)))
