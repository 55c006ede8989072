"""`hooks rules history`, `diff` and `rollback`: with a running server, and without one."""

from __future__ import annotations

import getpass
import time
from typing import Any

from tests.cli.town import RULES, Town

CHANGED = RULES.replace("5000", "9000")


def two_versions(town: Town) -> str:
    """A server that has had two versions in force; gives the first file."""
    first = (town.folder / "routes.yaml").read_text()
    server = town.serve()
    town.write(CHANGED)
    assert server.ask("POST", "/api/v1/rules/reload")["ok"]
    return first


def stop(town: Town) -> None:
    for process in town.servers:
        process.terminate()
        process.communicate(timeout=30)
    town.servers.clear()


def numbers(listing: Any) -> list[int]:
    return [each["number"] for each in listing["items"]]


def test_with_a_server(town: Town) -> None:
    first = two_versions(town)

    code, listing = town.json("rules", "history")
    assert (0, [2, 1], getpass.getuser()) == (code, numbers(listing), listing["items"][0]["author"])
    code, out, said = town.run("rules", "diff")
    assert (0, "") == (code, out)
    assert "are the same" in said
    code, out, _ = town.run("rules", "diff", "1", "2")
    assert (10, True, True) == (
        code,
        "-    when: data.total_cents >= 5000" in out,
        "+    when: data.total_cents >= 9000" in out,
    )
    code, told = town.json("rules", "diff", "1")
    assert (10, 1, None, True) == (code, told["old"], told["new"], told["different"])

    code, out, err = town.run("rules", "rollback", "1", "--note", "too dear")

    assert (0, "") == (code, err), err
    assert "The rules of version 1 are in force again, as version 3." in out
    assert first == (town.folder / "routes.yaml").read_text()
    _, listing = town.json("rules", "history")
    assert [3, 2, 1] == numbers(listing)
    assert (getpass.getuser(), "rollback", "too dear") == tuple(
        listing["items"][0][key] for key in ("author", "origin", "note")
    )
    for command in ("rollback", "diff"):
        code, _, err = town.run("rules", command, "9")
        assert (1, "hooks: there is no version 9 of the rules: `hooks rules history` lists them\n") == (code, err)
    code, _, err = town.run("rules", "shadow-report", "nobody")
    assert (1, "hooks: the server has no such rule, and no such version of the rules\n") == (code, err)


def test_without_a_server(town: Town) -> None:
    first = two_versions(town)
    stop(town)

    assert [2, 1] == numbers(town.json("rules", "history")[1])
    assert 10 == town.run("rules", "diff", "1")[0]
    code, out, err = town.run("rules", "rollback", "1")

    assert (0, "") == (code, err)
    assert "The next `hooks serve` takes them over." in out
    assert first == (town.folder / "routes.yaml").read_text()
    assert 0 == town.run("rules", "diff", "1")[0]
    assert 1 == town.run("rules", "rollback", "9")[0]


def test_with_neither_server_nor_database(town: Town) -> None:
    code, out, err = town.run("rules", "history")

    assert (1, "", True) == (code, out, "there is no database" in err)


def test_a_broken_file_is_told_with_the_list_of_the_rules(town: Town) -> None:
    server = town.serve()
    town.write(RULES.replace("homebase360.upsert_customer", "homebase360.upsert_custmer"))
    assert not server.ask("POST", "/api/v1/rules/reload")["ok"]

    code, out, err = town.run("rules", "list")

    assert (0, True) == (code, "job-to-homebase" in out)
    assert "routes.yaml is broken (1 error) and not in force" in err
    assert "unknown action 'homebase360.upsert_custmer'" in err
    assert not town.json("rules", "list")[1]["file"]["ok"]
    told = server.ask("GET", "/api/v1/health")["findings"]
    assert "the rules file has a mistake: the rules before it stay in force" in [one["what"] for one in told]


def test_a_secret_that_the_server_alone_lacks_is_told_where_its_health_sends_one(town: Town) -> None:
    server = town.serve(HOMEBASE360_API_KEY="")
    health = server.ask("GET", "/api/v1/health")

    code, _, err = town.run("rules", "list")

    assert 0 == town.run("check")[0], "here nothing is wrong"
    assert "`hooks rules list` says what the server finds wrong in the file" in str(health)
    assert (0, True, True) == (code, "HOMEBASE360_API_KEY" in err, "Nothing is acted on." in err)


def test_the_report_on_shadows_is_the_same_with_and_without_a_server(town: Town) -> None:
    shadow = RULES.replace("id: job-to-homebase", "id: job-to-homebase-2\n    mode: shadow").replace("rules:\n", "")
    town.write(RULES + shadow.replace("5000", "2000000"))
    server = town.serve()
    assert (
        0
        == town.run(
            "send",
            "--sample",
            "housecall_pro/job.completed",
        )[0]
    )
    deadline = time.monotonic() + 20
    while server.ask("GET", "/api/v1/stats")["runs"]["done"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    code, told = town.json("rules", "shadow-report")
    shown = town.run("rules", "shadow-report", "job-to-homebase-2", "--against", "job-to-homebase")
    stop(town)

    assert (10, ["removed"]) == (code, [each["change"] for each in told["rules"][0]["events"]])
    assert (10, True) == (shown[0], "job-to-homebase-2, in shadow, beside job-to-homebase:" in shown[1])
    assert (10, told) == town.json("rules", "shadow-report")
    assert 2 == town.run("rules", "shadow-report", "job-to-homebase")[0]
