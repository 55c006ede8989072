"""Sources that have gone quiet: what was last heard of each, and whether its silence has been told.

Whether a receipt is a sign of life is asked of the receipts themselves, when a source is due and not for each that
comes: the way of a webhook into the store knows nothing of this. What is told is recorded in the transaction that
notes that it was, so that of any number of servers one tells it, and a crash neither loses nor repeats it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from hooks.events import Receipt
from hooks.ports import SELF_TEST_AGENT, Heard
from hooks.store.accept import accept_rows, accepted_row
from hooks.store.engine import Engine, Reading, Transaction
from hooks.store.rows import millis, moment, moment_or_none

LATELY = 1_000
"""Receipts of a source among which the last sign of life is looked for when people ask; before, it is told by the
minute."""

MOST_COUNTED = 10_000
"""Receipts that are counted at most to say how many were refused in a silence."""

ABSENT = 300_000
"""Milliseconds without any server at work on the database after which nobody could be heard in that time."""

_VERDICTS = ("accepted", "duplicate", "ping")
_SIGN = "verdict IN ('accepted', 'duplicate', 'ping') AND headers NOT LIKE ?"
_OURS = f'%"user-agent":"{SELF_TEST_AGENT}%'


@dataclass(frozen=True, slots=True)
class Watched:
    """A source that is watched, as its row has it. ``seq`` is the last of its receipts that was taken into account."""

    source: str
    since: datetime
    seq: int
    heard_at: datetime | None
    told: bool


Sign = tuple[int, datetime]
"""A receipt that is a sign of life: its place in the order of receipts, and when it came."""


class SqlSilences:
    """The verbs of silences on a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def watch(self, sources: Collection[str], now: datetime) -> None:
        """From now on watch these sources and no others. One that has been heard before counts from then."""
        known = await self._engine.read(_all)
        fresh = {name: await self.newest(name, 0) for name in sources if name not in known}
        if fresh or known.keys() - set(sources):
            await self._engine.write(lambda transaction: _watch(transaction, sources, fresh, millis(now)))

    async def watched(self) -> Mapping[str, Watched]:
        return await self._engine.read(_all)

    async def newest(self, source: str, after: int) -> Sign | None:
        """The last sign of life of a source, if there is one after this place."""
        return await self._engine.read(lambda reading: _sign(reading, source, after, "DESC"))

    async def first(self, source: str, after: int) -> Sign | None:
        """The first sign of life after this place."""
        return await self._engine.read(lambda reading: _sign(reading, source, after, "ASC"))

    async def last_before(self, source: str, after: int, until: datetime) -> int:
        """The place of the last of the source's receipts that came before then, ``after`` where there is none."""
        return await self._engine.read(lambda reading: _last_before(reading, source, after, millis(until)))

    async def meanwhile(self, source: str, after: int) -> Mapping[str, int]:
        """How many receipts of each verdict came after this place, up to ten thousand."""
        return await self._engine.read(lambda reading: _meanwhile(reading, source, after))

    async def renew(self, known: Watched, sign: Sign) -> None:
        """It has been heard: its time begins anew."""
        await self._engine.write(lambda transaction: _renew(transaction, known, sign))

    async def tell_quiet(self, known: Watched, receipt: Receipt) -> bool:
        """Record that a source is quiet, with what is told of it; False when another server has."""
        since = millis(known.since)
        return await self._engine.write(
            lambda transaction: _change(transaction, known, since, known.seq, known.heard_at, told=True, event=receipt)
        )

    async def take_back(self, known: Watched) -> None:
        """It is not quiet after all, by other rules than it was told by."""
        since = millis(known.since)
        await self._engine.write(
            lambda transaction: _change(transaction, known, since, known.seq, known.heard_at, told=False)
        )

    async def tell_heard(self, known: Watched, sign: Sign, now: datetime, receipt: Receipt) -> bool:
        """Record that a source is heard again, with what is told of it; False when another server has."""
        since = millis(now)
        return await self._engine.write(
            lambda transaction: _change(transaction, known, since, sign[0], sign[1], told=False, event=receipt)
        )


def heard(reading: Reading, sources: Collection[str]) -> dict[str, Heard]:
    """What is known of these sources, whether they are watched or not."""
    known = _all(reading)
    return {name: _heard(reading, name, known.get(name)) for name in sources}


async def refresh(engine: Engine) -> None:
    """Bring the table up to what has come: before receipts are deleted, or the time since them is changed.

    Else a row of a source that is heard all the time is as old as the last time that it was due.
    """
    for known in (await engine.read(_all)).values():
        if known.told:
            continue
        sign = await engine.read(partial(_sign, source=known.source, after=known.seq, order="DESC"))
        if sign is not None:
            await engine.write(partial(_renew, known=known, sign=sign))


