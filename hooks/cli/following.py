"""What a server gets to know, as it does, each event once: the stream says when, the listing says what.

The stream may leave out or break off; the listing does not. So whatever the stream says, and whenever it begins anew,
the newest pages of the listing are read until there is nothing on them that was not seen.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hooks.cli.reader import NOT_LET_IN, Refused, Server, find_server, server_at
from hooks.cli.wire import Unreachable, WrongStatus, lines
from hooks.settings import Settings

PAGE = 100
MISSED = 10_000
"""Events that are told at most after the server was away."""

REMEMBERED = 20_000
WAITS = (0.5, 1.0, 2.0, 5.0)
"""Seconds before each next try to reach a server that is away; the last one again and again."""


@dataclass(frozen=True, slots=True)
class News:
    """An event that was not told yet, or an end (``state``) of a run of one that was."""

    kind: Literal["event", "run"]
    event: Mapping[str, Any]
    run: Mapping[str, Any] | None = None


class Seen:
    """Which events were told, and how their runs stood then."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, dict[str, str]] = OrderedDict()

    def __contains__(self, event: object) -> bool:
        return event in self._runs

    def add(self, event: Mapping[str, Any]) -> None:
        self._runs[event["id"]] = {run["id"]: run["state"] for run in event["runs"]}
        while len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)

    def changed(self, event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The runs of an event that was told and that stand otherwise now."""
        before = self._runs[event["id"]]
        return [run for run in event["runs"] if before.get(run["id"]) != run["state"]]


class Following:
    """The events of one server that fit a query. ``say`` is told what people should know of the connection."""

    def __init__(self, settings: Settings, query: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._query = dict(query)
        self._say = say
        self._seen = Seen()
        self._since: str | None = None

    def begin(self, last: int, since: str | None) -> list[Mapping[str, Any]]:
        """The events to show first, oldest first: all ``since`` then, else the ``last`` so many. Raises NoServer."""
        server = server_at(self._settings)
        self._since = since
        if since is not None:
            return [one.event for one in self._news(server)]
        page = server.ask("GET", "/api/v1/events", {**self._query, "limit": max(PAGE, last)})
        events = list(reversed(page["items"]))
        for event in events:
            self._seen.add(event)
        if events:
            self._since = events[0]["received_at"]
        return events[len(events) - last :] if last < len(events) else events

    def news(self) -> Iterator[News]:
        """What happens from now on, without an end; waits for a server that is away. Raises Refused."""
        tries = 0
        while True:
            try:
                server = find_server(self._settings)
                if server is None:
                    raise Unreachable("no server answers")
                for line in self._stream(server):
                    if tries:
                        self._say("The server is back.")
                        tries = 0
                    if line.startswith((":", "event:")):
                        yield from self._news(server)
            except (Unreachable, Refused) as error:
                if isinstance(error, Refused) and not tries:
                    raise
                if not tries:
                    self._say(f"{error}: waiting for it to come back; Ctrl-C ends.")
                time.sleep(WAITS[min(tries, len(WAITS) - 1)])
                tries += 1

    def _stream(self, server: Server) -> Iterator[str]:
        headers = {"Accept": "text/event-stream"}
        if server.token:
            headers["Authorization"] = f"Bearer {server.token}"
        try:
            yield from lines(f"{server.admin}/api/v1/stream", headers=headers)
        except WrongStatus as error:
            raise Refused(NOT_LET_IN if error.status == 401 else str(error)) from None

    def _news(self, server: Server) -> list[News]:
        fresh: list[Mapping[str, Any]] = []
        changed: list[News] = []
        cursor: str | None = None
        while True:
            query = {**self._query, "since": self._since, "cursor": cursor, "limit": PAGE}
            page = server.ask("GET", "/api/v1/events", query)
            new = [event for event in page["items"] if event["id"] not in self._seen]
            for event in reversed(page["items"]):
                if event["id"] in self._seen and (runs := self._seen.changed(event)):
                    changed += [News("run", event, run) for run in runs]
                    self._seen.add(event)
            fresh += new
            cursor = page["next"]
            if not new or cursor is None:
                break
            if len(fresh) >= MISSED:
                self._say(f"More than {MISSED} events came meanwhile: these are the newest of them.")
                break
        fresh.reverse()
        for event in fresh:
            self._seen.add(event)
        return [*changed, *(News("event", event) for event in fresh)]
