"""Why a rule did or did not match an event, and what it would send: for people and as JSON. Sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from hooks.events import Event, Request
from hooks.rules.clauses import Clause
from hooks.rules.expression import path_value
from hooks.rules.faults import EvaluationError
from hooks.rules.findings import did_you_mean, meant_by
from hooks.rules.hints import hint_for
from hooks.rules.index import type_matches
from hooks.rules.placeholders import placeheld, step_placeholders
from hooks.rules.rehearsal import body_of, plain_url, readable_url
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec
from hooks.rules.timing import Expect, explain_met, explain_timing
from hooks.rules.with_tree import is_empty
from hooks.values import show_duration

_FLAGGED = (
    "no rule acts on it, because what its fields mean is not known: correct it at the sender or in the source; "
    "`hooks events replay` reads it anew"
)

UrlFor = Callable[[str, Request], str]
"""The full address of a request at a connection, without credentials."""


def explain(
    ruleset: RuleSet,
    event: Event,
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    url_for: UrlFor | None = None,
) -> dict[str, Any]:
    """Every rule with its clauses, and for those that act the requests of their steps.

    A rule whose conditions do not hold and that has an ``else`` acts by that; ``left_out`` are steps whose ``if``, or
    whose part in an ``else``, keeps them from being done.

    ``outputs`` holds answers of steps where there are any, by rule id and step id; without them a visible placeholder
    such as ``<steps.customer.customerId>`` stands in their place. Never raises for what an event or a rule holds.
    """
    awaited = ruleset.expecting(event.type, event.source)
    rules = [
        _explain_rule(ruleset, rule, event, (outputs or {}).get(rule.id, {}), url_for, awaited)
        for rule in ruleset.rules
    ]
    return {"event": event.attributes(), "rules": rules}


def _explain_rule(
    ruleset: RuleSet,
    rule: Rule,
    event: Event,
    outputs: Mapping[str, Any],
    url_for: UrlFor | None,
    awaited: Sequence[Expect],
) -> dict[str, Any]:
    names = ruleset.names(event)
    clauses = [_event_clause(rule, event)]
    if rule.sources:
        clauses.append(_source_clause(rule, event))
    if event.flag is not None:
        clauses.append(_entry("the event could be read", rule.event_line, "false", {"flag": event.flag}, _FLAGGED))
    if not rule.enabled:
        clauses.append(_entry("enabled", rule.line, "false", {"enabled": False}, "the rule is switched off"))
    matched = fits = all(clause["verdict"] == "true" for clause in clauses)
    if fits:
        clauses.extend(_clause(clause, names) for clause in rule.clauses)
        matched = all(clause["verdict"] == "true" for clause in clauses)
    acting = rule.branch(names) if fits else None
    requests, left_out = _requests(ruleset, acting, event, outputs, url_for) if acting else ([], [])
    timing = (
        [*_once(rule, names), *_delay(rule), *_within(rule, event), *explain_timing(rule.timing, names)]
        if acting
        else []
    )
    if (expect := rule.timing.expect) is not None and expect in awaited and event.flag is None:
        timing.append(explain_met(expect, rule.timing.lines["expect"], names))
    return {
        "id": rule.id,
        "mode": rule.mode,
        "matched": matched,
        "else": acting is not None and not matched,
        "clauses": clauses,
        "timing": timing,
        "requests": requests,
        "left_out": left_out,
    }


def _once(rule: Rule, names: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By which value the rule acts only once, and when it does not count."""
    once = rule.once_per
    if once is None or rule.once_within is None:
        return []
    values: dict[str, Any] = {}
    hint = None
    try:
        value = once.expression.evaluate(names)
        values = {once.text: value}
        hint = "there is no value, so it acts every time" if is_empty(value) else None
    except EvaluationError as error:
        hint = f"{error.message}, so it acts every time"
    text = f"acts once in {show_duration(rule.once_within)} for each value"
    return [{"key": "once_per", "line": once.line, "text": text, "by": values, "hint": hint}]


