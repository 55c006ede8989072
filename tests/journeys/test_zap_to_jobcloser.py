"""A Zap made for JobCloser keeps its paths and answers when only its host is changed, and its lead is passed on."""

from __future__ import annotations

from tests.journeys.world import JOBCLOSER, LEADS_KEY, SOURCES, World

RULES = (
    SOURCES
    + "connections:\n"
    + JOBCLOSER
    + """\
rules:
  - id: lead-to-jobcloser
    event: lead.created
    do:
      - action: jobcloser.create_lead
        with:
          Name: ${data.customer.display_name}
          Email: ${data.customer.email}
          Phone: ${data.customer.phone}
"""
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_lead_posted_on_jobclosers_own_path_becomes_a_lead_there(world: World) -> None:
    await world.serve(RULES)

    body = b"key=" + LEADS_KEY.encode() + b"&Name=Maya+Ortiz&Email=maya%40example.org&Phone=303-555-0142"
    answer = await world.post("/in/leads/api/zapier/createlead", body, FORM)
    await world.quiet()
    events = (await world.read("events"))["items"]

    envelope = answer.json()
    assert (True, "Success") == (envelope["Success"], envelope["Message"])
    assert envelope["Result"]
    lead = world.records("jobcloser", "leads")[0]
    assert ("Maya Ortiz", "maya@example.org") == (lead["Name"], lead["Email"])
    assert ["lead.created"] == [one["type"] for one in events]
    assert LEADS_KEY not in str(await world.read("receipts"))


async def test_a_customer_posted_there_is_a_customer_event(world: World) -> None:
    await world.serve(RULES)

    await world.lead({"Name": "Maya Ortiz"}, path="/api/zapier/createcustomer")
    await world.quiet()

    assert ["customer.created"] == [one["type"] for one in (await world.read("events"))["items"]]
    assert [] == world.records("jobcloser", "leads")


async def test_the_sign_in_of_the_zap_is_answered_in_the_envelope(world: World) -> None:
    await world.serve(RULES)

    good = await world.get(f"/in/leads/api/zapier/signin?key={LEADS_KEY}")
    bad = await world.get("/in/leads/api/zapier/signin?key=another")

    assert (200, True) == (good.status_code, good.json()["Success"])
    assert (401, False) == (bad.status_code, bad.json()["Success"])


async def test_a_bad_key_and_a_missing_name_are_failures_in_the_envelope(world: World) -> None:
    await world.serve(RULES)

    key = await world.lead({"Name": "Maya"}, key="another", path="/api/zapier/createlead")
    name = await world.lead({"Email": "maya@example.org"}, path="/api/zapier/createlead")

    assert (401, False) == (key.status_code, key.json()["Success"])
    assert (400, False) == (name.status_code, name.json()["Success"])
    assert 0 == (await world.quiet())["receipts"]["accepted"]


async def test_a_refusal_inside_an_answer_of_200_is_a_failure(world: World) -> None:
    await world.serve(RULES.replace("${secret.JOBCLOSER_KEY}", "${secret.LEADS_KEY}"))

    event = (await world.lead({"full_name": "Maya Ortiz"})).json()["events"][0]
    shown = await world.until(lambda: world.event(event), lambda found: found["runs"][0]["attempts"] == 1)

    assert "done" != shown["runs"][0]["state"]
    assert "does not exist" in shown["runs"][0]["reason"]
