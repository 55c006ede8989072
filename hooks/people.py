"""Who is who: what a message says of a person, and whether that is somebody who is known already. Pure.

A phone number or an e-mail address that two messages share makes them one person, unless their names contradict each
other: families share a phone, and so does an office. The same name at the same address is no more than a suspicion.
What is doubtful is never joined silently: it goes to the review list, with the reason in words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from hooks.contacts import EMAIL, e164, read_number
from hooks.names import Likeness, contradict, likeness, plain_name

KeyKind = Literal["phone", "email", "place"]
"""``place`` is a name with a street and a ZIP code."""

Key = tuple[KeyKind, str]

Side = Literal["source", "connection"]

MAX_KEYS: Final = 20
"""Keys that one message can give a person: more of them is a list of people, not one."""

MAX_DOUBTS: Final = 3
"""Pairs for the review list that one message can make."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_NOBODY: Final = frozenset(
    {"none", "no", "na", "noemail", "nomail", "noreply", "no-reply", "donotreply", "unknown", "nobody", "null"}
    | {"test", "example", "email", "customer"}
)
"""Names of mailboxes that offices write when there is no address: they identify nobody."""

_COUNTING: Final = "01234567890123456789"

_STREETS: Final = {
    "street": "st",
    "road": "rd",
    "avenue": "ave",
    "av": "ave",
    "boulevard": "blvd",
    "drive": "dr",
    "lane": "ln",
    "court": "ct",
    "place": "pl",
    "circle": "cir",
    "parkway": "pkwy",
    "highway": "hwy",
    "terrace": "ter",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "apartment": "apt",
    "unit": "apt",
    "suite": "ste",
}


# --- keys ---


def phone_key(written: object) -> str | None:
    """A phone number as E.164, however it is written; without a country code it is a US or Canadian one.

    >>> phone_key("(303) 555-0142"), phone_key("1.303.555.0142 ext 7"), phone_key("call me")
    ('+13035550142', '+13035550142', None)
    """
    if not isinstance(written, str) or not 7 <= len(written) <= 40:
        return None
    if _E164.fullmatch(written):
        return written
    import phonenumbers

    number = read_number(written)
    return e164(number) if number is not None and phonenumbers.is_valid_number(number) else None


def email_key(written: object) -> str | None:
    """An e-mail address in small letters; None for what is none, or is what offices write in place of one."""
    if not isinstance(written, str) or len(written) > 254:
        return None
    address = written.strip().lower()
    if not EMAIL.fullmatch(address) or not address.isprintable() or address.partition("@")[0] in _NOBODY:
        return None
    return address


def tells_apart(written: object) -> bool:
    """Whether a number or an address of mail is somebody's own.

    Forms that demand one are filled in with ``n/a``, ``000-000-0000`` or ``none@none.com``: many people share those.
    """
    if not isinstance(written, str):
        return False
    if "@" in written:
        return email_key(written) is not None
    digits = re.sub(r"\D", "", written)
    counted = len(set(digits)) <= 2 or digits in _COUNTING
    return phone_key(written) is not None or (len(digits) >= 7 and not counted)


def place_key(name: str | None, address: object) -> str | None:
    """A name with a street and the ZIP code's five digits; None when one of them is missing."""
    if not name or not isinstance(address, dict):
        return None
    street, code = address.get("street"), address.get("zip")
    if not isinstance(street, str) or not isinstance(code, str | int):
        return None
    folded = unicodedata.normalize("NFKD", street).casefold()
    words = [_STREETS.get(word, word) for word in re.findall(r"\w+", folded)]
    digits = re.sub(r"\D", "", str(code))[:5]
    who = " ".join(sorted(plain_name(name)))
    return f"{who}|{' '.join(words)}|{digits}"[:200] if who and words and digits else None


# --- what a message says ---


@dataclass(frozen=True, slots=True)
class KeptAt:
    """Where a record is kept: at a vendor, in the account that a source or a connection of ours is of."""

    vendor: str
    side: Side
    name: str