def was_absent(transaction: Transaction, seen: datetime, now: datetime) -> None:
    """No server was at work between these moments: silences are not longer for it. Done once, by one server."""
    by = millis(now) - millis(seen)
    if by <= ABSENT:
        return
    noted = transaction.execute(
        "UPDATE moments SET at = ? WHERE name = 'alive' AND at = ?", (millis(now), millis(seen))
    ).rowcount
    if noted:
        transaction.execute("UPDATE silences SET since = since + ? WHERE told = 0", (by,))


def _all(reading: Reading) -> dict[str, Watched]:
    rows = reading.execute("SELECT source, since, seq, heard_at, told FROM silences").fetchall()
    return {row[0]: Watched(row[0], moment(row[1]), row[2], moment_or_none(row[3]), bool(row[4])) for row in rows}


def _watch(transaction: Transaction, sources: Collection[str], fresh: Mapping[str, Sign | None], now: int) -> None:
    for (name,) in transaction.execute("SELECT source FROM silences").fetchall():
        if name not in sources:
            transaction.execute("DELETE FROM silences WHERE source = ?", (name,))
    for name, sign in fresh.items():
        seq, heard_at = (0, None) if sign is None else (sign[0], millis(sign[1]))
        since = now if heard_at is None else min(heard_at, now)
        transaction.execute(
            "INSERT INTO silences (source, since, seq, heard_at, told) VALUES (?, ?, ?, ?, 0) "
            "ON CONFLICT (source) DO NOTHING",
            (name, since, seq, heard_at),
        )


def _renew(transaction: Transaction, known: Watched, sign: Sign) -> None:
    since = max(millis(known.since), millis(sign[1]))
    _change(transaction, known, since, sign[0], sign[1], told=False)


def _change(
    transaction: Transaction,
    known: Watched,
    since: int,
    seq: int,
    heard_at: datetime | None,
    *,
    told: bool,
    event: Receipt | None = None,
) -> bool:
    """Change the row if it still is what was known of it, and only then record the event."""
    changed = transaction.execute(
        "UPDATE silences SET since = ?, seq = ?, heard_at = ?, told = ? "
        "WHERE source = ? AND since = ? AND seq = ? AND told = ?",
        (
            since,
            seq,
            None if heard_at is None else millis(heard_at),
            int(told),
            known.source,
            millis(known.since),
            known.seq,
            int(known.told),
        ),
    ).rowcount
    if changed and event is not None:
        accept_rows(transaction, [accepted_row(event, None, 0.0)], lambda _, rows: [None] * len(rows))
    return bool(changed)


def _sign(reading: Reading, source: str, after: int, order: str) -> Sign | None:
    row = reading.execute(
        f"SELECT seq, received_at FROM receipts WHERE source = ? AND seq > ? AND {_SIGN} ORDER BY seq {order} LIMIT 1",
        (source, after, _OURS),
    ).fetchone()
    return None if row is None else (row[0], moment(row[1]))


def _last_before(reading: Reading, source: str, after: int, until: int) -> int:
    row = reading.execute(
        "SELECT max(seq) FROM receipts WHERE source = ? AND seq > ? AND received_at < ?", (source, after, until)
    ).fetchone()
    return after if row[0] is None else int(row[0])


def _meanwhile(reading: Reading, source: str, after: int) -> dict[str, int]:
    rows = reading.execute(
        "SELECT verdict, count(*) FROM (SELECT verdict FROM receipts WHERE source = ? AND seq > ? ORDER BY seq DESC "
        "LIMIT ?) AS lately GROUP BY verdict",
        (source, after, MOST_COUNTED),
    ).fetchall()
    return {verdict: int(number) for verdict, number in rows}


def _heard(reading: Reading, source: str, known: Watched | None) -> Heard:
    quiet_since = known.since if known is not None and known.told else None
    row = reading.execute(
        "SELECT received_at FROM (SELECT seq, received_at, verdict, headers FROM receipts WHERE source = ? "
        f"ORDER BY seq DESC LIMIT ?) AS lately WHERE {_SIGN} ORDER BY seq DESC LIMIT 1",
        (source, LATELY, _OURS),
    ).fetchone()
    if row is not None:
        return Heard(moment(row[0]), quiet_since)
    if known is not None and known.heard_at is not None:
        return Heard(known.heard_at, quiet_since)  # its receipt has gone, or far more have been refused since
    more = reading.execute("SELECT 1 FROM receipts WHERE source = ? LIMIT 1 OFFSET ?", (source, LATELY)).fetchone()
    if more is None:
        return Heard(None, quiet_since)
    kinds = [f"receipt.{verdict}" for verdict in _VERDICTS]
    row = reading.execute(
        "SELECT max(minute) FROM traffic WHERE name = ? AND kind IN (?, ?, ?)", (source, *kinds)
    ).fetchone()
    return Heard(None if row[0] is None else moment(row[0] * 60_000), quiet_since)
