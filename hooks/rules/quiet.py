"""How long a source may be quiet: ``quiet_after`` and ``quiet_within``. Pure; the caller says what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hooks.rules.calendar import Calendar
from hooks.values import show_duration


@dataclass(frozen=True, slots=True)
class Quiet:
    """``after`` seconds without anything of the sender, counted in the hours of the calendar where there is one."""

    after: float
    calendar: Calendar | None = None

    def due(self, since: datetime) -> datetime | None:
        """From when on a source is quiet that was heard last at this time; None when it never is."""
        if self.calendar is not None:
            return self.calendar.after(since, self.after)
        return since + timedelta(seconds=self.after)

    def is_over(self, since: datetime, now: datetime) -> bool:
        """Whether a source is quiet now that was heard last at this time."""
        due = self.due(since)
        return due is not None and due <= now

    def __str__(self) -> str:
        """As the rules file says it: ``2d``, ``20h within office_hours``."""
        within = "" if self.calendar is None else f" within {self.calendar.name}"
        return f"{show_duration(self.after)}{within}"
