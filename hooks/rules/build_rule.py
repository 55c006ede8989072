"""From one entry of ``rules:`` to a `Rule`: its events, sources, conditions and steps checked and compiled."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from hooks.ports import HEARD, QUIET, Catalogue, EventKind
from hooks.rules.accounts import SecretLookup
from hooks.rules.build_steps import Answers, StepsBuilder
from hooks.rules.build_timing import TimingBuilder
from hooks.rules.calendar import Calendar, Within
from hooks.rules.cases import PlacedCase
from hooks.rules.check_cases import CaseCheck
from hooks.rules.check_expression import Scope
from hooks.rules.check_loops import sets_itself_off
from hooks.rules.clauses import Clause
from hooks.rules.document import Path
from hooks.rules.emitted import ANY
from hooks.rules.expression import compile_expression
from hooks.rules.faults import ExpressionError
from hooks.rules.findings import choice, did_you_mean
from hooks.rules.index import type_matches
from hooks.rules.invalid import Invalid, locate
from hooks.rules.kinds import describe_value
from hooks.rules.model import Defaults, Expect, RoutesFile
from hooks.rules.model import Rule as RuleModel
from hooks.rules.nodes import Constant
from hooks.rules.report import Report, SourceFile, value_at
from hooks.rules.ruleset import ConnectionConfig, Rule, SourceConfig
from hooks.rules.shape import OPEN, Shape, shape_of, shape_of_value, union

_EVENT = re.compile(r"[\w.:*/+-]*")
"""Names as vendors give them; a sender of one's own may give others, such as ``Order Created``."""


