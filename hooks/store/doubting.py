"""Receipts that were being read when the program ended: counted, so that one that ends it is not read for ever.

What is known of a death comes from the note of the server that died (`hooks.pipeline.underway`). Where none was left,
each receipt that it had been given may be the one (`doubt`, `hooks.store.planning.take_pending`).
"""

from __future__ import annotations

from hooks.store.engine import Transaction

LOOKED_AT = 1_000
"""Receipts among which those are looked for that a server had been given: it is given the first that wait."""


def doubt(transaction: Transaction, limit: int) -> None:
    """At the start of the only server: of the first ``limit`` that wait, each may be what the one before ended over."""
    transaction.execute(
        "UPDATE receipts SET crashes = 1 WHERE crashes = 0 AND seq IN "
        "(SELECT seq FROM receipts WHERE pending = 1 ORDER BY seq LIMIT ?)",
        (limit,),
    )


def count_crash(transaction: Transaction, receipt: str) -> int:
    """Count a crash for a receipt that waits; gives how many there were, 0 when it waits no more."""
    row = transaction.execute(
        "UPDATE receipts SET crashes = crashes + 1 WHERE id = ? AND pending = 1 RETURNING crashes", (receipt,)
    ).fetchone()
    return 0 if row is None else int(row[0])


def give_back(transaction: Transaction, owner: str) -> None:
    """Let others have at once what a server had been given that has died, and of which it is known what it read."""
    transaction.execute(
        "UPDATE receipts SET planner = NULL, planner_until = NULL WHERE planner = ? AND seq IN "
        "(SELECT seq FROM receipts WHERE pending = 1 ORDER BY seq LIMIT ?)",
        (owner, LOOKED_AT),
    )
