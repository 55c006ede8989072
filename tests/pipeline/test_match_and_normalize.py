"""Normalize and match: a receipt becomes events whatever its source does with it, and an event becomes planned runs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hooks.events import Event, Receipt, event_id, new_id
from hooks.pipeline.match import plan
from hooks.pipeline.normalize import emptied_event, normalize
from hooks.ports import Draft, Inbound, Outcome, Plan, Reading, Reply
from hooks.registry import CATALOGUE
from hooks.rules.load import load_text
from hooks.rules.ruleset import RuleSet

NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)

RULES = """\
version: 1
sources:
  leads: {vendor: zapier, key: a-key-that-is-written-here-only}
connections:
  office: {vendor: http, base_url: "http://127.0.0.1:9"}
  other: {vendor: http, base_url: "http://127.0.0.1:9"}
rules:
  - id: once
    event: lead.created
    once_per: data.customer.email
    once_within: 24h
    do:
      - {action: http.request, connection: office, with: {path: /a}}
  - id: later
    event: "lead.*"
    delay: 90s
    do:
      - {action: http.request, connection: other, with: {path: /b}}
  - id: never
    event: lead.created
    when: data.total_cents / 0 > 1
    do:
      - {action: http.request, connection: office, with: {path: /c}}
  - id: off
    event: lead.created
    enabled: false
    do:
      - {action: http.request, connection: office, with: {path: /d}}
"""


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    text = RULES.replace("a-key-that-is-written-here-only", '"${secret.KEY}"')
    return load_text(text, CATALOGUE, lambda name: "a-key-of-these-tests-only")


def event(data: Any = None, **changed: Any) -> Event:
    attributes: dict[str, Any] = {
        "id": new_id("evt"),
        "type": "lead.created",
        "source": "leads",
        "vendor": "zapier",
        "vendor_type": "post",
        "receipt": new_id("rcp"),
        "time": NOW,
        "received_at": NOW,
        "subject": None,
        "data": {"customer": {"email": "maya@example.org"}, "total_cents": 1} if data is None else data,
        "raw": {},
        **changed,
    }
    return Event(**attributes)


# --- match ---


def test_one_run_for_each_rule_that_matches(rules: RuleSet) -> None:
    made = plan(event(), rules, NOW)
    assert [("once", "office"), ("later", "other")] == [(run.rule, run.connection) for run in made.runs]
    assert [NOW, NOW + timedelta(seconds=90)] == [run.due_at for run in made.runs]
    assert {("waiting", None)} == {(run.state, run.reason) for run in made.runs}


def test_a_flagged_event_makes_no_runs(rules: RuleSet) -> None:
    flagged = event(flag="total: expected a number")
    assert Plan(flagged) == plan(flagged, rules, NOW)


def test_an_event_that_no_rule_names_makes_no_runs(rules: RuleSet) -> None:
    assert () == plan(event(type="job.completed"), rules, NOW).runs


def test_equal_keys_give_equal_digests_and_other_keys_others(rules: RuleSet) -> None:
    def once(email: Any) -> Any:
        return plan(event({"customer": {"email": email}}), rules, NOW).runs[0].once

    same, again, other = once("maya@example.org"), once("maya@example.org"), once("ana@example.org")
    assert (same, 24 * 3600.0) == (again, same[1])
    assert same[0] != other[0]
    assert once(17) == once(17.0) == once(1.7e1)
    assert once([{"a": 1, "b": 2.0}]) == once([{"b": 2, "a": 1.0}])
    assert 4 == len({once(17), once("17"), once(17.5), once(True)})


@pytest.mark.parametrize("data", [{}, {"customer": None}, {"customer": {"email": ""}}])
def test_without_a_key_once_per_holds_nothing_back(rules: RuleSet, data: Any) -> None:
    assert plan(event(data), rules, NOW).runs[0].once is None


def test_a_paused_connection_makes_held_runs_with_the_reason(rules: RuleSet) -> None:
    made = plan(event(), rules, NOW, {"office": "its connection is paused"}.get)
    assert [("held", "its connection is paused"), ("waiting", None)] == [(run.state, run.reason) for run in made.runs]


# --- normalize ---


class Fickle:
    """A source that reads a receipt as the tests want it to."""

    def __init__(self, drafts: list[Draft] | Exception) -> None:
        self._drafts = drafts
        self.paths = {"": frozenset({"POST"})}
        self.media_types = frozenset({""})
        self.kept_headers: frozenset[bytes] = frozenset()

    def is_ping(self, request: Inbound) -> bool:
        return False

    def verify(self, request: Inbound) -> None:
        return None

    def read(self, request: Inbound) -> Reading:
        return Reading()

    def normalize(self, receipt: Receipt) -> list[Draft]:
        if isinstance(self._drafts, Exception):
            raise self._drafts
        return self._drafts

    def answer(self, request: Inbound, outcome: Outcome) -> Reply | None:
        return None


def receipt(events: int = 2, body: bytes = b'[{"a":1},{"a":2}]') -> Receipt:
    return Receipt(new_id("rcp"), "any", "webhook", NOW, "accepted", body=body, events=events)


DRAFT = Draft("lead.created", "post", {"a": 1}, {"a": 1}, "lead/1")


def test_events_take_their_ids_and_instants_from_the_receipt() -> None:
    given = receipt()
    made = normalize(given, Fickle([DRAFT, Draft("x.y", "x.y", {}, {}, time=NOW - timedelta(days=1))]))
    assert [event_id(given.id, 0), event_id(given.id, 1)] == [one.id for one in made]
    assert [NOW, NOW - timedelta(days=1)] == [one.time for one in made]
    assert {(given.id, "any", "webhook", NOW)} == {
        (one.receipt, one.source, one.vendor, one.received_at) for one in made
    }


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (None, "not configured any more"),
        (Fickle(RuntimeError("Maya Ortiz")), "RuntimeError"),
        (Fickle(RecursionError()), "RecursionError"),
        (Fickle([DRAFT]), "counted as 2 events and read as 1"),
        (Fickle([]), "read as 0"),
    ],
)
def test_what_its_source_cannot_read_is_still_as_many_events_flagged_and_kept(
    source: Fickle | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = normalize(receipt(body=b"\xff\x00 text"), source)
    assert [("webhook.unreadable", "webhook.unreadable")] * 2 == [(one.type, one.vendor_type) for one in made]
    assert all(why in (one.flag or "") for one in made)
    assert all("text" in one.data["text"] for one in made)
    assert "Maya" not in caplog.text + str([one.flag for one in made])
    json.dumps([one.data for one in made])


def test_an_emptied_event_keeps_its_ids_and_nothing_of_the_sender() -> None:
    full = event({"a": "Maya Ortiz"}, subject="customer/Maya", type="Maya")
    emptied = emptied_event(full, "it cannot be stored")
    assert (full.id, full.receipt, "it cannot be stored") == (emptied.id, emptied.receipt, emptied.flag)
    assert "Maya" not in repr(emptied)
