"""Results: what runs have come to is written back, that of many runs at once.

A run says twice what it has come to, and often several times: before each call, and after it. Each word of it is a few
small changes, and with 16 runs in progress there are always some to be written together: one statement for all is a
third of the work, and the thread that writes is asked once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from hooks.errors import LeaseLost
from hooks.ports import Progress
from hooks.store import echoing, step_records, timing
from hooks.store.accept import insert_many
from hooks.store.engine import Transaction
from hooks.store.fairness import AGAIN, LIVE, REPLAY
from hooks.store.leasing import moved
from hooks.store.people import learn, leave_lane, take_turn
from hooks.store.rows import STEP_COLUMNS, attempt_to_row, millis, step_to_row, storable

TOGETHER = 64
"""Changes that are written by one statement."""

_STEP = f"INSERT INTO steps (run, {STEP_COLUMNS}) VALUES "
_STEP_AGAIN = " ON CONFLICT (run, position) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in STEP_COLUMNS.split(", ") if name != "position"
)
_ATTEMPT_COLUMNS = "id, run, position, number, started_at, duration_ms, verdict, status, error, exchanges"
_ATTEMPT = f"INSERT INTO attempts ({_ATTEMPT_COLUMNS}) VALUES "
_OF_MINE = "id, fence, seq, connection, lane, on_stuck, event"
_LOCKED = f"UPDATE runs SET fence = fence WHERE id = ? AND state = 'running' RETURNING {_OF_MINE}"
"""Where other servers look too a run's row is locked, so that it stays ours until the commit."""

Lost = LeaseLost | None


class _Mine(NamedTuple):
    """A run that is in progress, as its row has it."""

    id: str
    fence: int
    seq: int
    connection: str
    lane: str | None
    on_stuck: str | None
    event: str


class Results:
    """Changes of runs on their way into the database: those that wait at one moment are one piece of work."""

    def __init__(self, write: Callable[[Callable[[Transaction], list[Lost]]], Awaitable[list[Lost]]]) -> None:
        """``write`` runs a piece of work in a transaction and gives what it returned, after the commit."""
        self._write = write
        self._waiting: deque[tuple[Progress, asyncio.Future[None]]] = deque()
        self._asked = False
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, change: Progress) -> asyncio.Future[None]:
        """Done when the change is committed. Its exception is LeaseLost when the run is not ours, or StoreError."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((change, written))
        if not self._asked:
            self._asked = True
            task = loop.create_task(self._carry(), name="results")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return written

    async def _carry(self) -> None:
        seen = 0
        while seen < len(self._waiting) < TOGETHER:
            # Calls that were begun together end together: what the next look at the sockets brings shares the commit.
            seen = len(self._waiting)
            await asyncio.sleep(0)
        taken: list[tuple[Progress, asyncio.Future[None]]] = []
        failed = False

        def work(transaction: Transaction) -> list[Lost]:
            # In the database's thread, and anew when a transaction is tried again: all that have come until now.
            nonlocal failed
            if not taken:
                self._asked = False  # first this, then taking them: who comes in between asks once too often
                while self._waiting:
                    taken.append(self._waiting.popleft())
            try:
                return write_results(transaction, [change for change, _ in taken])
            except Exception:
                failed = True  # so nothing of it has been committed, and those that are not to blame can be
                raise

        try:
            results: Sequence[Exception | None] = await self._write(work)
        except Exception as error:
            if not taken:  # it was refused before it began
                self._asked = False
                taken += self._waiting
                self._waiting.clear()
            results = await self._one_by_one(taken) if failed and len(taken) > 1 else [error] * len(taken)
        for (_, written), result in zip(taken, results, strict=True):
            if written.done():
                continue  # its caller has gone: the change is committed all the same
            if result is None:
                written.set_result(None)
            else:
                written.set_exception(result)

    async def _one_by_one(self, taken: Iterable[tuple[Progress, Any]]) -> list[Exception | None]:
        """Each in a piece of work of its own, after one of them could not be written."""
        results: list[Exception | None] = []
        for change, _ in taken:
            try:
                results += await self._write(partial(write_results, changes=[change]))
            except Exception as error:
                results.append(error)
        return results


def write_results(transaction: Transaction, changes: Sequence[Progress]) -> list[Lost]:
    """Write these; for each None, or why nothing of it was written: the run is not ours any more."""
    results: list[Lost] = []
    for start in range(0, len(changes), TOGETHER):
        some = changes[start : start + TOGETHER]
        if len({change.run for change in some}) < len(some):  # one after the other, as they were asked for
            results += [lost for change in some for lost in _written(transaction, [change])]
        else:
            results += _written(transaction, some)
    return results


def _written(transaction: Transaction, changes: Sequence[Progress]) -> list[Lost]:
    results: list[Lost] = [None] * len(changes)
    wanted: dict[int, Progress] = {}
    for number, change in enumerate(changes):
        if not change.repeated:
            wanted[number] = change
        elif not _is_written(transaction, change):
            wanted[number] = _not_written(transaction, change)
    if not wanted:
        return results
    mine = _mine(transaction, [change.run for change in wanted.values()])
    kept: list[tuple[Progress, _Mine]] = []
    for number, change in wanted.items():
        run = mine.get(change.run)
        if run is None or run.fence != change.fence:
            results[number] = LeaseLost(f"{change.run} has been taken over")
        else:
            kept.append((change, run))
    _write_rows(transaction, [change for change, _ in kept])
    for change, run in kept:
        _write_rest(transaction, change, run)
    _write_runs(transaction, kept)
    for change, run in kept:
        if change.state is not None:
            timing.after(transaction, change, run.lane, run.on_stuck)
    return results


def _mine(transaction: Transaction, runs: Sequence[str]) -> dict[str, _Mine]:
    if transaction.alone:
        marks = ", ".join("?" * len(runs))
        rows = transaction.execute(f"SELECT {_OF_MINE} FROM runs WHERE id IN ({marks}) AND state = 'running'", runs)
        return {row[0]: _Mine(*row) for row in rows}
    found = [transaction.execute(_LOCKED, (run,)).fetchone() for run in sorted(runs)]
    return {row[0]: _Mine(*row) for row in found if row is not None}


def _write_rows(transaction: Transaction, changes: Sequence[Progress]) -> None:
    """The steps and attempts of these changes, and the records that their answers name."""
    write_steps(transaction, [step_to_row(change.run, step) for change in changes for step in change.steps])
    done = [(change.run, step.output) for change in changes for step in change.steps if step.state == "done"]
    step_records.remember(transaction, done)
    attempts = [attempt_to_row(change.run, attempt) for change in changes for attempt in change.attempts]
    insert_many(transaction, _ATTEMPT, attempts)


def write_steps(transaction: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows of `step_to_row`, each in place of what there was of that step."""
    insert_many(transaction, _STEP, rows, _STEP_AGAIN)


