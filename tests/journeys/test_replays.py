"""Events carried out once more: what is missing is done, what was made is found, and only force acts again."""

from __future__ import annotations

from typing import Any

from tests.journeys.world import HOMEBASE, NOTE, OFFICE, SOURCES, TITAN, World

NOTES = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE
NOTHING = SOURCES + "connections:\n" + OFFICE + "rules:\n" + NOTE.replace('"*"', "gift_card.sold")
BOOKINGS = (
    SOURCES
    + "connections:\n"
    + TITAN
    + """\
rules:
  - id: book
    event: lead.created
    once_per: data.customer.email
    once_within: 24h
    do:
      - action: servicetitan.create_booking_by_provider
        with:
          source: Zapier
          name: ${data.customer.display_name}
          summary: A lead
          isFirstTimeClient: true
          externalId: ${id}
"""
)
PEOPLE = (
    SOURCES
    + "connections:\n"
    + HOMEBASE
    + OFFICE
    + """\
rules:
  - id: sync
    event: job.completed
    do:
      - {id: customer, action: homebase360.upsert_customer, with: {customer: "${data.customer}"}}
      - action: http.request
        with: {method: POST, path: /notes, json: {customer: "${steps.customer.customerId}"}}
"""
)
LEAD = {"full_name": "Maya Ortiz", "email": "maya@example.org"}


async def replay(world: World, **body: Any) -> Any:
    answer = await world.api("replays", "POST", body)
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_events_that_no_rule_matched_are_carried_out_once_and_not_twice(world: World) -> None:
    await world.serve(NOTHING)
    events = [await world.job() for _ in range(3)]
    for event in events:
        await world.event(event)
    world.write(NOTES)
    await world.api("rules/reload", "POST")

    told = await replay(world, state="unmatched", dry_run=True)
    assert (3, 3, 0, True) == (told["events"], told["make"], told["made"], told["dry_run"])
    unlimited = {"rate": None, "seconds": None, "seconds_when_busy": None}
    assert [{"connection": "office", "requests": 3, **unlimited}] == told["forecast"]
    assert [] == world.notes()
    told = await replay(world, state="unmatched")
    assert 3 == told["made"]
    stats = await world.quiet()
    assert (3, 0, 3, True) == (
        stats["events"]["matched"],
        stats["events"]["unmatched"],
        stats["runs"]["done"],
        stats["books_balance"],
    )
    told = await replay(world, type="job.*")
    assert (3, 0, 3) == (told["events"], told["made"], told["nothing"]), "doing it twice does nothing"
    await world.quiet()
    assert events == sorted(note["event"] for note in world.notes())


async def test_failed_runs_go_on_and_what_a_person_cancelled_does_not(world: World) -> None:
    await world.serve(PEOPLE)
    world.fault("http", kind="status", status=400, count=2)
    events = [await world.job(), await world.job()]
    failed = [await world.run(event, "failed") for event in events]
    await world.api(f"runs/{failed[1]['id']}/retry", "POST")
    await world.run(events[1])
    asked = len(world.notes())

    told = await replay(world, state="failed", dry_run=True)
    assert [(failed[0]["id"], "retry")] == [(item["run"], item["action"]) for item in told["items"]]
    assert 1 == (await replay(world, state="failed"))["made"]
    await world.run(events[0])
    assert (asked + 1, 1) == (len(world.notes()), len(world.records("homebase360", "customers")))


async def test_a_replay_finds_at_the_vendor_what_was_made_and_force_makes_it_again(world: World) -> None:
    await world.serve(BOOKINGS)
    event = (await world.lead(LEAD)).json()["events"][0]
    first = await world.run(event)
    for mode in ("same-version", "current-version"):
        told = await replay(world, events=[event], mode=mode)
        assert 1 == told["made"]
        await world.quiet()
    runs = (await world.event(event))["runs"]
    assert [None, first["id"], runs[1]["id"]] == [run["replay_of"] for run in runs]
    assert ["done"] * 3 == [run["state"] for run in runs], "its own once_per key is no obstacle"
    assert "adopted" == runs[2]["steps"][0]["attempts"][0]["verdict"]
    assert runs[0]["steps"][0]["output"]["id"] == runs[2]["steps"][0]["output"]["id"]
    assert 1 == len(world.records("servicetitan", "bookings"))

    await replay(world, events=[event], mode="force")
    await world.quiet()
    assert 2 == len(world.records("servicetitan", "bookings"))
    await replay(world, events=[event], mode="same-version")
    await world.quiet()
    assert 2 == len(world.records("servicetitan", "bookings"))


async def test_what_cannot_be_looked_up_is_taken_from_the_books(world: World) -> None:
    await world.serve(PEOPLE)
    event = await world.job()
    first = await world.run(event)
    await replay(world, events=[event], mode="current-version")
    await world.quiet()
    again = (await world.event(event))["runs"][1]
    assert ("done", first["id"]) == (again["state"], again["replay_of"])
    assert first["steps"][1]["output"] == again["steps"][1]["output"]
    assert (1, 1) == (len(world.notes()), len(world.records("homebase360", "customers")))


