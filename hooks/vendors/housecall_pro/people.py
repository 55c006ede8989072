"""Deliver: a canonical customer in Housecall Pro's words, and what differs from the one it has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hooks.kit.answers import several
from hooks.kit.comparing import last_digits, national, same_text
from hooks.kit.fields import split_name
from hooks.names import likeness, says_less
from hooks.people import tells_apart

_SAME = ("first_name", "last_name", "company", "email")
NUMBERS = ("mobile_number", "home_number", "work_number")


def as_customer(canonical: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's fields for a canonical customer; what it does not have is left out."""
    first, last = canonical.get("first_name"), canonical.get("last_name")
    company, shown = canonical.get("company"), str(canonical.get("display_name") or "").strip()
    if not first and not last and shown and shown != company:
        first, last = split_name(shown)
        if last is None:
            first, last = None, first
    fields: dict[str, Any] = {
        "first_name": first,
        "last_name": last,
        "company": company,
        "email": next(iter(mails_of(canonical)), None),
        **_numbers(canonical),
        "notifications_enabled": canonical.get("notifications"),
        "tags": list(canonical.get("tags") or ()),
        "lead_source": canonical.get("lead_source"),
        "notes": canonical.get("notes"),
        "addresses": _addresses(canonical),
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def mails_of(canonical: Mapping[str, Any]) -> list[str]:
    """All addresses of mail; texts that are none (``n/a``) are left out, because the vendor checks the form."""
    return [mail for mail in (canonical.get("email"), *(canonical.get("emails") or ())) if mail and "@" in mail]


def _numbers(canonical: Mapping[str, Any]) -> dict[str, str]:
    """The numbers by their use; texts without a digit (``n/a``) are none."""
    phones = canonical.get("phones") or {}
    uses = {f"{use}_number": phones.get(use) for use in ("mobile", "home", "work")}
    found = {use: national(str(number)) for use, number in uses.items() if last_digits(number)}
    spare = [canonical.get("phone"), *(phones.get("additional") or ())]
    for number in spare:
        if last_digits(number) and not any(same_number(number, there) for there in found.values()):
            free = next((use for use in NUMBERS if use not in found), None)
            if free is not None:
                found[free] = national(str(number))
    return found


def _addresses(canonical: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in (canonical.get("address"), *(canonical.get("addresses") or ())):
        if place and place.get("street"):
            parts = ("street", "street_line_2", "city", "state", "zip", "country")
            made = {part: place[part] for part in parts if place.get(part)}
            if not any(same_place(made, one) for one in found):
                found.append(made)
    return found


def same_number(one: object, other: object) -> bool:
    """Whether two texts are the same number, however it is written, with an extension or without."""
    return bool(last_digits(one)) and last_digits(one) == last_digits(other)


def same_place(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two addresses have the same street and ZIP code."""
    return all(same_text(one.get(part), other.get(part)) for part in ("street", "zip"))


def searches(wanted: Mapping[str, Any]) -> list[str]:
    """What to search by, one after the other: each number, the e-mail address, then the name.

    The vendor looks for numbers among the mobile ones alone: who is kept there with another is found by name.
    """
    numbers = [wanted.get(use) for use in NUMBERS]
    texts = [*numbers, *_addresses_of_mail(wanted), _full_name(wanted) or wanted.get("company")]
    return list(dict.fromkeys(text for text in texts if text))


def _addresses_of_mail(wanted: Mapping[str, Any]) -> list[str]:
    """The address that the vendor has room for, and others that it may know the customer by."""
    return [mail for mail in (wanted.get("email"), *wanted.get("emails", ())) if mail]


def reachable(wanted: Mapping[str, Any]) -> bool:
    """Whether there is a number or an e-mail address by which a search's hit is told."""
    return any(wanted.get(name) for name in (*NUMBERS, "email"))


def searchable(wanted: Mapping[str, Any]) -> bool:
    """Whether a search finds such a customer for certain."""
    by_reach = wanted.get("mobile_number") or wanted.get("email")
    return bool(by_reach or (reachable(wanted) and (_full_name(wanted) or wanted.get("company"))))


def same_person(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a search's hit really has one of the wanted numbers or the wanted e-mail address.

    What many people write in place of one tells nobody, unless the name is the same.
    """
    there = [record.get(use) for use in NUMBERS]
    shared = [number for use in NUMBERS if _is_number_of(number := wanted.get(use), there)]
    shared += [mail for mail in _addresses_of_mail(wanted) if same_text(record.get("email"), mail)]
    return any(map(tells_apart, shared)) or (bool(shared) and same_name(record, wanted))


def _is_number_of(number: object, there: Iterable[object]) -> bool:
    return any(same_number(number, one) for one in there)


def same_name(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether both have the same first and last name, or no name and the same company."""
    names = ("first_name", "last_name")
    if not any(record.get(name) or wanted.get(name) for name in names):
        return same_text(record.get("company"), wanted.get("company"))
    return all(same_text(record.get(name), wanted.get(name)) for name in names)


def contradict(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the names say that these are two people who share a number or an address."""
    mine, theirs = _full_name(record), _full_name(wanted)
    return likeness(mine, record.get("company"), theirs, wanted.get("company")) in ("family", "different")


def _full_name(fields: Mapping[str, Any]) -> str:
    return " ".join(str(fields[name]) for name in ("first_name", "last_name") if fields.get(name))


def as_person(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical customer in the vendor's fields, for the identity map."""
    phones = {use.removesuffix("_number"): inputs.get(use) for use in NUMBERS}
    places = inputs.get("addresses")
    return {**{name: inputs.get(name) for name in _SAME}, "phones": phones, "addresses": places}


def changes(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to write so that the record has what is wanted; {} when it has it.

    Names, company, e-mail and notifications follow what is wanted, but for a name that says less; numbers fill a free
    place or replace the one of their use; tags grow; notes and lead source are only filled in. Addresses are records of
    their own.
    """
    found: dict[str, Any] = {}
    named = () if says_less(_full_name(wanted), _full_name(record)) else ("first_name", "last_name")
    for name in (*named, "company"):
        if wanted.get(name) and not same_text(record.get(name), wanted[name]):
            found[name] = wanted[name]
    if _adds(wanted.get("email"), record.get("email"), _among(record.get("email"), _addresses_of_mail(wanted))):
        found["email"] = wanted["email"]
    if "notifications_enabled" in wanted and record.get("notifications_enabled") != wanted["notifications_enabled"]:
        found["notifications_enabled"] = wanted["notifications_enabled"]
    known = [record.get(use) for use in NUMBERS]
    for use in NUMBERS:
        if _adds(wanted.get(use), record.get(use), _is_number_of(wanted.get(use), known)):
            found[use] = wanted[use]
    tags = [str(tag) for tag in several(record.get("tags"))]
    if new := [tag for tag in wanted.get("tags", ()) if not _among(tag, tags)]:
        found["tags"] = [*tags, *new]
    for name in ("lead_source", "notes"):
        if wanted.get(name) and not record.get(name):
            found[name] = wanted[name]
    return found


def _adds(wanted: object, there: object, known: bool) -> bool:
    """Whether a number or an address of mail is to be written; ``n/a`` does not replace one that is there."""
    return bool(wanted) and not known and (not there or tells_apart(wanted))


def _among(text: object, texts: Iterable[str]) -> bool:
    return any(same_text(text, one) for one in texts)


def new_places(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The wanted addresses that the record does not have and that are whole enough to be added."""
    there = [one for one in several(record.get("addresses")) if isinstance(one, dict)]
    whole = ("street", "city", "state", "zip")
    return [
        {"country": "US", **place}
        for place in wanted.get("addresses", ())
        if all(place.get(part) for part in whole) and not any(same_place(place, one) for one in there)
    ]
