"""Our own events: the contract of actions and sources as far as it fits what is nobody's API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import Permanent
from hooks.events import Receipt, event_id, new_id
from hooks.kit.operations import Inputs
from hooks.ports import Call
from hooks.vendors.event import vendor
from hooks.vendors.event.actions import MAX_BODY
from hooks.vendors.event.client import SETTINGS, EventClient

NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)
[EMIT] = vendor.actions

TYPES = st.from_regex(r"\A[a-z][a-z0-9_.:/+-]{0,60}\Z")
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Kept:
    """An emitter that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: dict[str, tuple[str, bytes]] = {}

    async def emit(self, body: bytes, key: str) -> str:
        return self.bodies.setdefault(key, (new_id("rcp"), body))[0]


def receipt(body: bytes) -> Receipt:
    return Receipt(new_id("rcp"), "event", "event", NOW, "accepted", body=body, events=1)


def body_of(inputs: dict[str, Any]) -> bytes:
    body = EMIT.render(inputs, SETTINGS).body
    assert body is not None
    return body


@given(type_=TYPES, subject=st.none() | st.text(st.characters(codec="utf-8"), max_size=40), data=VALUES)
def test_what_is_emitted_is_read_as_it_was(type_: str, subject: str | None, data: Any) -> None:
    assert vendor.built_in is not None
    inputs = {"type": type_, "subject": subject, "data": {"held": data}}
    [draft] = vendor.built_in.source.normalize(receipt(body_of(inputs)))
    assert (type_, type_, subject) == (draft.type, draft.vendor_type, draft.subject)
    assert {"held": data} == draft.data
    assert (None, None) == (draft.flag, draft.time)
    assert body_of(inputs) == body_of(inputs)


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({}, "type"),
        ({"type": ""}, "type"),
        ({"type": "job.*"}, "type"),
        ({"type": "two words"}, "type"),
        ({"type": "x" * 201}, "type"),
        ({"type": "x", "subject": "s" * 501}, "subject"),
        ({"type": "x", "data": [1]}, "data"),
        ({"type": "x", "data": {"half": "\ud800"}}, "data"),
        ({"type": "x", "data": {"much": float("inf")}}, "data"),
        ({"type": "x", "data": {"much": "x" * MAX_BODY}}, "data"),
        ({"type": "x", "other": 1}, "other"),
    ],
)
def test_what_cannot_be_an_event_is_refused_by_the_name_of_its_field(inputs: dict[str, Any], field: str) -> None:
    with pytest.raises(Permanent, match=f"^{field}: "):
        EMIT.render(inputs, SETTINGS)


async def test_the_same_call_puts_one_event_in() -> None:
    kept = Kept()
    client = EventClient(kept)
    first, again, other = [
        (await EMIT.send(client, Call({"type": "job.ready"}, key, 5.0))).output for key in ("one", "one", "other")
    ]
    assert first == again != other
    assert {"event": event_id(first["receipt"]), "receipt": first["receipt"]} == first
    assert {"type": "job.ready", "subject": None, "data": {}} == json.loads(kept.bodies["one"][1])
    assert EMIT.repeatable
    assert set(first) == set(vendor.outputs["emit"]["properties"])
    await client.aclose()


def test_its_inputs_are_described() -> None:
    assert issubclass(EMIT.inputs, Inputs)
    assert all(one.description for one in EMIT.inputs.model_fields.values())
