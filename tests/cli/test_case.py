"""`hooks runs case`: one command for a vendor's support, beside a server, without one, and over the API."""

from __future__ import annotations

import json
import time
from pathlib import Path

from hooks.cli.wire import call
from tests.cli.town import Town

SAMPLE = json.loads(
    (Path(__file__).parents[2] / "hooks/vendors/housecall_pro/samples/job.completed.event.json").read_text()
)


def test_a_case_is_made_beside_a_server_without_one_and_over_the_api(town: Town) -> None:
    server = town.serve()
    assert 0 == town.run("send", "--sample", "housecall_pro/job.completed")[0]
    deadline = time.monotonic() + 20
    while not (done := server.ask("GET", "/api/v1/runs", {"state": "done"})["items"]):
        assert time.monotonic() < deadline, "the run did not end"
    run = done[0]["id"]
    family = json.dumps(SAMPLE).partition('"last_name": "')[2].partition('"')[0]
    assert family

    code, text, _ = town.run("runs", "case", run)
    assert 0 == code
    assert text.startswith(f"# Case {run}\n")
    assert "homebase360.upsert_customer" in text and "/customers" in text
    assert family not in text

    headers = {"Authorization": f"Bearer {server.token}"}
    answer = call("GET", f"{server.admin}/api/v1/runs/{run}/case", headers=headers)
    assert f'attachment; filename="{run}.json"' == answer.headers["content-disposition"]
    assert run == answer.json()["run"]["id"]
    assert family.encode() not in answer.body
    answer = call("GET", f"{server.admin}/api/v1/runs/{run}/case", headers={**headers, "Accept": "text/markdown"})
    assert f'attachment; filename="{run}.md"' == answer.headers["content-disposition"]
    assert answer.body.startswith(f"# Case {run}\n".encode())

    town.end()
    town.servers.clear()
    code, case = town.json("runs", "case", run)
    assert (0, run) == (code, case["run"]["id"])
    code, out, said = town.run("runs", "case", run, "--out", "case.md")
    assert (0, "") == (code, out)
    assert family not in (town.folder / "case.md").read_text()
    code, _, said = town.run("runs", "case", run, "--out", "case.md")
    assert (2, True) == (code, "File exists" in said)
    code, _, said = town.run("runs", "case", "run_" + "0" * 32)
    assert (1, True) == (code, "there is no run_" in said)
