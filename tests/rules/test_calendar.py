"""Opening hours, on ordinary days and on those on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hooks.rules.calendar import Calendar, Span

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",  # no summer time
    "America/St_Johns",  # half an hour off
    "Europe/Dublin",  # winter time is the exception there
    "Australia/Lord_Howe",  # clocks change by half an hour
    "Pacific/Apia",  # a day was skipped in 2011
    "America/Havana",  # clocks change at midnight
    "Africa/Casablanca",
    "UTC",
)


def calendar(zone: str, *spans: tuple[int, int], **more: object) -> Calendar:
    """The same hours every day."""
    made = tuple(Span(*span) for span in spans)
    return Calendar("hours", ZoneInfo(zone), (made,) * 7, **more)  # type: ignore[arg-type]


def weekdays(zone: str = "America/New_York", **more: object) -> Calendar:
    day = (Span(8 * 60, 18 * 60),)
    return Calendar("hours", ZoneInfo(zone), (day, day, day, day, day, (), ()), **more)  # type: ignore[arg-type]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-05-04T07:59:59-04:00", "2026-05-04T08:00-04:00"),
        ("2026-05-04T08:00-04:00", "2026-05-04T08:00-04:00"),
        ("2026-05-04T17:59:59-04:00", "2026-05-04T17:59:59-04:00"),
        ("2026-05-04T18:00-04:00", "2026-05-05T08:00-04:00"),
        ("2026-05-08T18:00-04:00", "2026-05-11T08:00-04:00"),  # Friday evening
        ("2026-03-06T20:00-05:00", "2026-03-09T08:00-04:00"),  # clocks go forward on the Sunday between
        ("2026-10-30T20:00-04:00", "2026-11-02T08:00-05:00"),  # clocks go back on the Sunday between
    ],
)
def test_outside_hours_the_next_opening_is_waited_for(moment: str, opens: str) -> None:
    assert at(opens) == weekdays().next_open(at(moment))


def test_holidays_are_closed_and_special_days_have_their_own_hours() -> None:
    hours = weekdays(
        special={date(2026, 11, 26): (), date(2026, 11, 28): (Span(540, 720),)}, yearly=frozenset({(12, 25)})
    )
    assert at("2026-11-27T08:00-05:00") == hours.next_open(at("2026-11-25T18:00-05:00"))
    assert at("2026-11-28T09:00-05:00") == hours.next_open(at("2026-11-27T18:00-05:00"))
    assert at("2026-12-28T08:00-05:00") == hours.next_open(at("2026-12-24T18:00-05:00"))
    assert at("2030-12-26T08:00-05:00") == hours.next_open(at("2030-12-25T09:00-05:00"))


def test_hours_can_last_over_midnight() -> None:
    night = calendar("America/Chicago", (18 * 60, 30 * 60))
    assert night.is_open(at("2026-05-05T02:00-05:00"))
    assert at("2026-05-05T18:00-05:00") == night.next_open(at("2026-05-05T06:00-05:00"))


def test_what_opens_in_a_skipped_hour_opens_when_the_clock_has_jumped() -> None:
    hours = calendar("America/New_York", (150, 300))  # 02:30 to 05:00
    assert at("2026-03-08T03:00-04:00") == hours.next_open(at("2026-03-08T01:00-05:00"))
    assert at("2026-03-09T02:30-04:00") == hours.next_open(at("2026-03-08T05:00-04:00"))


def test_what_lies_within_a_skipped_hour_is_not_there_that_day() -> None:
    hours = calendar("America/New_York", (130, 170))
    assert at("2026-03-09T02:10-04:00") == hours.next_open(at("2026-03-08T00:00-05:00"))


def test_a_repeated_hour_counts_twice() -> None:
    hours = calendar("America/New_York", (90, 100))  # 01:30 to 01:40, which comes twice on this day
    assert at("2026-11-01T01:30-04:00") == hours.next_open(at("2026-11-01T00:00-04:00"))
    assert hours.is_open(at("2026-11-01T01:39-05:00"))
    assert not hours.is_open(at("2026-11-01T01:40-05:00"))


def test_a_day_that_a_zone_skipped_has_no_hours() -> None:
    hours = calendar("Pacific/Apia", (0, 1440))
    assert hours.is_open(at("2011-12-29T23:59-10:00"))
    assert hours.is_open(at("2011-12-31T00:00+14:00"))
    only = Calendar("hours", ZoneInfo("Pacific/Apia"), ((),) * 7, special={date(2011, 12, 30): (Span(0, 1440),)})
    assert only.next_open(at("2011-12-28T00:00-10:00")) is None


def test_what_never_opens_says_so() -> None:
    assert calendar("UTC").next_open(at("2026-05-04T00:00Z")) is None
    assert weekdays().next_open(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) is None


def test_a_moment_is_shown_as_the_clock_there_shows_it() -> None:
    assert "Mon 2026-05-04 08:00" == weekdays().local(at("2026-05-04T12:00Z"))


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    one = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda pair: (pair[0], pair[0] + pair[1]))
    return st.lists(one, min_size=1, max_size=3).map(sorted)


CHANGES = [
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2026, 3, 8, 5, tzinfo=UTC),
    datetime(2026, 2, 15, 2, tzinfo=UTC),
]
"""Instants around which some of the zones change their clocks."""

moments = st.builds(
    lambda base, minutes: base + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-3000, 3000)
)


def is_open_by_the_wall_clock(hours: Calendar, moment: datetime) -> bool:
    """Another way to tell, which knows nothing of instants: what the clock shows lies between two times of it."""
    wall = moment.astimezone(hours.zone).replace(tzinfo=None)
    for back in (0, 1, 2):
        midnight = datetime.combine(wall.date(), datetime.min.time()) - timedelta(days=back)
        for span in hours.hours[midnight.weekday()]:
            if midnight + timedelta(minutes=span.start) <= wall < midnight + timedelta(minutes=span.end):
                return True
    return False


def is_shown_twice(hours: Calendar, moment: datetime) -> bool:
    there = moment.astimezone(hours.zone)
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()


@given(st.sampled_from(ZONES), spans(), moments)
@example("America/New_York", [(150, 300)], datetime(2026, 3, 8, 7, tzinfo=UTC))
def test_it_is_open_when_the_clock_on_the_wall_says_so(
    zone: str, hours: list[tuple[int, int]], moment: datetime
) -> None:
    made = calendar(zone, *hours)
    assume(not is_shown_twice(made, moment))
    assert is_open_by_the_wall_clock(made, moment) == made.is_open(moment)


@given(st.sampled_from(ZONES), spans(), moments, st.floats(0, 1))
def test_the_next_opening_is_open_and_nothing_before_it_is(
    zone: str, hours: list[tuple[int, int]], moment: datetime, share: float
) -> None:
    made = calendar(zone, *hours)
    opens = made.next_open(moment)
    assert opens is not None
    assert opens >= moment
    assert made.is_open(opens)
    between = moment + (opens - moment) * share
    assert between >= opens or not made.is_open(between)
    assert opens - moment <= timedelta(days=2)


@pytest.mark.parametrize(
    ("since", "hours", "until"),
    [
        ("2026-05-04T09:00-04:00", 2, "2026-05-04T11:00-04:00"),
        ("2026-05-04T16:00-04:00", 3, "2026-05-05T09:00-04:00"),
        ("2026-05-08T17:00-04:00", 2, "2026-05-11T09:00-04:00"),  # the weekend is not counted
        ("2026-05-09T12:00-04:00", 10, "2026-05-11T18:00-04:00"),
        ("2026-03-06T17:00-05:00", 11, "2026-03-09T18:00-04:00"),  # nor the hour that the clocks skip in it
    ],
)
def test_it_is_known_until_when_it_has_been_open_for_so_long(since: str, hours: int, until: str) -> None:
    assert at(until) == weekdays().after(at(since), hours * 3600)


def test_what_never_opens_any_more_is_never_open_for_long() -> None:
    christmas = {date(2026, 12, 25): (Span(0, 60),)}
    once = Calendar("hours", ZoneInfo("UTC"), ((),) * 7, special=christmas)
    assert at("2026-12-25T00:30+00:00") == once.after(at("2026-05-04T00:00+00:00"), 1800)
    assert once.after(at("2026-05-04T00:00+00:00"), 3601) is None
    assert once.after(datetime(9999, 12, 31, tzinfo=UTC), 1) is None


@given(st.sampled_from(ZONES), st.integers(0, 800 * 86400), st.integers(1, 200_000))
def test_time_that_is_open_adds_up(zone: str, later: int, seconds: int) -> None:
    """Over midnight and over each other, the hours count once; two stretches are as long as one of both."""
    always = calendar(zone, (8 * 60, 30 * 60), (0, 7 * 60))
    since = at("2025-01-01T00:00+00:00") + timedelta(seconds=later)
    first = always.after(since, seconds)
    assert first is not None
    assert always.after(first, seconds) == always.after(since, 2 * seconds)
    assert first - since >= timedelta(seconds=seconds)
    day_and_night = calendar(zone, (0, 24 * 60))
    assert since + timedelta(seconds=seconds) == day_and_night.after(since, seconds)