async def test_a_replay_of_a_step_that_nobody_can_find_out_about_is_held(world: World) -> None:
    await world.serve(NOTES)
    world.fault("http", kind="cut_after")
    event = await world.job()
    held = await world.run(event, "held", "outcome is unknown")
    await world.api(f"runs/{held['id']}/cancel", "POST")
    await replay(world, events=[event], mode="same-version")
    await world.quiet()
    again = (await world.event(event))["runs"][1]
    assert ("held", 1) == (again["state"], len(world.notes()))
    answer = await world.api(f"runs/{again['id']}/resolve", "POST", {"outcome": "sent", "output": {"id": 7}})
    assert 200 == answer.status_code
    await world.quiet()
    ended = (await world.event(event))["runs"][1]
    assert ("done", {"id": 7}, 1) == (ended["state"], ended["steps"][0]["output"], len(world.notes()))


async def test_one_event_is_replayed_by_its_address(world: World) -> None:
    await world.serve(NOTES)
    event = await world.job()
    await world.run(event)
    told = (await world.api(f"events/{event}/replay", "POST", {"mode": "force"})).json()
    assert (1, "force") == (told["made"], told["mode"])
    await world.quiet()
    assert 2 == len(world.notes())
    assert 404 == (await world.api("events/evt_" + "0" * 32 + "/replay", "POST", {})).status_code
    assert 404 == (await world.api("events/nonsense/replay", "POST")).status_code


async def test_a_replay_of_everything_or_of_nonsense_is_refused(world: World) -> None:
    await world.serve(NOTES)
    for body in (
        {},
        {"mode": "force"},
        {"type": "*", "mode": "all"},
        {"events": ["x"]},
        {"state": "odd"},
        {"limit": 0},
    ):
        assert 422 == (await world.api("replays", "POST", body)).status_code, body
    assert 422 == (await world.api("replays", "POST", {"type": "*", "after": "run_1"})).status_code


async def test_a_long_replay_goes_on_where_it_ended(world: World) -> None:
    await world.serve(NOTES)
    events = [await world.job() for _ in range(3)]
    await world.quiet()
    first = await replay(world, type="*", mode="force", limit=2)
    assert (2, events[1]) == (first["events"], first["next"])
    second = await replay(world, type="*", mode="force", limit=2, after=first["next"])
    assert (1, None) == (second["events"], second["next"])


# --- unknown outcomes ---


async def test_a_person_says_what_became_of_it(world: World) -> None:
    await world.serve(NOTES)
    world.fault("http", kind="cut_after", count=3)
    events = [await world.job() for _ in range(3)]
    held = [await world.run(event, "held", "hooks runs resolve") for event in events]

    for run, outcome in zip(held, ("sent", "not_sent", "give_up"), strict=True):
        answer = await world.api(f"runs/{run['id']}/resolve", "POST", {"outcome": outcome})
        assert 200 == answer.status_code, answer.text
    done = await world.run(events[0])
    assert "a person said that it was carried out" == done["steps"][0]["attempts"][-1]["error"]
    await world.run(events[1])
    await world.run(events[2], "failed", "cancelled by a person")
    assert 4 == len(world.notes()), "three that were cut off after they acted, and the one that was sent again"
    assert 409 == (await world.api(f"runs/{held[0]['id']}/resolve", "POST", {"outcome": "sent"})).status_code
    for body in ({}, {"outcome": "maybe"}, {"outcome": "give_up", "output": 1}):
        assert 422 == (await world.api(f"runs/{held[0]['id']}/resolve", "POST", body)).status_code
    assert (await world.stats())["books_balance"]


async def test_reconciling_says_what_the_vendors_have_and_mends_it(world: World) -> None:
    await world.serve(
        BOOKINGS.replace("    do:", "    on_unknown: hold\n    do:")
        .replace("      - action: servicetitan", "      - on_unknown: hold\n        action: servicetitan")
        .replace("    on_unknown: hold\n    do:", "    do:")
    )
    world.fault("servicetitan", kind="cut_after", path="bookings", method="POST")
    event = (await world.lead(LEAD)).json()["events"][0]
    await world.run(event, "held", "unknown")

    told = (await world.api("reconcile", "POST", {})).json()
    assert [("yes", False)] == [(item["found"], item["mended"]) for item in told["items"]]
    await world.run(event, "held")
    told = (await world.api("reconcile", "POST", {"mend": True})).json()
    assert (1, 1) == (told["found"], told["mended"])
    done = await world.run(event)
    assert done["steps"][0]["output"]["externalId"] == event
    assert 1 == len(world.records("servicetitan", "bookings"))
    assert [] == (await world.api("reconcile", "POST", {})).json()["items"]


async def test_what_cannot_be_asked_is_left_to_a_person(world: World) -> None:
    await world.serve(NOTES)
    world.fault("http", kind="cut_after")
    event = await world.job()
    await world.run(event, "held")
    told = (await world.api("reconcile", "POST", {"mend": True})).json()
    assert ["cannot be asked"] == [item["found"] for item in told["items"]]
    await world.run(event, "held")


async def test_a_rule_may_say_that_it_is_not_for_replays(world: World) -> None:
    await world.serve(NOTHING)
    event = await world.job()
    await world.event(event)
    world.write(NOTES + NOTE.replace("id: ", "id: never-") + "    replay: never\n")
    told = await world.api("rules/reload", "POST")
    assert told.json()["ok"], told.text
    told = await replay(world, state="unmatched", mode="force")
    assert (1, 1) == (told["made"], told["nothing"]), told
    await world.quiet()
    assert 1 == len(world.notes())
