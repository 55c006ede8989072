"""Health: measured, not assumed. What is wrong with a running server, in sentences that say what to do.

``red`` means that something does not happen which should: nothing can be stored, a loop has not turned, work is late,
the books do not balance. ``yellow`` is a warning. Whether the server is *ready* is another question: it is as long
as it can store what comes, whatever vendors do, because a server that is not ready is sent nothing.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from hooks.events import Receipt, utc_text
from hooks.ports import Clock
from hooks.values import show_duration

log = logging.getLogger("hooks.health")

STALLED = 10.0
"""Seconds after which a loop that has not turned counts as stuck."""

NO_COMMIT = 10.0
"""Seconds of requests and no commit."""

LATE = 900.0
"""Seconds that the oldest due run of a connection that works may be late."""

UNREAD = 60.0
"""Seconds that an accepted receipt may wait for its events to be made."""

STALE_IN_A_ROW = 5
"""Webhooks of one source, refused as too old one after the other, before our own clock is doubted."""

REFUSED_IN_A_ROW = 5
"""Webhooks of one source, refused one after the other, before its secret is doubted."""

REFUSED_LATELY = 86400.0
"""Seconds after the latest of them for which that is told: then it was somebody who tried the door, and has gone."""

CROWDED = 300.0
"""Seconds for which it is told that senders were put off because too many came."""

SAFE_SQLITE = (3, 51, 3)
"""Older ones may damage a database that two connections write at once. Ours is written by one."""

Level = Literal["yellow", "red"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, and what to do about it."""

    level: Level
    what: str
    mend: str


class StoreState(Protocol):
    """What is asked of the store."""

    @property
    def broken(self) -> str | None: ...

    @property
    def alone(self) -> bool: ...

    @property
    def crowded(self) -> bool: ...

    @property
    def commits(self) -> int: ...


