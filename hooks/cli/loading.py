"""The rules file, the sources in it and the recorded samples, as the commands need them."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hooks.cli.output import wrong_use
from hooks.kit.samples import Sample, sample
from hooks.rules.ruleset import RuleSet, SourceConfig
from hooks.settings import Settings, secret

if TYPE_CHECKING:
    from hooks.ports import Catalogue


def catalogue() -> Catalogue:
    """All vendors of this release."""
    from hooks.registry import CATALOGUE

    return CATALOGUE


def load_rules(settings: Settings, *, all_secrets: bool = True) -> RuleSet:
    """The rules file of the settings, checked and compiled. Raises RulesInvalid with all its findings.

    Without ``all_secrets`` something stands in for those that are not set here.
    """
    from hooks.rules.load import load_rules as load

    return load(settings.routes, catalogue(), secret if all_secrets else lambda name: secret(name) or stand_in(name))


def stand_in(name: str) -> str:
    """A value for a secret where nothing is sent: the same for a name every time, base32 and base64 at once."""
    from hooks.rules.accounts import StandIn

    return StandIn(b32encode(sha256(name.encode()).digest()[:20]).decode())


def listed(kind: str, settings: Settings) -> list[dict[str, Any]]:
    """The rules, sources or connections of the file, in the words of the admin API; without secrets."""
    rules = load_rules(settings)
    if kind == "sources":
        return [
            {"name": source.name, "vendor": source.vendor, "path": f"/in/{source.name}"}
            for source in rules.sources.values()
            if source.emitted is None
        ]
    if kind == "connections":
        return [
            {
                "name": connection.name,
                "vendor": connection.vendor,
                "base_url": connection.settings.base_url,
                "paused": connection.settings.paused,
            }
            for connection in rules.connections.values()
        ]
    return [rule.as_json() for rule in rules.rules]


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
