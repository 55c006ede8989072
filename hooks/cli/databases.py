"""The commands that change a database or copy it: `db prune`, `backup`, `restore`, `copy`, `migrate`.

A running server does the work itself, because one process writes a SQLite file; these commands ask it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hooks.cli.keeping import db, require_database
from hooks.cli.options import AsJson, Data, Database
from hooks.cli.output import note, print_json, wrong_use
from hooks.cli.reader import Server, find_server
from hooks.errors import SettingsError, StoreError
from hooks.settings import Settings, load_settings

LONG = 3600.0
"""Seconds that a copy may take."""

_COUNTED = ("events", "runs", "receipts", "keys", "kept")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to `hooks db`, which stands in the tree already."""
    db.command("prune", epilog="Example: hooks db prune --older-than 30d --dry-run")(db_prune)
    db.command("backup", epilog="Example: hooks db backup /srv/copies/hooks-monday.db")(db_backup)
    db.command("restore", epilog="Example: hooks db restore /srv/copies/hooks-monday.db")(db_restore)
    db.command("copy", epilog="Example: hooks db copy --to postgresql://hooks@db.example.com/hooks")(db_copy)
    db.command("migrate", epilog="Example: hooks db migrate --data /var/lib/hooks")(db_migrate)


def db_prune(
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="How long ago it must have ended, such as 30d (HOOKS_RETENTION)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")] = False,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Delete events, runs and bodies that ended long ago, in small batches; a server may be running.

    What waits, is held, or has failed and not been given up by a person is never deleted.
    """
    try:
        settings = load_settings({"data": data, "database": database, "retention": older_than})
    except SettingsError as error:
        if older_than is None:
            raise
        raise wrong_use(str(error).replace("HOOKS_RETENTION", "--older-than", 1)) from None
    if settings.retention is None:
        raise SettingsError("nothing is set to be deleted (HOOKS_RETENTION=forever): say how old with --older-than")
    from hooks.cli.progress import progress

    total = dict.fromkeys(_COUNTED, 0)
    with progress() as tell:
        for report in _rounds(settings, dry_run):
            for name in _COUNTED:
                total[name] += report[name]
            tell("events", total["events"])
            tell("receipts", total["receipts"])
    if as_json:
        print_json({**total, "dry_run": dry_run})
        return
    verb = "would be deleted" if dry_run else "deleted"
    print(
        f"{total['events']} events with {total['runs']} runs, {total['receipts']} receipts and {total['keys']} "
        f"remembered keys {verb}; {total['kept']} old events stay, because a run of theirs is not over"
    )


def _rounds(settings: Settings, dry_run: bool) -> Iterator[Mapping[str, Any]]:
    """Each round's report, from the running server or from the file itself."""
    server = find_server(settings)
    following: str | None = None
    while True:
        report = _asked(server, settings, following, dry_run) if server else asyncio.run(_here(settings, dry_run))
        yield report
        following = report["next"]
        if following is None:
            return


def _asked(server: Server, settings: Settings, start: str | None, dry_run: bool) -> Mapping[str, Any]:
    from hooks.values import show_duration

    assert settings.retention is not None, "looked at before"
    query = {
        "older_than": show_duration(settings.retention),
        "start": start,
        "dry_run": "true" if dry_run else "false",
    }
    report: Mapping[str, Any] = server.ask("POST", "/api/v1/prune", query)
    return report


async def _here(settings: Settings, dry_run: bool) -> Mapping[str, Any]:
    """All of it at once: nobody else is using the database."""
    from datetime import timedelta

    from hooks.clock import SystemClock
    from hooks.store.opening import open_store, sqlite_file
    from hooks.store.retention import Pruner
    from hooks.upkeep import prune_report

    assert settings.retention is not None, "looked at before"
    path = sqlite_file(settings.database_url)
    if path is not None:
        require_database(path)
    clock = SystemClock()
    store = await open_store(settings.database_url, relaxed=True)  # what is deleted needs no promise
    try:
        pruner = Pruner(store.engine, monotonic=clock.monotonic, sleep=clock.sleep, share=1.0)
        before = clock.now() - timedelta(seconds=settings.retention)
        rounds = [swept async for swept in pruner.prune(before, clock.now(), dry_run=dry_run)]
        return prune_report(rounds[-1])
    finally:
        await store.close()


