"""When a run may begin: bursts that settle, lanes that are kept in order, events that did or did not come.

A run that has to wait for others stands ``behind`` what it waits for, out of sight of the claim, and is let go by what
ends the wait. So each run is looked at once or twice, however many wait. Throttles are in `hooks.store.throttling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hooks.ports import Plan, PlannedRun, Progress
from hooks.store.engine import Transaction
from hooks.store.rows import millis
from hooks.store.throttling import LET_GO, pass_gate, wait_at_gate

TIMING_COLUMNS = "lane, on_stuck, gate, burst, expects, deadline"

RECHECK = 1000
"""Milliseconds after which a run that expects an event looks again whether all that came in time has been read."""

UNREAD = 200
"""Milliseconds after which a run kept in order looks again whether what was accepted before it has been read."""

SETTLED_AT_ONCE = 5000
"""Runs of one burst that one transaction skips."""

_IN_ORDER = "in_order_by: it waits for those before it"
_STUCK = "; later runs of its key wait (on_stuck: wait) until it is retried or cancelled"


# --- planning ---


def meet(transaction: Transaction, plan: Plan) -> None:
    """Skip the runs that waited to see whether such an event comes: it has come, and in time."""
    event = plan.event
    reason = f"expect: {event.id} ({event.type}) came in time"
    accepted = millis(event.received_at)
    for key in plan.meets:
        for before in ("waiting", "held"):
            met = transaction.execute(
                "UPDATE runs SET state = 'skipped', reason = ?, finished_at = ?, expects = NULL, behind = NULL "
                "WHERE expects = ? AND deadline >= ? AND state = ?",
                (reason, accepted, key, accepted, before),
            ).rowcount
            transaction.count(f"runs.{before}", -met)
            transaction.count("runs.skipped", met)


def enter(transaction: Transaction, run: PlannedRun, event: str) -> tuple[str | None, str | None, int]:
    """Where a new run of an event stands: what it waits behind, why, and when it is due.

    A lane is entered now, in the order of acceptance, unless the run has to see first whether it comes to act at all.
    """
    timing, due = run.timing, millis(run.due_at)
    if timing.burst is not None:
        assert timing.settles_by is not None, "a burst has an end"
        due = _stand_for(transaction, run.id, timing.burst, due, millis(timing.settles_by))
    elif timing.expects is None:
        lane = timing.lane
        if lane is not None and not (
            _take_lane(transaction, lane, run.id) or _overtakes(transaction, lane, run, event)
        ):
            return lane, _IN_ORDER, due
        if timing.gate is not None and timing.over == "queue" and (why := wait_at_gate(transaction, timing.gate)):
            return timing.gate, why, due
    return None, None, due


def join_burst(transaction: Transaction, run: PlannedRun) -> str | None:
    """With ``keep: first``: the run that stands for this one and waits longer because of it, if there is one."""
    timing = run.timing
    if timing.burst is None or timing.keep == "last":
        return None
    assert timing.settles_by is not None, "a burst has an end"
    first, deadline = transaction.execute(
        "INSERT INTO bursts (burst, run, deadline) VALUES (?, ?, ?) "
        "ON CONFLICT (burst) DO UPDATE SET burst = excluded.burst RETURNING run, deadline",
        (timing.burst, run.id, millis(timing.settles_by)),
    ).fetchone()
    if first == run.id:
        return None
    transaction.execute(
        "UPDATE runs SET due_at = ? WHERE id = ? AND state IN ('waiting', 'held')",
        (min(millis(run.due_at), deadline), first),
    )
    return str(first)


def _stand_for(transaction: Transaction, run: str, burst: str, due: int, settles_by: int) -> int:
    """Let a run stand for all of its burst from now on; gives when it is due."""
    previous, deadline = transaction.execute(
        "INSERT INTO bursts (burst, run, deadline) VALUES (?, ?, ?) ON CONFLICT (burst) DO UPDATE SET "
        "previous = CASE WHEN bursts.run = excluded.run THEN bursts.previous ELSE bursts.run END, run = excluded.run "
        "RETURNING previous, deadline",
        (burst, run, settles_by),
    ).fetchone()
    if previous is not None:
        for before in ("waiting", "held"):
            moved = transaction.execute(
                "UPDATE runs SET state = 'waiting', behind = ?, burst = NULL, reason = ? WHERE id = ? AND state = ?",
                (burst, "debounce: a later one stands for it when it has been quiet", previous, before),
            ).rowcount
            transaction.count(f"runs.{before}", -moved)
            transaction.count("runs.waiting", moved)
    return min(due, int(deadline))


# --- claiming ---


def begins(transaction: Transaction, run: str, timing: Sequence[Any], at: int) -> bool:
    """Whether a run that has just been claimed may begin. If not it has been put back, behind what it waits for.

    ``timing`` is what `TIMING_COLUMNS` name. A run that begins has passed its throttle and stands for its burst.
    """
    lane, _, gate, burst, expects, deadline = timing
    if lane is gate is burst is expects is None:
        return True
    if expects is not None and _unread(transaction, deadline):
        _put_back(transaction, run, None, None, at + RECHECK)
        return False
    if lane is not None and _unread_before(transaction, run):
        _put_back(transaction, run, None, None, at + UNREAD)
        return False
    if burst is not None and not (_is_free(transaction, burst) and settle(transaction, run, burst, at)):
        _put_back(transaction, run, None, None, at + 1)
        return False
    if lane is not None and not _take_lane(transaction, lane, run):
        _put_back(transaction, run, lane, _IN_ORDER)
        return False
    if gate is not None and (why := pass_gate(transaction, gate, at)) is not None:
        _put_back(transaction, run, gate, why)
        return False
    transaction.execute("UPDATE runs SET gate = NULL, burst = NULL, expects = NULL, reason = NULL WHERE id = ?", (run,))
    return True


def settle(transaction: Transaction, run: str, burst: str, at: int) -> bool:
    """End a burst for which this run stands: the others are skipped, and what comes from now on is a new one.

    False while there are too many of them for one transaction: then the next one goes on with it.
    """
    skipped = transaction.execute(
        "UPDATE runs SET state = 'skipped', reason = ?, finished_at = ?, behind = NULL "
        "WHERE seq IN (SELECT seq FROM runs WHERE behind = ? ORDER BY event, seq LIMIT ?)",
        (f"debounce: {run} stands for it", at, burst, SETTLED_AT_ONCE),
    ).rowcount
    transaction.count("runs.waiting", -skipped)
    transaction.count("runs.skipped", skipped)
    if skipped == SETTLED_AT_ONCE:
        return False
    transaction.execute("DELETE FROM bursts WHERE burst = ? AND run = ?", (burst, run))
    transaction.execute("UPDATE runs SET burst = NULL WHERE id = ?", (run,))
    return True


def _is_free(transaction: Transaction, burst: str) -> bool:
    """Whether nobody else has a burst, and takes it then.

    Who plans a later run of it has it, and needs the row of the run that stands for it until now: ours.
    """
    if transaction.alone:
        return True
    taken = transaction.execute(f"SELECT 1 FROM bursts WHERE burst = ?{transaction.skip_locked}", (burst,)).fetchone()
    return taken is not None or (
        transaction.execute("SELECT 1 FROM bursts WHERE burst = ?", (burst,)).fetchone() is None
    )


def _unread(transaction: Transaction, deadline: int) -> bool:
    """Whether something was accepted in time and has not been read yet: it may be what is expected."""
    oldest = transaction.execute("SELECT received_at FROM receipts WHERE pending = 1 ORDER BY seq LIMIT 1").fetchone()
    return oldest is not None and oldest[0] <= deadline


def _unread_before(transaction: Transaction, run: str) -> bool:
    """Whether something that was accepted before the run's event has not been read yet: it may be of the same lane.

    It was given to another server, or is doubted for a crash.
    """
    unread = transaction.execute(
        "SELECT 1 FROM receipts WHERE pending = 1 AND seq < (SELECT c.seq FROM runs r JOIN events e ON e.id = r.event "
        "JOIN receipts c ON c.id = e.receipt WHERE r.id = ? AND r.replay_of IS NULL) LIMIT 1",
        (run,),
    )
    return unread.fetchone() is not None


def _overtakes(transaction: Transaction, lane: str, run: PlannedRun, event: str) -> bool:
    """Take a lane from a run that has not begun and whose event was accepted later: another server was quicker to read
    it."""
    if run.replay is not None:
        return False
    later = transaction.execute(
        "SELECT seq FROM runs WHERE id = (SELECT run FROM lanes WHERE lane = ?) AND state IN ('waiting', 'held') "
        "AND attempts = 0 AND behind IS NULL AND event > ? AND NOT EXISTS (SELECT 1 FROM steps WHERE run = runs.id)"
        f"{transaction.skip_locked}",
        (lane, event),
    ).fetchone()
    if later is None:
        return False
    transaction.execute(
        "UPDATE runs SET behind = ?, reason = CASE WHEN state = 'held' THEN reason ELSE ? END WHERE seq = ?",
        (lane, _IN_ORDER, later[0]),
    )
    transaction.execute("UPDATE lanes SET run = ? WHERE lane = ?", (run.id, lane))
    return True


def _take_lane(transaction: Transaction, lane: str, run: str) -> bool:
    # Updated also when it is somebody else's, because that locks it against who is just leaving it.
    (holder,) = transaction.execute(
        "INSERT INTO lanes (lane, run) VALUES (?, ?) ON CONFLICT (lane) DO UPDATE SET lane = excluded.lane "
        "RETURNING run",
        (lane, run),
    ).fetchone()
    return bool(holder == run)


def _put_back(
    transaction: Transaction, run: str, behind: str | None, reason: str | None, due: int | None = None
) -> None:
    transaction.execute(
        "UPDATE runs SET state = 'waiting', behind = ?, reason = coalesce(?, reason), due_at = coalesce(?, due_at), "
        "owner = NULL, lease_until = NULL WHERE id = ?",
        (behind, reason, due, run),
    )


# --- ending ---


def stuck_reason(change: Progress, lane: str | None, on_stuck: str | None) -> str | None:
    """The reason of a change, with what it means for those behind the run."""
    if lane is None or on_stuck != "wait" or not _is_stuck(change):
        return change.reason
    return f"{change.reason or change.state}{_STUCK}"


def after(transaction: Transaction, change: Progress, lane: str | None, on_stuck: str | None) -> None:
    """Let the next one of a lane go when this run has ended, or is stuck and need not be waited for."""
    if lane is not None and (change.state in ("done", "skipped") or (on_stuck == "skip" and _is_stuck(change))):
        leave(transaction, change.run, lane)


def _is_stuck(change: Progress) -> bool:
    return change.state == "failed" or (change.state == "held" and change.due_at is None)


def leave(transaction: Transaction, run: str, lane: str) -> bool:
    """Give the lane to the next one in order of acceptance; False when it is not this run's."""
    mine = transaction.execute("UPDATE lanes SET run = run WHERE lane = ? AND run = ?", (lane, run)).rowcount
    if not mine:
        return False
    following = transaction.execute(
        "SELECT id FROM runs WHERE behind = ? ORDER BY event, seq LIMIT 1", (lane,)
    ).fetchone()
    if following is None:
        transaction.execute("DELETE FROM lanes WHERE lane = ?", (lane,))
    else:
        transaction.execute("UPDATE lanes SET run = ? WHERE lane = ?", (following[0], lane))
        transaction.execute(f"UPDATE runs SET {LET_GO} WHERE id = ?", (following[0],))
    return True


def give_up(transaction: Transaction, run: str, at: int) -> bool:
    """A run will not act any more: let go what waits for it. Gives whether it had a lane to itself."""
    lane, burst = transaction.execute("SELECT lane, burst FROM runs WHERE id = ?", (run,)).fetchone()
    while burst is not None and not settle(transaction, run, burst, at):
        pass
    transaction.execute("UPDATE runs SET behind = NULL, expects = NULL WHERE id = ?", (run,))
    return lane is not None and leave(transaction, run, lane)
