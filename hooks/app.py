"""The one place where everything meets: a server from its start to its end.

Start: take the store, load the rules, give back what a crash left, open the admin's door and then the public one. Stop:
turn readiness red, answer what is in progress, claim nothing more, give calls in progress their time, close the store.
It is one module, because what is started last is stopped first, and the two are read together.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.clock import EngineClock, SystemClock
from hooks.desk.delivery import EngineDeliveryDesk
from hooks.desk.engine import EngineDesk
from hooks.desk.rules import EngineRulesDesk
from hooks.desk.writing import EngineRulesWriting
from hooks.errors import SettingsError, StoreError, StoreRefused
from hooks.events import Receipt, new_uuid7, utc_text
from hooks.health import RELAXED, Health, sqlite_finding
from hooks.kit.http import prepare
from hooks.pipeline.accounts import Account, obstacle_of
from hooks.pipeline.deliver import Worker
from hooks.pipeline.dispatch import Dispatcher
from hooks.pipeline.emitting import Emitting
from hooks.pipeline.people import Acquaintance, Sighter
from hooks.pipeline.receive import log_fault
from hooks.pipeline.sharing import Shared, Shelf
from hooks.pipeline.subscribers import Subscribers
from hooks.pipeline.underway import Underway
from hooks.plurals import so_many
from hooks.ports import Clock, Hear, History
from hooks.registry import CATALOGUE
from hooks.rulebook.book import Rulebook
from hooks.rulebook.watching import RuleFileWatch
from hooks.rules.findings import RulesInvalid
from hooks.settings import Settings, secret
from hooks.silence import SilenceWatch
from hooks.store.auditing import SqlAudit
from hooks.store.history import SqlHistory
from hooks.store.opening import open_hints, open_history, open_store
from hooks.store.people_desk import SqlPeopleDesk
from hooks.store.rulerecords import SqlRuleRecords
from hooks.store.silences import SqlSilences
from hooks.store.tokens import SqlTokens
from hooks.store.verbs import SqlStore
from hooks.upkeep import Keeper
from hooks.web.admin import admin
from hooks.web.auth import GivenToken, Hosts, Keys, TokenFile, check_bind, ensure_token
from hooks.web.console import Shown
from hooks.web.delivery_api import delivery_endpoints
from hooks.web.inbox import Inbox
from hooks.web.listener import Listener
from hooks.web.masked import MaskedHistory, Masking
from hooks.web.masked_people import MaskedPeople
from hooks.web.people import people_endpoints
from hooks.web.rules_api import rules_endpoints
from hooks.web.rules_writing import RulesWritingApi
from hooks.web.upkeep import upkeep_endpoints

if TYPE_CHECKING:
    from hooks.store.hints import Hints

log = logging.getLogger("hooks.app")

ANSWER_GRACE = 4.0
"""Seconds that requests in progress get when the server stops: an answer needs one commit."""

CALL_GRACE = 20.0
"""Seconds that vendor calls in progress get after that; what is left then keeps its intent. Exit within 30 s."""

FOLLOW_POLL = 1.0
"""Seconds after which it is asked whether another server has put other rules in force."""


class App:
    """One server. `start` returns when it takes requests, `stop` when everything is written and closed."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.new_token: str | None = None
        """The admin token, when this start made it: to be shown once."""
        self._clock = clock or SystemClock()
        self._stopping = False
        self._exits = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._inbox_listener: Listener | None = None
        self._admin_listener: Listener | None = None
        self._history: SqlHistory | None = None
        self._store: SqlStore | None = None
        self._dispatcher: Dispatcher | None = None
        self._worker: Worker | None = None
        self._rulebook: Rulebook | None = None
        self._health: Health | None = None
        self._hints: Hints | None = None
        self._shared: Shared | None = None
        self.keeper: Keeper | None = None
        self.silences: SilenceWatch | None = None

    @property
    def history(self) -> History:
        assert self._history is not None, "start the app first"
        return self._history

    @property
    def inbox_url(self) -> str | None:
        return _url(self._inbox_listener)

    @property
    def admin_url(self) -> str | None:
        return _url(self._admin_listener)

    async def start(self) -> None:
        """Raises SettingsError, StoreRefused, or with ``strict`` RulesInvalid; then nothing is left open."""
        try:
            await self._start()
        except BaseException:
            await self._exits.aclose()
            raise

    async def _start(self) -> None:
        settings, wall = self.settings, self._clock
        clock = EngineClock(wall)
        check_bind(settings.admin_host, settings.admin_token is not None)
        _private_folder(settings.data)
        relaxed = settings.durability == "relaxed"
        store = self._store = await open_store(settings.database_url, relaxed=relaxed, free_space=settings.free_space)
        self._exits.push_async_callback(store.close)
        history = self._history = await open_history(settings.database_url)
        self._exits.push_async_callback(history.close)
        if restored := await store.settle_restored():
            log.warning(
                "this database is a copy of %s: what happened after that may happen again. What was not over in it is "
                "held, %s; see `hooks runs list --state held`",
                utc_text(restored[0]),
                so_many(restored[1], "run"),
            )
        health = self._health = Health(clock, store.engine)
        intake = _Waking(store, health, self._wake_dispatcher)
        subscribers = Subscribers(store, clock)
        await subscribers.refresh()
        owner = f"{os.getpid()}-{new_uuid7():x}"
        shelf = None if store.alone else Shelf(SqlTokens(store.engine), clock, owner)
        rulebook = self._rulebook = Rulebook(
            settings.routes,
            store,
            CATALOGUE,
            secret,
            clock,
            subscribers,
            lambda name: Emitting(name, intake, wall),
            shelf,
        )
        self._exits.push_async_callback(rulebook.aclose)
        await self._load_first(rulebook)

        health.rules_loaded = lambda: rulebook.current is not None
        health.behind = lambda: rulebook.behind
        health.left_alone = lambda: _left_alone(rulebook.accounts)
        if finding := sqlite_finding(store.engine.alone):
            health.notes["sqlite"] = finding
        if relaxed:
            health.notes["durability"] = RELAXED
        history.live = lambda: {**health.stats(self.ready()), "durability": settings.durability}
        keeper = self.keeper = Keeper(
            store,
            history,
            clock,
            health,
            retention=settings.retention,
            working=lambda: _working(rulebook.accounts, clock.monotonic()),
        )
        await keeper.begin()
        if recovered := await store.recover(owner, clock.now(), starting=True):
            log.info("%d runs that were in progress when the last server ended go on", recovered)
        inbox = Inbox(
            lambda: rulebook.doors, intake, wall, self.ready, put_off=health.put_off, unknown=rulebook.put_off
        )
        works = settings.role in ("all", "work")
        shared = self._shared = Shared(store, clock, lambda: rulebook.accounts, works=works)
        with contextlib.suppress(StoreError):  # it is asked again soon
            await shared.look()
        worker = self._worker = Worker(
            store,
            clock,
            owner=owner,
            accounts=lambda: rulebook.accounts if keeper.settled else {},
            rules=rulebook.of,
            chance=random.random,
            settle=rulebook.settle,
            people=Acquaintance(store, clock, CATALOGUE),
            shared=shared,
        )
        own = {name for name, vendor in CATALOGUE.items() if vendor.built_in is not None}
        sighter = Sighter(store, clock, busy=lambda: inbox.line.waiting > 0, own=own)
        silences = self.silences = SilenceWatch(
            SqlSilences(store.engine),
            clock,
            health,
            own=min(own),
            sources=lambda: None if rulebook.in_file is None else rulebook.in_file.sources,
            wake=self._wake_dispatcher,
        )
        hints = open_hints(settings.database_url)
        self._hints = None if works else hints  # who works looks for itself

        def wake_worker() -> None:
            worker.wake()
            if self._hints is not None:
                self._hints.tell("runs")

        def planned() -> None:
            worker.wake()
            sighter.wake()

        underway = _underway(settings.data) if works else None
        if underway is not None:
            self._exits.callback(underway.close)
        dispatcher = self._dispatcher = Dispatcher(
            store,
            clock,
            owner=owner,
            rules=lambda: rulebook.current,
            sources=lambda: rulebook.sources,
            planned=planned,
            obstacle=lambda connection: obstacle_of(connection, rulebook.accounts),
            busy=lambda: inbox.line.waiting > 0,
            underway=underway,
        )
        masking = Masking(settings.masked)
        desk = EngineDesk(
            rulebook,
            store,
            history,
            CATALOGUE,
            clock,
            ready=self.ready,
            wake=wake_worker,
            reloaded=self._reloaded,
            explained=masking.explained,
        )
        rules_desk = EngineRulesDesk(rulebook, SqlRuleRecords(history.reader), clock, reloaded=self._reloaded)
        delivery = EngineDeliveryDesk(rulebook, store, history, clock, wake=wake_worker)
        people = MaskedPeople(SqlPeopleDesk(store, history, clock), masking)
        more = [
            *upkeep_endpoints(keeper),
            *rules_endpoints(rules_desk, clock),
            *delivery_endpoints(delivery, clock),
            *people_endpoints(people),
        ]
        writing = EngineRulesWriting(rulebook, history, desk, CATALOGUE)
        more += RulesWritingApi(writing).endpoints()
        audit = SqlAudit(store.engine, history.reader)
        shown = Shown(people, rules_desk, writing, audit, keeper)
        hosts = Hosts(settings.admin_host, settings.admin_hosts)
        seen = MaskedHistory(history, masking)
        guard = admin(seen, desk, rules_desk, clock, self._keys(), hosts, more, shown)
        self._admin_listener = Listener(guard, settings.admin_host, settings.admin_port)
        await self._admin_listener.start()
        self._exits.push_async_callback(self._admin_listener.stop, 1.0)
        self._exits.push_async_callback(self._end_tasks)
        self._begin(keeper.run, "upkeep")
        self._begin(silences.run, "watch for silence")
        if works:
            self._begin(self._dispatcher.run, "dispatcher")
            self._begin(worker.run, "worker")
            health.watch("dispatcher", lambda: dispatcher.turned_at)
            health.watch("worker", lambda: worker.turned_at)
            self._begin(sighter.run, "sighter of people")
            preparing = asyncio.create_task(_prepared(), name="prepare-calls")
            self._exits.push_async_callback(asyncio.wait, [preparing])
        watch = RuleFileWatch(settings.routes, lambda: rulebook.on_disk, self.reload)
        self._begin(watch.run, "rule-file watcher")
        self._begin(self._follow, "follower of other servers")
        if hints is not None and works:
            wake = {"receipts": dispatcher.wake, "runs": worker.wake}
            self._begin(lambda: hints.listen(wake), "listener to other servers")
        elif hints is not None:
            self._begin(hints.send, "sender of hints")
        if settings.role in ("all", "receive"):
            self._inbox_listener = Listener(inbox, settings.host, settings.port)
            self._inbox = inbox
            await self._inbox_listener.start()
        self._write_server_file()

    async def stop(self) -> None:
        """Stop in order, and lose and repeat nothing. Calling it again does nothing."""
        if self._stopping:
            return
        self._stopping = True
        if self._inbox_listener is not None:
            self._inbox.close()
            await self._inbox_listener.stop(ANSWER_GRACE)
        if self._worker is not None and (left := await self._worker.drain(CALL_GRACE)):
            log.warning(
                "%d calls were still in progress; their intents are recorded and resolved at the next start", left
            )
        if self._shared is not None and self._store is not None and self._store.alone:
            with contextlib.suppress(StoreError):
                await self._shared.look()  # what the last calls have found out is for the next start too
        with contextlib.suppress(OSError):
            self._server_file.unlink()
        await self._exits.aclose()

    async def wait(self) -> None:
        """Return when a part of the server has ended by itself, which it should not."""
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def ready(self) -> bool:
        """Whether this server should be sent work: it can store, its loops turn, and it is not stopping."""
        return not self._stopping and self._health is not None and self._health.ready()

    async def reload(self) -> None:
        """Load the rule file again; a broken one changes nothing and is logged."""
        assert self._rulebook is not None, "start the app first"
        try:
            rules = await self._rulebook.load()
        except RulesInvalid as invalid:
            log.error("%s was not loaded, the rules before it stay in force:\n%s", self.settings.routes, invalid)
            return
        self._reloaded()
        log.info(
            "%s loaded: %s, version %s", self.settings.routes, so_many(len(rules.rules), "rule"), rules.version[:12]
        )

    # --- inside ---

    async def _load_first(self, rulebook: Rulebook) -> None:
        try:
            rules = await rulebook.load()
        except RulesInvalid as invalid:
            if self.settings.strict:
                raise
            where = await rulebook.open_doors()
            if not self.settings.routes.is_file():
                log.error(
                    "there is no rules file at %s, so webhooks come in with %s. Write one (README: a first rule in "
                    "five minutes) or name it with --routes; it is loaded as soon as it is there",
                    self.settings.routes,
                    where,
                )
                return
            log.error(
                "%s is broken: webhooks are stored with %s, and NOTHING IS ACTED ON until it is mended:\n%s",
                self.settings.routes,
                where,
                invalid,
            )
            return
        for warning in rules.warnings:
            log.warning("%s", warning.render(colour=False))
        log.info(
            "%s loaded: %s, version %s", self.settings.routes, so_many(len(rules.rules), "rule"), rules.version[:12]
        )

    def _keys(self) -> Keys:
        if self.settings.admin_token is not None:
            return GivenToken(self.settings.admin_token)
        self.new_token = ensure_token(self.settings.data)
        return TokenFile(self.settings.data)

    def _wake_dispatcher(self) -> None:
        if self._hints is not None:
            self._hints.tell("receipts")
        if self._dispatcher is not None:
            self._dispatcher.wake()

    def _reloaded(self) -> None:
        self._wake_dispatcher()
        if self._worker is not None:
            self._worker.wake()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        async def watched() -> None:
            try:
                await work()
            except Exception as error:
                log_fault(log, f"the {name}", error)
                raise

        self._tasks.append(asyncio.create_task(watched(), name=name))

    async def _follow(self) -> None:
        """Switch with the other servers on the same database; leave alone what they do, and tell who comes after."""
        assert self._rulebook is not None, "start the app first"
        assert self._shared is not None, "start the app first"
        assert self._store is not None, "start the app first"
        while True:
            await self._clock.sleep(FOLLOW_POLL)
            try:
                await self._shared.look()
                if not self._store.alone and await self._rulebook.follow():
                    self._reloaded()
            except StoreError as error:
                log.debug("what other servers have found out cannot be asked now: %s", error)

    @property
    def _server_file(self) -> Path:
        return self.settings.data / "server.json"

    def _write_server_file(self) -> None:
        """Where the command line finds this server.

        It is held with a lock that the kernel frees: what a killed server has left says where somebody else is by now.
        """
        database = self.settings.database_noted
        told = {"inbox": self.inbox_url, "admin": self.admin_url, "pid": os.getpid(), "database": database}
        file = self._exits.enter_context(self._server_file.open("w", encoding="utf-8"))
        self._server_file.chmod(0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            locked = False  # there are file systems without locks
        else:
            locked = True
        file.write(json.dumps({**told, "locked": locked}) + "\n")
        file.flush()


class _Waking:
    """The store as the inbox sees it: a committed receipt wakes the dispatcher, and health hears of each."""

    def __init__(self, store: SqlStore, health: Health, wake: Callable[[], None]) -> None:
        self._store = store
        self._health = health
        self._wake = wake

    def record(self, receipt: Receipt, key: bytes | None, window: float) -> asyncio.Future[str | None]:
        try:
            future = self._store.record(receipt, key, window)
        except StoreError:
            self._health.could_not_take()
            raise
        future.add_done_callback(partial(self._recorded, receipt))
        return future

    def hand(self, receipt: Receipt, key: bytes | None, window: float, hear: Hear) -> None:
        try:
            self._store.hand(receipt, key, window, partial(self._heard, receipt, hear))
        except StoreError:
            self._health.could_not_take()
            raise

    def _recorded(self, receipt: Receipt, future: asyncio.Future[str | None]) -> None:
        if future.cancelled():
            return  # nobody waits for it; whether it was stored the table knows, and the dispatcher looks there
        self._ended(receipt, future.exception() or future.result())

    def _heard(self, receipt: Receipt, hear: Hear, result: str | StoreError | None) -> None:
        self._ended(receipt, result)
        hear(result)

    def _ended(self, receipt: Receipt, result: str | BaseException | None) -> None:
        if isinstance(result, BaseException):
            self._health.could_not_take()
            return
        self._health.took(receipt)
        if receipt.verdict == "accepted" and result is None:
            self._wake()


def _working(accounts: Mapping[str, Account], now: float) -> list[str]:
    """The connections whose runs are carried out now, or could be."""
    return [name for name, account in accounts.items() if account.in_flight or account.free(now)]


def _left_alone(accounts: Mapping[str, Account]) -> dict[str, str]:
    """Why connections are left alone, by name."""
    return {name: account.breaker.reason for name, account in accounts.items() if account.breaker.reason is not None}


def _underway(folder: Path) -> Underway | None:
    try:
        return Underway(folder / "reading")
    except OSError as error:
        log.warning("%s cannot be used: %s", folder / "reading", error.strerror)
        return None


async def _prepared() -> None:
    """Do once, and early, what the first call would otherwise wait for."""
    try:
        await asyncio.to_thread(prepare)
    except OSError as error:
        log.warning("calls could not be prepared: %s", error.strerror)


def _url(listener: Listener | None) -> str | None:
    if listener is None:
        return None
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"http://{host}:{listener.port}"


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"the data folder {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreRefused(f"the data folder {folder} cannot be written")
