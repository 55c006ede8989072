"""Receive and deliver: Zaps that ask to be told of our events: Zapier's REST hooks.

When a Zap is switched on, Zapier posts the Zap's own address to us, and from then on the events it asked for go there;
when it is switched off, Zapier deletes that. An address that answers 410 is a Zap that is gone
(docs.zapier.com/platform/build/cli-hook-trigger, read November 2026). Only addresses of the hosts that the source
lists are taken, because whatever is told there leaves the house.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from hooks.addresses import is_loopback, refusal
from hooks.errors import NormalizationError, Permanent
from hooks.events import Done, Request, utc_text
from hooks.kit.bodies import objects, parse_body
from hooks.kit.http import Http
from hooks.kit.operations import Inputs, Operation, json_body
from hooks.ports import (
    Asked,
    Client,
    ConnectionSettings,
    Hooks,
    Inbound,
    Reply,
    Subscriber,
    SubscriberClient,
)
from hooks.values import Duration

from .client import RATE, check_size, post

if TYPE_CHECKING:
    import httpx

HOST: Final = "hooks.zapier.com"
MAX_URL: Final = 1_000
MAX_EVENT: Final = 200

_HOOKS: Final = "/hooks"
_TYPES: Final = "/hooks/types"
_SAMPLES: Final = "/hooks/samples"
_ADDRESS = ("hookurl", "targeturl", "url", "target")
_EVENT = ("event", "type", "eventtype")

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_EVENT)]


def _host(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?", text.lower()):
        raise ValueError("write the name of a host, without https:// and without a path, such as hooks.zapier.com")
    if told := refusal(f"https://{text}", private=False):
        raise ValueError(told.partition(": write")[0])
    return text.lower()


Host = Annotated[str, AfterValidator(_host)]


class ZapierHooksSettings(BaseModel):
    """What Zaps may ask to be told of. Nothing without it: who posts leads must not see customers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: list[Name] = Field(min_length=1, description="Types that Zaps may subscribe to; `*` stands for anything.")
    sources: list[Name] | None = Field(
        None, min_length=1, description="Sources whose events they are; by default all but this one."
    )
    hosts: list[Host] = Field(
        [HOST], min_length=1, description="Hosts that events may be told to, with `:port` where it is not 443."
    )
    expire_after: Duration | None = Field(None, description="How long a subscription lasts; by default until it ends.")
    limit: int = Field(100, ge=1, le=10_000, description="How many Zaps may be subscribed at once.")


class HookConnectionSettings(ConnectionSettings):
    """Of the built-in connection ``<source>:hooks``, by which Zaps are told."""

    base_url: str
    hosts: tuple[str, ...]
    rate: float | None = Field(RATE, gt=0)


class Tell(Inputs):
    """Who is told, and of what."""

    subscriber: str = Field(description="The subscriber's id.")
    event: dict[str, Any] = Field(description="The event, without the vendor's own body.")


def _event_alone(request: Request, values: Mapping[str, Any], settings: Any) -> Request:
    made = replace(request, body=json_body(values["event"]))
    check_size(made)
    return made


TELL = Operation(
    "trigger",
    "POST",
    "/{subscriber}",
    "Tell a Zap that has subscribed of an event.",
    Tell,
    vendor_name="REST hook",
    harmless=False,
    unknown="repeat",
    adjust=_event_alone,
)
"""Sent again when its outcome is unknown: an event that comes twice can be told by its ``id``, one that is missing
cannot."""


