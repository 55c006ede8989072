"""The commands that change a database or copy it: `db prune`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from hooks.cli.keeping import db
from hooks.cli.options import AsJson, Data, Database
from hooks.cli.output import note, print_json
from hooks.cli.reader import Server, find_server
from hooks.errors import SettingsError, StoreError
from hooks.settings import Settings, load_settings

_COUNTED = ("events", "runs", "receipts", "keys", "kept")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to `hooks db`, which stands in the tree already."""
    db.command("prune", epilog="Example: hooks db prune --older-than 30d --dry-run")(db_prune)


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
    settings = load_settings({"data": data, "database": database, "retention": older_than})
    if settings.retention is None:
        raise SettingsError("nothing is set to be deleted (HOOKS_RETENTION=forever): say how old with --older-than")
    total = dict.fromkeys(_COUNTED, 0)
    for report in _rounds(settings, dry_run):
        for name in _COUNTED:
            total[name] += report[name]
        if report["next"] is not None:
            note(f"{total['events']} events, {total['receipts']} receipts so far")
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
    if path is not None and not path.is_file():
        raise StoreError(f"there is no database at {path}: start `hooks serve` first, or name its --data folder")
    clock = SystemClock()
    store = await open_store(settings.database_url, relaxed=True)  # what is deleted needs no promise
    try:
        pruner = Pruner(store.engine, monotonic=clock.monotonic, sleep=clock.sleep, share=1.0)
        before = clock.now() - timedelta(seconds=settings.retention)
        rounds = [swept async for swept in pruner.prune(before, clock.now(), dry_run=dry_run)]
        return prune_report(rounds[-1])
    finally:
        await store.close()
