"""What the commands say of a source that is quiet, beside a running server and after it."""

from __future__ import annotations

import time
from typing import Any

from tests.cli.test_top import drawn, figures_of
from tests.cli.town import RULES, SOURCES, Town

WATCHED = SOURCES.replace("hcp: {", "hcp: {quiet_after: 1s, ")


def source(town: Town, *arguments: str) -> Any:
    code, listing = town.json("sources", "list", *arguments)
    assert 0 == code
    [found] = [each for each in listing["items"] if each["name"] == "hcp"]
    return found


def test_a_quiet_source_is_told_by_list_doctor_and_healthcheck(town: Town) -> None:
    assert WATCHED != SOURCES
    town.write(sources=WATCHED)
    server = town.serve()
    deadline = time.monotonic() + 20
    while not source(town)["quiet"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    _, checks = town.json("subscriptions", "doctor", "--source", "hcp")
    found = {one["check"]: one for one in checks["checks"]}
    assert "warning" == found["silence"]["result"]
    assert "nothing has come for longer than 1s" == found["silence"]["found"]
    assert "switched on?" in found["silence"]["mend"]
    _, out, _ = town.run("sources", "list")
    assert "quiet_after  quiet" in out.splitlines()[0]
    assert "1s           yes" in out
    code, out, _ = town.run("healthcheck", "--detail")
    assert 0 == code, "a warning"
    assert "source 'hcp' has been quiet for longer than 1s: nothing has come by it" in out
    assert ["hooks.source.quiet"] == [one["type"] for one in server.ask("GET", "/api/v1/events?source=event")["items"]]

    town.end()
    town.servers.clear()
    there = source(town)
    assert (True, "1s", None) == (there["quiet"], there["quiet_after"], there["last_received_at"])
    assert there.keys() == source(town, "--data", "nowhere").keys()
    assert source(town, "--data", "nowhere")["quiet"] is None


def test_a_source_that_is_not_watched_has_no_word_of_it(town: Town) -> None:
    _, out, _ = town.run("sources", "list")
    assert "last_received_at" in out
    assert "quiet" not in out
    _, out, _ = town.run("rules", "describe")
    assert "nothing comes" not in out
    town.write(sources=WATCHED, rules=RULES)
    _, out, _ = town.run("rules", "describe")
    assert "called hcp, at /in/hcp; it is told when nothing comes for longer than 1s" in out


def test_the_board_marks_it() -> None:
    now = figures_of()
    now["sources"][0]["quiet"] = True
    shown = "\n".join(drawn(100, 40, now))
    assert "hcp  quiet" in shown
    assert 1 == shown.count("quiet")
