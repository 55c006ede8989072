"""The rulebook: what is in force, what was, and what a reload keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hooks.clock import SystemClock
from hooks.errors import RulesError
from hooks.events import Done, Request
from hooks.pipeline.accounts import Account
from hooks.pipeline.subscribers import Subscribers, hooks_of
from hooks.ports import Edit, RulesDraft
from hooks.registry import CATALOGUE
from hooks.rulebook.book import REMEMBERED, Rulebook
from hooks.rulebook.watching import RuleFileWatch
from hooks.rules.findings import RulesInvalid
from hooks.store.opening import open_store
from hooks.store.sqlite import open_sqlite
from hooks.store.verbs import SqlStore

RULES = """\
version: 1
sources:
  leads: {vendor: zapier, key: "${secret.KEY}"}
connections:
  office: {vendor: http, base_url: "http://127.0.0.1:9"}
  other: {vendor: http, base_url: "http://127.0.0.1:9"}
rules:
  - id: note
    event: lead.created
    do:
      - {action: http.request, connection: office, with: {path: /a}}
"""


class Closing:
    """A client that is never called and remembers being closed."""

    def __init__(self) -> None:
        self.closed = False

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        raise AssertionError("nothing is sent here")

    def url(self, request: Request) -> str:
        return request.path

    async def aclose(self) -> None:
        self.closed = True


OURS = {**CATALOGUE, "http": replace(CATALOGUE["http"], connect=lambda name, settings: Closing())}


def _closed(account: Account) -> bool:
    assert isinstance(account.client, Closing)
    return account.client.closed


class Book:
    """A rulebook over a file and a store, with secrets that can be taken away."""

    def __init__(self, folder: Path, store: SqlStore) -> None:
        self.path = folder / "routes.yaml"
        self.secrets = {"KEY": "a-key-of-these-tests-only"}
        self.store = store
        self.rulebook = self.another()

    def another(self) -> Rulebook:
        return Rulebook(self.path, self.store, OURS, self.secrets.get)

    async def load(self, text: str) -> str:
        self.path.write_text(text, encoding="utf-8")
        return (await self.rulebook.load()).version


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    store = await open_sqlite(tmp_path / "hooks.db", relaxed=True)
    book = Book(tmp_path, store)
    yield book
    await book.rulebook.aclose()
    await store.close()


async def test_loading_opens_doors_and_accounts(book: Book) -> None:
    version = await book.load(RULES)
    assert ({"leads"}, {"leads", "event"}, {"office", "other"}) == (
        set(book.rulebook.doors),
        set(book.rulebook.sources),
        set(book.rulebook.accounts),
    )
    assert book.rulebook.current is not None
    assert (version, None) == (book.rulebook.current.version, book.rulebook.invalid)


async def test_a_broken_file_changes_nothing_and_is_remembered_as_such(book: Book) -> None:
    version = await book.load(RULES)
    account = book.rulebook.accounts["office"]
    with pytest.raises(RulesError):
        await book.load(RULES.replace("http.request", "http.reqest"))
    assert book.rulebook.current is not None
    assert version == book.rulebook.current.version
    assert book.rulebook.accounts["office"] is account
    assert book.rulebook.invalid is not None
    await book.load(RULES)
    assert book.rulebook.invalid is None


async def test_an_account_whose_settings_are_unchanged_is_kept(book: Book) -> None:
    await book.load(RULES)
    before = dict(book.rulebook.accounts)
    await book.load(RULES.replace("other: {vendor: http,", "other: {vendor: http, rate: 5,"))
    assert before["office"] is book.rulebook.accounts["office"]
    assert before["other"] is not book.rulebook.accounts["other"]


async def test_an_account_is_closed_when_it_is_gone_and_its_last_run_has_ended(book: Book) -> None:
    await book.load(RULES)
    old = book.rulebook.accounts["other"]
    old.in_flight = 1
    await book.load(RULES.replace("other:", "another:"))
    assert not _closed(old)
    old.in_flight = 0
    await book.load(RULES)
    assert _closed(old)
    await book.rulebook.aclose()
    assert all(_closed(account) for account in book.rulebook.accounts.values())


async def test_a_version_of_before_is_loaded_from_the_store(book: Book) -> None:
    first = await book.load(RULES)
    await book.load(RULES.replace("/a", "/b"))
    other = book.another()
    found = await other.of(first)
    assert found is not None
    assert (first, "note") == (found.version, found.rules[0].id)
    assert found is await other.of(first)
    assert await other.of("no such version") is None


async def test_a_version_that_could_not_be_loaded_is_asked_for_again(book: Book) -> None:
    first = await book.load(RULES)
    other = book.another()
    del book.secrets["KEY"]
    assert await other.of(first) is None
    book.secrets["KEY"] = "a-key-of-these-tests-only"
    assert await other.of(first) is not None


async def test_many_versions_are_not_all_kept_in_memory_and_none_is_lost(book: Book) -> None:
    versions = [await book.load(RULES.replace("/a", f"/a{number}")) for number in range(REMEMBERED + 3)]
    for version in versions:
        found = await book.rulebook.of(version)
        assert found is not None
        assert version == found.version


async def test_with_a_broken_file_the_doors_of_the_file_or_of_before_are_opened(book: Book) -> None:
    rulebook = book.rulebook
    book.path.unlink(missing_ok=True)
    assert "404" in await rulebook.open_doors()
    assert ({}, None) == (rulebook.doors, rulebook.put_off("leads"))
    book.path.write_text("version: 1\nsources: {", encoding="utf-8")
    assert "put off" in await rulebook.open_doors()
    assert ({}, 503) == (rulebook.doors, rulebook.put_off("leads"))
    book.path.write_text(RULES.replace("http.request", "http.reqest"), encoding="utf-8")
    assert "file's own" in await book.rulebook.open_doors()
    assert ({"leads"}, None) == (set(rulebook.doors), rulebook.put_off("other"))
    assert book.rulebook.current is None
    assert {} == book.rulebook.accounts

    await book.load(RULES)
    other = book.another()
    book.path.unlink()
    assert "in force last" in await other.open_doors()
    assert ({"leads"}, None) == (set(other.doors), other.put_off("other"))
    del book.secrets["KEY"]
    other = book.another()
    assert "cannot be loaded either" in await other.open_doors()
    assert ({}, 503) == (other.doors, other.put_off("leads"))


async def test_senders_to_what_a_broken_file_adds_are_put_off_while_the_sources_of_before_are_open(book: Book) -> None:
    await book.load(RULES)
    added = (
        'sources:\n  zap: {vendor: zapier, key: "${secret.NOT_THERE}"}\n  open: {vendor: webhook, unverified: a test}'
    )
    book.path.write_text(RULES.replace("sources:", added, 1), encoding="utf-8")
    other = book.another()
    assert "in force last" in await other.open_doors()
    assert {"leads"} == set(other.doors)
    assert [429, 503, None] == [other.put_off(name) for name in ("zap", "open", "nobody")]
    book.path.write_text("version: 1\nsources: {", encoding="utf-8")
    await other.open_doors()
    assert ({"leads"}, 503) == (set(other.doors), other.put_off("nobody")), "nobody knows what the file holds"


async def test_a_broken_file_that_is_included_may_hold_any_source(book: Book) -> None:
    book.path.write_text(f"include: more.yaml\n{RULES}", encoding="utf-8")
    more = book.path.with_name("more.yaml")
    more.write_text("version: 1\nsources: {", encoding="utf-8")
    assert "leads alone" in await book.rulebook.open_doors()
    assert ({"leads"}, 503) == (set(book.rulebook.doors), book.rulebook.put_off("further"))


async def test_checking_changes_nothing(book: Book) -> None:
    version = await book.load(RULES)
    sound, findings = await book.rulebook.check(RulesDraft(RULES.replace("lead.created", "led.created")))
    assert (True, ["warning"]) == (sound, [finding.severity for finding in findings])
    broken, findings = await book.rulebook.check(RulesDraft(RULES.replace("http.request", "http.reqest")))
    assert not broken
    assert "routes.yaml" == findings[0].file
    assert book.rulebook.current is not None
    assert version == book.rulebook.current.version


# --- files that the main file includes ---

INCLUDING = RULES.replace("version: 1\n", "version: 1\ninclude: rules.d/*.yaml\n", 1)
MORE = """\
version: 1
rules:
  - id: another
    event: lead.created
    do:
      - {action: http.request, connection: other, with: {path: /b}}
