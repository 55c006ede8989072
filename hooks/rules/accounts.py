"""``sources:`` and ``connections:``: secrets looked up, settings checked by the vendor's own models."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from hooks.errors import ConfigError
from hooks.ports import Catalogue, ConnectionSettings, SourceSettings, Vendor
from hooks.rules.calendar import Calendar
from hooks.rules.document import Path
from hooks.rules.faults import ExpressionError
from hooks.rules.findings import choice, did_you_mean
from hooks.rules.invalid import WRITTEN, Invalid, described
from hooks.rules.kinds import Kind, describe, rewriting
from hooks.rules.quiet import Quiet
from hooks.rules.report import Report, SourceFile
from hooks.rules.ruleset import ConnectionConfig, SourceConfig
from hooks.rules.shape import OPEN, Shape, shape_of
from hooks.rules.template import Template, compile_template, has_hole

Secrets = Callable[[str], str | None]
"""Looks a secret up by its name; None when there is none."""

_Settings = TypeVar("_Settings", SourceSettings, ConnectionSettings)

SHORT_SECRET = 16
_STAND_IN = secrets.token_hex(16)
"""Stands in for a secret that is missing while the rest is checked; nobody knows it, should it ever get further."""
_IN_DAYS = re.compile(r"\d\s*[dw]")
_NAME = re.compile(r"secret\.([A-Za-z_][A-Za-z0-9_]*)")
_ALONE = re.compile(rf"\s*\$\{{\s*{_NAME.pattern}\s*\}}\s*")


class StandIn(str):
    """A value that stands in for a secret, and by which a look-up tells so."""

    __slots__ = ()


def stand_in(name: str) -> StandIn:
    """A value for a secret where nothing is sent: the same for a name every time, base32 and base64 at once."""
    return StandIn(b32encode(sha256(name.encode()).digest()[:20]).decode())


class SecretLookup:
    """Secrets by name, each looked up once, their values kept out of every finding."""

    def __init__(self, look_up: Secrets, report: Report) -> None:
        self._look_up = look_up
        self._report = report
        self._known: dict[str, str | None] = {}

    def find(self, name: str) -> str | None:
        """The secret's value; None when there is none or it is empty. Raises ConfigError as the look-up does."""
        if name not in self._known:
            value = self._look_up(name)
            if value:
                self._report.hide(value)
            self._known[name] = value or None
        return self._known[name]

    def fill(self, file: SourceFile, path: Path, template: Template) -> dict[str, str] | None:
        """The values of the secrets that a template names; None, and findings, when one cannot be had."""
        found: dict[str, str] = {}
        for hole in template.holes:
            for text in hole.expression.paths:
                match = _NAME.fullmatch(text)
                if match is None:
                    continue
                try:
                    value, hint = self.find(match[1]), f"set {match[1]} or {match[1]}_FILE in the environment"
                except ConfigError as error:
                    value, hint = None, str(error)
                if value is None:
                    self._report.inside(file, path, hole.offset, len(text), f"the secret {match[1]} is not set", hint)
                else:
                    found[match[1]] = value
        wanted = {match[1] for text in template.paths if (match := _NAME.fullmatch(text))}
        return found if wanted <= found.keys() else None


