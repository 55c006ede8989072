"""A lead of a Zap becomes a booking in ServiceTitan, once for each person."""

from __future__ import annotations

from tests.journeys.world import SOURCES, TITAN, World

RULES = (
    SOURCES
    + "connections:\n"
    + TITAN
    + """\
rules:
  - id: lead-to-servicetitan
    event: lead.created
    source: leads
    once_per: phone(data.customer.phone) ?? data.customer.email
    once_within: 24h
    do:
      - action: servicetitan.create_booking
        with:
          source: ${data.lead_source ?? 'Zapier'}
          name: ${data.customer.display_name}
          summary: ${data.note ?? 'Web lead'}
          isFirstTimeClient: true
          externalId: ${id}
"""
)
MAYA = {"full_name": "Maya Ortiz", "phone": "(303) 555-0142", "email": "maya@example.org"}


async def test_a_lead_becomes_a_booking_that_names_its_event(world: World) -> None:
    await world.serve(RULES)

    event = (await world.lead({**MAYA, "lead_source": "Spring flyer", "message": "The AC hums"})).json()["events"][0]
    await world.run(event)

    booking = world.records("servicetitan", "bookings")[0]
    assert (event, "Maya Ortiz", "Spring flyer") == (booking["externalId"], booking["name"], booking["source"])
    assert (774125, True) == (booking["bookingProviderId"], booking["isFirstTimeClient"])


async def test_the_same_person_is_booked_once_a_day(world: World) -> None:
    await world.serve(RULES)
    first = (await world.lead(MAYA)).json()["events"][0]
    done = await world.run(first)

    same = (await world.lead({**MAYA, "phone": "303.555.0142", "message": "me again"})).json()["events"][0]
    other = (await world.lead({**MAYA, "phone": "303-555-0143"})).json()["events"][0]
    skipped = await world.run(same, "skipped", "once_per")
    await world.run(other)
    world.clock.leap(25 * 3600)
    tomorrow = (await world.lead({**MAYA, "message": "the next day"})).json()["events"][0]
    await world.run(tomorrow)

    assert done["id"] in skipped["reason"]
    assert [first, other, tomorrow] == [booking["externalId"] for booking in world.records("servicetitan", "bookings")]
    assert 1 == (await world.quiet())["runs"]["skipped"]


async def test_leads_without_phone_and_mail_are_each_booked(world: World) -> None:
    await world.serve(RULES)

    events = [(await world.lead({"full_name": f"Nobody {n}"})).json()["events"][0] for n in (1, 2)]
    for event in events:
        await world.run(event)

    assert 2 == len(world.records("servicetitan", "bookings"))


async def test_one_token_serves_many_bookings_and_an_expired_one_is_renewed(world: World) -> None:
    await world.serve(RULES)

    await world.run((await world.lead({"full_name": "One Person"})).json()["events"][0])
    await world.run((await world.lead({"full_name": "Two Person"})).json()["events"][0])
    world.box("servicetitan").expire_tokens()
    run = await world.run((await world.lead({"full_name": "Three Person"})).json()["events"][0])

    assert 2 == len(world.asked("servicetitan", "POST", "/connect/token"))
    assert 3 == len(world.records("servicetitan", "bookings"))
    assert 1 == run["attempts"]
