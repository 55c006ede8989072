"""`hooks backtest`: the stored events under two rules files. Reads the database file; opens no socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hooks.cli.loading import catalogue
from hooks.cli.output import coloured, plain, print_table, wrong_use
from hooks.cli.progress import progress
from hooks.plurals import so_many
from hooks.rules.accounts import stand_in
from hooks.rules.backtest import EFFECTS, Backtest, Change
from hooks.rules.findings import did_you_mean
from hooks.rules.load import load_rules, load_texts
from hooks.rules.ruleset import RuleSet
from hooks.rules.trial import show_value
from hooks.store.past import Past
from hooks.values import show_duration

SHOWN = 20
"""Differences that are told in full; `--json` has all."""

_COLOURS = {"added": "green", "removed": "red", "changed": "yellow"}


@dataclass(frozen=True, slots=True)
class Range:
    """Which of the stored events are looked at."""

    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    now: datetime | None = None
    """Until when all that came is stored."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison and what was compared with what."""

    backtest: Backtest
    old: str
    new: str


def compare(new: Path, against: Path | None, fallback: Path, database: str, range: Range, only: str | None) -> Compared:
    """Take all events of the range through both files.

    Without ``against`` the old rules are those in force: the last that a server loaded, or ``fallback`` when none did.
    Raises RulesInvalid and StoreError.
    """
    after = load_rules(new, catalogue(), stand_in)
    with Past.open(database) as past:
        before, named = _old(past, against, fallback)
        _check_rule(only, before, after)
        _check_source(range.source, past, before, after)
        backtest = Backtest(before, after, only, whole=range.source is None)
        total = past.count(range.since, range.until, range.source)
        with progress() as tell:
            for each in past.events(range.since, range.until, range.source):
                backtest.compare(each)
                tell("events", backtest.events, total)
        backtest.finish(range.until or range.now)
    return Compared(backtest, named, str(new))


def _old(past: Past, against: Path | None, fallback: Path) -> tuple[RuleSet, str]:
    if against is not None:
        return load_rules(against, catalogue(), stand_in), str(against)
    texts = past.latest_rules()
    if texts is not None:
        return load_texts(texts, catalogue(), stand_in), "the rules in force"
    return load_rules(fallback, catalogue(), stand_in), str(fallback)


def _check_rule(only: str | None, *sides: RuleSet) -> None:
    known = [rule.id for side in sides for rule in side.rules]
    if only is not None and only not in known:
        raise wrong_use(f"there is no rule {plain(only)!r} in either file. {did_you_mean(only, known)}".rstrip())


def _check_source(source: str | None, past: Past, *sides: RuleSet) -> None:
    known = [name for side in sides for name in side.sources]
    if source is not None and source not in known and not past.count(source=source):
        near = did_you_mean(source, known)
        raise wrong_use(f"there is no source {plain(source)!r} in either file, and no event of it. {near}".rstrip())


# --- for people ---


def print_compared(compared: Compared) -> None:
    """The table by rule, then each difference with its fields."""
    backtest = compared.backtest
    print(f"{so_many(backtest.events, 'event')}: {plain(compared.old)} against {plain(compared.new)}")
    if backtest.rules:
        print()
        rows = [(id, *(counts[effect] for effect in EFFECTS)) for id, counts in backtest.rules.items()]
        print_table(("rule", *EFFECTS), rows)
    for change in backtest.changes[:SHOWN]:
        _print_change(change)
    if len(backtest.changes) > SHOWN:
        print(f"\nand {len(backtest.changes) - SHOWN:,} more: --json has all of them")
    print()
    if not backtest.changes:
        print(coloured("No difference.", "green"))
    for told in (_answers(backtest), *_times(backtest)):
        if told:
            print(told)


def _print_change(change: Change) -> None:
    word = coloured(change.effect, _COLOURS.get(change.effect))
    print(f"\n{word} {coloured(plain(change.rule), 'bold')} for {change.event}")
    for each in change.fields:
        if each.old is None or each.new is None:
            sign, value = ("+", each.new) if each.old is None else ("-", each.old)
            print(f"  {coloured(sign, 'green' if sign == '+' else 'red')} {plain(each.path)}: {_value(value)}")
        else:
            print(f"  {plain(each.path)}: {coloured(_value(each.old), 'red')} → {coloured(_value(each.new), 'green')}")


def _value(value: Any) -> str:
    """A value on one line; of a whole request what is done where, then its body."""
    if isinstance(value, Mapping) and "action" in value and "url" in value:
        body = value.get("body")
        told = f"{value['action']}: {value.get('method')} {value['url']}"
        return plain(told if body is None else f"{told} {show_value(body)}")
    return plain(show_value(value))


def _answers(backtest: Backtest) -> str:
    if not backtest.recorded and not backtest.stood_in:
        return ""
    told = f"Answers of earlier steps: {backtest.recorded:,} as recorded"
    return told + (f", {backtest.stood_in:,} unknown (shown as <steps...>)." if backtest.stood_in else ".")


def _times(backtest: Backtest) -> list[str]:
    """What the keys of time come to, beside whether a rule acts."""
    told = []
    if backtest.moved:
        moved = "; ".join(
            f"{plain(rule)} ({each.runs:,}, up to {show_duration(abs(each.seconds))} "
            f"{'later' if each.seconds > 0 else 'earlier'})"
            for rule, each in backtest.moved.items()
        )
        told.append(f"At another time: {moved}.")
    if backtest.open:
        counted = "; ".join(f"{plain(rule)} ({number:,})" for rule, number in backtest.open.items())
        told.append(f"Not known yet, because their time is not over: {counted}.")
    if backtest.untimed:
        keys = "; ".join(f"{plain(rule)} ({', '.join(keys)})" for rule, keys in backtest.untimed.items())
        told.append(f"Stored events do not tell what becomes of these keys: {keys}.")
    return told


# --- for a pull request ---


def short(compared: Compared) -> str:
    """Markdown for a pull request: counts and names of fields. No values: they are about people."""
    backtest = compared.backtest
    summary = backtest.summary
    counted = ", ".join(f"{summary[effect]:,} {effect}" for effect in ("added", "removed", "changed", "same"))
    lines = [f"**hooks backtest**: {so_many(backtest.events, 'event')}, {counted}."]
    differing = {id: counts for id, counts in backtest.rules.items() if _differs(counts)}
    if differing:
        lines += ["", "| rule | same | added | removed | changed | fields that change |", "|---|--:|--:|--:|--:|---|"]
        fields = _fields(backtest.changes)
        for id, counts in differing.items():
            numbers = " | ".join(f"{counts[effect]:,}" for effect in EFFECTS)
            lines.append(f"| `{id}` | {numbers} | {fields.get(id, '')} |")
    for told in (_answers(backtest), *_times(backtest)):
        if told:
            lines += ["", told]
    return "\n".join(lines)


def _differs(counts: Mapping[Any, int]) -> bool:
    return any(count for effect, count in counts.items() if effect != "same")


def _fields(changes: Sequence[Change], most: int = 6) -> dict[str, str]:
    """By rule: the fields that change, the most frequent first."""
    counted: dict[str, Counter[str]] = {}
    for change in changes:
        if change.effect == "changed":
            counted.setdefault(change.rule, Counter()).update({each.path for each in change.fields})
    told = {}
    for id, counter in counted.items():
        shown = [f"`{path}` ({number:,})".replace("|", "\\|") for path, number in counter.most_common(most)]
        rest = len(counter) - most
        told[id] = ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
    return told
