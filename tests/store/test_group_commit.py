"""Who shares a commit: everybody who comes while others are arriving, and nobody waits for somebody who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from hooks.store.groupcommit import MAX_BATCH, GroupCommit, Results


class Commits:
    """A database that takes a turn of the loop for each commit, and keeps what was in it."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def begin(self, rows: Sequence[Any], works: Sequence[Any]) -> Awaitable[Results]:
        self.batches.append(len(rows))

        async def committed() -> Results:
            await asyncio.sleep(0)
            return [None] * len(rows), [None] * len(works)

        return committed()


async def come(group: GroupCommit, number: int, at_once: int, heard: list[int]) -> None:
    """So many rows, some in each turn of the loop, as sockets bring them."""
    for start in range(0, number, at_once):
        for row in range(start, start + at_once):
            group.hand(row, lambda _, row=row: heard.append(row))  # type: ignore[misc]
        await asyncio.sleep(0)


async def test_who_arrives_while_others_do_shares_their_commit() -> None:
    commits, heard = Commits(), list[int]()
    group = GroupCommit(commits.begin)
    await come(group, 40, 4, heard)
    await group.close()
    assert commits.batches == [40]
    assert heard == list(range(40))


async def test_who_comes_alone_is_committed_at_once() -> None:
    commits, heard = Commits(), list[int]()
    group = GroupCommit(commits.begin)
    await come(group, 1, 1, heard)
    assert commits.batches == [1]
    await group.close()
    assert heard == [0]


async def test_nobody_waits_for_an_end_of_those_who_come() -> None:
    commits, heard = Commits(), list[int]()
    group = GroupCommit(commits.begin)
    coming = asyncio.create_task(come(group, 4 * MAX_BATCH, 8, heard))
    while not commits.batches:
        await asyncio.sleep(0)
    assert not coming.done()
    await coming
    await group.close()
    assert max(commits.batches) <= MAX_BATCH
    assert heard == list(range(4 * MAX_BATCH))


async def after(number: int) -> tuple[Commits, list[int], GroupCommit]:
    """A group that has just committed so many rows, and who has heard of theirs."""
    commits, heard = Commits(), list[int]()
    group = GroupCommit(commits.begin)
    await come(group, number, number, heard)
    while len(heard) < number:
        await asyncio.sleep(0)
    return commits, heard, group


async def test_when_all_have_come_who_came_last_time_nobody_looks_for_more() -> None:
    commits, heard, group = await after(5)
    for row in range(5, 9):
        group.hand(row, lambda _, row=row: heard.append(row))  # type: ignore[misc]
    assert commits.batches == [5]
    group.hand(9, heard.append)
    assert commits.batches == [5, 5], "begun before the loop turns"
    await group.close()
    assert 10 == len(heard)


async def test_of_fewer_than_last_time_nobody_waits_for_the_rest() -> None:
    commits, heard, group = await after(40)
    await come(group, 3, 3, heard)
    await asyncio.sleep(0)
    assert commits.batches == [40, 3]
    await group.close()
    assert 43 == len(heard)
