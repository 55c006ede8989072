"""Normalize: telephone numbers of the US and Canada, in whatever writing they come; as `hooks.kit.fields` does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers

from hooks.contacts import e164, is_at_home, read_number
from hooks.kit.fields import text
from hooks.remembered import remembered

PHONES_KNOWN = 1024
"""Numbers that were read last: those of a crew come with each of its jobs."""

_MAX_PHONE_TEXT = 100


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number: E.164 when ``valid`` (a US or Canadian number), else the text as given."""

    number: str
    valid: bool
    extension: str | None = None


def phone(value: object) -> Phone | None:
    """A phone number; without a country code it is taken as a US or Canadian one.

    An extension (``x12``, ``ext. 12``) is set apart, because E.164 has no room for it. Words beside a number
    (``303-555-0142 (cell)``) are no part of it; a text that holds several numbers is none.
    """
    given = text(value)
    return None if given is None else _phone(given)


@remembered(PHONES_KNOWN)
def _phone(given: str) -> Phone:
    number = read_number(given)
    found = None if number is None else _at_home(number)
    if found is None and len(given) <= _MAX_PHONE_TEXT:
        numbers = {_at_home(match.number) for match in phonenumbers.PhoneNumberMatcher(given, "US")}
        found = numbers.pop() if len(numbers) == 1 else None
    return found or Phone(given, valid=False)


def _at_home(parsed: phonenumbers.PhoneNumber) -> Phone | None:
    return Phone(e164(parsed), True, parsed.extension) if is_at_home(parsed) else None


def phone_fields(
    mobile: object = None, home: object = None, work: object = None, additional: Sequence[object] = ()
) -> dict[str, Any]:
    """The ``phone``, ``phone_valid``, ``phone_extension`` and ``phones`` of a Customer; empty when there is none."""
    if mobile is None and home is None and work is None and not additional:
        return {}
    uses = {"mobile": phone(mobile), "home": phone(home), "work": phone(work)}
    others = [found for found in map(phone, additional) if found is not None]
    first = next((found for found in (*uses.values(), *others) if found is not None), None)
    if first is None:
        return {}
    numbers: dict[str, Any] = {use: found.number for use, found in uses.items() if found is not None}
    numbers["additional"] = list(dict.fromkeys([found.number for found in others]))
    return {"phone": first.number, "phone_valid": first.valid, "phone_extension": first.extension, "phones": numbers}
