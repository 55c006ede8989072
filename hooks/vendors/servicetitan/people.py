"""Deliver: canonical leads and customers in ServiceTitan's words, and what a record lacks of them. Pure.

ServiceTitan has one name for a customer, ways to reach one as a list of contacts, and takes an address only when it is
whole; numbers of the US and Canada are written there as ten digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hooks.kit.comparing import TEN_DIGITS, last_digits, national, same_text
from hooks.names import likeness

_CUSTOMER_TYPES = {
    "residential": "Residential",
    "homeowner": "Residential",
    "commercial": "Commercial",
    "business": "Commercial",
}
_COUNTRY = "US"


def name_of(customer: Mapping[str, Any]) -> str | None:
    """The customer's one name: as shown, first and last, the company, or else how to reach the person."""
    full = " ".join(str(customer[key]).strip() for key in ("first_name", "last_name") if customer.get(key))
    reach = customer.get("email") or customer.get("phone")
    for name in (customer.get("display_name"), full, customer.get("company"), reach):
        if name and str(name).strip():
            return " ".join(str(name).split())
    return None


def customer_type_of(customer: Mapping[str, Any]) -> str | None:
    """``Residential`` or ``Commercial``, when the customer says so."""
    return _CUSTOMER_TYPES.get(str(customer.get("customer_type") or "").lower())


def address_of(*addresses: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The first address that has all that ServiceTitan demands; a missing country is the US."""
    for address in addresses:
        if address and all(address.get(part) for part in ("street", "city", "state", "zip")):
            whole = {
                "street": address["street"],
                "unit": address.get("street_line_2"),
                "city": address["city"],
                "state": address["state"],
                "zip": address["zip"],
                "country": address.get("country") or _COUNTRY,
            }
            return {name: value for name, value in whole.items() if value is not None}
    return None


def address_line(*addresses: Mapping[str, Any] | None) -> str | None:
    """The first address that says anything, in one line."""
    for address in addresses:
        if address:
            parts = (address.get(part) for part in ("street", "street_line_2", "city", "state", "zip"))
            line = address.get("one_line") or ", ".join(str(part) for part in parts if part)
            if line:
                return str(line)
    return None


def places_of(customer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All addresses of a customer, the first one first."""
    first = customer.get("address")
    return [*([first] if first else []), *(customer.get("addresses") or ())]


def contacts_of(customer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All ways to reach a customer, each once. What is no number and no address of mail (``n/a``) is none."""
    phones = customer.get("phones") or {}
    found: list[dict[str, Any]] = []
    numbers = [("MobilePhone", phones.get("mobile"), None), ("Phone", phones.get("home"), "home")]
    numbers += [("Phone", phones.get("work"), "work")]
    numbers += [("Phone", number, None) for number in phones.get("additional") or ()]
    numbers += [("MobilePhone" if not phones else "Phone", customer.get("phone"), None)]
    for kind, number, memo in numbers:
        known = any(same_reach(one["value"], str(number)) for one in found)
        if re.search(r"\d", str(number or "")) and not known:
            found.append({"type": kind, "value": national(str(number)), **({"memo": memo} if memo else {})})
    if found and customer.get("phone_extension") and same_reach(found[0]["value"], str(customer.get("phone"))):
        found[0]["memo"] = f"extension {customer['phone_extension']}"
    for email in (customer.get("email"), *(customer.get("emails") or ())):
        if email and "@" in str(email) and not any(same_reach(one["value"], str(email)) for one in found):
            found.append({"type": "Email", "value": str(email).strip()})
    return found


def same_reach(one: object, other: object) -> bool:
    """Whether two texts are the same e-mail address or the same number, however it is written."""
    return bool(one) and bool(other) and _reach(str(one)) == _reach(str(other))


def _reach(text: str) -> str:
    if "@" in text:
        return text.strip().casefold()
    digits = last_digits(text)
    return digits if len(digits) == TEN_DIGITS else text.strip().casefold()


def contradict(record: Mapping[str, Any], name: str) -> bool:
    """Whether the names say that these are two people who share a number; a company's is none to compare."""
    there = record.get("name")
    if record.get("type") == "Commercial" or not isinstance(there, str):
        return False
    return likeness(there, None, name, None) in ("family", "different")


def as_person(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical customer in the vendor's fields, for the identity map."""
    values = [str(one.get("value") or "") for one in inputs.get("contacts") or ()]
    return {
        "display_name": inputs.get("name"),
        "company": inputs.get("name") if inputs.get("type") == "Commercial" else None,
        "phones": {"additional": [value for value in values if "@" not in value]},
        "emails": [value for value in values if "@" in value],
        "address": inputs.get("address"),
    }


def same_place(one: object, other: Mapping[str, Any] | None) -> bool:
    """Whether two addresses have the same street and ZIP code."""
    if not isinstance(one, Mapping) or not other:
        return False
    return all(same_text(one.get(part), other.get(part)) for part in ("street", "zip"))


def lacking(there: Iterable[Mapping[str, Any]], wanted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The wanted contacts that are not there."""
    known = [one.get("value") for one in there]
    return [dict(one) for one in wanted if not any(same_reach(value, one["value"]) for value in known)]


def booking_of(lead: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a booking that a canonical lead and its customer give; what they do not say is left out.

    An address that is not whole cannot be an address of ServiceTitan's: it is told in the summary instead.
    """
    addresses = (lead.get("address"), *places_of(customer))
    address = address_of(*addresses)
    line = None if address else address_line(*addresses)
    summary = "\n".join(
        part
        for part in (lead.get("note") or customer.get("notes") or "New lead", f"Address: {line}" if line else None)
        if part
    )
    fields = {
        "source": lead.get("lead_source") or customer.get("lead_source") or "Web",
        "name": name_of(customer),
        "summary": summary,
        "isFirstTimeClient": True,
        "address": address,
        "contacts": contacts_of(customer) or None,
        "customerType": customer_type_of(customer),
    }
    return {name: value for name, value in fields.items() if value is not None}
