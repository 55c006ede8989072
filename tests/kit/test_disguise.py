"""People in an event are replaced by invented ones: all of them, the same by the same, and nothing else."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.kit.disguise import Disguise


def masked(value: Any) -> Any:
    disguise = Disguise()
    disguise.learn(value)
    return disguise.mask(value)


def test_the_same_person_is_the_same_one_everywhere() -> None:
    made = masked(
        {
            "customer": {"first_name": "Ines", "last_name": "Calderon", "mobile_number": "(513) 770-0188"},
            "Name": "INES CALDERON",
            "note": "ines calderon says: 513.770.0188, not 5137700188 at night. Mail Ines.C@work.example!",
            "email": "ines.c@work.example",
        }
    )

    assert {
        "customer": {"first_name": "Avery", "last_name": "Example", "mobile_number": "(513) 555-0101"},
        "Name": "AVERY EXAMPLE",
        "note": "avery example says: 513.555.0101, not 5135550101 at night. Mail person1@example.org!",
        "email": "person1@example.org",
    } == made


def test_places_companies_and_numbers_are_replaced_in_their_form() -> None:
    made = masked(
        {
            "company": "Calderon Plumbing",
            "address": {"street": "12 Birch Lane", "street_line_2": "Apt 4", "city": "Mason", "zip": "45040",
                        "one_line": "12 Birch Lane, Apt 4, Mason, OH 45040", "latitude": 39.36012},
            "Address1": "12 Birch Lane",
            "phone": 5137700188,
            "phones": {"home": "+1 513-770-0188", "office_phone": "770-0199"},
            "photo": "https://files.example.com/a.jpg?signature=abc",
        }
    )  # fmt: skip

    assert {
        "company": "Example Company 1",
        "address": {"street": "101 Sample Street", "street_line_2": "Unit 1", "city": "Mason", "zip": "45040",
                    "one_line": "101 Sample Street, Apt 4, Mason, OH 45040", "latitude": 39.0},
        "Address1": "101 Sample Street",
        "phone": 5135550101,
        "phones": {"home": "+1 513-555-0101", "office_phone": "555-0102"},
        "photo": "https://files.example.com/a.jpg",
    } == made  # fmt: skip


def test_what_is_about_no_person_stays() -> None:
    value = {
        "id": "5137700188",
        "invoice_number": "5137700188",
        "created_at": "2026-05-04T14:02:11Z",
        "total_cents": 15000,
        "phone_valid": True,
        "email_enabled": "no",
        "tags": ["vip"],
        "line_items": [{"name": "Drain cleaning", "quantity": 1}],
        "status": None,
    }

    assert value == masked(value)


@given(
    st.from_regex(r"[B-Z][q-z]{4,9}", fullmatch=True),
    st.from_regex(r"[2-9]\d{2}7[0-4]\d{5}", fullmatch=True),
    st.from_regex(r"[q-z]{5,9}@[q-z]{3,8}\.com", fullmatch=True),
    st.sampled_from(["{0} called from {1}, see {2}", "{2};{0};{1}", "<{0}> {1}\n{2}"]),
)
def test_nobody_is_left_in_free_text(name: str, phone: str, email: str, form: str) -> None:
    made = json.dumps(masked({"customer": {"last_name": name}, "note": form.format(name, phone, email)}))

    assert name not in made
    assert phone not in made
    assert email not in made


LONG = 400_000


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "W" * LONG,
        "https://" * (LONG // 8),
        "https://a?" * (LONG // 10),
        "a@" * (LONG // 2),
        "a." * (LONG // 2),
        "303-555-" * (LONG // 8),
        " ".join(f"word{number}" for number in range(LONG // 10)),
    ],
    ids=["one word", "addresses", "queries", "at", "dots", "numbers", "words"],
)
def test_a_text_of_any_length_takes_as_long_as_it_is_long(text: str) -> None:
    customers = [{"name": f"The {n} Ruiz"} for n in range(9000)]

    def used(text: str) -> float:
        disguise = Disguise()
        given = {"name": text, "company": text, "notes": text, "customers": customers}
        began = time.process_time()
        disguise.learn(given)
        masked = disguise.mask(given)
        took = time.process_time() - began
        assert text != masked["name"]
        return took

    assert used(text) < 10 * used(text[: len(text) // 4]), "four times the text takes four times as long"


def test_queries_of_addresses_are_left_out_and_what_stands_around_them_stays() -> None:
    text = "see https://x.example/a?b=c#d, or (http://y.example/#top) and https://? and ftp://z?q"
    assert (
        "see https://x.example/a or (http://y.example/ and https://? and ftp://z?q"
        == Disguise().mask({"note": text})["note"]
    )


def test_what_is_known_is_found_whole_and_the_longest_of_it_first() -> None:
    disguise = Disguise()
    disguise.learn({"company": "Blue Harbor Plumbing", "street": "#12 Harbor Way", "name": "Harbor O'Neil"})
    told = disguise.mask({"note": "BLUE HARBOR PLUMBING at #12 Harbor Way; harborside, Harbor's o'neil"})["note"]
    assert "EXAMPLE COMPANY 1 at 101 Sample Street; harborside, Avery's example" == told
