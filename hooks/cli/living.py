"""`hooks check --live`: whether the ids that stand in the rules are there, asked at the vendors. Only reads."""

from __future__ import annotations

import asyncio
import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from hooks.cli.accounts import opened
from hooks.errors import DeliveryError
from hooks.kit.picks import Pick, absent, pick_for, whole_list
from hooks.rules.constants import Constant, constants
from hooks.rules.findings import Finding, Severity, in_order
from hooks.rules.ruleset import ConnectionConfig, RuleSet

SECONDS = 120.0
"""For all questions about one list at one connection."""


@dataclass(slots=True)
class Live:
    """What came of it: ``unasked`` are warnings about vendors that could not be asked."""

    asked: int = 0
    missing: list[Finding] = field(default_factory=list)
    unasked: list[Finding] = field(default_factory=list)

    @property
    def findings(self) -> Sequence[Finding]:
        return in_order([*self.missing, *self.unasked])


def picks_of(vendor: str) -> Mapping[str, Pick]:
    """A vendor's pick lists by name; none when its folder has none."""
    if not (files("hooks.vendors") / vendor / "picks.py").is_file():
        return {}
    found: Mapping[str, Pick] = importlib.import_module(f"hooks.vendors.{vendor}.picks").PICKS
    return found


async def live_findings(rules: RuleSet) -> Live:
    """Ask every connection about the ids that rules give it, all at once."""
    live = Live()
    questions: dict[tuple[str, str], list[Constant]] = {}
    for constant in constants(rules):
        pick = pick_for(picks_of(constant.step.vendor), constant.field, constant.step.action.path)
        if pick is not None and constant.step.connection in rules.connections:
            questions.setdefault((constant.step.connection, pick.name), []).append(constant)
    async with asyncio.TaskGroup() as tasks:
        for (connection, pick_name), asked in questions.items():
            config = rules.connections[connection]
            tasks.create_task(_ask(rules, config, picks_of(config.vendor)[pick_name], asked, live))
    return live


async def _ask(rules: RuleSet, connection: ConnectionConfig, pick: Pick, asked: Sequence[Constant], live: Live) -> None:
    missing: list[str] = []
    entries: list[dict[str, str]] = []
    try:
        async with opened(connection) as client:
            missing = await absent(client, pick, [str(one.value) for one in asked], SECONDS)
            if missing and pick.listed:
                entries = await whole_list(client, pick, SECONDS)
    except DeliveryError as error:
        if not missing:
            told = f"{connection.name} could not be asked whether this {pick.noun} is there: {error.message}"
            hint = f"`hooks connections test {connection.name}` says what is wrong and how to mend it"
            live.unasked.append(_finding(rules, asked[0], told, hint, "warning"))
            return
    live.asked += len(asked)
    for one in asked:
        if str(one.value) in missing:
            told = f"{connection.name} has no {pick.noun} {one.value} (or it is not active)"
            live.missing.append(_finding(rules, one, told, _hint(connection, pick, str(one.value), entries), "error"))


def _hint(connection: ConnectionConfig, pick: Pick, value: str, entries: Sequence[Mapping[str, str]]) -> str:
    by_key = {entry["key"]: entry["label"] for entry in entries}
    near = difflib.get_close_matches(value, by_key, n=1, cutoff=0.5)
    named = [key for key, label in by_key.items() if value.lower() in label.lower()]
    hints = [f"did you mean {key}: {by_key[key]}?" for key in (named or near)[:1]]
    if pick.listed:
        short = pick.name.removeprefix("select_")
        command = f"hooks vendors {connection.vendor} --pick {short} --connection {connection.name}"
        hints.append(f"`{command}` lists them")
    return " ".join(hints)


def _finding(rules: RuleSet, constant: Constant, message: str, hint: str, severity: Severity) -> Finding:
    """At the value, where it stands on its line as it is."""
    text = rules.texts.get(constant.rule.file, "").split("\n")
    line = text[constant.line - 1] if 0 < constant.line <= len(text) else ""
    value = str(constant.value)
    column = max(0, line.find(value))
    length = len(value) if value in line else max(1, len(line.strip()))
    return Finding(
        constant.rule.file,
        constant.line,
        column + 1,
        length,
        severity,
        message,
        hint,
        constant.rule.id,
        line,
    )
