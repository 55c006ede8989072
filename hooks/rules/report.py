"""Collecting findings while files are checked: places looked up, secrets masked, pydantic's errors put into words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from hooks.rules.document import Document, Path, Place
from hooks.rules.findings import Finding, Severity, did_you_mean, meant_by
from hooks.rules.kinds import describe_value
from hooks.rules.shape import Shape

NEEDED = {
    "string_type": "text", "int_type": "a whole number", "float_type": "a number", "bool_type": "true or false",
    "list_type": "a list", "tuple_type": "a list", "dict_type": "a map (key: value)", "int_parsing": "a whole number",
    "model_type": "a map (key: value)", "model_attributes_type": "a map (key: value)", "float_parsing": "a number",
    "bool_parsing": "true or false", "int_from_float": "a whole number", "mapping_type": "a map (key: value)",
    "dataclass_type": "a map (key: value)", "secret_type": "text",
}  # fmt: skip
"""pydantic's names of wrong types, and what belongs there."""

WRITTEN = {
    "text": "put it in quotes", "a whole number": "write its digits only, without quotes",
    "a number": "write its digits only, without quotes", "true or false": "write true or false",
    "a list": "write [one, other], or a line that begins with - for each",
    "a map (key: value)": "write its keys on lines of their own below it, or {key: value}",
}  # fmt: skip
"""How what belongs there is written: said where nothing describes the place."""

_LIMITS = {
    "string_too_short": ("at least {min_length} characters belong here", "this is empty"),
    "string_too_long": ("at most {max_length} characters belong here", ""),
    "too_short": ("at least {min_length} entries belong here", "this is empty"),
    "too_long": ("at most {max_length} entries belong here", ""),
    "greater_than": ("more than {gt} belongs here", ""),
    "greater_than_equal": ("at least {ge} belongs here", ""),
    "less_than": ("less than {lt} belongs here", ""),
    "less_than_equal": ("at most {le} belongs here", ""),
}
"""pydantic's names of limits that were passed, what belongs there, and what is said of a value that is empty."""

_OTHER_NAMES: Final = {
    "rate_limit": "write throttle: {max: 60, per: 1m}; to protect an account as a whole, give its connection a rate",
    "on": "write event: (YAML takes 'on' for true elsewhere)", "trigger": "write event:", "then": "write do:",
    "actions": "write do:", "steps": "write do:", "filter": "write when:", "conditions": "write when:",
    "unless": "write when: not ...", "cron": "rules act when an event comes; there is no timetable",
    "schedule": "within: names opening hours, delay: waits; there is no timetable",
    "business_hours": "write within:, and the hours under calendars:",
    "dedupe": "write once_per: and once_within:", "idempotency_key": "write once_per: and once_within:",
    "retries": "write retry: {attempts: 5}", "catch": "write fallback:", "on_error": "write fallback:",
    "on_failure": "write fallback:", "params": "write with:", "inputs": "write with:", "args": "write with:",
    "body": "write with:, by the action's own inputs", "condition": "write when:", "only_if": "write when:",
    "data": "write with:, by the action's own inputs", "import": "write include:", "imports": "write include:",
    "name": "write id:, or description: for a sentence",
}  # fmt: skip
"""What other systems call our keys, and how it is written here; only keys that are unknown get here."""

_OF_RULES: Final = {"if": "write when:", "conditions": "write when:"}
_OF_STEPS: Final = {"when": "write if:", "condition": "write if:", "conditions": "write if:", "name": "write id:"}
"""The same where a rule and a step differ."""

_UNSEEN: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")

_SETTINGS: Final = (("sources",), ("connections",))

MASK_FROM = 4
"""Secrets shorter than this are not masked: they would blot out ordinary words, and are refused as too short anyway."""


