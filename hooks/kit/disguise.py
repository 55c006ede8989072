"""Making an event one that may be shown around: people in it are replaced by invented ones, the same by the same.

Names, companies, phones, e-mail addresses and streets are found by the names of their fields; what was found there, and
whatever looks like a phone number or an e-mail address, is replaced in all other texts too. Cities, ids and amounts
stay, because rules look at them. Free text can hold what no program recognizes: read it before it is shared.

Senders choose these texts and how long they are, so the work goes with their length and no pattern is tried anew from
each letter of a long word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

_FIRST = ("Avery", "Blake", "Casey", "Devon", "Ellis", "Finley", "Harper", "Jordan", "Kendall", "Morgan")
_LAST = ("Sample", "Example", "Specimen", "Placeholder", "Trial", "Template", "Pattern", "Model", "Fixture", "Stand")

_FIELDS: dict[str, frozenset[str]] = {
    "first": frozenset({"firstname", "givenname", "fname", "first"}),
    "last": frozenset({"lastname", "familyname", "surname", "lname", "last"}),
    "full": frozenset({"name", "displayname", "fullname", "customername", "contactname", "contact"}),
    "company": frozenset({"company", "companyname", "businessname"}),
    "street": frozenset({"street", "street1", "streetline1", "streetaddress", "address", "address1", "addressline1"}),
    "unit": frozenset({"street2", "streetline2", "address2", "addressline2", "unit", "apt"}),
    "line": frozenset({"oneline", "formattedaddress", "fulladdress"}),
    "position": frozenset({"latitude", "longitude", "lat", "lng", "lon"}),
}
_THINGS = frozenset({"lineitems", "items", "options", "products", "materials", "tags", "services"})
"""Lists whose items have a name and are not people."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.])\+?(?:1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?![\w])")
_PIECE = re.compile(r"\S+")
_ADDRESS = re.compile(r"https?://[^?#]")
_QUERY = re.compile(r"[?#]")
_WORD = re.compile(r"\w+")

LONGEST = 200
"""Characters of a name: what is longer is replaced as a whole, and not looked for in other texts."""


