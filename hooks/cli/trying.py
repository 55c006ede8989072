"""The commands that try rules without acting: `test` and `backtest`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hooks.cli.completing import complete_rules, complete_sources
from hooks.cli.options import AsJson, Data, Database, Routes, check_event_id
from hooks.cli.output import Exit, note, plain, print_json, wrong_use
from hooks.cli.records import instant
from hooks.settings import load_settings

_PANEL = "Write rules"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks test routes.yaml --coverage")(test)
    app.command(rich_help_panel=_PANEL, epilog="Example: hooks backtest new.yaml --since 14d --short")(backtest)


def test(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default="routes.yaml")
    ] = None,
    only: Annotated[
        str | None, typer.Option("-k", metavar="TEXT", help="Only tests whose rule or name holds it.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Say which rules, conditions and branches no test has seen.")
    ] = False,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Harm the rules in small ways and say what no test would notice.")
    ] = False,
    freeze: Annotated[
        str | None, typer.Option(metavar="EVENT", help="Make a test of a stored event, with invented people, instead.")
    ] = None,
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Run the tests beside the rules and in tests/*.yaml. Sends nothing and needs no secret."""
    settings = load_settings({"routes": file or routes, "data": data, "database": database})
    if freeze is not None:
        if as_json or coverage or mutate:
            raise wrong_use("--freeze prints a test as YAML: leave --json, --coverage and --mutate out")
        _freeze(freeze, settings.routes, settings.database_url, only)
        return
    from hooks.cli.rule_tests import print_tried, try_file

    with _findings_told(as_json):
        tried = try_file(settings.routes, only=only, coverage=coverage, mutate=mutate)
    if as_json:
        print_json(tried.as_json())
    else:
        print_tried(tried)
    if only is not None and not tried.trials:
        note(f"hooks: no test has {plain(only)!r} in its rule or name")
        raise typer.Exit(Exit.FAILED)
    if tried.count("invalid"):
        raise typer.Exit(Exit.INVALID)
    if tried.count("failed"):
        raise typer.Exit(Exit.FAILED)


@contextmanager
def _findings_told(as_json: bool) -> Iterator[None]:
    """With ``--json`` a rules file that cannot be used is told as `hooks check --json` does."""
    from hooks.rules.findings import RulesInvalid

    try:
        yield
    except RulesInvalid as invalid:
        if not as_json:
            raise
        print_json({"ok": False, "findings": invalid.as_json()})
        raise typer.Exit(Exit.INVALID) from None


def _freeze(event: str, routes: Path, database: str, only: str | None) -> None:
    from hooks.cli.freezing import freeze

    check_event_id(event)
    print(freeze(event, routes, database, only), end="")


def backtest(
    new: Annotated[
        Path | None, typer.Argument(metavar="[NEW]", help="The new rules file.", show_default="routes.yaml")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="OLD", help="The old rules file.", show_default="the rules in force")
    ] = None,
    since: Annotated[str, typer.Option(metavar="WHEN", help="From then on: 2h, 14d or 2026-05-06T17:30:00Z.")] = "14d",
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Up to then, written as for --since.")] = None,
    rule: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this rule.", autocompletion=complete_rules)
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only events of this source.", autocompletion=complete_sources)
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="Markdown for a pull request, without any values.")] = False,
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Take stored events through the old and the new rules and show which requests differ. Sends nothing."""
    from hooks.cli import backtesting
    from hooks.clock import SystemClock
    from hooks.events import parse_utc

    if short and as_json:
        raise wrong_use("give one of --short and --json")
    settings = load_settings({"routes": routes, "data": data, "database": database})
    first, last = instant(since, "--since"), instant(until, "--until")
    if first is not None and last is not None and parse_utc(first) >= parse_utc(last):
        raise wrong_use("--until must be later than --since")
    wanted = backtesting.Range(
        since=None if first is None else parse_utc(first),
        until=None if last is None else parse_utc(last),
        source=source,
        now=SystemClock().now(),
    )
    with _findings_told(as_json):
        compared = backtesting.compare(
            new or settings.routes, against, settings.routes, settings.database_url, wanted, rule
        )
    if as_json:
        print_json(compared.backtest.as_json())
    elif short:
        print(backtesting.short(compared))
    else:
        backtesting.print_compared(compared)
    if compared.backtest.changes:
        raise typer.Exit(Exit.DIFFERENT)
