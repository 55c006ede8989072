"""Hostile bodies: whatever a signed sender puts into a mebibyte, no reader and no function is busy with it for long."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hooks.kit.samples import Sample, samples
from hooks.pipeline.bounded import LONGEST
from hooks.ports import Vendor
from hooks.registry import VENDORS
from hooks.rules.expression import compile_expression
from hooks.rules.faults import EvaluationError, ExpressionError
from hooks.rules.functions import FUNCTIONS
from tests.faults.conftest import Tell
from tests.faults.table import Row
from tests.vendors.test_contract import NOW, source

ROOM = 1024 * 1024 - 4096
BODIES, EXPRESSIONS = 100, 800

VALUES: dict[str, Any] = {
    **{
        f"text of {part!r}": part * (ROOM // len(part.encode())) for part in ("a", "1", "aA", "a,", "x@y.z,", "1/", "é")
    },
    "text of phones": "3035550142 x" * (ROOM // 12),
    "blanks": "a" + " " * (ROOM - 2) + "a",
    "money": "$1" + ",000" * (ROOM // 4),
    "extensions": "3035550142" + "x1" * 120,
    "numbers": list(range(140_000)),
    "phones": ["3035550142"] * 75_000,
    "objects": [{}] * 250_000,
    "names": [{"name": "a"}] * 75_000,
    "keys": {str(number): number for number in range(65_000)},
}


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from paths(inner, (*at, name))


def put(value: Any, at: tuple[Any, ...], hostile: Any) -> Any:
    if not at:
        return hostile
    made = copy.copy(value)
    made[at[0]] = put(value[at[0]], at[1:], hostile)
    return made


def repeated(value: Any) -> Any:
    """A list as often as a body can hold its first item."""
    return [value[0]] * (ROOM // (len(json.dumps(value[0])) + 2)) if isinstance(value, list) and value else value


def hostile_bodies(vendor: Vendor, chance: random.Random) -> Iterator[tuple[str, Sample]]:
    """Samples with one value replaced, chosen at random among all places and all values."""
    of_json = [one for one in samples(vendor.name) if one.body[:1] in b"{["]
    for _ in range(BODIES if of_json else 0):
        one = chance.choice(of_json)
        body = json.loads(one.body)
        at = chance.choice(list(paths(body)))
        there = body
        for name in at:
            there = there[name]
        kind = chance.choice([*VALUES, "repeated"])
        changed = put(body, at, repeated(there) if kind == "repeated" else VALUES[kind])
        yield f"{one.address} {at}: {kind}", replace(one, body=json.dumps(changed, ensure_ascii=False).encode())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_reader_is_busy_for_long_with_a_hostile_body(tell: Tell) -> None:
    chance = random.Random(33)
    worst, where, tried = 0.0, "", 0
    for vendor in VENDORS:
        if vendor.make_source is None:
            continue
        mine = source(vendor)
        for what, one in hostile_bodies(vendor, chance):
            began = time.process_time()
            with contextlib.suppress(Exception):  # to be refused is as good as to be read
                reading = mine.read(one.inbound(NOW))
                mine.normalize(one.receipt("hostile", reading, NOW, mine.kept_headers))
            took = time.process_time() - began
            tried += 1
            if took > worst:
                worst, where = took, what
    print(worst, where)
    seen = f"{tried} bodies of 1 MiB: the worst took {worst:.1f} s of the processor"
    tell(Row("F33 hostile bodies", "one value of a sample replaced", f"under {LONGEST:g} s each", seen))
    assert worst < LONGEST, where


_DATA = {
    "big": "abcdefghij klmno 1" * 3000,
    "ints": list(range(140_000)),
    "texts": [f"{number:010}" for number in range(60_000)],
    "phones": [f"+1 (303) 555-{number:04} x12" for number in range(10_000)] * 4,
    "dates": ["2026-05-04T14:02:11Z"] * 30_000,
    "money": ["$1,200.50"] * 30_000,
    "objects": [{"i": number} for number in range(40_000)],
    "long": ["abcdefghijklmnopqrst" * 200] * 250,
}
_OTHERS = ("'a'", "data.big", "2", "data.ints", "'America/New_York'", "'2h'")
_INNER = (
    *("phone(.)", "email(.)", "dollars(cents(.))", "hash(.)", "json(data.big)", "lower(data.big)", "title(.)"),
    *("date(.)", "in_zone(., 'Asia/Kolkata')", "later(., '1h')", "number(.)", ". matches '(a|b|c)*d(e|f)*g'"),
    *(". matches '(.*a){3}b'", "data.texts contains .", "unique(data.ints)", "data.objects == data.objects"),
    *("replace(data.big, 'a', 'b')", "any(data.texts, . == 'x')", "join(',', data.texts)", "split(data.big, 'a')"),
)


def hostile_expressions() -> Iterator[str]:
    """Every function on every kind of data, and list functions with something dear for each item."""
    for name, function in FUNCTIONS.items():
        for first in _DATA:
            yield f"{name}(data.{first})"
            if len(function.parameters) > 1:
                yield from (f"{name}(data.{first}, {second})" for second in _OTHERS)
    for outer in ("map", "filter", "any", "all", "sum", "find", "sort"):
        yield from (f"{outer}(data.{over}, {inner})" for over in _DATA for inner in _INNER)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_expression_is_busy_for_long_with_a_hostile_event(tell: Tell) -> None:
    every = list(hostile_expressions())
    chosen = random.Random(34).sample(every, min(EXPRESSIONS, len(every)))
    worst, where, tried = 0.0, "", 0
    for text in chosen:
        try:
            expression = compile_expression(text)
        except ExpressionError:
            continue
        began = time.process_time()
        with contextlib.suppress(EvaluationError):
            expression.evaluate({"data": _DATA})
        took = time.process_time() - began
        tried += 1
        if took > worst:
            worst, where = took, text
    print(worst, where)
    seen = f"{tried} expressions: the worst, {where.split('(')[0]}(), took {worst:.2f} s of the processor"
    tell(Row("F33 hostile expressions", "every function on large data", f"under {LONGEST:g} s each", seen))
    assert tried > 300
    assert worst < LONGEST / 3, where