class Accounts:
    """Checks the sources and connections of a file."""

    def __init__(self, catalogue: Catalogue, lookup: SecretLookup, report: Report) -> None:
        self._catalogue = catalogue
        self._lookup = lookup
        self.unsound: set[Path] = set()
        """The paths of accounts that lack a secret: complete enough to check rules with, and not to be used."""
        self._report = report

    def source(self, file: SourceFile, name: str, raw: dict[str, Any]) -> SourceConfig | None:
        """A checked source, or None and findings."""
        path: Path = ("sources", name)
        vendor = self._vendor(file, path, raw, [each for each in self._catalogue.values() if each.source_settings])
        if vendor is None or vendor.source_settings is None:
            return None
        settings = self._settings(file, path, raw, vendor.source_settings)
        return None if settings is None else SourceConfig(name, vendor.name, settings)

    def hooks(self, file: SourceFile, sources: Mapping[str, SourceConfig | None]) -> None:
        """Look at what this file's sources open to subscribers, once all sources are known."""
        here = file.document.data.get("sources")
        for name in here if isinstance(here, dict) else ():
            config = sources.get(name)
            make = None if config is None else self._catalogue[config.vendor].hooks
            hooks = None if config is None or make is None else make(name, config.settings)
            for number, each in enumerate((hooks and hooks.sources) or ()):
                if each not in sources:
                    hint = did_you_mean(each, sources) or "one of: " + ", ".join(sources)
                    path = ("sources", name, "hooks", "sources", number)
                    self._report.at(file, path, f"unknown source '{each}'", hint)

    def quiet(
        self, file: SourceFile, sources: Mapping[str, SourceConfig | None], calendars: Mapping[str, Calendar | None]
    ) -> dict[str, SourceConfig]:
        """This file's sources whose silence is watched, with its measure, once all calendars are known."""
        here = file.document.data.get("sources")
        made: dict[str, SourceConfig] = {}
        for name, raw in here.items() if isinstance(here, dict) else ():
            config = sources.get(name)
            if config is None:
                continue
            path: Path = ("sources", name, "quiet_within")
            after, within = config.settings.quiet_after, config.settings.quiet_within
            if within is not None and after is None:
                told = "'quiet_within' says nothing without 'quiet_after'"
                self._report.at_key(file, path, told, "add how long nothing may come: quiet_after: 10h")
            elif within is not None and within not in calendars:
                hint = did_you_mean(within, calendars) or choice("calendars", calendars)
                self._report.at(file, path, f"unknown calendar '{within}'", hint)
            elif after is not None and (within is None or calendars[within] is not None):
                calendar = None if within is None else calendars[within]
                made[name] = replace(config, quiet=Quiet(after, calendar))
                if calendar is not None and _IN_DAYS.search(str(raw.get("quiet_after"))):
                    told = f"a day is 24 hours in which {within} is open, more than the hours of one day"
                    hint = "write it in hours: 20h are two days that are open for ten"
                    self._report.at(file, (*path[:2], "quiet_after"), told, hint, "warning")
        return made

    def connection(self, file: SourceFile, name: str, raw: dict[str, Any]) -> ConnectionConfig | None:
        """A checked connection, or None and findings."""
        path: Path = ("connections", name)
        able = [each for each in self._catalogue.values() if each.connection_settings]
        vendor = self._vendor(file, path, raw, able)
        if vendor is None or vendor.connection_settings is None:
            return None
        settings = self._settings(file, path, raw, vendor.connection_settings)
        return None if settings is None else ConnectionConfig(name, vendor.name, settings)

    def _vendor(self, file: SourceFile, path: Path, raw: dict[str, Any], able: Iterable[Vendor]) -> Vendor | None:
        known = {vendor.name: vendor for vendor in able}
        named = raw.get("vendor")
        choice = "one of: " + ", ".join(sorted(known))
        if named is None:
            stuck = next((key for key in raw if key.startswith("vendor:")), None)
            hint = f"write a blank after the colon: vendor: {stuck.removeprefix('vendor:')}" if stuck else choice
            self._report.at_key(file, path, "'vendor' is missing", hint)
            return None
        vendor = known.get(named) if isinstance(named, str) else None
        if vendor is None:
            if isinstance(named, str) and named in self._catalogue:
                does = "sends no events" if path[0] == "sources" else "takes no actions"
                if self._catalogue[named].built_in is not None:
                    does, choice = "is there without being configured", f"leave it out; its name is '{named}'"
                self._report.at(file, (*path, "vendor"), f"the vendor '{named}' {does}", choice)
            else:
                hint = did_you_mean(str(named), known) or choice
                self._report.at(file, (*path, "vendor"), f"unknown vendor '{named}'", hint)
        return vendor

    def _settings(self, file: SourceFile, path: Path, raw: dict[str, Any], model: type[_Settings]) -> _Settings | None:
        shape = shape_of(model)
        unsure: set[Path] = set()
        values = {
            key: self._resolve(file, (*path, key), value, shape.field(key) or OPEN, shape, unsure)
            for key, value in raw.items()
            if key != "vendor"
        }
        if unsure:
            self.unsound.add(path)
        try:
            return model.model_validate(values)
        except ValidationError as error:
            Invalid(self._report, file, path, shape).tell(error, unsure)
            return None

    def _resolve(self, file: SourceFile, path: Path, value: Any, shape: Shape, whole: Shape, unsure: set[Path]) -> Any:
        """The value with its secrets put in; where one is missing, a stand-in and the path in ``unsure``.

        ``whole`` is the shape of all settings of the source or connection.
        """
        if isinstance(value, dict):
            return {
                key: self._resolve(file, (*path, key), below, shape.field(key) or OPEN, whole, unsure)
                for key, below in value.items()
            }
        if isinstance(value, list):
            below = shape.item()
            return [
                self._resolve(file, (*path, number), each, below, whole, unsure) for number, each in enumerate(value)
            ]
        if isinstance(value, bool) and shape.kinds & Kind.NUMBER and not shape.kinds & Kind.BOOL:
            # pydantic would take true for 1
            wanted = describe(shape.kinds & ~Kind.NULL)
            self._report.at(file, path, f"{wanted} belongs here, this is true or false", WRITTEN.get(wanted, ""))
            unsure.add(path)
            return None
        if not isinstance(value, str) or shape.read_by_source:
            return value
        if not has_hole(value):
            if shape.secret:
                self._report.hide(value)
                self._report.at(
                    file, path, "this secret stands in the file", "write ${secret.NAME} and set NAME", "warning"
                )
                self._length(file, path, value)
            if not shape.is_open and not shape.kinds & Kind.TEXT and shape.kinds & (Kind.BOOL | Kind.NUMBER):
                wanted = describe(shape.kinds & ~Kind.NULL)
                hint = rewriting(value, Kind.TEXT, shape.kinds, described(whole, path[2:])) or WRITTEN.get(wanted, "")
                self._report.at(file, path, f"{wanted} belongs here, this is text", hint)
                unsure.add(path)
                return None
            return value
        filled = self._filled(file, path, value)
        if filled is None:
            unsure.add(path)
            return SecretStr(_STAND_IN) if shape.secret else _STAND_IN
        if (match := _ALONE.fullmatch(value)) and isinstance(self._lookup.find(match[1]), StandIn):
            filled = _in_form(filled, shape)
        if shape.secret:
            self._length(file, path, filled)
            return SecretStr(filled)
        if filled.isdecimal() and shape.kinds & Kind.NUMBER and not shape.kinds & Kind.TEXT:
            return int(filled)  # the environment has nothing but texts
        return filled

    def _filled(self, file: SourceFile, path: Path, text: str) -> str | None:
        try:
            template = compile_template(text, secrets=True)
        except ExpressionError as error:
            self._report.inside(file, path, error.column, error.length, error.message, error.hint)
            return None
        for hole in template.holes:
            if not _NAME.fullmatch(hole.expression.text.strip()):
                self._report.inside(
                    file,
                    path,
                    hole.offset,
                    len(hole.expression.text),
                    "only ${secret.NAME} can be used here",
                    "sources and connections are the same for every event",
                )
                return None
        found = self._lookup.fill(file, path, template)
        return None if found is None else str(template.evaluate({"secret": found}))

    def _length(self, file: SourceFile, path: Path, secret: str) -> None:
        """Warn of one by which anybody could send. What opens a vendor's door is as long as the vendor has made it."""
        if path[0] == "sources" and len(secret.encode("utf-8", "replace")) < SHORT_SECRET:
            self._report.at(
                file,
                path,
                f"this secret is shorter than {SHORT_SECRET} bytes",
                "a longer one is harder to guess",
                "warning",
            )


def _in_form(made: str, shape: Shape) -> str:
    """What stands in for a secret, in the form that its key takes: one of its words, a number, an address."""
    if shape.allowed:
        return str(shape.allowed[0])
    return shape.example or ("1" if shape.kinds & Kind.NUMBER else made)
