"""A backtest asked of a running server: as `hooks backtest --json`, bounded, and nothing is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.journeys.world import NOTE, OFFICE, SOURCES, World

HEAD = SOURCES + "connections:\n" + OFFICE + "rules:\n"
RULES = HEAD + NOTE.replace('event: "*"', "event: job.completed\n    when: data.total_cents >= 5000")


async def asked(world: World, text: str, **more: Any) -> Any:
    return await world.api("rules/backtest", "POST", {"text": text.replace("SANDBOX", world.sandbox_url), **more})


async def served(world: World, totals: list[int]) -> list[str]:
    await world.serve(RULES)
    events = [await world.job(total_amount=total) for total in totals]
    await world.quiet()
    return events


async def test_it_names_the_events_and_fields_that_a_text_would_change(world: World) -> None:
    cheap, middle, dear = await served(world, [1000, 6000, 9000])
    new = RULES.replace(">= 5000", "< 8000").replace("about:", "of:")
    before = len(world.notes())

    answer = await asked(world, new, since="1h")

    found = answer.json()
    assert (200, True, 3, 3, True) == (
        answer.status_code,
        *(found[key] for key in ("ok", "looked_at", "of", "complete")),
    )
    assert {cheap: "added", middle: "changed", dear: "removed"} == {
        each["event"]: each["change"] for each in found["events"]
    }
    assert {"same": 0, "added": 1, "removed": 1, "changed": 1} == found["summary"]
    assert before == len(world.notes()), "nothing is sent"
    assert 1 == (await world.read("rules"))["file"]["number"], "nothing is put in force"


async def test_it_looks_at_the_newest_events_of_the_span_and_one_rule(world: World) -> None:
    events = await served(world, [6000] * 5)
    idle = NOTE.replace("id: note", "id: x").replace('event: "*"', "event: invoice.paid")
    new = RULES.replace(">= 5000", ">= 50000") + idle

    some = (await asked(world, new, limit=2)).json()
    none = [(await asked(world, new, **span)).json() for span in ({"until": "1h"}, {"source": "leads"}, {"rule": "x"})]

    assert (2, 5, events[-2:]) == (some["looked_at"], some["of"], [each["event"] for each in some["events"]])
    assert [0, 0, 5] == [each["looked_at"] for each in none]
    assert [[], [], []] == [each["events"] for each in none]


async def test_a_broken_text_is_told_and_two_at_a_time_are_too_many(world: World) -> None:
    await served(world, [6000] * 60)

    broken = await asked(world, RULES.replace("http.request", "http.reqest"))
    answers = await asyncio.gather(asked(world, RULES), asked(world, RULES))

    assert (422, False) == (broken.status_code, broken.json()["ok"])
    assert [200, 409] == sorted(answer.status_code for answer in answers)
    assert 200 == (await asked(world, RULES)).status_code


@pytest.mark.parametrize(
    ("given", "parameter", "said"),
    [
        ({"rule": "noot"}, "rule", "there is no rule of this name, did you mean 'note'?"),
        ({"source": "hpc"}, "source", "there is no source of this name, did you mean 'hcp'?"),
        ({"since": "1h", "until": "2h"}, "until", "it must be later than since"),
    ],
)
async def test_what_would_compare_nothing_at_all_is_refused(
    world: World, given: dict[str, str], parameter: str, said: str
) -> None:
    await world.serve(RULES)
    answer = await asked(world, RULES, **given)
    assert (422, parameter) == (answer.status_code, answer.json()["parameter"])
    assert answer.json()["detail"] == f"{parameter}: {said}"
