"""Inputs that a connection may stand in for: needed at one of the two places, and told when they are at neither."""

from __future__ import annotations

import pytest

from hooks.registry import CATALOGUE
from hooks.rules import RulesInvalid, load_text
from tests.rules.rules_world import event
from tests.rules.test_corpus import secret

HEAD = """version: 1
sources: {any: {vendor: webhook, unverified: a test, type: push}}
connections:
  closer: {vendor: jobcloser, key: "${secret.LEADS_KEY}"%s}
  titan: {vendor: servicetitan, tenant: 1, app_key: "${secret.ST_APP_KEY}", client_id: x-0123456789abcdef,
          client_secret: "${secret.ST_CLIENT_SECRET}"%s}
rules: [{id: one, event: push, do: [%s]}]
"""
BOOKING = (
    "{action: servicetitan.create_booking, with: {source: Web, name: Maya, summary: s, isFirstTimeClient: true,"
    " externalId: e1}}"
)


@pytest.mark.parametrize(
    ("step", "company", "provider"),
    [
        ("{action: jobcloser.list_customers}", ", company_id: c1", ""),
        ("{action: jobcloser.list_jobs, with: {status: Open}}", ", company_id: c1", ""),
        ("{action: jobcloser.list_jobs, with: {companyId: c2}}", "", ""),
        (BOOKING, "", ", booking_provider: 9"),
        (BOOKING.replace("with: {", "with: {booking_provider: 8, "), "", ""),
        ('{action: servicetitan.book_lead, with: {"$merge": "${raw}"}}', "", ""),
    ],
)
def test_it_may_stand_at_either_place(step: str, company: str, provider: str) -> None:
    rules = load_text(HEAD % (company, provider, step), CATALOGUE, secret)
    (loaded,) = rules.rules[0].steps
    inputs = loaded.render(
        rules.names(
            event(
                type="push", source="any", raw={"booking_provider": 7, "lead": {"customer": {"display_name": "Maya"}}}
            )
        )
    )
    request = loaded.action.render(inputs, rules.connections[loaded.connection].settings)
    assert any(value in f"{request.path}?{request.query}" for value in ("'c1'", "'c2'", "/9/", "/8/", "/7/"))


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("{action: jobcloser.list_customers}", ("companyId", "company_id", "closer")),
        ("{action: jobcloser.list_jobs, with: {status: Open}}", ("companyId", "company_id", "closer")),
        (
            BOOKING,
            ("booking_provider", "booking_provider", "titan"),
        ),
        (
            "{action: servicetitan.book_lead, with: {lead: '${data}'}}",
            ("booking_provider", "booking_provider", "titan"),
        ),
    ],
)
def test_at_neither_it_is_missing_when_the_file_is_read(step: str, wanted: tuple[str, str, str]) -> None:
    name, key, connection = wanted
    with pytest.raises(RulesInvalid) as caught:
        load_text(HEAD % ("", "", step), CATALOGUE, secret)
    (found,) = (one for one in caught.value.findings if one.severity == "error")
    assert (f"'{name}' is missing", f"give it here, or `{key}` in the connection '{connection}'", "one") == (
        found.message,
        found.hint,
        found.rule,
    )


@pytest.mark.parametrize(
    ("keys", "lacking"),
    [
        ("", "`email` and `password`"),
        (", email: a@example.org", "`password`"),
        (", password: a-long-password-0", "`email`"),
    ],
)
def test_what_only_a_connection_can_give_is_missed_when_the_file_is_read(keys: str, lacking: str) -> None:
    with pytest.raises(RulesInvalid) as caught:
        load_text(HEAD % (keys, "", "{action: jobcloser.sign_in}"), CATALOGUE, secret)
    (found,) = (one for one in caught.value.findings if one.severity == "error")
    assert (
        f"'jobcloser.sign_in' cannot do without {lacking} of its connection",
        f"add {lacking} to connections.closer",
        "one",
    ) == (found.message, found.hint, found.rule)


def test_a_connection_that_gives_it_all_is_good() -> None:
    keys = ", email: a@example.org, password: a-long-password-0"
    assert 1 == len(load_text(HEAD % (keys, "", "{action: jobcloser.sign_in}"), CATALOGUE, secret).rules)
