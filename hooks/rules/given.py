"""The event of a rule test: written out in full, and changed field by field. Pure."""

from __future__ import annotations

import copy
from typing import Any

from hooks.errors import HooksError
from hooks.events import Event, parse_utc
from hooks.rules.cases import Given, GivenEvent
from hooks.rules.check_cases import keys_of
from hooks.rules.ruleset import Rule, RuleSet

MOMENT = "2026-05-04T14:02:11Z"
"""When the events of tests happen that do not say."""

_DIGITS = "0190c0de000070008000000000000001"


class CaseInvalid(HooksError):
    """A test whose event cannot be made."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def event_of(given: GivenEvent, rule: Rule, rules: RuleSet, now: str | None = None) -> Event:
    """The event that is written out, with what is left out made up to fit the rule. Raises CaseInvalid."""
    type = given.type or next((event for event in rule.events if "*" not in event), None)
    if type is None:
        raise CaseInvalid(f"the rule takes {', '.join(rule.events)}: say which with event: {{type: ...}}")
    source = given.source or next(iter(rule.sources or rules.sources), "test")
    configured = rules.sources.get(source)
    vendor = given.vendor or ("test" if configured is None else configured.vendor)
    received_at = parse_utc(given.received_at or now or MOMENT)
    return Event(
        id=given.id or f"evt_{_DIGITS}",
        type=type,
        source=source,
        vendor=vendor,
        vendor_type=given.vendor_type or type,
        receipt=given.receipt or f"rcp_{_DIGITS}",
        time=received_at if given.time is None else parse_utc(given.time),
        received_at=received_at,
        subject=given.subject,
        data=given.data,
        raw=given.raw,
        flag=given.flag,
    )


def changed(event: Event, given: Given) -> Event:
    """The event with the test's ``data``, ``set`` and ``unset``. Raises CaseInvalid."""
    if given.data is None and not given.put and not given.unset:
        return event
    values: dict[str, Any] = copy.deepcopy(event.names())
    if given.data is not None:
        values["data"] = {**values["data"], **given.data} if isinstance(values["data"], dict) else given.data
    for path, value in given.put.items():
        _put(values, path, copy.deepcopy(value))
    for path in given.unset:
        _unset(values, path)
    for name in ("id", "type", "source", "vendor", "time", "received_at"):
        if not isinstance(values.get(name), str):
            raise CaseInvalid(f"'{name}' of an event is text")
    try:
        values["time"], values["received_at"] = parse_utc(values["time"]), parse_utc(values["received_at"])
    except ValueError:
        raise CaseInvalid("write an instant such as 2026-05-06T17:30:00Z") from None
    fields: dict[str, Any] = {name: values.get(name) for name in event.names()}
    return event._replace(**fields)


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    keys = keys_of(path) or ()
    container: Any = values
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        below: Any = value if last else [] if isinstance(keys[position + 1], int) else {}
        if isinstance(container, dict) and isinstance(key, str):
            if last or not isinstance(container.get(key), (dict, list)):
                container[key] = below
            container = container[key]
        elif isinstance(container, list) and isinstance(key, int) and -len(container) <= key <= len(container):
            if key == len(container):
                container.append(below)
            elif last or not isinstance(container[key], (dict, list)):
                container[key] = below
            container = container[key]
        else:
            raise CaseInvalid(f"set: there is no place for '{path}' in this event")


def _unset(values: dict[str, Any], path: str) -> None:
    *way, last = keys_of(path) or ("",)
    container: Any = values
    for key in way:
        if isinstance(container, dict):
            container = container.get(str(key))
        elif isinstance(container, list) and isinstance(key, int) and -len(container) <= key < len(container):
            container = container[key]
        else:
            return
    if isinstance(container, dict):
        container.pop(str(last), None)
    elif isinstance(container, list) and isinstance(last, int) and -len(container) <= last < len(container):
        del container[last]