def _delay(rule: Rule) -> list[dict[str, Any]]:
    if not rule.delay:
        return []
    text = f"waits {show_duration(rule.delay)} before the first step"
    return [{"key": "delay", "line": rule.timing.lines.get("delay", rule.line), "text": text, "by": {}, "hint": None}]


def _within(rule: Rule, event: Event) -> list[dict[str, Any]]:
    """Whether the run would begin at once when it is due, the event having come when it did."""
    if rule.within is None:
        return []
    keys = rule.timing
    waits = rule.delay or (keys.expect and keys.expect.within) or (keys.debounce and keys.debounce.wait) or 0.0
    at = event.received_at + timedelta(seconds=waits)
    text = f"only within {rule.within.calendar.name}; {rule.within.told(at)}"
    return [{"key": "within", "line": rule.within.line, "text": text, "by": {}, "hint": None}]


def _entry(text: str, line: int, verdict: str, values: dict[str, Any], hint: str) -> dict[str, Any]:
    return {"text": text, "line": line, "verdict": verdict, "values": values, "hint": hint or None}


def _event_clause(rule: Rule, event: Event) -> dict[str, Any]:
    fits = any(type_matches(pattern, event.type) for pattern in rule.events)
    hint = "" if fits else _near(event.type, rule.events, "the event's type")
    text = "event: " + ", ".join(rule.events)
    return _entry(text, rule.event_line, "true" if fits else "false", {"type": event.type}, hint)


def _source_clause(rule: Rule, event: Event) -> dict[str, Any]:
    fits = event.source in rule.sources
    hint = "" if fits else _near(event.source, rule.sources, "the event's source")
    text = "source: " + ", ".join(rule.sources)
    return _entry(text, rule.source_line, "true" if fits else "false", {"source": event.source}, hint)


def _near(found: str, wanted: tuple[str, ...], what: str) -> str:
    if any(found.lower() == name.lower() for name in wanted):
        return f"{what} differs only in case"
    near = did_you_mean(found, [name for name in wanted if "*" not in name])
    return f"{what} is '{found}', and the rule has '{meant_by(near)}'" if near else ""


def _clause(clause: Clause, names: Mapping[str, Any]) -> dict[str, Any]:
    judgement = clause.judge(names)
    values = {path: path_value(path, names) for path in clause.expression.paths}
    hint = ""
    if judgement.verdict != "true":
        hint = hint_for(clause.expression, names)
    if judgement.verdict == "error":
        hint = f"{judgement.message}; {hint}" if hint else judgement.message
    return _entry(clause.text, clause.line, judgement.verdict, values, hint)


# --- requests ---


def _requests(
    ruleset: RuleSet, rule: Rule, event: Event, outputs: Mapping[str, Any], url_for: UrlFor | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the steps would send, and the steps that would be left out."""
    answers = {**step_placeholders(rule.all_steps), **outputs}
    known: dict[str, Any] = {}
    shown: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for step in rule.steps:
        names = ruleset.names(event, known)
        try:
            if (why := step.why_not(names)) is not None:
                clause = step.condition.text if step.condition is not None else ""
                left_out.append(
                    {"step": step.id, "action": step.action_name, "line": step.line, "if": clause or None, "why": why}
                )
                continue
            shown.append(_request(ruleset, step, names, url_for))
        except EvaluationError as error:
            shown.append(
                {
                    "step": step.id,
                    "action": step.action_name,
                    "method": step.action.method,
                    "url": None,
                    "body": None,
                    "origin": {},
                    "error": error.message,
                }
            )
        known = {**known, step.id: answers.get(step.id)}
    return shown, left_out


def _request(ruleset: RuleSet, step: StepSpec, names: Mapping[str, Any], url_for: UrlFor | None) -> dict[str, Any]:
    inputs = placeheld(step, step.values(names))
    settings = ruleset.settings(step)
    request = step.request(inputs, settings)
    if url_for is not None:
        url = url_for(step.connection, request)
    else:
        url = plain_url(settings, request)
    return {
        "step": step.id,
        "action": step.action_name,
        "method": request.method,
        "url": readable_url(url),
        "body": body_of(request),
        "origin": step.origins(names),
    }
