"""Check: what rules emit, found before any of them is compiled: every rule may take what another emits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hooks.ports import Catalogue
from hooks.rules.index import type_matches
from hooks.rules.template import has_hole

ANY = "*"
"""Among the types of a source: one that is only known when the step is carried out."""

_LISTS = ("do", "else", "fallback")


def emitted(rules: Iterable[Any], catalogue: Catalogue, *, watched: bool = False) -> Mapping[str, frozenset[str]]:
    """By built-in vendor that these entries of ``rules:`` need: the types of the events that they put in there.

    A vendor is needed where a step has an action of it, or a rule takes its events. ``watched``: there is a source
    that says when it is quiet, so that the vendor's own kinds come too.
    """
    own = {name: vendor for name, vendor in catalogue.items() if vendor.built_in is not None}
    kinds = {name: frozenset(kind.name for kind in vendor.kinds if watched) for name, vendor in own.items()}
    found: dict[str, set[str]] = {}
    for rule in rules:
        if not isinstance(rule, dict):
            continue
        taken = rule.get("source")
        for name in taken if isinstance(taken, list) else [taken]:
            if isinstance(name, str) and name in own:
                found.setdefault(name, set())
        patterns = rule.get("event")
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            for name, those in kinds.items():
                if isinstance(pattern, str) and taken is None and _meant(pattern, those):
                    found.setdefault(name, set())
        for step in _steps(rule):
            action, given = step.get("action"), step.get("with")
            vendor = action.partition(".")[0] if isinstance(action, str) else ""
            if vendor in own:
                type_ = given.get("type") if isinstance(given, dict) else None
                known = type_ if isinstance(type_, str) and not has_hole(type_) else ANY
                found.setdefault(vendor, set()).add(known)
    return {vendor: kinds[vendor] | types for vendor, types in found.items()}


def _meant(pattern: str, kinds: frozenset[str]) -> bool:
    """Whether a pattern fits one of these types, or tries to."""
    families = {kind.partition(".")[0] + "." for kind in kinds}
    return pattern.startswith(tuple(families)) or any(type_matches(pattern, kind) for kind in kinds)


def _steps(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [entry]
    while waiting:
        current = waiting.pop()
        for key in _LISTS:
            for step in current[key] if isinstance(current.get(key), list) else ():
                if isinstance(step, dict):
                    yield step
                    waiting.append(step)
