"""From the address of a database to a store on it, or to a view of it for people.

``sqlite:///relative.db`` and ``sqlite:////absolute.db``, as SQLAlchemy's users write it, or ``postgresql://...``. Only
the library of the database that is named is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hooks.errors import StoreRefused
from hooks.store.history import SqlHistory
from hooks.store.verbs import SqlStore

if TYPE_CHECKING:
    from hooks.store.hints import Hints


def sqlite_file(address: str) -> Path | None:
    """The file of a SQLite address, None for any other address."""
    scheme, found, rest = address.partition("://")
    if found and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return Path(rest[1:])
    return None


def is_postgres(address: str) -> bool:
    return address.partition("://")[0] in ("postgresql", "postgres")


async def open_store(address: str, *, relaxed: bool = False, free_space: int | None = 0) -> SqlStore:
    """Open it for a server. Raises StoreRefused.

    ``relaxed`` takes a database that may lose what it has committed. ``free_space``: bytes that intake leaves free on
    the disk of a SQLite file, None for the default.
    """
    path = sqlite_file(address)
    if path is not None:
        from hooks.store.sqlite import open_sqlite

        return await open_sqlite(path, relaxed=relaxed, free_space=free_space)
    require_driver()
    from hooks.store.postgres import open_postgres

    return await open_postgres(address, relaxed=relaxed)


async def open_history(address: str) -> SqlHistory:
    """Open it for reading. Raises StoreError."""
    path = sqlite_file(address)
    if path is not None:
        from hooks.store.sqlite import open_sqlite_history

        return await open_sqlite_history(path)
    require_driver()
    from hooks.store.postgres import open_postgres_history

    return await open_postgres_history(address)


def open_hints(address: str) -> Hints | None:
    """How servers on this database wake each other, None where they cannot, or should not."""
    if not is_postgres(address):
        return None
    require_driver()
    from hooks.store.hints import Hints
    from hooks.store.session import Address

    read = Address.read(address)
    return Hints(read) if read.notify else None


def require_driver() -> None:
    """Raises StoreRefused that says how to get PostgreSQL's driver, where it is missing."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise StoreRefused("PostgreSQL needs its driver: pip install 'hooks[postgres]'") from None
