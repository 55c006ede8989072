"""Receipts that were being read when the program ended: counted, so that one that ends it is not read for ever."""

from __future__ import annotations

from hooks.store.engine import Transaction


def doubt(transaction: Transaction, limit: int) -> dict[str, int]:
    """At a start: the receipts that may have been under way when the program ended, with their crashes so far.

    They are the first ``limit`` that wait, and those that were in doubt before.
    """
    transaction.execute(
        "UPDATE receipts SET crashes = 1 WHERE crashes = 0 AND seq IN "
        f"(SELECT seq FROM receipts WHERE pending = 1 ORDER BY seq LIMIT ?{transaction.skip_locked})",
        (limit,),
    )
    rows = transaction.execute(
        "SELECT id, crashes FROM (SELECT id, crashes FROM receipts WHERE pending = 1 ORDER BY seq LIMIT ?) AS first "
        "WHERE crashes > 0",
        (2 * limit,),
    )
    return dict(rows.fetchall())


def count_crash(transaction: Transaction, receipt: str) -> int:
    """Count a crash for a receipt that waits; gives how many there were, 0 when it waits no more."""
    row = transaction.execute(
        "UPDATE receipts SET crashes = crashes + 1 WHERE id = ? AND pending = 1 RETURNING crashes", (receipt,)
    ).fetchone()
    return 0 if row is None else int(row[0])
