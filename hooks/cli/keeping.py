"""The commands for whoever keeps the service running: `token rotate`, `db check`, `config show`, `healthcheck`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hooks.cli.options import AsJson, Data, Database, Routes
from hooks.cli.output import Exit, coloured, note, print_fields, print_json
from hooks.errors import SettingsError, StoreError
from hooks.settings import Settings, load_settings, unread

if TYPE_CHECKING:
    from hooks.cli.reader import Server
    from hooks.store.history import SqlHistory

token = typer.Typer(help="The token of the admin API.", no_args_is_help=True)
db = typer.Typer(help="The database.", no_args_is_help=True)
config = typer.Typer(help="The settings.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(token, name="token", rich_help_panel="Keep it running")
    app.add_typer(db, name="db", rich_help_panel="Keep it running")
    app.add_typer(config, name="config", rich_help_panel="Keep it running")
    panel = "Keep it running"
    app.command(rich_help_panel=panel, epilog="Example: hooks healthcheck --ready")(healthcheck)


@token.command("rotate", epilog="Example: hooks token rotate --data /var/lib/hooks")
def token_rotate(
    read_only: Annotated[bool, typer.Option("--read-only", help="Make a token that may look, and not act.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Make a new token and show it once. The old one stops working at once, also on a running server."""
    from hooks.cli.reader import find_server
    from hooks.web.auth import create_token

    settings = load_settings({"data": data})
    if settings.admin_token is not None:
        raise SettingsError("the token is given by HOOKS_ADMIN_TOKEN: change it there and start the server again")
    if not settings.data.is_dir():
        raise SettingsError(
            f"there is no data folder {settings.data}: start `hooks serve` first, or name it with --data"
        )
    made = create_token(settings.data, "read" if read_only else "act")
    server = find_server(settings)
    if server is not None and not _takes(replace(server, token=made)):
        raise SettingsError(
            "the running server does not take the new token, because its own is given by HOOKS_ADMIN_TOKEN: "
            "change it there and start the server again"
        )
    if as_json:
        print_json({"token": made, "access": "read" if read_only else "act"})
    else:
        print(made)
        note("Keep it now: it is not shown again.")


def _takes(server: Server) -> bool:
    from hooks.cli.reader import Refused
    from hooks.cli.wire import Unreachable

    try:
        server.ask("GET", "/api/v1/sources")
    except Refused:
        return False
    except Unreachable:
        return True  # it ends, and the next one reads the new token
    return True


