"""`hooks rules history`, `diff` and `rollback`: what was in force, how it differs, and back to it.

A running server is asked through its admin API; without one the database and the file are read, and written, directly.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hooks.cli.options import AsJson, Data, Database, Limit, Routes
from hooks.cli.output import Exit, coloured, note, print_json, print_table
from hooks.settings import Settings, load_settings

if TYPE_CHECKING:
    from hooks.ports import RuleRecords

Number = Annotated[int | None, typer.Argument(metavar="[NUMBER]", min=1, help="A version: `hooks rules history`.")]

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}

_NO_VERSION = "there is no version {} of the rules: `hooks rules history` lists them"


def add_to(rules: typer.Typer) -> None:
    """Add the commands of this module to the group ``rules``."""
    rules.command(epilog="Example: hooks rules history --json")(history)
    rules.command(epilog="Example: hooks rules diff 3 5")(diff)
    rules.command(epilog="Example: hooks rules rollback 3 --note 'the new price list was wrong'")(rollback)


def history(
    limit: Limit = 20,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """List the versions of the rules that were in force, newest first: when, and by whom."""
    settings = load_settings({"data": data, "database": database})
    items = _versions(settings, limit)
    if as_json:
        print_json({"items": items, "next": None})
        return
    columns = ("number", "loaded_at", "author", "origin", "version", "note")
    print_table(
        columns, [[*(each[name] for name in columns[:4]), each["version"][:12], each["note"]] for each in items]
    )


def diff(
    old: Number = None,
    new: Number = None,
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Show how two versions differ; without numbers the one in force and the file. Exit code 10 when they differ."""
    from hooks.rules.text_changes import unified

    settings = load_settings({"routes": routes, "data": data, "database": database})
    before = _version(settings, old if old is not None else _latest(settings))
    if new is None:
        texts, label = _texts_of(settings.routes), str(settings.routes)
    else:
        texts, label = _version(settings, new)["files"], f"version {new}"
    found = unified(before["files"], texts, f"version {before['number']}", label)
    if as_json:
        print_json({"old": before["number"], "new": new, "different": bool(found), "diff": found})
    else:
        for line in found.splitlines():
            print(coloured(line, _COLOURS.get(line[:1])))
        if not found:
            note(f"Version {before['number']} and {label} are the same.")
    if found:
        raise typer.Exit(Exit.DIFFERENT)


def rollback(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="A version: `hooks rules history`.")],
    reason: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why: kept in the history.")] = "",
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Write an earlier version back to the rules file and put it in force. The present one stays in the history."""
    from hooks.cli.reader import NotFound, find_server

    settings = load_settings({"routes": routes, "data": data, "database": database})
    server = find_server(settings)
    if server is not None:
        sent = {"to": number, "author": _user(), "note": reason or f"back to version {number}"}
        try:
            result: Mapping[str, Any] = server.ask("POST", "/api/v1/rules/rollback", None, sent)
        except NotFound:
            raise NotFound(_NO_VERSION.format(number)) from None
    else:
        result = _written(settings, _version(settings, number)["files"])
    if as_json:
        print_json(result)
    else:
        _print_rolled_back(result, number, settings, running=server is not None)
    if not result["ok"]:
        raise typer.Exit(Exit.INVALID)


def _print_rolled_back(result: Mapping[str, Any], number: int, settings: Settings, *, running: bool) -> None:
    if not result["ok"]:
        for finding in result["findings"]:
            where = f"{finding['file']}:{finding['line']}:{finding['column']}"
            note(f"{where}: {finding['message']}" + (f" ({finding['hint']})" if finding["hint"] else ""))
        note(f"hooks: version {number} cannot be put in force any more; nothing was changed")
        return
    for path in result["set_aside"]:
        note(f"what stood in the file and was never in force is kept in {path}")
    if running:
        print(f"The rules of version {number} are in force again, as version {result['number']}.")
    else:
        print(f"{settings.routes} holds the rules of version {number} again. The next `hooks serve` takes them over.")


# --- where the answers come from ---


def _versions(settings: Settings, limit: int) -> list[Mapping[str, Any]]:
    from hooks.cli.reader import find_server

    server = find_server(settings)
    if server is not None:
        items: list[Mapping[str, Any]] = server.ask("GET", "/api/v1/rules/versions", {"limit": limit})["items"]
        return items
    return list(asyncio.run(_read(settings, lambda records: records.versions(None, limit))))


def _version(settings: Settings, number: int) -> Mapping[str, Any]:
    from hooks.cli.reader import NotFound, find_server

    server = find_server(settings)
    found: Mapping[str, Any] | None = None
    if server is not None:
        with contextlib.suppress(NotFound):
            found = server.ask("GET", f"/api/v1/rules/versions/{number}")
    else:
        found = asyncio.run(_read(settings, lambda records: records.version(number)))
    if found is None:
        raise NotFound(_NO_VERSION.format(number))
    return found


def _latest(settings: Settings) -> int:
    from hooks.cli.reader import NotFound

    items = _versions(settings, 1)
    if not items:
        raise NotFound("no rules were ever in force here: start `hooks serve` first, or name its --data folder")
    return int(items[0]["number"])


async def _read(settings: Settings, ask: Callable[[RuleRecords], Any]) -> Any:
    from hooks.store.opening import open_history
    from hooks.store.rulerecords import SqlRuleRecords

    opened = await open_history(settings.database_url)
    try:
        return await ask(SqlRuleRecords(opened.reader))
    finally:
        await opened.close()


def _texts_of(path: Path) -> dict[str, str]:
    """The rules file as it is now, and what it includes."""
    from hooks.errors import SettingsError
    from hooks.rulebook.files import text_of, unwanted_files
    from hooks.rules.load import included_files

    text = text_of(path)
    if text is None:
        raise SettingsError(f"{path} cannot be read: name the rules file with --routes")
    more = unwanted_files({path: text}, included_files(text, path.parent))
    return {str(path): text, **{str(each): text_of(each) or "" for each in more}}


def _written(settings: Settings, texts: Mapping[str, str]) -> Mapping[str, Any]:
    """Write a version back without a server, if it is sound."""
    from datetime import UTC, datetime

    from hooks.cli.loading import catalogue
    from hooks.rulebook.files import places_of, unwanted_files, write_files
    from hooks.rules.accounts import stand_in
    from hooks.rules.findings import RulesInvalid
    from hooks.rules.load import included_files, load_texts

    main = settings.routes
    places = places_of(texts, main)
    wanted = {places[name]: text for name, text in texts.items()}
    try:
        rules = load_texts({str(place): text for place, text in wanted.items()}, catalogue(), stand_in)
    except RulesInvalid as invalid:
        return {"ok": False, "findings": invalid.as_json()}
    in_force = _version(settings, _latest(settings))["files"]
    unwanted = unwanted_files(wanted, included_files(wanted[main], main.parent))
    aside = write_files(wanted, unwanted, in_force.values(), datetime.now(UTC))
    return {
        "ok": True,
        "number": None,
        "version": rules.version,
        "rules": len(rules.rules),
        "findings": [finding.as_json() for finding in rules.warnings],
        "set_aside": [str(path) for path in aside],
    }


def _user() -> str:
    """Who gives the command, as the system knows them."""
    import getpass

    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError, ImportError):
        return "unknown"
