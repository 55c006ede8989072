"""`hooks connections test`: one harmless call for each connection, and what is wrong with how to mend it."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.pipeline.probing import secret_keys
from hooks.ports import Vendor
from hooks.registry import VENDORS
from tests.cli.town import CONNECTIONS, Town, secrets, without_secrets

ACTING = [vendor for vendor in VENDORS if vendor.actions and vendor.built_in is None]
UNASKED = {"zapier": "whatever is sent to a hook starts a Zap"}
SIGN_INS = {"supergood": "signing in is all that its API lets one ask without reading customers"}


# --- the table of probes ---


@pytest.mark.parametrize("vendor", ACTING, ids=lambda vendor: vendor.name)
def test_every_vendor_has_a_harmless_probe_or_nothing_harmless_to_ask(vendor: Vendor) -> None:
    probe = vendor.probe
    assert (vendor.name in UNASKED) == (probe is None)
    if vendor.name in UNASKED:
        return
    assert probe is not None
    action = vendor.action(probe.action)
    assert action is not None
    method = probe.inputs.get("method", action.method)
    assert method == "GET" or vendor.name in SIGN_INS
    assert vendor.connection_settings is not None
    assert set(probe.given.values()) <= set(vendor.connection_settings.model_fields)
    settings: Any = vendor.connection_settings  # each has fields of its own
    example = dict.fromkeys(probe.given, "/") | dict(probe.inputs)
    assert action.render(example, settings.model_construct(tenant=1, lists_in_query="repeat")).method in ("GET", "POST")


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_doubts_are_about_something_that_is_there(vendor: Vendor) -> None:
    names = {"", "events", *(action.name for action in vendor.actions), *(kind.name for kind in vendor.kinds)}

    assert set() == set(vendor.doubts) - names
    assert [] == [doubt for doubt in vendor.doubts.values() if not doubt.endswith(".")]


# --- the command ---


def test_all_connections_are_well(town: Town) -> None:
    code, found = town.json("connections", "test")

    assert (0, True) == (code, found["ok"])
    assert {
        "hcp": "GET /housecall_pro/company",
        "homebase": "GET /homebase360/api/v1/ping",
        "closer": "GET /jobcloser/api/zapier/signin",
        "titan": "GET /servicetitan/settings/v2/tenant/1/technicians?pageSize=1",
        "good": "POST /supergood/sessions",
        "office": "GET /http/status",
    } == {one["connection"]: one["asked"].replace(town.sandboxes.address, "") for one in found["items"]}
    assert {"ok"} == {one["result"] for one in found["items"]}
    for vendor in ("housecall_pro", "homebase360", "jobcloser", "http"):
        assert ["GET"] == [request["method"] for request in town.sandboxes.requests(vendor)]
    assert ["POST", "GET"] == [request["method"] for request in town.sandboxes.requests("servicetitan")]


@pytest.mark.parametrize(
    ("secret", "connection", "key"),
    [
        ("HCP_API_KEY", "hcp", "`api_key`"),
        ("HOMEBASE360_API_KEY", "homebase", "`api_key`"),
        ("JOBCLOSER_KEY", "closer", "`key`"),
        ("ST_APP_KEY", "titan", "`app_key`"),
        ("ST_CLIENT_SECRET", "titan", "`client_secret`"),
        ("SUPERGOOD_PASSWORD", "good", "`password`"),
    ],
)
def test_a_wrong_credential_is_named_and_never_shown(town: Town, secret: str, connection: str, key: str) -> None:
    wrong = "an-entirely-wrong-value"
    town.know(**{secret: wrong})

    code, out, err = town.run("connections", "test", connection)

    assert 1 == code
    assert key in out
    assert f"connections.{connection}" in out
    assert without_secrets(out + err, {**secrets(), secret: wrong})


def test_one_bad_connection_does_not_hide_the_others(town: Town) -> None:
    town.know(HOMEBASE360_API_KEY="an-entirely-wrong-value")

    code, found = town.json("connections", "test")

    assert (1, False) == (code, found["ok"])
    assert ["homebase"] == [one["connection"] for one in found["items"] if one["result"] == "failed"]
    [bad] = [one for one in found["items"] if one["result"] == "failed"]
    assert (401, "homebase360") == (bad["status"], bad["vendor"])


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (403, "give the account that right at Homebase360"),
        (404, "check `base_url` of connections.homebase: something answers there"),
        (302, "check `base_url` of connections.homebase: something answers there"),
        (400, "check `api_key` and `base_url`"),
        (503, "test again later"),
        (429, "test again later"),
        (500, "test again later"),
    ],
)
def test_what_can_be_done_depends_on_what_was_answered(town: Town, status: int, told: str) -> None:
    town.sandboxes.fault("homebase360", kind="status", status=status)

    code, found = town.json("connections", "test", "homebase")

    assert 1 == code
    assert status == found["items"][0]["status"]
    assert told in found["items"][0]["mend"]


def test_an_address_where_another_api_answers_is_told(town: Town) -> None:
    town.sandboxes.fault("homebase360", kind="garbage")

    code, found = town.json("connections", "test", "homebase")

    assert 1 == code
    assert "not this API" in found["items"][0]["mend"]


@pytest.mark.parametrize("auth", ["auth_url: TOWN/servicetitan/elsewhere", None])
def test_a_wrong_token_address_is_among_those_to_check(town: Town, auth: str | None) -> None:
    if auth is None:
        scheme = "{scheme: oauth2_client_credentials, token_url: TOWN/http/status/404, client_id: i, client_secret: s}"
        town.write(connections=CONNECTIONS.replace("test_path: /status", f"test_path: /status, auth: {scheme}"))
    else:
        town.write(connections=CONNECTIONS.replace("auth_url: TOWN/servicetitan/connect/token", auth))
    town.sandboxes.fault("http", kind="status", status=404, method="POST")

    code, found = town.json("connections", "test", "office" if auth is None else "titan")

    key = "auth.token_url" if auth is None else "auth_url"
    assert 1 == code
    assert f"check `base_url` and `{key}` of" in found["items"][0]["mend"]
    assert "the token address answered 404" in found["items"][0]["problem"]


def test_an_address_where_nothing_listens_is_told(town: Town) -> None:
    town.write(connections=CONNECTIONS.replace("TOWN/homebase360", "http://127.0.0.1:1"))

    code, out, _ = town.run("connections", "test", "homebase")

    assert 1 == code
    assert "no connection to 127.0.0.1:1" in out
    assert "that this machine may reach it" in out


def test_an_api_without_a_test_path_is_not_called(town: Town) -> None:
    town.write(connections=CONNECTIONS.replace(", test_path: /status", ""))

    code, found = town.json("connections", "test", "office")

    assert (0, "skipped") == (code, found["items"][0]["result"])
    assert "set `test_path` of connections.office" in found["items"][0]["mend"]
    assert [] == town.sandboxes.requests("http")


def test_a_paused_connection_can_be_tested(town: Town) -> None:
    paused = CONNECTIONS.replace("test_path: /status}", "test_path: /status, paused: true}")
    town.write(connections=paused)

    assert "ok" == town.json("connections", "test", "office")[1]["items"][0]["result"]


def test_an_unknown_name_is_wrong_use(town: Town) -> None:
    code, out, err = town.run("connections", "test", "nobody")

    assert (2, "") == (code, out)
    assert "closer, good, hcp, homebase, office, titan" in err


def test_only_secrets_that_are_set_are_named() -> None:
    settings = {
        "housecall_pro": ({"api_key": "k"}, ["api_key"]),
        "jobcloser": ({"key": "k"}, ["key"]),
        "http": ({"base_url": "http://127.0.0.1", "auth": {"scheme": "bearer", "token": "t"}}, ["auth"]),
    }
    for vendor in ACTING:
        if vendor.name in settings:
            assert vendor.connection_settings is not None
            given, expected = settings[vendor.name]
            assert expected == secret_keys(vendor.connection_settings.model_validate(given))
