"""The loader and the editor's schema, with the real vendors: odd values under every key, told alike, never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from hooks.registry import CATALOGUE
from hooks.rules import RulesInvalid, load_text
from hooks.rules.accounts import stand_in
from hooks.rules.model import RULE_KEYS, STEP_KEYS
from hooks.rules.schema import routes_schema

SCHEMA = jsonschema_rs.Draft202012Validator(routes_schema(CATALOGUE))
SECRET = "${secret.SOME}"

SOURCES: dict[str, dict[str, Any]] = {
    "housecall_pro": {"signing_secret": SECRET},
    "zapier": {"key": SECRET},
    "supergood": {"key": SECRET},
    "servicetitan": {"hmac_key": SECRET},
    "standard_webhooks": {"secret": SECRET},
    "cloudevents": {"key": SECRET},
    "webhook": {"verify": "github", "secret": SECRET},
}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "housecall_pro": {"api_key": SECRET},
    "zapier": {"hook_url": SECRET},
    "jobcloser": {"key": SECRET},
    "homebase360": {"api_key": SECRET},
    "servicetitan": {"tenant": 1, "app_key": SECRET, "client_id": SECRET, "client_secret": SECRET},
    "supergood": {"base_url": SECRET, "username": SECRET, "password": SECRET, "otp_secret": SECRET},
    "http": {"base_url": SECRET},
}
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.5, 1e30, 10**30, "", "  ", "yes", "5", "5s", "0s", "-5s", "1h 30m", "99999999999d",
    "abc", SECRET, "${x}", "${secret.}", "${data.id}", "a\nb", "\u00e9", "\x00", "https://x.example",
    "http://x.example", "http://127.0.0.1:1", "job.*", "*", "data.id == null", "'text'", "always", "hold", "patch", 429,
    [], ["a"], [""], [None], [True], [[]], {}, {"a": 1}, {"by": "data.id"}, {"max": 1, "per": "1m"},
    {"max": True, "per": "1m"}, {"attempts": 3}, {"attempts": True}, {"event": "x.y", "by": "data.id", "within": "1m"},
)  # fmt: skip
STEP = {"id": "x", "action": "homebase360.ping"}
RULE = {"id": "r", "event": "job.completed", "do": [STEP]}
WHOLE: dict[str, Any] = {
    "version": 1,
    "sources": {"s": {"vendor": "housecall_pro", **SOURCES["housecall_pro"]}},
    "connections": {"c": {"vendor": "homebase360", **CONNECTIONS["homebase360"]}},
    "rules": [RULE],
}


def _loads(document: dict[str, Any]) -> bool:
    try:
        load_text(json.dumps(document), CATALOGUE, stand_in)
    except RulesInvalid as invalid:
        assert all(finding.line == 1 and finding.message for finding in invalid.findings)
        return False
    return True


def _accounts() -> Iterator[tuple[str, str, str]]:
    for section, known in (("sources", SOURCES), ("connections", CONNECTIONS)):
        for name in known:
            vendor = CATALOGUE[name]
            model = vendor.source_settings if section == "sources" else vendor.connection_settings
            assert model is not None
            for key, field in model.model_fields.items():
                yield section, name, field.alias or key


def _written() -> Iterator[tuple[str, dict[str, Any]]]:
    for section, name, key in _accounts():
        own = {"vendor": name, **(SOURCES if section == "sources" else CONNECTIONS)[name]}
        for value in ODD:
            yield f"{section}.{name}.{key}: {value!r}", {"version": 1, section: {"a": {**own, key: value}}}
    for key in RULE_KEYS:
        for value in ODD:
            yield f"rule {key}: {value!r}", {**WHOLE, "rules": [{**RULE, key: value}]}
    for key in STEP_KEYS:
        for value in ODD:
            yield f"step {key}: {value!r}", {**WHOLE, "rules": [{**RULE, "do": [{**STEP, key: value}]}]}
    for key in ("version", "include", "vars", "calendars", "defaults", "templates", "rules"):
        for value in ODD:
            yield f"{key}: {value!r}", {**WHOLE, key: value}


def test_what_is_loaded_is_right_for_the_editor_too() -> None:
    told = [name for name, document in _written() if _loads(document) and not SCHEMA.is_valid(document)]
    assert [] == told


@pytest.mark.parametrize("section", ["sources", "connections"])
def test_every_vendor_is_sound_with_what_stands_in_for_its_secrets(section: str) -> None:
    known = SOURCES if section == "sources" else CONNECTIONS
    named = {name: {"vendor": name, **keys} for name, keys in known.items()}
    assert _loads({"version": 1, section: named})
    with_settings = [each.name for each in CATALOGUE.values() if getattr(each, section[:-1] + "_settings")]
    assert sorted(known) == sorted(set(with_settings) - {"event"})


@pytest.mark.parametrize(
    ("section", "vendor", "key"),
    [("sources", "zapier", "max_bytes"), ("connections", "http", "rate"), ("connections", "http", "concurrency")],
)
def test_true_is_no_number(section: str, vendor: str, key: str) -> None:
    own = {"vendor": vendor, **(SOURCES if section == "sources" else CONNECTIONS)[vendor]}
    with pytest.raises(RulesInvalid) as caught:
        load_text(json.dumps({"version": 1, section: {"a": {**own, key: True}}}), CATALOGUE, stand_in)
    assert "number belongs here, this is true or false" in caught.value.findings[0].message


def test_a_hook_that_is_no_address_is_told_at_its_place() -> None:
    text = "version: 1\nconnections:\n  zap:\n    vendor: zapier\n    hook_url: copied wrongly\n"
    with pytest.raises(RulesInvalid) as caught:
        load_text(text, CATALOGUE, stand_in)
    first = caught.value.findings[0]
    assert (5, 15, "hook_url is not an address: write https://host/path") == (first.line, first.column, first.message)


def test_include_takes_files_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for named, told in (("rules", "'rules' is a folder"), ("/dev/zero", "'/dev/zero' is not a file")):
        with pytest.raises(RulesInvalid) as caught:
            load_text(f"version: 1\ninclude: {named}\n", CATALOGUE, stand_in, folder=tmp_path)
        assert (2, 10, told) == (
            caught.value.findings[0].line,
            caught.value.findings[0].column,
            caught.value.findings[0].message,
        )


def test_a_text_in_quotes_is_warned_of_where_a_condition_belongs() -> None:
    for key in ("when", "if"):
        step = {**STEP, "if": "'data.total_cents > 5'"} if key == "if" else STEP
        rule = {**RULE, "do": [step], **({"when": ["true", "'data.total_cents > 5'"]} if key == "when" else {})}
        warnings = load_text(json.dumps({**WHOLE, "rules": [rule]}), CATALOGUE, stand_in).warnings
        assert ["text alone is no question: it always holds"] == [each.message for each in warnings]


def test_senders_of_ones_own_name_their_events_as_they_like() -> None:
    named = {"vendor": "webhook", "unverified": "only a test", "type": "${raw.event}"}
    for event, told in (("Order Created", []), ("a.b, c.d", ["'a.b, c.d' is the name of one event"])):
        document = {**WHOLE, "sources": {"shop": named}, "rules": [{**RULE, "event": event, "source": "shop"}]}
        found = load_text(json.dumps(document), CATALOGUE, stand_in)
        assert told == [each.message for each in found.warnings]
        assert ["r"] == [rule.id for rule in found.candidates(event, "shop")]


@pytest.mark.parametrize(
    "keys",
    [
        {"vendor": "housecall_pro", "signing_secret": SECRET, "tolerance": "0s"},
        {"vendor": "standard_webhooks", "secret": SECRET, "tolerance": "0s"},
        {
            "vendor": "webhook",
            "verify": {
                "scheme": "hmac",
                "header": "X-Sig",
                "secret": SECRET,
                "template": "{timestamp}.{body}",
                "timestamp_header": "X-Time",
                "tolerance": "0s",
            },
        },
    ],
)
def test_a_tolerance_of_nothing_would_refuse_every_delivery(keys: dict[str, Any]) -> None:
    with pytest.raises(RulesInvalid) as caught:
        load_text(json.dumps({"version": 1, "sources": {"a": keys}}), CATALOGUE, stand_in)
    assert ["it must be longer than 0s"] == [each.message for each in caught.value.findings]
