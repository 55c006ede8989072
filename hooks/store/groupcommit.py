"""Group commit: what is asked for while the last commit is on its way to the disk is the next batch.

One hop into the database's thread, one transaction, one sync, and then every caller hears at once. There is no timer: a
commit begins when as many are there as were there of late, or when nobody else is just arriving. A commit that the
database refuses is nobody's success: every caller of the batch gets StoreError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from hooks.errors import StoreError
from hooks.store.engine import Transaction

T = TypeVar("T")

MAX_BATCH = 256
"""Pieces of work in one transaction: enough to make the sync cheap, few enough to answer the first one soon."""

Work = Callable[[Transaction], Any]
AcceptRows = Callable[[Transaction, list[Any]], list[Any]]
Hear = Callable[[Any], None]
"""Called in the loop, after the commit, with what a row gave, or with the StoreError by which it is not stored. It does
not raise."""
Results = tuple[list[Any], list[Any]]
"""What each row and each piece of work gave. A piece of work that failed gives its exception in its place."""

Begin = Callable[[Sequence[Any], Sequence[Work]], Awaitable[Results]]
"""Begins a transaction of rows and pieces of work; to be awaited until it is committed and synced. It does not raise
before it is awaited."""


class Batch(Transaction, Protocol):
    """A transaction that takes several pieces of work, each of which can fail by itself."""

    def flush(self) -> None:
        """Write the totals that were counted."""
        ...

    def apart(self, work: Work) -> Any:
        """What the work gave, or the exception by which it failed, with its own changes taken back."""
        ...


def run_batch(transaction: Batch, accept_rows: AcceptRows, rows: Sequence[Any], works: Sequence[Work]) -> Results:
    """In the database's thread, inside a transaction that is then committed."""
    accepted = accept_rows(transaction, list(rows)) if rows else []
    written = [transaction.apart(work) for work in works]
    transaction.flush()
    return accepted, written


class GroupCommit:
    """One queue in front of one writing connection.

    ``accept`` is the hot path: rows of one shape, inserted together. ``write`` is for everything else. Both give what
    the work returned, after the commit has been synced.
    """

    def __init__(self, begin: Begin, broken_by: Callable[[Exception], str | None] = lambda error: None) -> None:
        """``broken_by``: why nothing may be written any more after this error, None when the next try may succeed."""
        self._begin_batch = begin
        self._broken_by = broken_by
        self._rows: list[tuple[Any, Hear]] = []
        self._works: list[tuple[Work, asyncio.Future[Any]]] = []
        self._expected = MAX_BATCH  # rows, when everybody has come who sends just now
        self._looking = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None  # the commit that is on its way
        self.broken: str | None = None
        """Why nothing is written any more until a restart, or None."""
        self.commits = 0
        """Transactions committed since the start."""

    def accept(self, row: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            self.hand(row, partial(_tell, future))
        except StoreError as error:
            future.set_exception(error)
        return future

    def hand(self, row: Any, hear: Hear) -> None:
        """As `accept`, for somebody who is called: a future and its callbacks cost as much as a row in the database.

        Raises StoreError at once when nothing is taken any more.
        """
        self._check_open()
        self._rows.append((row, hear))
        if self._task is None:
            if len(self._rows) >= self._expected:
                self._begin()
            else:
                self._look_soon()

    def write(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            self._check_open()
        except StoreError as error:
            future.set_exception(error)
        else:
            self._works.append((work, future))
            if self._task is None:
                self._look_soon()
        return future

    def _check_open(self) -> None:
        if self.broken is not None or self._closed:
            raise StoreError(self.broken or "the store is closed")

    def _look_soon(self) -> None:
        if not self._looking and (self._rows or self._works):
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look, len(self._rows))

    def _look(self, seen: int) -> None:
        """Begin when a look at the sockets has brought no more rows: who was just answered sends the next by then.

        Each commit costs as much as ten rows do, and without this half of the senders would wait for the next one.
        """
        self._looking = False
        if self._task is None and (self._rows or self._works):
            if 1 < len(self._rows) != seen and len(self._rows) < self._expected:
                self._look_soon()
            else:
                self._begin()

    def _begin(self) -> None:
        rows, self._rows = self._rows[:MAX_BATCH], self._rows[MAX_BATCH:]
        works, self._works = self._works[:MAX_BATCH], self._works[MAX_BATCH:]
        begun = self._begin_batch([row for row, _ in rows], [work for work, _ in works])
        self._task = asyncio.create_task(self._end(begun, rows, works), name="group-commit")

    async def _end(
        self,
        begun: Awaitable[Results],
        rows: list[tuple[Any, Hear]],
        works: list[tuple[Work, asyncio.Future[Any]]],
    ) -> None:
        try:
            accepted, written = await self._results(begun, len(rows), len(works))
            for (_, hear), result in zip(rows, accepted, strict=True):
                _call(hear, result)
            for (_, future), result in zip(works, written, strict=True):
                _tell(future, result)
        finally:
            if rows:
                self._expected = min(len(rows) + len(self._rows), MAX_BATCH)
            self._task = None
            self._look_soon()  # the answers leave first

    async def _results(self, begun: Awaitable[Results], rows: int, works: int) -> Results:
        try:
            results = await begun
        except Exception as error:
            # whatever it was, nobody may be left waiting for an answer that does not come
            failure = StoreError(f"the database did not take it: {error}")
            self.broken = self._broken_by(error)
            return [failure] * rows, [failure] * works
        self.commits += 1
        return results

    async def close(self) -> None:
        """Finish what was asked for, then take nothing more."""
        self._closed = True
        while self._task is not None or self._rows or self._works:
            await (asyncio.sleep(0) if self._task is None else asyncio.wait([self._task]))


def _call(hear: Hear, result: Any) -> None:
    try:
        hear(result)
    except Exception as fault:
        # the others are still to be told
        context = {"message": "a receipt's sender could not be told of its commit", "exception": fault}
        asyncio.get_running_loop().call_exception_handler(context)


def _tell(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return  # its caller has gone: the work is committed all the same
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
