"""Ways to reach a person, read alike everywhere: telephone numbers, at home in the US and Canada, and e-mail. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import phonenumbers

EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\".]+(?:\.[^@\s,;<>\".]+)+")

_HOME_REGIONS: Final = frozenset({"US", "CA", "PR", "VI", "GU", "AS", "MP"})


def read_number(written: str) -> phonenumbers.PhoneNumber | None:
    """A number as it may be meant, valid or not; without a country code it is a US or Canadian one."""
    import phonenumbers

    try:
        return phonenumbers.parse(written, "US")
    except phonenumbers.NumberParseException:
        return None


def is_at_home(number: phonenumbers.PhoneNumber) -> bool:
    """Whether it is a valid number of the US or Canada."""
    import phonenumbers

    region = phonenumbers.region_code_for_number(number)
    return region in _HOME_REGIONS and phonenumbers.is_valid_number_for_region(number, region)


def e164(number: phonenumbers.PhoneNumber) -> str:
    """``+13035550142``."""
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
