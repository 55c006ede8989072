"""Normalize: what Housecall Pro's objects hold of people, places and lines. Pure; raises `FieldError`.

See `mapping`, which reads the objects themselves.
"""

from __future__ import annotations

from typing import Any

from hooks.kit.fields import (
    Fields,
    Table,
    cents,
    display_name,
    emails,
    instant_text,
    named,
    one_line,
    text,
    texts,
    truth,
    word,
    zip_code,
)
from hooks.kit.phones import phone_fields

Read = dict[str, Any]
"""A canonical object as `hooks.canonical.Canonical.dump` would give it. Each field of it is checked when it is read, so
that the object need not be checked once more; the tests hold what comes out against the models."""


def notes(value: object) -> str | None:
    """Notes are a list of ``{id, content}`` in jobs and options on the wire, a text elsewhere and in old documents."""
    if not isinstance(value, list):
        return text(value)
    written = [one.get("content") if isinstance(one, dict) else one for one in value]
    found = [one.strip() if type(one) is str else text(one) for one in written]
    return "\n".join([note for note in found if note]) or None


_CUSTOMER = Table(
    ("id", text),
    ("first_name", None),
    ("last_name", None),
    ("display_name", None),
    ("company", None),
    ("customer_type", word, "kind"),
    ("email", None),
    ("emails", None),
    ("phone", None),
    ("phone_valid", None),
    ("phone_extension", None),
    ("phones", None),
    ("addresses", None),
    ("address", None),
    ("tags", texts),
    ("notes", notes, "notes", "note"),
    ("lead_source", named),
    ("notifications", truth, "notifications_enabled"),
    ("created_at", instant_text),
    ("updated_at", instant_text),
)


def customer(found: Fields) -> Read:
    """``company_name`` and ``company_id`` are left alone: they are the account's own, in every object."""
    first, last, company = found.text("first_name"), found.text("last_name"), found.text("company")
    mail = found.read(emails, "email")
    addresses = [made for made in map(address, found.objects("addresses")) if made is not None]
    service = next((one for one in addresses if one.get("type") == "service"), None)
    return found.given(
        _CUSTOMER,
        {
            "first_name": first,
            "last_name": last,
            "display_name": display_name(first, last, company),
            "company": company,
            "email": mail[0] if mail else None,
            "emails": mail,
            **phone_fields(found.text("mobile_number"), found.text("home_number"), found.text("work_number")),
            "addresses": addresses,
            "address": dict(service or addresses[0]) if addresses else None,
        },
    )


_ADDRESS = Table(
    ("id", text),
    ("type", word),
    ("street", text),
    ("street_line_2", text),
    ("city", text),
    ("state", text),
    ("zip", zip_code),
    ("country", text),
)


def address(found: Fields) -> Read | None:
    """None when it names no place: the vendor sends objects full of nulls."""
    made = found.given(_ADDRESS)
    line = one_line(made)
    return None if line is None else {**made, "one_line": line}


_EMPLOYEE = Table(
    ("id", text),
    ("first_name", None),
    ("last_name", None),
    ("display_name", None),
    ("email", text),
    ("phone", None),
    ("phone_valid", None),
    ("role", word),
    ("color", text, "color_hex"),
    ("tags", texts),
    ("created_at", instant_text),
)


def employee(found: Fields) -> Read:
    first, last, mobile = found.text("first_name"), found.text("last_name"), found.text("mobile_number")
    shown = {"first_name": first, "last_name": last, "display_name": display_name(first, last)}
    return found.given(_EMPLOYEE, shown if mobile is None else {**shown, **phone_fields(mobile)})


_LINE_ITEM = Table(
    ("id", text),
    ("name", text),
    ("description", text),
    ("type", word, "type", "kind"),
    ("quantity", None),
    ("unit_price_cents", cents, "unit_price"),
    ("unit_cost_cents", cents, "unit_cost"),
    ("total_cents", cents, "amount"),
)


def line_item(found: Fields) -> Read:
    """Quantities come in hundredths on invoices, plain elsewhere."""
    hundredths = found.whole("qty_in_hundredths")
    quantity = found.number("quantity")
    if hundredths is not None:
        quantity = hundredths // 100 if hundredths % 100 == 0 else hundredths / 100
    return found.given(_LINE_ITEM, {"quantity": quantity})
