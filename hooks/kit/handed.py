"""Deliver: customers, leads and jobs as rules hand them over: an event's own, or one that a rule has put together.

Those of events are canonical already. Others may come from a form as they are: numbers in any writing, an address in
one line, a single text where there may be several. What can be read is read into the canonical form; what cannot is
named, before anything is sent. Fields that canonical objects do not have are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from hooks.kit.fields import emails
from hooks.kit.operations import findings, given
from hooks.kit.phones import phone

_E164 = re.compile(r"\+1[2-9]\d{9}")
_MOST = 10**12


def _number(value: object) -> object:
    """A phone number as events hold it: E.164 where it is a US or Canadian one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return value
    text = str(value)
    if _E164.fullmatch(text):
        return text
    found = phone(text)
    return text if found is None else found.number


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _mail(value: object) -> object:
    """An address of mail without the name that stands with it."""
    found = emails(value) if isinstance(value, str) else []
    return found[0] if found else value


def _mails(value: object) -> object:
    given = _several(value)
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return emails(given)
    return given


def _place(value: object) -> object:
    return {"one_line": value} if isinstance(value, str) else value


def _uses(value: object) -> object:
    """A number, or several of no known use, as numbers by their use."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return {"additional": [value]}
    return {"additional": value} if isinstance(value, list) else value


Cents = Annotated[int, Field(strict=True, ge=-_MOST, le=_MOST)]
Number = Annotated[str, BeforeValidator(_number)]
Texts = Annotated[list[str], BeforeValidator(_several)]


class _Handed(BaseModel):
    """Only what actions read: other fields are nobody's business here."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, str_strip_whitespace=True, defer_build=True)


class _Address(_Handed):
    type: str | None = None
    street: str | None = None
    street_line_2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    one_line: str | None = None


class _Phones(_Handed):
    mobile: Number | None = None
    home: Number | None = None
    work: Number | None = None
    additional: Annotated[list[Number], BeforeValidator(_several)] | None = None


_Place = Annotated[_Address, BeforeValidator(_place)]


class _Customer(_Handed):
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    company: str | None = None
    customer_type: str | None = None
    email: Annotated[str | None, BeforeValidator(_mail)] = None
    emails: Annotated[list[str], BeforeValidator(_mails)] | None = None
    phone: Number | None = None
    phone_extension: str | None = None
    phones: Annotated[_Phones, BeforeValidator(_uses)] | None = None
    address: _Place | None = None
    addresses: Annotated[list[_Place], BeforeValidator(_several)] | None = None
    tags: Texts | None = None
    notes: str | None = None
    lead_source: str | None = None
    notifications: StrictBool | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_extension(cls, handed: Any) -> Any:
        """The extension that is written with the number, as events hold it."""
        number = handed.get("phone") if isinstance(handed, Mapping) else None
        found = phone(number) if isinstance(number, str) else None
        if found is None or found.extension is None or handed.get("phone_extension"):
            return handed
        return {**handed, "phone_extension": found.extension}


class _Lead(_Customer):
    """A lead has its customer; one that has none may be the customer itself."""

    customer: _Customer | None = None
    note: str | None = None


class _LineItem(_Handed):
    name: str | None = None
    description: str | None = None
    quantity: StrictInt | StrictFloat | None = None
    unit_price_cents: Cents | None = None
    total_cents: Cents | None = None


class _Job(_Handed):
    scheduled_start_at: str | None = None
    scheduled_end_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    description: str | None = None
    note: str | None = None
    total_cents: Cents | None = None
    line_items: list[_LineItem] | None = None


def _read(model: type[BaseModel], handed: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return model.model_validate(given(handed)).model_dump(exclude_unset=True, exclude_none=True)
    except ValidationError as error:
        raise ValueError(findings(error)) from None


HandedCustomer = Annotated[dict[str, Any], AfterValidator(partial(_read, _Customer))]
HandedLead = Annotated[dict[str, Any], AfterValidator(partial(_read, _Lead))]
HandedJob = Annotated[dict[str, Any], AfterValidator(partial(_read, _Job))]
HandedAddress = Annotated[dict[str, Any], AfterValidator(partial(_read, _Address))]
