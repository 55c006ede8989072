"""The admin's desk: what people may ask of the running engine, from the rulebook, the store and the registry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from hooks.desk import runs
from hooks.errors import Conflict, StoreError
from hooks.events import Event, Request, parse_utc, utc_text
from hooks.pipeline.accounts import Account
from hooks.pipeline.probing import probe
from hooks.ports import Catalogue, Clock, Desk, Heard, History, RulesDraft, Store
from hooks.registry import describe
from hooks.rulebook.book import Rulebook
from hooks.rules.explain import explain
from hooks.rules.findings import RulesInvalid
from hooks.rules.listing import listed_rules, listed_source


class EngineDesk:
    """The desk of one running server."""

    def __init__(
        self,
        rulebook: Rulebook,
        store: Store,
        history: History,
        catalogue: Catalogue,
        clock: Clock,
        *,
        ready: Callable[[], bool],
        wake: Callable[[], None],
        reloaded: Callable[[], None],
        explained: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda told: told,
    ) -> None:
        """``explained``: what is shown of an explanation."""
        self._rulebook = rulebook
        self._store = store
        self._history = history
        self._catalogue = catalogue
        self._clock = clock
        self._ready = ready
        self._wake = wake
        self._reloaded = reloaded
        self._explained = explained
        self._vendors: Sequence[Mapping[str, Any]] | None = None
        self._describing = asyncio.Lock()

    def ready(self) -> bool:
        return self._ready()

    def rules(self) -> Sequence[Mapping[str, Any]]:
        current = self._rulebook.current
        return [] if current is None else listed_rules(current)

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        doors = self._rulebook.doors
        heard: Mapping[str, Heard] = {}
        with contextlib.suppress(StoreError):  # where webhooks come in is known without the database
            heard = await self._history.heard(doors)
        return [
            listed_source(name, door.vendor, door.settings, door.source.paths, heard.get(name))
            for name, door in doors.items()
        ]

    def connections(self) -> Sequence[Mapping[str, Any]]:
        now = self._clock.monotonic()
        return [connection_as_json(account, now) for account in self._rulebook.accounts.values()]

    async def vendors(self) -> Sequence[Mapping[str, Any]]:
        # Some hundred schemas take a quarter of a second: made once, and beside whoever is being received meanwhile.
        async with self._describing:
            if self._vendors is None:
                self._vendors = await asyncio.to_thread(describe, self._catalogue)
        return self._vendors

    async def reload(self) -> Mapping[str, Any]:
        try:
            rules = await self._rulebook.load()
        except RulesInvalid as invalid:
            return {"ok": False, "findings": [finding.as_json() for finding in invalid.findings]}
        self._reloaded()
        return {
            "ok": True,
            "version": rules.version,
            "rules": len(rules.rules),
            "findings": [finding.as_json() for finding in rules.warnings],
        }

    async def check(self, draft: RulesDraft) -> Mapping[str, Any]:
        sound, findings = await self._rulebook.check(draft)
        return {"ok": sound, "findings": [finding.as_json() for finding in findings]}

    async def explain(self, event_id: str) -> Mapping[str, Any] | None:
        stored = await self._history.event(event_id)
        current = self._rulebook.current
        if stored is None:
            return None
        if stored["state"] == "pending" or current is None:
            raise Conflict("the event has not been read yet" if current is not None else "no rules are loaded")
        # Thousands of rules take half a second: nobody who is being received waits for that.
        return self._explained(await asyncio.to_thread(explain, current, event_from_json(stored), url_for=self.url))

    async def retry(self, run_id: str) -> Mapping[str, Any] | None:
        run = await self._history.run(run_id)
        if run is None:
            return None
        await runs.retry(self._store, self._clock, run)
        self._wake()
        return await self._history.run(run_id)

    async def cancel(self, run_id: str) -> Mapping[str, Any] | None:
        run = await self._history.run(run_id)
        if run is None:
            return None
        await runs.cancel(self._store, self._clock, run)
        return await self._history.run(run_id)

    def subscribers(self) -> Sequence[Mapping[str, Any]]:
        known = self._rulebook.subscribers
        return [
            {
                "id": one.id,
                "source": one.source,
                "event": one.event,
                "host": urlsplit(one.url).netloc,
                "created_at": utc_text(one.created_at),
                "expires_at": None if one.expires_at is None else utc_text(one.expires_at),
            }
            for one in (known.all() if known is not None else ())
        ]

    async def unsubscribe(self, id: str) -> Mapping[str, Any] | None:
        known = self._rulebook.subscribers
        if known is None or not await known.unsubscribe(id):
            return None
        return {"id": id, "ended": True}

    async def test_connection(self, name: str) -> Mapping[str, Any] | None:
        account = self._rulebook.accounts.get(name)
        if account is None:
            return None
        return (await probe(name, self._catalogue[account.vendor], account.settings)).as_json()

    def url(self, connection: str, request: Request) -> str:
        account = self._rulebook.accounts.get(connection)
        return request.path if account is None else account.client.url(request)


def connection_as_json(account: Account, now: float) -> dict[str, Any]:
    """A connection as it is shown to people, ``now`` by the monotonic clock."""
    breaker, pause = account.breaker, account.pause
    by_hand = pause if pause is not None and pause.paused else None
    return {
        "name": account.name,
        "vendor": account.vendor,
        "base_url": account.settings.base_url,
        "paused": account.paused,
        "paused_at": None if by_hand is None else utc_text(by_hand.changed_at),
        "pause_reason": None if by_hand is None else by_hand.reason,
        "breaker": breaker.state(now),
        "breaker_reason": breaker.reason,
        "next_try_in": round(max(0.0, breaker.until - now), 1),
        "refused": breaker.refused,
        "in_flight": account.calls.taken,
        "in_flight_everywhere": account.calls.taken if account.everywhere is None else account.everywhere,
        "concurrency": account.settings.concurrency,
        "rate": account.settings.rate,
    }


def event_from_json(shown: Mapping[str, Any]) -> Event:
    """The event that `hooks.ports.History.event` showed."""
    return Event(
        id=shown["id"],
        type=shown["type"],
        source=shown["source"],
        vendor=shown["vendor"],
        vendor_type=shown["vendor_type"],
        receipt=shown["receipt"],
        time=parse_utc(shown["time"]),
        received_at=parse_utc(shown["received_at"]),
        subject=shown["subject"],
        data=shown["data"],
        raw=shown["raw"],
        flag=shown.get("flag"),
    )


_: type[Desk] = EngineDesk
