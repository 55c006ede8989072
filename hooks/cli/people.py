"""`hooks people`: who is who across vendors: find, show, review, link, unlink, export, forget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hooks.cli.options import AlwaysJson, AsJson, Data, Database, Limit
from hooks.cli.output import coloured, note, plain, print_fields, print_json, print_table, wrong_use


class _FindsByItself(TyperGroup):
    """Without a command it is `find`: `hooks people --json` lists people, as `hooks stats --json` counts."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["find", *args]
        return super().parse_args(ctx, args)


people = typer.Typer(cls=_FindsByItself, help="Who is who: the same person across vendors.")

PATH = "/api/v1/people"
FORGET_TIMEOUT = 3600.0
"""Seconds: forgetting reads everything that is stored once."""

Person = Annotated[str, typer.Argument(metavar="PER", help="The person's id, per_...")]
Cursor = Annotated[str | None, typer.Option(metavar="ID", help="Go on where the page before ended.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(people, name="people", rich_help_panel="What happened")


@people.command("find", epilog="Example: hooks people find '(303) 555-0142'")
def people_find(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]", help="A name, a phone number in any writing, an e-mail address or a vendor's id."
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Find people; without a text, or as `hooks people` alone, those who were learned of last."""
    listing = _ask("", data, database, {"q": text, "cursor": cursor, "limit": limit})
    if as_json:
        print_json(listing)
        return
    if not listing["items"]:
        note("Nobody found.")
        return
    print_table(
        ("id", "name", "phones", "emails", "records"),
        [[one["id"], _name(one), *_reach(one), _records(one["records"])] for one in listing["items"]],
    )
    _more(listing)


@people.command("show", epilog="Example: hooks people show per_0190c0de000070008000000000000005")
def people_show(person: Person, as_json: AsJson = False, data: Data = None, database: Database = None) -> None:
    """Show a person: what is known, from where and how surely, and who it may be too."""
    shown = _ask(f"/{_per(person)}", data, database)
    if as_json:
        print_json(shown)
        return
    print_fields({name: shown[name] for name in ("id", "name", "company", "created_at", "updated_at")})
    print_fields({name: ", ".join(shown[name]) for name in ("phones", "emails", "merged")})
    if shown["records"]:
        print(f"\n{coloured('records', 'bold')}")
        print_table(
            ("record", "kind", "sure", "why", "since"),
            [[_record(one), one["kind"], _percent(one), one["why"], one["origin"]] for one in shown["records"]],
        )
    if shown["review"]:
        print(f"\n{coloured('may also be', 'bold')}")
        print_table(
            ("id", "name", "sure", "why"),
            [
                [other["id"], _name(other), _percent(doubt), doubt["why"]]
                for doubt in shown["review"]
                for other in (doubt["one"], doubt["other"])
                if other["id"] != shown["id"]
            ],
        )
    if shown["events"]:
        print(f"\n{coloured('events', 'bold')}")
        columns = ("id", "received_at", "source", "type")
        print_table(columns, [[event[column] for column in columns] for event in shown["events"]])


@people.command("review", epilog="Example: hooks people review")
def people_review(
    cursor: Cursor = None, limit: Limit = 50, as_json: AsJson = False, data: Data = None, database: Database = None
) -> None:
    """List pairs that may be one person. Say which: `hooks people link A B`, or `hooks people unlink A B`."""
    listing = _ask("/review", data, database, {"cursor": cursor, "limit": limit})
    if as_json:
        print_json(listing)
        return
    if not listing["items"]:
        note("Nothing is doubtful.")
        return
    rows = [
        [pair["one"]["id"], _name(pair["one"]), pair["other"]["id"], _name(pair["other"]), _percent(pair), pair["why"]]
        for pair in listing["items"]
    ]
    print_table(("one", "name", "other", "name", "sure", "why"), rows)
    _more(listing)


@people.command("link", epilog="Example: hooks people link per_0190...05 per_0190...09")
def people_link(
    one: Annotated[str, typer.Argument(metavar="A", help="The person who stays.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The person who is the same one.")],
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Say that two are one person: all that B has becomes A's. Needs the running server."""
    answer = _act("/link", data, {"one": _per(one), "other": _per(other)})
    _tell(answer, as_json, f"{other} is {answer['id']} now.")


@people.command("unlink", epilog="Example: hooks people unlink per_0190...05 titan/1204")
def people_unlink(
    person: Person,
    record: Annotated[
        str, typer.Argument(metavar="RECORD", help="A record, as titan/1204 or 1204; or another person's id.")
    ],
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take a record away from a person, or say that two people are two. Needs the running server."""
    answer = _act("/unlink", data, {"person": _per(person), "record": record})
    _tell(answer, as_json, f"{answer['person']['id']} and {answer['other']['id']} are two.")


@people.command("export", epilog="Example: hooks people export per_0190c0de000070008000000000000005 --to ortiz.json")
def people_export(
    person: Person,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file instead of standard output.")] = None,
    masked: Annotated[bool, typer.Option("--masked", help="Without the fields that HOOKS_MASKED names.")] = False,
    as_json: AlwaysJson = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Print all that is stored of a person as one JSON document: map, events, receipts, runs, requests, answers."""
    document = _ask(f"/{_per(person)}/export", data, database)
    if masked:
        document = _without_masked(document)
    if to is None:
        print_json(document)
        return
    import json
    import os

    try:
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123  # the mode from the first byte on
            json.dump(document, file, ensure_ascii=False, indent=2)
            file.write("\n")
    except OSError as error:
        raise wrong_use(f"{to} cannot be written: {error.strerror}") from None
    note(f"{to} holds it, readable by you alone.")


def _without_masked(document: Any) -> Any:
    from hooks.settings import load_settings
    from hooks.web.masked import Masking

    fields = load_settings().masked
    if not fields:
        raise wrong_use("HOOKS_MASKED names no field: say which, such as HOOKS_MASKED=phone,email,street")
    masking = Masking(fields)
    receipts = [{**receipt, "body": masking.body(receipt.get("body"))} for receipt in document["receipts"]]
    events = [masking.event(event) for event in document["events"]]
    return {**document, "person": masking.of(document["person"]), "events": events, "receipts": receipts}


@people.command("forget", epilog="Example: hooks people forget per_0190c0de000070008000000000000005 --yes")
def people_forget(
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Delete what identifies a person, for good. Counts stay, vendors keep their own. Needs the running server."""
    asked = _per(person)
    if not yes:
        typer.confirm(f"Delete all that identifies {asked}, here and for good?", abort=True, err=True)
    answer = _act(f"/{asked}/forget", data, {}, timeout=FORGET_TIMEOUT)
    words = ", ".join(f"{answer[name]} {name}" for name in ("events", "receipts", "runs", "texts", "keys", "records"))
    _tell(answer, as_json, f"{answer['person']} is forgotten: {words}. Backups and vendors have theirs still.")


def _ask(path: str, data: object, database: object, query: Mapping[str, object] | None = None) -> Any:
    from hooks.cli.reader import ask

    return ask(PATH + path, {"data": data, "database": database}, query or {})


def _act(path: str, data: object, body: Mapping[str, str], timeout: float = 30.0) -> Any:
    from hooks.cli.reader import act

    return act(PATH + path, {"data": data}, body, timeout)


def _tell(answer: object, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(answer)
    else:
        print(sentence)


def _per(text: str) -> str:
    if not text.startswith("per_") or not text[4:].isalnum():
        wrong = "a person's whole id" if text.startswith("per_") else "a person's id: it begins with per_"
        raise wrong_use(f"{plain(text)!r} is not {wrong}; `hooks people find` shows them")
    return text


def _name(person: Mapping[str, Any]) -> str:
    return " / ".join(name for name in (person["name"], person["company"]) if name)


def _reach(person: Mapping[str, Any]) -> tuple[str, str]:
    return ", ".join(person["phones"]), ", ".join(person["emails"])


def _record(record: Mapping[str, Any]) -> str:
    return f"{record.get('connection') or record.get('source')}/{record['id']}"


def _records(records: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(map(_record, records))


def _percent(found: Mapping[str, Any]) -> str:
    return f"{round(found['confidence'] * 100)} %"


def _more(listing: Mapping[str, Any]) -> None:
    if listing.get("next"):
        note(f"There is more: --cursor {listing['next']}")