def db_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; nothing is overwritten.")],
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Copy the database, also while a server uses it, and prove the copy sound. Only its owner may read it."""
    from hooks.clock import SystemClock
    from hooks.events import utc_text
    from hooks.store.copying import copy_database

    settings = load_settings({"data": data, "database": database})
    path = _file_of(settings, "pg_dump --format=custom copies it, also while servers use it")
    if not file.parent.is_dir():
        raise StoreError(f"there is no folder {file.parent}")
    if file.exists():
        raise StoreError(f"{file} is there already: a copy overwrites nothing")
    server = find_server(settings)
    if server is not None:
        made = server.ask("POST", "/api/v1/backups", timeout=LONG)
        _moved(Path(made["file"]), file)
        report = {"file": str(file), "at": made["at"], "bytes": made["bytes"]}
    else:
        require_database(path)
        copy = copy_database(path, file, SystemClock().now())
        report = {"file": str(file), "at": utc_text(copy.at), "bytes": copy.size}
    if as_json:
        print_json(report)
    else:
        print(f"{file} is a sound copy as of {report['at']}, {report['bytes'] / 1e6:.1f} MB.")


def _moved(made: Path, file: Path) -> None:
    """Take the copy that the server made to where it is wanted, on whatever file system that is."""
    import os
    import shutil

    beside = file.with_name(file.name + ".partial")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        shutil.copyfile(made, beside)
        handle = os.open(beside, os.O_RDWR)
        os.fsync(handle)
        os.close(handle)
        os.link(beside, file)  # unlike a rename, it overwrites nothing
        made.unlink()
    except OSError as error:
        raise StoreError(f"the copy stays at {made}: {file} cannot be written ({error.strerror})") from None
    finally:
        beside.unlink(missing_ok=True)


def db_restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `hooks db backup` made.")],
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Carry out what was not over in the copy, instead of holding it.")
    ] = False,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Put a copy in the place of the database of a stopped server; the database before it is kept beside it."""
    from hooks.clock import SystemClock
    from hooks.events import utc_text
    from hooks.store.copying import restore_database

    settings = load_settings({"data": data, "database": database})
    path = _file_of(settings, "pg_restore brings back what pg_dump has copied; docs/operating.md says what else to do")
    now = SystemClock().now()
    done = restore_database(file, path, now, go_on=go_on)
    report = {
        "database": str(path),
        "copied_at": utc_text(done.at),
        "restored_at": utc_text(now),
        "unfinished": done.unfinished,
        "held": not go_on,
        "kept": None if done.before is None else str(done.before),
    }
    if as_json:
        print_json(report)
        return
    print(f"{path} is now as it was at {report['copied_at']}.")
    print(f"What happened from then to {report['restored_at']} is not in it: what senders send again is taken as new.")
    if done.unfinished:
        fate = "goes on, and may be done a second time" if go_on else "is held by the next server, for you to decide"
        print(f"What was not over in the copy (runs, and events without their runs: {done.unfinished}) {fate}.")
    if done.before is not None:
        note(f"The database before it is kept as {done.before}.")


def db_copy(
    to: Annotated[str, typer.Option(metavar="URL", help="The empty PostgreSQL database that takes its place.")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="The SQLite file; that of --data if not given.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Move a stopped server's SQLite file to PostgreSQL. Interrupted, it goes on where it was; counts are compared."""
    from hooks.store.opening import is_postgres, require_driver, sqlite_file

    address = source or load_settings({"data": data, "database": database}).database_url
    path = sqlite_file(address)
    if path is None or not is_postgres(to):
        raise SettingsError("a move goes --from sqlite:///FILE --to postgresql://user@host/name")
    require_driver()
    moved = _with_progress(path, to)
    if as_json:
        print_json({"from": str(path), "rows": moved})
        return
    print(f"{sum(moved.values())} rows of {len(moved)} tables have come over, and the counts agree.")
    print("Start the servers with the new --database; the file is as it was, and is not used any more.")


def _with_progress(path: Path, to: str) -> dict[str, int]:
    from hooks.cli.progress import progress
    from hooks.store.moving import move_database

    with progress() as tell:
        return move_database(
            path,
            to,
            lambda name, done, rows: tell(f"rows of {name}", done, rows),
        )


def db_migrate(as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Bring the database to this release without serving, after a copy into its folder `backups`."""
    from hooks.store.opening import open_store

    settings = load_settings({"data": data, "database": database})
    if find_server(settings) is not None:
        note("A server is running: it has brought its database to its own release.")
    if settings.database_file is not None:
        require_database(settings.database_file)

    async def migrate() -> list[str]:
        store = await open_store(settings.database_url, relaxed=True)
        try:
            return list(store.engine.migrated)
        finally:
            await store.close()

    done = asyncio.run(migrate())
    if as_json:
        print_json({"database": settings.database_shown, "applied": done})
    else:
        print(f"{', '.join(done)} applied." if done else "The database is of this release already.")


def _file_of(settings: Settings, instead: str) -> Path:
    if settings.database_file is None:
        raise SettingsError(f"this works on a SQLite file only, and the database is a PostgreSQL: {instead}")
    return settings.database_file
