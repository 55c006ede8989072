"""A year of 10,000 companies against measured costs: ``python -m benchmarks.year [--companies 10000] [--json FILE]``.

Nothing is sent: the traffic of every minute of a year is drawn (the same each time, by a seed), and laid against what
an event costs on each store, as `benchmarks.stores` has measured it, and what the rest of the service costs beside it.
The traffic is made up, from what such businesses do; each assumption stands below with its number, to be put right by
whoever knows better.

A queue is carried from minute to minute, so what comes faster than it can be worked off waits, and it is said how long.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.ingest import prepared
from benchmarks.load import drive
from benchmarks.servers import bare, hooks, stats

ROUTES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.BENCH_SECRET}"}
connections:
  sink: {vendor: http, base_url: "http://127.0.0.1:SINK"}
rules:
  - id: jobs
    event: job.completed
    when: data.total_cents > 0
    do:
      - action: http.request
        with: {method: POST, path: /in/hcp, json: {id: "${id}", customer: "${data.customer.display_name}"}}
"""

MINUTES = 365 * 24 * 60

JOBS_A_WEEK = 18.0
"""Jobs of the middle company: two or three technicians. Sizes are lognormal, so a hundredth have twenty times that."""

SPREAD = 1.3
"""Standard deviation of the logarithm of a company's size."""

EVENTS_A_JOB = 9.0
"""Webhooks by which a job is told of: created, scheduled, on my way, started, completed, invoice, payment, customer."""

HOURS = (1, 1, 1, 1, 1, 2, 8, 22, 30, 28, 26, 25, 22, 24, 25, 26, 28, 26, 16, 8, 5, 3, 2, 1)
"""Share of the day by local hour: dispatch at seven, invoices in the afternoon."""

DAYS = (1.1, 1.05, 1.0, 1.0, 1.05, 0.45, 0.15)
"""Share of the week, from Monday."""

ZONES = ((0, 0.47), (1, 0.29), (2, 0.07), (3, 0.17))
"""Hours behind Eastern time, and the share of companies there."""

SEASON = 0.25
"""How much busier the height of summer is than the mean, and a quieter month the less."""

STORMS, STORM_SHARE, STORM_FACTOR, STORM_HOURS = 12, 0.15, 6.0, 48
"""Storms and cold snaps a year: the share of companies one meets, what it does to their traffic, and for how long."""

IMPORTS, IMPORT_EVENTS, IMPORT_MINUTES = 400, 20_000, 60
"""Companies that touch all their customers or prices at once, a year, and how fast the vendor tells of it."""

OUTAGES, OUTAGE_MINUTES = 6, 120
"""Outages of a vendor that delivers to us: what was held back comes within a quarter of the time afterwards."""

BYTES = 9_500
"""Of disk for an event in all tables and indexes: 9,250 on SQLite, 9,890 on PostgreSQL, with bodies of 2 KB."""

KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of CPU for an event's whole life, and how many a second one database can take through it."""

    name: str
    servers_us: float
    database_us: float
    events_per_second: float


