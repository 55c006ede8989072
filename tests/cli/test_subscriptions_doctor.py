"""`hooks subscriptions doctor`: a webhook's way from the sender to the accounts, with real servers on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hooks.cli.reader import Server
from hooks.cli.wire import call
from hooks.kit.samples import sample
from tests.cli.town import CONNECTIONS, RULES, SIGNING_SECRET, SOURCES, Town, secrets, without_secrets

WELL = {
    "source": "ok",
    "server": "ok",
    "arrivals": "ok",
    "address": "warning",  # only this machine can reach it
    "self-test": "ok",
    "events": "ok",
    "subscription": "skipped",
    "connection homebase": "ok",
    "connection hcp": "ok",
}


def doctor(town: Town, *arguments: str) -> tuple[int, dict[str, str], dict[str, str]]:
    """Exit code, and the results and the words of the checks by name."""
    code, found = town.json("subscriptions", "doctor", *arguments)
    assert (code == 0) == found["ok"]
    checks = found["checks"]
    return (
        code,
        {one["check"]: one["result"] for one in checks},
        {one["check"]: f"{one['found']} | {one['mend']}" for one in checks},
    )


def send(town: Town, server: Server) -> None:
    """An event as Housecall Pro sends it."""
    code, _, err = town.run("send", "--sample", "housecall_pro/job.completed", "--to", server.inbox)
    assert 0 == code, err


@contextmanager
def answering(status: int, *, post: int | None = 200, location: str = "") -> Iterator[str]:
    """An address where every GET is answered so, and every POST with ``post``, or not at all."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(status)

        def answer(self, status: int) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if post is not None:
                self.answer(post)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# --- all is well ---


def test_all_is_well(town: Town) -> None:
    server = town.serve()
    send(town, server)

    code, results, words = doctor(town)

    assert (0, WELL) == (code, results)
    assert "the rules need 2: job.completed, pro.created" in words["events"]
    assert "must stand there once" in words["subscription"]


def test_the_self_test_is_stored_and_nothing_is_done_about_it(town: Town) -> None:
    server = town.serve()

    _, results, words = doctor(town)
    again = doctor(town)[1]

    assert ["ok", "ok"] == [results["self-test"], again["self-test"]]
    receipt = words["self-test"].split(" | ")[0].rsplit(" ", 1)[1]
    kept = server.ask("GET", f"/api/v1/receipts/{receipt}")
    assert ("accepted", "hcp") == (kept["verdict"], kept["source"])
    assert [] == server.ask("GET", "/api/v1/runs")["items"]
    assert "nothing has arrived from outside yet" in words["arrivals"], "the self-test is not from outside"


def test_it_reads_well_for_people_and_shows_no_secret(town: Town) -> None:
    town.serve()
    town.know(HOMEBASE360_API_KEY="an-entirely-wrong-value")

    code, out, err = town.run("subscriptions", "doctor", "--source", "hcp", "--connection", "hcp")

    assert 1 == code
    assert "ok       source: hcp of vendor housecall_pro takes webhooks at /in/hcp\n" in out
    assert "failed   connection homebase: " in out
    assert "check `api_key` of connections.homebase" in out
    assert without_secrets(out + err, {**secrets(), "wrong": "an-entirely-wrong-value"})


# --- the server ---


def test_no_server_is_found(town: Town) -> None:
    code, results, words = doctor(town)

    assert (1, "failed", "skipped") == (code, results["server"], results["address"])
    assert "hooks serve" in words["server"]
    assert {"connection homebase", "connection hcp", "events"} <= set(results), "what can be seen is seen all the same"


def test_a_server_with_another_file_is_found(town: Town) -> None:
    town.serve()
    town.know(OTHER="a-signing-secret-of-another-source")
    town.write(
        sources=SOURCES.replace("hcp:", "summit:").replace("HCP_SIGNING_SECRET", "OTHER"),
        rules=RULES.replace("source: hcp", "source: summit"),
    )

    code, results, words = doctor(town)

    assert (1, "failed") == (code, results["server"])
    assert "has no source summit" in words["server"]


def test_a_server_that_does_not_take_the_token_is_found(town: Town) -> None:
    town.serve()
    town.know(HOOKS_ADMIN_TOKEN="a-token-of-another-server")

    code, results, words = doctor(town)

    assert (1, "failed", "warning") == (code, results["server"], results["self-test"])
    assert "does not take this token" in words["server"]


def test_a_server_with_another_secret_is_found(town: Town) -> None:
    town.serve(HCP_SIGNING_SECRET="another-signing-secret-of-the-server")

    code, results, words = doctor(town)

    assert (1, "failed") == (code, results["self-test"])
    assert "the server has another secret" in words["self-test"]


