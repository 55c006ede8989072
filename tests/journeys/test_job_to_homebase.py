"""A completed job of Housecall Pro becomes a customer and a job in Homebase360, by the contract's own example."""

from __future__ import annotations

from typing import Any

from tests.journeys.world import HOMEBASE, SOURCES, TITAN, World

RULES = (
    SOURCES
    + "connections:\n"
    + HOMEBASE
    + TITAN
    + """\
rules:
  - id: job-to-homebase                     # unique, stable: history and runs hang on it
    description: A completed job becomes a customer and a job in Homebase360
    event: job.completed                    # one, a list, or with * (job.*)
    source: hcp                             # optional: one or a list
    when:                                   # optional: one expression or a list that must all hold
      - data.total_cents >= 5000
      - not data.tags contains "do-not-sync"
    do:
      - id: customer
        action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
      - action: homebase360.create_job
        with:                               # the vendor's own field names, as its documents spell them
          customerId: ${steps.customer.customerId}
          start: ${data.scheduled_start_at}
          end: ${data.scheduled_end_at}
          lineItems:
            - {name: "${data.description ?? 'Service'}", quantity: 1, unitPrice: "${dollars(data.total_cents)}"}

  - id: lead-to-servicetitan
    event: lead.created
    source: leads
    once_per: phone(data.customer.phone) ?? data.customer.email
    once_within: 24h
    do:
      - action: servicetitan.create_booking_by_provider
        with:
          source: ${data.lead_source ?? 'Zapier'}
          name: ${data.customer.display_name}
          summary: ${data.note ?? 'Web lead'}
          isFirstTimeClient: true
          externalId: ${id}
    tests:
      - name: a plain lead books once
        given: {sample: zapier/lead.created}
        expect: [{action: servicetitan.create_booking_by_provider, with: {name: Maya Ortiz}}]
"""
)


async def test_a_completed_job_becomes_a_customer_and_a_job(world: World) -> None:
    await world.serve(RULES)

    run = await world.run(await world.job())

    customer, job = world.records("homebase360", "customers")[0], world.records("homebase360", "jobs")[0]
    assert ("Maya", "Ortiz", ["maya@example.org"]) == (customer["firstName"], customer["lastName"], customer["email"])
    assert {"mobile": "+13035550142"} == customer["phone"]
    assert customer["customerId"] == job["customer"]["customerId"]
    assert [{"name": "AC tune-up", "quantity": 1, "unitPrice": "189.00"}] == job["lineItems"]
    assert ("2026-05-06T17:30:00Z", "2026-05-06T19:30:00Z") == (job["start"], job["end"])
    assert ["customer", "step2"] == [step["id"] for step in run["steps"]]
    assert {"customerId": customer["customerId"]}.items() <= run["steps"][0]["output"].items()
    assert {"jobId": job["jobId"]} == run["steps"][1]["output"]


async def test_the_same_customer_is_updated_and_not_doubled(world: World) -> None:
    await world.serve(RULES)
    await world.run(await world.job())

    await world.run(await world.job(description=None))

    assert 1 == len(world.records("homebase360", "customers"))
    assert ["AC tune-up", "Service"] == [job["lineItems"][0]["name"] for job in world.records("homebase360", "jobs")]


async def test_a_small_or_a_marked_job_is_left_alone_and_says_why(world: World) -> None:
    await world.serve(RULES)

    small = await world.event(await world.job(total_amount=4999))
    marked = await world.event(await world.job(tags=["do-not-sync"]))
    explained = await world.read(f"events/{small['id']}/explain")

    assert ["unmatched", "unmatched"] == [small["state"], marked["state"]]
    assert [] == world.box("homebase360").requests
    rule: Any = explained["rules"][0]
    clause = next(clause for clause in rule["clauses"] if clause["verdict"] != "true")
    assert ("job-to-homebase", False) == (rule["id"], rule["matched"])
    assert ("data.total_cents >= 5000", "false") == (clause["text"], clause["verdict"])
    assert {"data.total_cents": 4999} == clause["values"]


async def test_a_redelivery_is_answered_as_a_duplicate_and_acts_once(world: World) -> None:
    await world.serve(RULES)
    body = {"event": "job.completed", "job": world.some_job()}

    first = (await world.hcp(body)).json()
    await world.run(first["events"][0])
    again = await world.hcp(body)

    assert 202 == again.status_code
    assert (True, first["receipt"], []) == (
        again.json()["duplicate"],
        again.json()["duplicate_of"],
        again.json()["events"],
    )
    stats = await world.quiet()
    assert (1, 1, 1) == (stats["receipts"]["accepted"], stats["receipts"]["duplicate"], stats["events"]["total"])
    assert 1 == len(world.records("homebase360", "jobs"))
    assert stats["books_balance"]


async def test_what_was_done_can_be_read_with_its_requests_and_answers(world: World) -> None:
    await world.serve(RULES)

    run = await world.run(await world.job())
    step = run["steps"][1]

    assert "homebase360.create_job" == step["action"]
    assert ("POST", f"{world.sandbox_url}/homebase360/api/v1/jobs") == (
        step["request"]["method"],
        step["request"]["url"],
    )
    assert "189.00" == step["request"]["body"]["lineItems"][0]["unitPrice"]
    assert [("done", 200, 1)] == [(one["verdict"], one["status"], one["number"]) for one in step["attempts"]]
