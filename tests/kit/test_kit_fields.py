from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.canonical import Address, Phones
from hooks.events import utc_text
from hooks.kit import fields
from hooks.kit.fields import FieldError, Fields, Table
from hooks.kit.phones import Phone, phone, phone_fields

READERS = [
    fields.text,
    fields.word,
    fields.number,
    fields.whole,
    fields.truth,
    fields.cents,
    fields.dollars,
    fields.instant,
    fields.instant_text,
    fields.texts,
    fields.emails,
    phone,
]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("0123456789.-+$,: TZx"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "content"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.sampled_from(READERS), values)
def test_a_reader_raises_nothing_but_field_error(reader: Any, value: Any) -> None:
    try:
        reader(value)
    except FieldError as error:
        assert str(error).startswith("expected ")


@pytest.mark.parametrize("reader", READERS)
def test_null_and_blank_text_are_nothing(reader: Any) -> None:
    assert reader(None) in (None, [])
    assert reader("  ") in (None, [])


@pytest.mark.parametrize("reader", [reader for reader in READERS if reader not in (fields.texts, fields.emails)])
@pytest.mark.parametrize("value", [{}, [], {"a": 1}, [1]])
def test_a_scalar_reader_takes_no_list_and_no_object(reader: Any, value: Any) -> None:
    with pytest.raises(FieldError):
        reader(value)


def test_text_is_trimmed_and_numbers_are_written_out() -> None:
    assert ["a b", "7", "1.5"] == [fields.text(" a b "), fields.text(7), fields.text(1.5)]
    with pytest.raises(FieldError):
        fields.text(True)


@pytest.mark.parametrize("value", ["", "a" * 201, "a\nb", "a\x00", None, True, 1.5, [], {}])
def test_a_name_that_could_not_stand_in_a_line_is_none(value: object) -> None:
    assert fields.name_text(value) is None


def test_a_name_is_printable_text_or_a_number() -> None:
    assert ["job.completed", "41", "Zoë"] == [fields.name_text(value) for value in ("job.completed", 41, "Zoë")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("needs scheduling", "needs_scheduling"),
        ("complete unrated", "complete_unrated"),
        ("InProgress", "in_progress"),
        ("OnHold", "on_hold"),
        ("  Pro-Canceled ", "pro_canceled"),
        ("won", "won"),
        ("---", None),
    ],
)
def test_status_words_are_lower_snake(given: str, expected: str | None) -> None:
    assert expected == fields.word(given)


@given(st.text())
def test_a_status_word_stays_as_it_is_the_second_time(given: str) -> None:
    once = fields.word(given)
    assert once == fields.word(once)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (189, 18900),
        ("189.00", 18900),
        ("$1,234.5", 123450),
        (0.1 + 0.2, 30),
        ("1.005", 101),
        ("-4", -400),
        ("-$4.10", -410),
        (".5", 50),
        (19.99, 1999),
    ],
)
def test_dollars_become_exact_cents(given: object, expected: int) -> None:
    assert expected == fields.dollars(given)


@pytest.mark.parametrize("given", ["free", "1,23", "1e5", "$", ".", "1.2.3", "NaN", float("inf"), 1e30, "9" * 60, True])
def test_what_is_no_amount_is_refused(given: object) -> None:
    with pytest.raises(FieldError):
        fields.dollars(given)


@given(st.integers(-(10**12), 10**12))
def test_cents_survive_being_written_as_dollars(amount: int) -> None:
    assert amount == fields.dollars(str(Decimal(amount) / 100))
    assert amount == fields.cents(amount) == fields.cents(str(amount)) == fields.cents(f"{amount}.0")


@pytest.mark.parametrize("given", [1.5, "1.5", "189.00", "many", 10**16, 1 << 1023, "1e999999999"])
def test_cents_are_whole_and_bounded(given: object) -> None:
    with pytest.raises(FieldError):
        fields.cents(given)


@pytest.mark.parametrize(
    ("given", "expected"), [(True, True), ("Yes", True), (1, True), ("false", False), ("0", False)]
)
def test_truth_is_read_from_words(given: object, expected: bool) -> None:
    assert expected is fields.truth(given)
    with pytest.raises(FieldError):
        fields.truth("perhaps")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-05-04T14:02:11Z", "2026-05-04T14:02:11Z"),
        ("2026-05-04T10:02:11-04:00", "2026-05-04T14:02:11Z"),
        ("2026-05-04T14:02:11.1234567Z", "2026-05-04T14:02:11.123456Z"),
        ("2026-05-04T14:02:11", "2026-05-04T14:02:11Z"),
        ("2026-05-04 14:02:11 UTC", "2026-05-04T14:02:11Z"),
        ("2026-05-04t14:02:11z", "2026-05-04T14:02:11Z"),
        ("2026-05-04", "2026-05-04T00:00:00Z"),
    ],
)
def test_instants_become_utc_text(given: str, expected: str) -> None:
    assert expected == fields.instant_text(given)