"""
ANA = Edit("Ana", "api", "")


@pytest.fixture
async def parts(book: Book) -> Path:
    """The name of a file that the rules in force include."""
    part = book.path.parent / "rules.d" / "more.yaml"
    part.parent.mkdir()
    part.write_text(MORE, encoding="utf-8")
    await book.load(INCLUDING)
    return part


async def test_an_included_file_is_published_together_with_the_main_one(book: Book, parts: Path) -> None:
    draft = RulesDraft(INCLUDING.replace("path: /a", "path: /aa"), {str(parts): MORE.replace("path: /b", "path: /bb")})
    rules, aside = await book.rulebook.publish(draft, ANA, str(book.rulebook.number))
    assert ["note", "another"] == [rule.id for rule in rules.rules]
    assert (draft.text, draft.files[str(parts)]) == (book.path.read_text(), parts.read_text())
    assert [] == aside
    assert "path: /bb" in list(book.rulebook.current.texts.values())[1]  # type: ignore[union-attr]


@pytest.mark.parametrize("broken", ["main", "part"])
async def test_a_mistake_in_one_file_publishes_none(book: Book, parts: Path, broken: str) -> None:
    main, part = INCLUDING.replace("path: /a", "path: /aa"), MORE.replace("path: /b", "path: /bb")
    if broken == "main":
        main = main.replace("http.request", "http.reqest")
    else:
        part = part.replace("http.request", "http.reqest")
    version = book.rulebook.current.version  # type: ignore[union-attr]
    draft = RulesDraft(main, {str(parts): part})
    with pytest.raises(RulesInvalid) as invalid:
        await book.rulebook.publish(draft, ANA)
    assert {str(book.path if broken == "main" else parts)} == {found.file for found in invalid.value.findings}
    assert (INCLUDING, MORE) == (book.path.read_text(), parts.read_text())
    assert version == book.rulebook.current.version  # type: ignore[union-attr]
    assert not (await book.rulebook.check(draft))[0]


async def test_a_file_that_is_not_named_stays_as_it_is_in_force(book: Book, parts: Path) -> None:
    parts.write_text(MORE.replace("http.request", "http.reqest"), encoding="utf-8")  # never came into force
    rules, aside = await book.rulebook.publish(RulesDraft(INCLUDING.replace("path: /a", "path: /aa")), ANA)
    assert ["note", "another"] == [rule.id for rule in rules.rules]
    assert MORE == parts.read_text()
    assert [True] == ["http.reqest" in path.read_text() for path in aside]


async def test_a_file_that_was_broken_at_the_start_is_mended_by_publishing(book: Book) -> None:
    broken = RULES.replace("http.request", "http.reqest")
    with pytest.raises(RulesInvalid):
        await book.load(broken)
    rules, aside = await book.rulebook.publish(RulesDraft(RULES), ANA)
    assert (["note"], RULES) == ([rule.id for rule in rules.rules], book.path.read_text())
    assert [broken] == [path.read_text() for path in aside]
    with pytest.raises(RulesInvalid, match="none of the files"):
        await book.another().publish(RulesDraft(RULES, {str(book.path): RULES}), ANA)


async def test_a_rule_may_move_from_one_file_to_another(book: Book, parts: Path) -> None:
    moved = MORE.replace("id: another", "id: note")
    twice = RulesDraft(INCLUDING, {str(parts): moved})
    assert not (await book.rulebook.check(twice))[0], "the same id in both"
    rules = await book.rulebook.read(RulesDraft(INCLUDING.partition("rules:\n")[0], {str(parts): moved}))
    assert ["note"] == [rule.id for rule in rules.rules]


async def test_no_other_file_can_be_written(book: Book, parts: Path, tmp_path: Path) -> None:
    for name in (str(tmp_path / "elsewhere.yaml"), "../x.yaml", str(book.path), "rules.d/more.yaml"):
        with pytest.raises(RulesInvalid, match="none of the files"):
            await book.rulebook.publish(RulesDraft(INCLUDING, {name: MORE}), ANA)
    assert not (tmp_path / "elsewhere.yaml").exists()


async def test_what_would_not_be_in_force_is_not_written(book: Book, parts: Path) -> None:
    alone = RulesDraft(RULES, {str(parts): MORE.replace("path: /b", "path: /bb")})
    with pytest.raises(RulesInvalid, match="does not include this file"):
        await book.rulebook.publish(alone, ANA)
    assert MORE == parts.read_text()
    rules, _ = await book.rulebook.publish(RulesDraft(RULES, {str(parts): MORE}), ANA)
    assert ["note"] == [rule.id for rule in rules.rules]


# --- several servers on one database ---


@pytest.fixture
async def cluster(tmp_path: Path, ready_postgres: str) -> AsyncIterator[tuple[Book, Book]]:
    """Two servers, each with a file of its own at the same place in its folder."""
    books = []
    for name in ("one", "two"):
        store = await open_store(ready_postgres, relaxed=True)
        (tmp_path / name).mkdir()
        books.append(Book(tmp_path / name, store))
    yield books[0], books[1]
    for book in books:
        await book.rulebook.aclose()
        await book.store.close()


def in_force(rulebook: Rulebook) -> tuple[str, int | None]:
    assert rulebook.current is not None
    return rulebook.current.version, rulebook.number


async def test_all_servers_switch_together(cluster: tuple[Book, Book]) -> None:
    one, two = cluster
    first = await one.load(RULES)
    await two.load(RULES)
    await two.rulebook.follow()
    second = await one.load(RULES.replace("path: /a", "path: /b"))
    assert second != first
    assert await two.rulebook.follow()
    assert in_force(one.rulebook) == in_force(two.rulebook)
    assert not await two.rulebook.follow()
    assert not await one.rulebook.follow()


async def test_who_follows_does_not_put_its_own_file_back_in_force(
    cluster: tuple[Book, Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers whose files lie in different places, or include different ones, switched back and forth for ever."""
    one, two = cluster
    monkeypatch.setattr("hooks.rulebook.watching.WATCH_POLL", 0.05)
    await one.load(RULES)
    await two.load(RULES)
    await two.rulebook.follow()
    reloads = 0

    async def reload() -> None:
        nonlocal reloads
        reloads += 1
        await two.rulebook.load()

    watching = asyncio.create_task(RuleFileWatch(two.path, lambda: two.rulebook.on_disk, reload).run())
    await asyncio.sleep(0.2)
    second = await one.load(RULES.replace("path: /a", "path: /b"))
    assert await two.rulebook.follow()
    await asyncio.sleep(1.0)
    assert (second, 0) == (in_force(two.rulebook)[0], reloads)

    two.path.write_text(RULES.replace("path: /a", "path: /c"), encoding="utf-8")  # and that is what somebody wants now
    async with asyncio.timeout(10):
        while not await one.rulebook.follow():
            await asyncio.sleep(0.02)
    watching.cancel()
    assert in_force(one.rulebook) == in_force(two.rulebook) != (second, 2)
    assert reloads


