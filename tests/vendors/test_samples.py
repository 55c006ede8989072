from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.errors import NormalizationError
from hooks.kit.samples import Sample, golden_of, normalized, samples
from hooks.ports import Source, Vendor
from hooks.vendors import (
    cloudevents,
    housecall_pro,
    servicetitan,
    standard_webhooks,
    supergood,
    webhook,
    zapier,
)

NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)
SOURCES: dict[str, tuple[Vendor, dict[str, Any]]] = {
    "housecall_pro": (housecall_pro.vendor, {"signing_secret": "any secret"}),
    "zapier": (zapier.vendor, {"key": "any key"}),
    "servicetitan": (servicetitan.vendor, {"hmac_key": "any key"}),
    "supergood": (supergood.vendor, {"key": "any key"}),
    "standard_webhooks": (standard_webhooks.vendor, {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    "cloudevents": (cloudevents.vendor, {"key": "any key"}),
    "webhook": (webhook.vendor, {"unverified": "samples only"}),
}
NAMED_BY_SENDERS = {"standard_webhooks", "cloudevents"}
"""Vendors that are a format: their kinds are whatever their senders call them."""
ALL = [one for name in SOURCES for one in samples(name)]


def source(one: Sample) -> Source:
    vendor, given = SOURCES[one.vendor]
    assert vendor.source_settings is not None
    assert vendor.make_source is not None
    return vendor.make_source("sample", vendor.source_settings.model_validate(given))


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.address)
def test_a_sample_becomes_its_golden(one: Sample) -> None:
    assert list(one.golden) == golden_of(normalized(source(one), one, NOW))


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.address)
def test_no_sample_is_flagged_and_each_fits_its_kinds_model(one: Sample) -> None:
    models = {kind.name: kind.model for kind in SOURCES[one.vendor][0].kinds}
    assert one.golden
    for event in one.golden:
        assert event["flag"] is None
        assert event["type"] in models or one.vendor in NAMED_BY_SENDERS
        model = models.get(event["type"])
        if model is not None:
            assert event["data"] == model.model_validate(event["data"]).model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_declared_kind_has_a_sample(name: str) -> None:
    declared = {kind.vendor_type for kind in SOURCES[name][0].kinds}
    found = {event["vendor_type"] for one in samples(name) for event in one.golden}
    assert found
    assert declared == (set() if name in NAMED_BY_SENDERS else found)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.address)
def test_a_sample_holds_no_credentials_and_only_invented_people(one: Sample) -> None:
    assert not {"api-signature", "api-timestamp", "x-api-key", "authorization"} & set(one.headers)
    assert not [name for name in one.headers if "signature" in name or "secret" in name]
    assert "" == one.query
    for event in one.golden:
        text = json.dumps(event["data"])
        assert text.count("@") == text.count("example.org")
        assert text.count('"phone": "+1') <= text.count("55501")


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.address)
def test_a_redelivery_gives_the_same_drafts(one: Sample) -> None:
    assert normalized(source(one), one, NOW) == normalized(source(one), one, datetime.now(UTC))


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
strange = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


def mutate(value: Any, data: st.DataObject) -> Any:
    """The value with one place in it replaced, dropped or added to."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(value)))
        if data.draw(st.booleans()):
            return {**value, key: mutate(value[key], data)}
        return {name: kept for name, kept in value.items() if name != key}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [mutate(value[0], data), *value[1:], *data.draw(st.lists(strange, max_size=1))]
    return data.draw(strange)


@settings(max_examples=300)
@given(st.sampled_from([one for one in ALL if one.body[:1] in (b"{", b"[")]), st.data())
def test_a_mutated_sample_gives_drafts_or_is_not_readable(one: Sample, data: st.DataObject) -> None:
    body = json.dumps(mutate(json.loads(one.body), data)).encode()
    changed = Sample(one.vendor, one.name, one.method, one.path, one.query, one.headers, body)
    mine = source(changed)
    try:
        reading = mine.read(changed.inbound(NOW))
    except NormalizationError:
        return
    found = mine.normalize(changed.receipt("sample", reading, NOW, mine.kept_headers))
    assert reading.events == len(found)
    models = {kind.name: kind.model for kind in SOURCES[one.vendor][0].kinds}
    for draft in found:
        model = models.get(draft.type)
        if model is not None and draft.flag is None:
            fits = model.model_validate(draft.data, strict=True)
            assert draft.data == fits.model_dump(mode="json", exclude_none=True)
        assert draft.type
        assert draft.type == draft.vendor_type or draft.flag is None
        json.dumps([draft.data, draft.raw], allow_nan=False)


@settings(max_examples=300)
@given(st.sampled_from(ALL), st.integers(0, 5000), st.binary(max_size=3))
def test_a_sample_with_strange_bytes_gives_drafts_or_is_not_readable(one: Sample, place: int, strange: bytes) -> None:
    place %= len(one.body)
    body = one.body[:place] + strange + one.body[place + 1 :]
    changed = Sample(one.vendor, one.name, one.method, one.path, one.query, one.headers, body)
    mine = source(changed)
    try:
        reading = mine.read(changed.inbound(NOW))
    except NormalizationError:
        return
    assert reading.events == len(mine.normalize(changed.receipt("sample", reading, NOW, mine.kept_headers)))
