"""Runs under way: claimed under a lease, written back as far as they came, given back when their owner is no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from hooks.events import Event
from hooks.ports import Claimed, Progress, Step
from hooks.store import echoing, throttling, timing
from hooks.store.engine import Reading, Transaction
from hooks.store.fairness import LIVE_FIRST, SUSPECT, Share
from hooks.store.fresh import Fresh
from hooks.store.rows import (
    EVENT_COLUMNS,
    STEP_COLUMNS,
    event_from_row,
    millis,
    moment,
    step_from_row,
)

CLAIM_SIZE = 1024 * 1024
"""Characters of events that one claim takes for one connection, and one event more."""

MAX_CRASHES = 3
"""A run that was in progress in so many crashes one after the other is set aside."""

CALM = 10.0
"""Seconds after its second crash before such a run is tried once more, by a server that has lived for as long: what is
killed again and again within that time is not killed by it."""

POISON = (
    f"it was in progress in {MAX_CRASHES} crashes of the program one after the other: look at the event and the log, "
    "then `hooks runs retry`"
)

TOGETHER = 8
"""Events that are read in one statement."""

ROUNDS = 16
"""How often one claim looks for other runs of a connection in place of those that may not begin yet."""


def claim(
    transaction: Transaction,
    owner: str,
    slots: Mapping[str, int],
    now: datetime,
    lease: float,
    shares: dict[str, Share] | None = None,
    fresh: Fresh | None = None,
) -> list[tuple[Claimed, str]]:
    """``shares`` says by connection how turns were given out lately, and is kept up; without it live ones go first.

    ``fresh`` has the documents of the last events.
    """
    at, until = millis(now), millis(now + timedelta(seconds=lease))
    claimed: list[tuple[Claimed, str]] = []
    throttling.open_gates(transaction, at)
    wary = echoing.any_writes(transaction)
    for connection, free in slots.items():
        size = 0
        share = Share() if shares is None else shares.setdefault(connection, Share())
        rows = _take_fairly(transaction, owner, connection, free, at, until, share)
        for row, (event, weight, depth), steps in _with_events(transaction, rows, fresh):
            if size > CLAIM_SIZE:
                transaction.execute(
                    "UPDATE runs SET state = 'waiting', owner = NULL, lease_until = NULL WHERE id = ?", (row[0],)
                )
                continue
            size += weight
            identifier, rule, version, keys, fence, attempts, _, generation, replay_of, _, _, seq = row[:12]
            repeats = replay_of is not None and keys != generation
            stored = tuple(step_from_row(step) for step in steps)
            about = (event.subject or "").partition("/")[2]
            begins = wary and about and not stored and replay_of is None
            echoes = echoing.echoes_of(transaction, event.vendor, about, at) if begins else ()
            run = Claimed(
                identifier,
                rule,
                version,
                keys,
                fence,
                attempts,
                event,
                stored,
                weight,
                _earlier(transaction, row[6], rule, keys, seq) if repeats else None,
                depth,
                echoes,
                echoing.fired(transaction, rule, f"{event.vendor}/{event.subject}", at) if echoes else 0,
            )
            claimed.append((run, connection))
    moved(transaction, "waiting", "running", len(claimed))
    return claimed


def _take_fairly(
    transaction: Transaction, owner: str, connection: str, free: int, at: int, until: int, share: Share
) -> list[tuple[Any, ...]]:
    """Due runs of a connection that may begin, now running: what older work is owed, then live ones first."""
    older: list[tuple[Any, ...]] = []
    if owed := share.owed(free):
        older = _take(transaction, owner, connection, owed, at, until, share.order())
    rest = _take(transaction, owner, connection, free - len(older), at, until) if len(older) < free else []
    share.gave(free, len(older) + len(rest), owed, len(older))
    return older + rest


def _take(
    transaction: Transaction,
    owner: str,
    connection: str,
    free: int,
    at: int,
    until: int,
    order: tuple[int, ...] = LIVE_FIRST,
) -> list[tuple[Any, ...]]:
    """Due runs of a connection that may begin, now running. Those that may not yet make room for others."""
    due = _due(transaction.skip_locked, order)
    taken: list[tuple[Any, ...]] = []
    for _ in range(ROUNDS):
        room = free - len(taken)
        rows = transaction.execute(
            "UPDATE runs SET state = 'running', owner = ?, lease_until = ?, fence = fence + 1 "
            f"WHERE seq IN ({due}) "
            "RETURNING id, rule, rules_version, key_generation, fence, attempts, event, generation, replay_of, "
            f"priority, due_at, seq, {timing.TIMING_COLUMNS}",
            (owner, until, *(connection, at, room) * len(order)),
        ).fetchall()
        rows.sort(key=lambda row: row[9:12])  # RETURNING promises no order
        begun = [row for row in rows if timing.begins(transaction, row[0], row[12:], at)]
        taken += begun
        if len(begun) == len(rows):
            break
    return taken


def _with_events(
    transaction: Transaction, rows: Sequence[tuple[Any, ...]], fresh: Fresh | None
) -> Iterator[tuple[tuple[Any, ...], tuple[Event, int, int], list[tuple[Any, ...]]]]:
    """The rows of runs, each with its event and the rows of its steps, read a few at a time: an event can be large.

    With an event are the characters of its documents, and its depth.
    """
    together = TOGETHER
    if fresh is not None and all(fresh.event(row[6]) is not None for row in rows):
        together = max(1, len(rows))  # they are in memory already
    for start in range(0, len(rows), together):
        some = rows[start : start + together]
        marks = ", ".join("?" * len(some))
        events = _events(transaction, [row[6] for row in some], fresh)
        steps: dict[str, list[tuple[Any, ...]]] = {}
        for run, *step in transaction.execute(
            f"SELECT run, {STEP_COLUMNS} FROM steps WHERE run IN ({marks}) ORDER BY run, position",
            [row[0] for row in some],
        ):
            steps.setdefault(run, []).append(tuple(step))
        for row in some:
            yield row, events[row[6]], steps.get(row[0], [])


def _events(transaction: Transaction, ids: Sequence[str], fresh: Fresh | None) -> dict[str, tuple[Event, int, int]]:
    """Events with their sizes and depths. Of those in memory the row is asked whether it was emptied since."""
    found: dict[str, tuple[Event, int, int]] = {}
    kept = {} if fresh is None else {id: known for id in ids if (known := fresh.event(id)) is not None}
    if kept:
        marks = ", ".join("?" * len(kept))
        for id, flag, depth in transaction.execute(
            f"SELECT id, flag, depth FROM events WHERE id IN ({marks})", list(kept)
        ):
            if flag == kept[id][0].flag:
                found[id] = (*kept[id], depth)
    if others := [id for id in ids if id not in found]:
        marks = ", ".join("?" * len(others))
        for row in transaction.execute(f"SELECT {EVENT_COLUMNS}, depth FROM events WHERE id IN ({marks})", others):
            found[row[0]] = (event_from_row(row[:12]), len(row[9]) + len(row[10]), row[12])
    return found


def _earlier(transaction: Transaction, event: str, rule: str, keys: int, seq: int) -> dict[str, Step]:
    """What runs with the same keys did: by step id, the last one that ended well, else the last of any end."""
    columns = ", ".join(f"s.{name.strip()}" for name in STEP_COLUMNS.split(","))
    rows = transaction.execute(
        f"SELECT {columns} FROM runs r JOIN steps s ON s.run = r.id "
        "WHERE r.event = ? AND r.rule = ? AND r.key_generation = ? AND r.seq < ? ORDER BY r.seq, s.position",
        (event, rule, keys, seq),
    )
    found: dict[str, Step] = {}
    for step in map(step_from_row, rows):
        if step.id not in found or step.state == "done" or found[step.id].state != "done":
            found[step.id] = step
    return found


_WAITS = (
    "SELECT seq, {place} AS place, due_at FROM runs WHERE state = 'waiting' AND behind IS NULL AND connection = ? "
    "AND due_at <= ? AND priority = {priority} "
)
_NO_SUSPECT_RUNS = f"AND NOT EXISTS (SELECT 1 FROM runs WHERE state = 'running' AND priority = {SUSPECT}) "


@cache
def _due(skip_locked: str, order: tuple[int, ...]) -> str:
    """The runs to claim, priority after priority in this order, each from its own stretch of the index, so that what
    waits for a later time is passed over. Of those that may have ended the program one, while no other runs.
    """
    stretches = []
    for place, priority in sorted(enumerate(order), key=lambda each: each[1]):  # the parameters of suspects come last
        waits = _WAITS.format(place=place, priority=priority)
        waits, limit = (waits + _NO_SUSPECT_RUNS, "1") if priority == SUSPECT else (waits, "?")
        stretches.append(f"SELECT * FROM ({waits}ORDER BY due_at, seq LIMIT {limit}{skip_locked}) AS p{priority}")
    return f"SELECT seq FROM ({' UNION ALL '.join(stretches)}) AS due ORDER BY place, due_at, seq LIMIT ?"


def renew(transaction: Transaction, owner: str, runs: Sequence[str], now: datetime, lease: float) -> None:
    until = millis(now + timedelta(seconds=lease))
    for start in range(0, len(runs), 500):
        some = runs[start : start + 500]
        transaction.execute(
            "UPDATE runs SET lease_until = ? WHERE state = 'running' AND owner = ? "
            f"AND id IN ({', '.join('?' * len(some))})",
            (until, owner, *some),
        )


def recover(transaction: Transaction, owner: str, now: datetime, *, starting: bool = False) -> int:
    at = millis(now)
    calm = at + round(CALM * 1000)
    lost = "lease_until < ?"
    since: list[int | str] = [at]
    if transaction.alone:  # nobody else is there, and our own are ours whatever the clock says
        lost, since = "(owner IS NULL OR owner <> ?)", [owner]
    poison = transaction.execute(
        "UPDATE runs SET state = 'failed', reason = ?, finished_at = ?, crashes = crashes + 1, owner = NULL, "
        f"lease_until = NULL WHERE state = 'running' AND crashes >= {MAX_CRASHES - 1} AND {lost} "
        "RETURNING id, lane, on_stuck",
        [POISON, at, *since],
    ).fetchall()
    moved(transaction, "running", "failed", len(poison))
    for run, lane, on_stuck in poison:
        timing.after(transaction, Progress(run, 0, now, "failed"), lane, on_stuck)
    second = f"crashes = {MAX_CRASHES - 2}"
    found = transaction.execute(
        f"UPDATE runs SET state = 'waiting', due_at = CASE WHEN {second} THEN ? ELSE ? END, owner = NULL, "
        f"lease_until = NULL, crashes = crashes + 1, priority = CASE WHEN {second} THEN {SUSPECT} ELSE priority END "
        f"WHERE state = 'running' AND {lost}",
        [calm, at, *since],
    ).rowcount
    moved(transaction, "running", "waiting", found)
    if starting and transaction.alone:
        for connection in _waited_for(transaction):
            transaction.execute(
                "UPDATE runs SET due_at = ? WHERE state = 'waiting' AND behind IS NULL AND connection = ? "
                f"AND priority = {SUSPECT} AND due_at < ?",
                (calm, connection, calm),
            )
    return found


def leave(transaction: Transaction, owner: str, now: datetime, keep: Sequence[str] = ()) -> int:
    but_for = f" AND id NOT IN ({', '.join('?' * len(keep))})" if keep else ""
    left = transaction.execute(
        "UPDATE runs SET state = 'waiting', due_at = ?, owner = NULL, lease_until = NULL "
        f"WHERE state = 'running' AND owner = ?{but_for}",
        (millis(now), owner, *keep),
    ).rowcount
    moved(transaction, "running", "waiting", left)
    return left


def next_due(reading: Reading, connections: Sequence[str]) -> datetime | None:
    due = [
        reading.execute(
            "SELECT min(due_at) FROM runs WHERE state = 'waiting' AND behind IS NULL AND connection = ? "
            "AND priority = ?",
            (name, priority),
        ).fetchone()[0]
        for name in connections
        for priority in (0, 1, 2, SUSPECT)
    ]
    if connections:
        due.append(throttling.next_opening(reading))
    first = min((at for at in due if at is not None), default=None)
    return None if first is None else moment(first)


def absent_connections(reading: Reading, known: Sequence[str]) -> list[str]:
    return [name for name in _waited_for(reading) if name not in known]


def _waited_for(reading: Reading) -> list[str]:
    """The connections that runs wait for. A loose index scan: one look per name, however many runs wait."""
    names: list[str] = []
    row = reading.execute("SELECT min(connection) FROM runs WHERE state = 'waiting' AND behind IS NULL").fetchone()
    while row[0] is not None:
        names.append(row[0])
        row = reading.execute(
            "SELECT min(connection) FROM runs WHERE state = 'waiting' AND behind IS NULL AND connection > ?", (row[0],)
        ).fetchone()
    return names


def moved(transaction: Transaction, before: str, after: str, number: int) -> None:
    if number:
        transaction.count(f"runs.{before}", -number)
        transaction.count(f"runs.{after}", number)
