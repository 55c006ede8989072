"""A rules file in plain sentences, for the owner of the business: what comes in, what is done, where it goes. Pure.

Nothing here is decided anew: the same compiled rules that act are read out. Secrets are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hooks.ports import Catalogue
from hooks.rules.clauses import Clause
from hooks.rules.emitted import ANY
from hooks.rules.index import type_matches
from hooks.rules.ruleset import Rule, RuleSet, SourceConfig
from hooks.rules.step import StepSpec
from hooks.rules.with_tree import Fields, Filled, Items, Literal, Tree
from hooks.rules.wording import condition_in_words, value_in_words
from hooks.values import show_duration

_MOST_TEXT = 60


def describe_rules(rules: RuleSet, catalogue: Catalogue, ids: Collection[str] | None = None) -> dict[str, Any]:
    """The file as JSON values: ``{"sources": [...], "rules": [...], "connections": [...]}``.

    A rule has its ``sentences``, its steps in words, the sources it can be reached from (``from``) and where it acts
    (``to``): what the diagram is drawn of. ``ids``: of which rules, if not of all.
    """
    return {
        "sources": [
            {
                "name": source.name,
                "vendor": source.vendor,
                "title": _title(catalogue, source.vendor),
                "path": f"/in/{source.name}" if source.emitted is None else None,
                "quiet_after": None if source.quiet is None else str(source.quiet),
            }
            for source in rules.sources.values()
        ],
        "rules": [_rule(rules, rule, catalogue) for rule in rules.rules if ids is None or rule.id in ids],
        "connections": [
            {
                "name": connection.name,
                "vendor": connection.vendor,
                "title": _title(catalogue, connection.vendor),
                "paused": connection.settings.paused,
            }
            for connection in rules.connections.values()
        ],
    }


def sentences_text(described: Mapping[str, Any]) -> str:
    """The same for people, as plain text."""
    lines: list[str] = []
    if described["sources"]:
        lines.append("Comes in from:")
        for each in described["sources"]:
            where = f"at {each['path']}" if each["path"] else "put in by rules"
            if each["quiet_after"]:
                where += f"; it is told when nothing comes for longer than {each['quiet_after']}"
            lines.append(f"  {each['title']}, called {each['name']}, {where}")
    if described["connections"]:
        lines += ["", "Acts in:"]
        for each in described["connections"]:
            paused = " (paused: what is meant for it waits)" if each["paused"] else ""
            lines.append(f"  {each['title']}, called {each['name']}{paused}")
    for rule in described["rules"]:
        lines += ["", f"{rule['id']}{': ' if rule['description'] else ''}{rule['description']}"]
        lines += [f"  {sentence}" for sentence in rule["sentences"]]
        lines += _steps_text(rule["steps"])
        if rule["else"]:
            lines.append("  If one of these conditions does not hold, this is done instead:")
            lines += _steps_text(rule["else"])
        if rule["fallback"]:
            lines.append("  When one of these steps has given up:")
            lines += _steps_text(rule["fallback"])
    return "\n".join(lines)


def _steps_text(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(steps, 1):
        lines.append(f"  {number}. {step['sentence']}")
        lines += [f"       {field['name']}: {field['from']}" for field in step["fields"]]
    return lines


# --- one rule ---


def _rule(rules: RuleSet, rule: Rule, catalogue: Catalogue) -> dict[str, Any]:
    reached = _reached_from(rules, rule, catalogue)
    sentences = []
    if not rule.enabled:
        sentences.append("Switched off: nothing of this happens.")
    elif rule.mode == "shadow":
        sentences.append("A rehearsal (shadow): it is worked out and kept, and nothing is sent.")
    sentences.append(f"When {_events(rule, reached, catalogue)} comes from {_sources(rule, reached, catalogue)},")
    sentences += [
        f"{'only if' if number == 0 else 'and'} {_words(clause)}," for number, clause in enumerate(rule.clauses)
    ]
    if rule.once_per is not None and rule.once_within is not None:
        per = value_in_words(rule.once_per.expression)
        sentences.append(f"at most once in {show_duration(rule.once_within)} for {per},")
    if rule.delay:
        sentences.append(f"{show_duration(rule.delay)} later,")
    if rule.within is not None:
        name, zone = rule.within.calendar.name, rule.within.calendar.zone.key
        sentences.append(f"only within {name} (by the clock of {zone}); outside it waits until that opens,")
    sentences += [_timing(key, text, by) for key, text, by in rule.timing.sentences()]
    sentences.append("this is done:" if len(rule.steps) == 1 else f"these {len(rule.steps)} steps are done, in order:")
    return {
        "id": rule.id,
        "description": rule.description,
        "enabled": rule.enabled,
        "mode": rule.mode,
        "events": list(rule.events),
        "from": [source.name for source in reached],
        "sentences": sentences,
        "steps": [_step(step, catalogue) for step in rule.steps],
        "else": [_step(step, catalogue) for step in rule.otherwise],
        "fallback": [_step(step, catalogue) for step in rule.fallback],
        "to": [
            {"connection": step.connection, "vendor": step.vendor, "action": step.action_name}
            for step in rule.all_steps
        ],
        "file": rule.file,
        "line": rule.line,
    }


def _timing(key: str, text: str, by: Clause | None) -> str:
    return f"{text}," if by is None else f"{text} (told apart by {value_in_words(by.expression)}),"


def _reached_from(rules: RuleSet, rule: Rule, catalogue: Catalogue) -> list[SourceConfig]:
    """The sources whose events the rule can take: those it names, or those that may send what it waits for."""
    if rule.sources:
        return [rules.sources[name] for name in rule.sources if name in rules.sources]
    return [source for source in rules.sources.values() if _may_send(source, rule, catalogue)]


def _may_send(source: SourceConfig, rule: Rule, catalogue: Catalogue) -> bool:
    if source.emitted is not None:
        known = source.emitted - {ANY}
        return known != source.emitted or any(type_matches(pattern, name) for pattern in rule.events for name in known)
    kinds = {kind.name for kind in catalogue[source.vendor].kinds}
    if source.settings.type is not None:
        kinds.add(source.settings.type)
    return not kinds or any(type_matches(pattern, name) for pattern in rule.events for name in kinds)


def _events(rule: Rule, reached: Sequence[SourceConfig], catalogue: Catalogue) -> str:
    shown = []
    for pattern in rule.events:
        if pattern == "*":
            shown.append("anything")
        elif "*" in pattern:
            shown.append(f"any event of {pattern}")
        else:
            told = _summary(pattern, reached, catalogue)
            shown.append(f"{pattern} ({told})" if told else pattern)
    return _either(shown)


def _summary(name: str, reached: Sequence[SourceConfig], catalogue: Catalogue) -> str:
    for source in reached:
        for kind in catalogue[source.vendor].kinds:
            if kind.name == name and kind.summary:
                return _inside(kind.summary)
    return ""


def _sources(rule: Rule, reached: Sequence[SourceConfig], catalogue: Catalogue) -> str:
    if not reached:
        return "a source that is not set up yet"
    if not rule.sources and len(reached) > 2:
        return "any source"
    return _either([f"{_title(catalogue, source.vendor)} ({source.name})" for source in reached])


def _step(step: StepSpec, catalogue: Catalogue) -> dict[str, Any]:
    where = (
        f"{_title(catalogue, step.vendor)} ({step.connection})" if step.connection else _title(catalogue, step.vendor)
    )
    sentence = f"{where}: {_inside(step.action.summary) or step.action_name}"
    told = [f"not ({_words(clause)})" for clause in step.unless]
    if step.condition is not None:
        told.append(_words(step.condition))
    if told:
        sentence += f", if {' and '.join(told)}"
    return {
        "id": step.id,
        "action": step.action_name,
        "connection": step.connection,
        "sentence": sentence,
        "fields": _fields(step.inputs),
    }


def _fields(inputs: Fields) -> list[dict[str, str]]:
    found = [] if inputs.merge is None else [{"name": "all fields", "from": _tree(inputs.merge)}]
    return found + [{"name": name, "from": _tree(tree)} for name, tree in inputs.entries]


def _tree(tree: Tree) -> str:
    match tree:
        case Literal(value=value):
            return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        case Filled(template=template):
            single = template.single
            return _cut(value_in_words(single) if single is not None else template.text)
        case Items(items=items):
            return f"{len(items)} {'entry' if len(items) == 1 else 'entries'}: " + _cut("; ".join(map(_tree, items)))
        case Fields(entries=entries):
            return _cut(", ".join(f"{name}: {_tree(below)}" for name, below in entries))


def _words(clause: Clause) -> str:
    return condition_in_words(clause.expression)


def _title(catalogue: Catalogue, vendor: str) -> str:
    return catalogue[vendor].title


def _inside(sentence: str) -> str:
    """A sentence as a part of another one."""
    text = sentence.strip().removesuffix(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _MOST_TEXT else flat[: _MOST_TEXT - 1] + "…"
