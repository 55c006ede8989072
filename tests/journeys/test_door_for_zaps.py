"""The door at which Zaps ask: who may, for what, and what they hear. It is the same over every store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.world import ADMIN_TOKEN, SECRETS, World
from tests.journeys.zaps import KEY, RULES, SIGNED, Zap, serve


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with World(tmp_path) as world:
        yield world


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
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
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