def test_a_server_that_drops_what_it_does_not_believe_is_found(town: Town) -> None:
    town.write(sources=SOURCES.replace('RET}"}', 'RET}", on_bad_signature: drop}'))
    town.serve(HCP_SIGNING_SECRET="another-signing-secret-of-the-server")

    code, results, words = doctor(town)

    assert (1, "failed") == (code, results["self-test"])
    assert "was not believed (answered 200)" in words["self-test"]


# --- the address ---


@pytest.mark.parametrize(
    ("status", "location", "told"),
    [
        (301, "https://elsewhere.example.org/", "do not follow redirects"),
        (404, "", "must end in /in/NAME"),
        (502, "", "the proxy does not reach the server"),
        (503, "", "hooks healthcheck --detail"),
        (418, "", "see what answers there"),
    ],
)
def test_an_address_that_is_answered_otherwise_is_a_fault(town: Town, status: int, location: str, told: str) -> None:
    with answering(status, location=location) as address:
        code, results, words = doctor(town, "--url", address)

    assert (1, "failed") == (code, results["address"])
    assert told in words["address"]
    assert "self-test" not in results, "nothing is posted to an address that is not ours"


def test_an_address_where_nothing_listens_is_a_fault(town: Town) -> None:
    code, results, words = doctor(town, "--url", "http://127.0.0.1:1")

    assert (1, "failed") == (code, results["address"])
    assert "does not answer" in words["address"]


def test_an_address_that_says_yes_to_anything_is_not_ours(town: Town) -> None:
    with answering(200) as address:
        code, results, words = doctor(town, "--url", address)

    assert (1, "failed") == (code, results["self-test"])
    assert "was not believed" in words["self-test"]


def test_an_address_of_another_server_is_found(town: Town) -> None:
    town.serve()
    other = town.serve(data="other")

    code, results, words = doctor(town, "--url", other.inbox)

    assert (1, "failed") == (code, results["self-test"])
    assert "not by the server of this data folder" in words["self-test"]


def test_an_address_that_leads_to_another_source_is_found(town: Town) -> None:
    town.write(sources=SOURCES + SOURCES.splitlines()[-1].replace("hcp:", "harbor:") + "\n")
    server = town.serve()

    code, results, words = doctor(town, "--source", "hcp", "--url", f"{server.inbox}/in/harbor")

    assert (1, "failed") == (code, results["self-test"])
    assert "it arrived at the source harbor" in words["self-test"]


def test_an_address_that_takes_no_posts_is_a_fault(town: Town) -> None:
    with answering(200, post=500) as address:
        code, results, words = doctor(town, "--url", address)

    assert (1, "failed") == (code, results["self-test"])
    assert "answered 500" in words["self-test"]


def test_an_address_that_hangs_up_on_posts_is_a_fault(town: Town) -> None:
    with answering(200, post=None) as address:
        code, results, words = doctor(town, "--url", address)

    assert (1, "failed") == (code, results["self-test"])
    assert "answers GET and not POST" in words["self-test"]


def test_an_address_without_a_server_here_is_tried_as_far_as_it_goes(town: Town) -> None:
    other = town.serve(data="other")

    _, results, words = doctor(town, "--url", f"{other.inbox}/in/hcp")

    assert ("failed", "warning") == (results["server"], results["self-test"])
    assert "accepted as rcp_" in words["self-test"]


# --- what arrives, and what is to ---


def forged(server: Server) -> None:
    body = sample("housecall_pro/job.completed").body
    call("POST", f"{server.inbox}/in/hcp", headers={"Content-Type": "application/json"}, body=body)


def test_a_sender_of_whom_nothing_was_ever_believed_is_a_fault(town: Town) -> None:
    server = town.serve()
    forged(server)

    code, results, words = doctor(town)

    assert (1, "failed") == (code, results["arrivals"])
    assert "let the proxy pass all headers" in words["arrivals"]


def test_a_stranger_who_knocks_is_only_a_warning(town: Town) -> None:
    server = town.serve()
    send(town, server)
    forged(server)

    code, results, _ = doctor(town)

    assert (0, "warning") == (code, results["arrivals"])


def test_a_rule_for_everything_keeps_the_self_test_away(town: Town) -> None:
    town.write(rules=RULES.replace("[job.completed, employee.created]", '"*"'))
    server = town.serve()

    _, results, words = doctor(town)

    assert "skipped" == results["self-test"]
    assert "the rule job-to-homebase would act on it" in words["self-test"]
    assert [] == server.ask("GET", "/api/v1/receipts")["items"]


def test_a_source_that_no_rule_reads_is_a_warning(town: Town) -> None:
    town.write(rules=RULES.replace("    source: hcp\n", "    source: hcp\n    enabled: false\n"))
    town.serve()

    code, results, _ = doctor(town)

    assert (0, "warning") == (code, results["events"])
    assert "connection homebase" not in results


