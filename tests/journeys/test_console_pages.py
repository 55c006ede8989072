"""The console's pages over a whole server, as a browser without a script reads them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.journeys.world import ADMIN_TOKEN, NOTE, OFFICE, SOURCES, World

RULES = (
    SOURCES
    + "connections:\n"
    + OFFICE
    + "rules:\n"
    + NOTE
    + """\
  - id: large-jobs
    event: job.completed
    when:
      - data.total_cents >= 100
      - data.customer.first_name == "<b>Maya</b>"
    do:
      - action: http.request
"""
)
PAGES = (
    "/", "/events", "/runs", "/rules", "/rules/edit", "/rules/history", "/rules/history/1", "/connections", "/people",
    "/receipts", "/vendors", "/vendors/http", "/settings", "/settings/changes",
)  # fmt: skip


@contextlib.asynccontextmanager
async def browser(world: World) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"accept": "text/html"}
    async with httpx.AsyncClient(
        base_url=world.admin or "", headers=headers, verify=False, follow_redirects=True
    ) as client:
        answer = await client.post("/sign-in", data={"token": ADMIN_TOKEN, "name": "Ana", "next": "/"})
        assert 200 == answer.status_code
        yield client


async def test_every_page_can_be_read(world: World) -> None:
    await world.serve(RULES)
    await world.run(await world.job())
    async with browser(world) as client:
        for page in PAGES:
            answer = await client.get(page)
            assert (200, page) == (answer.status_code, answer.url.path), answer.text
            assert "<h1>" in answer.text


async def test_an_events_page_shows_the_way_to_the_record_and_the_rules_own_lines(world: World) -> None:
    await world.serve(RULES)
    event = await world.job()
    await world.run(event)
    async with browser(world) as client:
        page = (await client.get(f"/events/{event}")).text
    assert ["received", "read", "matched"] == re.findall(r"<li class=\"done\"><b>(\w+)</b>", page)[:3]
    lit = re.findall(r'<li class="(\w*)"><span class="line">(\d+)</span><code>\s*(?:- )?(.*?)</code>', page)
    assert ["true", "false"] == [verdict for verdict, _, text in lit if text.startswith("data.")]
    assert "&lt;b&gt;Maya" in page
    assert "<b>Maya" not in page


async def test_an_events_page_says_why_a_step_would_send_nothing(world: World) -> None:
    open_path = (
        "  - id: open-path\n    event: job.completed\n    do: [{action: http.request, with: {path: '/x/${raw.no}'}}]\n"
    )
    await world.serve(SOURCES + "connections:\n" + OFFICE + "rules:\n" + open_path)
    event = await world.job()
    await world.run(event, state="failed")
    async with browser(world) as client:
        page = (await client.get(f"/events/{event}")).text
    assert "would send nothing: a part of &#39;path&#39; came out empty (raw.no is missing)" in page


@pytest.mark.parametrize("kind", ["events", "runs", "receipts"])
async def test_a_whole_id_in_the_search_leads_to_its_page(world: World, kind: str) -> None:
    await world.serve(RULES)
    event = await world.job()
    run = await world.run(event)
    wanted = {"events": event, "runs": run["id"], "receipts": (await world.read(f"events/{event}"))["receipt"]}[kind]
    async with browser(world) as client:
        assert f"/{kind}/{wanted}" == (await client.get("/events", params={"q": f" {wanted} "})).url.path


async def test_what_is_done_in_the_console_is_kept_under_the_name_that_signed_in(world: World) -> None:
    await world.serve(RULES)
    async with browser(world) as client:
        answer = await client.post("/api/v1/connections/office/pause", json={})
        assert 200 == answer.status_code
        rows = (await world.read("audit?what=connections.pause"))["items"]
        assert [("Ana", "console", "office")] == [(row["who"], row["via"], row["target"]) for row in rows]
        assert "connections.pause" in (await client.get("/settings")).text


async def test_a_draft_of_rules_is_tried_on_a_stored_event(world: World) -> None:
    await world.serve(RULES)
    event = await world.job()
    await world.run(event)
    draft = RULES.replace("<b>Maya</b>", "Nobody").replace("SANDBOX", "http://127.0.0.1:9")
    told = (await world.api("rules/explain", "POST", {"text": draft, "event": event})).json()
    assert {"note": True, "large-jobs": False} == {one["id"]: one["matched"] for one in told["explained"]["rules"]}
    broken = await world.api("rules/explain", "POST", {"text": "version: 1\nrule: []\n", "event": event})
    assert (422, 2) == (broken.status_code, broken.json()["findings"][0]["line"])
    gone = await world.api("rules/explain", "POST", {"text": draft, "event": "evt_" + "0" * 32})
    assert 404 == gone.status_code


async def test_editors_are_served_text_schema_and_picture(world: World) -> None:
    await world.serve(RULES)
    (text,) = (await world.read("rules/text"))["files"].values()
    assert "large-jobs" in text
    schema = await world.api("rules/schema")
    assert "rules" in schema.json()["properties"]
    again = await world.api("rules/schema", **{"if-none-match": schema.headers["etag"]})
    assert (304, b"") == (again.status_code, again.content)
    drawn = await world.api("rules/diagram")
    assert ("image/svg+xml", True) == (drawn.headers["content-type"], "large-jobs" in drawn.text)


async def test_the_overview_says_what_is_wrong_and_how_to_mend_it(world: World) -> None:
    world.clock.leap(600)
    await world.serve(RULES)
    async with browser(world) as client:
        calm = (await client.get("/")).text
        assert ("Healthy." in calm, "durability is relaxed" in calm) == (True, True)
        for _ in range(5):
            assert 401 == (await world.hcp({"event": "job.completed", "job": world.some_job()})).status_code
        wrong = (await client.get("/")).text
    assert ("Healthy." in wrong, "Something is wrong." in wrong) == (False, True)
    assert "set this machine&#39;s clock (NTP)" in wrong


async def test_the_overview_counts_what_could_not_be_read(world: World) -> None:
    await world.serve(RULES)
    assert 400 == (await world.hcp(b"[1")).status_code
    async with browser(world) as client:
        page = (await client.get("/")).text
    assert 2 == page.count(">1 unreadable</a>"), "in all, and of its source"
    assert "/receipts?source=hcp&amp;verdict=quarantined" in page


async def test_many_rules_are_a_page_to_search_in(world: World) -> None:
    one = "  - id: rule-{0}\n    event: lead.created\n    do: [{{action: http.request, with: {{path: /{0}}}}}]\n"
    many = "".join(one.format(number) for number in range(250))
    await world.serve(SOURCES + "connections:\n" + OFFICE + "rules:\n" + many + one.format("of-a-kind"))
    page = await world.page("/rules")
    assert ('id="rule-99"' in page, 'id="rule-100"' in page, "diagram.svg" in page) == (True, False, False)
    assert "251 rules." in page
    further = re.search(r'<a href="(/rules\?[^"]+)">More</a>', page)
    assert further is not None
    page = await world.page(further[1])
    assert [False, True, True, False] == [f'id="rule-{number}"' in page for number in (99, 100, 199, 200)]
    page = await world.page("/rules?q=of-a-KIND")
    assert ("1 of 251 rules." in page, 'id="rule-of-a-kind"' in page, 'id="rule-99"' in page) == (True, True, False)
    assert "No rule fits." in await world.page("/rules?q=nothing+such")
    assert "251 rules." in await world.page("/rules?cursor=rule-of-yesterday")


async def test_the_text_of_long_files_is_read_where_it_is_edited(world: World) -> None:
    long = "rules:\n" + f"  # {'-' * 100}\n" * 2000 + NOTE
    await world.serve(SOURCES + "connections:\n" + OFFICE + long)
    page = await world.page("/rules")
    assert ("/rules/edit?file=" in page, "------" in page, "diagram.svg" in page) == (True, False, True)


async def test_nothing_is_sent_again_by_a_button_that_does_not_say_so(world: World) -> None:
    await world.serve(RULES)
    world.fault("http", kind="cut_after")
    run = await world.run(await world.job(), "held", "hooks runs resolve")
    async with browser(world) as client:
        page, held, every = [(await client.get(f"/runs{there}")).text for there in (f"/{run['id']}", "?state=held", "")]

    assert ("It was carried out" in page, "Try again now" in page) == (True, False)
    assert "is sent again, also where the vendor has it: look there first." in held
    assert ["checkbox" in held, "checkbox" in every] == [True, False], "boxes stand where something can be chosen"
