"""pydantic's errors about a rules file, in words: what belongs there, how it is written, what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any, Final

from pydantic import ValidationError

from hooks.rules.document import Path
from hooks.rules.findings import did_you_mean, meant_by
from hooks.rules.kinds import describe_value
from hooks.rules.report import ABSENT, Report, SourceFile, element, value_at
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

_SETTINGS: Final = (("sources",), ("connections",))


class Invalid:
    """What pydantic finds wrong with the value at ``base`` of a file, whose shape is given."""

    def __init__(self, report: Report, file: SourceFile, base: Path, shape: Shape) -> None:
        self._report = report
        self._file = file
        self._base = base
        self._shape = shape

    def tell(self, error: ValidationError, skip: Set[Path] = frozenset()) -> None:
        """All of its errors, less those below ``skip``."""
        faults = error.errors(include_url=False, include_input=False)
        paths = [locate(self._file.document.data, self._base, fault["loc"]) for fault in faults]
        meant = {
            (*path[:-1], self._meant(path))
            for path, fault in zip(paths, faults, strict=True)
            if fault["type"] == "extra_forbidden"
        }
        instead = _instead(paths, faults, meant) if self._base[:1] in _SETTINGS else {}
        for path, fault in zip(paths, faults, strict=True):
            if path in instead:
                hint = f"write {instead[path]}: {self._described((*path[:-1], instead[path]))}"
                self._report.at_key(self._file, path, f"unknown key '{path[-1]}'", hint)
                continue
            if any(path[: len(hidden)] == hidden for hidden in skip):
                continue
            if fault["type"] == "missing" and str(fault["loc"][-1]) in instead.values():
                continue
            if fault["type"] == "missing" and (*path, str(fault["loc"][-1])) in meant:
                continue  # it is there under a wrong name, which is told
            self.tell_one(path, fault)

    def tell_one(self, path: Path, fault: Any) -> None:
        """One of them, about the value at ``path``."""
        kind = fault["type"]
        last = str(fault["loc"][-1]) if fault["loc"] else ""
        if kind == "extra_forbidden":
            self._unknown_key(path)
        elif kind == "missing":
            self._report.at_key(self._file, path, f"'{last}' is missing", self._described((*path, last)))
        elif kind in ("literal_error", "enum"):
            self._not_listed(path, str(fault.get("ctx", {}).get("expected", "")))
        elif kind in NEEDED:
            self._wrong_type(path, kind)
        elif kind in _LIMITS:
            message, empty = _LIMITS[kind]
            shown = empty if empty and self._value(path) in ("", []) else message.format_map(fault["ctx"])
            self._report.at(self._file, path, shown, self._described(path))
        elif kind == "string_pattern_mismatch":
            self._wrong_form(path, of_key=last == "[key]")
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            self._undecided(path, fault.get("ctx", {}))
        else:
            self._said(path, str(fault["msg"]))

    def _not_listed(self, path: Path, allowed: str) -> None:
        value = self._value(path)
        if isinstance(value, str) and f"'{value}'" not in allowed and value in allowed.split(" or "):
            near = f"write it without quotes: {value}"
        else:
            words = [word.strip("'") for word in allowed.replace(" or ", ", ").split(", ")]
            near = did_you_mean(str(value), words)
        shown = f"'{value}'" if isinstance(value, (str, int, float)) else "this value"
        self._report.at(self._file, path, f"{shown} is not allowed here", near or f"one of: {allowed}")

    def _wrong_type(self, path: Path, kind: str) -> None:
        value, wanted = self._value(path), NEEDED[kind]
        hint = self._described(path) or WRITTEN.get(wanted, "")
        if kind == "string_type" and isinstance(value, (int, float)):
            hint = "put it in quotes"
        elif kind == "string_type" and isinstance(value, dict):
            asks = any("?" in name for name in value)
            hint = "write: x if condition else y" if asks else "for one text with ': ' in it, put it in quotes"
        elif kind in ("bool_type", "bool_parsing") and isinstance(value, str):
            hint = "write true or false"
        self._report.at(self._file, path, f"{wanted} belongs here, this is {describe_value(value)}", hint)

    def _wrong_form(self, path: Path, of_key: bool) -> None:
        if self._base[:1] in _SETTINGS or "with" in self._base:
            told = "this does not have the form that belongs here"
            self._report.at(self._file, path, told, self._described(path))
            return
        if of_key and path[:1] == ("templates",) and len(path) == 2:
            told = "this is not the name of a template"
            self._report.at_key(self._file, path, told, "with its version: lead-to-booking@1")
            return
        named = path[-1] if of_key else self._value(path)
        hint = "use letters, digits and _ (a rule's id and a source's name also - )"
        if isinstance(named, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{64,}", named):
            hint = "it is too long: a name has at most 64 characters, a rule's id 100"
        tell = self._report.at_key if of_key else self._report.at
        tell(self._file, path, "this is not a name", hint)

    def _undecided(self, path: Path, context: Mapping[str, Any]) -> None:
        """Of a value that may be several things, the key that says which is missing or names none."""
        value = self._value(path)
        key = str(context.get("discriminator", "")).strip("'")
        allowed = str(context.get("expected_tags", ""))
        place = (*path, key) if isinstance(value, dict) and key in value else path
        hint = f"one of: {allowed}" if allowed else self._described(path) or f"write {key}: first"
        self._report.at(self._file, place, f"'{key}' decides what belongs here", hint)

    def _said(self, path: Path, sentence: str) -> None:
        """In the words of a model's own validator."""
        message = sentence.removeprefix("Value error, ").removeprefix("Assertion failed, ")
        message = message[:1].lower() + message[1:]
        hint = self._described(path)
        if not hint:
            message, _, hint = message.partition(": ")
        action = self._value((*self._base[:-1], "action")) if self._base[-1:] == ("with",) else None
        if not hint and isinstance(action, str):
            hint = f"`hooks vendors {action}` shows what each input takes"
        whole = path == self._base and isinstance(self._value(path), dict)
        tell = self._report.at_key if whole else self._report.at
        tell(self._file, path, message, hint)

    def _unknown_key(self, path: Path) -> None:
        key = str(path[-1]) if path else ""
        known = self._known(path)
        hint = _elsewhere(key, self._base, path, known) or did_you_mean(key, known)
        if not hint and known:
            hint = "known keys: " + ", ".join(sorted(known))
        self._report.at_key(self._file, path, f"unknown key '{key}'", hint)

    def _meant(self, path: Path) -> str:
        """The key that an unknown one probably stands for, "" when that cannot be told."""
        key = str(path[-1]) if path else ""
        known = self._known(path)
        return written_as(_elsewhere(key, self._base, path, known)) or meant_by(did_you_mean(key, known))

    def _known(self, path: Path) -> dict[str, Any]:
        return _fields_at(self._shape, path[len(self._base) : -1], self._value(self._base))

    def _value(self, path: Path) -> Any:
        return value_at(self._file.document.data, path)

    def _described(self, path: Path) -> str:
        return described(self._shape, path[len(self._base) :])


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
        value = element(value, part)
        if below is not None:
            below = below.item() if isinstance(part, int) else below.field(part)
        if below is not None:
            below = below.like(value)
    return below.fields if below is not None else {}


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
        below = element(value, part)
        if below is not ABSENT:
            value, path = below, (*path, part)
    return path
