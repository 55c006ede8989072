"""Deliver: a canonical customer in Homebase360's words, and what differs from the one it has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hooks.kit.answers import several
from hooks.kit.fields import split_name
from hooks.names import likeness, says_less
from hooks.people import tells_apart

_E164 = re.compile(r"\+1[2-9]\d{9}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_MAIL = 320
_USES = ("mobile", "home", "work", "additional")


def as_customer(canonical: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's fields for a canonical customer; what it does not have is left out.

    Numbers that are not US or Canadian E.164 and texts that are no address of mail (``n/a``) are left out: the vendor
    takes no others.
    """
    first, last = _names(canonical)
    fields: dict[str, Any] = {
        "firstName": first,
        "lastName": last,
        "phone": _phones(canonical),
        "email": distinct(filter(_is_mail, [canonical.get("email"), *(canonical.get("emails") or ())])),
        "address": distinct(
            _one_line(address) for address in (canonical.get("address"), *(canonical.get("addresses") or ()))
        ),
        "notes": canonical.get("notes"),
        "tags": distinct(canonical.get("tags") or ()),
        "notifications": canonical.get("notifications"),
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _names(canonical: Mapping[str, Any]) -> tuple[str | None, str | None]:
    first, last = canonical.get("first_name"), canonical.get("last_name")
    if first or last:
        return first, last
    shown = canonical.get("display_name")
    if canonical.get("company") and shown in (None, "", canonical["company"]):
        return None, canonical["company"]
    front, back = split_name(str(shown or ""))
    return (front, back) if back else (None, front)


def _phones(canonical: Mapping[str, Any]) -> dict[str, str]:
    given = canonical.get("phones") or {}
    found = {use: given.get(use) for use in ("mobile", "home", "work")}
    found["additional"] = next(iter(_valid(given.get("additional") or ())), None)
    phones = {use: number for use, number in found.items() if number and _E164.fullmatch(str(number))}
    first = canonical.get("phone")
    if first and _E164.fullmatch(str(first)) and first not in phones.values():
        phones.setdefault("mobile", first)
    return phones


def _valid(numbers: Iterable[Any]) -> Iterator[str]:
    return (number for number in numbers if isinstance(number, str) and _E164.fullmatch(number))


def _is_mail(text: object) -> bool:
    return isinstance(text, str) and len(text.strip()) <= _LONGEST_MAIL and _MAIL.fullmatch(text.strip()) is not None


def _one_line(address: Mapping[str, Any] | None) -> str | None:
    if not address:
        return None
    if address.get("one_line"):
        return str(address["one_line"])
    place = " ".join(str(address[name]) for name in ("state", "zip") if address.get(name))
    parts = [address.get("street"), address.get("street_line_2"), address.get("city"), place]
    return ", ".join(str(part) for part in parts if part) or None


def distinct(texts: Iterable[Any]) -> list[str]:
    """The texts without empty ones and repeats; case and surrounding blanks do not make a difference."""
    found: dict[str, str] = {}
    for text in texts:
        if isinstance(text, str) and text.strip():
            found.setdefault(text.strip().casefold(), text.strip())
    return list(found.values())


def numbers_of(record: Mapping[str, Any]) -> set[str]:
    """All phone numbers of a customer in the vendor's form."""
    phones = record.get("phone")
    listed = phones.values() if isinstance(phones, dict) else ()
    return {number for number in listed if isinstance(number, str) and number}


def emails_of(record: Mapping[str, Any]) -> set[str]:
    """All e-mail addresses of a customer in the vendor's form, for comparing."""
    return {email.strip().casefold() for email in several(record.get("email")) if isinstance(email, str) and email}


def same_person(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a search's hit really has one of the wanted phone numbers or e-mail addresses.

    What many people write in place of one tells nobody, unless the name is the same.
    """
    shared = numbers_of(record) & numbers_of(wanted) | emails_of(record) & emails_of(wanted)
    return any(map(tells_apart, shared)) or (bool(shared) and same_name(record, wanted))


def same_name(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether both have the same first and last name, where a missing one is empty."""
    return all(_folded(record.get(name)) == _folded(wanted.get(name)) for name in ("firstName", "lastName"))


def named(wanted: Mapping[str, Any]) -> bool:
    """Whether there is a name, without which the vendor takes no new customer."""
    return any(_folded(wanted.get(name)) for name in ("firstName", "lastName"))


def _folded(name: object) -> str:
    return str(name or "").strip().casefold()


def contradict(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the names say that these are two people who share a number or an address."""
    return likeness(_full_name(record), None, _full_name(wanted), None) in ("family", "different")


def _full_name(fields: Mapping[str, Any]) -> str:
    return " ".join(str(fields[name]) for name in ("firstName", "lastName") if fields.get(name))


def as_person(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical customer in the vendor's fields, for the identity map."""
    phones = inputs.get("phone") or {}
    return {
        "first_name": inputs.get("firstName"),
        "last_name": inputs.get("lastName"),
        "phones": {**phones, "additional": [phones.get("additional")]},
        "emails": inputs.get("email"),
    }


def changes(record: Mapping[str, Any], wanted: Mapping[str, Any], *, notes: str | None) -> dict[str, Any]:
    """The fields to write so that ``record`` has what is wanted; {} when it has it.

    Lists grow and never lose what the office has put there, and a name that says less is none to replace another;
    notes are only filled in where there are none, unless ``notes`` says what they shall be.
    """
    found: dict[str, Any] = {}
    if not says_less(_full_name(wanted), _full_name(record)):
        for name in ("firstName", "lastName"):
            if name in wanted and _folded(record.get(name)) != _folded(wanted[name]):
                found[name] = wanted[name]
    if "notifications" in wanted and record.get("notifications") != wanted["notifications"]:
        found["notifications"] = wanted["notifications"]
    there_already = numbers_of(record)
    new = {use: number for use, number in wanted.get("phone", {}).items() if number not in there_already}
    if new:
        old = record.get("phone")
        found["phone"] = {**{use: old[use] for use in _USES if isinstance(old, dict) and old.get(use)}, **new}
    for name in ("email", "address", "tags"):
        there = several(record.get(name))
        union = distinct([*there, *wanted.get(name, ())])
        if len(union) > len(distinct(there)):
            found[name] = union
    wanted_notes = notes if notes is not None else (wanted.get("notes") if not record.get("notes") else None)
    if wanted_notes and wanted_notes != record.get("notes"):
        found["notes"] = wanted_notes
    return found
