"""A PostgreSQL made fit for us, or refused with what to do: its age and settings are looked at, its tables made."""

from __future__ import annotations

from typing import Any

import psycopg

from hooks.errors import StoreRefused
from hooks.store.migrate import migrate_postgres
from hooks.store.session import said

OLDEST = 15
"""The first PostgreSQL that this is tested with."""

_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_LOOKED_AT = (
    "SELECT name, setting FROM pg_settings WHERE name IN "
    "('fsync', 'full_page_writes', 'synchronous_commit', 'in_hot_standby', 'transaction_read_only')"
)


def check_fit(connection: psycopg.Connection[Any], relaxed: bool) -> None:
    """Raises StoreRefused unless it is new enough, holds any text, may be written to, and keeps what it commits.

    ``relaxed`` takes one that may lose commits.
    """
    version = connection.info.server_version // 10000
    if version < OLDEST:
        raise StoreRefused(f"PostgreSQL {version} is too old: {OLDEST} or newer is needed")
    name, encoding = connection.info.dbname, connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreRefused(
            f"the database {name} is made for {encoding} and cannot hold the name of everybody: make one with "
            f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"
        )
    found = dict(connection.execute(_LOOKED_AT).fetchall())
    if found["in_hot_standby"] == "on":
        raise StoreRefused(
            "the database that the address leads to is a standby: give the address of the first, or those of both "
            "with target_session_attrs=read-write"
        )
    if found["transaction_read_only"] == "on":
        raise StoreRefused(
            f"the database {name} may only be read: ALTER DATABASE {name} RESET default_transaction_read_only "
            "(or ALTER ROLE, where that is set for the user)"
        )
    if not relaxed and (off := [setting for setting in _DURABLE if found[setting] == "off"]):
        raise StoreRefused(
            f"PostgreSQL would lose what it has committed: {', '.join(off)} is off. Switch it on, or set "
            "HOOKS_DURABILITY=relaxed when that may be"
        )


def make_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Bring the tables to this release. Raises StoreRefused where we may not, or somebody else's are in the way."""
    try:
        return migrate_postgres(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        name, user = connection.info.dbname, connection.info.user
        raise StoreRefused(
            f"PostgreSQL does not let the user {user} make tables ({said(error)}): let it own the database, with "
            f"ALTER DATABASE {name} OWNER TO {user}"
        ) from None
    except psycopg.ProgrammingError as error:
        raise StoreRefused(
            f"the tables cannot be made ({said(error)}): give hooks a database of its own, where there are no others"
        ) from None
