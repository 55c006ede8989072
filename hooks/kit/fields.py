"""Normalize: readers that turn a vendor's fields into canonical values. Pure; raise `FieldError`, nothing else.

The functions take one value, the class `Fields` reads them from an object by name and knows the path for messages. All
agree on three things: null, missing and blank text are None; a value is read if it can mean only one thing (a number
written as text, a price in dollars); any other shape is a `FieldError`, because a silently dropped field would let a
rule act on half of the truth. Messages name the field and what was expected, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, TypeVar

from hooks.canonical import Address
from hooks.events import utc_text
from hooks.remembered import remembered

WORDS_KNOWN = 512
"""Status words that were read last: a vendor has a few dozen."""

_MAX_CENTS = 10**15
_MAX_NUMBER_TEXT = 40
_MAX_NAME = 200
_MAX_ITEMS = 10_000
"""Of one list. A body of a mebibyte holds 250,000 empty objects, and reading each of them takes seconds."""

_TOO_MANY = f"expected at most {_MAX_ITEMS:,} items"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_MONEY = re.compile(r"(-?)\$?\s*((?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?)")
_DECIMALS = re.compile(r"\.\d\d\s*$")
_CANONICAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")
_MAIL_SEPARATOR = re.compile(r"[,;\s]+")
_NAME_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_COMPANY_WORDS = frozenset({"llc", "inc", "co", "corp", "ltd", "lp", "llp", "pc", "company"})

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_T = TypeVar("_T")


class FieldError(ValueError):
    """A field does not have a shape that can be read. The message is safe to store: a path and what was expected."""


# --- one value ---


def text(value: object) -> str | None:
    """Text without surrounding blanks; a number becomes its digits, blank text None."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # spreadsheets make a fraction of each number: 3035550142.0 is a telephone all the same
        return str(int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value)
    raise FieldError("expected text")