class ZapierHooks:
    """Zaps at one source."""

    action = TELL

    def __init__(self, name: str, settings: ZapierHooksSettings) -> None:
        self._name = name
        self.events = tuple(settings.events)
        self.sources = None if settings.sources is None else tuple(settings.sources)
        self.limit = settings.limit
        self.lifetime = settings.expire_after
        self._hosts = tuple(settings.hosts)
        self.settings = HookConnectionSettings(base_url=f"https://{self._hosts[0]}", hosts=self._hosts)

    def methods(self, path: str) -> frozenset[str] | None:
        if path == _HOOKS:
            return frozenset({"POST"})
        if path in (_TYPES, _SAMPLES):
            return frozenset({"GET"})
        return frozenset({"DELETE"}) if path.startswith(f"{_HOOKS}/") else None

    def read(self, request: Inbound) -> Asked:
        if request.path == _TYPES:
            return Asked("types")
        if request.path == _SAMPLES:
            query = dict(parse_qsl(request.query.decode("latin-1")))
            return Asked("samples", event=_event(query.get("event")))
        if request.method == "DELETE":
            return Asked("unsubscribe", id=request.path.removeprefix(f"{_HOOKS}/"))
        found = objects(parse_body(request.body, request.content_type))
        if len(found) != 1:
            raise NormalizationError("one object is expected: hookUrl and event")
        fields = {name.lower().replace("_", ""): value for name, value in found[0].items()}
        url = next((fields[name] for name in _ADDRESS if fields.get(name)), None)
        event = next((fields[name] for name in _EVENT if fields.get(name)), None)
        return Asked("subscribe", event=_event(event), url=check_hook(url, self._hosts))

    def answer(self, asked: Asked, found: Any) -> Reply:
        if asked.verb == "subscribe":
            return self._subscribed(found)
        if asked.verb == "unsubscribe":
            # One that is not there is what the Zap wanted: Zapier deletes again after an answer that it did not get.
            return Reply(200, {"id": asked.id, "deleted": bool(found)})
        if asked.verb == "types":
            return Reply(200, [{"id": one["type"], "name": one["summary"] or one["type"]} for one in found])
        return Reply(200, list(found))

    def _subscribed(self, subscriber: Subscriber | None) -> Reply:
        if subscriber is None:
            told = {"type": "about:blank", "title": "Conflict", "status": 409}
            detail = f"{self.limit} Zaps are subscribed at this source, and more are not allowed"
            return Reply(409, {**told, "detail": detail}, {"content-type": "application/problem+json"})
        expiry = {} if subscriber.expires_at is None else {"expiration_date": utc_text(subscriber.expires_at)}
        return Reply(201, {"id": subscriber.id, "event": subscriber.event, **expiry})

    def connect(self, subscribers: SubscriberClient) -> Client:
        return ZapierHookClient(self.settings, subscribers)


class ZapierHookClient:
    """Tells Zaps at their own addresses, each host over its own connections."""

    def __init__(
        self,
        settings: HookConnectionSettings,
        subscribers: SubscriberClient,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = settings
        self._subscribers = subscribers
        self._transport = transport
        self._hosts: dict[str, Http] = {}

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        """Tell the subscriber whose id is the request's path. One that is gone ends well: nobody waits for it."""
        id = request.path.strip("/")
        subscriber = await self._subscribers.find(id)
        if subscriber is None:
            return Done({"told": False, "why": "the Zap has unsubscribed"})
        try:
            url = check_hook(subscriber.url, self.settings.hosts)
        except NormalizationError as problem:
            raise Permanent(problem.reason) from None
        parts = urlsplit(url)
        hidden = replace(request, path=parts.path)
        try:
            done = await post(self._http(f"{parts.scheme}://{parts.netloc}"), hidden, timeout, secret=parts.path)
        except Permanent as error:
            if error.status != 410:
                raise
            await self._subscribers.gone(id)
            return Done({"told": False, "why": "the Zap is gone (410), and was unsubscribed"})
        return Done({"told": True, "answer": done.output})

    def _http(self, base_url: str) -> Http:
        if base_url not in self._hosts:
            self._hosts[base_url] = Http.of(self.settings, base_url=base_url, transport=self._transport)
        return self._hosts[base_url]

    def url(self, request: Request) -> str:
        return f"{self.settings.base_url}/***"

    async def aclose(self) -> None:
        for http in self._hosts.values():
            await http.aclose()


def check_hook(url: object, hosts: tuple[str, ...]) -> str:
    """The address if events may be told there. Raises NormalizationError with words that the sender may hear."""
    if not isinstance(url, str) or not url:
        raise NormalizationError("hookUrl is missing: the address to tell events to")
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable():
        raise NormalizationError("hookUrl is not an address")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NormalizationError("hookUrl is not an address") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise NormalizationError("hookUrl holds more than a host and a path")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise NormalizationError("hookUrl must begin with https://")
    usual = 443 if parts.scheme == "https" else 80
    named = host if port in (None, usual) else f"{host}:{port}"
    if named not in hosts:
        raise NormalizationError("the source's settings do not let events be told to this host")
    if len(parts.path) < 2:
        raise NormalizationError("hookUrl has no path")
    return url


def _event(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_EVENT or not value.isprintable():
        raise NormalizationError("event is missing: the type of event to be told of")
    return value


_: type[Hooks] = ZapierHooks
_client: type[Client] = ZapierHookClient
