"""`hooks test`: the tests beside the rules and in ``tests/*.yaml``, tried and told. Sends nothing, needs no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hooks.cli.bodies import SourceReader, Unread
from hooks.cli.loading import catalogue
from hooks.cli.output import coloured, plain
from hooks.events import Event, parse_utc
from hooks.kit.samples import sample
from hooks.plurals import so_many
from hooks.rules.accounts import stand_in
from hooks.rules.cases import Given, PlacedCase
from hooks.rules.coverage import Coverage
from hooks.rules.differences import ABSENT
from hooks.rules.given import MOMENT, CaseInvalid, changed, event_of
from hooks.rules.load import load_rules
from hooks.rules.load_tests import load_tests
from hooks.rules.mutation import Mutant, survivors
from hooks.rules.ruleset import Rule, RuleSet, SourceConfig
from hooks.rules.trial import Failure, Trial, show_value, try_case


@dataclass(slots=True)
class Tried:
    """What came of all tests. ``coverage`` and ``mutants`` are None when nobody asked for them."""

    trials: list[Trial] = field(default_factory=list)
    coverage: dict[str, Any] | None = None
    mutants: dict[str, Any] | None = None

    def count(self, verdict: str) -> int:
        return sum(trial.verdict == verdict for trial in self.trials)

    def as_json(self) -> dict[str, Any]:
        counted = {verdict: self.count(verdict) for verdict in ("passed", "failed", "invalid")}
        told: dict[str, Any] = {
            "ok": counted["passed"] == len(self.trials),
            "summary": {"tests": len(self.trials), **counted},
            "tests": [trial.as_json() for trial in self.trials],
        }
        if self.coverage is not None:
            told["coverage"] = self.coverage
        if self.mutants is not None:
            told["mutants"] = self.mutants
        return told


def try_file(routes: Path, *, only: str | None = None, coverage: bool = False, mutate: bool = False) -> Tried:
    """Try the tests of a rules file, those whose rule, name or file holds ``only``. Raises RulesInvalid."""
    rules = load_rules(routes, catalogue(), stand_in)
    tests = load_tests(routes, rules, catalogue())
    made = _Events(rules)
    chosen = [test for test in tests if only is None or only.lower() in _words(test)]
    tried = Tried([_try(rules, test, made) for test in chosen])
    if coverage:
        seen = Coverage(rules)
        for trial in tried.trials:
            seen.watch(_rule(rules, trial.test), trial)
        tried.coverage = seen.as_json()
    if mutate:
        tried.mutants = _mutated(rules, tried.trials, made, all_rules=only is None)
    return tried


def _words(test: PlacedCase) -> str:
    return f"{test.rule} {test.case.name} {test.file}".lower()


def _rule(rules: RuleSet, test: PlacedCase) -> Rule:
    rule = rules.rule(test.rule)
    assert rule is not None, "the loader refuses tests of rules that are not there"
    return rule


def _try(rules: RuleSet, test: PlacedCase, made: _Events) -> Trial:
    return try_case(rules, _rule(rules, test), test, made)


def _mutated(rules: RuleSet, trials: Sequence[Trial], made: _Events, *, all_rules: bool) -> dict[str, Any]:
    passing: dict[str, list[PlacedCase]] = {rule.id: [] for rule in rules.rules} if all_rules else {}
    for trial in trials:
        if trial.verdict == "passed":
            passing.setdefault(trial.test.rule, []).append(trial.test)
    total, missed = 0, list[Mutant]()
    for id, tests in passing.items():
        rule = rules.rule(id)
        if rule is not None and tests:
            count, unnoticed = survivors(rules, rule, tests, made)
            total += count
            missed += unnoticed
    return {
        "total": total,
        "caught": total - len(missed),
        "missed": [mutant.as_json() for mutant in missed],
        "without_tests": [id for id, tests in passing.items() if not tests],
    }


class _Events:
    """Makes the events of tests, each once."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._made: dict[int, Sequence[Event]] = {}

    def __call__(self, test: PlacedCase, rule: Rule) -> Sequence[Event]:
        known = self._made.get(id(test.case))
        if known is None:
            given = test.case.given
            known = self._made[id(test.case)] = [changed(event, given) for event in self._plain(given, rule)]
        return known

    def _plain(self, given: Given, rule: Rule) -> Sequence[Event]:
        if given.event is not None:
            return [event_of(given.event, rule, self._rules, given.now)]
        now = parse_utc(given.now or MOMENT)
        if given.sample is not None:
            try:
                recorded = sample(given.sample)
            except LookupError as error:
                raise CaseInvalid(str(error.args[0])) from None
            reader = SourceReader(self._source(given, rule, recorded.vendor))
            inbound = recorded.inbound(now)
        else:
            payload = given.payload
            body = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
            reader = SourceReader(self._source(given, rule, None))
            inbound = reader.inbound(body.encode("utf-8", "replace"), now)
        try:
            return reader.events(inbound)
        except Unread as unread:
            raise CaseInvalid(str(unread)) from None

    def _source(self, given: Given, rule: Rule, vendor: str | None) -> SourceConfig:
        """The source that is named; else one of the vendor: of the rule's own, or the only one of the file."""
        if given.source is not None:
            return self._rules.sources[given.source]
        inbound = [each for each in self._rules.sources.values() if each.emitted is None]
        fitting = [each for each in inbound if vendor in (None, each.vendor)]
        own = [each for each in fitting if each.name in rule.sources]
        if own or len(fitting) == 1:
            return (own or fitting)[0]
        if not fitting:
            raise CaseInvalid(
                f"the rules file has no source of the vendor {vendor}: write the event with event: instead"
            )
        raise CaseInvalid("say which source with source: " + ", ".join(each.name for each in fitting))


