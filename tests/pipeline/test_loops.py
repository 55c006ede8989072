"""What we wrote ourselves is known again, and what a person changed is not taken for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hooks.events import Event, Exchange
from hooks.pipeline.loops import is_echo, writes_of

NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)
RECORD = {"id": "cus_1", "first_name": "Maya", "notes": "synced", "tags": ["a"], "updated_at": "2026-05-08T12:00:00Z"}


def exchange(method: str = "PUT", status: int | None = 200, answer: Any = RECORD, sent: Any = None) -> Exchange:
    body = json.dumps({"notes": "synced"} if sent is None else sent).encode()
    return Exchange(method, "https://x/customers/cus_1", body, status, json.dumps(answer).encode(), None, 3)


def event(**changed: Any) -> Event:
    raw = {"event": "customer.updated", "customer": {**RECORD, "updated_at": "2026-05-08T12:00:09Z", **changed}}
    return Event(
        "evt_1",
        "customer.updated",
        "hcp",
        "housecall_pro",
        "customer.updated",
        "rcp_1",
        NOW,
        NOW,
        "customer/cus_1",
        {},
        raw,
    )


def test_what_comes_back_as_it_was_written_is_an_echo() -> None:
    (wrote,) = writes_of("housecall_pro", [exchange()])
    assert ("housecall_pro", "cus_1") == (wrote.vendor, wrote.record)
    assert is_echo(wrote.fields, event()), "when it was updated makes no difference"
    assert "Maya" not in json.dumps(dict(wrote.fields))


def test_five_hundred_edits_of_the_same_record_in_the_same_minute_are_no_echoes() -> None:
    (wrote,) = writes_of("housecall_pro", [exchange()])
    edits = [event(first_name=f"Maya {number}") for number in range(500)]
    assert not any(is_echo(wrote.fields, edit) for edit in edits)


def test_another_record_is_no_echo() -> None:
    (wrote,) = writes_of("housecall_pro", [exchange()])
    assert not is_echo(wrote.fields, event()._replace(subject="customer/cus_2"))
    assert not is_echo(wrote.fields, event()._replace(subject=None))
    assert not is_echo(wrote.fields, event()._replace(raw="not an object"))


def test_only_what_was_written_counts() -> None:
    assert () == writes_of("v", [exchange("GET"), exchange(status=500), exchange(status=None), exchange(sent=[])])
    assert () == writes_of("v", [Exchange("POST", "https://x/notes", b"{", 200, b"ok", None, 1)])


def test_without_a_record_in_the_answer_the_address_names_it() -> None:
    (wrote,) = writes_of("housecall_pro", [exchange(answer={"success": True})])
    assert "cus_1" == wrote.record
    assert is_echo(wrote.fields, event())
    assert not is_echo(wrote.fields, event(notes="a person's words"))


def test_an_envelope_around_the_record_is_looked_into() -> None:
    (wrote,) = writes_of("v", [exchange("POST", answer={"success": True, "data": {**RECORD, "id": 77}})])
    assert "77" == wrote.record
