"""Silence: a source by which nothing comes any more, told once, and told again when it is heard.

Vendors switch webhooks off, Zaps are paused, offices change what they pay for: then all is green and no lead comes.
Only a source that says ``quiet_after`` in the rules file is watched. Each server of several looks; the store sees to it
that one of them tells.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hooks.errors import StoreError
from hooks.events import Receipt, utc_text
from hooks.health import Finding, Health
from hooks.pipeline.emitting import own_receipt
from hooks.pipeline.receive import log_fault
from hooks.ports import HEARD, QUIET, Clock, Silence
from hooks.rules.quiet import Quiet
from hooks.rules.ruleset import SourceConfig
from hooks.store.silences import Sign, SqlSilences, Watched
from hooks.values import show_duration

log = logging.getLogger("hooks.silence")

TICK = 2.0
"""Seconds between two looks."""

SETTLED = 60.0
"""Seconds after which no transaction is under way any more that was begun then: what came before is in the table."""

AGREED = 10.0
"""Seconds after which all servers go by the same rules."""

AGREED_CLOCKS = timedelta(minutes=1)
"""How far clocks of servers may part."""

_NOTE = "quiet "
"""Begins the names of our findings."""


class SilenceWatch:
    """Watches the sources whose rules file says how long they may be quiet. ``run`` goes on until it is cancelled."""

    def __init__(
        self,
        store: SqlSilences,
        clock: Clock,
        health: Health,
        *,
        own: str,
        sources: Callable[[], Mapping[str, SourceConfig] | None],
        wake: Callable[[], None],
    ) -> None:
        """``own``: the source of our own events. ``sources``: those of the rules in force, None without any.

        ``wake``: called when there is an event to read.
        """
        self._store = store
        self._clock = clock
        self._health = health
        self._own = own
        self._sources = sources
        self._wake = wake
        self._looking = asyncio.Lock()
        self._seen: Mapping[str, SourceConfig] | None = None
        self._unsure: dict[str, float] = {}
        """Sources whose rules say something else than before, and since when, by the monotonic clock: one that was told
        to be quiet may not be. Looked at once, so that servers whose clocks part do not take back what others tell."""
        self._looked_at: dict[str, int] = {}
        """By source that is quiet: the place up to which its receipts hold no sign of life."""

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("whether sources are quiet is looked at later: %s", error)
            except Exception as error:
                log_fault(log, "the watch for silence", error)
            await self._clock.sleep(TICK)

    async def look(self) -> None:
        """Judge every source that is watched, once: one look after the other. Raises StoreError."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        sources = self._sources()
        if sources is None:
            return  # the rules are broken: who is quiet meanwhile is told when they are mended
        watched = {name: (config, config.quiet) for name, config in sources.items() if config.quiet is not None}
        if sources is not self._seen:
            await self._store.watch(watched, self._clock.now())
            before, at = self._seen or {}, self._clock.monotonic()
            self._unsure |= {name: at for name, (_, quiet) in watched.items() if _measure_in(before, name) != quiet}
            self._seen = sources
        known = await self._store.watched() if watched else {}
        quiet: dict[str, Finding] = {}
        for name, (config, measure) in watched.items():
            if (one := known.get(name)) is None:
                continue  # another server has other rules by now, and this one will soon
            is_quiet = await self._still(config, measure, one) if one.told else await self._begun(config, measure, one)
            if is_quiet:
                quiet[_NOTE + name] = _finding(one, measure)
        notes = self._health.notes
        for about in [about for about in notes if about.startswith(_NOTE) and about not in quiet]:
            del notes[about]
        notes.update(quiet)

    async def _begun(self, config: SourceConfig, measure: Quiet, known: Watched) -> bool:
        """Whether a source is quiet that was not so far. That it is due says only that somebody has to look."""
        now = self._clock.now()
        if not measure.is_over(known.since, now):
            return False
        sign = await self._store.newest(config.name, known.seq)
        if sign is not None:
            await self._store.renew(known, (sign[0], min(sign[1], now)))
            return False  # if that is due as well, the next look says so
        told = await self._silence(config, measure, known, now, None)
        if not await self._store.tell_quiet(known, self._receipt(QUIET, told, now)):
            return False
        log.warning("%s", told.text)
        self._wake()
        return True

    async def _still(self, config: SourceConfig, measure: Quiet, known: Watched) -> bool:
        """Whether a source is quiet that was."""
        # What was looked at may be of an earlier silence, of which another server has told that it was over.
        now, place = self._clock.now(), max(known.seq, self._looked_at.get(known.source, 0))
        sign = await self._store.first(known.source, place)
        unsure_at = self._unsure.get(known.source)
        if sign is None and unsure_at is not None and self._clock.monotonic() - unsure_at > AGREED:
            del self._unsure[known.source]
            if not measure.is_over(known.since, now + AGREED_CLOCKS):
                await self._store.take_back(known)  # the rules give it more time by now
                return False
        if sign is None:
            # A sender who is refused all the time is quiet too: what he sends is looked through once.
            settled = now - timedelta(seconds=SETTLED)
            self._looked_at[known.source] = await self._store.last_before(known.source, place, settled)
            return known.source not in self._unsure or measure.is_over(known.since, now)
        told = await self._silence(config, measure, known, now, sign)
        if await self._store.tell_heard(known, sign, now, self._receipt(HEARD, told, now)):
            log.info("%s", told.text)
            self._wake()
        return False

    async def _silence(
        self, config: SourceConfig, measure: Quiet, known: Watched, now: datetime, sign: Sign | None
    ) -> Silence:
        """What is told of a silence: that it lasts, or with a sign of life that it is over."""
        counted = await self._store.meanwhile(known.source, known.seq)
        lasted = max(0, round((now - known.since).total_seconds()))
        shown = _shortened(lasted)
        refused = counted.get("refused", 0)
        if sign is None:
            text = f"{_what(known, measure)}. {_mend(known.source, refused)}"
        else:
            text = f"source {known.source!r} is heard again, after {shown}"
        return Silence(
            source=known.source,
            vendor=config.vendor,
            quiet_after=show_duration(measure.after),
            quiet_within=None if measure.calendar is None else measure.calendar.name,
            last_received_at=None if known.heard_at is None else utc_text(known.heard_at),
            heard_at=None if sign is None else utc_text(sign[1]),
            duration=shown,
            seconds=lasted,
            refused=refused,
            quarantined=counted.get("quarantined", 0),
            text=text,
        )

    def _receipt(self, kind: str, told: Silence, now: datetime) -> Receipt:
        body = {"type": kind, "subject": f"source/{told.source}", "data": told.model_dump()}
        return own_receipt(self._own, now, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), {})


def _measure_in(sources: Mapping[str, SourceConfig], name: str) -> Quiet | None:
    return None if (config := sources.get(name)) is None else config.quiet


def _finding(known: Watched, measure: Quiet) -> Finding:
    return Finding("yellow", _what(known, measure), _mend(known.source))


def _what(known: Watched, measure: Quiet) -> str:
    if known.heard_at is None:
        last = f"nothing has come by it, and it is watched since {_second(known.since)}"
    else:
        last = f"the last came at {_second(known.heard_at)}"
    return f"source {known.source!r} has been quiet for longer than {measure}: {last}"


def _mend(source: str, refused: int = 0) -> str:
    sent = f"{refused} webhooks were refused meanwhile: its secret may be wrong; " if refused else ""
    return (
        f"{sent}has its vendor switched the webhook off, or is a Zap paused? "
        f"`hooks subscriptions doctor --source {source}` looks along the way"
    )


def _second(at: datetime) -> str:
    return utc_text(at.replace(microsecond=0))


def _shortened(seconds: int) -> str:
    """A silence of days to the hour, one of hours to the minute: what is beyond says nothing of it."""
    exact = 3600 if seconds >= 86400 else 60 if seconds >= 3600 else 1
    return show_duration(seconds // exact * exact)
