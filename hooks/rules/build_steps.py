"""The steps of a rule, checked and compiled: those of ``do``, of ``else`` and of ``fallback``.

A step's ``else`` is laid flat: its steps come right after it in the list, each with the conditions that must not hold
(`StepSpec.unless`). So a run is one list of steps, carried out in order, whichever way it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hooks.ports import Action, Catalogue, FilledByConnection, NeedsOfConnection, Vendor
from hooks.rules.accounts import SecretLookup
from hooks.rules.check_expression import Scope
from hooks.rules.check_inputs import InputsCheck, Standing
from hooks.rules.clauses import Clause
from hooks.rules.document import Path
from hooks.rules.findings import choice, did_you_mean, meant_by
from hooks.rules.model import Defaults
from hooks.rules.model import Rule as RuleModel
from hooks.rules.model import Step as StepModel
from hooks.rules.report import Report, SourceFile
from hooks.rules.ruleset import ConnectionConfig
from hooks.rules.shape import OPEN, Shape
from hooks.rules.step import StepSpec

ClauseOf = Callable[[SourceFile, Path, str | None, Scope], Clause | None]
Answers = tuple[tuple[str, Shape], ...]
"""What the answers of steps hold, by id, where that is documented."""

ScopeOf = Callable[[tuple[str, ...], tuple[str, ...], bool, Answers], Scope]
"""What an expression of a step can name: ids of earlier steps, of later ones, whether it is in ``fallback``, and what
the answers of the earlier ones hold."""

_PARTS = {"do": "step", "otherwise": "else", "fallback": "fallback"}
"""The three lists of steps of a rule, and what their steps are called that have no id."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A step before it is compiled. ``parents`` are the places in the flat list of the steps it stands in for."""

    path: Path
    id: str
    model: StepModel
    parents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RuleSteps:
    """All steps of a rule."""

    do: tuple[StepSpec, ...]
    otherwise: tuple[StepSpec, ...]
    fallback: tuple[StepSpec, ...]
    ids: tuple[str, ...]
    """Of those too that could not be made."""


