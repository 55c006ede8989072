"""Match: subscribers as rules. Each is told of an event by a run like any other, of a rule that stands in no file.

The rule's id is the source's name, a colon and the subscriber's id, and its connection is the source's name and
``:hooks``: neither can be written in a rules file. A rule can be made again from its id alone, so that runs of a
subscriber that is gone still end in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from hooks.events import new_id
from hooks.ports import Catalogue, Clock, Hooks, Subscriber, SubscriberClient, SubscriberStore
from hooks.rules.index import type_matches
from hooks.rules.ruleset import Rule, RuleSet, SourceConfig
from hooks.rules.step import StepSpec
from hooks.rules.template import compile_template
from hooks.rules.timing import TimingKeys
from hooks.rules.with_tree import Fields, Filled, Literal

KEPT_PAST_EXPIRY = timedelta(days=7)
"""How long the address of a subscriber that has expired is kept, for runs that were made before."""

_TOLD = ("id", "type", "source", "vendor", "time", "received_at", "subject", "data")
"""What a subscriber is told of an event; the vendor's own body stays here."""


class Subscribers:
    """All subscribers, in memory and in the store. Several servers may share the store: `refresh` sees the others'."""

    def __init__(self, store: SubscriberStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, Subscriber] = {}
        self._told: set[Subscriber] = set()
        self.changed: Callable[[], None] = lambda: None
        """Called when others are to be told than before."""

    async def refresh(self) -> None:
        """Read them again. Those that expired long ago are forgotten."""
        now = self._clock.now()
        if any(one.expires_at is not None and one.expires_at < now - KEPT_PAST_EXPIRY for one in self._known.values()):
            await self._store.forget_expired(now - KEPT_PAST_EXPIRY)
        self._now_known({one.id: one for one in await self._store.subscribers()})

    def _now_known(self, known: dict[str, Subscriber]) -> None:
        now = self._clock.now()
        self._known = known
        told = {one for one in known.values() if one.expires_at is None or now < one.expires_at}
        if told != self._told:
            self._told = told
            self.changed()

    def all(self) -> list[Subscriber]:
        """Also those that have expired."""
        return list(self._known.values())

    def of(self, source: str) -> list[Subscriber]:
        """Those of a source that are to be told now."""
        return sorted((one for one in self._told if one.source == source), key=lambda one: one.id)

    async def subscribe(self, source: str, event: str, url: str, hooks: Hooks) -> Subscriber | None:
        """The subscriber, new or known before; None when there are too many. On disk when it returns."""
        now = self._clock.now()
        expires_at = None if hooks.lifetime is None else now + timedelta(seconds=hooks.lifetime)
        wanted = Subscriber(new_id("sub"), source, event, url, now, expires_at)
        kept = await self._store.subscribe(wanted, hooks.limit)
        if kept is not None:
            self._now_known({**self._known, kept.id: kept})
        return kept

    async def unsubscribe(self, id: str, source: str | None = None) -> bool:
        found = await self._store.unsubscribe(id, source)
        if found:
            self._now_known({known: one for known, one in self._known.items() if known != id})
        return found

    async def find(self, id: str) -> Subscriber | None:
        """Also one that another server has taken since, or that has expired."""
        if id not in self._known:
            await self.refresh()
        return self._known.get(id)

    async def gone(self, id: str) -> None:
        await self.unsubscribe(id)


def connection_of(source: str) -> str:
    """The built-in connection by which a source's subscribers are told."""
    return f"{source}:hooks"


def hooks_of(sources: Mapping[str, SourceConfig], catalogue: Catalogue) -> dict[str, Hooks]:
    """The sources that are open to subscribers."""
    found: dict[str, Hooks] = {}
    for name, config in sources.items():
        make = catalogue[config.vendor].hooks
        hooks = None if make is None else make(name, config.settings)
        if hooks is not None:
            found[name] = hooks
    return found


def is_open(hooks: Hooks, event: str) -> bool:
    """Whether subscribers may ask for this type or pattern: a pattern only where all that it fits is open."""
    return any(type_matches(pattern, event) for pattern in hooks.events)


def beside(rules: RuleSet, catalogue: Catalogue, subscribers: Subscribers) -> RuleSet:
    """The rule set with a rule for each subscriber. Rules of former subscribers are made again from their ids."""
    hooks = hooks_of(rules.sources, catalogue)
    if not hooks:
        return rules

    def again(id: str) -> Rule | None:
        source, _, subscriber = id.partition(":")
        return _rule(source, subscriber, "*", (), hooks[source], rules) if source in hooks else None

    return rules.beside(_rules(rules, hooks, subscribers), again)


def _rules(rules: RuleSet, hooks: Mapping[str, Hooks], subscribers: Subscribers) -> Iterator[Rule]:
    for source, its in hooks.items():
        of = [name for name in rules.sources if name != source] if its.sources is None else its.sources
        for one in subscribers.of(source):
            if of and is_open(its, one.event):
                yield _rule(source, one.id, one.event, of, its, rules)


def _rule(source: str, subscriber: str, event: str, of: Iterable[str], hooks: Hooks, rules: RuleSet) -> Rule:
    vendor = rules.sources[source].vendor
    told = tuple((name, Filled(compile_template(f"${{{name}}}"), 0)) for name in _TOLD)
    inputs = Fields(
        (("subscriber", Literal(subscriber, 0)), ("event", Fields(told, None, frozenset(), None))),
        None,
        frozenset({"subscriber", "event"}),
        frozenset({"subscriber", "event"}),
    )
    step = StepSpec(
        id="tell",
        action_name=f"{vendor}.{hooks.action.name}",
        vendor=vendor,
        action=hooks.action,
        connection=connection_of(source),
        condition=None,
        timeout=None,
        retry=None,
        on_unknown=None,
        line=0,
        inputs=inputs,
    )
    return Rule(
        id=f"{source}:{subscriber}",
        description=f"Tells a subscriber at {source} of {event}",
        enabled=True,
        mode="live",
        events=(event,),
        sources=tuple(of),
        clauses=(),
        steps=(step,),
        otherwise=(),
        within=None,
        replay=None,
        fallback=(),
        once_per=None,
        once_within=None,
        delay=None,
        timing=TimingKeys(),
        tests=(),
        file="",
        line=0,
        event_line=0,
        source_line=0,
    )


_: type[SubscriberClient] = Subscribers
