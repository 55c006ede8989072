"""All that the engine knows of an outside system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from hooks.ports.configured import ConnectionSettings, SourceSettings
from hooks.ports.emitting import BuiltIn
from hooks.ports.inbound import Source
from hooks.ports.outbound import Action, Client
from hooks.ports.people import PersonRecord
from hooks.ports.subscribers import Hooks


@dataclass(frozen=True, slots=True)
class EventKind:
    """An event type that a vendor's source is known to send: ``model`` is the canonical model of its ``data``."""

    name: str
    vendor_type: str
    model: type[BaseModel] | None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that proves a connection's address and credentials and changes nothing: a row of ``actions``.

    ``given`` names inputs that are keys of the connection; while one of them is not set, there is nothing to ask.
    """

    action: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vendor:
    """All the engine knows of an outside system: one of these per folder of ``hooks/vendors``."""

    name: str
    title: str
    source_settings: type[SourceSettings] | None = None
    make_source: Callable[[str, Any], Source] | None = None
    """Given the source's name and its validated settings."""
    kinds: tuple[EventKind, ...] = ()
    hooks: Callable[[str, Any], Hooks | None] | None = None
    """How senders at a source subscribe to our events, given its name and settings; None where it is not open.

    What a source opens stands under its key ``hooks``."""
    connection_settings: type[ConnectionSettings] | None = None
    connect: Callable[[str, Any], Client] | None = None
    """Given the connection's name and its validated settings; opens nothing before the first call."""
    actions: tuple[Action, ...] = ()
    probe: Probe | None = None
    """How a connection is tested."""
    built_in: BuiltIn | None = None
    """Instead of settings of sources and connections, where there is nothing to configure."""
    people: Mapping[str, PersonRecord] = field(default_factory=dict)
    """The actions that find or make a person's record, by name."""
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What actions answer as far as it is documented, by name: the JSON Schema of `Done.output`."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """What no document of the vendor settles, and what was taken instead: by the name of the action or event type it
    is about, by ``events`` for all webhooks, or by ``""`` for the vendor as a whole. For the reference."""

    def action(self, name: str) -> Action | None:
        """By name or alias."""
        for action in self.actions:
            if name == action.name or name in action.aliases:
                return action
        return None


Catalogue = Mapping[str, Vendor]
"""Vendors by name: how layers below the registry are handed it."""
