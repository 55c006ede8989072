"""The cost of rules: ``python -m benchmarks.rules [--rounds 7] [--json FILE]``.

In one run, rounds interleaved, medians: finding and judging the rules of an event among 10, 1,000 and 10,000; checking
1,000 and 10,000 rules; and expressions against the same thing written by hand in Python. Only ratios mean anything: the
machines are small, shared and noisy.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from hooks.events import Event
from hooks.pipeline.match import plan
from hooks.registry import CATALOGUE
from hooks.rules import RuleSet
from hooks.rules.expression import compile_expression
from hooks.rules.load import load_texts
from hooks.rules.template import compile_template

SIZES = (10, 1_000, 10_000)
CHECKED = (1_000, 10_000)
PER_FILE = 1_000
EVENTS = 2_000
"""How many events a round of matching takes through the rules."""

EVALUATIONS = 5_000
NOW = datetime(2026, 5, 6, 19, 40, tzinfo=UTC)

HEAD = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.KEY}"}
  leads: {vendor: webhook, unverified: a benchmark, type: "${raw.event}"}
connections:
  homebase: {vendor: homebase360, api_key: "${secret.KEY}"}
  office: {vendor: http, base_url: "https://office.example.com"}
vars: {big_job: 50000}
rules:
"""
TWO = (
    """\
  - id: job-done
    event: job.completed
    source: hcp
    when: data.total_cents >= vars.big_job
    do: [{action: http.request, with: {method: POST, path: /done}}]
""",
    """\
  - id: vip
    event: job.*
    when: data.tags contains 'vip'
    do: [{action: http.request, with: {method: POST, path: /vip}}]
""",
)
OTHER = """\
  - id: other-{n}
    event: {event}
    source: leads
    when: data.customer.email != null
    do: [{{action: http.request, with: {{method: POST, path: /n/{n}}}}}]
"""
FULL = """\
  - id: full-{n}
    description: A completed job becomes a customer and a job
    event: job.completed
    source: hcp
    when:
      - data.total_cents >= {n}
      - not data.tags contains 'do-not-sync'
    do:
      - id: customer
        action: homebase360.upsert_customer
        with: {{customer: "${{data.customer}}"}}
      - action: homebase360.create_job
        with:
          customerId: ${{steps.customer.customerId}}
          start: ${{data.scheduled_start_at}}
          end: ${{data.scheduled_end_at}}
          lineItems: [{{name: "Job {n}", quantity: 1, unitPrice: "${{dollars(data.total_cents)}}"}}]
"""
DATA: dict[str, Any] = {
    "id": "job_41",
    "description": "AC tune-up",
    "customer": {
        "first_name": "Maya",
        "last_name": "Ortiz",
        "email": "Maya@Example.org",
        "phone": "+13035550142",
        "address": {"street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"},
    },
    "tags": ["maintenance", "vip"],
    "total_cents": 118900,
    "line_items": [{"name": f"Item {number}", "kind": "labor", "total_cents": 900} for number in range(8)],
    "padding": "x" * 1200,
}


def _title(data: dict[str, Any]) -> str:
    customer = data.get("customer") or {}
    return (
        f"{customer.get('first_name') or ''} {customer.get('last_name') or ''}: {data.get('description') or 'Service'}"
    )


EXPRESSIONS: tuple[tuple[str, str, Callable[[dict[str, Any]], Any]], ...] = (
    (
        "a condition",
        "data.total_cents > 50000 and data.tags contains 'vip'",
        lambda data: (data.get("total_cents") or 0) > 50000 and "vip" in (data.get("tags") or ()),
    ),
    (
        "a path with a default",
        "lower(data.customer.email ?? '')",
        lambda data: ((data.get("customer") or {}).get("email") or "").lower(),
    ),
    (
        "a list function",
        "any(data.line_items, .kind == 'materials')",
        lambda data: any(item.get("kind") == "materials" for item in data.get("line_items") or ()),
    ),
    (
        "a text",
        "${data.customer.first_name} ${data.customer.last_name}: ${data.description ?? 'Service'}",
        _title,
    ),
)
"""What it is, as rules write it, and as Python that is as careful about what is missing."""


def event(number: int) -> Event:
    """A completed job, of one source."""
    return Event(
        id=f"evt_{number:032}",
        type="job.completed",
        source="hcp",
        vendor="housecall_pro",
        vendor_type="job.completed",
        receipt=f"rcp_{number:032}",
        time=NOW,
        received_at=NOW,
        subject="job/job_41",
        data=DATA,
        raw={},
    )