# --- for people ---


def print_tried(tried: Tried) -> None:
    """A line for each test, what is wrong below it, and what coverage and mutation have to say."""
    for trial in tried.trials:
        sign, colour = ("✓", "green") if trial.verdict == "passed" else ("✗", "red")
        print(f"{coloured(sign, colour)} {plain(trial.test.rule)}: {plain(trial.test.case.name)}", end="")
        print(coloured(f"  {plain(trial.test.file)}:{trial.test.line}", "dim"))
        for failure in trial.failures:
            _print_failure(failure)
    if tried.trials:
        print()
    bad = len(tried.trials) - tried.count("passed")
    words = f"{so_many(len(tried.trials), 'test')}, {bad or 'none'} failing."
    print(coloured(words, "red" if bad else "green"))
    if tried.coverage is not None:
        _print_coverage(tried.coverage)
    if tried.mutants is not None:
        _print_mutants(tried.mutants)


def _print_failure(failure: Failure) -> None:
    place = f"  (line {failure.line})" if failure.line else ""
    print(f"    {plain(failure.message)}{coloured(place, 'dim')}")
    if failure.field and not (failure.expected is ABSENT and failure.found is ABSENT):
        origin = f"  from {plain(failure.origin)}" if failure.origin else ""
        print(f"      expected  {coloured(plain(show_value(failure.expected)), 'green')}")
        print(f"      found     {coloured(plain(show_value(failure.found)), 'red')}{coloured(origin, 'dim')}")


def _print_coverage(coverage: Mapping[str, Any]) -> None:
    shown = [f"{each['covered']} of {each['total']} {name}" for name, each in coverage.items()]
    print(f"\n{coloured('Coverage', 'bold')}: {', '.join(shown)}")
    for name, what in (
        ("rules", "no test makes it match"),
        ("clauses", "never seen {}"),
        ("branches", "never seen: {}"),
    ):
        for point in coverage[name]["missed"]:
            said = what.format(point["missing"])
            print(f"  {plain(point['file'])}:{point['line']}  {plain(point['text'])}  {coloured(said, 'yellow')}")


def _print_mutants(mutants: Mapping[str, Any]) -> None:
    print(f"\n{coloured('Mutation', 'bold')}: {mutants['caught']} of {mutants['total']} changes would be noticed")
    for each in mutants["missed"]:
        change = coloured(plain(each["change"]), "yellow")
        print(f"  {plain(each['file'])}:{each['line']}  {plain(each['rule'])}  {change}")
    for id in mutants["without_tests"]:
        print(f"  {plain(id)}  {coloured('has no passing test', 'yellow')}")
