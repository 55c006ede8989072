"""Who a text may mean: a name, a phone number in any writing, an e-mail address, an id of a vendor's or of ours."""

from __future__ import annotations

import re
from typing import Any

from hooks.names import plain_name
from hooks.people import email_key, phone_key
from hooks.store.conditions import like
from hooks.store.engine import Reading

KNOWN = "forgotten_at IS NULL AND merged_into IS NULL"
"""The condition of people who are somebody of their own."""

MOST_PEOPLE = 500
"""People whose events one search lists: those that were met last."""

_FEWEST_DIGITS = 4


def people_named(raw: Reading, text: str) -> list[str]:
    """The ids of people whom a text may mean."""
    if len(text) < 2:
        return []
    condition, values = searched(text)
    rows = raw.execute(
        f"SELECT id FROM people WHERE {KNOWN} AND {condition} ORDER BY seq DESC LIMIT ?", [*values, MOST_PEOPLE]
    )
    return [row[0] for row in rows]


def searched(q: str | None) -> tuple[str, list[Any]]:
    """The condition and its values; a person fits when one of the ways to read the text fits."""
    if q is None or not q.strip():
        return "id <> ''", []
    text = q.strip()
    ways = ["id = ?", "id IN (SELECT person FROM person_records WHERE record = ?)"]
    values: list[Any] = [text, text]
    if number := phone_key(text):
        ways.append("id IN (SELECT person FROM person_keys WHERE kind = 'phone' AND value = ?)")
        values.append(number)
    elif not re.search(r"[^\W\d]", text) and len(digits := re.sub(r"\D", "", text)) >= _FEWEST_DIGITS:
        ways.append("id IN (SELECT person FROM person_keys WHERE kind = 'phone' AND value LIKE ?)")
        values.append(f"%{digits}%")
    if "@" in text:
        ways.append("id IN (SELECT person FROM person_keys WHERE kind = 'email' AND value LIKE ? ESCAPE '\\')")
        values.append(email_key(text) or f"%{like(text.lower())}%")
    if words := plain_name(text):
        ways.append("(" + " AND ".join(["search LIKE ? ESCAPE '\\'"] * len(words)) + ")")
        values += [f"%{like(word)}%" for word in words]
    return "(" + " OR ".join(ways) + ")", values
