"""The functions of the rule language: one table that the parser, the checker, the evaluation and the guide read."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hooks.rules.faults import Fault
from hooks.rules.kinds import Kind
from hooks.rules.list_functions import LIST_FUNCTIONS
from hooks.rules.operators import Budget, number_result
from hooks.rules.signatures import Function, Parameter
from hooks.rules.text_functions import TEXT_FUNCTIONS
from hooks.values import parse_duration

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PIECE = re.compile(r"YYYY|MMM|MM|DD|D|ddd|HH|hh|h|mm|ss|A")
PIECES: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda moment: f"{moment.year:04}",
    "MMM": lambda moment: _MONTHS[moment.month - 1],
    "MM": lambda moment: f"{moment.month:02}",
    "DD": lambda moment: f"{moment.day:02}",
    "D": lambda moment: str(moment.day),
    "ddd": lambda moment: _DAYS[moment.weekday()],
    "HH": lambda moment: f"{moment.hour:02}",
    "hh": lambda moment: f"{(moment.hour + 11) % 12 + 1:02}",
    "h": lambda moment: str((moment.hour + 11) % 12 + 1),
    "mm": lambda moment: f"{moment.minute:02}",
    "ss": lambda moment: f"{moment.second:02}",
    "A": lambda moment: "AM" if moment.hour < 12 else "PM",
}


def _rounded(value: Any, digits: int, how: str) -> Any:
    if not 0 <= digits <= 10:
        raise Fault("round() keeps 0 to 10 decimals")
    if type(value) is int:
        return value
    made = Decimal(repr(number_result(value)))
    if abs(made) > Decimal(10) ** 18:
        raise Fault("the number is too large")
    made = made.quantize(Decimal(1).scaleb(-digits), rounding=how)
    return float(made) if digits else int(made)


def _round(budget: Budget, value: Any, digits: int = 0) -> Any:
    return _rounded(value, digits, ROUND_HALF_UP)


def _floor(budget: Budget, value: Any) -> Any:
    return _rounded(value, 0, ROUND_FLOOR)


def _ceil(budget: Budget, value: Any) -> Any:
    return _rounded(value, 0, ROUND_CEILING)


def _abs(budget: Budget, value: Any) -> Any:
    return number_result(abs(value))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise Fault("this text is not a date or an instant such as 2026-05-04T14:02:11Z") from None


def _aware(text: str, function: str) -> datetime:
    moment = _moment(text)
    if moment.tzinfo is None:
        raise Fault(f"{function}() needs an instant with its zone, such as 2026-05-04T14:02:11Z")
    return moment


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except Exception:
        # zoneinfo raises ValueError, KeyError and several OSErrors for names that are none
        raise Fault("this is not a time zone; write a name such as 'America/New_York'") from None


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _date(budget: Budget, instant: str, pattern: str = "YYYY-MM-DD") -> str:
    moment = _moment(instant)
    return budget.text(_PIECE.sub(lambda piece: PIECES[piece[0]](moment), pattern))


_ODD_PIECE = re.compile(
    r"%[A-Za-z]|YYYYY+|(?:hh?|HH):MM|YYYY[-/. ]mm"
    r"|(?<![A-Za-z])(?:[yY]{1,4}|E{1,4}|d{1,4}|M{1,4}|Do|H{1,2}|h{1,2}|m{1,2}|s{1,2}|S{1,3}|a|A|D{1,4})(?![A-Za-z])",
)
"""What patterns of other languages are made of, and ours where they stand alone."""


def odd_piece(pattern: str) -> str | None:
    """What looks wrong in a pattern of `date`, as a sentence: parts that are none here, such as ``yyyy``."""
    for found in _ODD_PIECE.finditer(pattern):
        if found[0] in PIECES:
            continue
        if found[0].endswith(":MM"):
            return f"'{found[0]}' is the hour and the month: minutes are mm"
        if found[0].startswith("YYYY") and found[0].endswith("mm"):
            return f"'{found[0]}' is the year and the minute: months are MM"
        return f"'{found[0]}' is no part of a date here, and stands for itself"
    return None


def _in_zone(budget: Budget, instant: str, zone: str) -> str:
    try:
        return _iso(_aware(instant, "in_zone").astimezone(_zone(zone)))
    except OverflowError:
        raise Fault("this instant is out of range") from None


def _later(budget: Budget, instant: str, duration: str) -> str:
    sign, written = (-1, duration.strip()[1:]) if duration.strip().startswith("-") else (1, duration)
    try:
        seconds = parse_duration(written) * sign
    except ValueError:
        raise Fault("later() needs a duration such as '2h' or '-30m'") from None
    try:
        return _iso(_aware(instant, "later") + timedelta(seconds=seconds))
    except OverflowError:
        raise Fault("this instant is out of range") from None


_NUMBER = Parameter("number", Kind.NUMBER)
_INSTANT = Parameter("instant", Kind.TEXT)

_OTHERS = (
    Function(
        "round",
        (_NUMBER, Parameter("decimals", Kind.INTEGER, optional=True)),
        Kind.NUMBER,
        "Rounded, halves away from zero.",
        "round(2.345, 2)",
        _round,
    ),
    Function("floor", (_NUMBER,), Kind.INTEGER, "The whole number below.", "floor(2.9)", _floor),
    Function("ceil", (_NUMBER,), Kind.INTEGER, "The whole number above.", "ceil(2.1)", _ceil),
    Function("abs", (_NUMBER,), Kind.NUMBER, "Without its sign.", "abs(-3)", _abs),
    Function(
        "date",
        (_INSTANT, Parameter("pattern", Kind.TEXT, optional=True)),
        Kind.TEXT,
        "The instant written as `YYYY MM MMM DD D ddd HH hh h mm ss A` say; `YYYY-MM-DD` when no pattern is given.",
        "date('2026-05-04T14:02:11Z', 'D MMM YYYY')",
        _date,
    ),
    Function(
        "in_zone",
        (_INSTANT, Parameter("zone", Kind.TEXT)),
        Kind.TEXT,
        "The same instant with the offset of a time zone.",
        "in_zone('2026-05-04T14:02:11Z', 'America/New_York')",
        _in_zone,
    ),
    Function(
        "later",
        (_INSTANT, Parameter("duration", Kind.TEXT)),
        Kind.TEXT,
        "The instant after a duration, before it with a minus sign.",
        "later('2026-05-04T14:00:00Z', '1h 30m')",
        _later,
    ),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in (*TEXT_FUNCTIONS, *LIST_FUNCTIONS, *_OTHERS)}
"""By name, in the order of the guide."""
