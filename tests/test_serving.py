"""A server as a process: what its log leaves out."""

from __future__ import annotations

import logging

from hooks.serving import SAID_EVERY, SAID_MOST, Repeated

AWAY = "runs cannot be claimed now: %s"


def record(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("hooks.deliver", level, __file__, 1, message, arguments, None)


def test_the_same_warning_is_said_once_a_minute_and_then_how_often_it_was_not() -> None:
    now = 0.0
    repeated = Repeated(lambda: now)
    said = []
    for _ in range(int(SAID_EVERY) * 2):
        if repeated.filter(one := record(AWAY, "the database is not there")):
            said.append(one.getMessage())
        now += 1.0
    first = "runs cannot be claimed now: the database is not there"
    assert [first, f"{first} (59 times more since this was said last)"] == said
    assert repeated.filter(record(AWAY, "another reason"))


def test_what_is_no_warning_is_said_each_time() -> None:
    repeated = Repeated(lambda: 0.0)
    for level in (logging.INFO, logging.ERROR):
        assert all(repeated.filter(record("routes.yaml is broken", level=level)) for _ in range(3))


def test_very_many_different_warnings_are_not_all_remembered() -> None:
    repeated = Repeated(lambda: 0.0)
    assert all(repeated.filter(record("%s could not be written", number)) for number in range(SAID_MOST + 10))
    assert repeated.filter(record("%s could not be written", 0)), "forgotten, so it is said"
    assert not repeated.filter(record("%s could not be written", SAID_MOST))
