"""Reading ``tests/*.yaml`` beside a rules file: tests in files of their own, checked like those beside a rule.

A file is a list of tests, or a map with ``tests:``; each test, or the file, names its rule with ``rule:``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hooks.ports import Action, Catalogue, Vendor
from hooks.rules.cases import Case, CasesFile, PlacedCase
from hooks.rules.check_cases import CaseCheck
from hooks.rules.document import DocumentError, read_document
from hooks.rules.document import Path as Place
from hooks.rules.findings import Finding, RulesInvalid, choice, did_you_mean
from hooks.rules.invalid import Invalid, locate
from hooks.rules.report import Report, SourceFile
from hooks.rules.ruleset import RuleSet
from hooks.rules.shape import shape_of

FOLDER = "tests"


def load_tests(routes: Path, rules: RuleSet, catalogue: Catalogue) -> list[PlacedCase]:
    """All tests of a rule set: those beside its rules, then those of the folder ``tests`` next to its file.

    Raises RulesInvalid with every finding about the latter.
    """
    tests = [test for rule in rules.rules for test in rule.tests]
    reader = _Reader(rules, catalogue)
    folder = routes.parent / FOLDER
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else ():
        tests += reader.read(path)
    if reader.report.has_errors:
        raise RulesInvalid(reader.report.findings)
    return tests


class _Reader:
    """Reads the files of one folder."""

    def __init__(self, rules: RuleSet, catalogue: Catalogue) -> None:
        self.report = Report()
        self._rules = rules
        actions: dict[str, tuple[Vendor, Action]] = {
            f"{vendor.name}.{name}": (vendor, action)
            for vendor in catalogue.values()
            for action in vendor.actions
            for name in (*action.aliases, action.name)
        }
        self._check = CaseCheck(self.report, rules.sources, actions)

    def read(self, path: Path) -> list[PlacedCase]:
        name = str(path)
        try:
            document = read_document(path.read_bytes())
        except OSError as error:
            sentence = f"the file cannot be read: {error.strerror or 'input/output error'}"
            hint = "tests are all files tests/*.yaml beside the rules file"
            self.report.add_plain(Finding(name, 1, 1, 1, "error", sentence, hint))
            return []
        except DocumentError as error:
            mistake = error.mistake
            at = (mistake.line, mistake.column, mistake.length)
            self.report.add_plain(Finding(name, *at, "error", mistake.message, mistake.hint))
            return []
        file = SourceFile(name, document)
        base: Place = ()
        data: Any = document.data
        if isinstance(data, list):
            data = {"tests": data}
        else:
            base = ("tests",)
        try:
            model = CasesFile.model_validate(data)
        except ValidationError as error:
            self._invalid(file, error, listed=not base)
            return []
        return [
            placed
            for number, case in enumerate(model.tests)
            if (placed := self._placed(file, (*base, number), case, model.rule)) is not None
        ]

    def _invalid(self, file: SourceFile, error: ValidationError, *, listed: bool) -> None:
        """pydantic's errors; in a bare list there is no key ``tests`` to point at."""
        shape = shape_of(CasesFile)
        if not listed:
            Invalid(self.report, file, (), shape).tell(error)
            return
        below = shape.field("tests") or shape
        for fault in error.errors(include_url=False, include_input=False):
            place = locate(file.document.data, (), fault["loc"][1:])
            Invalid(self.report, file, (), below).tell_one(place, fault)

    def _placed(self, file: SourceFile, path: Place, case: Case, common: str | None) -> PlacedCase | None:
        named = case.rule or common
        if named is None:
            self.report.at_key(file, path, "'rule' is missing", "the id of the rule that this tests")
            return None
        rule = self._rules.rule(named)
        if rule is None:
            place: Place = (*path, "rule") if case.rule is not None else ("rule",)
            known = [each.id for each in self._rules.rules]
            hint = did_you_mean(named, known) or choice("rules", known)
            self.report.at(file, place, f"there is no rule '{named}'", hint)
            return None
        self._check.check(file, path, case, [step.id for step in rule.all_steps])
        return PlacedCase(case, named, file.name, file.line(path))
