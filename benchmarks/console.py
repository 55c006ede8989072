"""How long the console's lists take on a large database: ``python -m benchmarks.console [--events 1000000]``.

A database is filled with invented events, runs and people, a real server is started on it, and each page is asked for a
few times over HTTP. Printed are the medians and the slowest, in milliseconds of a whole request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from hooks.app import App
from hooks.events import utc_text
from hooks.settings import Settings
from hooks.store.opening import open_store

BOUND_MS = 200.0
TOKEN = "a-token-of-the-benchmark-only"
RULES = """\
version: 1
sources:
  hcp: {vendor: webhook, unverified: "a measurement on one machine"}
  rare: {vendor: webhook, unverified: "a measurement on one machine"}
connections:
  office: {vendor: http, base_url: "http://127.0.0.1:9"}
rules:
  - id: common
    event: job.completed
    do: [{action: http.request, with: {method: POST, path: /notes}}]
  - id: seldom
    event: lead.created
    do: [{action: http.request, with: {method: POST, path: /notes}}]
"""
FIRST = ("Maya", "Nora", "Theo", "Ines", "Omar", "Priya", "Abel", "Rosa", "June", "Lee")
LAST = ("Ortiz", "Whitlock", "Lindqvist", "Falk", "Haddad", "Nair", "Moreau", "Klein", "Park", "Mbeki")

EVENTS = (
    "INSERT INTO events (id, type, source, vendor, vendor_type, receipt, subject, time, received_at, data, raw, flag, "
    "state, rules_version) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
RECEIPTS = (
    "INSERT INTO receipts (id, source, vendor, received_at, verdict, path, query, headers, body, events, reason, "
    "duplicate_of, pending) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
RUNS = (
    "INSERT INTO runs (id, event, rule, rules_version, generation, state, reason, connection, due_at, created_at, "
    "finished_at, attempts, fence) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


def fill(path: Path, number: int) -> dict[str, str]:
    """Fill an empty database; gives texts that some of its events can be found by."""
    asyncio.run(_make(path))
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    chance = random.Random(7)
    begin = datetime.now(UTC) - timedelta(days=30)
    people = max(10, number // 8)
    with database:
        for batch in _batches(number, 5000):
            rows = [_rows(place, number, begin, people, chance) for place in batch]
            database.executemany(RECEIPTS, [row[0] for row in rows])
            database.executemany(EVENTS, [row[1] for row in rows])
            database.executemany(RUNS, [row[2] for row in rows if row[2] is not None])
            database.executemany("INSERT INTO person_events VALUES (?, ?)", [row[3] for row in rows])
        for batch in _batches(people, 5000):
            at = round(begin.timestamp() * 1000)
            rows_of = [(_person(one), _name(one), _name(one).lower(), at, at) for one in batch]
            database.executemany(
                "INSERT INTO people (id, name, search, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", rows_of
            )
            keys = [("phone", _phone(one), _person(one), "", at) for one in batch]
            keys += [("email", f"p{one}@example.org", _person(one), "", at) for one in batch]
            database.executemany("INSERT INTO person_keys VALUES (?, ?, ?, ?, ?)", keys)
        _count(database)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return {"phone": _phone(people // 3), "name": _name(people // 3), "job": f"job_{number // 3}"}


async def _make(path: Path) -> None:
    store = await open_store(f"sqlite:///{path}", relaxed=True)
    await store.close()


def _batches(number: int, size: int) -> Iterator[range]:
    for start in range(0, number, size):
        yield range(start, min(start + size, number))


def _rows(place: int, number: int, begin: datetime, people: int, chance: random.Random) -> tuple[Any, ...]:
    at = begin + timedelta(days=30) * (place / number)
    millis = round(at.timestamp() * 1000)
    digits = f"{millis:012x}{place:020x}"
    person = place % people
    rare = place % 9973 == 5
    type_, source = ("lead.created", "rare") if rare else ("job.completed", "hcp")
    matched = place % 50 != 3
    data = {
        "id": f"job_{place}",
        "description": "AC tune-up and filter change" if place % 3 else "Water heater",
        "customer": {"id": f"cus_{person}", "display_name": _name(person), "phone": _phone(person)},
        "total_cents": chance.randrange(1000, 90000),
        "note": "x" * chance.randrange(100, 500),
    }
    text = json.dumps(data)
    receipt = (
        f"rcp_{digits}", source, "housecall_pro", millis, "accepted", "", "[]", "[]", text.encode(), 1, None, None, 0,
    )  # fmt: skip
    event = (
        f"evt_{digits}", type_, source, "housecall_pro", type_, f"rcp_{digits}", f"job/job_{place}", utc_text(at),
        at.isoformat(), text, text, None, "matched" if matched else "unmatched", "v",
    )  # fmt: skip
    state = "failed" if place % 20011 == 7 else "held" if place % 20011 == 9 else "done"
    run = (
        f"run_{digits}", f"evt_{digits}", "seldom" if rare else "common", "v", 0, state, None, "office", millis, millis,
        millis, 1, 1,
    )  # fmt: skip
    return receipt, event, run if matched else None, (_person(person), f"evt_{digits}")


def _person(number: int) -> str:
    return f"per_{number:032x}"


def _name(number: int) -> str:
    return f"{FIRST[number % 10]} {LAST[number // 10 % 10]} {number}"


def _phone(number: int) -> str:
    return f"+1303{2000000 + number:07d}"


def _count(database: sqlite3.Connection) -> None:
    for table, column, states in (("events", "state", "events"), ("runs", "state", "runs")):
        for state, value in database.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY {column}").fetchall():
            database.execute("INSERT INTO counters VALUES (?, ?)", (f"{states}.{state}", value))
    (every,) = database.execute("SELECT count(*) FROM receipts").fetchone()
    for name in ("receipts.accepted", "events.accepted"):
        database.execute("INSERT INTO counters VALUES (?, ?)", (name, every))


def pages(known: dict[str, str], number: int) -> list[str]:
    phone, name = known["phone"], known["name"]
    middle = utc_text(datetime.now(UTC) - timedelta(days=15))
    return [
        "/", "/events", "/events?source=rare", "/events?type=lead.*", "/events?type=lead.created",
        "/events?rule=seldom",
        "/events?rule=common", "/events?state=unmatched", f"/events?until={middle}",
        f"/events?since=20d&until={middle}",
        "/events?since=1h", f"/events?q={phone.replace('+1', '')}", f"/events?q={name}", "/events?q=Ortiz",
        f"/events?q={known['job']}", "/events?q=no+such+text", "/events?q=water+heater", "/runs", "/runs?state=failed",
        "/runs?state=waiting", "/runs?state=running", "/runs?state=done&rule=seldom", "/runs?state=failed&rule=seldom",
        "/receipts", "/receipts?source=rare", "/receipts?verdict=refused", f"/receipts?until={middle}", "/people",
        f"/people?q={phone}", "/people?q=whitlock", "/connections", "/settings",
    ]  # fmt: skip


async def measure(folder: Path, known: dict[str, str], number: int, rounds: int) -> list[tuple[str, float, float]]:
    """Page, median and slowest in milliseconds."""
    (folder / "routes.yaml").write_text(RULES)
    settings = Settings(
        routes=folder / "routes.yaml",
        data=folder,
        port=0,
        admin_port=0,
        admin_token=TOKEN,
        durability="relaxed",
        free_space=0,
    )
    app = App(settings)
    await app.start()
    try:
        headers = {"accept": "text/html", "authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=app.admin_url or "", headers=headers, timeout=120) as client:
            found = []
            for page in pages(known, number):
                spent = []
                for _ in range(rounds):
                    began = time.perf_counter()
                    answer = await client.get(page)
                    spent.append((time.perf_counter() - began) * 1000)
                    if answer.status_code not in (200, 303):
                        raise SystemExit(f"{page}: {answer.status_code}")
                found.append((page, statistics.median(spent), max(spent)))
            return found
    finally:
        await app.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a folder to fill once and use again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hooks-console-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / "known.json"
        if not kept.exists():
            kept.write_text(json.dumps(fill(folder / "hooks.db", given.events)))
        known = json.loads(kept.read_text())
        rows = asyncio.run(measure(folder, known, given.events, given.rounds))
    print(f"{'page':64} {'median ms':>10} {'slowest ms':>10}")
    for page, median, slowest in rows:
        print(f"{page:64} {median:10.1f} {slowest:10.1f}{'  !' if median > BOUND_MS else ''}")


if __name__ == "__main__":
    main()