@pytest.mark.parametrize(
    "given", ["soon", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1775143244, "1" * 50]
)
def test_what_is_no_instant_is_refused(given: object) -> None:
    with pytest.raises(FieldError):
        fields.instant(given)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_survives_being_written(moment: datetime) -> None:
    assert moment == fields.instant(moment.isoformat())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("3035550142", Phone("+13035550142", True)),
        ("(303) 555-0142", Phone("+13035550142", True)),
        ("+1 416 555 0134", Phone("+14165550134", True)),
        ("303-555-0142 x12", Phone("+13035550142", True, "12")),
        (3035550142, Phone("+13035550142", True)),
        ("5550142", Phone("5550142", False)),
        ("+44 20 7946 0018", Phone("+44 20 7946 0018", False)),
        ("call me", Phone("call me", False)),
        ("303-555-0142 (cell)", Phone("+13035550142", True)),
        ("303-555-0142x12 - after 5, ask for Bo", Phone("+13035550142", True, "12")),
        ("303-555-0142 or (303) 555-0142", Phone("+13035550142", True)),
        ("303-555-0142 or 303-555-0143", Phone("303-555-0142 or 303-555-0143", False)),
        ("London: +44 20 7946 0018", Phone("London: +44 20 7946 0018", False)),
        ("account 303555014277", Phone("account 303555014277", False)),
        ("9" * 500, Phone("9" * 500, False)),
    ],
)
def test_phones_are_e164_where_they_are_american_or_canadian(given: object, expected: Phone) -> None:
    assert expected == phone(given)


def test_phone_fields_name_the_first_number_and_all_by_use() -> None:
    expected = {
        "phone": "+13035550118",
        "phone_valid": True,
        "phone_extension": "7",
        "phones": Phones(home="+13035550118", work="12", additional=["+13035550119"]).dump(),
    }
    assert expected == phone_fields(None, "3035550118 x7", "12", ["303-555-0119", "3035550119", ""])
    assert {} == phone_fields("", None)


def test_texts_come_from_lists_objects_and_commas_each_once() -> None:
    assert ["a", "b", "7"] == fields.texts([" a", {"name": "b"}, "a", None, "", 7, {"id": 1}])
    assert ["a", "b c"] == fields.texts("a, b c,,a")
    for wrong in (5, {"a": 1}, [[1]]):
        with pytest.raises(FieldError):
            fields.texts(wrong)


def test_emails_are_gathered_as_given() -> None:
    assert ["Maya@example.org", "m@example.org"] == fields.emails(
        " Maya@example.org; m@example.org", ["m@example.org"], None
    )


def test_names_beside_addresses_are_no_addresses_and_a_text_without_one_stays_whole() -> None:
    assert ["maya@example.org", "lee@example.org"] == fields.emails(
        "Maya Ortiz <maya@example.org>, Lee (lee@example.org)"
    )
    assert ["none at all"] == fields.emails(" none at all ")
    assert ["maya@example.org"] == fields.emails("<maya@example.org>")


def test_a_fraction_of_nothing_is_a_whole_number_of_text() -> None:
    assert ("3035550142", "0.5", "-3") == (fields.text(3035550142.0), fields.text(0.5), fields.text(-3.0))
    assert Phone("+13035550142", valid=True) == phone(3035550142.0)
    assert ("80401", "02139") == (fields.zip_code(80401.0), fields.zip_code(2139.0))


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("Maya Ortiz", ("Maya", "Ortiz")),
        ("  Maya   de la  Cruz ", ("Maya de la", "Cruz")),
        ("Ortiz, Maya", ("Maya", "Ortiz")),
        ("Sam Hill Jr.", ("Sam", "Hill Jr.")),
        ("Hill, Jr.", ("Hill,", "Jr.")),
        ("Harbor Dental, LLC", ("Harbor Dental,", "LLC")),
        ("Cher", ("Cher", None)),
        ("", (None, None)),
        (",", (None, None)),
        ("a, b, c", ("a, b,", "c")),
    ],
)
def test_full_names_are_split(full: str, expected: tuple[str | None, str | None]) -> None:
    assert expected == fields.split_name(full)


def test_a_display_name_is_the_person_else_the_company() -> None:
    assert "Maya Ortiz" == fields.display_name("Maya", "Ortiz", "Acme")
    assert "Ortiz" == fields.display_name(None, "Ortiz")
    assert "Acme" == fields.display_name(None, None, "Acme")
    assert fields.display_name(None, None) is None


