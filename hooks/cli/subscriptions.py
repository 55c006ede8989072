"""Subscriptions: how a vendor is told by API where its webhooks go, and which of its events the rules need.

One row for each vendor that has an API for it, which says which of its actions does what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hooks.addresses import http_parts, is_loopback
from hooks.cli.accounts import carry_out, vendor_of
from hooks.cli.loading import catalogue
from hooks.cli.output import plain, wrong_use
from hooks.plurals import so_many
from hooks.rules.ruleset import ConnectionConfig, RuleSet, SourceConfig


@dataclass(frozen=True, slots=True)
class Way:
    """One of a vendor's ways: the actions that create, delete and list subscriptions.

    ``sends_address``: the address and the events go with the call; else they are entered on the vendor's page.
    """

    create: str
    delete: str
    list: str | None = None
    sends_address: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """A vendor whose webhooks can be switched by API. ``page`` is where a person does it.

    ``page_names`` are events that are called otherwise on that page.
    """

    page: str
    ways: Mapping[str, Way]
    page_names: Mapping[str, str] = field(default_factory=dict)


SENDERS: Mapping[str, Sender] = {
    # The vendor's own description (read May 2026) has the first way, a third party's only the second.
    "housecall_pro": Sender(
        page="My Apps > Webhooks in Housecall Pro",
        ways={
            "subscription": Way("create_webhook_subscription", "delete_webhook_subscription"),
            "webhooks": Way("create_webhook", "delete_webhook", "list_webhooks", sends_address=True),
        },
        page_names={"employee.created": "pro.created"},
    )
}


def pick_way(vendor: str, name: str | None) -> tuple[Sender, Way]:
    """The vendor's row and the way of this name, by default its first. Ends the command when there is none."""
    sender = SENDERS.get(vendor)
    if sender is None:
        known = ", ".join(SENDERS)
        raise wrong_use(f"{vendor} has no API for its webhooks that hooks knows (it knows {known}): use its own page")
    way = sender.ways.get(next(iter(sender.ways)) if name is None else name)
    if way is None:
        raise wrong_use(f"{plain(name)!r} is no way of {vendor}: it has {', '.join(sender.ways)}")
    return sender, way


def address_of(url: str, source: str) -> str:
    """The whole address of a source, from itself or from the host's: ``https://host`` is ``https://host/in/hcp``.

    Ends the command when it cannot be one.
    """
    parts = http_parts(url)
    if parts is None or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise wrong_use(f"--url is {plain(url)!r}: write https://your-host, or the whole address up to /in/{source}")
    if parts.username is not None:
        raise wrong_use("--url holds a user name or password: leave it out")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise wrong_use(f"--url is not encrypted: write https://{parts.hostname}")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if '/in/' in path else f'{path}/in/{source}'}"


@dataclass(frozen=True, slots=True)
class Needed:
    """An event that enabled rules take from a source: the vendor's name of it, and the one on the vendor's page."""

    event: str
    on_page: str
    rules: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"event": self.event, "on_page": self.on_page, "rules": list(self.rules)}


def needed_events(rules: RuleSet, source: SourceConfig) -> list[Needed]:
    """The events to subscribe to: those of the vendor's that at least one enabled rule takes from the source."""
    sender = SENDERS.get(source.vendor)
    names = {} if sender is None else sender.page_names
    found: dict[str, Needed] = {}
    for kind in catalogue()[source.vendor].kinds:
        taken = tuple(rule.id for rule in rules.candidates(kind.name, source.name))
        if taken:
            name = kind.vendor_type
            found.setdefault(name, Needed(name, names.get(name, name), taken))
    return list(found.values())


async def listed(connection: ConnectionConfig, way: Way) -> list[Mapping[str, Any]]:
    """The vendor's subscriptions, where it has a list. Raises DeliveryError."""
    if way.list is None:
        return []
    answer = await carry_out(connection, way.list)
    if isinstance(answer, dict):
        answer = answer.get("webhooks", answer.get("data"))
    return [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []


async def create(connection: ConnectionConfig, way: Way, url: str | None, events: Sequence[str]) -> str:
    """Subscribe and say in a sentence what was done. An address that is there already is not subscribed again."""
    title = vendor_of(connection).title
    if not way.sends_address:
        await carry_out(connection, way.create)
        return f"{title} sends webhooks now."
    assert url is not None, "the command asks for it"
    if any(same_address(one.get("url"), url) for one in await listed(connection, way)):
        return f"{title} has {url} already: nothing was changed."
    await carry_out(connection, way.create, url=url, events=list(events))
    return f"{title} sends {so_many(len(events), 'kind')} of events to {url} now."


async def delete(connection: ConnectionConfig, way: Way, identity: str | None, url: str | None) -> str:
    """End a subscription by its id or address, or all where the vendor has only that, and say what was done."""
    title = vendor_of(connection).title
    if not way.sends_address:
        await carry_out(connection, way.delete)
        return f"{title} sends no webhooks any more."
    ids = [identity] if identity is not None else []
    if url is not None:
        found = await listed(connection, way)
        ids += [str(one.get("id")) for one in found if same_address(one.get("url"), url)]
    for one in ids:
        await carry_out(connection, way.delete, webhook_id=one)
    return f"{title}: {so_many(len(ids), 'subscription')} ended."


def same_address(one: object, other: str) -> bool:
    """Whether two addresses are the same but for a slash at the end and the case of the host."""
    return isinstance(one, str) and _plain_address(one) == _plain_address(other)


def _plain_address(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    return parts.scheme, parts.netloc.lower(), parts.path.rstrip("/")
