"""Several servers on one PostgreSQL: each event acted on once, whichever of them dies, and the database too."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

import hooks
from tests import postgres
from tests.faults.cluster import Cluster
from tests.faults.conftest import Tell
from tests.faults.killing import Verdict
from tests.faults.proxy import Proxy
from tests.faults.table import Row

WANTED = "lost 0, double 0"


def assert_nothing_lost_or_doubled(verdict: Verdict) -> None:
    print(verdict)
    assert verdict.accepted > 20, "nothing has been shown"
    assert ([], [], {}, []) == (verdict.lost, verdict.unacted, verdict.doubled, verdict.unexpected)
    assert verdict.books_balance


def row(cluster: Cluster, fault: str, how: str, seen: str = "", recovery: float | None = None) -> Row:
    """A line of the table, once nothing was lost or doubled."""
    seen = f"{len(cluster.ledger.told)} accepted{'; ' if seen else ''}{seen}"
    return Row(fault, how, WANTED, seen, 0, 0, 0, recovery)


@asynccontextmanager
async def loaded(cluster: Cluster, senders: int = 6) -> AsyncIterator[None]:
    """The cluster up and under load inside, and ended afterwards."""
    with cluster.sandbox():
        try:
            await asyncio.to_thread(cluster.start_all)
            tasks = cluster.senders(senders)
            await asyncio.sleep(0.5)
            yield
            await cluster.end(tasks)
            assert_nothing_lost_or_doubled(await asyncio.to_thread(cluster.finish))
        finally:
            cluster.stop_all()


async def _kill_workers(folder: Path, dsn: str, rounds: int, roles: tuple[str, ...]) -> Cluster:
    cluster = Cluster(folder, random.randrange(10**6), dsn, *roles)
    async with loaded(cluster):
        for _ in range(rounds):
            victim = cluster.random.choice(cluster.members)
            await asyncio.sleep(cluster.random.uniform(0.1, 1.0))
            await asyncio.to_thread(cluster.kill, victim)
            await asyncio.sleep(cluster.random.uniform(0.0, 0.5))
            cluster.start_member(victim)
    return cluster


@pytest.mark.timeout(180)
async def test_servers_killed_in_turn_lose_nothing_and_book_nothing_twice(tmp_path: Path, tell: Tell) -> None:
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = await _kill_workers(tmp_path, dsn, rounds=3, roles=("all", "all"))
    tell(row(cluster, "F1 kill -9, two servers", "one of them, three times"))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_four_servers_by_role_killed_thirty_times(tmp_path: Path, tell: Tell) -> None:
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = await _kill_workers(tmp_path, dsn, rounds=30, roles=("receive", "receive", "work", "work"))
    tell(row(cluster, "F1 kill -9, four servers by role", "one of them, thirty times"))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_runs_of_a_dead_server_are_taken_over_within_thirty_seconds(tmp_path: Path, tell: Tell) -> None:
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = Cluster(tmp_path, 7, dsn, "receive", "work", "work")
        async with loaded(cluster):
            await asyncio.sleep(1.5)
            await asyncio.to_thread(cluster.kill, cluster.members[1])
            died = time.monotonic()
            left = await asyncio.to_thread(cluster.leased_by, cluster.members[1])
            while await asyncio.to_thread(cluster.leased_by, cluster.members[1]):
                assert time.monotonic() - died < 30
                await asyncio.sleep(0.25)
            seen = f"{left} runs taken over in {time.monotonic() - died:.1f} s"
    tell(row(cluster, "F3 a working server killed", "in the middle of its runs, one more beside it", seen))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_that_stood_still_beyond_its_leases_overwrites_nothing(tmp_path: Path, tell: Tell) -> None:
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = Cluster(tmp_path, 8, dsn, "receive", "work", "work")
        async with loaded(cluster, senders=2):
            await asyncio.sleep(1.5)
            still = cluster.members[1]
            assert still.process is not None
            still.process.send_signal(signal.SIGSTOP)
            stopped = time.monotonic()
            left = await asyncio.to_thread(cluster.leased_by, still)
            while await asyncio.to_thread(cluster.leased_by, still):
                assert time.monotonic() - stopped < 60, "nobody took its runs over"
                await asyncio.sleep(0.25)
            took = time.monotonic() - stopped
            still.process.send_signal(signal.SIGCONT)
            accepted = len(cluster.ledger.told)
            while len(cluster.ledger.told) < accepted + 50:
                await asyncio.sleep(0.1)
    seen = f"{left} runs taken over in {took:.1f} s, and its late answers dropped"
    tell(row(cluster, "F42 a working server stands still", "SIGSTOP until all its leases are over", seen))


@pytest.mark.slow  # four servers; tests/pipeline/test_shared_tokens.py holds the rule itself
@pytest.mark.timeout(300)
async def test_four_servers_fetch_one_token_for_each_that_ends(tmp_path: Path, tell: Tell) -> None:
    ends = 10
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = Cluster(tmp_path, 9, dsn, "all", "all", "all", "all")
        async with loaded(cluster):
            for number in range(ends):
                await asyncio.to_thread(cluster.end_tokens)
                while await asyncio.to_thread(cluster.tokens_fetched) < 2 + number:
                    await asyncio.sleep(0.1)
                booked = len(await asyncio.to_thread(cluster.bookings))
                while len(await asyncio.to_thread(cluster.bookings)) < booked + 40:
                    await asyncio.sleep(0.1)  # all of them have been at work since
            fetched = await asyncio.to_thread(cluster.tokens_fetched)
    assert fetched == 1 + ends
    seen = f"{fetched - 1} tokens fetched for {ends} that ended"
    tell(row(cluster, "F36 tokens end in flight", "four servers in the same account", seen))


NEXT = """
ALTER TABLE runs ADD COLUMN mood TEXT;
ALTER TABLE receipts ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;
CREATE TABLE moods (run TEXT PRIMARY KEY, mood TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_mood ON runs (mood, seq) WHERE mood IS NOT NULL;
"""


def next_release(folder: Path) -> Path:
    """This program with one migration more, as a package to run."""
    package = folder / "next-release"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(hooks.__file__).parent, package / "hooks", ignore=ignored)
    (package / "hooks/store/sql/sqlite/9001_expand_moods.sql").write_text(NEXT)
    return package


@pytest.mark.slow  # six starts of servers; tests/store/test_migrations_postgres.py holds the rule itself
@pytest.mark.timeout(180)
async def test_servers_of_two_releases_work_side_by_side(tmp_path: Path, tell: Tell) -> None:
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = Cluster(tmp_path, 3, dsn, "all", "all", "all")
        old, new, later = cluster.members
        new.release = later.release = next_release(tmp_path)
        with cluster.sandbox():
            try:
                cluster.members = [old]
                await asyncio.to_thread(cluster.start_all)
                tasks = cluster.senders(4)
                await asyncio.sleep(0.5)
                cluster.members = [old, new]
                await asyncio.to_thread(cluster.start_all)  # it changes the tables under the old one
                with psycopg.connect(dsn) as database:
                    assert (True,) == database.execute("SELECT to_regclass('moods') IS NOT NULL").fetchone()
                tasks += cluster.senders(4)
                await asyncio.sleep(1.5)
                assert old.process is not None
                assert old.process.poll() is None, "the old server went on"
                before = len(cluster.ledger.told)
                await asyncio.to_thread(cluster.kill, old)
                await asyncio.to_thread(cluster.start_all)  # a rolling upgrade may start old ones once more
                await asyncio.sleep(1.5)
                assert len(cluster.ledger.told) > before
                await asyncio.to_thread(cluster.kill, old, signal.SIGTERM)
                cluster.members = [new, later]
                await cluster.end(tasks)
                assert_nothing_lost_or_doubled(await asyncio.to_thread(cluster.finish))
            finally:
                cluster.members = [old, new, later]
                cluster.stop_all()
    tell(row(cluster, "F51 tables changed under load", "a server of the next release starts beside an old one"))


async def _delays(folder: Path, way: str, events: int) -> list[float]:
    """Seconds from the receipt of single events at one server to their end at another."""
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = Cluster(folder, 5, dsn + way, "receive", "work", direct=dsn)
        with cluster.sandbox():
            try:
                await asyncio.to_thread(cluster.start_all)
                for _ in range(events):
                    await asyncio.to_thread(cluster.send_one)
                    await asyncio.sleep(cluster.random.uniform(0.1, 0.6))
                delays = await asyncio.to_thread(cluster.delays, events)
            finally:
                cluster.stop_all()
    delays.sort()
    print(f"p50 {delays[len(delays) // 2]:.3f} s, longest {delays[-1]:.3f} s of {len(delays)}")
    return delays


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("way", "half"), [("", 0.3), ("&notify=off", 1.2)])
async def test_a_receiving_server_wakes_a_working_one(tmp_path: Path, way: str, half: float) -> None:
    delays = await _delays(tmp_path, way, events=60)
    assert delays[30] < half
    assert delays[-1] < 3, "without hints an event waits for the next look at most"


async def _restart_database(folder: Path, rounds: int) -> Row:
    longest = 0.0
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as dsn:
        cluster = Cluster(folder, random.randrange(10**6), dsn, "all", "all")
        async with loaded(cluster):
            for _ in range(rounds):
                await asyncio.sleep(cluster.random.uniform(0.2, 1.0))
                await asyncio.to_thread(server.stop, signal.SIGQUIT)
                await asyncio.sleep(cluster.random.uniform(0.0, 0.5))
                await asyncio.to_thread(server.start)
                accepted = len(cluster.ledger.told)
                began = time.monotonic()
                while len(cluster.ledger.told) == accepted:
                    assert time.monotonic() - began < 20, "the servers did not come back by themselves"
                    await asyncio.sleep(0.05)
                longest = max(longest, time.monotonic() - began)
            assert cluster.ledger.refused, "nobody was told to come again while the database was away"
    return row(cluster, "F18 PostgreSQL crashes", f"SIGQUIT, {rounds} times, two servers", recovery=longest)


@pytest.mark.timeout(180)
async def test_a_database_that_crashes_under_load_costs_nothing(tmp_path: Path, tell: Tell) -> None:
    tell(await _restart_database(tmp_path, rounds=2))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_database_that_crashes_twenty_times_costs_nothing(tmp_path: Path, tell: Tell) -> None:
    tell(await _restart_database(tmp_path, rounds=20))


async def _cut_the_way(folder: Path, rounds: int, swallowed: float) -> Row:
    """Drop the connections of two servers again and again, and let nothing through for a while in between."""
    with postgres.running(fsync=True) as server, postgres.database(server.dsn("postgres")) as direct:
        async with Proxy(server.sockets) as proxy:
            cluster = Cluster(folder, random.randrange(10**6), proxy.dsn(direct), "all", "all", direct=direct)
            async with loaded(cluster):
                for _ in range(rounds):
                    await asyncio.sleep(cluster.random.uniform(0.1, 0.6))
                    proxy.reset()
                proxy.swallow()
                began = time.monotonic()
                await asyncio.sleep(swallowed / 2)
                slowest = await asyncio.to_thread(cluster.slowest_refusal)
                assert slowest < 7, "a sender waited for long on a database that does not answer"
                assert 503 == await asyncio.to_thread(cluster.readiness), "a balancer must look elsewhere"
                health = await asyncio.to_thread(cluster.asked, "health")
                assert "nothing can be stored: the database" in health["findings"][0]["what"]
                await asyncio.sleep(max(0.0, swallowed - (time.monotonic() - began)))
                accepted, back = len(cluster.ledger.told), time.monotonic()
                proxy.lead()
                while len(cluster.ledger.told) == accepted:
                    assert time.monotonic() - back < 20, "the servers did not come back by themselves"
                    await asyncio.sleep(0.05)
                recovery = time.monotonic() - back
                while await asyncio.to_thread(cluster.readiness) != 200:
                    assert time.monotonic() - back < 20, "a server did not come back by itself"
                    await asyncio.sleep(0.1)
                held = await asyncio.to_thread(cluster.connections)
                assert held <= 2 * 8, "connections were left over"
    how = f"{rounds} times dropped, then {swallowed:g} s in which nothing comes through"
    return row(cluster, "F20 no way to PostgreSQL", how, f"put off after {slowest:.1f} s at most", recovery)


@pytest.mark.timeout(180)
async def test_connections_that_are_dropped_and_swallowed_cost_nothing(tmp_path: Path, tell: Tell) -> None:
    tell(await _cut_the_way(tmp_path, rounds=5, swallowed=6))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_minute_without_a_word_from_the_database_costs_nothing(tmp_path: Path, tell: Tell) -> None:
    tell(await _cut_the_way(tmp_path, rounds=30, swallowed=60))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_failing_over_to_a_synchronous_standby_loses_nothing(tmp_path: Path, tell: Tell) -> None:
    with (
        postgres.running(fsync=True, options=("synchronous_standby_names=standby",)) as first,
        postgres.standby_of(first) as second,
    ):
        async with Proxy(first.sockets) as proxy:
            way = proxy.dsn(first.dsn("postgres"))
            cluster = Cluster(tmp_path, 11, way, "all", "all", direct=second.dsn("postgres"))
            async with loaded(cluster):
                await asyncio.sleep(2)
                await asyncio.to_thread(first.stop, signal.SIGKILL)
                accepted, down = len(cluster.ledger.told), time.monotonic()
                proxy.lead(second.sockets)  # too early: servers find a standby there and wait
                await asyncio.sleep(0.5)
                await asyncio.to_thread(second.promote)
                while len(cluster.ledger.told) == accepted:
                    assert time.monotonic() - down < 30, "the servers did not come back by themselves"
                    await asyncio.sleep(0.05)
                recovery = time.monotonic() - down
                await asyncio.sleep(1)
    how = "the first killed, its synchronous standby promoted, the address switched"
    tell(row(cluster, "F19 PostgreSQL fails over", how, recovery=recovery))
