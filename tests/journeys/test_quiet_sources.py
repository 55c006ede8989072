"""A source that goes quiet is told once, and once more when it is heard: a loss that nobody sees while all is green."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hooks.app import App
from hooks.ports import SELF_TEST_AGENT
from hooks.settings import Settings
from hooks.silence import SilenceWatch
from tests.journeys.test_console_pages import browser
from tests.journeys.world import ADMIN_TOKEN, LEADS_KEY, OFFICE, World

HOUR = 3600.0
DAY = 24 * HOUR

RULES = f"""\
version: 1
sources:
  hcp: {{vendor: housecall_pro, signing_secret: "${{secret.HCP_SIGNING_SECRET}}"}}
  leads: {{vendor: zapier, key: "${{secret.LEADS_KEY}}", quiet_after: 2d}}
connections:
{OFFICE}
rules:
  - id: tell
    event: hooks.source.*
    do:
      - action: http.request
        with: {{method: POST, path: /notes, json: {{type: "${{type}}", about: "${{subject}}", data: "${{data}}"}}}}
"""


def told(world: World) -> list[str]:
    """What the office was told: ``quiet`` and ``heard``, in order."""
    return [note["type"].rpartition(".")[2] for note in world.notes()]


def watch(world: World) -> SilenceWatch:
    assert world._app is not None
    assert world._app.silences is not None
    return world._app.silences


async def has_told(world: World, *wanted: str) -> Any:
    """The data of the last, once the office was told exactly this."""

    async def look() -> list[str]:
        await watch(world).look()  # it looks by itself, but not for seconds
        return told(world)

    await world.until(look, lambda notes: notes == list(wanted))
    return world.notes()[-1]["data"] if wanted else None


async def stays(world: World, *wanted: str) -> None:
    """The watch has looked again, and has told no more than this."""
    assert world._app is not None
    assert world._app.keeper is not None
    await world._app.keeper._look_at_clock()  # it notes each minute that a server is at work
    for _ in range(2):
        await watch(world).look()
    await world.quiet()
    assert list(wanted) == told(world)


async def source(world: World, name: str = "leads") -> Any:
    [found] = [each for each in (await world.read("sources"))["items"] if each["name"] == name]
    return found


async def shown(world: World, *keys: str, name: str = "leads") -> tuple[Any, ...]:
    found = await source(world, name)
    return tuple(found[key] for key in keys)


async def findings(world: World) -> list[Any]:
    found = (await world.read("health"))["findings"]
    return [each for each in found if "has been quiet" in each["what"]]


async def test_a_source_that_goes_quiet_is_told_once_and_once_when_it_is_heard(world: World) -> None:
    await world.serve(RULES, strict=True)
    sent = await world.lead({"full_name": "Maya Ortiz"})
    last = (await world.read(f"receipts/{sent.json()['receipt']}"))["received_at"]
    world.clock.leap(2 * DAY - 60)
    await stays(world)
    assert [] == await findings(world)
    assert (last, "2d", False) == await shown(world, "last_received_at", "quiet_after", "quiet")

    world.clock.leap(60)
    data = await has_told(world, "quiet")
    assert ("leads", "zapier", "2d", last, None) == tuple(
        data[key] for key in ("source", "vendor", "quiet_after", "last_received_at", "heard_at")
    )
    assert "source 'leads' has been quiet for longer than 2d: the last came at 20" in data["text"]
    assert "hooks subscriptions doctor --source leads" in data["text"]
    assert "source/leads" == world.notes()[0]["about"]
    world.clock.leap(3 * DAY)
    await stays(world, "quiet")
    assert (last, True) == await shown(world, "last_received_at", "quiet")

    assert 202 == (await world.lead({"full_name": "Ada Byron"})).status_code
    data = await has_told(world, "quiet", "heard")
    assert (last, "5d") == (data["last_received_at"], data["duration"][:2])
    assert data["heard_at"] > last
    assert [] == await findings(world)
    assert not (await source(world))["quiet"]
    await stays(world, "quiet", "heard")

    world.clock.leap(2 * DAY)
    await has_told(world, "quiet", "heard", "quiet")
    assert (await world.stats())["books_balance"]


async def test_the_server_says_so_everywhere(world: World) -> None:
    await world.serve(RULES, strict=True)
    assert (None, None, None) == await shown(world, "last_received_at", "quiet_after", "quiet", name="hcp")
    assert 'hooks_source_quiet{source="leads"} 0.0' in await world.metrics()
    await world.lead({"full_name": "Maya Ortiz"})
    world.clock.leap(2 * DAY)
    await has_told(world, "quiet")
    [finding] = await findings(world)
    assert "yellow" == finding["level"]
    assert "hooks subscriptions doctor --source leads" in finding["mend"]
    metrics = await world.metrics()
    assert 'hooks_source_quiet{source="leads"} 1.0' in metrics
    assert 'hooks_source_last_received_timestamp_seconds{source="leads"} 1' in metrics
    assert 'source="hcp"' not in metrics, "it has not been heard, and is not watched"
    async with browser(world) as client:
        page = (await client.get("/")).text
    assert "source &#39;leads&#39; has been quiet for longer than 2d" in page
    assert '<span class="state held">quiet</span>' in page


async def test_a_source_that_was_never_heard_counts_from_when_it_was_configured(world: World) -> None:
    await world.serve(RULES.replace(", quiet_after: 2d", ""), strict=True)
    world.clock.leap(10 * DAY)
    world.write(RULES)
    await world.api("rules/reload", "POST")
    await stays(world)
    world.clock.leap(2 * DAY - 60)
    await stays(world)
    world.clock.leap(60)
    data = await has_told(world, "quiet")
    assert data["last_received_at"] is None
    assert "nothing has come by it" in data["text"]
    await world.lead({"full_name": "Maya Ortiz"})
    assert (await has_told(world, "quiet", "heard"))["last_received_at"] is None


async def test_one_that_was_heard_before_it_was_watched_counts_from_then(world: World) -> None:
    await world.serve(RULES.replace(", quiet_after: 2d", ""), strict=True)
    await world.lead({"full_name": "Maya Ortiz"})
    world.clock.leap(10 * DAY)
    world.write(RULES)
    await world.api("rules/reload", "POST")
    assert "10d" == (await has_told(world, "quiet"))["duration"]

    world.write(RULES.replace("quiet_after: 2d", "quiet_after: 60d"))
    await world.api("rules/reload", "POST")
    await stays(world, "quiet")
    assert [] == await findings(world)
    world.clock.leap(20)
    await stays(world, "quiet")
    assert ("60d", False) == await shown(world, "quiet_after", "quiet")
    world.clock.leap(50 * DAY)
    await has_told(world, "quiet", "quiet")
    world.write(RULES.replace(", quiet_after: 2d", ""))
    await world.api("rules/reload", "POST")
    await stays(world, "quiet", "quiet")
    assert [] == await findings(world)
    assert (await source(world))["quiet"] is None


async def test_what_is_refused_is_no_sign_of_life_and_is_counted(world: World) -> None:
    await world.serve(RULES, strict=True)
    await world.lead({"full_name": "Maya Ortiz"})
    world.clock.leap(1 * DAY)
    for _ in range(3):
        assert 401 == (await world.lead({"full_name": "Maya Ortiz"}, key="a wrong one")).status_code
    world.clock.leap(1 * DAY)
    data = await has_told(world, "quiet")
    assert 3 == data["refused"]
    assert "3 webhooks were refused meanwhile" in data["text"]
    assert 401 == (await world.lead({"full_name": "Maya Ortiz"}, key="a wrong one")).status_code
    await stays(world, "quiet")


async def test_a_duplicate_is_a_sign_of_life(world: World) -> None:
    await world.serve(RULES, strict=True)
    for _ in range(2):
        answer = await world.lead({"full_name": "Maya Ortiz"})
        world.clock.leap(1.5 * DAY)
        await stays(world)
    assert answer.json()["duplicate"]
    world.clock.leap(0.5 * DAY)
    await has_told(world, "quiet")


async def test_a_ping_is_a_sign_of_life(world: World) -> None:
    keys = (('SIGNING_SECRET}"', 'SIGNING_SECRET}", quiet_after: 2d'), (", quiet_after: 2d}\nconn", "}\nconn"))
    rules = RULES
    for old, new in keys:
        assert old in rules
        rules = rules.replace(old, new)
    await world.serve(rules, strict=True)
    for _ in range(2):
        assert 200 == (await world.hcp({"foo": "bar"})).status_code
        world.clock.leap(1.5 * DAY)
        await stays(world)
    world.clock.leap(0.5 * DAY)
    await has_told(world, "quiet")


async def test_what_we_send_ourselves_to_test_it_is_no_sign_of_life(world: World) -> None:
    await world.serve(RULES, strict=True)
    world.clock.leap(2 * DAY)
    await has_told(world, "quiet")
    headers = {"Content-Type": "application/json", "X-Api-Key": LEADS_KEY, "User-Agent": SELF_TEST_AGENT}
    assert 202 == (await world.post("/in/leads", b'{"full_name": "Nobody"}', headers)).status_code
    await stays(world, "quiet")
    assert (await source(world))["last_received_at"] is None


async def test_a_restart_tells_nothing_twice_and_the_time_without_a_server_does_not_count(world: World) -> None:
    await world.serve(RULES, strict=True)
    await world.lead({"full_name": "Maya Ortiz"})
    world.clock.leap(1 * DAY)
    await world.lead({"full_name": "Ada Byron"})
    world.clock.leap(1 * DAY)
    await stays(world)
    await world.stop()
    world.clock.leap(5 * DAY)  # senders were told to come again, or have given up
    await world.serve()
    await stays(world)
    world.clock.leap(1 * DAY - 60)
    await stays(world)
    world.clock.leap(60)
    await has_told(world, "quiet")

    await world.stop()
    world.clock.leap(5 * DAY)
    await world.serve()
    await stays(world, "quiet")
    assert 1 == len(await findings(world))
    await world.lead({"full_name": "Maya Ortiz"})
    await has_told(world, "quiet", "heard")


async def test_only_the_hours_of_its_calendar_count(world: World) -> None:
    """The calendar is open from an hour ago, for two hours in all; the time of the world is that of the machine."""
    first = (world.clock.now().hour - 1) % 24
    hours = f"{first:02}:00-{(first + 3) % 24:02}:00"
    rules = RULES.replace("quiet_after: 2d", "quiet_after: 5h, quiet_within: hours")
    calendars = f"calendars:\n  hours: {{zone: UTC, hours: {{mon-sun: {hours}}}}}\n"
    await world.serve(rules.replace("connections:\n", f"{calendars}connections:\n"), strict=True)
    await world.lead({"full_name": "Maya Ortiz"})
    world.clock.leap(20 * HOUR)  # at most two hours of today, none of the night
    await stays(world)
    world.clock.leap(2 * DAY)
    data = await has_told(world, "quiet")
    assert ("5h", "hours") == (data["quiet_after"], data["quiet_within"])
    assert "quiet for longer than 5h within hours" in data["text"]


async def test_of_several_servers_one_tells(world: World, tmp_path: Path) -> None:
    if world.database is None:
        return  # a file has one server
    await world.serve(RULES, strict=True)
    await world.lead({"full_name": "Maya Ortiz"})
    others = []
    try:
        for number in range(2):
            settings = Settings(
                database=world.database,
                routes=world.routes,
                data=tmp_path / f"other-{number}",
                port=0,
                admin_port=0,
                admin_token=ADMIN_TOKEN,
                durability="relaxed",
            )
            others.append(App(settings, clock=world.clock))
            await others[-1].start()
        for number in range(1, 4):
            world.clock.leap(2 * DAY)
            wanted = ["quiet", "heard"] * number
            await has_told(world, *wanted[:-1])
            assert 401 == (await world.lead({"full_name": "Nobody"}, key="a wrong one")).status_code
            world.clock.leap(120)
            for other in others:  # each has looked at what came in this silence, and one of them tells that it is over
                assert other.silences is not None
                await other.silences.look()
            await stays(world, *wanted[:-1])
            await world.lead({"full_name": f"Invented Person {number}"})
            await has_told(world, *wanted)
            await stays(world, *wanted)
        assert (await world.stats())["books_balance"]
    finally:
        for other in others:
            await other.stop()