def name_text(value: object) -> str | None:
    """A name or an id that may stand in a column, a log line or an address; None when the value is no such thing.

    At most 200 printable characters. Numbers are written out. Never raises.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value or len(value) > _MAX_NAME or not value.isprintable():
        return None
    return value


def word(value: object) -> str | None:
    """A status word in lower_snake: ``needs scheduling`` and ``NeedsScheduling`` are ``needs_scheduling``."""
    given = text(value)
    return None if given is None else _word(given)


@remembered(WORDS_KNOWN)
def _word(given: str) -> str | None:
    return _NOT_WORD.sub("_", _CAMEL.sub("_", given).lower()).strip("_") or None


def number(value: object) -> int | float | None:
    """A number, also one written as text; a whole one is an int."""
    if type(value) is int and -_MAX_CENTS <= value <= _MAX_CENTS:
        return value
    given = text(value)
    if given is None:
        return None
    exact = _decimal(given)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def whole(value: object) -> int | None:
    """A whole number, also written as text or with nothing but zeros after its point."""
    found = number(value)
    if isinstance(found, float):
        raise FieldError("expected a whole number")
    return found


def truth(value: object) -> bool | None:
    """True or false, also as the words ``true``, ``false``, ``yes``, ``no``, ``1``, ``0``."""
    if isinstance(value, bool):
        return value
    given = text(value)
    if given is None:
        return None
    if given.lower() in ("true", "yes", "1"):
        return True
    if given.lower() in ("false", "no", "0"):
        return False
    raise FieldError("expected true or false")


def cents(value: object) -> int | None:
    """Money that the sender gives in cents, as an integer. Text with two decimals might be dollars, and is refused."""
    if isinstance(value, str) and _DECIMALS.search(value):
        raise FieldError("expected a whole number of cents")
    found = whole(value)
    if found is not None and abs(found) > _MAX_CENTS:
        raise FieldError("expected an amount of money")
    return found


def dollars(value: object) -> int | None:
    """Money that the sender gives in dollars (``189``, ``"189.00"``, ``"$1,200.50"``), as integer cents.

    Exact: no binary fraction is ever multiplied. Half a cent is rounded away from zero.
    """
    given = text(value)
    if given is None:
        return None
    if isinstance(value, str):
        parts = _MONEY.fullmatch(given)
        if parts is None or not parts[2].strip("."):
            raise FieldError("expected an amount of money")
        given = parts[1] + parts[2].replace(",", "")
    amount = _decimal(given) * 100
    if abs(amount) > _MAX_CENTS:
        raise FieldError("expected an amount of money")
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _decimal(given: str) -> Decimal:
    try:
        exact = Decimal(given) if len(given) <= _MAX_NUMBER_TEXT else Decimal("NaN")
    except InvalidOperation as error:
        raise FieldError("expected a number") from error
    if not exact.is_finite() or exact.adjusted() > _MAX_NUMBER_TEXT:
        raise FieldError("expected a number")
    return exact


def instant(value: object) -> datetime | None:
    """An ISO 8601 instant, in UTC.

    One without an offset is taken as UTC and a date alone as its first second in UTC: the vendors' documents promise
    UTC and their older bodies leave the letter out.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str) or len(value) > _MAX_NUMBER_TEXT:
        raise FieldError("expected a date and time")
    try:
        found = datetime.fromisoformat(value.strip().upper().replace(" UTC", "Z"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FieldError("expected a date and time") from error


def instant_text(value: object) -> str | None:
    """An instant as canonical objects hold it: UTC text ending in ``Z``."""
    if type(value) is str and _CANONICAL.fullmatch(value):
        try:
            datetime.fromisoformat(value)  # whether there is such a day
        except ValueError as error:
            raise FieldError("expected a date and time") from error
        return value
    found = instant(value)
    return None if found is None else utc_text(found)


def texts(value: object) -> list[str]:
    """Tags and the like: a list of texts or of objects with a ``name``, or one text with commas. Each text once."""
    if value is None:
        return []
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        raise FieldError("expected a list of texts")
    found = [text(item.get("name") if isinstance(item, dict) else item) for item in _not_endless(value)]
    return list(dict.fromkeys([item for item in found if item is not None]))


def emails(*values: object) -> list[str]:
    """All addresses in these values, as given, in order; a text may hold several, parted by commas or blanks.

    Names that stand with them (``Maya Ortiz <maya@example.org>``) are left out; a text without any stays as it is.
    """
    found: dict[str, None] = {}
    for value in values:
        if type(value) is str and "<" not in value and not _MAIL_SEPARATOR.search(value):
            if value:
                found[value] = None
            continue
        for given in _not_endless(value) if isinstance(value, list) else [value]:
            whole = text(given)
            parts = [part.strip("<>()\"'") for part in _MAIL_SEPARATOR.split(whole or "") if "@" in part]
            found.update((address, None) for address in (parts or [whole]) if address)
    return list(found)


def _not_endless(items: list[Any]) -> list[Any]:
    if len(items) > _MAX_ITEMS:
        raise FieldError(_TOO_MANY)
    return items


# --- names and addresses ---


def display_name(first: str | None, last: str | None, company: str | None = None) -> str | None:
    """First and last name, else the company, else None."""
    if first and last:
        return f"{first} {last}"
    return " ".join(part for part in (first, last) if part) or company


def split_name(full: str) -> tuple[str | None, str | None]:
    """First and last name of a full one: the last word is the last name, ``Ortiz, Maya`` is turned round.

    >>> split_name("Maya Ortiz"), split_name("Ortiz, Maya"), split_name("Sam Hill Jr."), split_name("Cher")
    (('Maya', 'Ortiz'), ('Maya', 'Ortiz'), ('Sam', 'Hill Jr.'), ('Cher', None))
    """
    last, comma, first = full.partition(",")
    if comma and not _plain_words(first) & (_NAME_SUFFIXES | _COMPANY_WORDS) and "," not in first:
        return text(first), text(last)
    words = full.split()
    if not words:
        return None, None
    tail = 2 if len(words) > 2 and words[-1].strip(".,").lower() in _NAME_SUFFIXES else 1
    if len(words) <= tail:
        return words[0], None
    return " ".join(words[:-tail]), " ".join(words[-tail:])


def _plain_words(some: str) -> set[str]:
    return {part.strip(".,").lower() for part in some.split()}


def one_line(address: Mapping[str, str | None]) -> str | None:
    """The address as a person writes it on one line; the country only when it is not the US.

    >>> one_line({"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401", "country": "US"})
    '18 Birch Rd, Golden, CO 80401'
    """
    place = " ".join([part for part in (address.get("state"), address.get("zip")) if part])
    country = address.get("country")
    if country is not None and country.upper() in ("US", "USA", "UNITED STATES"):
        country = None
    parts = (address.get("street"), address.get("street_line_2"), address.get("city"), place, country)
    return ", ".join([part for part in parts if part]) or None


def make_address(**parts: str | None) -> Address | None:
    """The Address of these parts, with its one line; None when no part says where it is."""
    line = one_line(parts)
    return None if line is None else Address(**parts, one_line=line)


# --- an object's fields ---


class Table:
    """Fields of ours in their order: each with its reader and the names under which it comes, its own if none is given.

    Where the reader is None the value is made elsewhere: see `Fields.given`.
    """

    __slots__ = ("rows",)

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self.rows: tuple[tuple[str, Callable[[object], Any] | None, str, tuple[str, ...]], ...] = tuple(
            (name, reader, names[0] if names else name, tuple(names[1:])) for name, reader, *names in rows
        )


class Fields:
    """An object of a vendor's body whose fields are read by name; the first name that holds something counts.

    ``path`` is where the object stands in the body (``job.customer``), for messages.
    """

    __slots__ = ("_path", "_values")

    def __init__(self, values: object, path: str | tuple[Fields, str]) -> None:
        """``path`` may also be the object that it stands in, and what follows its path."""
        self._path = path
        if type(values) is not dict and not isinstance(values, Mapping):
            raise FieldError(f"{self.path}: expected an object")
        self._values = values

    @property
    def path(self) -> str:
        """Where it stands. It is put together when it is asked for: only messages need it."""
        if isinstance(self._path, str):
            return self._path
        around, place = self._path
        return f"{around.path}{place}"

    # Nearly all fields are missing, null or texts, and have one name: that is seen to first, in each of these.

    def read(self, reader: Callable[[object], _T], name: str, *more: str) -> _T:
        """What ``reader`` makes of the first of these fields that is there and not null (of None otherwise)."""
        value = self._values.get(name)
        if value is None and more:
            name = next((other for other in more if self._values.get(other) is not None), name)
            value = self._values.get(name)
        try:
            return reader(value)
        except FieldError as error:  # the message names the one that was read
            raise FieldError(f"{self.path}.{name}: {error}") from error

    def some(self, reader: Callable[[object], _T], name: str, *more: str) -> _T | None:
        """The same for a reader that makes None of None: it is not asked where nothing is there."""
        value = self._values.get(name)
        if value is None:
            return self.some(reader, *more) if more else None
        try:
            return reader(value)
        except FieldError as error:
            raise FieldError(f"{self.path}.{name}: {error}") from error

    def text(self, name: str, *more: str) -> str | None:
        value = self._values.get(name)
        if type(value) is str:
            return value.strip() or None
        if value is None:
            return self.text(*more) if more else None
        return self.read(text, name)

    def word(self, name: str, *more: str) -> str | None:
        if self._values.get(name) is None and not more:
            return None
        return self.some(word, name, *more)

    def whole(self, name: str, *more: str) -> int | None:
        return self.some(whole, name, *more)

    def number(self, name: str, *more: str) -> int | float | None:
        return self.some(number, name, *more)

    def truth(self, name: str, *more: str) -> bool | None:
        return self.some(truth, name, *more)

    def cents(self, name: str, *more: str) -> int | None:
        return self.some(cents, name, *more)

    def dollars(self, name: str, *more: str) -> int | None:
        return self.some(dollars, name, *more)

    def instant(self, name: str, *more: str) -> str | None:
        if self._values.get(name) is None and not more:
            return None
        return self.some(instant_text, name, *more)

    def texts(self, name: str, *more: str) -> list[str]:
        if self._values.get(name) is None and not more:
            return []
        return self.some(texts, name, *more) or []

    def zip(self, name: str, *more: str) -> str | None:
        """A postal code; one sent as a number gets back the zeros that a number loses (``2139`` is ``02139``)."""
        return self.some(zip_code, name, *more)

    def named(self, name: str, *more: str) -> str | None:
        """A text, or the ``name`` of an object."""
        return self.some(named, name, *more)

    def given(self, table: Table, made: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
        """The fields of a table that hold something: nulls are left out, empty lists stay. ``made`` has the others.

        Most of them are missing or null, and nearly all others are texts: that is seen to at once.
        """
        values = self._values
        found: dict[str, Any] = {}
        for name, reader, theirs, more in table.rows:
            if reader is None:
                value = made.get(name)
            else:
                value = values.get(theirs)
                if type(value) is str and reader is text:
                    value = value.strip() or None
                elif value is not None:
                    try:
                        value = reader(value)
                    except FieldError as error:
                        raise FieldError(f"{self.path}.{theirs}: {error}") from error
                elif more:
                    value = self.read(reader, *more)
                elif reader is texts:
                    value = []
            if value is not None:
                found[name] = value
        return found

    def object(self, *names: str) -> Fields | None:
        """The object in one of these fields, None when it is null or missing."""
        for name in names:
            value = self._values.get(name)
            if value is not None:
                return Fields(value, (self, f".{name}"))
        return None

    def objects(self, *names: str) -> list[Fields]:
        """The objects of the list in one of these fields; nothing when it is null or missing."""
        for name in names:
            items = self._values.get(name)
            if items is None:
                continue
            if not isinstance(items, list):
                raise FieldError(f"{self.path}.{name}: expected a list")
            if len(items) > _MAX_ITEMS:
                raise FieldError(f"{self.path}.{name}: {_TOO_MANY}")
            return [Fields(item, (self, f".{name}[{index}]")) for index, item in enumerate(items)]
        return []


def named(value: object) -> str | None:
    """A text, or the ``name`` of an object."""
    return text(value.get("name") if isinstance(value, Mapping) else value)


def zip_code(value: object) -> str | None:
    """A postal code, see `Fields.zip`."""
    given = text(value)
    return given.zfill(5) if isinstance(value, (int, float)) and given is not None else given