class StepsBuilder:
    """Checks and compiles the steps of rules. One for all files of a load."""

    def __init__(
        self,
        catalogue: Catalogue,
        report: Report,
        lookup: SecretLookup,
        connections: Mapping[str, ConnectionConfig | None],
        defaults: Defaults,
        clause: ClauseOf,
    ) -> None:
        self._catalogue = catalogue
        self._report = report
        self._lookup = lookup
        self._connections = connections
        self._defaults = defaults
        self._clause = clause
        self._outputs: dict[str, Shape] = {}
        self.actions: dict[str, tuple[Vendor, Action]] = {}
        """All actions by full name and alias."""
        for vendor in catalogue.values():
            for action in vendor.actions:
                for name in (*action.aliases, action.name):
                    self.actions[f"{vendor.name}.{name}"] = (vendor, action)

    def build(self, file: SourceFile, path: Path, rule: RuleModel, scope: ScopeOf) -> RuleSteps:
        """The steps that could be made; what is wrong is in the report."""
        planned = {
            part: list(_planned(getattr(rule, part) or (), (*path, "else" if part == "otherwise" else part), word))
            for part, word in _PARTS.items()
        }
        self._unique_ids(file, [each for part in planned.values() for each in part])
        if rule.otherwise is not None and not rule.when:
            self._report.at_key(
                file, (*path, "else"), "'else' needs 'when'", "its steps are for when a condition does not hold"
            )
        done = [each for part in ("do", "otherwise") for each in planned[part]]
        return RuleSteps(
            do=self._part(file, planned["do"], rule, scope, [], False),
            otherwise=self._part(file, planned["otherwise"], rule, scope, [], False),
            fallback=self._part(file, planned["fallback"], rule, scope, done, True),
            ids=tuple(each.id for part in _PARTS for each in planned[part]),
        )

    def _part(
        self,
        file: SourceFile,
        planned: Sequence[_Planned],
        rule: RuleModel,
        scope: ScopeOf,
        known: Sequence[_Planned],
        fallback: bool,
    ) -> tuple[StepSpec, ...]:
        before = tuple(each.id for each in known)
        ids = tuple(each.id for each in planned)
        made: list[StepSpec | None] = []
        for number, each in enumerate(planned):
            if each.model.otherwise is not None and each.model.condition is None:
                hint = "its steps are for when the condition does not hold"
                self._report.at_key(file, (*each.path, "else"), "'else' needs 'if'", hint)
            names = scope((*before, *ids[:number]), ids[number:], fallback, self._answers([*known, *planned[:number]]))
            unless = tuple(
                parent.condition
                for parent in (made[place] for place in each.parents)
                if parent is not None and parent.condition is not None
            )
            made.append(self._step(file, each, names, rule, unless))
        return tuple(step for step in made if step is not None)

    def _answers(self, steps: Iterable[_Planned]) -> Answers:
        return tuple((step.id, shape) for step in steps if not (shape := self._output(step.model.action)).is_open)

    def _output(self, name: str) -> Shape:
        """What an action answers, as far as it is documented."""
        if name not in self._outputs:
            vendor, action = self.actions.get(name, (None, None))
            schema = vendor.outputs.get(action.name) if vendor is not None and action is not None else None
            self._outputs[name] = OPEN if schema is None else Shape([(schema, {})])
        return self._outputs[name]

    def _unique_ids(self, file: SourceFile, planned: Sequence[_Planned]) -> None:
        seen: set[str] = set()
        for each in planned:
            if each.id in seen:
                self._report.at(
                    file,
                    (*each.path, "id"),
                    f"the step id '{each.id}' is used twice in this rule",
                    "the answers of two steps need two names",
                )
            seen.add(each.id)

    def _step(
        self,
        file: SourceFile,
        planned: _Planned,
        scope: Scope,
        rule: RuleModel,
        unless: tuple[Clause, ...],
    ) -> StepSpec | None:
        path, model = planned.path, planned.model
        condition = self._clause(file, (*path, "if"), model.condition, scope)
        known = self.actions.get(model.action)
        if known is None:
            hint = self._near(model.action)
            self._report.at(file, (*path, "action"), f"unknown action '{model.action}'", hint)
            return None
        vendor, action = known
        connection = self._connection(file, path, model, vendor)
        self._needed(file, path, action, connection, vendor)
        elsewhere = self._at_connection(action, connection, vendor)
        check = InputsCheck(file, (*path, "with"), scope, self._report, self._lookup, vendor.name == "http", elsewhere)
        inputs = check.build(model.inputs, action.inputs)
        timeout = model.timeout or rule.timeout or self._defaults.timeout
        return StepSpec(
            id=planned.id,
            action_name=f"{vendor.name}.{action.name}",
            vendor=vendor.name,
            action=action,
            connection=connection or "",
            condition=condition,
            unless=unless,
            timeout=timeout,
            retry=model.retry or rule.retry or self._defaults.retry,
            on_unknown=model.on_unknown or rule.on_unknown,
            line=file.line(path),
            inputs=inputs,
            output=self._output(model.action),
            secrets=check.secrets,
        )

    def _needed(self, file: SourceFile, path: Path, action: Action, name: str | None, vendor: Vendor) -> None:
        """Report keys that the connection lacks, and without which every call of this action would fail."""
        found = self._connections.get(name or "")
        if found is None or found.vendor != vendor.name or not isinstance(action, NeedsOfConnection):
            return
        lacking = [f"`{key}`" for key in action.needs if not getattr(found.settings, key)]
        if lacking:
            told = f"'{vendor.name}.{action.name}' cannot do without {' and '.join(lacking)} of its connection"
            self._report.at(file, (*path, "action"), told, f"add {' and '.join(lacking)} to connections.{found.name}")

    def _at_connection(self, action: Action, name: str | None, vendor: Vendor) -> Mapping[str, Standing]:
        """The inputs that the connection may stand in for."""
        found = self._connections.get(name or "")
        if found is None or found.vendor != vendor.name or not isinstance(action, FilledByConnection):
            return {}
        return {
            field: Standing(getattr(found.settings, key), f"give it here, or `{key}` in the connection '{found.name}'")
            for field, key in action.from_connection.items()
        }

    def _near(self, name: str) -> str:
        """What an unknown action was probably meant to be."""
        vendor, _, operation = name.partition(".")
        if vendor not in self._catalogue:
            same = [known for known in self.actions if known.partition(".")[2] == name]
            mine = [
                known
                for known in same
                if any(self.actions[known][0].name == each.vendor for each in filter(None, self._connections.values()))
            ]
            if same:
                return "write " + " or ".join(sorted(mine or same)[:3])
            return did_you_mean(name, self.actions) or "`hooks vendors` lists the vendors, with a name its actions"
        own = [known.partition(".")[2] for known in self.actions if known.startswith(f"{vendor}.")]
        near = did_you_mean(operation, own)
        return f"did you mean '{vendor}.{meant_by(near)}'?" if near else f"hooks vendors {vendor} lists its actions"

    def _connection(self, file: SourceFile, path: Path, model: StepModel, vendor: Vendor) -> str | None:
        if vendor.connection_settings is None:
            if model.connection is not None:
                self._report.at_key(
                    file, (*path, "connection"), f"'{vendor.name}' actions need no connection", "leave it out"
                )
            return None if vendor.built_in is None else vendor.name
        fitting = [name for name, config in self._connections.items() if config is None or config.vendor == vendor.name]
        named = model.connection
        if named is None:
            own = [name for name in fitting if self._connections[name] is not None]
            if len(own) == 1:
                return own[0]
            if own:
                self._report.at(
                    file,
                    (*path, "action"),
                    f"there are several connections of '{vendor.name}'",
                    "add connection: with one of: " + ", ".join(sorted(own)),
                )
            elif not fitting:
                self._report.at(
                    file,
                    (*path, "action"),
                    f"there is no connection of '{vendor.name}'",
                    f"add one under connections:, with vendor: {vendor.name}",
                )
            return None
        config = self._connections.get(named)
        if named not in self._connections:
            hint = did_you_mean(named, self._connections) or choice("connections", self._connections)
            self._report.at(file, (*path, "connection"), f"unknown connection '{named}'", hint)
        elif config is not None and config.vendor != vendor.name:
            self._report.at(
                file,
                (*path, "connection"),
                f"'{named}' is a connection of '{config.vendor}', not of '{vendor.name}'",
                choice("connections", fitting),
            )
        return named


def _planned(steps: Sequence[StepModel], path: Path, word: str) -> Iterator[_Planned]:
    """The steps of a list, each followed by those of its ``else``."""
    flat: list[_Planned] = []

    def lay(models: Sequence[StepModel], place: Path, prefix: str, parents: tuple[int, ...]) -> None:
        for number, model in enumerate(models):
            own = len(flat)
            id = model.id or f"{prefix}{number + 1}"
            flat.append(_Planned((*place, number), id, model, parents))
            lay(model.otherwise or (), (*place, number, "else"), f"{id}_else", (*parents, own))

    lay(steps, path, word, ())
    yield from flat
