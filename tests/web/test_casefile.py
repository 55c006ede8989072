"""A case file holds what a vendor's support needs, and nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.web.casefile import as_markdown, case_file

NOW = datetime(2026, 5, 6, 17, 30, tzinfo=UTC)
URL = "https://api.example.com/crm/v2/tenant/7/bookings"
EVENT = {
    "id": "evt_1",
    "type": "lead.created",
    "source": "leads",
    "vendor": "zapier",
    "vendor_type": "createlead",
    "subject": None,
    "time": "2026-05-06T17:00:00Z",
    "received_at": "2026-05-06T17:00:01Z",
    "data": {
        "customer": {"display_name": "Ines Calderon", "phone": "+15137700188", "email": "ines@work.example"},
        "address": {"street": "12 Linden Way", "city": "Dayton"},
        "note": "Ring Ines at the gate, code 4711",
    },
    "raw": {"Name": "Ines Calderon"},
}
PEOPLE = ("Ines", "Calderon", "7700188", "ines@", "Linden", "4711")


def run_of(*exchanges: dict[str, Any], **step: Any) -> dict[str, Any]:
    attempt = {
        "id": "att_1",
        "number": 1,
        "started_at": "2026-05-06T17:00:02Z",
        "duration_ms": 51,
        "verdict": "permanent",
    }
    return {
        "id": "run_1",
        "event": "evt_1",
        "rule": "lead-to-servicetitan",
        "state": "failed",
        "reason": "400: name Ines Calderon is too short",
        "created_at": "2026-05-06T17:00:01Z",
        "steps": [
            {
                "id": "step1",
                "action": "servicetitan.create_booking_by_provider",
                "connection": "titan",
                "state": "failed",
                "error": "400",
                "request": {"method": "POST", "url": URL, "body": {"name": "Ines Calderon", "externalId": "evt_1"}},
                "output": None,
                "attempts": [{**attempt, "status": 400, "error": None, "exchanges": list(exchanges)}],
                **step,
            }
        ],
    }


def an_exchange(request: Any = None, answer: Any = None, url: str = URL) -> dict[str, Any]:
    sent = {"method": "POST", "url": url, "status": 400, "error": None, "duration_ms": 50}
    return {**sent, "request": request, "answer": answer}


WHOLE = run_of(
    an_exchange(
        json.dumps(
            {"name": "Ines Calderon", "summary": "Ring Ines, 4711", "phones": ["(513) 770-0188"], "total": 5000}
        ),
        json.dumps({"title": "Name of INES CALDERON is too short", "message": "see name", "traceId": "00-ab"}),
    ),
    an_exchange(
        "Name=Ines+Calderon&Phone=513-770-0188&key=7", "<p>Ines Calderon</p>", f"{URL}?email=ines%40work.example"
    ),
)


def test_nobody_in_it_can_be_recognized() -> None:
    case = case_file(WHOLE, EVENT, NOW)
    for text in (json.dumps(case), as_markdown(case)):
        assert [] == [word for word in PEOPLE if word.lower() in text.lower()]


def test_what_support_looks_at_is_as_it_was() -> None:
    text = as_markdown(case_file(WHOLE, EVENT, NOW))
    for said in (
        "run_1",
        "evt_1",
        "att_1",
        URL,
        "POST",
        "400",
        "2026-05-06T17:00:02Z",
        "51 ms",
        "5000",
        "00-ab",
        "see name",
    ):
        assert said in text
    assert "(513) 555-01" in text, "a number keeps its form"


def test_a_run_that_sent_nothing_shows_what_it_would_send() -> None:
    text = as_markdown(case_file(run_of(attempts=[]), EVENT, NOW))
    assert "Not sent yet." in text
    assert "externalId" in text
    assert "Ines" not in text


def test_a_run_whose_event_is_gone_is_a_case_too() -> None:
    assert case_file(WHOLE, None, NOW)["event"] is None
    assert "Calderon" not in as_markdown(case_file(WHOLE, None, NOW))


def test_an_answer_cannot_break_out_of_its_place() -> None:
    text = as_markdown(case_file(run_of(an_exchange(None, "```\n# mine\n````\x1b[2J")), EVENT, NOW))
    assert "\n`````\n```\n# mine\n```` [2J\n`````\n" in text


@pytest.mark.parametrize("body", ["", "[" * 50_000, "{", "a=b", "a=%ff&b", None, [], {"name": None}, 7])
def test_any_body_is_shown(body: Any) -> None:
    as_markdown(case_file(run_of(an_exchange(body, body)), EVENT, NOW))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(body=json_values, answer=st.text(max_size=60))
def test_whatever_came_a_case_can_be_made(body: Any, answer: str) -> None:
    case = case_file(run_of(an_exchange(json.dumps(body), answer)), {**EVENT, "data": body}, NOW)
    assert json.loads(json.dumps(case)) == case
    as_markdown(case)
