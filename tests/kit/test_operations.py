"""Operations as rows: where their inputs go, what is refused, and that rendering is the same every time."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from hooks.errors import Permanent
from hooks.events import Done, Request
from hooks.kit.http import Http
from hooks.kit.operations import (
    Body,
    File,
    Inputs,
    Instant,
    Number,
    Operation,
    check_inputs,
    json_body,
    make_inputs,
    path_segment,
)
from hooks.ports import Call


class Settings(BaseModel):
    tenant: int = 7
    provider: int | None = None
    company_id: str | None = "c1"


class Thing(Inputs):
    thingId: int | str = Field(description="Its id.")
    note: str | None = Field(None, description="A note.")
    price: Number | None = Field(None, description="Its price.")
    tags: list[str] | None = Field(None, description="Tags.")
    at: Instant | None = Field(None, description="When.")
    open: bool | None = Field(None, description="Whether it is open.")


def render(operation: Operation, **inputs: Any) -> Request:
    return operation.render(inputs, Settings())


UPDATE = Operation(
    "update_thing", "PATCH", "/t/{tenant}/things/{thingId}", "Change.", Thing, fixed=frozenset({"tenant"})
)
LIST = Operation("list_things", "GET", "/things", "List.", Thing)


@dataclass
class Recorder:
    """A client that keeps what it is asked to send."""

    settings: Settings = field(default_factory=Settings)
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        self.sent.append(request)
        return Done({"timeout": timeout, "key": key})


# --- where inputs go ---


def test_path_parameters_come_from_the_inputs_and_else_from_the_connection() -> None:
    assert "/t/7/things/a%20b" == render(UPDATE, thingId="a b").path
    override = Operation(
        "x", "GET", "/p/{provider}", "X.", make_inputs("X", "provider?", {"provider": (int, "Which.")})
    )
    assert "/p/9" == render(override, provider=9).path


def test_a_parameter_that_nobody_gives_is_named() -> None:
    with pytest.raises(Permanent, match="provider: is needed"):
        render(Operation("x", "GET", "/p/{provider}", "X.", fixed=frozenset({"provider"})))


def test_the_other_inputs_are_the_json_body_in_the_order_of_the_model() -> None:
    request = render(UPDATE, tags=["é", "b"], thingId=1, price=1.5, note="n")
    assert '{"note":"n","price":1.5,"tags":["é","b"]}'.encode() == request.body
    assert {"content-type": "application/json"} == request.headers


def test_the_other_inputs_of_a_get_are_its_query() -> None:
    request = render(LIST, thingId=1, tags=["a", "b,c"], open=True, price=2)
    assert (("thingId", "1"), ("price", "2"), ("tags", "a,b,c"), ("open", "true")) == request.query
    assert request.body is None


def test_lists_can_repeat_their_name() -> None:
    repeating = Operation("list_things", "GET", "/things", "List.", Thing, joined=False)
    assert (("thingId", "1"), ("tags", "a"), ("tags", "b")) == render(repeating, thingId=1, tags=["a", "b"]).query


def test_a_plus_sign_and_a_blank_survive_the_address() -> None:
    http = Http("https://a.example.org")
    assert "https://a.example.org/x?sort=%2BId&q=a%20%26" == http.url(
        Request("GET", "/x", (("sort", "+Id"), ("q", "a &")))
    )


def test_inputs_that_are_null_were_not_given() -> None:
    assert b'{"tags":["a"]}' == render(UPDATE, thingId=1, note=None, tags=["a", None]).body


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        ("form", "application/x-www-form-urlencoded", b"thingId=1&note=a+%26+b"),
        ("json", "application/json", b'{"thingId":1,"note":"a & b"}'),
        ("none", None, None),
    ],
)
def test_a_row_says_how_its_body_is_written(body: Body, content_type: str | None, content: bytes | None) -> None:
    request = render(Operation("x", "POST", "/x", "X.", Thing, body=body), thingId=1, note="a & b")
    assert (content_type, content) == (request.headers.get("content-type"), request.body)


def test_a_body_can_depend_on_the_connection() -> None:
    operation = Operation(
        "x", "POST", "/x", "X.", Thing, body=lambda settings: "form" if settings.tenant == 7 else "json"
    )
    assert b"thingId=1" == render(operation, thingId=1).body


def test_a_body_that_is_a_list_is_the_input_items() -> None:
    class Things(Inputs):
        items: list[Thing] = Field(description="Things.")

    request = render(Operation("x", "POST", "/x", "X.", Things, body="items"), items=[{"thingId": 1}, {"thingId": "b"}])
    assert b'[{"thingId":1},{"thingId":"b"}]' == request.body


def test_a_file_is_sent_as_a_multipart_form_of_the_same_bytes_every_time() -> None:
    class Upload(Inputs):
        file: File = Field(description="The file.")
        caption: str = Field(description="Caption.")

    operation = Operation("x", "POST", "/x", "X.", Upload, body="multipart")
    file = {"name": 'a".jpg', "content_type": "image/jpeg", "content_base64": base64.b64encode(b"\xff\xd8").decode()}
    first = render(operation, file=file, caption="c")
    assert first == render(operation, file=file, caption="c")
    boundary = first.headers["content-type"].partition("boundary=")[2]
    expected = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a%22.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode()
    expected += (
        b"\xff\xd8\r\n" + f'--{boundary}\r\nContent-Disposition: form-data; name="caption"\r\n\r\nc\r\n'.encode()
    )
    assert expected + f"--{boundary}--\r\n".encode() == first.body
    with pytest.raises(Permanent, match=r"file\.content_base64"):
        render(operation, file={**file, "content_base64": "???"}, caption="c")
    with pytest.raises(Permanent, match=r"file\.content_type"):
        render(operation, file={**file, "content_type": "a\r\nb: c"}, caption="c")


def test_an_input_can_default_to_a_key_of_the_connection() -> None:
    takes = make_inputs("X", "companyId", {"companyId": (str, "The company.")})
    operation = Operation("x", "GET", "/x", "X.", takes, defaults={"companyId": "company_id"})
    assert (("companyId", "c1"),) == render(operation).query
    assert (("companyId", "c2"),) == render(operation, companyId="c2").query
    with pytest.raises(Permanent, match="companyId"):
        operation.render({}, Settings(company_id=None))


def test_a_row_may_have_the_last_word_on_its_request() -> None:
    def turned(request: Request, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return Request("PUT", request.path + str(inputs["thingId"]))

    assert Request("PUT", "/x1") == render(Operation("x", "POST", "/x", "X.", Thing, adjust=turned), thingId=1)


# --- what is refused ---


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "../b", "a\\b", "a\x00", "a\nb"])
def test_a_value_that_could_leave_its_segment_is_refused_by_name(value: str) -> None:
    with pytest.raises(Permanent, match="thingId"):
        render(UPDATE, thingId=value)


def test_half_a_character_cannot_be_sent() -> None:
    with pytest.raises(Permanent, match="note: "):
        render(UPDATE, thingId=1, note="\ud800")
    with pytest.raises(Permanent, match="note: "):
        render(LIST, thingId=1, note="\ud800")


@given(st.text(st.characters(), min_size=1, max_size=40))
def test_a_segment_is_one_segment_or_refused(value: str) -> None:
    try:
        segment = path_segment("x", value)
    except Permanent:
        return
    Http("https://a.example.org").url(Request("GET", f"/a/{segment}/b"))
    assert "/" not in segment


@pytest.mark.parametrize("value", [True, 1.5, None, ["a"]])
def test_only_texts_and_whole_numbers_build_an_address(value: object) -> None:
    with pytest.raises(Permanent, match="x: "):
        path_segment("x", value)


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "thingId: "),
        ({"thingId": 1, "nota": "x"}, "nota: Extra inputs"),
        ({"thingId": 1, "price": "12"}, "price"),
        ({"thingId": 1, "open": "yes"}, "open: "),
        ({"thingId": 1, "open": 1}, "open: "),
        ({"thingId": 1, "note": 5}, "note: "),
        ({"thingId": 1, "tags": ["a", 5]}, r"tags\[1\]: "),
        ({"thingId": 1, "at": "tomorrow"}, "at: write an ISO 8601 time"),
        ({"thingId": 1, "at": "2026-05-06T17:30:00"}, "at: the time has no zone"),
        ({"thingId": 1, "at": "9999-12-31T23:59:59-05:00"}, "at: the time is before the first year or after the last"),
        ({"thingId": 1, "at": "0001-01-01T00:00:00+01:00"}, "at: the time is before the first year or after the last"),
    ],
)
def test_a_wrong_input_is_named_and_its_value_is_not(inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Permanent, match=told) as caught:
        check_inputs(Thing, {**inputs, "note": inputs.get("note", "private words")})
    assert "private words" not in caught.value.message


def test_an_object_cannot_be_sent_in_a_query() -> None:
    class Deep(Inputs):
        deep: dict[str, int] = Field(description="Deep.")

    with pytest.raises(Permanent, match="deep: an object"):
        render(Operation("x", "GET", "/x", "X.", Deep), deep={"a": 1})


def test_times_are_sent_in_utc() -> None:
    assert b'{"at":"2026-05-06T17:30:00Z"}' == render(UPDATE, thingId=1, at="2026-05-06T12:30:00-05:00").body


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_bodies_are_compact_utf8(value: object) -> None:
    import json

    assert value == json.loads(json_body(value).decode())


# --- what a row declares ---


@pytest.mark.parametrize(
    ("method", "repeatable", "unknown"),
    [
        ("GET", True, "repeat"),
        ("PUT", True, "repeat"),
        ("DELETE", True, "repeat"),
        ("POST", False, "hold"),
        ("PATCH", False, "hold"),
    ],
)
def test_the_method_tells_whether_a_row_may_be_repeated(method: str, repeatable: bool, unknown: str) -> None:
    operation = Operation("x", method, "/x", "X.")
    assert (repeatable, unknown) == (operation.repeatable, operation.on_unknown)


async def test_a_row_with_a_look_up_uses_it() -> None:
    async def find(client: Any, call: Call) -> Done | None:
        return Done(call.inputs["id"], adopted=True)

    operation = Operation("x", "POST", "/x", "X.", find=find)
    assert "lookup" == operation.on_unknown
    assert Done(5, adopted=True) == await operation.lookup(None, Call({"id": 5}, "k", 1.0))
    assert await LIST.lookup(None, Call({}, "k", 1.0)) is None


def test_a_row_can_say_otherwise() -> None:
    assert not Operation("x", "GET", "/x", "X.", harmless=False).repeatable
    assert "repeat" == Operation("x", "POST", "/x", "X.", unknown="repeat").on_unknown


def test_a_row_without_a_model_takes_the_parameters_of_its_path() -> None:
    operation = Operation("get_thing", "GET", "/t/{tenant}/a/{id}/b/{contactId}", "Get.", fixed=frozenset({"tenant"}))
    schema = operation.inputs.model_json_schema()
    assert ["id", "contactId"] == schema["required"]
    assert "The contact id." == schema["properties"]["contactId"]["description"]
    assert "getThing" == operation.operation
    assert "/t/7/a/1/b/x" == render(operation, id=1, contactId="x").path


async def test_the_frozen_request_is_sent_as_it_is() -> None:
    client = Recorder()
    frozen = Request("PATCH", "/frozen")
    done = await UPDATE.send(client, Call({"thingId": 1}, "key-1", 5.0, request=frozen))
    await UPDATE.send(client, Call({"thingId": 1}, "key-1", 5.0))
    assert [frozen, render(UPDATE, thingId=1)] == client.sent
    assert Done({"timeout": 5.0, "key": "key-1"}) == done
