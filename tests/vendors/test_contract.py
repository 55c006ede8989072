"""The contract that every vendor keeps: what is in its folder, what it verifies, what it reads.

A new vendor is added to `SENDERS` (how its sender proves a request); until it is, the suite fails and says which one is
missing. The tiny vendor of `tests/vendors/hello` keeps it too. What actions keep is in `test_contract_actions`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.errors import VerificationError
from hooks.kit.samples import Sample, golden_of, normalized, samples
from hooks.ports import ConnectionSettings, Inbound, Source, SourceSettings, Vendor
from hooks.registry import VENDORS, describe
from tests.vendors import hello

ALL: tuple[Vendor, ...] = (*VENDORS, hello.vendor)
NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)
SECRET = "a secret that nobody else has"
OTHER = "a secret that somebody else has"

UNDATED: Mapping[str, str] = {
    "http": "it is no vendor, so there is no document that could change",
    "event": "it is this program itself",
}

Signed = Callable[[str, bytes], Mapping[str, str]]


def package_of(vendor: Vendor) -> str:
    return "tests.vendors" if vendor is hello.vendor else "hooks.vendors"


def folder_of(vendor: Vendor) -> Path:
    return Path(str(files(package_of(vendor)))) / vendor.name if vendor is not hello.vendor else Path(hello.__path__[0])


# --- how senders prove themselves: a few lines of our own each, sharing nothing with the verifiers ---


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _housecall_pro(secret: str, body: bytes) -> Mapping[str, str]:
    stamp = str(int(NOW.timestamp()))
    return {"api-timestamp": stamp, "api-signature": _hex(secret, stamp.encode() + b"." + body)}


def _standard_webhooks(secret: str, body: bytes) -> Mapping[str, str]:
    identity, stamp = "msg_1", str(int(NOW.timestamp()))
    signed = hmac.new(base64.b64decode(secret), f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }


def _key(secret: str, body: bytes) -> Mapping[str, str]:
    return {"x-api-key": secret}


@dataclass(frozen=True)
class Sender:
    """``keys``: the source's settings with ``{secret}``. ``proves``: what changing makes the proof fail."""

    keys: Mapping[str, Any]
    sign: Signed
    secret: str = SECRET
    other: str = OTHER
    covers_body: bool = True
    timed: bool = False


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SENDERS: Mapping[str, Sender] = {
    "housecall_pro": Sender({"signing_secret": "{secret}"}, _housecall_pro, timed=True),
    "zapier": Sender({"key": "{secret}"}, _key, covers_body=False),
    "servicetitan": Sender(
        {"hmac_key": "{secret}"}, lambda secret, body: {"x-servicetitan-signature": _hex(secret, body)}
    ),
    "supergood": Sender({"key": "{secret}"}, _key, covers_body=False),
    "standard_webhooks": Sender(
        {"secret": "{secret}"}, _standard_webhooks, secret=_base64(SECRET), other=_base64(OTHER), timed=True
    ),
    "cloudevents": Sender({"key": "{secret}"}, _key, covers_body=False),
    "webhook": Sender(
        {"verify": {"scheme": "hmac", "header": "X-Signature", "prefix": "sha256="}, "secret": "{secret}"},
        lambda secret, body: {"x-signature": "sha256=" + _hex(secret, body)},
    ),
    "hello": Sender({"secret": "{secret}"}, lambda secret, body: {"x-hello-signature": _hex(secret, body)}),
}

RECEIVING = [vendor for vendor in ALL if vendor.make_source is not None]
SAMPLES = [(vendor, one) for vendor in RECEIVING for one in samples(vendor.name, package_of(vendor))]

each_vendor = pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: vendor.name)
each_receiver = pytest.mark.parametrize("vendor", RECEIVING, ids=lambda vendor: vendor.name)
each_sample = pytest.mark.parametrize(("vendor", "one"), SAMPLES, ids=[one.address for _, one in SAMPLES])


def filled(value: Any, secret: str) -> Any:
    if isinstance(value, dict):
        return {key: filled(inner, secret) for key, inner in value.items()}
    return secret if value == "{secret}" else value


def source(vendor: Vendor, secret: Any = None) -> Source:
    assert vendor.source_settings is not None
    assert vendor.make_source is not None
    sender = SENDERS[vendor.name]
    keys = filled(dict(sender.keys), sender.secret if secret is None else secret)
    return vendor.make_source("contract", vendor.source_settings.model_validate(keys))


def signed(vendor: Vendor, one: Sample, secret: str | None = None) -> Inbound:
    sender = SENDERS[vendor.name]
    return one.inbound(NOW, sender.sign(sender.secret if secret is None else secret, one.body))


def refuses(mine: Source, request: Inbound) -> bool:
    try:
        mine.verify(request)
    except VerificationError as error:
        return error.reason in ("missing", "malformed", "repeated", "stale", "mismatch")
    return False


# --- the folder and the registry ---


def test_every_folder_is_registered_and_every_vendor_has_its_folder() -> None:
    folders = {path.name for path in Path(str(files("hooks.vendors"))).iterdir() if (path / "__init__.py").is_file()}
    names = [vendor.name for vendor in VENDORS]
    assert sorted(folders) == sorted(names)
    assert len(names) == len(set(names))


@each_vendor
def test_a_folder_holds_what_its_vendor_does(vendor: Vendor) -> None:
    there = {path.name for path in folder_of(vendor).iterdir()}
    assert {"__init__.py", "README.md"} <= there
    assert ("source.py" in there) == (vendor.make_source is not None or vendor.built_in is not None)
    assert (vendor.make_source is None) == (vendor.source_settings is None)
    acts_outside = bool(vendor.actions) and vendor.built_in is None  # what is built in is tested as it is
    assert acts_outside == (vendor.connect is not None) == (vendor.connection_settings is not None)
    assert not vendor.actions or {"actions.py", "client.py"} <= there
    assert not acts_outside or "sandbox.py" in there
    assert importlib.import_module(f"{package_of(vendor)}.{vendor.name}").vendor is vendor