class Disguise:
    """Replaces people. Everything that belongs together is given to the same one, all of it to `learn` first."""

    def __init__(self) -> None:
        self._invented: dict[tuple[str, str], str] = {}
        self._number: Counter[str] = Counter()
        self._known: dict[str, str] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}
        """By the first word of what is known: how long it is, and where in it that word stands. The longest first."""

    def learn(self, value: Any) -> None:
        """Look for people, so that their names are recognized in other texts."""
        self._walk(value, "", False)
        places: dict[str, set[tuple[int, int]]] = {}
        for known in self._known:
            if first := _WORD.search(known):
                places.setdefault(first[0], set()).add((len(known), first.start()))
        self._places = {word: sorted(found, reverse=True) for word, found in places.items()}

    def mask(self, value: Any) -> Any:
        """The value with all people in it invented."""
        return self._walk(value, "", False)

    def _walk(self, value: Any, key: str, things: bool) -> Any:
        if isinstance(value, dict):
            return {name: self._walk(below, _plain(name), things) for name, below in value.items()}
        if isinstance(value, list):
            return [self._walk(below, key, things or key in _THINGS) for below in value]
        kind = _kind(key, things)
        if isinstance(value, str) and value.strip():
            return self._field(kind, value) if kind else self._text(value, key)
        if kind == "phone" and type(value) is int:
            return int(self._phone(str(value)))
        return float(round(value)) if kind == "position" and isinstance(value, float) else value

    def _field(self, kind: str, text: str) -> str:
        replaced: dict[str, Callable[[str], str]] = {
            "first": lambda text: self._name(text, _FIRST),
            "last": lambda text: self._name(text, _LAST),
            "full": self._full_name,
            "company": lambda text: self._whole("company", text, "Example Company {}"),
            "street": lambda text: self._whole("street", text, "{}01 Sample Street"),
            "unit": lambda text: self._whole("unit", text, "Unit {}"),
            "line": self._line,
            "email": self._email,
            "phone": self._phone,
        }
        return replaced[kind](text) if kind in replaced else text

    def _text(self, text: str, key: str) -> str:
        text = _PIECE.sub(lambda found: _without_query(found[0]), text)
        text = _EMAIL.sub(lambda found: self._email(found[0]), text)
        if not key.endswith(("id", "number", "at", "date", "time")):
            text = _PHONE.sub(lambda found: self._phone(found[0]), text)
        return self._without_known(text) if self._places else text

    def _without_known(self, text: str) -> str:
        made, at = [], 0
        for word in _WORD.finditer(text):
            for length, offset in self._places.get(word[0].lower(), ()):
                start = word.start() - offset
                end = start + length
                found = text[start:end]
                if start < at or found.lower() not in self._known or not _alone(text, start, end):
                    continue
                made += [text[at:start], _cased(self._known[found.lower()], found)]
                at = end
                break
        return "".join([*made, text[at:]])

    # --- the invented ---

    def _whole(self, kind: str, text: str, form: str) -> str:
        place = (kind, text.strip().lower())
        if place not in self._invented:
            self._number[kind] += 1
            self._invented[place] = form.format(self._number[kind])
            if kind in ("company", "street") and 3 < len(place[1]) <= LONGEST:
                self._known[place[1]] = self._invented[place]
        return self._invented[place]

    def _name(self, text: str, pool: tuple[str, ...]) -> str:
        if len(text) > LONGEST:
            return self._whole("long name", text, "Somebody {}")
        return " ".join(self._word(word, pool) for word in text.split())

    def _word(self, word: str, pool: tuple[str, ...]) -> str:
        letters = word.strip(".,&()").lower()
        if not any(map(str.isalpha, letters)) or letters in ("and", "jr", "sr"):
            return word
        if ("name", letters) not in self._invented:
            number = self._number["name"]
            self._number["name"] += 1
            name = pool[number % len(pool)] + (str(number) if number >= len(pool) else "")
            self._invented["name", letters] = name
            if len(letters) > 1:
                self._known.setdefault(letters, name)
        return _cased(self._invented["name", letters], word)

    def _full_name(self, text: str) -> str:
        if len(text) > LONGEST:
            return self._whole("long name", text, "Somebody {}")
        words = text.split()
        return " ".join(
            self._word(word, _LAST if number and number == len(words) - 1 else _FIRST)
            for number, word in enumerate(words)
        )

    def _line(self, text: str) -> str:
        street, comma, rest = text.partition(",")
        return self._whole("street", street, "{}01 Sample Street") + comma + self._text(rest, "")

    def _email(self, text: str) -> str:
        return self._whole("email", text, "person{}@example.org")

    def _phone(self, text: str) -> str:
        """The same form with other digits; one number is always the same other one, however it is written."""
        digits = re.sub(r"\D", "", text)
        number = self._whole("phone", digits[-10:], "{}")
        filled = f"51355501{int(number) % 100:02}"[-len(digits) :].rjust(len(digits), "0") if digits else ""
        if len(digits) == 11:
            filled = digits[0] + filled[1:]
        replaced = iter(filled)
        return re.sub(r"\d", lambda _: next(replaced), text)


def _without_query(piece: str) -> str:
    """A piece of text without blanks, up to the query of an address in it."""
    address = _ADDRESS.search(piece)
    query = None if address is None else _QUERY.search(piece, address.end())
    return piece if query is None else piece[: query.start()]


def _alone(text: str, start: int, end: int) -> bool:
    """Whether no word goes on over the edges of this part."""
    return not (start and _WORD.match(text[start - 1])) and not (end < len(text) and _WORD.match(text[end]))


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _kind(key: str, things: bool) -> str:
    """What a field holds, "" for anything that is not about a person."""
    if "email" in key:
        return "email" if not key.endswith(("type", "enabled", "id")) else ""
    if any(word in key for word in ("phone", "mobile", "fax")) and not key.endswith(("type", "enabled", "id", "valid")):
        return "phone"
    for kind, names in _FIELDS.items():
        if key in names and not (things and key == "name"):
            return kind
    return ""


def _cased(invented: str, original: str) -> str:
    if original.isupper() and len(original) > 1:
        return invented.upper()
    return invented.lower() if original.islower() else invented
