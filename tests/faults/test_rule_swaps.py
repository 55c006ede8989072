"""Rule files that are swapped under load, good and broken ones: no event under a wrong version, none lost, no stall."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hooks.serving import SWITCH_INTERVAL, keep_calm
from tests.faults.processes import ProcessWorld, forbidden
from tests.journeys.world import OFFICE, SECRETS, SOURCES, World

SENDERS = 3
HEAD = SOURCES + "connections:\n" + OFFICE + "rules:\n"


def rules(number: int) -> str:
    """The rules that note their own number."""
    return (
        f"{HEAD}  - id: note\n    event: '*'\n    do:\n      - action: http.request\n"
        f"        with: {{method: POST, path: /notes, json: {{number: {number}, event: '${{id}}'}}}}\n"
    )


class Swapping:
    """One who edits and several who send. ``in_force`` is the number of the rules that the server has confirmed."""

    def __init__(self, world: World, swaps: int, seed: int) -> None:
        self.world = world
        self.swaps = swaps
        self.chance = random.Random(seed)
        self.in_force = 0
        self.good = {0}
        self.over = False
        self.sent: dict[str, int] = {}
        """By event: the rules that were confirmed before it was sent."""

    async def edit(self) -> None:
        for number in range(1, self.swaps + 1):
            broken = self.chance.random() < 0.4
            text = rules(number).replace("http.request", "http.reqest" if broken else "http.request")
            if self.chance.random() < 0.5:
                self.world.write(text)
                answer = await self.world.api("rules/reload", "POST")
            else:
                sent = {"text": text.replace("SANDBOX", self.world.sandbox_url)}
                answer = await self.world.api("rules", "POST", sent)
            assert (422 if broken else 200) == answer.status_code, answer.text
            if not broken:
                self.in_force = number
                self.good.add(number)
        self.over = True

    async def send(self) -> None:
        while not self.over:
            confirmed = self.in_force
            event = await self.world.job()
            self.sent[event] = confirmed
            await asyncio.sleep(0.01)


async def all_items(world: World, path: str) -> list[Any]:
    items: list[Any] = []
    cursor = ""
    while True:
        page = await world.read(f"{path}?limit=500{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize("swaps", [80, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(180)])])
async def test_swaps_under_load_lose_nothing_and_put_no_event_under_a_wrong_version(
    world: ProcessWorld, swaps: int
) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    await world.serve(rules(0))
    swapping = Swapping(world, swaps, seed)

    async with asyncio.TaskGroup() as group:
        group.create_task(swapping.edit())
        for _ in range(SENDERS):
            group.create_task(swapping.send())
    stats = await world.quiet()

    runs = await all_items(world, "runs")
    told = {note["event"]: note["number"] for note in world.notes()}
    versions = {each["version"] for each in await all_items(world, "rules/versions")}
    assert len(swapping.sent) > swaps / 10
    assert swapping.sent.keys() == told.keys() == {run["event"] for run in runs}
    assert len(swapping.sent) == len(world.notes()) == len(runs) == stats["runs"]["done"]
    assert {run["rules_version"] for run in runs} <= versions
    numbers: dict[str, set[int]] = {}
    for run in runs:
        numbers.setdefault(run["rules_version"], set()).add(told[run["event"]])
    assert [] == [found for found in numbers.values() if len(found) != 1], "one version acts as one file says"
    assert set(told.values()) <= swapping.good, "no broken file acts"
    assert [] == [event for event, number in told.items() if number < swapping.sent[event]], (
        "no event under older rules"
    )
    assert stats["books_balance"]
    assert [] == forbidden(world.said())


# --- no stall ---

MANY = 200


def many(number: int) -> str:
    entry = """\
  - id: rule-{number}
    description: Rule {number} of edition {edition}
    event: [job.completed, job.canceled]
    source: hcp
    when:
      - data.total_cents >= {number}
      - not data.tags contains "do-not-sync-{edition}"
    do:
      - action: http.request
        with:
          method: POST
          path: /notes
          json: {{of: "${{data.customer.display_name ?? 'nobody'}}", number: {number}}}
"""
    return HEAD + "".join(entry.format(number=each, edition=number) for each in range(MANY))


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)  # as `hooks serve` does
    async with World(tmp_path) as world:
        yield world
    sys.setswitchinterval(interval)
    gc.unfreeze()


class Heartbeat:
    """How long the loop did not turn, at worst, and for how long of that this process had a processor.

    The rest is what a busy machine holds up. A second thread that loads is this process too.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.longest_of_ours = 0.0

    async def beat(self) -> None:
        last, used = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(0.001)
            now, using = time.perf_counter(), time.process_time()
            self.longest = max(self.longest, now - last)
            self.longest_of_ours = max(self.longest_of_ours, min(now - last, using - used))
            last, used = now, using


async def test_a_reload_of_200_rules_does_not_stall_the_loop(office: World) -> None:
    await office.serve(many(0))
    keep_calm()
    worst: list[float] = []
    ours: list[float] = []
    for number in range(1, 6):
        office.write(many(number))
        heart = Heartbeat()
        beating = asyncio.create_task(heart.beat())
        found = await office.api("rules/reload", "POST")
        beating.cancel()
        assert (True, MANY) == (found.json()["ok"], found.json()["rules"])
        worst.append(heart.longest)
        ours.append(heart.longest_of_ours)

    print("worst gaps in ms:", [round(gap * 1000, 1) for gap in worst])
    assert min(ours) < 0.05, "what loading itself does, it does each time; what a busy machine does, it does not"
    assert min(worst) < 0.5, "nor does it wait for anything"
