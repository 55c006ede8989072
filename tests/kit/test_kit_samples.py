from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks.kit import samples as kit
from hooks.kit.samples import sample, samples, write_goldens
from hooks.ports import Reading, Vendor
from hooks.vendors import housecall_pro, zapier

NOW = datetime(2026, 5, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("housecall_pro/job.completed", "job.completed"),
        ("housecall_pro/job.appointment.scheduled", "job.appointment.scheduled"),
        ("housecall_pro/appointment.scheduled", "job.appointment.scheduled"),
        ("zapier/lead.created", "lead.created"),
        ("zapier/post", "lead.created"),
        ("zapier/customer.created", "createcustomer"),
        ("zapier/createlead", "createlead"),
    ],
)
def test_a_sample_is_found_by_its_name_its_vendors_name_and_its_type(address: str, name: str) -> None:
    assert name == sample(address).name


def test_an_unknown_address_is_told_with_the_nearest_one() -> None:
    with pytest.raises(LookupError, match=r"did you mean housecall_pro/job\.completed"):
        sample("housecall_pro/job.complete")
    for address in ("nobody/job.completed", "../secrets/x", "housecall_pro", ""):
        with pytest.raises(LookupError):
            sample(address)


def test_a_vendor_without_samples_has_none() -> None:
    assert () == samples("nobody")
    assert () == samples("../kit")


def test_all_41_names_of_housecall_pro_have_a_sample() -> None:
    assert 41 == len(samples("housecall_pro"))
    assert "housecall_pro/customer.created" == samples("housecall_pro")[0].address


def test_a_sample_becomes_a_request_with_what_its_sender_adds() -> None:
    one = sample("zapier/createlead")
    request = one.inbound(NOW, {"X-Api-Key": "k"}, query="a=1")
    assert ("POST", "/api/zapier/createlead", b"a=1") == (request.method, request.path, request.query)
    assert b"k" == request.header(b"x-api-key")
    assert "application/x-www-form-urlencoded" == request.content_type
    stored = one.receipt("leads", Reading(events=2, masked=b"***"), NOW)
    assert ("leads", "zapier", 2, b"***") == (stored.source, stored.vendor, stored.events, stored.body)
    assert {"content-type", "user-agent"} == set(stored.headers)


def test_goldens_that_are_right_are_not_written_again() -> None:
    assert [] == write_goldens(housecall_pro.vendor, {"signing_secret": "any"}, NOW)
    assert [] == write_goldens(zapier.vendor, {"key": "any"}, NOW)


def test_samples_of_any_package_are_loaded_and_get_their_goldens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some_vendors" / "zapier" / "samples"
    folder.mkdir(parents=True)
    (folder.parent.parent / "__init__.py").write_text("")
    (folder / "hi.json").write_text('{"method":"POST","path":"","query":"a=1","headers":{},"body":"name=Zé"}', "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    (one,) = kit.samples("zapier", "some_vendors")
    assert ("zapier/hi", "name=Zé".encode(), ()) == (one.address, one.body, one.golden)
    assert one == kit.sample("zapier/hi", "some_vendors")
    assert b"a=1" == one.inbound(NOW).query
    assert ["hi"] == write_goldens(zapier.vendor, {"key": "any"}, NOW, "some_vendors")
    assert "Zé" == kit.sample("zapier/lead.created", "some_vendors").golden[0]["data"]["customer"]["display_name"]
    assert [] == write_goldens(zapier.vendor, {"key": "any"}, NOW, "some_vendors")


def test_a_vendor_without_a_source_has_no_goldens() -> None:
    assert [] == write_goldens(Vendor(name="zapier", title="Zapier"), {}, NOW)