def traffic(companies: int, seed: int) -> list[int]:
    """Events that arrive in each minute of the year."""
    chance = random.Random(seed)
    sizes = [chance.lognormvariate(math.log(JOBS_A_WEEK), SPREAD) for _ in range(companies)]
    weekly = sum(sizes) * EVENTS_A_JOB
    week = [
        sum(share * HOURS[(hour - behind) % 24] * DAYS[((hour - behind) // 24) % 7] for behind, share in ZONES)
        for hour in range(7 * 24)
    ]
    hourly = [weekly * part / sum(week) for part in week]
    rates = [
        hourly[(minute // 60) % (7 * 24)] / 60 * (1 + SEASON * math.sin(2 * math.pi * (minute / MINUTES - 0.29)))
        for minute in range(MINUTES)
    ]
    for _ in range(STORMS):
        start = chance.randrange(MINUTES)
        for minute in range(start, min(MINUTES, start + STORM_HOURS * 60)):
            rates[minute] *= 1 + STORM_SHARE * (STORM_FACTOR - 1)
    for _ in range(round(IMPORTS * companies / 10_000)):
        start = chance.randrange(MINUTES - IMPORT_MINUTES)
        for minute in range(start, start + IMPORT_MINUTES):
            rates[minute] += IMPORT_EVENTS / IMPORT_MINUTES
    for _ in range(OUTAGES):
        start = chance.randrange(MINUTES - 2 * OUTAGE_MINUTES)
        held = sum(rates[start : start + OUTAGE_MINUTES])
        rates[start : start + OUTAGE_MINUTES] = [0.0] * OUTAGE_MINUTES
        for minute in range(start + OUTAGE_MINUTES, start + OUTAGE_MINUTES + OUTAGE_MINUTES // 4):
            rates[minute] += held / (OUTAGE_MINUTES // 4)
    return [_drawn(rate, chance) for rate in rates]


def _drawn(rate: float, chance: random.Random) -> int:
    """A Poisson number; above 50 the normal one that is as good."""
    if rate > 50:
        return max(0, round(chance.gauss(rate, math.sqrt(rate))))
    limit, product, number = math.exp(-rate), chance.random(), 0
    while product > limit:
        product *= chance.random()
        number += 1
    return number


def waits(arrivals: Sequence[int], per_second: float) -> Iterator[float]:
    """Seconds that what arrives last in each minute waits, when so many a second are worked off."""
    left = 0.0
    for number in arrivals:
        left = max(0.0, left + number - per_second * 60)
        yield left / per_second


def judged(arrivals: Sequence[int], costs: Costs) -> dict[str, Any]:
    """What this traffic is to a store."""
    delays = sorted(waits(arrivals, costs.events_per_second))
    busiest = max(arrivals) / 60
    return {
        **asdict(costs),
        "busiest_use": busiest / costs.events_per_second,
        "mean_use": statistics.fmean(arrivals) / 60 / costs.events_per_second,
        "minutes_that_wait": sum(delay > 1.0 for delay in delays),
        "longest_wait_seconds": delays[-1],
        "cores_at_the_busiest": busiest * (costs.servers_us + costs.database_us) / 1e6,
        "core_hours_a_year": sum(arrivals) * (costs.servers_us + costs.database_us) / 1e6 / 3600,
    }


def whole_us(events: int) -> float:
    """Microseconds of CPU of a real server on SQLite for an event, from its socket to the call of a local vendor."""
    with bare() as sink, hooks(ROUTES.replace("SINK", str(sink.port))) as server:
        requests = prepared(iter(range(10**6)), server.port, 2 * events)
        used = 0.0
        for half in (1, 2):  # the first half warms it up
            began = server.cpu()
            uvloop.run(drive(server.port, itertools.islice(requests, events), connections=16, seconds=300))
            while stats(server)["runs"]["done"] < events * half:
                time.sleep(0.2)
            used = (server.cpu() - began) / events * 1e6
        return used


def measured(stores: dict[str, Any], whole: float) -> list[Costs]:
    """The costs that `benchmarks.stores` wrote: the best of each store, with the rest of the service on top.

    ``whole``: what an event costs a server on SQLite. One such server is bound by the one core that its process can
    use; a PostgreSQL by its own four cores, used to seven tenths, with as many servers as it takes.
    """
    life = [row for row in stores["rows"] if row["kind"] == "life"]
    found = []
    for engine in ("sqlite", "postgres"):
        row = min((row for row in life if row["engine"] == engine), key=lambda one: one["ours_us"])
        service_us = max(0.0, whole - next(one["ours_us"] for one in life if one["engine"] == "sqlite"))
        ours = row["ours_us"] + service_us
        limit = 1e6 / ours if engine == "sqlite" else 4 * 1e6 / row["database_us"] * 0.7
        found.append(Costs(engine, ours, row["database_us"], limit))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--stores", type=Path, help="what benchmarks.stores has written; without it, it is measured now"
    )
    parser.add_argument("--whole-us", type=float, help="CPU of a server on SQLite per event; else it is measured now")
    parser.add_argument("--json", type=Path)
    given, _ = parser.parse_known_args()
    if given.stores is None:
        from benchmarks.stores import run

        stores = run(1000, 1, ("life",))
    else:
        stores = json.loads(given.stores.read_text(encoding="utf-8"))
    arrivals = traffic(given.companies, given.seed)
    total, busiest = sum(arrivals), max(arrivals)
    ordered = sorted(arrivals)
    print(
        f"{given.companies} companies: {total / 1e6:.0f} million events a year, {total / MINUTES / 60:.1f} a second on "
        f"average, {ordered[int(MINUTES * 0.99)] / 60:.0f} in the 99th minute of a hundred, {busiest / 60:.0f} in the "
        f"busiest; {total / 365 * KEPT_DAYS * BYTES / 1e9:.0f} GB for {KEPT_DAYS} days"
    )
    rows = [judged(arrivals, costs) for costs in measured(stores, given.whole_us or whole_us(1000))]
    print("store     takes, events/s  used, mean  busiest  minutes that wait  longest wait  cores at the busiest")
    for row in rows:
        used = f"{row['mean_use']:>10.1%}  {row['busiest_use']:>7.0%}  {row['minutes_that_wait']:>17}"
        print(
            f"{row['name']:<9} {row['events_per_second']:>15.0f}  {used}  {row['longest_wait_seconds']:>10.0f} s"
            f"  {row['cores_at_the_busiest']:>20.1f}"
        )
    if given.json is not None:
        given.json.write_text(json.dumps({"events": total, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