def test_an_address_gets_its_one_line() -> None:
    made = fields.make_address(
        street="58 Maple Gate", street_line_2="Unit 2", city="Toronto", state="ON", zip="M4C 1B5", country="CA"
    )
    assert made is not None
    assert "58 Maple Gate, Unit 2, Toronto, ON M4C 1B5, CA" == made.one_line
    assert Address(zip="80401", country="US", one_line="80401") == fields.make_address(zip="80401", country="US")


def test_an_address_that_names_no_place_is_none() -> None:
    assert fields.make_address(id="adr_1", type="service", country="US") is None


def test_fields_are_read_by_the_first_name_that_holds_something() -> None:
    found = Fields({"a": None, "b": 0, "zip": 2139, "who": {"name": "Web"}, "where": "Web"}, "job")
    assert 0 == found.whole("a", "b") == found.dollars("a", "b")
    assert found.text("missing", "a") is None
    assert "02139" == found.zip("zip")
    assert "Web" == found.named("who") == found.named("where")
    assert found.object("a", "missing") is None
    assert [] == list(found.objects("a"))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda found: found.cents("total"), "job.total: expected a number"),
        (lambda found: found.object("total"), "job.total: expected an object"),
        (lambda found: list(found.objects("total")), "job.total: expected a list"),
        (lambda found: list(found.objects("items")), "job.items[1]: expected an object"),
        (lambda found: found.objects("notes")[0].instant("x"), "job.notes[0].x: expected a date and time"),
        (lambda found: found.objects("notes")[0].object("x"), "job.notes[0].x: expected an object"),
    ],
)
def test_a_field_error_names_the_path_and_not_the_value(read: Any, message: str) -> None:
    values = {"items": [{"x": 1}, "secret-value"], "notes": [{"x": "secret-value"}]}
    found = Fields({"total": "secret-value", **values}, "job")
    with pytest.raises(FieldError) as caught:
        read(found)
    assert message == str(caught.value)


def test_fields_of_something_else_than_an_object_are_refused() -> None:
    wrongs: tuple[object, ...] = (None, [], "text", 5)
    for wrong in wrongs:
        with pytest.raises(FieldError, match="job: expected an object"):
            Fields(wrong, "job")


@given(
    st.from_regex(
        r"[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](Z|\.5Z|\+02:00|)", fullmatch=True
    )
)
def test_an_instant_that_is_canonical_already_is_what_it_would_become(written: str) -> None:
    try:
        found = fields.instant(written)
    except FieldError:
        with pytest.raises(FieldError):
            fields.instant_text(written)
    else:
        assert found is not None
        assert utc_text(found) == fields.instant_text(written)


_ONE = Table(
    ("id", fields.text),
    ("number", fields.text, "invoice_number"),
    ("shown", None),
    ("total_cents", fields.cents, "amount", "total_amount"),
    ("tags", fields.texts),
    ("place", None),
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"shown": "yes", "tags": []}),
        ({"id": " a ", "invoice_number": 7}, {"id": "a", "number": "7", "shown": "yes", "tags": []}),
        ({"id": "  ", "total_amount": 5, "tags": "x, y"}, {"shown": "yes", "total_cents": 5, "tags": ["x", "y"]}),
        ({"amount": 1, "total_amount": 5}, {"shown": "yes", "total_cents": 1, "tags": []}),
        ({"amount": None, "total_amount": None, "place": "ours is made"}, {"shown": "yes", "tags": []}),
    ],
)
def test_a_table_gives_what_holds_something_in_its_order(values: dict[str, Any], expected: dict[str, Any]) -> None:
    found = Fields(values, "job").given(_ONE, {"shown": "yes", "place": None, "other": 1})
    assert list(expected.items()) == list(found.items())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": []}, "job.id: expected text"),
        ({"amount": "many"}, "job.amount: expected a number"),
        ({"total_amount": "many"}, "job.total_amount: expected a number"),
    ],
)
def test_a_table_names_the_field_that_cannot_be_read(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        Fields(values, "job").given(_ONE)
    assert message == str(caught.value)


def test_a_list_of_more_items_than_any_record_has_is_refused() -> None:
    many: list[object] = [{}] * 10_001
    found = Fields({"items": many, "tags": ["a"] * 10_001}, "job")
    for read in (lambda: list(found.objects("items")), lambda: found.texts("tags"), lambda: fields.emails(many)):
        with pytest.raises(FieldError, match="at most 10,000 items"):
            read()
    assert 10_000 == len(list(Fields({"items": many[1:]}, "job").objects("items")))