class Health:
    """What one server knows about itself. Others tell it; it judges when asked."""

    def __init__(self, clock: Clock, store: StoreState) -> None:
        self._clock = clock
        self._store = store
        self._commits = 0
        self._loops: dict[str, Callable[[], float]] = {}
        self._failing_since: float | None = None
        self._stale: dict[str, int] = {}
        self._refused: dict[str, tuple[int, float]] = {}
        self._put_off = self._crowd = 0
        self._put_off_at = float("-inf")
        self.rules_loaded: Callable[[], bool] = lambda: True
        self.file_sound: Callable[[], bool] = lambda: True
        """Whether the rules file could be loaded as it is now."""
        self.behind: Callable[[], tuple[int, str] | None] = lambda: None
        """Which version of the rules others have in force that cannot be loaded here, and why."""
        self.left_alone: Callable[[], Mapping[str, str]] = dict
        """Why connections are left alone until they work again, by name."""
        self.figures: dict[str, Any] = {}
        """Numbers that were measured lately, for stats and metrics."""
        self.notes: dict[str, Finding] = {}
        """Findings of others, by what they are about: each stays until it is taken out."""

    # --- being told ---

    def watch(self, loop: str, turned_at: Callable[[], float]) -> None:
        """Watch a loop that says when it last turned, by the monotonic clock."""
        self._loops[loop] = turned_at

    def took(self, receipt: Receipt) -> None:
        """A receipt was committed."""
        self._failing_since = None
        if receipt.verdict not in ("refused", "ping"):
            self._stale.pop(receipt.source, None)
            self._refused.pop(receipt.source, None)
        elif receipt.verdict == "refused" and receipt.reason != "stale":
            number = self._refused.get(receipt.source, (0, 0.0))[0] + 1
            self._refused[receipt.source] = number, self._clock.monotonic()
            if number == REFUSED_IN_A_ROW:
                log.warning("%s", self._all_refused(receipt.source, number))
        elif receipt.reason == "stale":
            self._stale[receipt.source] = number = self._stale.get(receipt.source, 0) + 1
            if number == STALE_IN_A_ROW:
                log.error("%s", self._too_old(receipt.source))

    def could_not_take(self) -> None:
        """A receipt was refused by the store."""
        if self._failing_since is None:
            self._failing_since, self._commits = self._clock.monotonic(), self._store.commits

    def put_off(self) -> None:
        """A delivery found no room before the store, so its sender is to come again."""
        now = self._clock.monotonic()
        if now - self._put_off_at > CROWDED:
            self._crowd = 0
            log.warning("more webhooks come than this server can store: senders are put off, with Retry-After")
        self._put_off += 1
        self._crowd += 1
        self._put_off_at = now

    @property
    def failing(self) -> bool:
        """Whether the last that was to be committed was not."""
        if self._failing_since is not None and self._store.commits > self._commits:
            self._failing_since = None  # something else was: it works again
        return self._failing_since is not None

    # --- judging ---

    def ready(self) -> bool:
        """Whether this server should be sent webhooks."""
        return not (self._store.broken or self._store.crowded or self._stuck() or self._nothing_committed())

    def findings(self) -> list[Finding]:
        """Everything that is wrong now, the worst first."""
        found = list(self.notes.values())
        if broken := self._store.broken:
            mend = "see docs/operating.md, then restart"
            if not self._store.alone:
                mend = "look at the database and the way to it: this server goes on by itself when it answers"
            found.append(Finding("red", f"nothing can be stored: {broken}", mend))
        elif self._store.crowded:
            what = "too little room is left on the disk: webhooks are put off"
            found.append(Finding("red", what, "make room beside the data folder: it goes on by itself"))
        elif self._nothing_committed():
            found.append(Finding("red", "requests come and nothing is committed", "look at the disk and at the log"))
        found += [
            Finding("red", f"the {loop} has not turned for {show_duration(seconds)}", "restart, and report the log")
            for loop, seconds in self._stuck().items()
        ]
        if not self.rules_loaded():
            what = "no rules are loaded: nothing is acted on"
            found.append(Finding("red", what, "`hooks rules list` says what the server finds wrong in the file"))
        elif not self.file_sound():
            what = "the rules file has a mistake: the rules before it stay in force"
            found.append(Finding("yellow", what, "`hooks rules list` says what the server finds wrong in the file"))
        if (behind := self.behind()) is not None:
            what = (
                f"version {behind[0]} of the rules is in force on other servers and cannot be loaded here: {behind[1]}"
            )
            mend = "give this server the secrets and the release of the others: it goes on by itself"
            found.append(Finding("red", what, mend))
        due, pending = self.figures.get("oldest_due_seconds", 0.0), self.figures.get("oldest_pending_seconds", 0.0)
        if due > LATE:
            what = f"the oldest run that is due has waited for {show_duration(due)}"
            found.append(Finding("red", what, "see `hooks connections list` for a vendor that is slow, or its rate"))
        if pending > UNREAD and self.rules_loaded():
            what = f"the oldest accepted webhook has waited for {show_duration(pending)} to be read"
            found.append(Finding("red", what, "look at the log; is the machine overloaded?"))
        if (ago := self._clock.monotonic() - self._put_off_at) <= CROWDED:
            put_off = "1 was put off" if self._crowd == 1 else f"{self._crowd} were put off, the last one"
            when = f"{show_duration(ago)} ago" if ago >= 1 else "now"
            what = f"more webhooks come than this server can store: {put_off} {when}"
            mend = "look at the disk; who sends them: `hooks top`; limit connections per address in the proxy"
            found.append(Finding("yellow", what, mend))
        found += [
            Finding(
                "yellow",
                f"connection {name!r} is left alone until it works again: {reason}",
                f"nothing of it is lost, it waits: ask what is wrong with `hooks connections test {name}`",
            )
            for name, reason in self.left_alone().items()
        ]
        found += [
            Finding("red", self._too_old(source), "set this machine's clock (NTP)")
            for source, number in self._stale.items()
            if number >= STALE_IN_A_ROW
        ]
        found += [
            Finding(
                "yellow",
                self._all_refused(source, number),
                f"compare its secret with the sender's; `hooks subscriptions doctor --source {source}`, and"
                f" `hooks receipts list --source {source} --verdict refused`",
            )
            for source, (number, at) in self._refused.items()
            if number >= REFUSED_IN_A_ROW and self._clock.monotonic() - at <= REFUSED_LATELY
        ]
        return sorted(found, key=lambda finding: finding.level != "red")

    def report(self, ready: bool) -> dict[str, Any]:
        """For people: the verdict, and every finding."""
        found = self.findings()
        status = "green" if not found else found[0].level
        shown = [{"level": one.level, "what": one.what, "mend": one.mend} for one in found]
        return {"status": status, "ready": ready, "findings": shown, "clock": utc_text(self._clock.now())}

    def stats(self, ready: bool) -> Mapping[str, Any]:
        """Further numbers for `/api/v1/stats` and `/metrics`."""
        now = self._clock.monotonic()
        return {
            "ready": ready,
            "healthy": not any(finding.level == "red" for finding in self.findings()),
            "put_off": self._put_off,
            "loops_seconds": {name: round(now - turned_at(), 3) for name, turned_at in self._loops.items()},
            **self.figures,
        }

    def _stuck(self) -> dict[str, float]:
        now = self._clock.monotonic()
        return {name: now - at for name, turned_at in self._loops.items() if now - (at := turned_at()) >= STALLED}

    def _nothing_committed(self) -> bool:
        if not self.failing:
            return False
        assert self._failing_since is not None, "failing has a beginning"
        return self._clock.monotonic() - self._failing_since > NO_COMMIT

    def _all_refused(self, source: str, number: int) -> str:
        return (
            f"the last {number} webhooks of source {source!r} were refused: the secret here is probably not the"
            " sender's, or somebody else posts there"
        )

    def _too_old(self, source: str) -> str:
        shown: datetime = self._clock.now()
        return (
            f"the webhooks of source {source!r} are refused as too old, one after the other: this machine's clock is "
            f"probably wrong (it shows {utc_text(shown.replace(microsecond=0))})"
        )


def sqlite_finding(alone: bool) -> Finding | None:
    """A warning when the SQLite that Python came with has a known fault."""
    if not alone or sqlite3.sqlite_version_info >= SAFE_SQLITE:
        return None
    return Finding(
        "yellow",
        f"Python's SQLite is {sqlite3.sqlite_version}: before 3.51.3, two programs that write one file can damage it",
        "do not write hooks.db with other programs; use a Python with a newer SQLite",
    )


def role_finding(alone: bool, role: str) -> Finding | None:
    """A warning when a server leaves half of the work to another, and no other can use its file."""
    if not alone or role == "all":
        return None
    half = "nothing is carried out" if role == "receive" else "no webhook comes in"
    what = f"the role is {role}, and no second server can share a SQLite file: {half}"
    return Finding("yellow", what, "leave --role (HOOKS_ROLE) out, or move to PostgreSQL with `hooks db copy`")


RELAXED = Finding(
    "yellow",
    "durability is relaxed: what was acknowledged may be lost with the power",
    "put the data folder on a disk, and start without HOOKS_DURABILITY=relaxed",
)
