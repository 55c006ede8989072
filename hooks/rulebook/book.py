"""The rules in force, and what they open: doors for sources, accounts for connections.

Loading is all or nothing: a file with an error changes nothing. Runs keep the version of the rules that they began
with; texts of earlier versions come from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from hooks.clock import SystemClock
from hooks.errors import Conflict, RulesError
from hooks.pipeline.accounts import OBSTACLES, Account, obstacle_of
from hooks.pipeline.asking import HookDesk
from hooks.pipeline.receive import Door
from hooks.pipeline.subscribers import Subscribers, beside, connection_of, hooks_of
from hooks.plurals import so_many
from hooks.ports import (
    Catalogue,
    Client,
    Clock,
    ConnectionSettings,
    Edit,
    Emitter,
    Normalizer,
    RulesDraft,
    Store,
    TokenSharer,
    TokenShelf,
)
from hooks.rulebook.files import author_of, changed, changed_since, places_of, unwanted_files, write_files
from hooks.rules.findings import Finding, RulesInvalid
from hooks.rules.load import DoorsInvalid, included_files, load_doors, load_rules, load_text, load_texts
from hooks.rules.ruleset import RuleSet

log = logging.getLogger("hooks.rules")

UNUSABLE_AGAIN = 30.0
"""Seconds after which rules are tried again that others have put in force and that could not be loaded here."""

REMEMBERED = 16
"""Rule sets kept ready for runs that began with them; those of earlier ones are loaded from the store again."""


class Rulebook:
    """The current rule set and those that runs began with. ``current`` is None until a file without errors came."""

    def __init__(
        self,
        path: Path,
        store: Store,
        catalogue: Catalogue,
        secrets: Callable[[str], str | None],
        clock: Clock | None = None,
        subscribers: Subscribers | None = None,
        emitter: Callable[[str], Emitter] | None = None,
        shelf: TokenShelf | None = None,
    ) -> None:
        """``emitter`` puts events in at a built-in source of this name; by ``shelf`` servers share access tokens."""
        self._emitter = emitter
        self._shelf = shelf
        self.path = path
        self.subscribers = subscribers
        if subscribers is not None:
            subscribers.changed = self._subscribers_changed
        self.in_file: RuleSet | None = None
        """What the files say, without what is beside it in ``current``."""
        self._store = store
        self._catalogue = catalogue
        self._secrets = secrets
        self._clock = clock or SystemClock()
        self._versions: dict[str, RuleSet] = {}
        self._retired: list[Account] = []
        self._changing = asyncio.Lock()
        self.current: RuleSet | None = None
        """What the files say, and beside it a rule for each subscriber."""
        self._unusable: tuple[int, str] | None = None
        self._unusable_at = 0.0
        self.on_disk: Mapping[str, str] | None = None
        """What this server's files said when they were last read. Others on the same store may have gone on from it."""
        self.number: int | None = None
        """Which entry of the history ``current`` is."""
        self.loaded_at: datetime | None = None
        self.doors: Mapping[str, Door] = {}
        self._unsound: Mapping[str, int] = {}
        self._unread = False
        """Sources of a broken file that cannot be opened, and whether nobody knows which there are."""
        self.sources: Mapping[str, Normalizer] = {}
        """Of all doors, those that rules alone put events in at, and those that were doors before: what they took while
        nothing was acted on may not have been read yet."""
        self.accounts: Mapping[str, Account] = {}
        self.invalid: RulesInvalid | None = None
        """What was wrong with the file when it was loaded last, None when nothing was."""

    async def load(self) -> RuleSet:
        """Load the file and put it in force. Raises RulesInvalid, and then nothing has changed.

        Loads take turns: what was read later is never put aside by what was read before.
        """
        async with self._changing:
            return await self._load(None)

    async def follow(self) -> bool:
        """Put in force what another server on the same store has put in force since; gives whether there was anything.

        What cannot be loaded here, because a secret is missing for instance, changes nothing: it is told, and tried
        again now and then.
        """
        latest = await self._store.latest_version()
        if latest is None or latest[0] == self.number:
            return False
        known = self._unusable is not None and self._unusable[0] == latest[0]
        if known and self._clock.monotonic() - self._unusable_at < UNUSABLE_AGAIN:
            return False
        async with self._changing:
            return await self._take_over()

    @property
    def behind(self) -> tuple[int, str] | None:
        """The version that other servers have put in force and that cannot be loaded here, and why."""
        if self._unusable is None or (self.number is not None and self.number > self._unusable[0]):
            return None
        return self._unusable

    async def publish(self, draft: RulesDraft, edit: Edit, expected: str | None = None) -> tuple[RuleSet, list[Path]]:
        """Write each text in its file's place and put them in force; gives what was set aside as well.

        ``expected`` is what the caller has seen in force: a number of the history, or a version or its beginning.
        Raises Conflict when something else is, or the files cannot be written, and RulesInvalid when the texts are not
        sound; then nothing has changed.
        """
        async with self._changing:
            self._expect(expected)
            _, drafts = await self._load_draft(draft, str(self.path))
            return await self._write({**drafts, self.path: draft.text}, (), edit)

    async def restore(
        self, texts: Mapping[str, str], edit: Edit, expected: str | None = None
    ) -> tuple[RuleSet, list[Path]]:
        """Write the texts of an earlier version back, each in its place, and put them in force; else as `publish`.

        A file that would be included now and was not then is taken away; the history has it.
        """
        async with self._changing:
            self._expect(expected)
            places = places_of(texts, self.path)
            wanted = {places[name]: text for name, text in texts.items()}
            moved = {str(place): text for place, text in wanted.items()}
            await asyncio.to_thread(load_texts, moved, self._catalogue, self._secrets)
            unwanted = unwanted_files(wanted, included_files(wanted[self.path], self.path.parent))
            return await self._write(wanted, unwanted, edit)

    async def open_doors(self) -> str:
        """With a broken file at the start: receive all the same. Gives a sentence on which sources are open.

        The sources of the file itself when that part of it is sound, else those of the rule set that was in force
        last, else those of the file's that are sound. Senders to the others are put off: what is refused now may never
        be sent again. Nothing is acted on until the file has been mended.
        """
        try:
            self._open(await asyncio.to_thread(load_doors, self.path, self._catalogue, self._secrets))
        except DoorsInvalid as found:
            return await self._open_what_can_be(found)
        return "Webhooks are stored, with the file's own sources"

    def put_off(self, name: str) -> int | None:
        """With which status a sender is put off whose source cannot be opened; None if there is no such source."""
        return 503 if self._unread else self._unsound.get(name)

    async def of(self, version: str) -> RuleSet | None:
        """The rule set of a version, None when it cannot be loaded any more."""
        if self.current is not None and self.current.version == version:
            return self.current
        if version in self._versions:
            return self._versions[version]
        texts = await self._store.rules(version)
        if texts is None:
            return None
        try:
            rules = await asyncio.to_thread(load_texts, texts, self._catalogue, self._secrets)
        except RulesError as error:
            # Not remembered: what is missing, a secret for instance, may be there when it is asked for again.
            log.warning("the rules of version %s cannot be loaded any more: %s", version[:12], error)
            return None
        self._remember(self._with_subscribers(rules))
        return self._versions[version]

    async def settle(self) -> bool:
        """Hold what waits for a connection that is paused or gone, and let go what was held for one that is not.

        Asked after each load, after each pause, and now and then for what was on its way or said elsewhere meanwhile.
        Gives whether something was done, so that there may be more: a million runs are not held at once.
        """
        if self.current is None:
            return False
        if self.subscribers is not None:
            await self.subscribers.refresh()
        pauses = await self._store.pauses()
        for account in self.accounts.values():
            account.pause = pauses.get(account.name)
        working = [name for name in self.accounts if obstacle_of(name, self.accounts) is None]
        every = {name: 1 / one.drain_rate for name, one in pauses.items() if one.drain_rate is not None}
        moved = await self._store.release(working, OBSTACLES, self._clock.now(), every)
        names = {*await self._store.absent_connections(list(self.accounts)), *self.accounts}
        obstacles = {name: obstacle_of(name, self.accounts) for name in names}
        if held := {name: why for name, why in obstacles.items() if why is not None}:
            moved += await self._store.hold(held)
        return moved > 0

    async def read(self, draft: RulesDraft) -> RuleSet:
        """The rules that these texts would make in their files' places. Changes nothing. Raises RulesInvalid."""
        return (await self._load_draft(draft, self.path.name))[0]

    async def check(self, draft: RulesDraft) -> tuple[bool, list[Finding]]:
        """What loading these texts in their files' places would find. Changes nothing."""
        try:
            rules = await self.read(draft)
        except RulesInvalid as invalid:
            return False, list(invalid.findings)
        return True, list(rules.warnings)

    async def aclose(self) -> None:
        for account in (*self.accounts.values(), *self._retired):
            await account.client.aclose()

    # --- inside ---

    async def _open_what_can_be(self, found: DoorsInvalid) -> str:
        latest = await self._store.latest_rules()
        last = None
        if latest is not None:
            with contextlib.suppress(RulesError):
                last = await asyncio.to_thread(load_texts, latest[1], self._catalogue, self._secrets)
        own, unsound = found.sound.sources, found.unsound
        self._open(last or found.sound)
        wanted = {name: config.settings.unavailable_status for name, config in own.items()}
        self._unsound = {name: status for name, status in {**wanted, **unsound}.items() if name not in self.doors}
        self._unread = not found.complete or (latest is not None and last is None and not wanted and not unsound)
        if last is not None:
            return "Webhooks are stored, with the sources that were in force last"
        if own:
            others = ", ".join(unsound) or "others"
            return f"Webhooks are stored with the sources {', '.join(own)} alone; senders to {others} are put off"
        if not unsound and not self._unread:
            return "There are no sources: every request is answered 404 until there is one"
        either = "" if latest is None else ", and those that were in force last cannot be loaded either"
        return f"Its sources cannot be opened{either}: every sender is put off until then"

    async def _load_draft(self, draft: RulesDraft, name: str) -> tuple[RuleSet, dict[Path, str]]:
        """The rules of a draft, and those of its included files that the disk has otherwise. Raises RulesInvalid.

        What the draft does not name is taken as it is in force.
        """
        in_force = {} if self.in_file is None else self.in_file.texts
        places = places_of(in_force, self.path) if in_force else {}
        unknown = [each for each in draft.files if places.get(each, self.path) == self.path]
        if unknown:
            told = "this is none of the files that the rules in force include"
            raise _invalid(unknown, told, "a new file is made on disk; then it can be edited here")
        texts = {place: {**in_force, **draft.files}[each] for each, place in places.items() if place != self.path}
        rules, drafts, unused = await asyncio.to_thread(self._overlaid, draft.text, texts, name)
        if named := [each for each in draft.files if places[each] in unused]:
            told = "the main file does not include this file, so what is written here would not be in force"
            raise _invalid(named, told, "include it, or leave it as it is")
        return rules, drafts

    def _overlaid(
        self, text: str, texts: Mapping[Path, str], name: str
    ) -> tuple[RuleSet, dict[Path, str], dict[Path, str]]:
        """The rules of these texts, and the texts that the disk has otherwise: those included, and those not."""
        drafts = changed(texts)
        rules = load_text(text, self._catalogue, self._secrets, name=name, folder=self.path.parent, drafts=drafts)
        used = {Path(each).resolve() for each in rules.texts}
        included = {place: draft for place, draft in drafts.items() if place.resolve() in used}
        return rules, included, {place: draft for place, draft in drafts.items() if place not in included}

    async def _load(self, edit: Edit | None) -> RuleSet:
        try:
            rules = await asyncio.to_thread(load_rules, self.path, self._catalogue, self._secrets)
        except RulesInvalid as invalid:
            self.invalid = invalid
            raise
        self.invalid = None
        first, self.on_disk = self.on_disk is None, rules.texts
        if first and await self._superseded(rules):
            await self._take_over()
            return rules if self.in_file is None else self.in_file
        now = self._clock.now()
        by = edit or Edit(author_of(Path(name) for name in rules.texts), "file")
        self.number = await self._store.keep_rules(rules.version, rules.texts, now, by)
        self.loaded_at = now
        await self._put_in_force(rules)
        return rules

    async def _superseded(self, rules: RuleSet) -> bool:
        """Whether other servers have gone on from what this one's file says: a start does not bring it back.

        A file that is changed while this server runs is what somebody wants now, also when it was in force before.
        """
        if self._store.alone:
            return False
        latest = await self._store.latest_version()
        if latest is None or latest[1] == rules.version or await self._store.rules(rules.version) is None:
            return False
        log.warning(
            "%s holds an earlier version than number %d, which is in force: `hooks rules rollback` brings it back",
            self.path,
            latest[0],
        )
        return True

    async def _take_over(self) -> bool:
        latest = await self._store.latest_version()
        if latest is None or latest[0] == self.number:
            return False
        number, version = latest
        texts = await self._store.rules(version)
        try:
            rules = await asyncio.to_thread(load_texts, texts or {}, self._catalogue, self._secrets)
        except RulesError as error:
            self._unusable_at = self._clock.monotonic()
            if self._unusable is None or self._unusable[0] != number:
                log.error("version %d of the rules is in force elsewhere and cannot be loaded here: %s", number, error)
            self._unusable = number, _in_a_line(error)
            return False
        self._unusable = None
        self.number, self.loaded_at = number, self._clock.now()
        await self._put_in_force(rules)
        log.info(
            "version %d of the rules is in force: %s, %s", number, so_many(len(rules.rules), "rule"), rules.version[:12]
        )
        return True

    def _expect(self, expected: str | None) -> None:
        if expected is None:
            return
        if self.current is None:
            raise Conflict("no rules are in force: the file is broken")
        by_version = len(expected) >= 8 and self.current.version.startswith(expected)
        if expected != str(self.number) and not by_version:
            raise Conflict(f"version {self.number} is in force now: somebody has changed the rules since")
        if self.on_disk is not None and changed_since(self.on_disk, {name: Path(name) for name in self.on_disk}):
            raise Conflict("the file has been changed on disk and is not in force: load it, or put it back first")

    async def _write(
        self, texts: Mapping[Path, str], unwanted: Iterable[Path], edit: Edit
    ) -> tuple[RuleSet, list[Path]]:
        known = [] if self.current is None else list(self.current.texts.values())
        aside = await asyncio.to_thread(write_files, texts, list(unwanted), known, self._clock.now())
        return await self._load(edit), aside

    async def _put_in_force(self, rules: RuleSet) -> None:
        self._open(rules)
        await self._open_accounts(rules)
        if self.current is not None:
            self._remember(self.current)
        self.in_file = rules
        self.current = self._with_subscribers(rules)
        await self.settle()

    def _remember(self, rules: RuleSet) -> None:
        self._versions[rules.version] = rules
        while len(self._versions) > REMEMBERED:
            self._versions.pop(next(iter(self._versions)))

    def _with_subscribers(self, rules: RuleSet) -> RuleSet:
        return rules if self.subscribers is None else beside(rules, self._catalogue, self.subscribers)

    def _subscribers_changed(self) -> None:
        if self.in_file is not None:
            self.current = self._with_subscribers(self.in_file)

    def _open(self, rules: RuleSet) -> None:
        desks = self._desks(rules)
        doors: dict[str, Door] = {}
        for name, config in rules.sources.items():
            if config.emitted is not None:
                continue  # nobody outside posts there
            make = self._catalogue[config.vendor].make_source
            assert make is not None, "the loader refuses sources of vendors that have none"
            doors[name] = Door(name, config.vendor, config.settings, make(name, config.settings), desks.get(name))
        self.doors = doors
        self._unsound, self._unread = {}, False
        own = {name: vendor.built_in.source for name, vendor in self._catalogue.items() if vendor.built_in is not None}
        self.sources = {**self.sources, **own, **{name: door.source for name, door in doors.items()}}

    def _desks(self, rules: RuleSet) -> dict[str, HookDesk]:
        """Where senders ask to be told of our events, by source."""
        if self.subscribers is None:
            return {}
        desks: dict[str, HookDesk] = {}
        for name, hooks in hooks_of(rules.sources, self._catalogue).items():
            of = [each for each in rules.sources if each != name] if hooks.sources is None else hooks.sources
            vendors = {each: rules.sources[each].vendor for each in of if each in rules.sources}
            desks[name] = HookDesk(name, hooks, self.subscribers, self._catalogue, vendors)
        return desks

    def _makers(self, rules: RuleSet) -> Iterator[tuple[str, str, ConnectionSettings, Callable[[], Client]]]:
        """Name, vendor, settings and client of the files' connections, and of one for each source with subscribers."""
        yield from self._built_in(rules)
        for name, config in rules.connections.items():
            if config.built_in:
                continue
            connect = self._catalogue[config.vendor].connect
            assert connect is not None, "the loader refuses connections of vendors that have none"
            yield name, config.vendor, config.settings, partial(connect, name, config.settings)
        if self.subscribers is not None:
            for source, hooks in hooks_of(rules.sources, self._catalogue).items():
                make = partial(hooks.connect, self.subscribers)
                yield connection_of(source), rules.sources[source].vendor, hooks.settings, make

    def _built_in(self, rules: RuleSet) -> Iterator[tuple[str, str, ConnectionSettings, Callable[[], Client]]]:
        """By which rules emit events. It stays for the runs of rules that did so."""
        for name, vendor in self._catalogue.items():
            of_rules, old = rules.connections.get(name), self.accounts.get(name)
            needed = of_rules.built_in if of_rules is not None else old is not None and old.vendor == name
            if vendor.built_in is not None and needed:
                assert self._emitter is not None, "a server that carries rules out has an emitter"
                yield name, name, vendor.built_in.settings, partial(vendor.built_in.connect, self._emitter(name))

    async def _open_accounts(self, rules: RuleSet) -> None:
        """One client per connection; one whose settings are unchanged is kept, with its connections and tokens."""
        accounts: dict[str, Account] = {}
        for name, vendor, settings, make in self._makers(rules):
            old = self.accounts.get(name)
            if old is not None and old.vendor == vendor and old.settings == settings:
                accounts[name] = old
            else:
                client = make()
                if self._shelf is not None and isinstance(client, TokenSharer):
                    client.share_token(self._shelf)
                accounts[name] = Account(name, vendor, settings, client, pause=None if old is None else old.pause)
        kept = set(map(id, accounts.values()))
        self._retired += [account for account in self.accounts.values() if id(account) not in kept]
        self.accounts = accounts
        for account in [account for account in self._retired if account.in_flight == 0]:
            self._retired.remove(account)
            await account.client.aclose()


def _in_a_line(error: RulesError) -> str:
    """What is wrong first, without the lines around it."""
    for finding in error.findings if isinstance(error, RulesInvalid) else ():
        if finding.severity == "error":
            return finding.message
    return str(error)


def _invalid(names: Iterable[str], message: str, hint: str) -> RulesInvalid:
    return RulesInvalid([Finding(name, 1, 1, 1, "error", message, hint) for name in names])
