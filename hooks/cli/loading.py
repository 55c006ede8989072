"""The rules file, the sources in it and the recorded samples, as the commands need them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from hooks.cli.output import note, wrong_use
from hooks.errors import StoreError
from hooks.events import utc_text
from hooks.kit.samples import Sample, sample
from hooks.rules.ruleset import ConnectionConfig, RuleSet, SourceConfig
from hooks.settings import Settings, secret

if TYPE_CHECKING:
    from hooks.ports import Catalogue, Heard, Pause
    from hooks.store.engine import Reading

T = TypeVar("T")


def catalogue() -> Catalogue:
    """All vendors of this release."""
    from hooks.registry import CATALOGUE

    return CATALOGUE


def load_rules(settings: Settings, *, all_secrets: bool = True) -> RuleSet:
    """The rules file of the settings, checked and compiled. Raises RulesInvalid with all its findings.

    Without ``all_secrets`` something stands in for those that are not set here.
    """
    from hooks.rules.accounts import stand_in
    from hooks.rules.load import load_rules as load

    return load(settings.routes, catalogue(), secret if all_secrets else lambda name: secret(name) or stand_in(name))


def listed(kind: str, settings: Settings) -> list[dict[str, Any]]:
    """The rules, sources or connections of the file, in the words of the admin API; without secrets."""
    from hooks.rules.listing import listed_rules

    rules = load_rules(settings)
    if kind == "sources":
        inbound = [source for source in rules.sources.values() if source.emitted is None]
        heard = asyncio.run(_heard(settings, [source.name for source in inbound]))
        return [_source(source, heard.get(source.name)) for source in inbound]
    if kind == "connections":
        pauses = asyncio.run(_pauses(settings))
        return [_connection(connection, pauses.get(connection.name)) for connection in rules.connections.values()]
    return listed_rules(rules)


def _source(source: SourceConfig, heard: Heard | None) -> dict[str, Any]:
    from hooks.rules.listing import listed_source

    make = catalogue()[source.vendor].make_source
    assert make is not None, "the loader refuses sources of vendors that have none"
    return listed_source(source.name, source.vendor, source.settings, make(source.name, source.settings).paths, heard)


def _connection(connection: ConnectionConfig, pause: Pause | None) -> dict[str, Any]:
    by_hand = pause if pause is not None and pause.paused else None
    return {
        "name": connection.name,
        "vendor": connection.vendor,
        "base_url": connection.settings.base_url,
        "paused": connection.settings.paused or by_hand is not None,
        "paused_at": None if by_hand is None else utc_text(by_hand.changed_at),
        "pause_reason": None if by_hand is None else by_hand.reason,
        "concurrency": connection.settings.concurrency,
        "rate": connection.settings.rate,
    }


async def _pauses(settings: Settings) -> Mapping[str, Pause]:
    """What people have said of connections, as the stopped server has kept it."""
    from hooks.store.pausing import pauses

    return await _kept(settings, pauses, "what was paused by hand is not known") or {}


async def _heard(settings: Settings, sources: Collection[str]) -> Mapping[str, Heard]:
    """When sources were heard last, as the stopped server has kept it."""
    from hooks.store.silences import heard

    return await _kept(settings, lambda reading: heard(reading, sources), "when sources were heard is not known") or {}


async def _kept(settings: Settings, read: Callable[[Reading], T], otherwise: str) -> T | None:
    """What a stopped server has kept; None, and a word to people, where that cannot be read."""
    from hooks.store.opening import open_history

    if settings.database_file is not None and not settings.database_file.exists():
        return None
    try:
        opened = await open_history(settings.database_url)
        try:
            return await opened.reader.read(read)
        finally:
            await opened.close()
    except StoreError as error:
        note(f"{otherwise}: {error}")
        return None


def pick_source(rules: RuleSet, name: str | None, vendor: str | None) -> SourceConfig:
    """The source of this name; without one, the only source of the vendor. Ends the command when that is not one."""
    if name is not None:
        if name not in rules.sources:
            raise wrong_use(f"there is no source {name!r} in the rules file: it has {_names(rules.sources)}")
        return rules.sources[name]
    inbound = [source for source in rules.sources.values() if source.emitted is None]
    fitting = [source for source in inbound if vendor in (None, source.vendor)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise wrong_use(f"the rules file has no source of the vendor {vendor}: add one, or name another with --source")
    raise wrong_use(f"say which source with --source: {_names(source.name for source in fitting)}")


def read_sample(address: str) -> Sample:
    """The sample of an address such as ``housecall_pro/job.completed``. Ends the command when there is none."""
    try:
        return sample(address)
    except LookupError as error:
        raise wrong_use(str(error.args[0])) from None


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
