"""`hooks subscribers list` and `end`: who is told of events, seen and cut off by the operator."""

from __future__ import annotations

import json

from hooks.cli.wire import call
from tests.cli.town import SOURCES, Town

KEY = "a-key-for-zaps-of-this-test"
ZAPS = SOURCES + '  zaps: {vendor: zapier, key: "${secret.ZAPS_KEY}", hooks: {events: ["job.*"]}}\n'


def test_a_zap_that_has_subscribed_is_listed_and_ended(town: Town) -> None:
    town.know(ZAPS_KEY=KEY)
    town.write(sources=ZAPS)
    server = town.serve()
    hook = {"hookUrl": "https://hooks.zapier.com/hooks/standard/77/nobodys-business/", "event": "job.paid"}
    headers = {"Content-Type": "application/json", "X-Api-Key": KEY}
    made = call("POST", f"{server.inbox}/in/zaps/hooks", body=json.dumps(hook).encode(), headers=headers).json()

    code, listed = town.json("subscribers", "list")
    shown = town.run("subscribers", "list")
    ended = town.run("subscribers", "end", made["id"])
    again = town.run("subscribers", "end", made["id"])
    after = town.run("subscribers", "list")

    assert 0 == code
    assert [(made["id"], "zaps", "job.paid", "hooks.zapier.com")] == [
        (one["id"], one["source"], one["event"], one["host"]) for one in listed["items"]
    ]
    assert "hooks.zapier.com" in shown[1]
    assert "nobodys-business" not in shown[1] + json.dumps(listed)
    assert (0, 1) == (ended[0], again[0])
    assert f"the server has no subscriber {made['id']}" in again[2]
    assert "Nobody has subscribed." in after[2]


def test_without_a_server_nobody_can_be_listed(town: Town) -> None:
    code, out, err = town.run("subscribers", "list")

    assert (1, "") == (code, out)
    assert "start `hooks serve`" in err


def test_what_is_no_id_is_wrong_use(town: Town) -> None:
    assert 2 == town.run("subscribers", "end", "run_1")[0]
