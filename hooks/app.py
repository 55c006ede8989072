"""The one place where everything meets: a server from its start to its end.

Start: take the store, load the rules, give back what a crash left, open the admin's door and then the public one. Stop:
turn readiness red, answer what is in progress, claim nothing more, give calls in progress their time, close the store.
It is one module, because what is started last is stopped first, and the two are read together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hooks import whereabouts
from hooks.clock import EngineClock, SystemClock
from hooks.desk.delivery import EngineDeliveryDesk
from hooks.desk.engine import EngineDesk
from hooks.desk.rules import EngineRulesDesk
from hooks.desk.writing import EngineRulesWriting
from hooks.errors import SettingsError, StoreError, StoreRefused
from hooks.events import new_uuid7, utc_text
from hooks.health import RELAXED, Health, role_finding, sqlite_finding
from hooks.intake import WakingIntake
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
from hooks.ports import Clock, History, Intake
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
"""Seconds that vendor calls in progress get; what is left then keeps its intent. With the others: exit within 30 s."""

FOLLOW_POLL = 1.0
"""Seconds after which it is asked whether another server has put other rules in force."""


_OWN = frozenset(name for name, vendor in CATALOGUE.items() if vendor.built_in is not None)
"""Vendors that are no outside systems: sources of our own events."""


@dataclass(frozen=True, slots=True)
class _Engine:
    """Whoever acts on what is recorded. ``works``: this server does; else others on the same store do."""

    works: bool
    shared: Shared
    dispatcher: Dispatcher
    worker: Worker
    sighter: Sighter


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
        self._engine: _Engine | None = None
        self._rulebook: Rulebook | None = None
        self._health: Health | None = None
        self._hints: Hints | None = None
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
        settings = self.settings
        check_bind(settings.admin_host, settings.admin_token is not None)
        _private_folder(settings.data)
        store, history = await self._open_store()
        clock = EngineClock(self._clock)
        owner = f"{os.getpid()}-{new_uuid7():x}"
        health = self._health = Health(clock, store.engine)
        intake = WakingIntake(store, health, self._wake_dispatcher)
        rulebook = await self._open_rulebook(store, clock, intake, owner)
        self._tell_health(health, history, store, rulebook)
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
        inbox = self._inbox = Inbox(
            lambda: rulebook.doors, intake, self._clock, self.ready, put_off=health.put_off, unknown=rulebook.put_off
        )
        engine = self._engine = await self._make_engine(store, clock, owner, rulebook, keeper, inbox)
        silences = self.silences = SilenceWatch(
            SqlSilences(store.engine),
            clock,
            health,
            own=min(_OWN),
            sources=lambda: None if rulebook.in_file is None else rulebook.in_file.sources,
            wake=self._wake_dispatcher,
        )
        await self._open_admin(store, history, clock, rulebook, keeper)
        self._exits.push_async_callback(self._end_tasks)
        self._begin(keeper.run, "upkeep")
        self._begin(silences.run, "watch for silence")
        if engine.works:
            self._begin_engine(engine, health)
        watch = RuleFileWatch(settings.routes, lambda: rulebook.on_disk, self.reload)
        self._begin(watch.run, "rule-file watcher")
        self._begin(partial(self._follow, store, rulebook, engine.shared), "follower of other servers")
        self._begin_hints(engine)
        if settings.role in ("all", "receive"):
            self._inbox_listener = Listener(inbox, settings.host, settings.port)
            await self._inbox_listener.start()
        self._exits.enter_context(
            whereabouts.note(settings.data, self.inbox_url, self.admin_url, settings.database_noted)
        )

    async def _open_store(self) -> tuple[SqlStore, SqlHistory]:
        settings = self.settings
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
        return store, history

    async def _open_rulebook(self, store: SqlStore, clock: Clock, intake: Intake, owner: str) -> Rulebook:
        subscribers = Subscribers(store, clock)
        await subscribers.refresh()
        rulebook = self._rulebook = Rulebook(
            self.settings.routes,
            store,
            CATALOGUE,
            secret,
            clock,
            subscribers,
            lambda name: Emitting(name, intake, self._clock),
            None if store.alone else Shelf(SqlTokens(store.engine), clock, owner),
        )
        self._exits.push_async_callback(rulebook.aclose)
        await self._load_first(rulebook)
        return rulebook

    def _tell_health(self, health: Health, history: SqlHistory, store: SqlStore, rulebook: Rulebook) -> None:
        durability = self.settings.durability
        health.rules_loaded = lambda: rulebook.current is not None
        health.file_sound = lambda: rulebook.invalid is None
        health.behind = lambda: rulebook.behind
        health.left_alone = lambda: _left_alone(rulebook.accounts)
        if finding := sqlite_finding(store.engine.alone):
            health.notes["sqlite"] = finding
        if finding := role_finding(store.engine.alone, self.settings.role):
            health.notes["role"] = finding
            log.warning("%s: %s", finding.what, finding.mend)
        if durability == "relaxed":
            health.notes["durability"] = RELAXED
        history.live = lambda: {**health.stats(self.ready()), "durability": durability}

    async def _make_engine(
        self, store: SqlStore, clock: Clock, owner: str, rulebook: Rulebook, keeper: Keeper, inbox: Inbox
    ) -> _Engine:
        works = self.settings.role in ("all", "work")
        shared = Shared(store, clock, lambda: rulebook.accounts, works=works)
        with contextlib.suppress(StoreError):  # it is asked again soon
            await shared.look()
        worker = Worker(
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
        sighter = Sighter(store, clock, busy=lambda: inbox.line.waiting > 0, own=_OWN)

        def planned() -> None:
            worker.wake()
            sighter.wake()

        underway = _underway(self.settings.data) if works else None
        if underway is not None:
            self._exits.callback(underway.close)
        dispatcher = Dispatcher(
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
        return _Engine(works, shared, dispatcher, worker, sighter)

    async def _open_admin(
        self, store: SqlStore, history: SqlHistory, clock: Clock, rulebook: Rulebook, keeper: Keeper
    ) -> None:
        settings = self.settings
        masking = Masking(settings.masked)
        desk = EngineDesk(
            rulebook,
            store,
            history,
            CATALOGUE,
            clock,
            ready=self.ready,
            wake=self._wake_worker,
            reloaded=self._reloaded,
            explained=masking.explained,
        )
        rules_desk = EngineRulesDesk(rulebook, SqlRuleRecords(history.reader), clock, reloaded=self._reloaded)
        delivery = EngineDeliveryDesk(rulebook, store, history, clock, wake=self._wake_worker)
        people = MaskedPeople(SqlPeopleDesk(store, history, clock), masking)
        writing = EngineRulesWriting(rulebook, history, desk, CATALOGUE)
        more = [
            *upkeep_endpoints(keeper),
            *rules_endpoints(rules_desk, clock),
            *delivery_endpoints(delivery, clock),
            *people_endpoints(people),
            *RulesWritingApi(writing).endpoints(),
        ]
        shown = Shown(people, rules_desk, writing, SqlAudit(store.engine, history.reader), keeper)
        hosts = Hosts(settings.admin_host, settings.admin_hosts)
        seen = MaskedHistory(history, masking)
        guard = admin(seen, desk, rules_desk, clock, self._keys(), hosts, more, shown)
        self._admin_listener = Listener(guard, settings.admin_host, settings.admin_port)
        await self._admin_listener.start()
        self._exits.push_async_callback(self._admin_listener.stop, 1.0)

    def _begin_engine(self, engine: _Engine, health: Health) -> None:
        dispatcher, worker = engine.dispatcher, engine.worker
        self._begin(dispatcher.run, "dispatcher")
        self._begin(worker.run, "worker")
        health.watch("dispatcher", lambda: dispatcher.turned_at)
        health.watch("worker", lambda: worker.turned_at)
        self._begin(engine.sighter.run, "sighter of people")
        preparing = asyncio.create_task(_prepared(), name="prepare-calls")
        self._exits.push_async_callback(asyncio.wait, [preparing])

    def _begin_hints(self, engine: _Engine) -> None:
        """Who works listens to other servers and looks for itself; who only receives tells those that work."""
        hints = open_hints(self.settings.database_url)
        if hints is None:
            return
        if engine.works:
            wake = {"receipts": engine.dispatcher.wake, "runs": engine.worker.wake}
            self._begin(lambda: hints.listen(wake), "listener to other servers")
        else:
            self._hints = hints
            self._begin(hints.send, "sender of hints")

    async def stop(self) -> None:
        """Stop in order, and lose and repeat nothing. Calling it again does nothing."""
        if self._stopping:
            return
        self._stopping = True
        # Where no other server is, whoever knocks until the end is told to come again; else a proxy finds another.
        stays = self._store is not None and self._store.alone
        if self._inbox_listener is not None:
            self._inbox.close()
            if not stays:
                await self._inbox_listener.stop(ANSWER_GRACE)
        engine = self._engine
        if engine is not None and (left := await engine.worker.drain(CALL_GRACE)):
            log.warning(
                "%d calls were still in progress; their intents are recorded and resolved at the next start", left
            )
        if self._inbox_listener is not None and stays:
            await self._inbox_listener.stop(ANSWER_GRACE)
        if engine is not None and stays:
            with contextlib.suppress(StoreError):
                await engine.shared.look()  # what the last calls have found out is for the next start too
        with contextlib.suppress(OSError):
            whereabouts.forget(self.settings.data)
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
                    "there is no rules file at %s. `hooks init` writes a first one; name another with --routes; it is "
                    "loaded as soon as it is there. %s",
                    self.settings.routes,
                    where,
                )
                return
            log.error(
                "%s is broken, and NOTHING IS ACTED ON until it is mended:\n%s\n%s.",
                self.settings.routes,
                invalid,
                where,
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
        if self._engine is not None:
            self._engine.dispatcher.wake()

    def _wake_worker(self) -> None:
        if self._hints is not None:
            self._hints.tell("runs")
        if self._engine is not None:
            self._engine.worker.wake()

    def _reloaded(self) -> None:
        self._wake_dispatcher()
        if self._engine is not None:
            self._engine.worker.wake()

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

    async def _follow(self, store: SqlStore, rulebook: Rulebook, shared: Shared) -> None:
        """Switch with the other servers on the same database; leave alone what they do, and tell who comes after."""
        while True:
            await self._clock.sleep(FOLLOW_POLL)
            try:
                await shared.look()
                if not store.alone and await rulebook.follow():
                    self._reloaded()
            except StoreError as error:
                log.debug("what other servers have found out cannot be asked now: %s", error)


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
