"""The list of changes, on every store: no change without its row, and no row for what was not changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooks.errors import Conflict
from hooks.events import new_id
from hooks.ports import AuditFilter, Change, Edit, Pause
from hooks.store.auditing import SqlAudit
from hooks.store.engine import Transaction
from hooks.store.history import SqlHistory
from hooks.store.verbs import SqlStore

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


@pytest.fixture
def audit(store: SqlStore, history: SqlHistory) -> SqlAudit:
    return SqlAudit(store.engine, history.reader)


def asked(what: str = "connections.pause", target: str = "titan", minutes: int = 0) -> Change:
    return Change(new_id("aud"), NOW + timedelta(minutes=minutes), "Ana", "console", what, target, "works")


async def test_a_change_and_its_row_are_one_transaction(store: SqlStore, audit: SqlAudit) -> None:
    change = asked()
    with audit.during(change):
        await store.set_pause(Pause("titan", True, NOW))
        await store.set_pause(Pause("titan", True, NOW, "again"))
    (row,) = (await audit.changes(AuditFilter())).items
    assert ("begun", "Ana", "titan", "works", None) == (
        row["outcome"], row["who"], row["target"], row["before"], row["after"],
    )  # fmt: skip
    await audit.keep(replace(change, outcome="done", after="paused"))
    (row,) = (await audit.changes(AuditFilter())).items
    assert ("done", "paused") == (row["outcome"], row["after"])


async def test_what_was_rolled_back_leaves_no_row(store: SqlStore, audit: SqlAudit) -> None:
    def refuses(transaction: Transaction) -> None:
        raise Conflict("no")

    with pytest.raises(Conflict), audit.during(asked()):
        await store.engine.write(refuses)
    assert [] == (await audit.changes(AuditFilter())).items


async def test_what_is_written_for_nobody_leaves_no_row(store: SqlStore, audit: SqlAudit) -> None:
    with audit.during(asked()):
        pass
    await store.set_pause(Pause("titan", True, NOW))
    assert [] == (await audit.changes(AuditFilter())).items


async def test_an_edited_rules_file_is_a_change_too(store: SqlStore, audit: SqlAudit) -> None:
    await store.keep_rules("a" * 64, {"routes.yaml": "version: 1\n"}, NOW, Edit("ana", "file"))
    await store.keep_rules("a" * 64, {"routes.yaml": "version: 1\n"}, NOW, Edit("ana", "file"))
    await store.keep_rules("b" * 64, {"routes.yaml": "version: 1 \n"}, NOW, Edit("Ana", "api"))
    (row,) = (await audit.changes(AuditFilter())).items
    assert ("rules.load", "ana", "file", "version 1", "done") == (
        row["what"], row["who"], row["via"], row["after"], row["outcome"],
    )  # fmt: skip


async def test_changes_are_listed_newest_first_by_page_and_by_what_is_asked(audit: SqlAudit) -> None:
    changes = [asked(target=f"c{number % 2}", minutes=number) for number in range(5)]
    for change in changes:
        await audit.keep(replace(change, outcome="done"))
    first = await audit.changes(AuditFilter(limit=3))
    assert [change.id for change in reversed(changes[2:])] == [row["id"] for row in first.items]
    rest = await audit.changes(AuditFilter(limit=3, cursor=first.next))
    assert ([changes[1].id, changes[0].id], None) == ([row["id"] for row in rest.items], rest.next)
    assert 2 == len((await audit.changes(AuditFilter(target="c1"))).items)
    assert 2 == len((await audit.changes(AuditFilter(since=NOW + timedelta(minutes=3)))).items)
    assert [] == (await audit.changes(AuditFilter(who="Bo"))).items