async def test_a_file_that_was_superseded_is_not_put_back_by_a_restart(cluster: tuple[Book, Book]) -> None:
    one, _ = cluster
    await one.load(RULES)
    second = await one.load(RULES.replace("path: /a", "path: /b"))
    one.path.write_text(RULES, encoding="utf-8")
    restarted = one.another()
    await restarted.load()
    assert (second, 2) == in_force(restarted)
    await restarted.aclose()


async def test_what_cannot_be_loaded_here_leaves_what_was_in_force(cluster: tuple[Book, Book]) -> None:
    one, two = cluster
    await one.load(RULES)
    await two.rulebook.follow()
    before = in_force(two.rulebook)
    del two.secrets["KEY"]
    await one.load(RULES.replace("path: /a", "path: /b"))
    assert not await two.rulebook.follow()
    assert before == in_force(two.rulebook)


async def test_what_one_server_is_asked_the_other_tells_too(tmp_path: Path) -> None:
    """Two servers on one database: a subscriber of one is a rule of both, and so is its end."""
    text = RULES.replace(
        'key: "${secret.KEY}"}', 'key: "${secret.KEY}", hooks: {events: [job.paid], sources: [leads]}}'
    )
    (tmp_path / "routes.yaml").write_text(text)
    store = await open_sqlite(tmp_path / "hooks.db")
    here, there = Subscribers(store, SystemClock()), Subscribers(store, SystemClock())
    books = [
        Rulebook(tmp_path / "routes.yaml", store, OURS, lambda name: "a-key-of-sixteen-bytes", None, its)
        for its in (here, there)
    ]
    try:
        for book in books:
            await book.load()
        hooks = hooks_of(books[0].current.sources, OURS)["leads"]  # type: ignore[union-attr]  # it is loaded
        made = await here.subscribe("leads", "job.paid", "https://hooks.zapier.com/hooks/standard/1/a/", hooks)
        assert made is not None
        assert [1, 0] == [len(book.current.candidates("job.paid", "leads")) for book in books if book.current]
        assert await there.find(made.id) == made
        assert [1, 1] == [len(book.current.candidates("job.paid", "leads")) for book in books if book.current]

        await there.gone(made.id)
        await books[0].settle()

        assert [0, 0] == [len(book.current.candidates("job.paid", "leads")) for book in books if book.current]
    finally:
        for book in books:
            await book.aclose()
        await store.close()
