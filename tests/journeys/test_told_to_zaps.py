"""Zaps that subscribe are told of events, each by a run like any other, until they unsubscribe or are gone."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.journeys.world import ADMIN_TOKEN, LEADS_KEY, World

KEY = {"X-Api-Key": LEADS_KEY}
SIGNED = 'hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}'
RULES = """\
version: 1
sources:
  %s
  leads:
    vendor: zapier
    key: "${secret.LEADS_KEY}"
    hooks: {events: ["job.*", lead.created], hosts: ["HOST"]%s}
rules: []
"""


async def serve(world: World, more: str = "") -> None:
    host = world.sandbox_url.removeprefix("http://")
    await world.serve((RULES % (SIGNED, more)).replace("HOST", host))


class Zap:
    """A Zap as Zapier switches it on and off, whose address is at the sandbox."""

    def __init__(self, world: World, name: str = "maya", event: str = "job.completed") -> None:
        self.world, self.name, self.event = world, name, event
        self.url = f"{world.sandbox_url}/zapier/hooks/standard/77/{name}/"
        self.id = ""

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = KEY) -> httpx.Response:
        address = f"{self.world.inbox}/in/leads{path}"
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, address, json=body, headers=headers)

    async def on(self, **fields: Any) -> httpx.Response:
        answer = await self.ask("POST", "/hooks", {"hookUrl": self.url, "event": self.event, **fields})
        if answer.status_code == 201:
            self.id = answer.json()["id"]
        return answer

    async def off(self) -> httpx.Response:
        return await self.ask("DELETE", f"/hooks/{self.id}")

    def told(self) -> list[Any]:
        return [one["data"] for one in self.world.records("zapier", "caught") if one["hook"] == self.name]


async def test_a_zap_that_is_switched_on_is_told_by_a_run_like_any_other(world: World) -> None:
    await serve(world)
    zap = Zap(world)

    answer = await zap.on()
    event = await world.job()
    run = await world.run(event)

    assert 201 == answer.status_code
    assert {"id": zap.id, "event": "job.completed"} == answer.json()
    [told] = zap.told()
    assert (event, "job.completed", "hcp") == (told["id"], told["type"], told["source"])
    assert "maya@example.org" == told["data"]["customer"]["email"]
    assert "raw" not in told
    assert f"leads:{zap.id}" == run["rule"]
    [step] = run["steps"]
    assert ("zapier.trigger", "leads:hooks", "done") == (step["action"], step["connection"], step["state"])
    assert ["done"] == [attempt["verdict"] for attempt in step["attempts"]]
    assert (await world.quiet())["books_balance"]


async def test_only_events_that_were_asked_for_are_told(world: World) -> None:
    await serve(world)
    jobs, leads = Zap(world, "jobs", "job.*"), Zap(world, "leads", "lead.created")
    await jobs.on()
    await leads.on()

    await world.run(await world.job())
    await world.hcp({"event": "invoice.paid", "invoice": {"id": "invoice_1"}})
    await world.quiet()

    assert (1, 0) == (len(jobs.told()), len(leads.told()))


async def test_nobody_is_told_of_what_came_in_by_his_own_door_unless_it_is_opened(world: World) -> None:
    await serve(world)
    zap = Zap(world, event="lead.created")
    await zap.on()
    await world.lead({"Name": "Maya Ortiz"})
    await world.quiet()
    assert [] == zap.told()

    await world.stop()
    await serve(world, ", sources: [leads]")
    await world.lead({"Name": "Lee Park"})
    await world.quiet()

    assert ["Lee Park"] == [told["data"]["customer"]["display_name"] for told in zap.told()]


async def test_a_zap_that_is_switched_off_is_told_no_more(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()

    first, again = await zap.off(), await zap.off()
    event = await world.event(await world.job())

    assert (200, True) == (first.status_code, first.json()["deleted"])
    assert (200, False) == (again.status_code, again.json()["deleted"])
    assert ("unmatched", []) == (event["state"], event["runs"])
    assert [] == zap.told()


async def test_subscribing_again_is_the_same_subscription(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    first = (await zap.on()).json()["id"]
    again = (await zap.on()).json()["id"]

    await world.run(await world.job())

    assert first == again
    assert 1 == len(zap.told())


async def test_subscriptions_survive_a_restart_and_a_reload(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    await world.stop()

    await serve(world)
    await world.run(await world.job())
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code
    await world.run(await world.job())

    assert 2 == len(zap.told())


async def test_a_zap_that_is_gone_is_unsubscribed_and_leaves_no_dead_letter(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.box("zapier").add("gone", {"hook": zap.name})

    run = await world.run(await world.job())
    later = await world.event(await world.job())

    assert "was unsubscribed" in run["steps"][0]["output"]["why"]
    assert [410] == [one["status"] for attempt in run["steps"][0]["attempts"] for one in attempt["exchanges"]]
    assert [] == later["runs"]
    assert 0 == (await world.quiet())["runs"]["failed"]


async def test_trouble_at_zapier_is_tried_again_and_the_event_is_told_in_the_end(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.fault("zapier", kind="rate", retry_after=3)
    world.fault("zapier", kind="cut_before")

    event = await world.job()
    await world.run(event, "waiting", "429")
    world.clock.leap(5)
    await world.run(event, "waiting", "broke")
    world.clock.leap(10)
    run = await world.run(event)

    assert [event] == [told["id"] for told in zap.told()]
    assert ["transient", "unknown", "done"] == [attempt["verdict"] for attempt in run["steps"][0]["attempts"]]


async def test_what_waits_for_a_zap_that_unsubscribes_meanwhile_ends_in_order(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.fault("zapier", kind="status", status=503, retry_after=60)
    event = await world.job()
    await world.run(event, "waiting", "answered 503")
    await zap.off()
    world.clock.leap(90)

    run = await world.run(event)

    assert "unsubscribed" in run["steps"][0]["output"]["why"]
    assert [] == zap.told()


async def test_an_expired_subscription_is_told_no_more_until_the_zap_comes_again(world: World) -> None:
    await serve(world, ", expire_after: 60s")
    zap = Zap(world)
    answer = await zap.on()
    assert answer.json()["expiration_date"].endswith("Z")
    world.clock.leap(70)
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code

    assert [] == (await world.event(await world.job()))["runs"]
    await zap.on()
    await world.run(await world.job())

    assert 1 == len(zap.told())


# --- the door ---


ASKED = (
    ("POST", "/hooks"),
    ("DELETE", "/hooks/sub_0190c0de000070008000000000000001"),
    ("GET", "/hooks/types"),
    ("GET", "/hooks/samples?event=job.completed"),
    ("GET", "/me"),
)


async def test_without_the_key_nothing_is_shown_or_changed(world: World) -> None:
    await serve(world)
    zap = Zap(world)

    for method, path in ASKED:
        body = {"hookUrl": zap.url, "event": "job.completed"} if method == "POST" else None
        missing = await zap.ask(method, path, body, headers={})
        wrong = await zap.ask(method, path, body, headers={"X-Api-Key": "not-the-key-of-leads"})
        assert (401, 401) == (missing.status_code, wrong.status_code), path
        assert missing.content == wrong.content, path

    assert [] == (await world.event(await world.job()))["runs"]
    assert 2 * len(ASKED) == (await world.stats())["receipts"]["refused"]


async def test_another_method_is_told_which_there_are(world: World) -> None:
    await serve(world)
    answers = [await Zap(world).ask(method, path) for method, path in (("GET", "/hooks"), ("DELETE", "/hooks/types"))]

    assert [(405, "POST"), (405, "GET")] == [(answer.status_code, answer.headers["allow"]) for answer in answers]


async def test_a_source_that_opens_nothing_has_no_such_door(world: World) -> None:
    await world.serve(
        (RULES % (SIGNED, "")).replace('    hooks: {events: ["job.*", lead.created], hosts: ["HOST"]}\n', "")
    )
    zap = Zap(world)

    answers = [await zap.on(), await zap.ask("GET", "/hooks/types"), await zap.ask("DELETE", "/hooks/sub_1")]

    assert [404, 404, 404] == [answer.status_code for answer in answers]
    assert {"name": "leads", "hooks": False} == (await zap.ask("GET", "/me")).json()


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"hookUrl": None}, "hookUrl is missing"),
    ({"hookUrl": 5}, "hookUrl is missing"),
    ({"hookUrl": "https://example.org/hooks/1"}, "do not let events be told to this host"),
    ({"hookUrl": "https://hooks.zapier.com/hooks/standard/1/a/"}, "do not let events be told to this host"),
    ({"hookUrl": "http://hooks.zapier.com/hooks/standard/1/a/"}, "must begin with https://"),
    ({"hookUrl": "https://a:b@127.0.0.1/x"}, "more than a host and a path"),
    ({"hookUrl": "https://127.0.0.1/x?to=me"}, "more than a host and a path"),
    ({"hookUrl": "https://[::1/x"}, "is not an address"),
    ({"hookUrl": "ftp://127.0.0.1/x"}, "must begin with https://"),
    ({"hookUrl": "https://127.0.0.1\u0000/x"}, "is not an address"),
    ({"hookUrl": "https://127.0.0.1/" + "x" * 2000}, "is not an address"),
    ({"event": None}, "event is missing"),
    ({"event": "invoice.paid"}, "do not open this event"),
    ({"event": "*"}, "do not open this event"),
    ({"event": "job"}, "do not open this event"),
)


async def test_what_cannot_be_subscribed_is_refused_in_words(world: World) -> None:
    await serve(world)

    for fields, told in REFUSED:
        answer = await Zap(world).on(**fields)
        assert (400, "application/problem+json") == (answer.status_code, answer.headers["content-type"]), fields
        assert told in answer.json()["detail"], fields

    assert [] == (await world.event(await world.job()))["runs"]


async def test_the_door_keeps_the_limits_of_every_other_door(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    address = f"{world.inbox}/in/leads/hooks"
    form = {"url": zap.url, "event": "job.paid"}
    async with httpx.AsyncClient(trust_env=False) as client:
        as_form = await client.post(address, data=form, headers=KEY)
        others = [
            await client.post(address, content=content, headers={**KEY, "Content-Type": media_type})
            for content, media_type in (
                (b"a,b", "text/csv"),
                (b"[" + b"1," * 1_000_000 + b"1]", "application/json"),
                (b"[]", "application/json"),
                (b"{", "application/json"),
                (b"[" * 5000, "application/json"),
            )
        ]
        deleted = await client.request("DELETE", f"{address}/{as_form.json()['id']}", content=b"x" * 2000, headers=KEY)

    assert 201 == as_form.status_code
    assert [415, 413, 400, 400, 400] == [answer.status_code for answer in others]
    assert (200, True) == (deleted.status_code, deleted.json()["deleted"])


async def test_more_zaps_than_allowed_are_refused(world: World) -> None:
    await serve(world, ", limit: 1")

    assert [201, 409] == [(await Zap(world, name).on()).status_code for name in ("one", "two")]


async def test_the_editor_of_zapier_sees_types_and_made_up_events(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    await world.run(await world.job(customer={"id": "cus_9", "first_name": "Truly", "last_name": "Real"}))

    me, types = (await zap.ask("GET", "/me")).json(), (await zap.ask("GET", "/hooks/types")).json()
    samples = await zap.ask("GET", "/hooks/samples?event=job.completed")
    others = [(await zap.ask("GET", f"/hooks/samples?event={event}")) for event in ("job.*", "job.frobnicated")]

    assert {"name": "leads", "hooks": True} == me
    assert {"job.completed", "job.paid", "lead.created"} < {one["id"] for one in types}
    assert all(one["name"] for one in types)
    assert not [one for one in types if one["id"].startswith("invoice")]
    [sample] = samples.json()
    assert set(zap.told()[0]) <= set(sample) | {"subject"}
    assert ("job.completed", "hcp", "housecall_pro") == (sample["type"], sample["source"], sample["vendor"])
    assert sample["data"]["customer"]
    assert "Truly" not in samples.text
    assert [1, 1] == [len(answer.json()) for answer in others]
    assert 400 == (await zap.ask("GET", "/hooks/samples?event=invoice.paid")).status_code


async def test_the_zaps_own_address_is_shown_nowhere(world: World) -> None:
    await serve(world)
    zap = Zap(world, "nobodys-business")
    answer = await zap.on()
    event = await world.job()
    run = await world.run(event)

    shown = [answer.text, json.dumps(run)]
    shown += [(await world.api(path)).text for path in ("rules", "connections", f"events/{event}/explain", "receipts")]

    assert not any("nobodys-business" in text or ADMIN_TOKEN in text for text in shown)


async def test_a_subscription_is_explained_as_a_rule_is(world: World) -> None:
    await serve(world)
    zap, other = Zap(world), Zap(world, "other", "lead.created")
    await zap.on()
    await other.on()
    event = await world.job()
    await world.run(event)

    explained = {rule["id"]: rule for rule in (await world.read(f"events/{event}/explain"))["rules"]}

    assert (True, False) == (explained[f"leads:{zap.id}"]["matched"], explained[f"leads:{other.id}"]["matched"])
    [request] = explained[f"leads:{zap.id}"]["requests"]
    assert ("zapier.trigger", "POST", event) == (request["action"], request["method"], request["body"]["id"])


# --- the operator ---


async def test_the_operator_sees_who_is_told_and_can_end_it(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()

    [shown] = (await world.read("subscribers"))["items"]
    ended = await world.api(f"subscribers/{zap.id}/end", "POST")
    again = await world.api(f"subscribers/{zap.id}/end", "POST")

    host = world.sandbox_url.removeprefix("http://")
    assert (zap.id, "leads", "job.completed", host) == tuple(shown[key] for key in ("id", "source", "event", "host"))
    assert zap.name not in json.dumps(shown)
    assert (200, 404) == (ended.status_code, again.status_code)
    assert [] == (await world.event(await world.job()))["runs"]


async def test_narrowing_what_is_open_ends_the_telling_and_widening_brings_it_back(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()

    narrow = (RULES % (SIGNED, "")).replace('"job.*", lead.created', "lead.created")
    world.write(narrow.replace("HOST", world.sandbox_url.removeprefix("http://")))
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code
    assert [] == (await world.event(await world.job()))["runs"]
    await serve_again(world)
    await world.run(await world.job())

    assert 1 == len(zap.told())


async def serve_again(world: World) -> None:
    await world.stop()
    await serve(world)


async def test_a_source_that_closes_its_hooks_holds_what_still_waits(world: World) -> None:
    await serve(world)
    zap = Zap(world)
    await zap.on()
    world.fault("zapier", kind="status", status=503, retry_after=60)
    event = await world.job()
    await world.run(event, "waiting", "answered 503")

    closed = (RULES % (SIGNED, "")).replace('    hooks: {events: ["job.*", lead.created], hosts: ["HOST"]}\n', "")
    world.write(closed)
    assert 200 == (await world.api("rules/reload", "POST", {})).status_code
    await world.run(event, "held", "not configured any more")
    await serve_again(world)
    world.clock.leap(90)
    await world.run(event)

    assert [event] == [told["id"] for told in zap.told()]
