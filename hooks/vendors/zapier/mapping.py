"""Normalize: what a Zap posts, under whatever names its author chose, as a canonical Lead or Customer. Pure.

Known are the fifteen field names of JobCloser's Zapier routes in any spelling (``JobAddress1``, ``jobAddress1``,
``job_address_1``) and the usual names of lead forms. They are compared without case, blanks and underscores; people and
addresses may be nested, or flattened with two underscores (``customer__name``). Raises `FieldError`, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hooks.canonical import Address, Customer, Lead
from hooks.errors import NormalizationError
from hooks.kit.bodies import parse_json, unflatten
from hooks.kit.fields import (
    FieldError,
    Fields,
    display_name,
    emails,
    instant,
    make_address,
    split_name,
)
from hooks.kit.phones import phone_fields

_NOT_NAME = re.compile(r"[^a-z0-9]")
_MAX_NESTING = 4

_PEOPLE = frozenset({"customer", "contact", "person", "client", "name"})
"""Objects whose fields count as fields of the body itself, where the body does not have them."""
_LEADS = frozenset({"lead", "fields"})
"""The same, for objects that stand for the whole lead."""
_PLACES = {
    "address": "address.",
    "jobaddress": "address.",
    "serviceaddress": "address.",
    "location": "address.",
    "billingaddress": "billing.",
    "billing": "billing.",
}
"""Objects that are addresses, and what their fields' names then begin with."""