def _write_rest(transaction: Transaction, change: Progress, run: _Mine) -> None:
    """What few changes bring: who is who, what was written at vendors, what caused the event, a lane to leave."""
    if change.sightings:
        take_turn(transaction)
        for seen in change.sightings:
            learn(transaction, seen)
    if change.wrote:
        echoing.remember(transaction, change.run, change.wrote, millis(change.at))
    if change.cause is not None:
        echoing.caused(transaction, run.event, *change.cause)
    if change.leaves:
        leave_lane(transaction, change.run)


def _write_runs(transaction: Transaction, kept: Iterable[tuple[Progress, _Mine]]) -> None:
    """The rows of the runs themselves: those that change in the same way, but for the moment, in one statement."""
    tried: dict[int, list[int]] = {}
    changed: dict[tuple[Any, ...], list[tuple[int, int | None]]] = {}
    for change, run in kept:
        if change.state is None:
            if change.attempts:
                tried.setdefault(len(change.attempts), []).append(run.seq)
            continue
        reason = timing.stuck_reason(change, run.lane, run.on_stuck)
        ended = change.state in ("done", "failed", "skipped")
        values = (
            change.state,
            None if reason is None else storable(reason),
            None if change.due_at is None else millis(change.due_at),
            change.connection,
            len(change.attempts),
            int(change.again),
        )
        changed.setdefault(values, []).append((run.seq, millis(change.at) if ended else None))
        moved(transaction, "running", change.state, 1)
        if ended:
            transaction.tally(millis(change.at), f"run.{change.state}", run.connection)
    for number, runs in tried.items():
        transaction.execute(f"UPDATE runs SET attempts = attempts + ? WHERE {_among(runs)}", [number, *runs])
    for values, moments in changed.items():
        at, ats = _finished(moments)
        runs = [seq for seq, _ in moments]
        transaction.execute(
            "UPDATE runs SET state = ?, reason = ?, due_at = coalesce(?, due_at), "
            "connection = coalesce(?, connection), attempts = attempts + ?, "
            f"priority = CASE WHEN priority = {LIVE} AND ? = 0 THEN {LIVE} WHEN priority = {REPLAY} THEN {REPLAY} "
            f"ELSE {AGAIN} END, crashes = 0, "
            f"finished_at = {at}, owner = NULL, lease_until = NULL WHERE {_among(runs)}",
            [*values, *ats, *runs],
        )


def _finished(moments: Sequence[tuple[int, int | None]]) -> tuple[str, list[int | None]]:
    """When each of these runs has ended, as an expression with its parameters."""
    if moments[0][1] is None:
        return "NULL", []
    if len(moments) == 1:
        return "?", [moments[0][1]]
    cases = " ".join(["WHEN ? THEN CAST(? AS BIGINT)"] * len(moments))
    return f"CASE seq {cases} END", [value for moment in moments for value in moment]


def _among(runs: Sequence[int]) -> str:
    return f"seq IN ({', '.join('?' * len(runs))})"


def _is_written(transaction: Transaction, change: Progress) -> bool:
    """Whether the change ended the run or put it back when it was asked for before."""
    if change.state is None:
        return False
    found = transaction.execute(
        "SELECT 1 FROM runs WHERE id = ? AND fence = ? AND state = ? AND crashes = 0 AND owner IS NULL",
        (change.run, change.fence, change.state),
    )
    return found.fetchone() is not None


def _not_written(transaction: Transaction, change: Progress) -> Progress:
    """The change without the attempts that are there already."""
    there = {row[0] for row in transaction.execute("SELECT id FROM attempts WHERE run = ?", (change.run,))}
    return change._replace(attempts=tuple(attempt for attempt in change.attempts if attempt.id not in there))
