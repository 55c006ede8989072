"""`hooks rules shadow-report`: what rules in shadow would have done, beside the live rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hooks.cli.completing import complete_rules
from hooks.cli.options import AsJson, Data, Database, Routes
from hooks.cli.output import Exit, coloured, note, plain, print_json, print_table, wrong_use
from hooks.settings import Settings, load_settings

if TYPE_CHECKING:
    from hooks.rules.ruleset import RuleSet

SHOWN = 20
"""Events that differ which are told in full for each rule; `--json` has all."""

_COLOURS = {"added": "green", "removed": "red", "changed": "yellow"}
_EFFECTS = ("same", "added", "removed", "changed")


def add_to(rules: typer.Typer) -> None:
    """Add the command of this module to the group ``rules``."""
    example = "Example: hooks rules shadow-report lead-to-titan-2 --against lead-to-titan --since 7d"
    rules.command("shadow-report", epilog=example)(shadow_report)


def shadow_report(
    rule: Annotated[
        str | None,
        typer.Argument(
            metavar="[RULE]", help="A rule in shadow.", show_default="all of them", autocompletion=complete_rules
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="RULE", help="The live rule.", show_default="the most similar one")
    ] = None,
    since: Annotated[str, typer.Option(metavar="WHEN", help="From then on: 2h, 14d or 2026-05-06T17:30:00Z.")] = "14d",
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Show where a rule in shadow would have sent something else than the live rule. Exit code 10 for differences."""
    from hooks.cli.records import instant

    settings = load_settings({"routes": routes, "data": data, "database": database})
    report = _report(settings, rule, against, instant(since, "--since"))
    if as_json:
        print_json(report)
    else:
        for each in report["rules"]:
            _print(each)
        if not report["rules"]:
            print("No rule is in shadow: give one `mode: shadow`.")
        if report["truncated"]:
            note("hooks: only the newest runs were looked at: narrow it with --since")
    if any(each["events"] for each in report["rules"]):
        raise typer.Exit(Exit.DIFFERENT)


def _print(report: Mapping[str, Any]) -> None:
    beside = f"beside {plain(report['against'])}" if report["against"] else "with no live rule to compare with"
    print(f"{coloured(plain(report['rule']), 'bold')}, in shadow, {beside}:")
    print_table(_EFFECTS, [[report["summary"][effect] for effect in _EFFECTS]])
    if report["open"]:
        print(f"{report['open']} more whose live run has not ended yet.")
    for change in report["events"][:SHOWN]:
        print(f"\n{coloured(change['change'], _COLOURS[change['change']])} {change['event']}")
        for each in change["fields"]:
            print(f"  {plain(each['path'])}: {_value(each['old'])} → {_value(each['new'])}")
    if len(report["events"]) > SHOWN:
        print(f"\nand {len(report['events']) - SHOWN:,} more: --json has them")
    print()


def _value(value: Any) -> str:
    from hooks.rules.trial import show_value

    return "nothing" if value is None else plain(show_value(value))


# --- where the answers come from ---


def _report(settings: Settings, rule: str | None, against: str | None, since: str | None) -> Mapping[str, Any]:
    import asyncio

    from hooks.cli.reader import find_server

    server = find_server(settings)
    if server is None:
        return asyncio.run(_from_database(settings, rule, against, since))
    query = {"rule": rule, "against": against, "since": since}
    found: Mapping[str, Any] = server.ask("GET", "/api/v1/rules/shadow-report", query)
    return found


async def _from_database(
    settings: Settings, rule: str | None, against: str | None, since: str | None
) -> Mapping[str, Any]:
    from hooks.cli.loading import catalogue, load_rules
    from hooks.desk.rules import shadow_reports
    from hooks.errors import RulesError
    from hooks.events import parse_utc
    from hooks.rules.accounts import stand_in
    from hooks.rules.load import load_texts
    from hooks.store.opening import open_history
    from hooks.store.rulerecords import SqlRuleRecords

    rules = load_rules(settings, all_secrets=False)
    chosen = [each for each in rules.rules if each.mode == "shadow" and rule in (None, each.id)]
    if rule is not None and not chosen:
        raise wrong_use(f"{settings.routes} has no rule {plain(rule)!r} with `mode: shadow`")
    opened = await open_history(settings.database_url)
    records = SqlRuleRecords(opened.reader)

    async def of(version: str) -> RuleSet | None:
        texts = await records.texts(version)
        try:
            return None if texts is None else load_texts(texts, catalogue(), stand_in)
        except RulesError:
            return None

    try:
        return await shadow_reports(rules, chosen, against, None if since is None else parse_utc(since), records, of)
    finally:
        await opened.close()
