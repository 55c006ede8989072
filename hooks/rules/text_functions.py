"""Functions of texts, phone numbers, addresses of mail, money and JSON."""

from __future__ import annotations

import functools
import hashlib
import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from hooks.contacts import EMAIL, e164, is_at_home, read_number
from hooks.rules.faults import Fault
from hooks.rules.kinds import Kind
from hooks.rules.operators import MAX_TEXT, Budget, as_json, as_text, number_result
from hooks.rules.signatures import Function, Parameter

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_AMOUNT = re.compile(r"(-?)\$?\s*(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?")


def _lower(budget: Budget, value: str) -> str:
    return budget.text(value.lower())


def _upper(budget: Budget, value: str) -> str:
    return budget.text(value.upper())


def _title(budget: Budget, value: str) -> str:
    return budget.text(_WORD.sub(lambda word: word[0][0].upper() + word[0][1:].lower(), value))


def _trim(budget: Budget, value: str) -> str:
    return budget.text(value.strip())


def _replace(budget: Budget, value: str, old: str, new: str) -> str:
    if not old:
        return value
    if len(value) + value.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise Fault("the text would be longer than 64 KiB")
    return budget.text(value.replace(old, new))


def _split(budget: Budget, value: str, separator: str) -> list[str]:
    if not separator:
        raise Fault("split() needs a separator that is not empty")
    parts = [part.strip() for part in value.split(separator)]
    budget.charge(len(parts))
    return [part for part in parts if part]


def _join(budget: Budget, separator: str, *values: Any) -> str | None:
    parts: list[str] = []
    size = 0
    for value in values:
        items = value if type(value) is list else [value]
        budget.charge(len(items))
        for item in items:
            part = as_text(item, budget)
            if part:
                parts.append(part)
                size += len(part) + len(separator)
                if size > MAX_TEXT + len(separator):
                    raise Fault("the text would be longer than 64 KiB")
    return budget.text(separator.join(parts)) if parts else None


def _slice(budget: Budget, value: Any, start: int, end: int | None = None) -> Any:
    if type(value) is str:
        return budget.text(value[start:end])
    part = value[start:end]
    budget.charge(len(part))
    return part


def _digits(budget: Budget, value: Any) -> str:
    return budget.text("".join(character for character in as_text(value, budget) if "0" <= character <= "9"))


@functools.lru_cache(maxsize=1024)
def _e164(value: str) -> str | None:
    number = read_number(value)
    return e164(number) if number is not None and is_at_home(number) else None


def _phone(budget: Budget, value: Any) -> str | None:
    written = as_text(value, budget).strip()
    budget.charge(20)
    return _e164(written) if 7 <= len(written) <= 40 else None


def _email(budget: Budget, value: str) -> str | None:
    address = value.strip().lower()
    budget.charge(2)
    return address if len(address) <= 254 and EMAIL.fullmatch(address) else None


def _dollars(budget: Budget, cents: Any) -> str:
    if type(cents) is float and cents != int(cents):
        raise Fault("dollars() needs whole cents")
    if not -(10**18) < cents < 10**18:
        raise Fault("the number is too large")
    return format(Decimal(int(cents)) / 100, ".2f")