@dataclass(frozen=True, slots=True)
class VendorRecord:
    """A record of a person at a vendor: ``kind`` is ``customer``, ``id`` the vendor's."""

    kept_at: KeptAt
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one event, or the result of one step, says of one person.

    ``origin`` is the event's or the run's id, ``event`` the event's. ``gone`` is a record that the vendor had no more
    when ``record`` was found or made in its place.
    """

    origin: str
    event: str
    at: datetime
    name: str | None = None
    company: str | None = None
    keys: tuple[Key, ...] = ()
    record: VendorRecord | None = None
    gone: VendorRecord | None = None


def customer_in(type_: str, data: object) -> Mapping[str, Any] | None:
    """The customer that an event is about: its data for ``customer.*``, else the ``customer`` in them."""
    if not isinstance(data, dict):
        return None
    found = data if type_.startswith("customer.") else data.get("customer")
    return found if isinstance(found, dict) and found else None


def sighting(
    customer: Mapping[str, Any],
    *,
    origin: str,
    event: str,
    at: datetime,
    place: object = None,
    record: VendorRecord | None = None,
) -> Sighting | None:
    """What a canonical customer says; None when nothing in it could be recognised again.

    ``place`` is an address that stands beside the customer. Takes anything: what does not look like what it should be
    is not there.
    """
    name, company = _names(customer)
    keys = tuple(dict.fromkeys(_keys(customer, name or company, place)))[:MAX_KEYS]
    if not keys and record is None:
        return None
    return Sighting(origin, event, at, name, company, keys, record)


def _names(customer: Mapping[str, Any]) -> tuple[str | None, str | None]:
    company = _text(customer.get("company"))
    full = " ".join(part for part in (_text(customer.get("first_name")), _text(customer.get("last_name"))) if part)
    shown = _text(customer.get("display_name"))
    name = full or (shown if shown != company else None)
    return name if name and plain_name(name) else None, company


def record_id(value: object) -> str | None:
    """A vendor's id of a record as text; None for what can be none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    found = str(value)
    return found if 0 < len(found) <= 200 and found.isprintable() else None


def _text(value: object) -> str | None:
    """A text of one line that every store takes; None for anything else."""
    if not isinstance(value, str):
        return None
    kept = " ".join(value.split())[:200]
    if not kept.isprintable():
        kept = "".join(letter for letter in kept if letter.isprintable())
    return kept.strip() or None


def _keys(customer: Mapping[str, Any], name: str | None, place: object) -> Iterator[Key]:
    for number in _each(customer.get("phone"), *_numbers(customer.get("phones"))):
        if key := phone_key(number):
            yield "phone", key
    for address in _each(customer.get("email"), *_list(customer.get("emails"))):
        if key := email_key(address):
            yield "email", key
    for address in _each(customer.get("address"), *_list(customer.get("addresses")), place):
        if key := place_key(name, address):
            yield "place", key


def _each(*values: object) -> list[object]:
    """These once each: the first of several stands beside them all."""
    found: list[object] = []
    for value in values:
        if value is not None and value not in found:
            found.append(value)
    return found


def _numbers(phones: object) -> Sequence[object]:
    if not isinstance(phones, dict):
        return ()
    return phones.get("mobile"), phones.get("home"), phones.get("work"), *_list(phones.get("additional"))


def _list(value: object) -> Sequence[object]:
    return value[:MAX_KEYS] if isinstance(value, list) else ()


