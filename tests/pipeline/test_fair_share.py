"""Turn-taking over time: an account with one slot and one call a second, and more live events than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks.kit.sandbox import Fault
from hooks.pipeline.replay import forecast
from hooks.ports import OLDER_PART
from tests.pipeline.engine import RULES, Engine

SLOW = RULES.replace("lookup_wait: 10s", "lookup_wait: 10s, rate: 1, concurrency: 1")


@pytest.mark.parametrize("text", [SLOW, SLOW.replace("do:", "in_order_by: data.display_name\n    do:")])
async def test_a_failed_call_is_made_again_within_a_few_live_ones(tmp_path: Path, database: str, text: str) -> None:
    engine = await Engine.open(tmp_path, text, database)
    try:
        engine.box.faults.append(Fault(kind="status", status=503))
        first = await engine.receive(b'{"kind":"greeting.sent","to":"the first"}')
        await engine.dispatcher.turn()
        assert 1 == await engine.turn()
        for number in range(4 * OLDER_PART):
            for another in range(2):  # twice as many as the account takes
                await engine.receive(b'{"kind":"greeting.sent","to":"number %d %d"}' % (number, another))
            await engine.dispatcher.turn()
            await engine.turn()
        refs = [greeting["ref"] for greeting in engine.box.of("greetings")]
        assert first.event_ids[0] in refs[: 2 * OLDER_PART]
        assert len(refs) <= engine.clock.seconds + 1, "and the rate holds"
    finally:
        await engine.close()


def test_a_replay_is_forecast_with_and_without_live_events_beside_it() -> None:
    [titan, web] = forecast({"web": 3, "titan": 30}, {"titan": 10.0, "web": None})
    assert {"connection": "titan", "requests": 30, "rate": 10.0, "seconds": 3.0, "seconds_when_busy": 12.0} == titan
    assert (None, None) == (web["seconds"], web["seconds_when_busy"])