_NAME = ("name", "fullname", "displayname", "customername", "contactname", "leadname", "clientname", "yourname")
_FIRST = ("firstname", "first", "fname", "givenname", "customerfirstname")
_LAST = ("lastname", "last", "lname", "surname", "familyname", "customerlastname")
_COMPANY = ("company", "companyname", "business", "businessname", "organization")
_EMAIL = ("email", "emailaddress", "mail", "customeremail", "contactemail", "youremail", "emails")
_PHONE = ("phone", "phonenumber", "telephone", "tel", "customerphone", "contactphone", "primaryphone", "yourphone")
_MOBILE = ("mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "cellnumber")
_HOME_PHONE = ("homephone", "homenumber")
_WORK_PHONE = ("workphone", "worknumber", "businessphone", "officephone")
_REACH = {
    **dict.fromkeys(("phone", "phones", "phonenumber", "phonenumbers", "telephone"), "phone"),
    **dict.fromkeys(("email", "emails", "emailaddress"), "email"),
}
"""Objects that hold numbers or addresses of mail by their use (``phone: {mobile, work}``), and what they hold."""
_PLAINLY = frozenset({"number", "value", "main", "phone", "phonenumber", "email", "address"})
_KNOWN_OBJECTS = frozenset({*_PEOPLE, *_LEADS, *_PLACES, *_REACH})
_KNOWN_REACH = frozenset({*_PHONE, *_MOBILE, *_HOME_PHONE, *_WORK_PHONE, *_EMAIL})
_CUSTOMER_TYPE = ("customertype",)
_LEAD_SOURCE = ("referredby", "leadsource", "source", "referralsource", "referral", "utmsource", "platform")
_NOTE = ("note", "notes", "message", "comment", "comments", "description", "details", "summary", "request", "question")
_TAGS = ("tags",)
_LEAD_ID = ("leadid", "id")
_CUSTOMER_ID = ("customerid", "contactid")
_TIME = ("createdtime", "createdat", "submittedat", "timestamp")

_STREET = ("address1", "address", "street", "streetaddress", "street1", "addressline1", "line1")
_STREET_2 = ("address2", "street2", "streetline2", "addressline2", "line2", "unit", "apt", "suite")
_CITY = ("city", "town")
_STATE = ("state", "province", "region")
_ZIP = ("zip", "zipcode", "postalcode", "postcode")
_COUNTRY = ("country", "countrycode")
_JOB = ("job", "service", "address.", "")
_BILLING = ("billing", "billing.")


def _at(prefixes: Iterable[str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(prefix + name for prefix in prefixes for name in names)


_JOBCLOSER: Mapping[str, tuple[str, ...]] = {
    "Name": _NAME,
    "Email": _EMAIL,
    "Phone": (*_PHONE, *_MOBILE, *_HOME_PHONE, *_WORK_PHONE),
    "JobAddress1": _at(_JOB, _STREET),
    "JobAddress2": _at(_JOB, _STREET_2),
    "JobCity": _at(_JOB, _CITY),
    "JobState": _at(_JOB, _STATE),
    "JobZip": _at(_JOB, _ZIP),
    "BillingAddress1": _at(_BILLING, _STREET),
    "BillingAddress2": _at(_BILLING, _STREET_2),
    "BillingCity": _at(_BILLING, _CITY),
    "BillingState": _at(_BILLING, _STATE),
    "BillingZip": _at(_BILLING, _ZIP),
    "CustomerType": _CUSTOMER_TYPE,
    "ReferredBy": _LEAD_SOURCE,
}
"""JobCloser's own names (its API page, read November 2026), and where each may stand."""


def form(body: Mapping[str, Any]) -> Fields:
    """The fields of one posted object under their plain names; the first of several spellings that is filled counts."""
    found: dict[str, Any] = {}
    _gather(unflatten(_unwrapped(body)), "", found, nesting=0, person=False)
    return Fields(found, "body")


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that a body holds under a single name, the step's *JSON key*; in a form it is written as JSON."""
    names = [name for name in body if name.lower() != "key"]
    inner = body[names[0]] if len(names) == 1 else None
    if isinstance(inner, str) and inner.lstrip().startswith("{"):
        try:
            inner = parse_json(inner.encode())
        except (NormalizationError, UnicodeEncodeError):
            return body
    if not isinstance(inner, Mapping) or _NOT_NAME.sub("", names[0].lower()) in _KNOWN_OBJECTS:
        return body
    return inner


def _gather(values: Mapping[str, Any], prefix: str, found: dict[str, Any], *, nesting: int, person: bool) -> None:
    nested: list[tuple[str, Mapping[str, Any]]] = []
    for given, value in values.items():
        name = _NOT_NAME.sub("", given.lower())
        if isinstance(value, Mapping):
            nested.append((name, value))
        elif _says_something(value):
            found.setdefault("customerid" if person and name == "id" else prefix + name, value)
    if prefix or nesting == _MAX_NESTING:
        return
    for name, value in nested:
        if name in _PLACES:
            _gather(value, _PLACES[name], found, nesting=nesting + 1, person=False)
        elif name in _PEOPLE or name in _LEADS:
            _gather(value, "", found, nesting=nesting + 1, person=name in _PEOPLE)
        elif name in _REACH:
            _gather_reach(value, _REACH[name], found)


def _gather_reach(values: Mapping[str, Any], kind: str, found: dict[str, Any]) -> None:
    """Numbers or addresses of mail by their use. An object of others stands for itself, which then cannot be read."""
    uses = {_NOT_NAME.sub("", given.lower()): value for given, value in values.items() if _says_something(value)}
    names = {kind if use in _PLAINLY else use + kind: value for use, value in uses.items()}
    known = {name: value for name, value in names.items() if name in _KNOWN_REACH}
    for name, value in (known or ({kind: values} if uses else {})).items():
        found.setdefault(name, value)


def _says_something(value: object) -> bool:
    return value is not None and value != [] and not (isinstance(value, str) and not value.strip())


def full_name(found: Fields) -> str | None:
    """The name of the person or company, which JobCloser's routes require."""
    return found.text(*_NAME) or display_name(found.text(*_FIRST), found.text(*_LAST), found.text(*_COMPANY))


def sent_at(found: Fields) -> datetime | None:
    """When the form was sent, where the Zap passes it on; a time that cannot be read is no reason to refuse a lead."""
    try:
        return found.read(instant, *_TIME)
    except FieldError:
        return None


def lead(found: Fields) -> Lead:
    """Raises FieldError when there is nobody to call or write to."""
    who = _customer(found, found.text(*_CUSTOMER_ID))
    return Lead(
        id=found.text(*_LEAD_ID),
        customer=who,
        address=who.address,
        lead_source=who.lead_source,
        note=found.text(*_NOTE),
        tags=found.texts(*_TAGS),
    )


def customer(found: Fields) -> Customer:
    """Raises FieldError when there is nobody to call or write to."""
    who = _customer(found, found.text(*_CUSTOMER_ID, "id"))
    return who.model_copy(update={"notes": found.text(*_NOTE), "tags": found.texts(*_TAGS)})


def jobcloser_record(found: Fields) -> dict[str, str]:
    """What was sent, under JobCloser's names."""
    record = {name: found.text(*names) for name, names in _JOBCLOSER.items() if name != "Email"}
    record["Name"] = full_name(found)
    record["Email"] = next(iter(found.read(emails, *_EMAIL)), None)
    return {name: record[name] or "" for name in _JOBCLOSER if record[name] is not None}


def _customer(found: Fields, identity: str | None) -> Customer:
    full, company = found.text(*_NAME), found.text(*_COMPANY)
    first, last = found.text(*_FIRST), found.text(*_LAST)
    if full is not None and first is None and last is None and full != company:
        first, last = split_name(full)
    mail = found.read(emails, *_EMAIL)
    plain, mobile = found.text(*_PHONE), found.text(*_MOBILE)
    # A lone number of a lead form is nearly always a mobile one, and that is where vendors look for a person.
    additional = [] if mobile is None or plain is None or plain == mobile else [plain]
    phones = phone_fields(mobile or plain, found.text(*_HOME_PHONE), found.text(*_WORK_PHONE), additional)
    shown = full or display_name(first, last, company)
    if shown is None and not mail and not phones:
        raise FieldError("body: expected a name, a phone number or an e-mail address")
    places = [place for place in (_address(found, "service", _JOB), _address(found, "billing", _BILLING)) if place]
    return Customer(
        id=identity,
        first_name=first,
        last_name=last,
        display_name=shown,
        company=company,
        customer_type=found.word(*_CUSTOMER_TYPE),
        email=mail[0] if mail else None,
        emails=mail,
        **phones,
        addresses=places,
        address=places[0] if places else None,
        lead_source=found.text(*_LEAD_SOURCE),
    )


def _address(found: Fields, kind: str, prefixes: tuple[str, ...]) -> Address | None:
    place = make_address(
        street=found.text(*_at(prefixes, _STREET)),
        street_line_2=found.text(*_at(prefixes, _STREET_2)),
        city=found.text(*_at(prefixes, _CITY)),
        state=found.text(*_at(prefixes, _STATE)),
        zip=found.zip(*_at(prefixes, _ZIP)),
        country=found.text(*_at(prefixes, _COUNTRY)),
    )
    return None if place is None else place.model_copy(update={"type": kind})
