"""Loading ``routes.yaml``: all files read, all rules checked, and either a `RuleSet` or every finding at once.

All or nothing: one error anywhere, and nothing is loaded. Reading files is the only contact with the outside.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hooks.ports import Catalogue, SourceSettings
from hooks.rules.accounts import Accounts, SecretLookup, Secrets
from hooks.rules.build_calendar import CalendarBuilder
from hooks.rules.build_rule import RuleBuilder
from hooks.rules.calendar import Calendar
from hooks.rules.document import MAX_BYTES, DocumentError, read_document
from hooks.rules.emitted import emitted
from hooks.rules.findings import Finding, RulesInvalid, did_you_mean, in_order, meant_by
from hooks.rules.invalid import Invalid
from hooks.rules.model import RULE_KEYS, Defaults, RoutesFile
from hooks.rules.report import Report, SourceFile, rule_at
from hooks.rules.ruleset import ConnectionConfig, Rule, RuleSet, SourceConfig
from hooks.rules.shape import shape_of
from hooks.rules.templates import Templates

MAX_FILES = 1000
_IN_MAIN_ONLY = ("include", "defaults")


def load_rules(path: Path, catalogue: Catalogue, secrets: Secrets) -> RuleSet:
    """The rules of a file and the files it includes. Raises RulesInvalid with every finding at once."""
    return _read(path, catalogue, secrets).finish()


def load_text(
    text: str | bytes,
    catalogue: Catalogue,
    secrets: Secrets,
    *,
    name: str = "routes.yaml",
    folder: Path | None = None,
    drafts: Mapping[Path, str] | None = None,
) -> RuleSet:
    """The rules of a text, for the API and for tests. ``folder`` is what its ``include:`` is relative to.

    ``drafts`` are texts to take in the place of what included files hold.
    """
    loading = _Loading(catalogue, secrets)
    loading.drafts = {path.resolve(): draft for path, draft in (drafts or {}).items()}
    loading.take(text, name, folder)
    return loading.finish()


def load_texts(texts: Mapping[str, str], catalogue: Catalogue, secrets: Secrets) -> RuleSet:
    """The rules of texts kept earlier (`RuleSet.texts`): the main file first, then those it included."""
    loading = _Loading(catalogue, secrets)
    loading.follows_includes = False
    for number, (name, text) in enumerate(texts.items()):
        loading.take(text, name, None, included=number > 0)
    return loading.finish()


def included_files(text: str, folder: Path) -> list[Path]:
    """The files that a main file of this text would include from a folder now; none when it is no YAML."""
    try:
        data = read_document(text).data
    except DocumentError:
        return []
    value = data.get("include") if isinstance(data, dict) else None
    patterns = value if isinstance(value, list) else [value]
    found = [path for pattern in patterns if isinstance(pattern, str) and pattern for path in _fitting(folder, pattern)]
    return [path for path in dict.fromkeys(found) if path.is_file()]


class DoorsInvalid(RulesInvalid):
    """Not all sources of a file can be opened, or it has none: what is known of them.

    ``unsound`` has the status that puts senders off to those that cannot be opened (503 or 429). It is not
    ``complete`` when a file is there and cannot be read: nobody knows what sources that holds.
    """

    def __init__(self, findings: Iterable[Finding], sound: RuleSet, unsound: Mapping[str, int], complete: bool) -> None:
        super().__init__(findings)
        self.sound, self.unsound, self.complete = sound, unsound, complete


def load_doors(path: Path, catalogue: Catalogue, secrets: Secrets) -> RuleSet:
    """The sources alone, of a file whose rules may be broken: what is needed to go on receiving.

    Raises DoorsInvalid when a source itself cannot be read, or there is none.
    """
    return _read(path, catalogue, secrets).doors()


def _read(path: Path, catalogue: Catalogue, secrets: Secrets) -> _Loading:
    loading = _Loading(catalogue, secrets)
    raw = loading.read(path, str(path))
    if raw is not None:
        loading.take(raw, str(path), path.parent)
    return loading


class _Loading:
    """One load: what has been read so far, and what was found."""

    def __init__(self, catalogue: Catalogue, secrets: Secrets) -> None:
        self.report = Report()
        self._catalogue = catalogue
        self._lookup = SecretLookup(secrets, self.report)
        self._accounts = Accounts(catalogue, self._lookup, self.report)
        self._files: list[SourceFile] = []
        self._paths: list[Path] = []
        self._digest = hashlib.sha256()
        self._defaults = Defaults()
        self._first: dict[tuple[str, str], tuple[SourceFile, int]] = {}
        self._sources: dict[str, SourceConfig | None] = {}
        self._connections: dict[str, ConnectionConfig | None] = {}
        self._vars: dict[str, Any] = {}
        self._vars_known = True
        self._astray = False
        """Whether what rules name stands under a misspelt key: then that is told, and not each who misses it."""
        self._calendars: dict[str, Calendar | None] = {}
        self._templates = Templates(self.report, RULE_KEYS)
        self._texts: dict[str, str] = {}
        self.follows_includes = True
        self.drafts: Mapping[Path, str] = {}

    def read(self, path: Path, name: str) -> bytes | None:
        if (draft := self.drafts.get(path.resolve())) is not None:
            self._paths.append(path)
            return draft.encode("utf-8", "surrogatepass")
        try:
            with path.open("rb") as opened:
                raw = opened.read(MAX_BYTES + 1)  # more is refused anyway, and a device has no end
        except FileNotFoundError:
            self._unread(
                name,
                "there is no such file",
                "name it: as an argument, by --routes or HOOKS_ROUTES; `hooks init` writes one",
            )
            return None
        except OSError as error:
            why = error.strerror or "input/output error"
            self._unread(name, f"the file cannot be read: {why}", "name a file that this user may read")
            return None
        self._paths.append(path)
        return raw

    def _unread(self, name: str, message: str, hint: str) -> None:
        self.report.add_plain(Finding(name, 1, 1, 1, "error", message, hint))

    def take(self, raw: bytes | str, name: str, folder: Path | None, included: bool = False) -> None:
        """Read one file's text and, from the main file, those it includes."""
        encoded = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
        self._digest.update(len(encoded).to_bytes(8, "big") + encoded)
        self._texts[name] = encoded.decode("utf-8", "replace")
        try:
            document = read_document(raw)
        except DocumentError as error:
            mistake = error.mistake
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            lines = text.replace("\r", "").split("\n")
            line = lines[mistake.line - 1] if mistake.line <= len(lines) else ""
            at = (mistake.line, mistake.column, mistake.length)
            self.report.add_plain(Finding(name, *at, "error", mistake.message, mistake.hint, None, line))
            return
        file = SourceFile(name, document)
        for path, place in document.comments():
            message = "the text from '#' on is a YAML comment and is not sent"
            hint = "put the value in quotes to keep it"
            self.report.add(file, place, message, hint, severity="warning", rule=rule_at(file, path))
        if not isinstance(document.data, dict):
            empty = document.data is None
            message = "the file is empty" if empty else "a rules file is a map: version:, sources:, rules:"
            self.report.at(file, (), message, "begin with: version: 1")
            return
        self._files.append(file)
        self._top(file, included)
        if not included and self.follows_includes:
            self._include(file, folder)

    def _top(self, file: SourceFile, included: bool) -> None:
        """Check the top level; the rules themselves are checked one by one, when all files are known."""
        data = file.document.data
        outline = {key: value for key, value in data.items() if key != "rules"}
        try:
            model = RoutesFile.model_validate(outline)
            if not included:
                self._defaults = model.defaults
        except ValidationError as error:
            Invalid(self.report, file, (), shape_of(RoutesFile)).tell(error)
            unknown = [key for key in data if key not in RoutesFile.model_fields]
            meant = {meant_by(did_you_mean(str(key), RoutesFile.model_fields)) for key in unknown}
            self._astray = self._astray or bool(
                meant & {"sources", "connections", "calendars", "templates"} - data.keys()
            )
        if data.get("rules") is not None and not isinstance(data["rules"], list):
            self.report.at(file, ("rules",), "a list belongs here", "each rule begins with '- id:'")
        if included:
            for key in _IN_MAIN_ONLY:
                if key in data:
                    self.report.at_key(file, (key,), f"'{key}' belongs in the main file only", "move it there")

    def _include(self, file: SourceFile, folder: Path | None) -> None:
        value = file.document.data.get("include")
        patterns = value if isinstance(value, list) else [] if value is None else [value]
        for number, pattern in enumerate(patterns):
            place = ("include", number) if isinstance(value, list) else ("include",)
            if not isinstance(pattern, str) or not pattern:
                continue
            if folder is None:
                self.report.at(file, place, "files cannot be included here", "check the file itself")
                continue
            found = _fitting(folder, pattern)
            if not found:
                self.report.at(
                    file, place, "no file fits this pattern", f"looked in the folder of {file.name}", "warning"
                )
            for path in found[:MAX_FILES]:
                if any(path == known or path.samefile(known) for known in self._known(path)):
                    continue
                if not path.is_file():
                    self._no_file(file, place, path, pattern)
                    continue
                raw = self.read(path, str(path))
                if raw is not None:
                    self.take(raw, str(path), path.parent, included=True)

    def _no_file(self, file: SourceFile, place: tuple[str | int, ...], path: Path, named: str) -> None:
        if path.is_dir():
            self.report.at(file, place, f"'{named}' is a folder", f"write {named.rstrip('/')}/*.yaml for its files")
        elif path.exists():  # a device or a pipe: reading it might never end
            self.report.at(file, place, f"'{named}' is not a file", "name a file, or a pattern such as rules/*.yaml")
        else:
            self.report.at(file, place, f"there is no file '{named}'", f"looked in the folder of {file.name}")

    def _known(self, path: Path) -> list[Path]:
        return [known for known in self._paths if known.name == path.name and path.exists()]

    # --- when all files are read ---

    def finish(self) -> RuleSet:
        for file in self._files:
            self._take_accounts(file)
            self._take_vars(file)
            self._take_calendars(file)
            self._take_templates(file)
        entries = [] if self._astray else list(self._entries())
        self._take_built_in(expanded[1] for _, _, _, expanded in entries if expanded is not None)
        for file in self._files:
            self._accounts.hooks(file, self._sources)
            if not self._astray:
                self._sources.update(self._accounts.quiet(file, self._sources, self._calendars))
        for file in self._files:
            section = file.document.data.get("vars", {})
            unknown = file.document.data.keys() - RoutesFile.model_fields.keys()
            self._vars_known = self._vars_known and isinstance(section, dict) and not unknown
        builder = RuleBuilder(
            self._catalogue,
            self.report,
            self._lookup,
            self._sources,
            self._connections,
            self._vars if self._vars_known else None,
            self._defaults,
            self._calendars,
        )
        rules: list[Rule] = []
        for file, number, raw, expanded in entries:
            rule = None if expanded is None else builder.build(expanded[0], number, expanded[1])
            if isinstance(raw, dict) and isinstance(raw.get("id"), str):
                self._once(file, ("rules", number, "id"), "rule id", raw["id"], at_value=True)
            if rule is not None:
                rules.append(rule)
        findings = self.report.findings
        if self.report.has_errors:
            raise RulesInvalid(findings)
        return RuleSet(
            version=self._digest.hexdigest(),
            rules=rules,
            sources={name: config for name, config in self._sources.items() if config is not None},
            connections={name: config for name, config in self._connections.items() if config is not None},
            variables=self._vars,
            warnings=in_order(findings),
            files=self._paths,
            texts=self._texts,
        )

    def _entries(self) -> Iterator[tuple[SourceFile, int, Any, tuple[SourceFile, Any] | None]]:
        """The entries of ``rules:`` of all files, each with what its template makes of it."""
        for file in self._files:
            entries = file.document.data.get("rules")
            for number, raw in enumerate(entries if isinstance(entries, list) else ()):
                yield file, number, raw, self._templates.expand(file, number, raw)

    def _take_built_in(self, rules: Iterable[Any]) -> None:
        """Add the source and the connection of each built-in vendor that rules need."""
        watched = any(config is None or config.settings.quiet_after for config in self._sources.values())
        for name, types in emitted(rules, self._catalogue, watched=watched).items():
            built_in = self._catalogue[name].built_in
            assert built_in is not None, "only built-in vendors are found"
            for what, section, taken in (
                ("source", "sources", self._sources),
                ("connection", "connections", self._connections),
            ):
                if name in taken:
                    file, _ = self._first[what, name]
                    message = f"the name '{name}' belongs to the events that rules emit"
                    self.report.at_key(file, (section, name), message, "give it another name")
            self._sources[name] = SourceConfig(name, name, SourceSettings(), types)
            self._connections[name] = ConnectionConfig(name, name, built_in.settings, built_in=True)

    def doors(self) -> RuleSet:
        """The sources, if there are any and all of them are sound; raises DoorsInvalid."""
        for file in self._files:
            self._take_accounts(file)
        lacking = {path[1] for path in self._accounts.unsound if path[0] == "sources"}
        sound: dict[str, SourceConfig] = {}
        unsound: dict[str, int] = {}
        for name, config in self._sources.items():
            if config is None or name in lacking:
                unsound[name] = 503 if config is None else config.settings.unavailable_status
            else:
                sound[name] = config
        rules = RuleSet(version=self._digest.hexdigest(), sources=sound, files=self._paths, texts=self._texts)
        complete = len(self._files) == len(self._texts)
        if unsound or not sound or not complete:
            raise DoorsInvalid(self.report.findings, rules, unsound, complete)
        return rules

    def _once(
        self, file: SourceFile, path: tuple[str | int, ...], what: str, name: str, at_value: bool = False
    ) -> bool:
        """Report a name that was used before, in this file or another."""
        document = file.document
        line = (document.value(path) if at_value else document.key(path)).line
        known = self._first.get((what, name))
        if known is None:
            self._first[what, name] = (file, line)
            return True
        other = f"first on line {known[1]}" + ("" if known[0] is file else f" of {known[0].name}")
        report = self.report.at if at_value else self.report.at_key
        report(file, path, f"the {what} '{name}' is used twice", other)
        return False

    def _take_accounts(self, file: SourceFile) -> None:
        for name, raw in self._section(file, "sources"):
            if self._once(file, ("sources", name), "source", name):
                self._sources[name] = self._accounts.source(file, name, raw)
        for name, raw in self._section(file, "connections"):
            if self._once(file, ("connections", name), "connection", name):
                self._connections[name] = self._accounts.connection(file, name, raw)

    def _section(self, file: SourceFile, key: str) -> list[tuple[str, dict[str, Any]]]:
        section = file.document.data.get(key)
        return (
            [(name, raw) for name, raw in section.items() if isinstance(raw, dict)] if isinstance(section, dict) else []
        )

    def _take_calendars(self, file: SourceFile) -> None:
        for name, raw in self._section(file, "calendars"):
            if self._once(file, ("calendars", name), "calendar", name):
                self._calendars[name] = CalendarBuilder(self.report, file, ("calendars", name)).build(name, raw)

    def _take_templates(self, file: SourceFile) -> None:
        for name, raw in self._section(file, "templates"):
            if self._once(file, ("templates", name), "template", name):
                self._templates.take(file, name, raw)

    def _take_vars(self, file: SourceFile) -> None:
        section = file.document.data.get("vars")
        for name, value in section.items() if isinstance(section, dict) else ():
            if not self._once(file, ("vars", name), "variable", name):
                continue
            self._vars[name] = value
            if _holds_expression(value):
                self._vars_known = False
                self.report.at(
                    file, ("vars", name), "vars: holds plain values, no ${ }", "write the expression where it is used"
                )


def _fitting(folder: Path, pattern: str) -> list[Path]:
    """The files that an ``include:`` means, sorted; one without wildcards stands for itself, there or not."""
    if not glob.has_magic(pattern):
        return [folder / pattern]
    wanted = Path(pattern)
    if wanted.is_absolute():
        folder, wanted = Path(wanted.anchor), wanted.relative_to(wanted.anchor)
    try:
        return sorted(path for path in folder.glob(str(wanted)) if path.is_file())
    except (ValueError, NotImplementedError, IndexError):  # what `glob` raises for patterns that it cannot read
        return []


def _holds_expression(value: Any) -> bool:
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str) and "${" in current:
            return True
        if isinstance(current, dict):
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
    return False
