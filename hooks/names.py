"""Whether two names can be one person's: equal, fitting, or contradicting each other. Pure.

Forms are filled in by hand: titles, initials, short forms, a letter too many and a turned order are no contradiction.
Another first name beside the same last name is: a family.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from hooks.remembered import remembered

Likeness = Literal["same", "close", "unknown", "family", "different"]
"""``unknown``: one of them has no name to compare. ``family`` and ``different`` contradict."""

_IGNORED: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "jr", "sr", "ii", "iii", "iv", "md", "phd"})
_JOINING: Final = frozenset({"and", "und", "y", "&"})
_COMPANY_WORDS: Final = frozenset({"inc", "llc", "ltd", "co", "corp", "company", "the"})
_SHORT_FORMS: Final = (
    "robert rob bob bobby robby",
    "william will bill billy liam",
    "richard rick dick rich",
    "james jim jimmy jamie",
    "john jack johnny jon",
    "joseph joe joey",
    "michael mike mikey mick",
    "thomas tom tommy",
    "charles charlie chuck",
    "edward ed eddie ted ned",
    "henry hank harry",
    "daniel dan danny",
    "david dave davey",
    "steven stephen steve",
    "anthony tony",
    "andrew andy drew",
    "christopher chris",
    "alexander alex sasha",
    "elizabeth liz beth betty eliza lisa",
    "margaret maggie meg peggy",
    "katherine catherine kathryn kate kathy cathy katie",
    "patricia pat patty trish",
    "susan sue suzanne",
    "deborah debra deb debbie",
    "jennifer jen jenny",
    "jessica jess",
    "rebecca becky",
    "samantha samuel sam",
    "theodore ted theo",
    "francis frank",
    "lawrence larry",
    "gerald jerry",
    "ronald ron",
    "donald don",
    "kenneth ken",
    "francisco paco pancho",
    "jose pepe",
    "ignacio nacho",
)
_FORMS: Final[dict[str, frozenset[int]]] = {
    word: frozenset(number for number, line in enumerate(_SHORT_FORMS) if word in line.split())
    for line in _SHORT_FORMS
    for word in line.split()
}


class Named(Protocol):
    """Whoever has a name, a company's, both or none."""

    @property
    def name(self) -> str | None: ...

    @property
    def company(self) -> str | None: ...


def plain_name(name: str) -> list[str]:
    """The words of a name in small letters without accents, titles and suffixes, the last name last.

    >>> plain_name("Dr. Ortíz, Maya"), plain_name("Sam Hill Jr.")
    (['maya', 'ortiz'], ['sam', 'hill'])
    """
    return list(_plain_name(name))


@remembered(256)
def _plain_name(name: str) -> tuple[str, ...]:
    """What is learned of somebody asks for the same name several times."""
    if "@" in name:
        return ()  # an address that stands where a name was missing
    folded = unicodedata.normalize("NFKD", name).casefold()
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    last, comma, first = folded.partition(",")
    if comma and _words(first):
        folded = f"{first} {last}"
    return tuple(_words(folded))


def _words(text: str) -> list[str]:
    found = re.findall(r"&|[^\W_]+", re.sub(r"(?<=\w)['’.-](?=\w)", "", text))
    return [word for word in found if word not in _IGNORED and not word.isdigit()]


def likeness(name: str | None, company: str | None, other: str | None, other_company: str | None) -> Likeness:
    """How two people's names go together; companies are compared where neither has a name of its own."""
    if name and other:
        return compare(plain_name(name), plain_name(other))
    if not name and not other and company and other_company:
        return _same_company(plain_name(company), plain_name(other_company))
    return "unknown"


def says_less(name: str, other: str) -> bool:
    """Whether a name that fits another says less: an address or a number in place of one, one word of several."""
    words = plain_name(name)
    return not words or len(words) == 1 < len(plain_name(other))


def contradict(one: Named, other: Named) -> bool:
    """Whether two cannot be the same person by their names."""
    return likeness(one.name, one.company, other.name, other.company) in ("family", "different")


def compare(one: Sequence[str], other: Sequence[str]) -> Likeness:
    """The same for the words of two names (`plain_name`)."""
    if not one or not other:
        return "unknown"
    if sorted(one) == sorted(other):
        return "same"
    if len(one) == 1 or len(other) == 1:
        short, long = (one, other) if len(one) == 1 else (other, one)
        return "close" if any(_agree(short[0], word) for word in long) else "different"
    firsts = any(_agree(mine, theirs) for mine in _firsts(one) for theirs in _firsts(other))
    lasts = _near(one[-1], other[-1]) or one[-1] in other or other[-1] in one
    if firsts:
        return "close"  # a last name changes with a marriage
    return "family" if lasts else "different"


def _firsts(words: Sequence[str]) -> list[str]:
    """The first name, or those of a couple: ``tom and lisa berg``."""
    return [words[0], *(words[at + 1] for at in range(1, len(words) - 1) if words[at] in _JOINING)]


def _agree(one: str, other: str) -> bool:
    """Whether two first names can be one: an initial, a short form, a slip of a letter."""
    short, long = sorted((one, other), key=len)
    if len(short) != 2 and long.startswith(short):
        return True
    return _near(one, other) or bool(_FORMS.get(one, frozenset()) & _FORMS.get(other, frozenset()))


def _near(one: str, other: str) -> bool:
    """Whether two words differ in one letter at most; short ones not at all."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < 5 or len(long) - len(short) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    rest, longer = short[same:], long[same:]
    return rest[1:] == longer[1:] or rest == longer[1:] or (rest[:2] == longer[1::-1] and rest[2:] == longer[2:])


def _same_company(one: Sequence[str], other: Sequence[str]) -> Likeness:
    mine, theirs = set(one) - _COMPANY_WORDS, set(other) - _COMPANY_WORDS
    if not mine or not theirs:
        return "unknown"
    if mine == theirs:
        return "same"
    return "close" if mine <= theirs or theirs <= mine else "different"


def name_in(data: Any) -> str | None:
    """Whom an event's data is about, as people say it: its customer's name, else its own; None where it has none."""
    if not isinstance(data, Mapping):
        return None
    for one in (data.get("customer"), data):
        if isinstance(one, Mapping):
            whole = " ".join(text for part in ("first_name", "last_name") if isinstance(text := one.get(part), str))
            for name in (one.get("display_name"), whole, one.get("company")):
                if isinstance(name, str) and name.strip():
                    return name.strip()[:100]
    return None