@dataclass(eq=False)
class SourceFile:
    """One file: its name as people know it, and what stands in it.

    A rule that is made of a template is checked by a file that knows where each value was written (`stands`).
    """

    name: str
    document: Document

    def stands(self, path: Path) -> tuple[SourceFile, Path]:
        """Where the value at a path was written."""
        return self, path

    def inside(self, path: Path, offset: int, length: int) -> Place:
        """The place of a part of the text at a path, where that was written."""
        return self.document.value(path, offset, length)

    def note(self, path: Path) -> str:
        """For the hint: the other place that has to do with the value at a path."""
        return ""

    def line(self, path: Path) -> int:
        """The line in this file of the value at a path; of one from another file, where it is used here."""
        return self.document.value(path).line

    def key_line(self, path: Path) -> int:
        """The same of the key at a path."""
        return self.document.key(path).line

    def text(self, path: Path, length: int) -> Place:
        """The same of a text, with its column."""
        return self.document.value(path, 0, length)


class Report:
    """All findings so far. Secret values given to `hide` never show in any of them."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._hidden: set[str] = set()

    def hide(self, secret: str) -> None:
        if len(secret) >= MASK_FROM:
            self._hidden.add(secret)

    @property
    def findings(self) -> list[Finding]:
        return [self._masked(finding) for finding in self._findings]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self._findings)

    def add(
        self,
        file: SourceFile,
        place: Place,
        message: str,
        hint: str = "",
        *,
        severity: Severity = "error",
        rule: str | None = None,
    ) -> None:
        line = file.document.line(place.line)
        unseen = _UNSEEN.search(line[place.column - 1 : place.column - 1 + place.length])
        if unseen is not None:
            hint = f"a character that cannot be seen is in it (U+{ord(unseen[0]):04X}): type it anew"
        self._findings.append(
            Finding(file.name, place.line, place.column, place.length, severity, message, hint, rule, line)
        )

    def add_plain(self, finding: Finding) -> None:
        self._findings.append(finding)

    def at(self, file: SourceFile, path: Path, message: str, hint: str = "", severity: Severity = "error") -> None:
        """A finding about the value at a path."""
        origin, there = file.stands(path)
        place = origin.document.value(there)
        self.add(origin, place, message, _noted(file, path, hint), severity=severity, rule=rule_at(file, path))

    def at_key(self, file: SourceFile, path: Path, message: str, hint: str = "", severity: Severity = "error") -> None:
        """A finding about the key at a path."""
        origin, there = file.stands(path)
        place = origin.document.key(there)
        self.add(origin, place, message, _noted(file, path, hint), severity=severity, rule=rule_at(file, path))

    def inside(
        self,
        file: SourceFile,
        path: Path,
        offset: int,
        length: int,
        message: str,
        hint: str = "",
        severity: Severity = "error",
    ) -> None:
        """A finding about a part of the text at a path."""
        origin, _ = file.stands(path)
        place = file.inside(path, offset, length)
        self.add(origin, place, message, _noted(file, path, hint), severity=severity, rule=rule_at(file, path))

    def invalid(self, file: SourceFile, base: Path, error: ValidationError, shape: Shape, skip: set[Path]) -> None:
        """All of pydantic's errors about the value at ``base``, whose shape is given, less those below ``skip``."""
        faults = error.errors(include_url=False, include_input=False)
        paths = [locate(file.document.data, base, fault["loc"]) for fault in faults]
        meant = {
            (*path[:-1], self._meant(file, base, path, shape))
            for path, fault in zip(paths, faults, strict=True)
            if fault["type"] == "extra_forbidden"
        }
        instead = _instead(paths, faults, meant) if base[:1] in _SETTINGS else {}
        for path, fault in zip(paths, faults, strict=True):
            if path in instead:
                hint = f"write {instead[path]}: {described(shape, (*path[len(base) : -1], instead[path]))}"
                self.at_key(file, path, f"unknown key '{path[-1]}'", hint)
                continue
            if any(path[: len(hidden)] == hidden for hidden in skip):
                continue
            if fault["type"] == "missing" and str(fault["loc"][-1]) in instead.values():
                continue
            if fault["type"] == "missing" and (*path, str(fault["loc"][-1])) in meant:
                continue  # it is there under a wrong name, which is told
            self.fault(file, base, path, fault, shape)

    def fault(self, file: SourceFile, base: Path, path: Path, fault: Any, shape: Shape) -> None:
        """One of pydantic's errors, about the value at ``path``."""
        kind = fault["type"]
        last = str(fault["loc"][-1]) if fault["loc"] else ""
        value = value_at(file.document.data, path)
        of_vendor = base[:1] in _SETTINGS or "with" in base
        about = described(shape, path[len(base) :])
        if kind == "extra_forbidden":
            self._unknown_key(file, base, path, shape)
        elif kind == "missing":
            self.at_key(file, path, f"'{last}' is missing", described(shape, (*path[len(base) :], last)))
        elif kind in ("literal_error", "enum"):
            allowed = str(fault.get("ctx", {}).get("expected", ""))
            quoted = isinstance(value, str) and f"'{value}'" not in allowed and value in allowed.split(" or ")
            near = (
                f"write it without quotes: {value}"
                if quoted
                else did_you_mean(str(value), [word.strip("'") for word in allowed.replace(" or ", ", ").split(", ")])
            )
            shown = f"'{value}'" if isinstance(value, (str, int, float)) else "this value"
            self.at(file, path, f"{shown} is not allowed here", near or f"one of: {allowed}")
        elif kind in NEEDED:
            hint = "put it in quotes" if kind == "string_type" and isinstance(value, (int, float)) else ""
            if kind == "string_type" and isinstance(value, dict):
                asks = any("?" in name for name in value)
                hint = "write: x if condition else y" if asks else "for one text with ': ' in it, put it in quotes"
            elif kind in ("bool_type", "bool_parsing") and isinstance(value, str):
                hint = "write true or false"
            wanted = NEEDED[kind]
            hint = hint or about or WRITTEN.get(wanted, "")
            self.at(file, path, f"{wanted} belongs here, this is {describe_value(value)}", hint)
        elif kind in _LIMITS:
            message, empty = _LIMITS[kind]
            shown = empty if empty and value in ("", []) else message.format_map(fault["ctx"])
            self.at(file, path, shown, about)
        elif kind == "string_pattern_mismatch" and of_vendor:
            self.at(file, path, "this does not have the form that belongs here", about)
        elif kind == "string_pattern_mismatch" and last == "[key]" and path[:1] == ("templates",) and len(path) == 2:
            self.at_key(file, path, "this is not the name of a template", "with its version: lead-to-booking@1")
        elif kind == "string_pattern_mismatch":
            report = self.at_key if last == "[key]" else self.at
            named = path[-1] if last == "[key]" else value
            hint = "use letters, digits and _ (a rule's id and a source's name also - )"
            if isinstance(named, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{64,}", named):
                hint = "it is too long: a name has at most 64 characters, a rule's id 100"
            report(file, path, "this is not a name", hint)
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            context = fault.get("ctx", {})
            key = str(context.get("discriminator", "")).strip("'")
            allowed = str(context.get("expected_tags", ""))
            place = (*path, key) if isinstance(value, dict) and key in value else path
            hint = f"one of: {allowed}" if allowed else about or f"write {key}: first"
            self.at(file, place, f"'{key}' decides what belongs here", hint)
        else:
            message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
            message = message[:1].lower() + message[1:]
            if not about:
                message, _, about = message.partition(": ")
            action = value_at(file.document.data, (*base[:-1], "action")) if base[-1:] == ("with",) else None
            if not about and isinstance(action, str):
                about = f"`hooks vendors {action}` shows what each input takes"
            report = self.at_key if path == base and isinstance(value, dict) else self.at
            report(file, path, message, about)

    def _unknown_key(self, file: SourceFile, base: Path, path: Path, shape: Shape) -> None:
        key = str(path[-1]) if path else ""
        known = _fields_at(shape, path[len(base) : -1], value_at(file.document.data, base))
        hint = _elsewhere(key, base, path, known) or did_you_mean(key, known)
        if not hint and known:
            hint = "known keys: " + ", ".join(sorted(known))
        self.at_key(file, path, f"unknown key '{key}'", hint)

    def _meant(self, file: SourceFile, base: Path, path: Path, shape: Shape) -> str:
        """The key that an unknown one probably stands for, "" when that cannot be told."""
        key = str(path[-1]) if path else ""
        known = _fields_at(shape, path[len(base) : -1], value_at(file.document.data, base))
        return written_as(_elsewhere(key, base, path, known)) or meant_by(did_you_mean(key, known))

    def _masked(self, finding: Finding) -> Finding:
        if not self._hidden:
            return finding

        def mask(text: str) -> str:
            for secret in self._hidden:
                if secret in text:
                    text = text.replace(secret, "*" * len(secret))
            return text

        return Finding(
            finding.file,
            finding.line,
            finding.column,
            finding.length,
            finding.severity,
            mask(finding.message),
            mask(finding.hint),
            finding.rule,
            mask(finding.source),
        )


def _instead(paths: list[Path], faults: Any, meant: set[Path]) -> dict[Path, str]:
    """The one unknown key of a map that lacks just one, and the key that it is then taken for."""
    unknown = [path for path, fault in zip(paths, faults, strict=True) if fault["type"] == "extra_forbidden"]
    missing = [(path, fault) for path, fault in zip(paths, faults, strict=True) if fault["type"] == "missing"]
    if len(unknown) != 1 or len(missing) != 1 or missing[0][0] != unknown[0][:-1]:
        return {}
    lacking = str(missing[0][1]["loc"][-1])
    near = any(path[:-1] == unknown[0][:-1] and path[-1] for path in meant)
    return {} if near else {unknown[0]: lacking}


def known_as(key: str) -> str:
    """What a key of other systems is called here, "" when that is not known."""
    return written_as(_OTHER_NAMES.get(key, ""))


def written_as(hint: str) -> str:
    """The key in a hint such as ``write when:``, "" when there is none."""
    found = re.match(r"write (\w+):", hint)
    return found[1] if found else ""


def _elsewhere(key: str, base: Path, path: Path, known: Mapping[str, Any]) -> str:
    """For a key as other systems call it: how it is written in a rule or a step."""
    if base[:1] in _SETTINGS or "with" in path:
        return ""
    if "action" in known:
        return _OF_STEPS.get(key, "") or _OTHER_NAMES.get(key, "")
    return _OF_RULES.get(key, "") or _OTHER_NAMES.get(key, "")


def _fields_at(shape: Shape, path: Path, value: Any) -> dict[str, Any]:
    """The fields that the object at a path of the value may have."""
    below: Shape | None = shape.like(value)
    for part in path:
        value = _element(value, part)
        if below is not None:
            below = below.item() if isinstance(part, int) else below.field(part)
        if below is not None:
            below = below.like(value)
    return below.fields if below is not None else {}


def _noted(file: SourceFile, path: Path, hint: str) -> str:
    return "; ".join(filter(None, (hint, file.note(path))))


def described(shape: Shape, path: Path) -> str:
    """The description of the field at a path; of an entry of a list that of the list."""
    text = ""
    below: Shape | None = shape
    for part in path:
        if below is None:
            return ""
        if isinstance(part, int):
            below = below.item()
            continue
        schema = below.fields.get(part)
        text = schema.get("description", "") if isinstance(schema, dict) else ""
        below = below.field(part)
    return str(text).split("\n", 1)[0]


def locate(data: Any, base: Path, loc: tuple[int | str, ...]) -> Path:
    """Where a pydantic location is in the data: parts that are not there (union tags, models) are passed over."""
    path = base
    value = value_at(data, base)
    for part in loc:
        below = _element(value, part)
        if below is not _ABSENT:
            value, path = below, (*path, part)
    return path


def value_at(data: Any, path: Path) -> Any:
    """What is at a path, None when there is nothing."""
    for part in path:
        data = _element(data, part)
        if data is _ABSENT:
            return None
    return data


_ABSENT: Any = object()


def _element(value: Any, part: int | str) -> Any:
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return _ABSENT


def rule_at(file: SourceFile, path: Path) -> str | None:
    """The id of the rule that a path lies in."""
    if len(path) < 2 or path[0] != "rules":
        return None
    id = value_at(file.document.data, (*path[:2], "id"))
    return id if isinstance(id, str) else None
