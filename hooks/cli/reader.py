"""Where the reading commands get their answers: from the running server, or from the database file when none runs.

A server leaves its addresses and its token in its data folder (`hooks.whereabouts`). If it answers, it is asked
through its admin API; else the same questions are put to the file, opened read-only. Both ways give the same
documents. What changes something needs the server.
"""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hooks.cli.wire import Unreachable, WireAnswer, call
from hooks.errors import HooksError
from hooks.settings import Settings, load_settings
from hooks.whereabouts import TOKEN_FILE, left_behind, noted

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from hooks.store.history import SqlHistory


NOT_LET_IN = "the server does not take this token: set HOOKS_ADMIN_TOKEN, or use the server's own --data folder"


class Refused(HooksError):
    """The admin API answered with an error."""


class NotFound(HooksError):
    """There is no record of this id."""


class NoServer(HooksError):
    """The command needs a running server and there is none."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answered just now, and the token that opens its admin API. ``inbox`` is "" for ``--role work``."""

    inbox: str
    admin: str
    token: str | None

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        timeout: float = 30.0,
    ) -> Any:
        """One call of the admin API. Raises NotFound, or Refused with the server's own words.

        What a server found in rules that it was given is an answer too, although its status is 422.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = self.admin + path + (f"?{urlencode(given)}" if given else "")
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method != "GET":
            headers |= {"Content-Type": "application/json", "X-Hooks-Author": _user(), "User-Agent": "hooks/cli"}
        sent = None if method == "GET" else json.dumps({} if body is None else body).encode()
        return _document(call(method, url, headers=headers, body=sent, timeout=timeout), path)


def _user() -> str:
    """The system user, for the server's list of changes."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return ""
    return name if name.isascii() and name.isprintable() else ""


def _document(answer: WireAnswer, path: str) -> Any:
    document = answer.json()
    if 200 <= answer.status < 300 and document is not None:
        return document
    if answer.status == 422 and isinstance(document, dict) and "findings" in document:
        return document
    said = document.get("detail") or document.get("title") if isinstance(document, dict) else None
    if answer.status == 404:
        kind, _, id_ = path.removeprefix("/api/v1/").partition("/")
        if kind == "people":
            raise NotFound(
                f"nobody is {id_.partition('/')[0]}" if id_.startswith("per_") else "there is no such person"
            )
        if kind == "rules":
            raise NotFound("the server has no such rule, and no such version of the rules")
        raise NotFound(
            f"the server has no {kind.removesuffix('s')} {id_.partition('/')[0]}" if id_ else f"nothing: {path}"
        )
    if answer.status == 401:
        raise Refused(NOT_LET_IN)
    raise Refused(f"the server answered {answer.status}" + (f": {said}" if said else ""))


def noted_addresses(settings: Settings) -> tuple[str, str] | None:
    """Where the server of this data folder said that it listens: for webhooks ("" for ``--role work``), for the admin.

    None when no server has noted anything. Raises SettingsError when the folder is not ours to read.
    """
    told = noted(settings.data)
    try:
        return _reachable(str(told["inbox"] or "")), _reachable(str(told["admin"]))
    except KeyError:
        return None


def _reachable(address: str) -> str:
    """The address of a listener on all interfaces, as it is reached from this machine."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def find_server(settings: Settings) -> Server | None:
    """The server that uses this data folder, if it answers; none when another database than its own was named.

    Nobody is asked at an address that a server has left which was killed: another installation may have it by now.
    """
    addresses = noted_addresses(settings)
    if addresses is None or left_behind(settings.data):
        return None
    if settings.database_named and noted(settings.data).get("database") not in (None, settings.database_noted):
        return None
    server = Server(*addresses, _token(settings))
    try:
        call("GET", f"{server.admin}/healthz", timeout=5)
    except Unreachable:
        return None
    return server


def _token(settings: Settings) -> str | None:
    if settings.admin_token is not None:
        return settings.admin_token
    try:
        return (settings.data / TOKEN_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def ask(path: str, given: Mapping[str, object], query: Mapping[str, object]) -> Any:
    """The document that the admin API gives for a path and a query, with or without a server."""
    settings = load_settings(given)
    server = find_server(settings)
    if server is not None:
        return server.ask("GET", path, query)
    return asyncio.run(_from_file(settings, path, {name: value for name, value in query.items() if value is not None}))


def act(path: str, given: Mapping[str, object], body: Mapping[str, object] | None = None, timeout: float = 30.0) -> Any:
    """Have the running server do something. Raises NoServer when none runs."""
    return server_of(given).ask("POST", path, body=body, timeout=timeout)


def server_of(given: Mapping[str, object]) -> Server:
    """The running server of a data folder. Raises NoServer when none runs."""
    return server_at(load_settings(given))


def server_at(settings: Settings) -> Server:
    """The same, of settings that have been read."""
    server = find_server(settings)
    if server is None:
        if (told := noted(settings.data)).get("locked") and not left_behind(settings.data):
            raise NoServer(f"the server of this data folder (process {told.get('pid')}) does not answer: see its log")
        raise NoServer("no server answers for this data folder: start `hooks serve`, or name its folder with --data")
    return server


async def _from_file(settings: Settings, path: str, query: Mapping[str, object]) -> Any:
    """As the server would answer: the same filters refuse the same values."""
    from starlette.datastructures import QueryParams

    from hooks.store.opening import open_history
    from hooks.web.masked import MaskedHistory, Masking
    from hooks.web.parameters import event_filter, receipt_filter, run_filter

    kind, _, id_ = path.removeprefix("/api/v1/").partition("/")
    given = QueryParams({name: str(value) for name, value in query.items()})
    now = datetime.now(UTC)
    history = await open_history(settings.database_url)
    try:
        if kind == "stats":
            return await history.stats()
        if kind == "people":
            return await _people_from_file(settings, history, id_, given)
        if id_:
            one = {"events": history.event, "runs": history.run, "receipts": history.receipt}[kind]
            record = await one(id_)
            if record is None:
                raise NotFound(f"there is no {id_} in {settings.database_shown}")
            return record
        seen = MaskedHistory(history, Masking(settings.masked))
        if kind == "events":
            page = await seen.events(event_filter(given, now))
        elif kind == "runs":
            page = await seen.runs(run_filter(given, now))
        else:
            page = await seen.receipts(receipt_filter(given, now))
        return {"items": list(page.items), "next": page.next}
    finally:
        await history.close()


async def _people_from_file(settings: Settings, history: SqlHistory, asked: str, query: QueryParams) -> Any:
    from hooks.store.people_book import PeopleBook
    from hooks.web.masked import Masking
    from hooks.web.masked_people import MaskedBook
    from hooks.web.parameters import review_of, search_of

    book = MaskedBook(PeopleBook(history), Masking(settings.masked))
    if asked in ("", "review"):
        page = await (book.review(*review_of(query)) if asked else book.find(*search_of(query)))
        return {"items": list(page.items), "next": page.next}
    person, _, export = asked.partition("/")
    found = await (book.export(person) if export else book.show(person))
    if found is None:
        raise NotFound(f"nobody is {person}")
    return found
