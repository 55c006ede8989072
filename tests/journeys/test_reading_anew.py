"""An event that could not be read is found, and a replay reads it anew from its receipt: only then rules act on it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hooks.events import Receipt
from hooks.ports import Draft
from hooks.upkeep import TICK
from hooks.vendors.zapier.source import ZapierSource
from tests.journeys.test_replays import replay
from tests.journeys.world import HOMEBASE, NOTE, OFFICE, SOURCES, World

CONNECTIONS = "connections:\n" + OFFICE + HOMEBASE
RULES = SOURCES + CONNECTIONS + "rules:\n" + NOTE
BROKEN = RULES + "  - id: no event and no action\n"
WITHOUT_LEADS = "\n".join(line for line in RULES.splitlines() if "leads:" not in line)
MAYA = {"full_name": "Maya Ortiz", "email": "maya@example.org", "phone": "303-555-0142"}


async def unread(world: World, number: int = 1) -> list[str]:
    """Leads whose source was taken out of the rules before they were read: such a thing is a matter of a moment."""
    await world.serve(BROKEN)
    events = []
    for each in range(number):
        answer = await world.lead({**MAYA, "note": str(each)})
        assert 202 == answer.status_code
        events.append(str(answer.json()["events"][0]))
    await world.stop()
    await world.serve(WITHOUT_LEADS)
    for event in events:
        assert "not configured any more" in (await world.event(event))["flag"]
    return events


async def back(world: World, rules: str = RULES) -> None:
    world.write(rules)
    assert 200 == (await world.api("rules/reload", "POST")).status_code


async def test_a_lead_whose_source_was_taken_out_is_read_and_carried_out_when_it_is_back(world: World) -> None:
    [event] = await unread(world)
    assert ("zapier.unreadable", []) == ((await world.event(event))["type"], world.notes())
    told = await replay(world, flagged=True)
    assert (1, 0, 0) == (told["events"], told["read"], told["made"])
    assert "it cannot be read: the source 'leads' is not configured any more" == told["items"][0]["why"]

    await back(world)
    told = await replay(world, flagged=True, dry_run=True)
    assert (1, 1, 1, 0) == (told["events"], told["read"], told["make"], told["made"])
    assert (event, "note", "it is read as lead.created now, and matches") == tuple(
        told["items"][0][name] for name in ("event", "rule", "why")
    )
    assert "zapier.unreadable" == (await world.event(event))["type"], "nothing was done yet"

    told = await replay(world, flagged=True)
    assert (1, 1, 1) == (told["events"], told["read"], told["made"])
    stats = await world.quiet()
    shown = await world.event(event)
    assert ("lead.created", "matched", None) == (shown["type"], shown["state"], shown.get("flag"))
    assert "Maya Ortiz" == shown["data"]["customer"]["display_name"]
    assert [{"about": "lead.created", "event": event}] == world.notes()
    assert (1, 0, True) == (stats["events"]["matched"], stats["events"]["unmatched"], stats["books_balance"])
    assert 0 == (await replay(world, flagged=True))["events"]
    assert 0 == (await replay(world, events=[event]))["made"], "and is never carried out twice"


async def test_one_that_no_rule_is_for_is_kept_as_it_is_read(world: World) -> None:
    [event] = await unread(world)
    await back(world, RULES.replace('"*"', "gift_card.sold"))
    told = await replay(world, events=[event])
    assert (1, 0, "it is read as lead.created now, and no rule matches it") == (
        told["read"],
        told["made"],
        told["items"][0]["why"],
    )
    shown = await world.event(event)
    assert ("lead.created", "unmatched", None) == (shown["type"], shown["state"], shown.get("flag"))
    people = await world.until(lambda: world.read("people"), lambda people: people["items"])
    assert ["Maya Ortiz"] == [person["name"] for person in people["items"]], "who it is about is known now"


async def test_events_that_could_not_be_read_are_listed_and_told(world: World) -> None:
    [event, _] = await unread(world, 2)
    readable = await world.job()
    await world.event(readable)
    assert [readable] == [one["id"] for one in (await world.read("events?flagged=false"))["items"]]
    flagged = (await world.read("events?flagged=true&source=leads"))["items"]
    assert (2, event) == (len(flagged), flagged[-1]["id"])
    assert 422 == (await world.api("events?flagged=yes")).status_code
    assert "could not be read" in await world.page("/events?flagged=true")

    world.clock.leap(TICK)

    def told(health: Any) -> bool:
        return any("2 events of the last 24 hours could not be read" in one["what"] for one in health["findings"])

    health = await world.until(lambda: world.read("health"), told)
    assert "yellow" == health["status"]
    overview = await world.page("/")
    assert "Events of the last 24 hours</a> could not be read" in overview
    assert "nothing needs a person" not in overview
    assert "It could not be read, and no rule acts on it" in await world.page(f"/events/{event}")
    await back(world)
    await replay(world, flagged=True)
    await world.until(lambda: world.read("health"), lambda health: not told(health))


async def test_a_reader_that_was_mended_reads_what_it_stumbled_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(self: object, receipt: object) -> list[Draft]:
        raise KeyError("customer")

    await world.serve(RULES)
    with monkeypatch.context() as patched:
        patched.setattr(ZapierSource, "normalize", stumbles)
        event = (await world.lead(MAYA)).json()["events"][0]
        assert "stumbled" in (await world.event(event))["flag"]
        told = await replay(world, events=[event])
        assert (0, 0) == (told["read"], told["made"])
    assert 1 == (await replay(world, source="leads", since="1h"))["made"]
    await world.run(event)
    assert [{"about": "lead.created", "event": event}] == world.notes()


async def test_one_that_cannot_be_stored_when_it_is_read_stays_as_it_was_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ZapierSource.normalize

    def odd(self: ZapierSource, receipt: Receipt) -> list[Draft]:
        return [dataclasses.replace(draft, data={"what": object()}) for draft in whole(self, receipt)]

    await world.serve(RULES.replace('"*"', "job.*"))
    job = await world.job()
    await world.run(job)
    with monkeypatch.context() as patched:
        patched.setattr(ZapierSource, "normalize", odd)
        event = (await world.lead(MAYA)).json()["events"][0]
        assert "it cannot be stored" == (await world.event(event))["flag"]
        told = await replay(world, events=[event, job], mode="force")
        assert (2, 0, 1) == (told["events"], told["read"], told["made"])
        assert "it cannot be stored" == (await world.event(event))["flag"]
    assert 1 == (await replay(world, flagged=True))["read"]


async def test_what_was_forgotten_is_not_read_again(world: World) -> None:
    await world.serve(RULES)
    event = (await world.lead(MAYA)).json()["events"][0]
    await world.run(event)
    person = (await world.read("people"))["items"][0]["id"]
    assert 200 == (await world.api(f"people/{person}/forget", "POST", {})).status_code
    told = await replay(world, events=[event], mode="force")
    assert (0, 0) == (told["read"], told["made"])
    assert {} == (await world.event(event))["data"]
    assert [] == (await world.read("events?flagged=true"))["items"], "it was read once"
    assert [event] == [one["id"] for one in (await world.read("events?flagged=false"))["items"]]
    assert 0 == (await replay(world, flagged=True))["events"]
    assert "the person was forgotten" in await world.page(f"/events/{event}")
    assert 1 == len(world.notes())
