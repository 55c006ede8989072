"""Planning: receipts that wait become events and runs, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from hooks.events import Event, Receipt
from hooks.people import customer_in
from hooks.ports import UNTIMED, Plan, PlannedRun
from hooks.store import throttling, timing
from hooks.store.accept import ROWS_PER_STATEMENT, insert_many
from hooks.store.engine import Reading, Transaction
from hooks.store.fairness import LIVE, REPLAY
from hooks.store.fresh import Fresh
from hooks.store.moments import held_before
from hooks.store.results import write_steps
from hooks.store.rows import EVENT_COLUMNS, RECEIPT_COLUMNS, event_to_row, millis, receipt_from_row, step_to_row

PENDING_BYTES = 2 * 1024 * 1024
"""Bodies that are planned at once: each is in memory several times over meanwhile, as text and as values."""

PLANNING = 10.0
"""Seconds after which another server makes the events of receipts that one has taken and not finished."""


_PENDING = f"SELECT {RECEIPT_COLUMNS}, crashes FROM receipts"


def pending(reading: Reading, limit: int, fresh: Fresh, *, doubtful: bool) -> list[Receipt]:
    """Receipts whose events have not been made yet, oldest first; the ``doubtful`` too, over which a server may have
    ended."""
    sure = "" if doubtful else "AND crashes = 0 "
    first = f"SELECT id, crashes FROM receipts WHERE pending = 1 {sure}ORDER BY seq LIMIT ?"
    waiting = reading.execute(first, (limit,)).fetchall()
    return _bounded((*_receipt_row(reading, id, fresh), crashes) for id, crashes in waiting)


def _receipt_row(reading: Reading, id: str, fresh: Fresh) -> Sequence[Any]:
    known = fresh.receipt(id)
    if known is not None:
        return known.values
    row: Sequence[Any] = reading.execute(f"SELECT {RECEIPT_COLUMNS} FROM receipts WHERE id = ?", (id,)).fetchone()
    return row


def take_pending(
    transaction: Transaction, owner: str, limit: int, now: datetime, *, doubtful: bool = True
) -> list[Receipt]:
    """The same, where other servers look too: what is given here is not given to another for `PLANNING` seconds.

    What one was given that is not heard of any more may be what it ended over: that counts as a crash, the first time.
    """
    at = millis(now)
    free, values = "(planner_until IS NULL OR planner_until < ? OR planner = ?)", [at, owner, limit]
    if not doubtful:
        free, values = "crashes = 0 AND (planner IS NULL OR planner = ?)", [owner, limit]
    rows = transaction.execute(
        f"SELECT seq FROM receipts WHERE pending = 1 AND {free} ORDER BY seq LIMIT ?{transaction.skip_locked}", values
    ).fetchall()
    if not rows:
        return []
    numbers = [row[0] for row in rows]
    marks = ", ".join("?" * len(numbers))
    found = _bounded(transaction.execute(f"{_PENDING} WHERE seq IN ({marks}) ORDER BY seq", numbers))
    numbers = numbers[: len(found)]
    changed = transaction.execute(
        "UPDATE receipts SET crashes = CASE WHEN crashes = 0 AND planner <> ? THEN 1 ELSE crashes END, planner = ?, "
        f"planner_until = ? WHERE seq IN ({', '.join('?' * len(numbers))}) RETURNING id, crashes",
        [owner, owner, at + round(PLANNING * 1000), *numbers],
    )
    crashes = dict(changed.fetchall())
    return [receipt if not crashes[receipt.id] else receipt._replace(crashes=crashes[receipt.id]) for receipt in found]


def _bounded(rows: Iterable[Sequence[Any]]) -> list[Receipt]:
    found: list[Receipt] = []
    size = 0
    for row in rows:
        receipt = receipt_from_row(row)
        found.append(receipt._replace(crashes=row[-1]) if row[-1] else receipt)
        size += len(found[-1].body)
        if size > PENDING_BYTES:
            break
    return found


def _generations(transaction: Transaction, event: str, rule: str, replay_of: str) -> tuple[int, int]:
    """The next generation of the runs of an event and a rule, and the one whose keys the repeated run has."""
    last = transaction.execute("SELECT max(generation) FROM runs WHERE event = ? AND rule = ?", (event, rule))
    keys = transaction.execute("SELECT key_generation FROM runs WHERE id = ?", (replay_of,))
    return last.fetchone()[0] + 1, keys.fetchone()[0]


def plan(
    transaction: Transaction,
    receipts: Sequence[str],
    plans: Sequence[Plan],
    version: str,
    made: list[tuple[Event, int, int]] | None = None,
) -> int:
    """Store these plans, and give how many runs wait.

    ``made`` gets the events, each with the characters of its documents and how often it will be asked for soon.
    """
    open_receipts = _no_longer_pending(transaction, receipts)
    waiting = 0
    held = held_before(transaction)
    events: list[tuple[Any, ...]] = []
    runs: list[tuple[Any, ...]] = []
    about_people: list[tuple[str]] = []
    for plan in plans:
        if plan.event.receipt not in open_receipts:
            continue
        if plan.meets:
            _insert_runs(transaction, runs)
            timing.meet(transaction, plan)
        state = "matched" if plan.runs else "unmatched"
        cause, depth = plan.cause or (None, 0)
        row = event_to_row(plan.event)
        events.append((*row, state, version, cause, depth))
        if about_somebody := bool(customer_in(plan.event.type, plan.event.data)):
            about_people.append((plan.event.id,))
        before = waiting
        transaction.count(f"events.{state}")
        for run in plan.runs:
            if held is not None and run.state in ("waiting", "held") and millis(plan.event.received_at) <= held[0]:
                run = run._replace(state="held", reason=held[1])
            if _is_plain(run):
                created = millis(plan.event.received_at)
                runs.append(_row(plan.event.id, run, version, millis(run.due_at), created, _FIRST))
                transaction.count(f"runs.{run.state}")
                waiting += run.state == "waiting"
            else:
                _insert_runs(transaction, runs)  # it may be held up by one of them
                waiting += insert_run(transaction, plan.event.id, plan.event.received_at, run, version)
        if made is not None:
            made.append((plan.event, len(row[9]) + len(row[10]), waiting - before + about_somebody))
    _insert_runs(transaction, runs)
    columns = f"{EVENT_COLUMNS}, state, rules_version, cause, depth"
    insert_many(transaction, f"INSERT INTO events ({columns}) VALUES ", events)
    insert_many(transaction, "INSERT INTO person_queue (event) VALUES ", about_people)
    return waiting


def _no_longer_pending(transaction: Transaction, receipts: Sequence[str]) -> set[str]:
    """Those of these receipts that have waited until now."""
    found: set[str] = set()
    for start in range(0, len(receipts), ROWS_PER_STATEMENT):
        some = receipts[start : start + ROWS_PER_STATEMENT]
        rows = transaction.execute(
            f"UPDATE receipts SET pending = 0 WHERE pending = 1 AND id IN ({', '.join('?' * len(some))}) RETURNING id",
            some,
        )
        found.update(id for (id,) in rows.fetchall())
    return found


_RUN = (
    "INSERT INTO runs (id, event, rule, rules_version, state, reason, connection, due_at, created_at, finished_at, "
    f"attempts, fence, behind, generation, key_generation, replay_of, priority, {timing.TIMING_COLUMNS}) VALUES "
)


def _is_plain(run: PlannedRun) -> bool:
    """Whether it waits for no other run, and no other for it; most do."""
    return run.timing is UNTIMED and run.once is None and run.replay is None and not run.steps


class _Place(NamedTuple):
    """Where a run stands among those that are there: as the first of its event and rule, if nothing else is said."""

    behind: str | None = None
    generation: int = 0
    key_generation: int = 0
    replay_of: str | None = None
    priority: int = LIVE


_FIRST = _Place()


def _row(event: str, run: PlannedRun, version: str, due: int, created: int, place: _Place) -> tuple[Any, ...]:
    given = run.timing
    return (
        *(run.id, event, run.rule, version, run.state, run.reason, run.connection, due, created),
        *(created if run.state == "skipped" else None, 0, 0, *place),
        given.lane,
        None if given.lane is None else given.on_stuck,
        None if given.over == "skip" else given.gate,
        given.burst,
        given.expects,
        None if given.deadline is None else millis(given.deadline),
    )


def _insert_runs(transaction: Transaction, runs: list[tuple[Any, ...]]) -> None:
    """Store these, if there are any: a statement for each would take twice as long."""
    insert_many(transaction, _RUN, runs)
    runs.clear()


def insert_run(transaction: Transaction, event: str, received_at: datetime, run: PlannedRun, version: str) -> int:
    """Store a run of an event; gives 1 when it waits."""
    behind, due = None, millis(run.due_at)
    received = millis(received_at)
    created = received if run.replay is None else millis(run.replay.at)
    if (skipped := _skipped(transaction, event, run, received, created)) is not None:
        before = f"{run.reason}; " if run.state == "skipped" else ""
        run = run._replace(state="skipped", reason=f"{before}{skipped}", steps=())
    if run.state == "skipped":
        run = run._replace(timing=UNTIMED)
    else:
        behind, why, due = timing.enter(transaction, run, event)
        if behind is not None and run.state == "waiting":
            run = run._replace(reason=why)
    generation, key_generation, replay_of = 0, 0, None
    if run.replay is not None and run.replay.of is not None:
        replay_of = run.replay.of
        generation, key_generation = _generations(transaction, event, run.rule, replay_of)
        if run.replay.force:
            key_generation = generation
    place = _Place(behind, generation, key_generation, replay_of, LIVE if run.replay is None else REPLAY)
    _insert_runs(transaction, [_row(event, run, version, due, created, place)])
    transaction.count(f"runs.{run.state}")
    write_steps(transaction, [step_to_row(run.id, step) for step in run.steps])
    return 1 if run.state == "waiting" else 0


def _skipped(transaction: Transaction, event: str, run: PlannedRun, received: int, created: int) -> str | None:
    """Why a new run does not come to act, None when it may."""
    gate = run.timing.gate if run.timing.over == "skip" else None
    if gate is not None and not throttling.has_room(transaction, gate, created):
        return "throttled: as many as `throttle` allows have come already"
    if run.once is not None and (acted := _acted_before(transaction, event, run, run.once, received)) is not None:
        return f"once_per: {acted} has acted for this key already"
    if gate is not None:
        throttling.pass_gate(transaction, gate, created)
    if run.state != "skipped" and (first := timing.join_burst(transaction, run)) is not None:
        return f"debounce: {first} stands for it"
    return None


def _acted_before(
    transaction: Transaction, event: str, run: PlannedRun, once: tuple[bytes, float], created: int
) -> str | None:
    """The run of another event that has taken this run's key of ``once_per`` and has it still."""
    digest, window = once
    holder = transaction.execute(
        "INSERT INTO onces (rule, digest, run, expires_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (rule, digest) DO UPDATE SET run = excluded.run, expires_at = excluded.expires_at "
        "WHERE onces.expires_at <= ? RETURNING run",
        (run.rule, digest, run.id, created + round(window * 1000), created),
    ).fetchone()
    if holder is not None:
        return None
    first, of = transaction.execute(
        "SELECT o.run, r.event FROM onces o LEFT JOIN runs r ON r.id = o.run WHERE o.rule = ? AND o.digest = ?",
        (run.rule, digest),
    ).fetchone()
    return None if of == event else str(first)
