"""Deliver: whether a vendor's value and ours are the same, however each is written. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from hooks.people import phone_key

TEN_DIGITS = 10
"""What a number of the US or Canada has; the country before them is often left out."""


def same_text(one: object, other: object) -> bool:
    """Whether two texts differ in no more than case and blanks; a missing one is empty."""
    return " ".join(str(one or "").split()).casefold() == " ".join(str(other or "").split()).casefold()


def same_time(one: object, other: object) -> bool:
    """Whether both are the same instant."""
    try:
        return datetime.fromisoformat(str(one)) == datetime.fromisoformat(str(other))
    except (ValueError, TypeError):
        return False


def last_digits(number: object) -> str:
    """The last ten digits of a number, without an extension; fewer where there are no more."""
    text = str(number or "")
    digits = re.sub(r"\D", "", text)
    if len(digits) > TEN_DIGITS + 1:  # an extension, which the last ten would be of
        digits = (phone_key(text) or digits).lstrip("+")
    return digits[-TEN_DIGITS:]


def national(number: str) -> str:
    """Ten digits for a US or Canadian number in E.164, as vendors write them; other texts as they are."""
    return number[2:] if re.fullmatch(r"\+1\d{10}", number) else number.strip()