@db.command("check", epilog="Example: hooks db check --data /var/lib/hooks")
def db_check(as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Read the whole database: its pages, its schema and its books. Changes nothing; a server may be running.

    The pages of a PostgreSQL are its own business: pg_amcheck reads those.
    """
    settings = load_settings({"data": data, "database": database})
    file = settings.database_file
    shown = settings.database_shown if file is None else str(file)
    findings = _examine_postgres(settings.database_url) if file is None else _examine(file)
    document = {"database": shown, "ok": not findings, "findings": findings}
    if as_json:
        print_json(document)
    elif findings:
        for finding in findings:
            print(coloured(finding, "red"))
    else:
        print(f"{shown} is sound.")
    if findings:
        raise typer.Exit(Exit.FAILED)


def require_database(path: Path) -> None:
    """Raises StoreError when there is no such file."""
    if not path.is_file():
        raise StoreError(f"there is no database at {path}: start `hooks serve` first, or name its --data folder")


def _examine(path: Path) -> list[str]:
    """What is wrong with the file; nothing for a sound one."""
    import asyncio

    require_database(path)
    findings: list[str] = []
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as raw:
            findings += [
                f"damaged pages: {row[0]}" for row in raw.execute("PRAGMA integrity_check(20)") if row[0] != "ok"
            ]
            findings += _of_its_schema(raw.execute(_APPLIED).fetchall())
        findings += asyncio.run(_books_of(path))
    except (sqlite3.Error, StoreError) as error:
        findings.append(f"it cannot be read: {error}")
    return findings


def _examine_postgres(address: str) -> list[str]:
    """The same for a PostgreSQL, but for its pages. Raises StoreError where it cannot be reached."""
    import asyncio

    async def examine() -> list[str]:
        from hooks.store.opening import open_history

        history = await open_history(address)
        try:
            applied = await history.reader.read(lambda raw: raw.execute(_APPLIED).fetchall())
            return [*_of_its_schema(applied), *await _books(history)]
        finally:
            await history.close()

    return asyncio.run(examine())


_APPLIED = "SELECT name, checksum FROM migrations"


def _of_its_schema(rows: Iterable[tuple[str, str]]) -> list[str]:
    """What is wrong with the migrations that were applied, by name and checksum."""
    from hooks.store.migrate import migrations

    findings: list[str] = []
    applied = dict(rows)
    known = {migration.name: migration.checksum for migration in migrations()}
    for name in sorted(applied.keys() | known.keys()):
        if name not in known:
            findings.append(f"{name} is of a newer release of hooks than this one")
        elif name not in applied:
            findings.append(f"{name} has not been applied yet: `hooks serve` does it when it starts")
        elif applied[name] != known[name]:
            findings.append(f"{name} was applied in another form than this release has")
    return findings


async def _books_of(path: Path) -> list[str]:
    from hooks.store.sqlite import open_sqlite_history

    history = await open_sqlite_history(path)
    try:
        return await _books(history)
    finally:
        await history.close()


async def _books(history: SqlHistory) -> list[str]:
    """What is wrong with the books of a database."""
    return [f"the books do not balance: {wrong}" for wrong in await history.audit()]


@config.command("show", epilog="Example: HOOKS_PORT=9000 hooks config show --json")
def config_show(as_json: AsJson = False, routes: Routes = None, data: Data = None, database: Database = None) -> None:
    """Show the settings that a server would start with. Secrets are shown as asterisks."""
    settings = load_settings({"routes": routes, "data": data, "database": database})
    shown = _shown(settings)
    if as_json:
        print_json(shown)
    else:
        print_fields(shown)
    for sentence in unread():
        note(f"warning: {sentence}")


def _shown(settings: Settings) -> dict[str, Any]:
    from hooks.values import show_duration

    return {
        "routes": str(settings.routes),
        "data": str(settings.data),
        "database": settings.database_shown,
        "host": settings.host,
        "port": settings.port,
        "admin": f"{settings.admin_host}:{settings.admin_port}",
        "masked": list(settings.masked),
        "admin_hosts": list(settings.admin_hosts),
        "admin_token": "***" if settings.admin_token else None,
        "role": settings.role,
        "strict": settings.strict,
        "durability": settings.durability,
        "free_space": settings.free_space,
        "retention": "forever" if settings.retention is None else show_duration(settings.retention),
    }


def healthcheck(
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether it takes and carries out events now.")] = False,
    detail: Annotated[bool, typer.Option("--detail", help="Say what is wrong, and what to do.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Ask the running server whether it is well: exit code 0 or 1. Made for containers without curl."""
    from hooks.cli.reader import noted_addresses
    from hooks.cli.wire import Unreachable, call

    settings = load_settings({"data": data})
    if detail or as_json:
        _health_in_full(settings, as_json)
        return
    noted = noted_addresses(settings)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  recognised, not bound
    address = f"http://{host}:{settings.port}" if noted is None else noted[0] or noted[1]
    url = f"{address}/{'readyz' if ready else 'healthz'}"
    if noted is None:
        note(f"hooks: no server has noted its address in {settings.data}, so whoever is at {address} is asked")
    try:
        answer = call("GET", url, timeout=4)
    except Unreachable as error:
        note(f"hooks: {error}")
        raise typer.Exit(Exit.FAILED) from None
    print("ok" if answer.status == 200 else f"not ok: {answer.status}")
    if answer.status != 200:
        raise typer.Exit(Exit.FAILED)


def _health_in_full(settings: Settings, as_json: bool) -> None:
    """What the server knows about itself, by its admin API."""
    from hooks.cli.reader import server_at

    report = server_at(settings).ask("GET", "/api/v1/health")
    if as_json:
        print_json(report)
    else:
        print(coloured(report["status"], report["status"]) + ("" if report["ready"] else ", not ready"))
        for finding in report["findings"]:
            print(f"{coloured(finding['level'], finding['level'])}: {finding['what']}")
            print(f"  {finding['mend']}")
    if report["status"] == "red":
        raise typer.Exit(Exit.FAILED)
