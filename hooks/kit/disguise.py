"""Making an event one that may be shown around: people in it are replaced by invented ones, the same by the same.

Names, companies, phones, e-mail addresses and streets are found by the names of their fields; what was found there, and
whatever looks like a phone number or an e-mail address, is replaced in all other texts too. Cities, ids and amounts
stay, because rules look at them. Free text can hold what no program recognizes: read it before it is shared.
"""

from __future__ import annotations

import re
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

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.])\+?(?:1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?![\w])")
_QUERY = re.compile(r"(https?://[^\s?#]+)[?#]\S*")


class Disguise:
    """Replaces people. Everything that belongs together is given to the same one, all of it to `learn` first."""

    def __init__(self) -> None:
        self._invented: dict[tuple[str, str], str] = {}
        self._known: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, value: Any) -> None:
        """Look for people, so that their names are recognized in other texts."""
        self._walk(value, "", False)
        known = sorted(self._known, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, known))
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if known else None

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
        text = _QUERY.sub(r"\1", text)
        text = _EMAIL.sub(lambda found: self._email(found[0]), text)
        if not key.endswith(("id", "number", "at", "date", "time")):
            text = _PHONE.sub(lambda found: self._phone(found[0]), text)
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: _cased(self._known[found[0].lower()], found[0]), text)
        return text

    # --- the invented ---

    def _whole(self, kind: str, text: str, form: str) -> str:
        place = (kind, text.strip().lower())
        if place not in self._invented:
            number = sum(known == kind for known, _ in self._invented) + 1
            self._invented[place] = form.format(number)
            if kind in ("company", "street") and len(place[1]) > 3:
                self._known[place[1]] = self._invented[place]
        return self._invented[place]

    def _name(self, text: str, pool: tuple[str, ...]) -> str:
        return " ".join(self._word(word, pool) for word in text.split())

    def _word(self, word: str, pool: tuple[str, ...]) -> str:
        letters = word.strip(".,&()").lower()
        if not any(map(str.isalpha, letters)) or letters in ("and", "jr", "sr"):
            return word
        if ("name", letters) not in self._invented:
            number = sum(kind == "name" for kind, _ in self._invented)
            name = pool[number % len(pool)] + (str(number) if number >= len(pool) else "")
            self._invented["name", letters] = name
            if len(letters) > 1:
                self._known.setdefault(letters, name)
        return _cased(self._invented["name", letters], word)

    def _full_name(self, text: str) -> str:
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
