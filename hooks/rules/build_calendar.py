"""From an entry of ``calendars:`` to a `Calendar`: its zone, hours and holidays read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from hooks.rules.calendar import DAYS, Calendar, Span
from hooks.rules.document import Path
from hooks.rules.findings import did_you_mean
from hooks.rules.report import Report, SourceFile

_HOURS = re.compile(r"\s*(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)\s*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_YEARLY = re.compile(r"(\d\d)-(\d\d)")
_MOST_DAYS = 1000
_LIKE = "such as 08:00-18:00, or a list: [08:00-12:00, 13:00-17:00]"
_FULL_NAMES = {
    "monday": "mon", "tuesday": "tue", "wednesday": "wed", "thursday": "thu", "friday": "fri", "saturday": "sat",
    "sunday": "sun", "weekdays": "mon-fri", "weekend": "sat-sun", "daily": "mon-sun",
}  # fmt: skip


class CalendarBuilder:
    """Builds one calendar. What is wrong is in the report."""

    def __init__(self, report: Report, file: SourceFile, path: Path) -> None:
        self._report = report
        self._file = file
        self._path = path
        self._wrong = False

    def build(self, name: str, raw: dict[str, Any]) -> Calendar | None:
        """The calendar, or None when it cannot be used; keys and types have been checked by the format's model."""
        zone = self._zone(raw.get("zone"))
        hours = self._hours(raw.get("hours"))
        special: dict[date, tuple[Span, ...]] = {}
        yearly: set[tuple[int, int]] = set()
        self._holidays(raw.get("holidays"), special, yearly)
        given = raw.get("special")
        for text, value in given.items() if isinstance(given, dict) else ():
            day = self._date((*self._path, "special", text), text, key=True)
            spans = self._spans(("special", text), value)
            if day is not None:
                special[day] = spans
        if not self._wrong and isinstance(raw.get("hours"), dict) and not any(hours) and not any(special.values()):
            self._report.at_key(self._file, (*self._path, "hours"), "it never opens", "say when: mon-fri: 08:00-18:00")
            return None
        return None if zone is None else Calendar(name, zone, hours, special, frozenset(yearly))

    def _zone(self, value: Any) -> ZoneInfo | None:
        if not isinstance(value, str):
            return None
        try:
            return ZoneInfo(value)
        except Exception:
            # zoneinfo raises ValueError, KeyError and several OSErrors for names that are none
            names = available_timezones()
            hint = did_you_mean(value, names) or _city(value, names) or "such as America/New_York"
            self._report.at(self._file, (*self._path, "zone"), "this is not a time zone", hint)
            return None

    # --- hours ---

    def _hours(self, value: Any) -> tuple[tuple[Span, ...], ...]:
        week: list[tuple[Span, ...] | None] = [None] * 7
        for text, hours in value.items() if isinstance(value, dict) else ():
            spans = self._spans(("hours", text), hours)
            for number in self._days((*self._path, "hours", text), text):
                if week[number] is not None:
                    place = (*self._path, "hours", text)
                    told = f"the hours of '{DAYS[number]}' are given twice"
                    self._report.at_key(self._file, place, told, "name each day once; a day with a break has a list")
                week[number] = spans
        return tuple(spans or () for spans in week)

    def _days(self, place: Path, text: str) -> list[int]:
        first, dash, last = (part.strip() for part in text.lower().partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            full = _FULL_NAMES.get(text.lower().strip())
            wrong = first if first not in DAYS else last
            hint = f"write {full}" if full else did_you_mean(wrong, DAYS) or "such as mon, or mon-fri"
            self._wrong = True
            self._report.at_key(self._file, place, f"'{text}' is not a day of the week", hint)
            return []
        begin, end = DAYS.index(first), DAYS.index(last or first)
        return [number % 7 for number in range(begin, (end if end >= begin else end + 7) + 1)]

    def _spans(self, keys: tuple[str, str], value: Any) -> tuple[Span, ...]:
        listed = isinstance(value, list)
        made: list[Span] = []
        for number, text in enumerate(value if listed else [value]):
            place: Path = (*self._path, *keys, number) if listed else (*self._path, *keys)
            span = self._span(place, text)
            if span is not None and any(span.start < other.end and other.start < span.end for other in made):
                self._report.at(
                    self._file, place, "these hours overlap with others of the same day", "make them one: 08:00-18:00"
                )
            elif span is not None:
                made.append(span)
        return tuple(sorted(made, key=lambda span: span.start))

    def _span(self, place: Path, text: Any) -> Span | None:
        if text == "closed":
            return None
        found = _HOURS.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            self._wrong = True
            self._report.at(self._file, place, "these are not opening hours", _LIKE)
            return None
        start, end = (int(found[number]) * 60 + int(found[number + 1]) for number in (1, 3))
        if start >= 1440 or end > 1440 or int(found[2]) > 59 or int(found[4]) > 59:
            self._wrong = True
            self._report.at(self._file, place, "there is no such time of day", "times go from 00:00 to 24:00")
            return None
        if start == end:
            self._wrong = True
            self._report.at(self._file, place, "it closes when it opens", "00:00-24:00 is the whole day")
            return None
        return Span(start, end if end > start else end + 1440)

    # --- days of the year ---

    def _holidays(self, value: Any, special: dict[date, tuple[Span, ...]], yearly: set[tuple[int, int]]) -> None:
        listed = isinstance(value, list)
        for number, text in enumerate(value if listed else [] if value is None else [value]):
            place: Path = (*self._path, "holidays", number) if listed else (*self._path, "holidays")
            every = _YEARLY.fullmatch(text) if isinstance(text, str) else None
            if every is not None:
                if self._date(place, f"2024-{text}") is not None:
                    yearly.add((int(every[1]), int(every[2])))
                continue
            for day in self._days_of(place, text):
                special[day] = ()

    def _days_of(self, place: Path, text: Any) -> Iterator[date]:
        """One day, or all from one to another."""
        first, dots, last = text.partition("..") if isinstance(text, str) else (text, "", "")
        begin = self._date(place, first)
        end = self._date(place, last) if dots else begin
        if begin is None or end is None:
            return
        if not timedelta(0) <= end - begin <= timedelta(days=_MOST_DAYS):
            told = "the last day comes before the first, or is years away"
            self._report.at(self._file, place, told, "such as 2026-12-24..2026-12-26")
            return
        for number in range((end - begin).days + 1):
            yield begin + timedelta(days=number)

    def _date(self, place: Path, text: Any, *, key: bool = False) -> date | None:
        try:
            if isinstance(text, str) and _DATE.fullmatch(text.strip()):
                return date.fromisoformat(text.strip())
        except ValueError:
            pass  # 2026-02-30: told below
        report = self._report.at_key if key else self._report.at
        hint = "such as 2026-12-25" if key else "such as 2026-12-25, 2026-12-24..2026-12-26, or 12-25 for every year"
        report(self._file, place, "this is not a day of the calendar", hint)
        return None


def _city(value: str, names: set[str]) -> str:
    """``New York`` and ``EST`` are no names of zones, but it can be told what was meant."""
    wanted = value.strip().replace(" ", "_").lower()
    for name in sorted(names):
        if name.rpartition("/")[2].lower() == wanted and "/" in name:
            return f"did you mean '{name}'?"
    return ""