class RuleBuilder:
    """Checks and compiles rules against the accounts and the catalogue. One for all files of a load."""

    def __init__(
        self,
        catalogue: Catalogue,
        report: Report,
        lookup: SecretLookup,
        sources: Mapping[str, SourceConfig | None],
        connections: Mapping[str, ConnectionConfig | None],
        variables: Mapping[str, Any] | None,
        defaults: Defaults,
        calendars: Mapping[str, Calendar | None],
    ) -> None:
        self._report = report
        self._calendars = calendars
        self._sources = sources
        self._catalogue = catalogue
        self._variables = OPEN if variables is None else shape_of_value(dict(variables))
        self._steps = StepsBuilder(catalogue, report, lookup, connections, defaults, self._condition)
        self._scopes: dict[Any, Scope] = {}
        self._data: dict[Any, tuple[Shape, tuple[str, ...], tuple[str, ...]]] = {}

    def build(self, file: SourceFile, number: int, raw: Any) -> Rule | None:
        """The rule, or None when so much is wrong that it cannot be made; what is wrong is in the report."""
        path: Path = ("rules", number)
        model = self._model(file, path, raw)
        if model is None:
            return None
        if model.once_within is not None and "once_per" not in raw:
            self._report.at_key(
                file, (*path, "once_within"), "'once_within' needs 'once_per'", "once_per says what may come only once"
            )
        if model.once_per is not None and "once_within" not in raw:
            self._report.at_key(
                file, (*path, "once_per"), "'once_per' needs 'once_within'", "for how long: once_within: 24h"
            )
        data = self._event_data(file, path, model)
        scope = self._scope(data, (), (), False)
        clauses = self._clauses(file, (*path, "when"), model.when, scope)
        once_per = self._clause(file, (*path, "once_per"), model.once_per, scope)
        timing = TimingBuilder(self._report, file, path, self._clause, self._clauses, self._expected).build(
            model, scope
        )
        steps = self._steps.build(file, path, model, functools.partial(self._scope, data))
        every = (*steps.do, *steps.otherwise, *steps.fallback)
        if own := sets_itself_off(model.event, model.source or (), every, self._sources):
            self._report.at_key(file, (*path, "event"), *own, severity="warning")
        return Rule(
            id=model.id,
            description=model.description or "",
            enabled=model.enabled,
            mode=model.mode,
            events=tuple(model.event),
            sources=tuple(model.source or ()),
            clauses=tuple(clauses),
            steps=steps.do,
            otherwise=steps.otherwise,
            fallback=steps.fallback,
            once_per=once_per,
            once_within=model.once_within,
            delay=model.delay,
            replay=model.replay,
            within=self._within(file, path, model.within),
            timing=timing,
            tests=self._tests(file, path, model, steps.ids),
            file=file.name,
            line=file.line(path),
            event_line=file.key_line((*path, "event")),
            source_line=file.key_line((*path, "source")) if model.source else file.line(path),
        )

    # --- the format ---

    def _model(self, file: SourceFile, path: Path, raw: Any) -> RuleModel | None:
        """The entry as the format's model. Wrong parts are reported and left out, so that the rest is checked too."""
        value, reported = raw, False
        for _ in range(4):
            try:
                return RuleModel.model_validate(value)
            except ValidationError as error:
                if not reported:
                    rule_shape = shape_of(RoutesFile).field("rules")
                    Invalid(self._report, file, path, rule_shape.item() if rule_shape else OPEN).tell(error)
                    reported = True
                    value = copy.deepcopy(raw)
                if not isinstance(value, dict):
                    return None
                for fault in error.errors(include_url=False, include_input=False):
                    _leave_out(value, locate(value, (), fault["loc"]))
        return None

    def _tests(self, file: SourceFile, path: Path, model: RuleModel, steps: Sequence[str]) -> tuple[PlacedCase, ...]:
        check = CaseCheck(self._report, self._sources, self._steps.actions)
        made = []
        for number, case in enumerate(model.tests or ()):
            here = (*path, "tests", number)
            if case.rule not in (None, model.id):
                self._report.at(file, (*here, "rule"), f"this test stands beside the rule '{model.id}'", "leave it out")
            check.check(file, here, case, steps)
            made.append(PlacedCase(case, model.id, file.name, file.line(here)))
        return tuple(made)

    def _within(self, file: SourceFile, path: Path, name: str | None) -> Within | None:
        if name is None:
            return None
        place = (*path, "within")
        if name not in self._calendars:
            hint = did_you_mean(name, self._calendars) or choice("calendars", self._calendars)
            self._report.at(file, place, f"unknown calendar '{name}'", hint)
        calendar = self._calendars.get(name)
        return None if calendar is None else Within(calendar, file.key_line(place))

    # --- events and sources ---

    def _expected(self, file: SourceFile, path: Path, expect: Expect) -> Scope:
        """What expressions can name of an event that a rule waits for."""
        return self._scope(self._event_data(file, path, expect), (), (), False)

    def _event_data(self, file: SourceFile, path: Path, model: RuleModel | Expect) -> Shape:
        """The shape of ``data`` for the events that it takes; open when that cannot be known."""
        known = True
        if model.source is not None:
            single = not isinstance(value_at(file.document.data, (*path, "source")), list)
            for number, name in enumerate(model.source):
                if name not in self._sources:
                    place = (*path, "source") if single else (*path, "source", number)
                    self._report.at(file, place, f"unknown source '{name}'", self._near_source(name))
                    known = False
        single = not isinstance(value_at(file.document.data, (*path, "event")), list)
        key = (tuple(model.event), None if model.source is None else tuple(model.source))
        if key not in self._data:
            self._data[key] = self._look_up(model)
        shape, unknown, names = self._data[key]
        for number, pattern in enumerate(model.event):
            place = (*path, "event") if single else (*path, "event", number)
            if not _is_name(pattern) or (pattern in unknown and known and not _EVENT.fullmatch(pattern)):
                several = re.split(r",\s*|\s+or\s+|\s*\|\s*|\s+", pattern)
                several_hint = f"several types are a list: [{', '.join(several)}]"
                told = len(several) > 1 and all("." in each and _EVENT.fullmatch(each) for each in several)
                hint = several_hint if told else "such as job.completed or job.*"
                self._report.at(file, place, "this is not an event type", hint)
            elif "," in pattern:
                hint = "several types are a list: [job.completed, job.paid]"
                self._report.at(file, place, f"'{pattern}' is the name of one event", hint, "warning")
            elif pattern in unknown and known:
                unwatched = "it is told of a source that says for how long it may be quiet: quiet_after: 2d"
                hint = unwatched if pattern in (QUIET, HEARD) else did_you_mean(pattern, names)
                hint = hint or _all_of(pattern, names)
                hint = hint or "vendors add names: if it is spelled as the sender does, leave it"
                self._report.at(file, place, f"no configured source is known to send '{pattern}'", hint, "warning")
        return shape if known else OPEN

    def _near_source(self, name: str) -> str:
        """What an unknown source was probably meant to be."""
        several = [each for each in re.split(r",\s*|\s+or\s+", name) if each in self._sources]
        if len(several) > 1:
            return f"several sources are a list: [{', '.join(several)}]"
        of_vendor = [each for each, config in self._sources.items() if config is not None and config.vendor == name]
        if of_vendor:
            return f"{name} is its vendor; the source is called " + " or ".join(of_vendor)
        return did_you_mean(name, self._sources) or choice("sources", self._sources)

    def _look_up(self, model: RuleModel | Expect) -> tuple[Shape, tuple[str, ...], tuple[str, ...]]:
        """The shape of the data, the patterns nobody is known to send, and all names that somebody is."""
        chosen = [config for name, config in self._sources.items() if model.source is None or name in model.source]
        kinds: dict[str, list[EventKind | None]] = {}
        anything = not chosen and bool(self._sources)
        for config in chosen:
            if config is not None and config.emitted is not None:
                anything = anything or ANY in config.emitted
                own = {kind.name: kind for kind in self._catalogue[config.vendor].kinds}
                for name in config.emitted - {ANY}:
                    kinds.setdefault(name, []).append(own.get(name))
                continue
            vendor = self._catalogue.get(config.vendor) if config is not None else None
            if config is None or vendor is None or not vendor.kinds:
                anything = True
                continue
            for kind in vendor.kinds:
                kinds.setdefault(kind.name, []).append(kind)
            named = config.settings.type
            if named is not None and "${" in named:
                anything = True  # the sender's own words name its events
            elif named is not None and named not in kinds:
                kinds.setdefault(named, []).append(None)
        shapes: list[Shape] = []
        unknown: list[str] = []
        for pattern in model.event:
            found = [kind for name, those in kinds.items() if type_matches(pattern, name) for kind in those]
            shapes.extend(map(_data_shape, found))
            if not found:
                shapes.append(OPEN)
                if not anything:
                    unknown.append(pattern)
        if anything or any(shape.is_open for shape in shapes):
            return OPEN, tuple(unknown), tuple(kinds)
        return union(shapes), tuple(unknown), tuple(kinds)

    def _scope(
        self, data: Shape, steps: tuple[str, ...], later: tuple[str, ...], fallback: bool, answers: Answers = ()
    ) -> Scope:
        key = (id(data), steps, later, fallback, answers)
        if key not in self._scopes:
            self._scopes[key] = Scope(data, self._variables, steps, later, fallback, dict(answers))
        return self._scopes[key]

    # --- conditions ---

    def _clauses(self, file: SourceFile, path: Path, texts: list[str] | None, scope: Scope) -> list[Clause]:
        listed = isinstance(value_at(file.document.data, path), list)
        made = [
            self._condition(file, (*path, number) if listed else path, text, scope)
            for number, text in enumerate(texts or ())
        ]
        return [clause for clause in made if clause is not None]

    def _condition(self, file: SourceFile, path: Path, text: str | None, scope: Scope) -> Clause | None:
        """The expression of ``when:`` or ``if:``, which asks something of the event."""
        clause = self._clause(file, path, text, scope)
        if clause is not None and isinstance(clause.expression.node, Constant):
            value = clause.expression.node.value
            if value is not True and value is not False:
                told = f"{describe_value(value)} alone is no question: it {'always' if value else 'never'} holds"
                hint = "a condition has no quotes around it: data.total_cents > 5000"
                self._report.at(file, path, told, hint if type(value) is str else "", "warning")
        return clause

    def _clause(self, file: SourceFile, path: Path, text: str | None, scope: Scope) -> Clause | None:
        """A bare expression: ``when:``, ``if:``, ``once_per:``."""
        if text is None:
            return None
        if "${" in text:
            start = text.index("${")
            inner = re.sub(r"\$\{\s*([^{}]*?)\s*\}", r"\1", text)
            self._report.inside(
                file, path, start, 2, "this is an expression already: write it without ${ }", f"write: {inner}"
            )
            return None
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            self._report.inside(file, path, error.column, error.length, error.message, error.hint)
            return None
        for problem in scope.check(text, expression.node).problems:
            self._report.inside(
                file, path, problem.start, problem.length, problem.message, problem.hint, problem.severity
            )
        place = file.text(path, len(text))
        return Clause(text, place.line, place.column, expression)


def _is_name(event: str) -> bool:
    return len(event) <= 200 and event.isprintable() and event.strip() != "" and "${" not in event


def _data_shape(kind: EventKind | None) -> Shape:
    return OPEN if kind is None or kind.model is None else shape_of(kind.model, "serialization")


def _leave_out(value: Any, path: Path) -> None:
    """Remove what is at a path: the innermost key of a map on the way to it."""
    keys = list(path)
    while keys:
        container = value_at(value, tuple(keys[:-1]))
        if isinstance(container, dict):
            container.pop(keys[-1], None)
            return
        keys.pop()


def _all_of(pattern: str, names: Sequence[str]) -> str:
    """For ``job`` and ``all``, where ``job.*`` and ``*`` were meant."""
    if pattern in ("all", "any", "every"):
        return "write '*' for all events"
    return f"write {pattern}.* for all of them" if any(name.startswith(f"{pattern}.") for name in names) else ""
