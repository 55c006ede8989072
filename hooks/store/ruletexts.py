"""The texts of rule sets, kept so that runs begun with one end with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from hooks.store.engine import Reading, Transaction
from hooks.store.rows import dump, millis


def keep_rules(transaction: Transaction, version: str, files: Mapping[str, str], now: datetime) -> None:
    transaction.execute(
        "INSERT INTO rule_sets (version, loaded_at, files) VALUES (?, ?, ?) "
        "ON CONFLICT (version) DO UPDATE SET loaded_at = excluded.loaded_at",
        (version, millis(now), dump(dict(files))),
    )


def rules(reading: Reading, version: str) -> Mapping[str, str] | None:
    row = reading.execute("SELECT files FROM rule_sets WHERE version = ?", (version,)).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def latest_rules(reading: Reading) -> tuple[str, Mapping[str, str]] | None:
    row = reading.execute("SELECT version, files FROM rule_sets ORDER BY loaded_at DESC LIMIT 1").fetchone()
    return None if row is None else (row[0], dict(json.loads(row[1])))
