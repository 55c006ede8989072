"""`calendars` and `within`: what a file may say, and when a rule begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from hooks.events import Event
from hooks.rules import explain
from hooks.rules.cases import PlacedCase
from hooks.rules.describe import describe_rules, sentences_text
from hooks.rules.given import changed, event_of
from hooks.rules.ruleset import Rule
from hooks.rules.trial import try_case
from tests.rules.rules_world import CATALOGUE, PING, event, load_after_head, messages_after_head, rule

CALENDARS = """\
calendars:
  office:
    zone: America/New_York
    hours:
      mon-thu: 08:00-18:00
      fri: [8:00-12:00, "13:00-17:00"]
      sat: closed
    holidays: [2026-05-25, 2026-12-24..2026-12-26, 01-01]
    special: {2026-07-03: 08:00-10:00}
  nights: {zone: America/New_York, hours: {fri-mon: "18:00-06:00"}, holidays: 2026-07-04}
"""
NO_ZONE = "3:11 this is not a time zone = did you mean 'America/New_York'?"
RULES = CALENDARS + rule("    within: office\n" + PING)


def begins(moment: str, text: str = RULES) -> str | None:
    at = load_after_head(text).rules[0].begins(datetime.fromisoformat(moment))
    return None if at is None else at.isoformat()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-05-04T14:00:00+00:00", "2026-05-04T14:00:00+00:00"),
        ("2026-05-08T16:30:00+00:00", "2026-05-08T17:00:00+00:00"),  # Friday's lunch
        ("2026-05-08T21:00:00+00:00", "2026-05-11T12:00:00+00:00"),  # after Friday's hours
        ("2026-05-22T22:00:00+00:00", "2026-05-26T12:00:00+00:00"),  # Memorial Day is a holiday
        ("2026-07-03T15:00:00+00:00", "2026-07-06T12:00:00+00:00"),  # its own hours have ended
        ("2026-12-23T23:30:00+00:00", "2026-12-28T13:00:00+00:00"),
        ("2029-01-01T15:00:00+00:00", "2029-01-02T13:00:00+00:00"),
    ],
)
def test_a_run_outside_hours_begins_with_the_next_ones(moment: str, expected: str) -> None:
    assert expected == begins(moment)


def test_hours_over_midnight_and_days_over_the_end_of_the_week() -> None:
    text = CALENDARS + rule("    within: nights\n" + PING)
    assert "2026-05-05T09:00:00+00:00" == begins("2026-05-05T09:00:00+00:00", text)  # Monday's night
    assert "2026-05-08T22:00:00+00:00" == begins("2026-05-05T10:00:00+00:00", text)
    assert "2026-07-05T22:00:00+00:00" == begins("2026-07-04T12:00:00+00:00", text)


def test_a_delay_ends_before_the_hours_are_asked() -> None:
    text = CALENDARS + rule("    within: office\n    delay: 1h\n" + PING)
    assert "2026-05-05T12:00:00+00:00" == begins("2026-05-04T21:30:00+00:00", text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("zone: America/New_York\n", "zone: New York\n"), NO_ZONE),
        (("America/New_York\n", "America/NewYork\n"), NO_ZONE),
        (("mon-thu:", "monday:"), "5:7 'monday' is not a day of the week = write mon"),
        (("mon-thu:", "mon-thr:"), "5:7 'mon-thr' is not a day of the week = did you mean 'thu'?"),
        (
            ("mon-thu:", "mon-fri:"),
            "6:7 the hours of 'fri' are given twice = name each day once; a day with a break has a list",
        ),
        (("08:00-18:00", "8-18"), "5:16 these are not opening hours = such as 08:00-18:00, or a list: "
                                   "[08:00-12:00, 13:00-17:00]"),
        (("08:00-18:00", "08:00-18:75"), "5:16 there is no such time of day = times go from 00:00 to 24:00"),
        (("08:00-18:00", "08:00-08:00"), "5:16 it closes when it opens = 00:00-24:00 is the whole day"),
        (('"13:00-17:00"', '"11:00-17:00"'), "6:25 these hours overlap with others of the same day = make them one: "
                                            "08:00-18:00"),
        (("2026-05-25", "2026-02-30"), "8:16 this is not a day of the calendar = such as 2026-12-25, "
                                       "2026-12-24..2026-12-26, or 12-25 for every year"),
        (("2026-12-26,", "2025-12-26,"), "8:28 the last day comes before the first, or is years away = such as "
                                         "2026-12-24..2026-12-26"),
        (("2026-07-03:", "07-03:"), "9:15 this is not a day of the calendar = such as 2026-12-25"),
        (("within: office", "within: ofice"), "14:13 unknown calendar 'ofice' = did you mean 'office'?"),
        (("hours:\n", "hour:\n"), None),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_calendar_is_found_at_its_place(change: tuple[str, str], message: str | None) -> None:
    found = messages_after_head(RULES.replace(*change, 1))
    if message is None:
        assert "4:5 unknown key 'hour' = did you mean 'hours'?" in found
    else:
        assert [message] == found


def test_a_calendar_that_never_opens_is_refused() -> None:
    text = "calendars:\n  never: {zone: UTC, hours: {mon: closed}}\n" + rule("    within: never\n" + PING)
    assert ["2:22 it never opens = say when: mon-fri: 08:00-18:00"] == messages_after_head(text)


def test_explain_says_until_when_the_run_would_wait() -> None:
    rules = load_after_head(RULES)
    told = explain(rules, event(received_at=datetime(2026, 5, 9, 12, tzinfo=UTC)))["rules"][0]["timing"]
    assert [
        "only within office; office is closed (Sat 2026-05-09 08:00): "
        "it waits until Mon 2026-05-11 08:00 (America/New_York)"
    ] == [each["text"] for each in told]
    told = explain(rules, event())["rules"][0]["timing"]
    assert ["only within office; office is open (Mon 2026-05-04 10:02)"] == [each["text"] for each in told]


def test_explain_counts_from_when_the_run_is_due() -> None:
    alarm = "    expect: {event: job.canceled, by: data.id, within: 8h}\n"
    rules = load_after_head(CALENDARS + rule("    within: office\n" + alarm + PING))
    (within, _) = explain(rules, event())["rules"][0]["timing"]
    assert "(Mon 2026-05-04 18:02): it waits until Tue 2026-05-05 08:00" in within["text"]


def test_the_description_names_the_calendar() -> None:
    told = sentences_text(describe_rules(load_after_head(RULES), CATALOGUE))
    assert "only within office (by the clock of America/New_York); outside it waits until that opens," in told


def test_a_test_can_say_when_the_run_begins() -> None:
    cases = """\
    tests:
      - {name: night, given: {event: {received_at: "2026-05-04T23:00:00Z"}}, expect: {begins: "2026-05-05T12:00:00Z"}}
      - {name: day, given: {event: {received_at: "2026-05-04T15:00:00Z"}}, expect: {begins: "2026-05-05T12:00:00Z"}}
"""
    rules = load_after_head(RULES + cases)

    def given(test: PlacedCase, one: Rule) -> Sequence[Event]:
        assert test.case.given.event is not None
        return [changed(event_of(test.case.given.event, one, rules), test.case.given)]

    night, day = (try_case(rules, rules.rules[0], case, given) for case in rules.rules[0].tests)
    assert ("passed", "failed") == (night.verdict, day.verdict)
    assert ("2026-05-05T12:00:00Z", "2026-05-04T15:00:00Z") == (day.failures[0].expected, day.failures[0].found)