def _cents(budget: Budget, amount: Any) -> int | None:
    if type(amount) is str:
        written = amount.strip()
        match = _AMOUNT.fullmatch(written) if len(written) <= 40 else None
        if match is None:
            return None
        value = Decimal(match[1] + match[2].replace(",", "") + (match[3] or ""))
    else:
        value = Decimal(repr(amount))
    if abs(value) > Decimal(10) ** 18:
        raise Fault("the number is too large")
    return int((value * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _text(budget: Budget, value: Any) -> str:
    return budget.text(as_text(value, budget))


def _number(budget: Budget, value: Any) -> Any:
    if type(value) is not str:
        return value
    written = value.strip()
    if len(written) > 40 or not re.fullmatch(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?", written, re.ASCII):
        return None
    if re.fullmatch(r"[-+]?\d+", written, re.ASCII):
        return number_result(int(written))
    try:
        return number_result(float(Decimal(written)))
    except (InvalidOperation, OverflowError):
        return None


def _hash(budget: Budget, value: Any) -> str:
    made = value if type(value) is str else as_json(value, budget)
    budget.charge(len(made) >> 6)
    return hashlib.sha256(made.encode("utf-8", "surrogatepass")).hexdigest()


_TEXT = Parameter("text", Kind.TEXT)
_SCALAR = Kind.TEXT | Kind.NUMBER

TEXT_FUNCTIONS = (
    Function("lower", (_TEXT,), Kind.TEXT, "The text in small letters.", "lower('Ada')", _lower),
    Function("upper", (_TEXT,), Kind.TEXT, "The text in capital letters.", "upper('oh')", _upper),
    Function("title", (_TEXT,), Kind.TEXT, "Every word with a capital letter.", "title('MAYA ortiz')", _title),
    Function("trim", (_TEXT,), Kind.TEXT, "Without blanks at both ends.", "trim('  a b ')", _trim),
    Function(
        "replace",
        (_TEXT, Parameter("old", Kind.TEXT), Parameter("new", Kind.TEXT)),
        Kind.TEXT,
        "Every `old` replaced by `new`.",
        "replace('a-b-c', '-', ' ')",
        _replace,
    ),
    Function(
        "slice",
        (
            Parameter("value", Kind.TEXT | Kind.LIST),
            Parameter("start", Kind.INTEGER),
            Parameter("end", Kind.INTEGER, optional=True),
        ),
        Kind.TEXT | Kind.LIST,
        "A part of a text or list, counted from 0; negative numbers count from the end.",
        "slice('45040-1234', 0, 5)",
        _slice,
    ),
    Function(
        "split",
        (_TEXT, Parameter("separator", Kind.TEXT)),
        Kind.LIST,
        "The parts between the separators, trimmed, empty ones left out.",
        "split('vip, plan', ',')",
        _split,
    ),
    Function(
        "join",
        (Parameter("separator", Kind.TEXT), Parameter("value", Kind.ANY, many=True)),
        Kind.TEXT,
        "The values with the separator between them; null and empty ones are left out, lists are taken apart. "
        "Null when nothing is left.",
        "join(', ', 'Mason', null, 'OH')",
        _join,
    ),
    Function(
        "digits",
        (Parameter("value", _SCALAR),),
        Kind.TEXT,
        "Only the digits 0 to 9, as text.",
        "digits('(513) 555-0142')",
        _digits,
    ),
    Function(
        "phone",
        (Parameter("value", _SCALAR),),
        Kind.TEXT,
        "A valid number of the US or Canada as E.164, else null.",
        "phone('(513) 555-0142')",
        _phone,
    ),
    Function(
        "email",
        (_TEXT,),
        Kind.TEXT,
        "The address trimmed and in small letters, null if it is not one.",
        "email(' Maya@Example.org ')",
        _email,
    ),
    Function(
        "dollars",
        (Parameter("cents", Kind.NUMBER),),
        Kind.TEXT,
        "Whole cents as a text with two decimals.",
        "dollars(15000)",
        _dollars,
    ),
    Function(
        "cents",
        (Parameter("amount", _SCALAR),),
        Kind.INTEGER,
        "An amount, text or number, in whole cents; null if it is not one.",
        "cents('$1,150.00')",
        _cents,
    ),
    Function(
        "text",
        (Parameter("value", Kind.ANY & ~Kind.NULL),),
        Kind.TEXT,
        "The value as text; lists and objects as JSON.",
        "text(45040)",
        _text,
    ),
    Function(
        "number",
        (Parameter("value", _SCALAR),),
        Kind.NUMBER,
        "The number a text stands for, null if it does not.",
        "number('12.5')",
        _number,
    ),
    Function(
        "json",
        (Parameter("value", Kind.ANY),),
        Kind.TEXT,
        "The value as compact JSON, keys sorted.",
        "json({'b': 1, 'a': null})",
        lambda budget, value: as_json(value, budget),
    ),
    Function(
        "hash",
        (Parameter("value", Kind.ANY & ~Kind.NULL),),
        Kind.TEXT,
        "SHA-256 of the text (or of the value's JSON) in 64 hexadecimal digits.",
        "slice(hash('a'), 0, 8)",
        _hash,
    ),
)
