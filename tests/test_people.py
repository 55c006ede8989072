"""Who is who, decided from values: keys in any writing, names that fit or contradict, and what is doubtful."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.names import compare, likeness, name_in, plain_name
from hooks.people import (
    Candidate,
    KeptAt,
    Sighting,
    VendorRecord,
    customer_in,
    decide,
    email_key,
    in_any_writing,
    phone_key,
    place_key,
    record_id,
    sighting,
    tells_apart,
)

NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
PHONE = ("phone", "+13035550142")
EMAIL = ("email", "maya@example.org")
TITAN = KeptAt("servicetitan", "connection", "titan")


def seen(name: str | None, *keys: object, record: VendorRecord | None = None) -> Sighting:
    return Sighting("evt_1", "evt_1", NOW, name, None, keys, record)  # type: ignore[arg-type]


def known(name: str | None, *shared: object, order: int = 1, **more: object) -> Candidate:
    return Candidate(f"per_{order}", order, name, None, frozenset(shared), **more)  # type: ignore[arg-type]


# --- keys ---


@pytest.mark.parametrize(
    "written",
    ["+13035550142", "303-555-0142", "(303) 555 0142", "1.303.555.0142", "+1 303 555 0142", "303.555.0142 x7"],
)
def test_a_phone_number_is_one_key_in_any_writing(written: str) -> None:
    assert "+13035550142" == phone_key(written)


@pytest.mark.parametrize("written", [None, 3035550142, "", "555-0142", "call me maybe", "000-000-0000", "1" * 60])
def test_what_is_no_number_is_no_key(written: object) -> None:
    assert phone_key(written) is None


def test_addresses_that_stand_for_none_are_no_keys() -> None:
    assert "maya@example.org" == email_key("  Maya@Example.org ")
    for written in ("none@none.com", "noreply@example.org", "n/a", "maya", None, 7, "a@b"):
        assert email_key(written) is None


def test_what_forms_hold_of_everybody_tells_nobody_apart() -> None:
    for own in ("+13035550142", "555-0142", "(303) 555-0142 x7", "maya@example.org"):
        assert tells_apart(own)
    for shared in ("n/a", "000-000-0000", "555-555-5555", "123 456 7890", "none@none.com", "@", "", None):
        assert not tells_apart(shared)


def test_a_place_is_the_same_however_the_street_is_written() -> None:
    one = place_key("Maya Ortiz", {"street": "18 Birch Road, Unit 4", "zip": "80401-1234"})
    assert one is not None
    assert one == place_key("Ortiz, Maya", {"street": "18 birch rd apt. 4", "zip": 80401})
    assert place_key("Maya", {"street": "18 Birch Rd"}) is None
    assert place_key(None, {"street": "18 Birch Rd", "zip": "80401"}) is None


def test_a_customer_is_found_in_the_data_of_any_event() -> None:
    assert {"id": "1"} == customer_in("customer.created", {"id": "1"})
    assert {"id": "1"} == customer_in("job.completed", {"customer": {"id": "1"}})
    assert customer_in("job.completed", {"customer": "Maya"}) is None
    assert customer_in("customer.created", ["Maya"]) is None


def test_a_message_without_anything_to_be_known_by_is_of_nobody() -> None:
    assert sighting({"display_name": "Maya Ortiz"}, origin="evt_1", event="evt_1", at=NOW) is None


def test_a_number_in_place_of_a_name_is_no_name() -> None:
    found = sighting({"display_name": "+13035550142", "phone": "+13035550142"}, origin="e", event="e", at=NOW)
    assert found is not None
    assert (None, (PHONE,)) == (found.name, found.keys)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["+13035550142", "a@example.org"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["phone", "phones", "email", "emails", "address", "addresses", "display_name", "first_name", "last_name", "company"]
)


@given(st.dictionaries(_FIELDS, _JSON), _JSON)
def test_whatever_is_sent_as_a_customer_is_read_without_a_fault(customer: dict[str, object], place: object) -> None:
    found = sighting(customer, origin="evt_1", event="evt_1", at=NOW, place=place)
    for kind, value in () if found is None else found.keys:
        assert value.isprintable()
        assert kind in ("phone", "email", "place")
        value.encode()


def test_only_a_text_or_a_number_is_an_id() -> None:
    assert ["cus_1", "7", None, None, None, None] == [
        record_id(value) for value in ("cus_1", 7, True, None, "x" * 300, "a\0b")
    ]


# --- names ---


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("Maya Ortiz", "MAYA  ORTÍZ", "same"),
        ("Ortiz, Maya", "Maya Ortiz", "same"),
        ("Mrs. Maya Ortiz", "Maya Ortiz", "same"),
        ("Maya L. Ortiz", "Maya Ortiz", "close"),
        ("M. Ortiz", "Maya Ortiz", "close"),
        ("Maya", "Maya Ortiz", "close"),
        ("Bob Miller", "Robert Miller", "close"),
        ("Katherine Doe", "Katherina Doe", "close"),
        ("Maya Ortiz", "Maya Lake", "close"),
        ("Tom and Lisa Berg", "Lisa Berg", "close"),
        ("Tom Berg", "Lisa Berg", "family"),
        ("Maya L Ortiz", "Leo Ortiz", "family"),
        ("Maya Ortiz", "Ben Wu", "different"),
        ("Ed Poe", "Al Poe", "family"),
        (None, "Maya Ortiz", "unknown"),
        ("maya@example.org", "Maya Ortiz", "unknown"),
        ("+13035550142", "Maya Ortiz", "unknown"),
    ],
)
def test_names_fit_or_contradict(one: str | None, other: str, wanted: str) -> None:
    assert wanted == likeness(one, None, other, None)
    assert wanted == likeness(other, None, one, None)


def test_companies_are_compared_where_nobody_has_a_name() -> None:
    assert "same" == likeness(None, "Birch Dental, Inc.", None, "Birch Dental")
    assert "different" == likeness(None, "Birch Dental", None, "Oak Garage")
    assert "unknown" == likeness("Maya Ortiz", "Birch Dental", None, "Oak Garage")


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_names_is_total_and_has_no_direction(one: str, other: str) -> None:
    first, second = plain_name(one), plain_name(other)
    assert compare(first, second) == compare(second, first)
    assert compare(first, first) in ("same", "unknown")


# --- decisions ---


def test_the_same_number_is_the_same_person_unless_the_names_contradict() -> None:
    assert "per_1" == decide(seen("Maya Ortiz", PHONE), [known("M. Ortiz", PHONE)]).person
    assert "per_1" == decide(seen(None, PHONE), [known("M. Ortiz", PHONE)]).person
    family = decide(seen("Leo Ortiz", PHONE), [known("Maya Ortiz", PHONE)])
    assert family.person is None
    assert ["per_1"] == [doubt.person for doubt in family.doubts]
    assert "the same phone and the same last name and another first name: a family?" == family.doubts[0].why
    office = decide(seen("Ben Wu", PHONE), [known("Maya Ortiz", PHONE)])
    assert "a shared phone or office?" in office.doubts[0].why
    assert office.doubts[0].confidence < family.doubts[0].confidence


def test_the_one_of_the_same_name_is_taken_among_those_of_the_same_number() -> None:
    found = decide(seen("Leo Ortiz", PHONE), [known("Maya Ortiz", PHONE), known("Leo Ortiz", PHONE, order=2)])
    assert "per_2" == found.person
    assert () == found.merged


def test_two_whom_one_message_shows_to_be_one_are_joined() -> None:
    found = decide(seen("Maya Ortiz", PHONE, EMAIL), [known("Maya", PHONE), known("Maya Ortiz", EMAIL, order=2)])
    assert ("per_2", ("per_1",)) == (found.person, found.merged)


def test_two_with_a_record_each_at_one_account_are_not_joined_silently() -> None:
    holds = frozenset({(TITAN, "customer")})
    found = decide(
        seen("Maya Ortiz", PHONE, EMAIL),
        [known("Maya Ortiz", PHONE, holds=holds), known("Maya Ortiz", EMAIL, order=2, holds=holds)],
    )
    assert ("per_1", ()) == (found.person, found.merged)
    assert ["per_2"] == [doubt.person for doubt in found.doubts]


def test_a_message_without_a_name_joins_nobody() -> None:
    found = decide(seen(None, PHONE, EMAIL), [known("Maya Ortiz", PHONE), known("Leo Lake", EMAIL, order=2)])
    assert () == found.merged
    assert 1 == len(found.doubts)


def test_the_vendors_own_record_decides_whatever_has_changed() -> None:
    record = VendorRecord(TITAN, "customer", "7")
    found = decide(seen("Maya Lake", EMAIL, record=record), [known("Ben Wu", has_record=True)])
    assert ("per_1", 1.0) == (found.person, found.confidence)


def test_a_name_and_an_address_are_a_suspicion_only() -> None:
    place = ("place", "maya ortiz|18 birch rd|80401")
    found = decide(seen("Maya Ortiz", PHONE, place), [known("Maya Ortiz", place)])
    assert (None, [0.6]) == (found.person, [doubt.confidence for doubt in found.doubts])
    alone = decide(seen("Maya Ortiz", place), [known("Maya Ortiz", place, reachable=False)])
    assert ("per_1", 0.75) == (alone.person, alone.confidence)


def test_one_message_makes_few_doubts() -> None:
    crowd = [known(f"Name{letter} Other{letter}", PHONE, order=at) for at, letter in enumerate("abcdefgh")]
    assert 3 == len(decide(seen("Maya Ortiz", PHONE), crowd).doubts)


# --- texts ---


@pytest.mark.parametrize(
    "text",
    ["call (303) 555-0142 now", '{"phone": "+13035550142"}', "1-303-555-0142", "303 555 0142", "MAYA@example.org"],
)
def test_a_text_that_holds_a_key_is_found(text: str) -> None:
    pattern = in_any_writing([PHONE, EMAIL])  # type: ignore[list-item]
    assert pattern is not None
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["30355501429", "93035550142", "maya@example.orgx", "amaya@example.org", "303-555"])
def test_a_text_that_holds_a_longer_one_is_not(text: str) -> None:
    pattern = in_any_writing([PHONE, EMAIL])  # type: ignore[list-item]
    assert pattern is not None
    assert not pattern.search(text)


def test_without_keys_there_is_nothing_to_find() -> None:
    assert in_any_writing([("place", "maya|18 birch rd|80401")]) is None


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"customer": {"display_name": " Maya Ortiz "}, "display_name": "another"}, "Maya Ortiz"),
        ({"customer": {"first_name": "Maya", "last_name": "Ortiz"}}, "Maya Ortiz"),
        ({"customer": {"company": "Ortiz LLC", "first_name": None}}, "Ortiz LLC"),
        ({"customer": None, "last_name": "Park"}, "Park"),
        ({"customer": "cus_1"}, None),
        ({"display_name": 7}, None),
        ([{"display_name": "Maya"}], None),
        (None, None),
    ],
)
def test_an_event_is_about_its_customer_or_whom_it_describes(data: Any, name: str | None) -> None:
    assert name == name_in(data)
