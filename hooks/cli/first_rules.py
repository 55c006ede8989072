"""A first rules file, drafted from what vendors send and what others take.

A sender's leads, customers and completed jobs go where an action takes them as they are. A target that takes anything
is told of everything. Nothing here is known of one vendor alone: a new one comes in by its events and actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hooks.kit.samples import sample, samples
from hooks.plurals import so_many
from hooks.ports import Action, Vendor
from hooks.registry import CATALOGUE

_ANYTHING: Mapping[str, str] = {
    "http": '{method: POST, path: /events, json: {id: "${id}", type: "${type}", data: "${data}"}}',
    "zapier": '{data: {id: "${id}", type: "${type}", about: "${data}"}}',
}
"""What the action of a target that takes anything is given, by vendor."""

_TAKING: Mapping[str, tuple[str, ...]] = {
    "lead": ("book_lead", "send_lead"),
    "customer": ("upsert_customer", "send_lead"),
    "job": ("upsert_job",),
}
"""Names of the actions that take a lead, a customer or a job as events hold them, the better one first."""

_JOB = '{job: "${data}", customerId: "${steps.customer.customerId}"}'


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    events: tuple[str, ...]
    description: str
    steps: tuple[tuple[str, str], ...]
    """The full name of each action, and its ``with`` as YAML in one line."""
    given: str = ""
    """What its test gives besides the sample."""


@dataclass(slots=True)
class Draft:
    """A rules file in the making: its text, what it wants to be told, and where its senders post."""

    text: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    connections: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    without: list[tuple[str, str]] = field(default_factory=list)
    """Senders and targets for which there is nothing ready-made."""
    sample: str | None = None

    def counted(self) -> str:
        """What is in it, for people."""
        counts = (len(self.addresses), "source"), (len(self.connections), "connection"), (len(self.rules), "rule")
        return ", ".join(so_many(*each) for each in counts)

    def as_json(self) -> dict[str, Any]:
        return {
            "sources": self.addresses,
            "connections": self.connections,
            "rules": self.rules,
            "without_rules": [{"from": sender, "to": target} for sender, target in self.without],
            "secrets": [{"name": name, "what": what} for name, what in self.secrets.items()],
        }


def senders_known() -> list[str]:
    """Vendors whose webhooks can come in without anything being known of their sender first."""
    return [vendor.name for vendor in CATALOGUE.values() if vendor.make_source is not None and _closed(vendor)]


def targets_known() -> list[str]:
    """Vendors that take what senders send, as it is."""
    return [vendor.name for vendor in CATALOGUE.values() if vendor.name in _ANYTHING or _taking(vendor, "customer")]


def draft(senders: list[str], targets: list[str]) -> Draft:
    """The file for these vendors, each of which is known (`senders_known`, `targets_known`)."""
    made = Draft()
    lines = ["version: 1", "", "# Where webhooks come in, and what proves that they are authentic.", "sources:"]
    for name in senders:
        source = CATALOGUE[name].source_settings
        assert source is not None, "a sender has a source"
        made.addresses[name] = f"/in/{name}"
        lines += _configured(name, source, _closed(CATALOGUE[name]), f"{name}_IN" if name in targets else name, made)
    lines += ["", "# The accounts to act in.", "connections:"]
    for name in targets:
        settings = CATALOGUE[name].connection_settings
        assert settings is not None, "a target has connections"
        made.connections.append(name)
        lead = _taking(CATALOGUE[name], "lead")
        asked_for = set() if lead is None else set(lead.inputs.model_fields)  # what it takes from the connection else
        keys = [key for key, known in settings.model_fields.items() if known.is_required() or key in asked_for]
        lines += _configured(name, settings, keys, name, made)
    lines += [
        "",
        "# What to do about what; `hooks explain` says for each event why a rule matches it or not.",
        "rules:",
    ]
    for sender in senders:
        for target in targets:
            found = [] if sender == target else list(_rules(CATALOGUE[sender], CATALOGUE[target]))
            for rule in found:
                lines += _written(rule, sender, made)
            if not found:
                made.without.append((sender, target))
    if not made.rules:
        lines[-1] += " []"
    made.text = "\n".join(lines) + "\n"
    return made


def _closed(vendor: Vendor) -> list[str]:
    """The keys of a source that its sender is known by; none where that needs a scheme that nobody but them knows."""
    if vendor.source_settings is None:
        return []
    fields = vendor.source_settings.model_fields
    required = [key for key, known in fields.items() if known.is_required()]
    return required or [key for key, known in fields.items() if _is_shared(known)]


def _is_shared(known: FieldInfo) -> bool:
    """Whether it is a key that we choose and the sender is told."""
    return "shared key" in (known.description or "").lower()


def _configured(name: str, settings: type[BaseModel], keys: list[str], prefix: str, made: Draft) -> list[str]:
    lines = [f"  {name}:", f"    vendor: {name}"]
    for key in keys:
        known = settings.model_fields[key]
        what = (known.description or "").rstrip(".")
        if key == "base_url":
            lines.append(f"    {key}: https://example.com{' ' * 20}# yours: {what[:1].lower()}{what[1:]}")
            continue
        secret = f"{prefix}_{key}".upper()
        made.secrets[secret] = f"{what}; choose a long one" if _is_shared(known) else what
        lines.append(f"    {key}: ${{secret.{secret}}}")
    return lines


def _taking(vendor: Vendor, what: str) -> Action | None:
    """The action that takes such an object as events hold it, and makes no second one of it."""
    return next((action for name in _TAKING[what] if (action := vendor.action(name)) is not None), None)


def _rules(sender: Vendor, target: Vendor) -> Iterator[_Rule]:
    """What most offices begin with, for these two."""
    if target.name in _ANYTHING:
        action = target.actions[0]
        given = ((f"{target.name}.{action.name}", _ANYTHING[target.name]),)
        yield _Rule(f"{sender.name}-to-{target.name}", ("*",), f"{target.title} is told of everything", given)
        return
    sent = {kind.name for kind in sender.kinds}
    lead, customer, job = (_taking(target, what) for what in ("lead", "customer", "job"))
    pair, title = f"{sender.name}-{{}}-to-{target.name}".format, target.title

    def step(action: Action, given: str) -> tuple[str, str]:
        return f"{target.name}.{action.name}", given

    if "lead.created" in sent and (lead or customer):
        told = f"A new lead goes to {title}" if lead else f"Who asks becomes a customer in {title}, and nobody twice"
        whole = step(lead, '{lead: "${data}"}') if lead else None
        someone = step(customer, '{customer: "${data.customer}"}') if customer else None
        yield _Rule(pair("lead"), ("lead.created",), told, tuple(filter(None, [whole or someone])))
    changes = tuple(name for name in ("customer.created", "customer.updated") if name in sent)
    if changes and customer:
        told = f"Customers are kept in {title} too, and nobody twice"
        yield _Rule(pair("customer"), changes, told, (step(customer, '{customer: "${data}"}'),))
    if "job.completed" in sent and job and customer and _tells_the_customer(sender, "job.completed"):
        told = f"A completed job goes to {title} with its customer"
        steps = step(customer, '{customer: "${data.customer}"}'), step(job, _JOB)
        yield _Rule(pair("job"), ("job.completed",), told, steps, ", steps: {customer: {customerId: cust_1}}")


def _tells_the_customer(sender: Vendor, event: str) -> bool:
    address = _sample(sender.name, event)
    return address is not None and "customer" in sample(address).golden[0]["data"]


def _written(rule: _Rule, sender: str, made: Draft) -> list[str]:
    events = ['"*"' if event == "*" else event for event in rule.events]
    event = events[0] if len(events) == 1 else f"[{', '.join(events)}]"
    lines = [""] if made.rules else []
    made.rules.append(rule.id)
    lines += [f"  - id: {rule.id}", f"    description: {rule.description}"]
    lines += [f"    event: {event}", f"    source: {sender}", "    do:"]
    for number, (action, given) in enumerate(rule.steps):
        first = "id: customer\n        action" if len(rule.steps) > 1 and number == 0 else "action"
        lines += [f"      - {first}: {action}", f"        with: {given}"]
    address = _sample(sender, rule.events[0])
    if address is not None:
        made.sample = made.sample or address
        lines += ["    tests:", "      - name: it goes over", f"        given: {{sample: {address}{rule.given}}}"]
        lines += ["        expect:", *(f"          - action: {action}" for action, _ in rule.steps)]
    return lines


def _sample(sender: str, event: str) -> str | None:
    """The recorded webhook of this event, or one that begins the list where any will do."""
    if event == "*":
        first = next(iter(samples(sender)), None)
        return None if first is None else f"{sender}/{first.name}"
    try:
        return f"{sender}/{sample(f'{sender}/{event}').name}"
    except LookupError:
        return None
