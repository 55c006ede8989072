"""`hooks explain`: from a stored event, a sample or a body to the rules it meets and the requests they would send.

A body is read by the source's own reader and told to the rules of the file; nothing is stored and nothing is sent.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hooks.cli.bodies import SourceReader, Unread
from hooks.cli.loading import catalogue, load_rules, pick_source, read_sample
from hooks.cli.output import coloured, plain, wrong_use
from hooks.cli.reader import ask, find_server
from hooks.events import Event, Request
from hooks.ports import Client
from hooks.rules.explain import explain
from hooks.rules.ruleset import RuleSet
from hooks.settings import load_settings

_NONE: Mapping[str, str] = {}
_SIGNS = {"true": ("✓", "green"), "false": ("✗", "red"), "missing": ("✗", "yellow"), "error": ("!", "red")}


def of_stored(event_id: str, given: Mapping[str, object]) -> Mapping[str, Any]:
    """A stored event under the rules in force, or under the file's when no server runs or another file is named."""
    from hooks.desk.engine import event_from_json

    settings = load_settings(given)
    server = find_server(settings) if given.get("routes") is None else None
    if server is not None:
        explained: Mapping[str, Any] = server.ask("GET", f"/api/v1/events/{event_id}/explain")
        return explained
    stored = ask(f"/api/v1/events/{event_id}", given, {})
    if stored.get("state") == "pending":
        raise wrong_use(f"{event_id} has not been read yet: start `hooks serve`, which does it")
    return _explained(load_rules(settings, all_secrets=False), [event_from_json(stored)])[0]


def of_body(
    sample: str | None,
    payload: Path | None,
    source: str | None,
    given: Mapping[str, object],
    headers: Mapping[str, str] = _NONE,
) -> list[Mapping[str, Any]]:
    """The events of a sample or of a body in a file, as the source would make them now."""
    now = datetime.now(UTC)
    recorded = None if sample is None else read_sample(sample)
    rules = load_rules(load_settings(given), all_secrets=False)
    configured = pick_source(rules, source, None if recorded is None else recorded.vendor)
    reader = SourceReader(configured)
    if recorded is not None:
        inbound = recorded.inbound(now, headers)
    else:
        assert payload is not None, "one of sample and payload is given"
        try:
            inbound = reader.inbound(payload.read_bytes(), now, headers)
        except OSError as error:
            raise wrong_use(f"{payload} cannot be read: {error.strerror}") from None
    if reader.is_ping(inbound):
        told = f"the source {configured.name} takes this body for its sender's test of the address"
        raise wrong_use(f"{told}: it is answered, and no event comes of it")
    try:
        return _explained(rules, reader.events(inbound))
    except Unread as unread:
        raise wrong_use(str(unread)) from None


def _explained(rules: RuleSet, events: list[Event]) -> list[Mapping[str, Any]]:
    clients: dict[str, Client] = {}

    def url(connection: str, request: Request) -> str:
        """The full address that a connection would send to; a client that only tells it opens nothing."""
        config = rules.connections.get(connection)
        connect = None if config is None else catalogue()[config.vendor].connect
        if config is None or connect is None:
            return request.path
        if connection not in clients:
            clients[connection] = connect(connection, config.settings)
        return clients[connection].url(request)

    try:
        return [explain(rules, event, url_for=url) for event in events]
    finally:
        asyncio.run(_close(clients))


async def _close(clients: Mapping[str, Client]) -> None:
    for client in clients.values():
        await client.aclose()


# --- for people ---


def print_explained(explained: Mapping[str, Any]) -> None:
    """The event in a line, then each rule with its clauses and, where it matched, its requests."""
    event = explained["event"]
    print(coloured(plain(event["type"]), "bold"), "from", plain(event["source"]), plain(event.get("subject")))
    if event.get("flag"):
        print(coloured(f"It could not be read, and no rule acts on it: {plain(event['flag'])}", "yellow"))
    for rule in explained["rules"]:
        word, colour = ("matched", "green") if rule["matched"] else ("did not match", "dim")
        if rule["else"]:
            word, colour = "did not match: its else is done", "yellow"
        if rule["mode"] == "shadow" and rule["requests"]:
            word += " (in shadow: nothing is sent)"
        print(f"\n{coloured(plain(rule['id']), 'bold')}  {coloured(word, colour)}")
        for clause in rule["clauses"]:
            _print_clause(clause)
        for timing in rule["timing"]:
            _print_timing(timing)
        for request in rule["requests"]:
            _print_request(request)
        for step in rule["left_out"]:
            named = f"{plain(step['step'])}: {plain(step['action'])}, left out: {plain(step['why'])}"
            print(coloured(f"  - {named}  line {step['line']}", "dim"))


def _print_clause(clause: Mapping[str, Any]) -> None:
    sign, colour = _SIGNS[clause["verdict"]]
    place = f"line {clause['line']}"
    print(f"  {coloured(sign, colour)} {plain(clause['text'])}  {coloured(place, 'dim')}")
    for path, value in clause["values"].items():
        print(f"      {plain(path)} = {plain('null' if value is None else value)}")
    if clause.get("hint"):
        print(coloured(f"      {plain(clause['hint'])}", "yellow"))


def _print_timing(timing: Mapping[str, Any]) -> None:
    place = f"line {timing['line']}"
    print(f"  {coloured('◷', 'cyan')} {plain(timing['key'])}: {plain(timing['text'])}  {coloured(place, 'dim')}")
    for text, value in timing["by"].items():
        print(f"      {plain(text)} = {plain('null' if value is None else value)}")
    if timing["hint"]:
        print(coloured(f"      {plain(timing['hint'])}", "yellow"))


def _print_request(request: Mapping[str, Any]) -> None:
    step = f"{request['step']}: " if request.get("step") else ""
    print(f"  {coloured('→', 'cyan')} {plain(step)}{plain(request['action'])}")
    if (error := request.get("error")) is not None:
        print(coloured(f"      nothing is sent: {plain(error)}", "red"))
        return
    print(f"      {plain(request['method'])} {plain(request['url'])}")
    body = request.get("body")
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=2)
        for line in text.splitlines():
            print(f"      {plain(line)}")
    for field, origin in _origins(request.get("origin") or {}).items():
        print(coloured(f"      {plain(field)} <- {plain(origin)}", "dim"))


def _origins(origin: Mapping[str, str]) -> dict[str, str]:
    """Where fields came from; an object that was handed on as it is takes one line, not one for each of its fields."""
    shown: dict[str, str] = {}
    for field, source in origin.items():
        first = re.split(r"[.\[]", field, maxsplit=1)[0]
        rest = field[len(first) :]
        whole = source[: len(source) - len(rest)] if rest and source.endswith(rest) else None
        shown[field if whole is None else first] = source if whole is None else whole
    return shown