def loaded(rules: list[str]) -> RuleSet:
    """The rules after the usual head, a thousand to a file."""
    files = {
        f"rules-{at}.yaml": ("rules:\n" if at else HEAD) + "".join(rules[at : at + PER_FILE])
        for at in range(0, len(rules), PER_FILE)
    }
    return load_texts(files, CATALOGUE, lambda name: "a-secret-of-a-benchmark")


def among(size: int) -> list[str]:
    """Two rules that the event matches, among so many for other events of other sources."""
    kinds = ("lead.created", "customer.created", "lead.*", "quote.sent", "gift_card.sold")
    others = [OTHER.format(n=n, event=kinds[n % 5] if n % 7 else f"x{n}.*") for n in range(size - 2)]
    return [*TWO, *others]


def main(arguments: Iterable[str] | None = None) -> None:
    """Measure and print; ``--json`` writes the figures, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(None if arguments is None else list(arguments))
    figures = measure(options.rounds)
    print(f"Python {platform.python_version()}, {platform.machine()}, medians of {options.rounds} rounds\n")
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(rounds: int) -> dict[str, Any]:
    """All three."""
    return {
        "matching": matching(rounds),
        "checking": checking(max(1, rounds // 3)),
        "expressions": expressions(rounds),
    }


def matching(rounds: int) -> dict[str, Any]:
    """Microseconds for one event: finding its rules and judging them, and making the plan of its runs."""
    sets = {size: loaded(among(size)) for size in SIZES}
    events = [event(number) for number in range(EVENTS)]
    found: dict[str, dict[int, list[float]]] = {name: {size: [] for size in SIZES} for name in ("match", "plan")}
    for _ in range(rounds):
        for size, rules in sets.items():
            found["match"][size].append(timed(partial(_match_all, rules, events)) / EVENTS)
        for size, rules in sets.items():
            found["plan"][size].append(timed(partial(_plan_all, rules, events)) / EVENTS)
    medians = {
        name: {size: round(statistics.median(each) * 1e6, 2) for size, each in sizes.items()}
        for name, sizes in found.items()
    }
    return {
        "microseconds": medians,
        "ratio": {name: round(sizes[SIZES[-1]] / sizes[SIZES[0]], 2) for name, sizes in medians.items()},
    }


def _match_all(rules: RuleSet, events: Sequence[Event]) -> None:
    for one in events:
        names = rules.names(one)
        for rule in rules.candidates(one.type, one.source):
            rule.match(names)


def _plan_all(rules: RuleSet, events: Sequence[Event]) -> None:
    for one in events:
        plan(one, rules, NOW)


def checking(rounds: int) -> dict[str, Any]:
    """Seconds for a whole file of full rules, each different."""
    rules = {size: [FULL.format(n=n) for n in range(size)] for size in CHECKED}
    found = {
        size: round(statistics.median(timed(partial(loaded, each)) for _ in range(rounds)), 3)
        for size, each in rules.items()
    }
    return {"seconds": found, "ratio": round(found[CHECKED[1]] / found[CHECKED[0]], 1)}


def expressions(rounds: int) -> dict[str, Any]:
    """Microseconds of an evaluation, by rule and by hand, and how many times the one is the other."""
    names = {"data": DATA}
    shown: dict[str, Any] = {}
    for what, text, by_hand in EXPRESSIONS:
        compiled: Any = compile_template(text) if "${" in text else compile_expression(text)
        assert compiled.evaluate(names) == by_hand(DATA), what
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(timed(partial(_often, compiled.evaluate, names)))
            theirs.append(timed(partial(_often, by_hand, DATA)))
        one, other = (statistics.median(each) / EVALUATIONS * 1e6 for each in (ours, theirs))
        shown[what] = {"rule": round(one, 2), "python": round(other, 2), "ratio": round(one / other, 1)}
    return shown


def _often(run: Callable[[Any], Any], given: Any) -> None:
    for _ in range(EVALUATIONS):
        run(given)


def timed(run: Callable[[], Any]) -> float:
    """Seconds of processor time, the garbage collector kept out of it."""
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        run()
        return time.process_time() - begun
    finally:
        gc.enable()


def show(figures: dict[str, Any]) -> None:
    """For people."""
    for name, sizes in figures["matching"]["microseconds"].items():
        told = ", ".join(f"{size:,} rules {value} us" for size, value in sizes.items())
        print(f"{name} an event: {told}; ratio {figures['matching']['ratio'][name]}")
    told = ", ".join(f"{size:,} rules {value} s" for size, value in figures["checking"]["seconds"].items())
    print(f"check rules: {told}; ratio {figures['checking']['ratio']}")
    for what, each in figures["expressions"].items():
        print(f"{what}: {each['rule']} us, by hand {each['python']} us, ratio {each['ratio']}")


if __name__ == "__main__":
    main()
