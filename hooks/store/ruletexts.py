"""The texts of rule sets, so that runs begun with one end with it, and the numbered history of what was in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from hooks.events import new_id
from hooks.ports import Change, Edit
from hooks.store.auditing import write_change
from hooks.store.engine import Reading, Transaction
from hooks.store.rows import dump, millis, storable

UNKNOWN = Edit("unknown", "file")


def keep_rules(
    transaction: Transaction, version: str, files: Mapping[str, str], now: datetime, edit: Edit = UNKNOWN
) -> int:
    """Keep the texts and give the number under which they are in force: a new one when others were before."""
    at = millis(now)
    transaction.execute(
        "INSERT INTO rule_sets (version, loaded_at, files) VALUES (?, ?, ?) "
        "ON CONFLICT (version) DO UPDATE SET loaded_at = excluded.loaded_at",
        (version, at, dump(dict(files))),
    )
    while True:  # another server may take the number at the same moment
        row = transaction.execute("SELECT number, version FROM rule_versions ORDER BY number DESC LIMIT 1").fetchone()
        if row is not None and row[1] == version:
            return int(row[0])
        number = 1 if row is None else row[0] + 1
        taken = transaction.execute(
            "INSERT INTO rule_versions (number, version, loaded_at, author, origin, note) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (number) DO NOTHING RETURNING number",
            (number, version, at, storable(edit.author), edit.origin, storable(edit.note)),
        ).fetchone()
        if taken is not None:
            if edit.origin == "file":
                after = f"version {number}"
                write_change(
                    transaction,
                    Change(new_id("aud"), now, edit.author, "file", "rules.load", "", None, after, "done"),
                )
            return int(number)


def rules(reading: Reading, version: str) -> Mapping[str, str] | None:
    row = reading.execute("SELECT files FROM rule_sets WHERE version = ?", (version,)).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def latest_rules(reading: Reading) -> tuple[str, Mapping[str, str]] | None:
    row = reading.execute(
        "SELECT s.version, s.files FROM rule_versions v JOIN rule_sets s ON s.version = v.version "
        "ORDER BY v.number DESC LIMIT 1"
    ).fetchone()
    return None if row is None else (row[0], dict(json.loads(row[1])))


def latest_version(reading: Reading) -> tuple[int, str] | None:
    row = reading.execute("SELECT number, version FROM rule_versions ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else (int(row[0]), row[1])