# --- who that is ---


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody known who shares something with a sighting. ``shared`` are the keys that both have.

    ``holds`` are the accounts and kinds that this person has a record in, empty where there is no other candidate that
    it would be compared with. ``order``: who was known first.
    """

    id: str
    order: int
    name: str | None
    company: str | None
    shared: frozenset[Key] = frozenset()
    has_record: bool = False
    reachable: bool = True
    holds: frozenset[tuple[KeptAt, str]] = frozenset()

    @property
    def reached(self) -> list[str]:
        """The kinds of keys by which somebody can be reached that both have."""
        return sorted({kind for kind, _ in self.shared if kind != "place"}, reverse=True)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two who may be one. ``confidence`` is how sure it is that they are, 0 to 1."""

    person: str
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Who a sighting is: ``person`` (None: somebody new), who else that has turned out to be, and who it might be."""

    person: str | None
    confidence: float
    why: str
    merged: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()


_SURE: Final[Mapping[Likeness, float]] = {"same": 0.98, "close": 0.9, "unknown": 0.85}
_WORDS: Final[Mapping[Likeness, str]] = {
    "same": "the same name",
    "close": "a name that fits",
    "unknown": "no name to compare",
    "family": "the same last name and another first name",
    "different": "another name",
}


def decide(seen: Sighting, candidates: Sequence[Candidate]) -> Decision:
    """Who this is. The same sighting and the same candidates always give the same decision."""
    ordered = sorted(candidates, key=lambda one: one.order)
    by_record = next((one for one in ordered if one.has_record), None)
    like = {one.id: likeness(seen.name, seen.company, one.name, one.company) for one in ordered}
    friends = [one for one in ordered if _is_friend(seen, one, like[one.id])]
    others = [one for one in ordered if one not in friends and one is not by_record]
    chosen = by_record or max(friends, key=lambda one: _fit(one, like[one.id]), default=None)
    doubts = [_doubt(one, like[one.id]) for one in others]
    if chosen is None:
        return Decision(None, 1.0, "nobody known has this", (), tuple(doubts[:MAX_DOUBTS]))
    merged: list[str] = []
    held = set(chosen.holds)
    for one in friends:
        if one is chosen:
            continue
        if like[one.id] != "unknown" and not contradict(chosen, one) and not held & one.holds:
            merged.append(one.id)
            held |= one.holds
        else:
            doubts.append(Doubt(one.id, 0.7, f"one message fits both: the same {_reach(one)}"))
    if chosen is by_record:
        return Decision(chosen.id, 1.0, "the vendor's own record", tuple(merged), tuple(doubts[:MAX_DOUBTS]))
    confidence, why = _confidence(chosen, like[chosen.id])
    return Decision(chosen.id, confidence, why, tuple(merged), tuple(doubts[:MAX_DOUBTS]))


def _is_friend(seen: Sighting, one: Candidate, like: Likeness) -> bool:
    """Whether they are one person beyond doubt."""
    if like in ("family", "different"):
        return False
    if one.reached:
        return True
    alone = not one.reachable and not any(kind != "place" for kind, _ in seen.keys)
    return alone and bool(one.shared)  # of neither there is more to know than a name and an address


def _fit(one: Candidate, like: Likeness) -> tuple[int, int, int]:
    return {"same": 2, "close": 1}.get(like, 0), len(one.shared), -one.order


def _confidence(one: Candidate, like: Likeness) -> tuple[float, str]:
    if not one.reached:
        return 0.75, "the same name and address, and nothing else known of either"
    sure = _SURE[like] + (0.01 if len(one.reached) > 1 else 0.0)
    return round(sure, 2), f"the same {_reach(one)} and {_WORDS[like]}"


def _doubt(one: Candidate, like: Likeness) -> Doubt:
    if not one.reached:
        return Doubt(one.id, 0.6, "the same name and address, and no phone or e-mail in common")
    sure = 0.5 if like == "family" else 0.3
    if len(one.reached) > 1:
        sure += 0.1
    guess = "a family?" if like == "family" else "a shared phone or office?"
    return Doubt(one.id, round(sure, 2), f"the same {_reach(one)} and {_WORDS[like]}: {guess}")


def _reach(one: Candidate) -> str:
    return " and ".join(one.reached) or "name and address"


# --- searching texts ---


def in_any_writing(keys: Iterable[Key]) -> re.Pattern[str] | None:
    """Finds a person's phone numbers, however they are written, and e-mail addresses in a text; None without any."""
    parts: list[str] = []
    for kind, value in keys:
        if kind == "phone":
            digits = value.removeprefix("+1").removeprefix("+")
            parts.append(r"(?<!\d)(?:\+?1\D{0,3})?" + r"\D{0,3}".join(digits) + r"(?!\d)")
        elif kind == "email":
            parts.append(r"(?<![\w.+-])" + re.escape(value).replace("@", "(?:@|%40)") + r"(?![\w-])")
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None
