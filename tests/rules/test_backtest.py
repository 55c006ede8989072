"""Backtest: which requests differ between two rules files, event by event, and why."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.events import Event, event_id
from hooks.ports import PastEvent, StepAnswer
from hooks.rules.backtest import Backtest
from tests.rules.rules_world import EVENT, MOMENT, PING, event, load_after_head, rule

JOB = rule(
    "    when: data.total_cents >= 5000\n"
    "    do:\n"
    "      - id: customer\n"
    "        action: home.upsert_customer\n"
    '        with: {customer: "${data.customer}"}\n'
    "      - action: home.create_job\n"
    "        with: {customerId: '${steps.customer.customerId}', title: '${data.description}'}\n"
)


def compared(old: str, new: str, *events: Event | PastEvent, only: str | None = None) -> Backtest:
    backtest = Backtest(load_after_head(old), load_after_head(new), only)
    for each in events or (EVENT,):
        backtest.compare(each if isinstance(each, PastEvent) else PastEvent(each))
    return backtest


def fields(backtest: Backtest) -> list[tuple[str, Any, Any]]:
    return [(each.path, each.old, each.new) for change in backtest.changes for each in change.fields]


def numbered(index: int, **changes: Any) -> Event:
    id = event_id(EVENT.receipt, index)
    return event(id=id, received_at=MOMENT + timedelta(minutes=index), **changes)


def test_the_same_file_makes_no_difference() -> None:
    backtest = compared(JOB, JOB)

    assert {"same": 1, "added": 0, "removed": 0, "changed": 0} == backtest.summary
    assert [] == backtest.changes


def test_a_changed_field_is_told_with_both_values() -> None:
    backtest = compared(JOB, JOB.replace("title: '${data.description}'", "title: 'Job ${data.id}', urgent: true"))

    assert {
        "summary": {"same": 0, "added": 0, "removed": 0, "changed": 1},
        "events": [
            {
                "event": EVENT.id,
                "rule": "one",
                "change": "changed",
                "fields": [
                    {"path": "step2.body.title", "old": "Drain", "new": "Job job_41"},
                    {"path": "step2.body.urgent", "old": None, "new": True},
                ],
            }
        ],
        "answers": {"recorded": 0, "placeholders": 1},
        "moved": {},
        "open": {},
        "untimed": {},
    } == backtest.as_json()


def test_a_rule_that_no_longer_matches_is_removed_and_the_other_way_round_added() -> None:
    narrow = JOB.replace("5000", "50000")

    removed, added = compared(JOB, narrow), compared(narrow, JOB)

    assert (["removed"], ["added"]) == (
        [change.effect for change in removed.changes],
        [change.effect for change in added.changes],
    )
    assert ["customer", "step2"] == [path for path, _, _ in fields(added)]
    assert [(None, "home.upsert_customer"), (None, "home.create_job")] == [
        (old, new["action"]) for _, old, new in fields(added)
    ]
    assert [new for _, _, new in fields(added)] == [old for _, old, _ in fields(removed)]


def test_a_rule_of_another_name_is_one_removed_and_one_added() -> None:
    backtest = compared(JOB, JOB.replace("id: one", "id: two"))

    assert {"two": "added", "one": "removed"} == {change.rule: change.effect for change in backtest.changes}
    assert ["two"] == [change.rule for change in compared(JOB, JOB.replace("id: one", "id: two"), only="two").changes]


def test_another_address_method_or_account_is_a_change_too() -> None:
    ping = rule(PING)
    moved = "  web: {vendor: http, base_url: 'https://example.org'}\n"
    header = "    do: [{action: http.request, with: {path: /x, headers: {X-One: a}}}]\n"

    other_step = compared(
        ping, rule("    do: [{id: p, action: home.ping}, {action: home.create_lead, with: {last_name: x}}]\n")
    )
    headers = compared(moved + rule(header), moved + rule(header.replace("X-One: a", "X-One: b")))
    address = compared(moved + rule(header), moved.replace("example.org", "other.example.org") + rule(header))

    assert ["p", "step2", "step1"] == [path for path, _, _ in fields(other_step)]
    assert ["step1.body.headers['X-One']", "step1.headers['X-One']"] == [path for path, _, _ in fields(headers)]
    assert [("step1.url", "https://example.org/", "https://other.example.org/")] == fields(address)


def test_an_error_is_a_change() -> None:
    broken = JOB.replace("customerId: '${steps.customer.customerId}'", "customerId: '${raw.nobody}'")

    ((step, _, new), (path, old, error)) = fields(compared(JOB, broken))

    assert ("step2", None) == (step, new)
    assert ("error", None, "required field 'customerId' came out empty (raw.nobody is missing)") == (path, old, error)


def test_a_flagged_event_makes_nothing_on_either_side() -> None:
    assert {} == compared(JOB, JOB, event(flag="not ours")).rules


# --- answers of earlier steps ---


def answered(rule: str = "one", step: str = "customer", action: str = "home.upsert_customer") -> PastEvent:
    return PastEvent(
        EVENT, (StepAnswer("zero", "x", action, {"customerId": 1}), StepAnswer(rule, step, action, {"customerId": 7}))
    )


def job_bodies(past: PastEvent) -> list[Any]:
    """The customerId of the job that each side makes, by letting them differ in it."""
    other = JOB.replace("'${steps.customer.customerId}'", "5")
    return [(old, new) for _, old, new in fields(compared(JOB, other, past))]


def test_recorded_answers_are_used() -> None:
    assert [
        ("https://home.example.org/api/customers/7/jobs", "https://home.example.org/api/customers/5/jobs"),
        (7, 5),
    ] == job_bodies(answered())


@pytest.mark.parametrize(
    "past", [answered(step="renamed"), answered(rule="renamed", step="renamed")], ids=["step", "rule"]
)
def test_answers_to_the_same_action_are_used_when_names_have_changed(past: PastEvent) -> None:
    assert (7 if past.answers[1].rule == "one" else 1, 5) == job_bodies(past)[1]


def test_without_an_answer_a_placeholder_stands_for_it_and_is_counted() -> None:
    assert ("<steps.customer.customerId>", 5) == job_bodies(answered(action="home.ping"))[1]
    recorded, unknown = compared(JOB, JOB, answered()), compared(JOB, JOB)
    assert [(1, 0), (0, 1)] == [(each.recorded, each.stood_in) for each in (recorded, unknown)]


def test_a_step_that_is_only_renamed_makes_no_difference() -> None:
    renamed = JOB.replace("id: customer", "id: person").replace("steps.customer", "steps.person")

    assert {"same": 1, "added": 0, "removed": 0, "changed": 0} == compared(JOB, renamed).summary


# --- once_per ---

ONCE = rule("    once_per: data.customer.phone\n    once_within: 10m\n" + PING)


def test_once_per_holds_within_the_range_on_both_sides() -> None:
    events = [numbered(index) for index in (0, 5, 9, 10, 15, 21)]

    longer = compared(ONCE, ONCE.replace("10m", "1h"), *events)
    without = compared(ONCE, rule(PING), *events)

    assert {"same": 1, "added": 0, "removed": 2, "changed": 0} == longer.summary
    assert [events[3].id, events[5].id] == [change.event for change in longer.changes]
    assert {"same": 3, "added": 3, "removed": 0, "changed": 0} == without.summary


def test_a_key_that_is_empty_or_cannot_be_worked_out_holds_nothing_back() -> None:
    events = [numbered(index, data={"customer": {}}) for index in range(3)]
    broken = ONCE.replace("data.customer.phone", "raw.total > 5")

    assert 3 == compared(ONCE, ONCE, *events).summary["same"]
    assert 3 == compared(broken, broken, *events).summary["same"]


# --- keys of time ---


def timed(old: str, new: str, *events: Event, minutes: float = 600, **more: Any) -> Backtest:
    backtest = Backtest(load_after_head(rule(old + PING)), load_after_head(rule(new + PING)), **more)
    for each in events:
        backtest.compare(PastEvent(each))
    backtest.finish(MOMENT + timedelta(minutes=minutes))
    return backtest


def effects(backtest: Backtest, *events: Event) -> str:
    """For each event what becomes of it: + - or = for added, removed and same, . for nothing."""
    found = {change.event: {"added": "+", "removed": "-", "changed": "~"}[change.effect] for change in backtest.changes}
    return "".join(found.get(each.id, ".") for each in events)


def test_a_throttle_that_skips_removes_what_comes_too_fast() -> None:
    events = [numbered(index) for index in (0, 1, 2, 5, 6, 7)]
    backtest = timed("", "    throttle: {max: 2, per: 5m, over: skip}\n", *events)
    assert "..-..-" == effects(backtest, *events)
    assert {"same": 4, "added": 0, "removed": 2, "changed": 0} == backtest.summary


def test_a_throttle_that_queues_sends_the_same_later() -> None:
    events = [numbered(index) for index in range(4)]
    backtest = timed("", "    throttle: {max: 1, per: 10m}\n", *events)
    assert (4, []) == (backtest.summary["same"], backtest.changes)
    assert {"one": {"runs": 3, "seconds": 27 * 60}} == backtest.as_json()["moved"]


@pytest.mark.parametrize(("keep", "expected"), [("last", "--.-."), ("first", ".--.-")])
def test_a_debounce_keeps_one_of_many(keep: str, expected: str) -> None:
    events = [numbered(index) for index in (0, 1, 2, 30, 31)]
    key = f"    debounce: {{by: data.id, wait: 5m, keep: {keep}}}\n"
    assert expected == effects(timed("", key, *events), *events)
    assert expected.replace("-", "+") == effects(timed(key, "", *events), *events)
    assert {"same": 2, "added": 0, "removed": 0, "changed": 0} == timed(key, key, *events).summary


def test_an_alarm_is_given_where_what_was_expected_did_not_come_in_time() -> None:
    key = "    expect: {event: lead.created, by: data.id, within: 10m}\n"
    jobs = [numbered(index, data={"id": index}) for index in (0, 20, 40, 100)]
    leads = [numbered(index, type="lead.created", data={"id": id}) for index, id in ((10, 0), (31, 20), (39, 40))]
    events = sorted([*jobs, *leads], key=lambda each: each.received_at)
    backtest = timed("", key, *events, minutes=105)
    assert "-..." == effects(backtest, *jobs)
    assert ({"same": 2, "added": 0, "removed": 1, "changed": 0}, {"one": 1}) == (backtest.summary, backtest.open)
    part = timed("", key, *events, minutes=105, whole=False)
    assert (4, {"one": ["expect"]}, {}) == (part.summary["same"], part.untimed, part.open)


def test_opening_hours_and_a_delay_send_the_same_later() -> None:
    calendar = "calendars: {office: {zone: UTC, hours: {mon-sun: '15:00-18:00'}}}\n"
    events = [numbered(0), numbered(90)]
    old, new = (load_after_head(calendar + rule(keys + PING)) for keys in ("    delay: 1m\n", "    within: office\n"))
    backtest = Backtest(old, new)
    for each in events:
        backtest.compare(PastEvent(each))
    assert {"one": {"runs": 2, "seconds": 56 * 60 + 49}} == backtest.as_json()["moved"]
    assert 2 == backtest.summary["same"]


# --- whatever the events ---

values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 20_000) | st.text("ab -~", max_size=4) | st.floats(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["phone", "last_name"]), inner),
    max_leaves=4,
)
data = st.dictionaries(st.sampled_from(["total_cents", "description", "customer", "tags", "id"]), values)
types = st.sampled_from(["job.completed", "job.canceled", "lead.created", "other"])
MANY = (
    JOB
    + ONCE.replace("rules:\n", "").replace("id: one", "id: two")
    + rule("    when: data.tags contains 'a' or data.total_cents > 7\n    do:\n"
           "      - {action: home.create_lead, if: data.id != 'a', with: {last_name: '${data.customer.last_name}'}}\n"
           "    fallback: [{action: home.create_lead, with: {last_name: '${error.message}'}}]\n")
    .replace("rules:\n", "").replace("id: one", "id: three").replace("job.completed", "'*'")
)  # fmt: skip


@given(st.lists(st.tuples(types, data), min_size=1, max_size=8))
def test_a_file_against_itself_never_differs(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    events = [numbered(index, type=type, data=each) for index, (type, each) in enumerate(drawn)]

    backtest = compared(MANY, MANY, *events)

    assert [] == backtest.changes
    assert len(events) == backtest.events


@given(st.lists(data, min_size=1, max_size=6))
def test_the_other_way_round_added_is_removed(drawn: list[dict[str, Any]]) -> None:
    events = [numbered(index, data=each) for index, each in enumerate(drawn)]
    there, back = compared(MANY, JOB, *events), compared(JOB, MANY, *events)

    assert (there.summary["added"], there.summary["removed"]) == (back.summary["removed"], back.summary["added"])
    assert there.summary["changed"] == back.summary["changed"]


def test_edits_name_exactly_the_events_that_an_oracle_names() -> None:
    """Forty edits of a limit, a word and a title; what each must touch is worked out without the rule language."""
    chance = random.Random(20260504)
    events = [
        numbered(index, data={"id": f"job_{index}", "total_cents": chance.randrange(0, 20_000),
                              "description": chance.choice(["Drain", "Filter", "Heater"])})
        for index in range(120)
    ]  # fmt: skip
    form = "    when: [data.total_cents >= {limit}, data.description != '{word}']\n" + (
        "    do: [{{action: home.create_job, with: {{customerId: 1, title: '{title}'}}}}]\n"
    )

    def acts(edit: dict[str, Any], each: Event) -> bool:
        return bool(each.data["total_cents"] >= edit["limit"] and each.data["description"] != edit["word"])

    for _ in range(40):
        old, new = (
            {
                "limit": chance.randrange(0, 20_000, 500),
                "word": chance.choice(["Drain", "Filter", "None"]),
                "title": chance.choice(["a", "a", "b"]),
            }
            for _ in range(2)
        )
        expected = {}
        for each in events:
            before, after = acts(old, each), acts(new, each)
            if before != after:
                expected[each.id] = "added" if after else "removed"
            elif before and old["title"] != new["title"]:
                expected[each.id] = "changed"

        backtest = compared(rule(form.format(**old)), rule(form.format(**new)), *events)

        assert expected == {change.event: change.effect for change in backtest.changes}


@pytest.mark.slow
def test_ten_thousand_events_take_less_than_half_a_minute() -> None:
    events = [
        PastEvent(numbered(index, data={**EVENT.data, "total_cents": index % 9000}), answered().answers)
        for index in range(10_000)
    ]
    began = time.perf_counter()

    backtest = compared(MANY, MANY.replace("5000", "6000"), *events)

    assert time.perf_counter() - began < 30
    assert 10_000 == backtest.events
    assert backtest.changes
