"""Opening hours: when a rule with ``within`` may begin. Pure; the caller says what time it is.

Hours are those of the wall clock in the calendar's zone. On the days on which clocks change: an hour that the clock
skips is not there, so what opens in it opens when the clock has jumped; an hour that it repeats counts twice, so what
opens in it opens the first time, and what closes in it closes the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MAX_DAYS = 800
"""How far an opening is looked for, in days."""

MAX_DAYS_AHEAD = 4000
"""How far it is counted for how long it is open, in days: longer than the longest duration there is."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From one minute of a day to another, both counted from its midnight; past 1,440 it ends on the next day."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """``hours`` are those of each weekday, Monday first. ``special`` days have their own, none when closed.

    ``yearly`` are days that are closed every year, as month and day.
    """

    name: str
    zone: ZoneInfo
    hours: tuple[tuple[Span, ...], ...]
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    yearly: frozenset[tuple[int, int]] = frozenset()

    def next_open(self, at: datetime) -> datetime | None:
        """The first instant from ``at`` on at which it is open, UTC: ``at`` itself when it is open then.

        None when it does not open within `MAX_DAYS`.
        """
        at = at.astimezone(UTC)
        try:
            day = at.astimezone(self.zone).date() - _DAY  # yesterday's hours may last until today
            for _ in range(MAX_DAYS):
                for opens, closes in self._spans(day):
                    if at < closes:
                        return max(at, opens)
                day += _DAY
        except OverflowError:
            return None
        return None

    def after(self, at: datetime, seconds: float) -> datetime | None:
        """The instant at which it will have been open for so many seconds since ``at``, UTC; None when that is never.

        Hours that overlap count once.
        """
        reached, left = at.astimezone(UTC), timedelta(seconds=seconds)
        try:
            day = reached.astimezone(self.zone).date() - _DAY
            for _ in range(MAX_DAYS_AHEAD):
                for opens, closes in self._spans(day):
                    begins = max(opens, reached)
                    if closes - begins >= left:
                        return begins + left
                    if closes > begins:
                        left -= closes - begins
                        reached = closes
                day += _DAY
        except OverflowError:
            return None
        return None

    def is_open(self, at: datetime) -> bool:
        return self.next_open(at) == at

    def local(self, at: datetime) -> str:
        """An instant as the clock there shows it: ``Mon 2026-05-04 08:00``."""
        there = at.astimezone(self.zone)
        return f"{DAYS[there.weekday()].title()} {there:%Y-%m-%d %H:%M}"

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """When it opens and closes on a day, in order."""
        spans = self.special.get(day)
        if spans is None:
            spans = () if (day.month, day.day) in self.yearly else self.hours[day.weekday()]
        for span in spans:
            midnight = datetime.combine(day, time.min)
            opens = _first(midnight + timedelta(minutes=span.start), self.zone)
            closes = _last(midnight + timedelta(minutes=span.end), self.zone)
            if opens < closes:
                yield opens, closes


@dataclass(frozen=True, slots=True)
class Within:
    """The key ``within`` of a rule: its calendar, and the line it stands on."""

    calendar: Calendar
    line: int

    def told(self, at: datetime) -> str:
        """What becomes of a run that would begin then, as the end of a sentence."""
        calendar = self.calendar
        opens = calendar.next_open(at)
        if opens is None:
            return f"{calendar.name} does not open any more: the run is held"
        if opens == at:
            return f"{calendar.name} is open ({calendar.local(at)})"
        there = f"({calendar.zone.key})"
        return f"{calendar.name} is closed ({calendar.local(at)}): it waits until {calendar.local(opens)} {there}"


def _first(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows this, or has passed it by jumping."""
    early = wall.replace(tzinfo=zone).astimezone(UTC)
    return early if _shows(early, wall, zone) else _jump(wall, zone)


def _last(wall: datetime, zone: ZoneInfo) -> datetime:
    """The last instant at which the clock shows this, or that of the jump in which it passed it."""
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return late if _shows(late, wall, zone) else _jump(wall, zone)


def _shows(at: datetime, wall: datetime, zone: ZoneInfo) -> bool:
    return at.astimezone(zone).replace(tzinfo=None) == wall


def _jump(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clock jumps over a time that it never shows."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
