"""A store of each kind, and what people see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hooks.store.history import SqlHistory
from hooks.store.opening import open_history, open_store
from hooks.store.verbs import SqlStore


@pytest.fixture
async def store(database: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(database, relaxed=True)
    yield opened
    await opened.close()


@pytest.fixture
async def history(store: SqlStore, database: str) -> AsyncIterator[SqlHistory]:
    opened = await open_history(database)
    yield opened
    await opened.close()