# --- the subscription, where the vendor has a list ---


def subscribe(town: Town, url: str, *events: str) -> None:
    """A subscription as the vendor keeps it."""
    call(
        "POST",
        f"{town.sandboxes.address}/housecall_pro/webhooks",
        headers={"Authorization": f"Token {secrets()['HCP_API_KEY']}", "Content-Type": "application/json"},
        body=json.dumps({"url": url, "events": events}).encode(),
    )


def once(town: Town, url: str) -> None:
    subscribe(town, url, "job.completed", "employee.created")


def twice(town: Town, url: str) -> None:
    once(town, url)
    once(town, url)


def for_too_little(town: Town, url: str) -> None:
    subscribe(town, url, "job.completed")


def for_everything(town: Town, url: str) -> None:
    subscribe(town, url)


def elsewhere(town: Town, url: str) -> None:
    subscribe(town, "https://old.example.org/in/hcp", "job.completed", "employee.created")


def nowhere(town: Town, url: str) -> None:
    """Nothing."""


SUBSCRIBED: tuple[tuple[Callable[[Town, str], None], str, str], ...] = (
    (once, "ok", "there once, for all events"),
    (for_everything, "ok", "there once, for all events"),
    (twice, "failed", "2 times"),
    (for_too_little, "failed", "it lacks employee.created"),
    (elsewhere, "failed", "there is https://old.example.org/in/hcp"),
    (nowhere, "failed", "hooks subscriptions create --connection hcp --api webhooks --url"),
)


def test_the_subscription_is_there_once_at_the_right_address_for_the_events(town: Town) -> None:
    server = town.serve()
    url = f"{server.inbox}/in/hcp"
    for subscribed, result, told in SUBSCRIBED:
        town.sandboxes.reset()
        subscribed(town, url)

        code, results, words = doctor(town, "--api", "webhooks", "--url", url)

        assert (result, result == "failed") == (results["subscription"], code == 1), subscribed.__name__
        assert told in words["subscription"], subscribed.__name__


def test_without_an_address_there_is_nothing_to_compare(town: Town) -> None:
    _, results, words = doctor(town, "--api", "webhooks")

    assert "skipped" == results["subscription"]
    assert "give the address with --url" in words["subscription"]


@pytest.mark.parametrize(("status", "result"), [(404, "skipped"), (405, "skipped"), (500, "failed")])
def test_a_list_that_is_not_there_is_no_fault(town: Town, status: int, result: str) -> None:
    town.sandboxes.fault("housecall_pro", kind="status", status=status, path="/webhooks")

    _, results, _ = doctor(town, "--api", "webhooks", "--url", "http://127.0.0.1:1")

    assert result == results["subscription"]


# --- the accounts, and other senders ---


def test_only_accounts_that_rules_of_the_source_act_in_are_tried(town: Town) -> None:
    town.know(ST_CLIENT_SECRET="an-entirely-wrong-value")

    _, results, _ = doctor(town)

    assert ["connection homebase", "connection hcp"] == [name for name in results if name.startswith("connection ")]


def test_a_paused_account_says_that_its_runs_are_held(town: Town) -> None:
    town.write(connections=CONNECTIONS.replace('HOMEBASE360_API_KEY}"}', 'HOMEBASE360_API_KEY}", paused: true}'))

    assert "its runs are held" in doctor(town)[2]["connection homebase"]


def test_a_sender_without_an_api_is_examined_as_far_as_it_goes(town: Town) -> None:
    town.know(LEADS_KEY="a-key-for-leads-of-a-test")
    town.write(
        sources=SOURCES + '  leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}\n',
        rules=RULES.replace("source: hcp", "source: [hcp, leads]").replace("employee.created", "lead.created"),
    )
    town.serve(LEADS_KEY="a-key-for-leads-of-a-test")

    code, results, _ = doctor(town, "--source", "leads")

    assert 0 == code
    assert ("skipped", "skipped") == (results["self-test"], results["subscription"])
    assert "connection hcp" not in results


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--source", "nobody"], "there is no source 'nobody'"),
        (["--connection", "nobody"], "there is no connection 'nobody'"),
        (["--api", "carrier-pigeon"], "it has subscription, webhooks"),
        (["--url", "http://hooks.example.org"], "not encrypted"),
        (["--connection", "homebase", "--source", "hcp"], "is one of housecall_pro, not of homebase360"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_told(town: Town, arguments: list[str], told: str) -> None:
    code, out, err = town.run("subscriptions", "doctor", *arguments)

    assert (2, "") == (code, out)
    assert told in err
    assert SIGNING_SECRET not in err
