"""`hooks subscriptions list|create|delete`: what a sender is told by API, against the stand-in for Housecall Pro."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from hooks.cli.subscriptions import address_of, same_address
from tests.cli.town import CONNECTIONS, RULES, SOURCES, Town

URL = "https://hooks.example.org/in/hcp"
WEBHOOKS = ("--connection", "hcp", "--api", "webhooks")


def asked(town: Town) -> list[str]:
    return [f"{one['method']} {one['path']}" for one in town.sandboxes.requests("housecall_pro")]


def subscribed(town: Town) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = town.sandboxes.control("GET", "housecall_pro", "records").get("webhooks", [])
    return kept


# --- the vendor's own way ---


def test_webhooks_are_switched_on_and_the_events_to_tick_are_told(town: Town) -> None:
    code, out, err = town.run("subscriptions", "create", "--connection", "hcp", "--url", "https://hooks.example.org")

    assert (0, "") == (code, err)
    assert ["POST /webhooks/subscription"] == asked(town)
    assert f"{URL} must stand at My Apps > Webhooks in Housecall Pro" in out
    assert ["job.completed", "pro.created"] == [line.strip() for line in out.splitlines()[2:]]


def test_webhooks_are_switched_off(town: Town) -> None:
    code, out, _ = town.run("subscriptions", "delete")

    assert (0, "Housecall Pro sends no webhooks any more.\n") == (code, out)
    assert ["DELETE /webhooks/subscription"] == asked(town)


def test_a_list_that_the_vendor_does_not_have_is_not_made_up(town: Town) -> None:
    code, out, err = town.run("subscriptions", "list", "--connection", "hcp")

    assert (0, "") == (code, out)
    assert "My Apps > Webhooks" in err
    assert (0, {"items": [], "next": None, "listable": False}) == town.json("subscriptions", "list")
    assert [] == asked(town)


# --- the other way ---


def test_an_address_is_subscribed_once_with_the_events_that_rules_need(town: Town) -> None:
    code, made = town.json("subscriptions", "create", *WEBHOOKS, "--url", "https://hooks.example.org")
    again = town.run("subscriptions", "create", *WEBHOOKS, "--url", f"{URL}/")

    assert (0, URL) == (code, made["url"])
    assert [
        {"event": "job.completed", "on_page": "job.completed", "rules": ["job-to-homebase"]},
        {"event": "employee.created", "on_page": "pro.created", "rules": ["job-to-homebase"]},
    ] == made["events"]
    assert [(URL, ["job.completed", "employee.created"])] == [(one["url"], one["events"]) for one in subscribed(town)]
    assert (0, f"Housecall Pro has {URL} already: nothing was changed.\n") == again[:2]


def test_what_was_subscribed_is_listed_and_ended_by_address_or_id(town: Town) -> None:
    for host in ("one", "two", "three"):
        town.run("subscriptions", "create", *WEBHOOKS, "--url", f"https://{host}.example.org")
    listed = town.json("subscriptions", "list", *WEBHOOKS)[1]
    shown = town.run("subscriptions", "list", *WEBHOOKS)[1]
    ids = {one["url"]: one["id"] for one in listed["items"]}

    by_id = town.run("subscriptions", "delete", *WEBHOOKS, "--id", ids["https://one.example.org/in/hcp"])
    by_url = town.run("subscriptions", "delete", *WEBHOOKS, "--url", "https://two.example.org")
    nowhere = town.run("subscriptions", "delete", *WEBHOOKS, "--url", "https://four.example.org")

    assert (True, 3) == (listed["listable"], len(ids))
    assert all(identity in shown for identity in ids.values())
    assert ["Housecall Pro: 1 subscription ended.\n"] * 2 == [by_id[1], by_url[1]]
    assert "Housecall Pro: 0 subscriptions ended.\n" == nowhere[1]
    assert ["https://three.example.org/in/hcp"] == [one["url"] for one in subscribed(town)]


def test_a_rule_that_is_switched_off_needs_no_event(town: Town) -> None:
    town.write(rules=RULES.replace("    source: hcp\n", "    source: hcp\n    enabled: false\n"))

    code, _, err = town.run("subscriptions", "create", *WEBHOOKS, "--url", URL)

    assert 2 == code
    assert "no enabled rule takes anything from hcp" in err


def test_a_rule_for_everything_needs_every_event(town: Town) -> None:
    town.write(rules=RULES.replace("[job.completed, employee.created]", '"*"'))

    assert 41 == len({one["event"] for one in town.json("subscriptions", "create")[1]["events"]})


@pytest.mark.parametrize("command", ["create", "delete", "list"])
def test_a_vendor_that_refuses_ends_in_a_sentence(town: Town, command: str) -> None:
    town.know(HCP_API_KEY="an-entirely-wrong-value")
    more = [] if command == "list" else ["--url", URL]

    code, out, err = town.run("subscriptions", command, *WEBHOOKS, *more)

    assert (1, "") == (code, out)
    assert "answered 401" in err
    assert "hooks connections test" in err
    assert "an-entirely-wrong-value" not in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "--connection", "homebase"], "homebase360 has no API for its webhooks that hooks knows"),
        (["create", "--connection", "nobody"], "there is no connection 'nobody'"),
        (["create", "--api", "carrier-pigeon"], "it has subscription, webhooks"),
        (["create", "--api", "webhooks"], "say where to, with --url https://your-host/in/hcp"),
        (["create", "--url", "http://hooks.example.org"], "write https://hooks.example.org"),
        (["create", "--url", "hooks.example.org"], "write https://your-host"),
        (["create", "--url", "https://a:b@hooks.example.org"], "user name or password"),
        (["create", "--source", "leads"], "there is no source 'leads'"),
        (["delete", "--api", "webhooks"], "say which with --id or --url"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_told_and_nothing_is_sent(town: Town, arguments: list[str], told: str) -> None:
    code, out, err = town.run("subscriptions", *arguments)

    assert (2, "") == (code, out)
    assert told in err
    assert [] == asked(town)


def test_a_source_of_another_vendor_is_refused(town: Town) -> None:
    town.know(LEADS_KEY="a-key-for-leads-of-a-test")
    town.write(sources=SOURCES + '  leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}\n')

    code, _, err = town.run("subscriptions", "create", "--source", "leads")

    assert 2 == code
    assert "is one of zapier, not of housecall_pro" in err


def test_of_two_accounts_one_must_be_named(town: Town) -> None:
    first = CONNECTIONS.splitlines()[1]
    town.write(connections=f"{CONNECTIONS}{first.replace('hcp:', 'harbor:')}\n")

    code, _, err = town.run("subscriptions", "create")

    assert 2 == code
    assert "say which connection with --connection: hcp, harbor" in err


# --- addresses ---


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://hooks.example.org", URL),
        ("https://hooks.example.org/", URL),
        ("https://hooks.example.org/in/other/", "https://hooks.example.org/in/other"),
        ("https://example.org/hooks", "https://example.org/hooks/in/hcp"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/in/hcp"),
        ("http://[::1]:8080", "http://[::1]:8080/in/hcp"),
        ("http://localhost:8080", "http://localhost:8080/in/hcp"),
    ],
)
def test_an_address_is_completed(url: str, whole: str) -> None:
    assert whole == address_of(url, "hcp")


@given(st.text(max_size=40) | st.text(max_size=20).map("https://".__add__))
def test_any_text_is_an_address_or_wrong_use(text: str) -> None:
    try:
        whole = address_of(text, "hcp")
    except typer.Exit as ending:
        assert 2 == ending.exit_code
    else:
        assert whole.startswith(("https://", "http://"))
        assert "/in/" in whole


def test_addresses_are_the_same_but_for_a_slash_and_the_case_of_the_host() -> None:
    assert same_address("https://Hooks.Example.org/in/hcp/", URL)
    assert not same_address("https://hooks.example.org/in/HCP", URL)
    assert not same_address(None, URL)
    assert not same_address(json.loads("5"), URL)
