"""`hooks test --freeze`: a stored event becomes a test of the rules as they are, its people invented, as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hooks.cli.loading import catalogue
from hooks.cli.output import note
from hooks.cli.reader import NotFound
from hooks.events import Event, utc_text
from hooks.kit.disguise import Disguise
from hooks.ports import StepAnswer
from hooks.rules.accounts import stand_in
from hooks.rules.cases import GivenEvent
from hooks.rules.document import plain_value
from hooks.rules.given import event_of
from hooks.rules.load import load_rules
from hooks.rules.placeholders import step_placeholders
from hooks.rules.rehearsal import Rehearsal, rehearse
from hooks.rules.ruleset import Rule, RuleSet
from hooks.rules.step import StepSpec
from hooks.rules.with_tree import paths_of
from hooks.store.past import Past


class _Writer(yaml.SafeDumper):
    """Writes texts so that they are read as texts again."""


def _text(writer: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    quoted = plain_value(value) != value
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style="'" if quoted else None)


_Writer.add_representer(str, _text)


def freeze(event_id: str, routes: Path, database: str, only: str | None = None) -> str:
    """The tests, one for each rule that matches the event; without one, for each that might have.

    Raises NotFound, StoreError and RulesInvalid.
    """
    rules = load_rules(routes, catalogue(), stand_in)
    with Past.open(database) as past:
        stored = past.event(event_id)
    if stored is None:
        raise NotFound(f"there is no {event_id}, or it has not been read yet")
    event, answers = stored
    candidates = [rule for rule in rules.candidates(event.type, event.source) if only is None or only in rule.id]
    if not candidates:
        raise NotFound(f"no rule takes {event.type} from {event.source}: there is nothing to test")
    frozen = [_Frozen(rules, rule, event, answers) for rule in candidates]
    matching = [each for each in frozen if each.before.acts]
    tests = [each.test() for each in matching or frozen]
    text = yaml.dump(tests, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
    return f"# From {event_id}; the people are invented. Read the free texts before you share it.\n{text}"


class _Frozen:
    """One rule and the event."""

    def __init__(self, rules: RuleSet, rule: Rule, event: Event, answers: Sequence[StepAnswer]) -> None:
        self._rules = rules
        self._rule = rule
        self._event = event
        read = step_placeholders(rule.all_steps)
        own = {each.step: each.output for each in answers if each.rule == rule.id}
        self._answers = {id: _pruned(own[id], below) for id, below in read.items() if id in own}
        self._read = read
        self.before = self._rehearse(event, self._answers)

    def _rehearse(self, event: Event, answers: Mapping[str, Any]) -> Rehearsal:
        known = {**self._read, **answers}

        def answer(step: StepSpec) -> Any:
            return known.get(step.id)

        return rehearse(self._rules, self._rule, event, answer)

    def test(self) -> dict[str, Any]:
        written: dict[str, Any] = {
            "id": self._event.id,
            "type": self._event.type,
            "source": self._event.source,
            "subject": self._event.subject,
            "time": utc_text(self._event.time),
            "received_at": utc_text(self._event.received_at),
            "data": self._event.data,
        }
        if self._event.flag is not None:
            written["flag"] = self._event.flag
        if any(path == "raw" or path.startswith(("raw.", "raw[")) for path in _paths(self._rule)):
            written["raw"] = self._event.raw
        disguise = Disguise()
        disguise.learn([self._event.data, self._event.raw, self._answers])
        given: dict[str, Any] = {"event": disguise.mask(written)}
        answers = disguise.mask(self._answers)
        if answers:
            given["steps"] = answers
        masked = event_of(GivenEvent(**given["event"]), self._rule, self._rules)
        after = self._rehearse(masked, answers)
        if (after.matched, len(after.made)) != (self.before.matched, len(self.before.made)):
            note(f"hooks: with invented people {self._rule.id} does something else than it did: look at its conditions")
        return {
            "rule": self._rule.id,
            "name": f"{self._event.type} as it came in {self._event.id}",
            "given": given,
            "expect": _expectation(after),
        }


def _expectation(rehearsal: Rehearsal) -> Any:
    calls = [{"action": made.step.action_name, "with": dict(made.inputs)} for made in rehearsal.made]
    if rehearsal.error is not None:
        return {"error": rehearsal.error, **({"calls": calls} if calls else {})}
    if not rehearsal.matched:
        return {"matched": False, "because": rehearsal.stopped, **({"calls": calls} if calls else {})}
    return calls or "none"


def _pruned(output: Any, read: Any) -> Any:
    """Of an answer what the rule reads: where a placeholder stands, all of it."""
    if isinstance(read, dict) and isinstance(output, dict):
        return {key: _pruned(output[key], below) for key, below in read.items() if key in output}
    if isinstance(read, list) and isinstance(output, list):
        return [_pruned(each, read[number] if number < len(read) else "") for number, each in enumerate(output)]
    return output


def _paths(rule: Rule) -> Iterator[str]:
    for clause in (*rule.clauses, *([rule.once_per] if rule.once_per is not None else [])):
        yield from clause.expression.paths
    for step in rule.all_steps:
        yield from paths_of(step.inputs)
        if step.condition is not None:
            yield from step.condition.expression.paths