@each_vendor
def test_a_readme_names_the_vendor_and_dates_what_it_says(vendor: Vendor) -> None:
    text = (folder_of(vendor) / "README.md").read_text("utf-8")
    assert text.startswith("# ")
    assert vendor.name in UNDATED or re.search(r"\b20\d\d\b", text), "when was it read?"


@each_vendor
def test_settings_are_ours_extended_and_refuse_unknown_keys(vendor: Vendor) -> None:
    for model, root in (
        (vendor.source_settings, SourceSettings),
        (vendor.connection_settings, ConnectionSettings),
    ):
        if model is not None:
            assert issubclass(model, root)
            assert model.model_config["extra"] == "forbid"
            own = set(model.model_fields) - set(root.model_fields)
            assert [] == [name for name in own if not model.model_fields[name].description]


def test_every_vendor_is_described_for_programs() -> None:
    described = describe()
    assert [vendor.name for vendor in VENDORS] == [one["vendor"] for one in described]
    for one in described:
        assert {"vendor", "actions", "events"} <= set(one)
        for action in one["actions"]:
            assert {"name", "aliases", "operation", "method", "path", "inputs"} <= set(action)
            assert action["name"].startswith(one["vendor"] + ".")
    json.dumps(described)


# --- receiving ---


def test_every_receiving_vendor_has_a_sender_here() -> None:
    assert {vendor.name for vendor in RECEIVING} == set(SENDERS)


@each_receiver
def test_every_receiving_vendor_has_samples_with_goldens_and_declares_their_kinds(vendor: Vendor) -> None:
    found = samples(vendor.name, package_of(vendor))
    kinds = {kind.vendor_type for kind in vendor.kinds}
    assert found
    assert [] == [one.name for one in found if not one.golden]
    assert [] == [kind.name for kind in vendor.kinds if not kind.summary]
    assert not kinds or kinds == {event["vendor_type"] for one in found for event in one.golden} & kinds


@each_sample
def test_what_its_sender_signs_verifies(vendor: Vendor, one: Sample) -> None:
    source(vendor).verify(signed(vendor, one))


@each_sample
def test_a_sample_becomes_its_golden_the_same_every_time(vendor: Vendor, one: Sample) -> None:
    mine = source(vendor)
    assert list(one.golden) == golden_of(normalized(mine, one, NOW))
    assert normalized(mine, one, NOW) == normalized(source(vendor), one, NOW + timedelta(days=9))


@each_receiver
def test_every_tampering_is_refused(vendor: Vendor) -> None:
    sender, mine = SENDERS[vendor.name], source(vendor)
    one = samples(vendor.name, package_of(vendor))[0]
    good = signed(vendor, one)
    proofs = [name.encode() for name in sender.sign(sender.secret, one.body)]
    mine.verify(good)

    assert refuses(mine, signed(vendor, one, sender.other))
    for proof in proofs:
        kept = [pair for pair in good.headers if pair[0] != proof]
        value = next(value for name, value in good.headers if name == proof)
        assert refuses(mine, good._replace(headers=kept)), proof
        assert refuses(mine, good._replace(headers=[*kept, (proof, b"")])), proof
        assert refuses(mine, good._replace(headers=[*good.headers, (proof, value)])), "twice"
        for spoilt in (value[:-1], value + b"0", value[:-1] + bytes([value[-1] ^ 1]), b"\xff" * len(value)):
            assert refuses(mine, good._replace(headers=[*kept, (proof, spoilt)])), (proof, spoilt)
    if sender.covers_body:
        for body in (b"", one.body[:-1], one.body + b" ", one.body.swapcase()):
            assert refuses(mine, good._replace(body=body))
    if sender.timed:
        for drift in (-3600, 3600):
            assert refuses(mine, good._replace(received_at=NOW + timedelta(seconds=drift)))


@each_receiver
def test_two_secrets_are_good_at_once(vendor: Vendor) -> None:
    sender = SENDERS[vendor.name]
    both = source(vendor, [sender.other, sender.secret])
    one = samples(vendor.name, package_of(vendor))[0]
    for secret in (sender.secret, sender.other):
        both.verify(signed(vendor, one, secret))


@each_receiver
def test_a_secret_is_in_no_repr(vendor: Vendor) -> None:
    assert vendor.source_settings is not None
    sender = SENDERS[vendor.name]
    configured = vendor.source_settings.model_validate(filled(dict(sender.keys), sender.secret))
    assert sender.secret not in repr(configured)
    assert sender.secret not in str(configured.model_dump())
    assert sender.secret not in repr(source(vendor))


NAMES = sorted({name for sender in SENDERS.values() for name in sender.sign(sender.secret, b"")} | {"authorization"})


@settings(max_examples=200, deadline=None)
@given(
    vendor=st.sampled_from(RECEIVING),
    headers=st.lists(st.tuples(st.sampled_from(NAMES).map(str.encode), st.binary(max_size=80)), max_size=4),
    query=st.binary(max_size=40),
    body=st.binary(max_size=80),
)
def test_verify_is_total_and_lets_no_stranger_in(
    vendor: Vendor, headers: list[tuple[bytes, bytes]], query: bytes, body: bytes
) -> None:
    assert refuses(source(vendor), Inbound("POST", "", query, headers, body, NOW))
